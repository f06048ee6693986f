//! The examples of a help text, with names of providers that exist.

use crate::provider;

/// Replaces `{provider}`, `{other}` and `{user}`: two providers, and a user of the first.
pub(super) fn examples(text: &str) -> String {
    let [provider, other] = provider::EXAMPLES;
    let user = format!("{}2vX11z", provider.id_prefix);
    text.replace("{provider}", provider.name)
        .replace("{other}", other.name)
        .replace("{user}", &user)
}
