//! The password file of libpq: lines of `host:port:database:user:password`.

use std::{os::unix::fs::PermissionsExt, path::Path};

use tracing::warn;

/// A password file that may be read: a regular file that nobody but its owner can open.
pub(crate) struct Pgpass {
    lines: String,
}

impl Pgpass {
    /// Reads `path`; a file that is missing is nothing, one that others can read is ignored with a warning.
    pub(crate) fn open(path: &Path) -> Option<Self> {
        let metadata = path.metadata().ok()?;
        let file = path.display();
        if !metadata.is_file() {
            warn!(%file, "the password file is not a regular file and is ignored");
            return None;
        }
        if metadata.permissions().mode() & 0o077 != 0 {
            warn!(%file, "others can read the password file, so it is ignored: chmod 600 it");
            return None;
        }
        match std::fs::read_to_string(path) {
            Ok(lines) => Some(Self { lines }),
            Err(error) => {
                warn!(%file, %error, "the password file cannot be read and is ignored");
                None
            }
        }
    }

    /// The password on the first line whose four other fields match.
    pub(crate) fn password(&self, login: [&str; 4]) -> Option<String> {
        self.lines.lines().find_map(|line| password_for(line, login))
    }
}

fn password_for(line: &str, login: [&str; 4]) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let mut rest = line;
    for wanted in login {
        let (raw, tail) = split_field(rest)?;
        if raw != "*" && unescape(raw) != wanted {
            return None;
        }
        rest = tail;
    }
    let password = split_field(rest).map_or(rest, |(raw, _)| raw);
    Some(unescape(password)).filter(|password| !password.is_empty())
}

/// Splits at the first colon that no backslash escapes; the field keeps its backslashes.
fn split_field(text: &str) -> Option<(&str, &str)> {
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => drop(characters.next()),
            ':' => return Some((&text[..at], &text[at + 1..])),
            _ => {}
        }
    }
    None
}

fn unescape(text: &str) -> String {
    let mut characters = text.chars();
    let mut plain = String::with_capacity(text.len());
    while let Some(character) = characters.next() {
        plain.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    plain
}

#[cfg(test)]
mod tests;
