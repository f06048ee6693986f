//! The project uses plain English: words that a reader who learned English at work does not know fail here.

use std::fs;
use std::path::{Path, PathBuf};

/// The texts of the whole repository.
const CHECKED: &[&str] = &[
    ".env.example",
    "CHANGELOG.md",
    "README.md",
    "bench",
    "benches",
    "crates",
    "dev",
    "docs",
    "ops",
    "sql",
    "src",
    "templates",
    "tests",
];

/// Words and phrases to avoid; a plainer one exists for each.
const AVOIDED: &[&str] = &[
    "told",
    "tell",
    "tells",
    "telling",
    "nobody",
    "somebody",
    "anybody",
    "everybody",
    "whoever",
    "whomever",
    "anew",
    "lest",
    "hitherto",
    "thereof",
    "wherein",
    "so long as",
];

/// Their text has a checksum in every database, so it cannot change any more.
const FROZEN: &str = "sql/migrations";

const LANGUAGES: [&str; 11] =
    ["css", "example", "html", "js", "md", "rs", "sh", "sql", "toml", "ts", "yml"];

/// What the tools write or others made.
const FOREIGN: [&str; 3] = ["node_modules", "target", "vendored"];

#[test]
fn every_text_uses_plain_words() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for path in CHECKED.iter().flat_map(|path| files(&root.join(path))) {
        let name = path.strip_prefix(root).expect("it is below the root").display().to_string();
        if name.starts_with(FROZEN) || name == file!() {
            continue;
        }
        let text = fs::read_to_string(&path).expect("it is text");
        for (number, line) in (1..).zip(text.lines()) {
            found.extend(avoided(line).map(|word| format!("{name}:{number}: {word}")));
        }
    }

    assert!(found.is_empty(), "use plainer words:\n{}", found.join("\n"));
}

#[test]
fn avoided_words_are_found_in_sentences_and_names_but_not_in_quotes() {
    let words = |line| avoided(line).collect::<Vec<_>>();

    assert_eq!(
        words("/// Whoever comes first, so long as somebody's there."),
        ["somebody", "whoever", "so long as"]
    );
    assert_eq!(words("fn the_sender_is_told_so() {"), ["told"]);
    assert!(words("the account `nobody`, or \"nobody\"").is_empty());
    assert!(words("retell the toldo of bodies").is_empty());
}

/// The avoided words of a line; a word alone in quotes or backticks is a name.
fn avoided(line: &str) -> impl Iterator<Item = &'static str> {
    let line = line.to_lowercase();
    let plain = spaced(&line);
    AVOIDED.iter().copied().filter(move |word| {
        let padded = format!(" {word} ");
        plain.contains(&padded) && {
            let unquoted =
                line.replace(&format!("`{word}`"), "").replace(&format!("\"{word}\""), "");
            spaced(&unquoted).contains(&padded)
        }
    })
}

/// The words of a text between single spaces.
fn spaced(text: &str) -> String {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(" ".to_owned(), |spaced, word| spaced + word + " ")
}

/// The text files at or below a path.
fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        let extension = path.extension().and_then(|extension| extension.to_str());
        let is_text = extension.is_none_or(|extension| LANGUAGES.contains(&extension));
        return if is_text { vec![path.to_owned()] } else { Vec::new() };
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if FOREIGN.contains(&name) {
        return Vec::new();
    }
    let entries = fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    entries.flat_map(|entry| files(&entry.expect("it can be listed").path())).collect()
}
