//! Keys that are sent as they are: to a provider's API, or to ours.

use std::collections::BTreeSet;

use secrecy::SecretString;

use super::parser::Parser;

/// Shorter tokens can be guessed.
const SHORTEST_TOKEN: usize = 16;
/// 16 random characters almost always hold at least this many different ones.
const FEWEST_DIFFERENT: usize = 6;

/// Words that examples use in place of a real token.
const PLACEHOLDERS: [&str; 10] = [
    "7d5f1c0f6f0b4c7f9a3e2d1c0b9a8f7e",
    "0123456789",
    "1234567890",
    "abcdefgh",
    "changeme",
    "changethis",
    "placeholder",
    "replaceme",
    "youradmintoken",
    "yourtoken",
];

impl Parser<'_> {
    /// Reads a key as a secret, without the blanks and quotes pasted around it; a line break is a mistake.
    pub(super) fn key(&mut self, variable: &str) -> Option<String> {
        let text = self.secret(variable)?;
        let key = text.trim_matches(|c: char| c.is_whitespace() || c == '"' || c == '\'');
        if key.is_empty() || key.contains(char::is_control) {
            self.mistake(variable, "is not a key: paste it again, alone and on one line");
        }
        Some(key.to_owned())
    }

    pub(super) fn admin_token(&mut self) -> Option<SecretString> {
        const MAKE_ONE: &str = "make one with `openssl rand -hex 32`";
        let token = self.key("ADMIN_TOKEN")?;
        if token.len() < SHORTEST_TOKEN {
            let problem = format!("is shorter than {SHORTEST_TOKEN} characters: {MAKE_ONE}");
            self.mistake("ADMIN_TOKEN", problem);
        } else if is_placeholder(&token) || is_repetitive(&token) {
            let problem =
                format!("is an example, or repeats itself, and can be guessed: {MAKE_ONE}");
            self.mistake("ADMIN_TOKEN", problem);
        }
        Some(token.into())
    }
}

fn is_placeholder(token: &str) -> bool {
    let letters: String = token.chars().filter(char::is_ascii_alphanumeric).collect();
    let letters = letters.to_ascii_lowercase();
    PLACEHOLDERS.iter().any(|placeholder| letters.contains(placeholder))
}

/// Whether the token has few different characters, or repeats one part.
fn is_repetitive(token: &str) -> bool {
    let bytes = token.as_bytes();
    let repeats = |length| bytes.iter().zip(&bytes[length..]).all(|(one, next)| one == next);
    let different = bytes.iter().collect::<BTreeSet<_>>().len();
    different < FEWEST_DIFFERENT || (1..=bytes.len() / 2).any(repeats)
}
