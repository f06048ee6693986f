//! The invariants of `src/lib.rs`, held against the sources.

mod modules;
mod source;

use std::collections::BTreeSet;

use users_sync::provider::{self, Provider};

use source::{Line, lines};

/// Asserts that these modules, and no others, have what is looked for.
fn only(owners: &[&str], is_it: impl Fn(&Line) -> bool) {
    let found: Vec<_> = lines().into_iter().filter(is_it).collect();
    let having: BTreeSet<_> = found.iter().map(Line::module).collect();
    let foreign = found.iter().filter(|line| !owners.contains(&line.module()));
    let foreign: Vec<_> = foreign.map(Line::place).collect();

    assert_eq!(foreign, Vec::<String>::new());
    // An owner that has nothing left gives up its right, and a pattern that fits nothing checks nothing.
    assert_eq!(having, owners.iter().copied().collect());
}

#[test]
fn only_config_reads_the_environment() {
    only(&["config"], |line| line.code.contains("env::var") || line.code.contains("env::{"));
}

#[test]
fn only_db_holds_sql() {
    only(&["db"], |line| runs_sql(&line.code) || is_sql(&line.text));
}

/// Whether it hands a statement to Postgres.
fn runs_sql(code: &str) -> bool {
    let calls = [
        "batch_execute(",
        "execute_typed(",
        "query_typed(",
        "query_typed_raw(",
        "query_one(",
        "query_opt(",
        "simple_query(",
        "prepare_typed(",
        "copy_in(",
        "copy_out(",
    ];
    let with_text = [".query(\"", ".execute(\"", ".prepare(\""];
    calls.iter().chain(&with_text).any(|call| code.contains(call))
}

/// Whether a literal holds a statement, or the name of a file with one. A statement between backticks is advice for a person.
fn is_sql(text: &str) -> bool {
    let lower: String = text.to_lowercase().split('`').step_by(2).collect();
    let words: Vec<_> = lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let starts = [
        ["insert", "into"],
        ["delete", "from"],
        ["set", "local"],
        ["set", "constraints"],
        ["lock", "table"],
        ["create", "table"],
        ["create", "schema"],
        ["alter", "table"],
        ["drop", "table"],
        ["create", "database"],
    ];
    let is_update = |three: &[&str]| three[0] == "update" && three[2] == "set";
    lower.contains("/sql/")
        || words.windows(2).any(|two| starts.iter().any(|start| start == two))
        || words.windows(3).any(is_update)
        || lower.split_once("select ").is_some_and(|(_, rest)| rest.contains(" from "))
}

#[test]
fn only_provider_names_a_provider() {
    only(&["provider"], |line| provider::ALL.iter().any(|provider| names(line, provider)));
}

/// Whether it has the provider's name or title, or an id that only the provider's users have.
fn names(line: &Line, provider: &Provider) -> bool {
    let capitalized = format!("{}{}", provider.name[..1].to_uppercase(), &provider.name[1..]);
    let names = [provider.name, &capitalized, &provider.name.to_uppercase(), provider.title];
    // A vendor of databases, too, has a variable for the address of one.
    let is_database = |text: &str| text.ends_with("_DB_URL");
    let is_named = |text: &str| {
        // The mirrors have the schema and the form of a product of that vendor's.
        let of_mirrors = ["neon_auth", "neonAuth", "Neon Auth", "NEON_DATABASE_URL"];
        let text = of_mirrors.iter().fold(text.to_owned(), |text, name| text.replace(name, ""));
        !is_database(&text) && names.iter().any(|name| has_word(&text, name))
    };
    is_named(&line.code) || is_named(&line.text) || has_id(&line.text, provider.id_prefix)
}

/// Whether the name is there, alone or as a part of a name, but not as a part of a longer word.
fn has_word(text: &str, name: &str) -> bool {
    let is_word = |at: usize| {
        let before = text[..at].chars().next_back().filter(char::is_ascii_alphabetic);
        let after = text[at + name.len()..].chars().next().filter(char::is_ascii_lowercase);
        // `StackAuth` has a new word after the name, `MyStack` one before it.
        after.is_none() && (before.is_none() || name.starts_with(char::is_uppercase))
    };
    text.match_indices(name).any(|(at, _)| is_word(at))
}

fn has_id(text: &str, prefix: &str) -> bool {
    let after = |at: usize| text[at + prefix.len()..].chars().next();
    !prefix.is_empty()
        && text.match_indices(prefix).any(|(at, _)| after(at).is_some_and(|c| c.is_ascii_digit()))
}

#[test]
fn only_a_signature_scheme_names_its_headers() {
    let names = ["svix-", "webhook-id", "webhook-timestamp", "webhook-signature", "msg_"];
    let is_named = |text: &str| names.iter().any(|name| text.to_lowercase().contains(name));

    only(&["signature"], |line| is_named(&line.text) || line.code.contains("svix::"));
}

#[test]
fn only_http_and_api_know_status_codes() {
    only(&["api", "http"], |line| {
        let calls = ["StatusCode", "error_for_status", ".as_u16()", "response.status()"];
        calls.iter().any(|call| line.code.contains(call)) || has_status(&line.code)
    });
}

/// Whether it has a number that can be a status. A number that has a name of its own is none.
fn has_status(code: &str) -> bool {
    let is_named = code.contains("const ") || code.contains("static ");
    let words = code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.');
    let is_status = |word: &str| {
        let word = word.trim_end_matches("_u16");
        word.len() == 3 && word.parse::<u16>().is_ok_and(|number| (400..600).contains(&number))
    };
    // A range is two numbers.
    !is_named && words.flat_map(|word| word.split("..")).any(is_status)
}
