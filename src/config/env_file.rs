//! The file `.env`, which often holds lines for other programs too.
//!
//! A line that is not `NAME=value` is skipped; an entry that cannot be read is a mistake only if its variable is
//! used. Nothing is expanded, as in Docker's env files: a `$` is a part of the value.

use std::io;
use std::path::Path;

/// A variable and its value, or why it has none; the line itself is never repeated.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) value: Result<String, String>,
}

/// The entries in their order; empty if the file does not exist. The error says what is wrong with the file as a
/// whole.
pub(super) fn read(path: &Path) -> Result<Vec<Entry>, String> {
    if path.is_dir() {
        return Err("is a directory: users-sync reads a file of this name, so rename it".into());
    }
    match std::fs::read(path) {
        Ok(bytes) => Ok(entries(&text(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => {
            Err(format!("cannot be read: {error}; let this user read it, or move it away"))
        }
    }
}

/// A byte that is not UTF-8 makes only its own entry unreadable, which may belong to another program.
fn text(bytes: &[u8]) -> Result<String, String> {
    let is_utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
    if is_utf16 || bytes.contains(&0) {
        return Err("is written in UTF-16, or is not text: save it as UTF-8".into());
    }
    let text = String::from_utf8_lossy(bytes);
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
}

fn entries(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (_, mut after) = split_line(rest);
        if let Some((name, written)) = named(rest) {
            let value = written.and_then(|written| value(written, &mut after, text));
            entries.push(Entry { name: name.to_owned(), value });
        }
        rest = after;
    }
    entries
}

fn split_line(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}

/// The name at the start of the first line, and the text after its `=`.
fn named(text: &str) -> Option<(&str, Result<&str, String>)> {
    const BLANKS: [char; 2] = [' ', '\t'];
    let start = text.trim_start_matches(BLANKS);
    let exported = start.strip_prefix("export").filter(|rest| rest.starts_with(BLANKS));
    let start = exported.unwrap_or(start).trim_start_matches(BLANKS);
    let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (name, rest) = start.split_at(start.find(|c| !is_of_a_name(c)).unwrap_or(start.len()));
    // `my-key=1` does not define `my`.
    let ends_there =
        rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || "=:".contains(c));
    if name.is_empty() || !ends_there {
        return None;
    }
    let written = rest.trim_start_matches(BLANKS).strip_prefix('=');
    let written = written.map(|written| written.trim_start_matches(BLANKS));
    Some((name, written.ok_or_else(|| "has no = after its name in .env: write NAME=value".into())))
}

/// Reads a value, and moves `after` past a value of several lines.
fn value<'a>(written: &'a str, after: &mut &'a str, file: &str) -> Result<String, String> {
    let (value, quote) = match written.chars().next() {
        Some(quote @ ('"' | '\'' | '`')) => {
            let (value, rest) = quoted(&written[1..], quote)?;
            *after = rest;
            (value, Some(quote))
        }
        _ => (without_comment(split_line(written).0.trim()), None),
    };
    if value.contains(char::REPLACEMENT_CHARACTER) {
        return Err("is not text in UTF-8 in .env".into());
    }
    match quote {
        Some('\'' | '`') => Ok(value.to_owned()),
        // Without expansion it would be a wrong password, and no message would say why.
        _ if refers_to_another(value, file) => Err(
            "refers to another variable in .env, where nothing is expanded: write the value itself, \
             or put it in single quotes if the $ belongs to it"
                .into(),
        ),
        Some(_) => Ok(unescaped(value)),
        None => Ok(value.to_owned()),
    }
}

/// The text before the closing quote, on this line or a later one, and the lines after it.
fn quoted(text: &str, quote: char) -> Result<(&str, &str), String> {
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        if character == '\\' && quote == '"' {
            characters.next();
        } else if character == quote {
            let (tail, after) = split_line(&text[at + 1..]);
            let tail = tail.trim();
            if tail.is_empty() || tail.starts_with('#') {
                return Ok((&text[..at], after));
            }
            break;
        }
    }
    Err(format!(
        "begins in .env with a quote that does not end its value: close it with {quote}, or write the value without quotes"
    ))
}

fn without_comment(value: &str) -> &str {
    let comment = value.match_indices('#').find(|(at, _)| value[..*at].ends_with([' ', '\t']));
    let end = if value.starts_with('#') { 0 } else { comment.map_or(value.len(), |(at, _)| at) };
    value[..end].trim_end()
}

/// Whether it has `${…}`, or `$NAME` of a name that this file defines.
fn refers_to_another(value: &str, file: &str) -> bool {
    value.split('$').skip(1).any(|rest| {
        let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let name = &rest[..rest.find(|c| !is_of_a_name(c)).unwrap_or(rest.len())];
        let sets = |line| named(line).is_some_and(|(set, _)| set == name);
        rest.starts_with('{') && rest.contains('}') || file.lines().any(sets)
    })
}

fn unescaped(value: &str) -> String {
    let mut plain = String::with_capacity(value.len());
    let mut characters = value.chars().peekable();
    while let Some(character) = characters.next() {
        let escaped = match characters.peek() {
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            Some(other @ ('"' | '\\' | '$')) => Some(*other),
            _ => None,
        };
        match escaped.filter(|_| character == '\\') {
            Some(escaped) => {
                characters.next();
                plain.push(escaped);
            }
            None => plain.push(character),
        }
    }
    plain
}
