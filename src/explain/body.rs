//! What a body may have been before something parsed it and printed it again.

use bytes::Bytes;

/// Each with what it is, in words; the likeliest first.
pub(super) fn variants(body: &Bytes) -> impl Iterator<Item = (Bytes, &'static str)> {
    let text = String::from_utf8_lossy(body).into_owned();
    let bare = text.trim_start_matches('\u{feff}').trim().to_owned();
    [
        (bare.clone(), "without the blanks around it"),
        (format!("{bare}\n"), "with a new line at its end"),
        (format!("{bare}\r\n"), "with a new line at its end"),
        (text.replace("\r\n", "\n"), "with other line ends"),
        (text.replace('\n', "\r\n"), "with other line ends"),
        (printed(&bare, "", ":", ","), "when it is minified"),
        (printed(&bare, "", ": ", ", "), "when it is printed with blanks after commas and colons"),
        (printed(&bare, "  ", ": ", ","), "when it is pretty-printed with two blanks"),
        (printed(&bare, "    ", ": ", ","), "when it is pretty-printed with four blanks"),
        (printed(&bare, "\t", ": ", ","), "when it is pretty-printed with tabs"),
        (unescaped(&printed(&bare, "", ":", ",")), "when its \\u escapes are letters"),
        (escaped(&printed(&bare, "", ":", ",")), "when its letters are \\u escapes"),
        (escaped(&printed(&bare, "", ": ", ", ")), "when its letters are \\u escapes"),
        (printed(&bare, "", ":", ",").replace('/', "\\/"), "when its slashes are escaped"),
    ]
    .into_iter()
    .map(|(text, what)| (Bytes::from(text), what))
}

/// JSON for people; its numbers and strings stay as they are.
pub fn pretty(text: &str) -> String {
    printed(text, "  ", ": ", ",")
}

/// Levels that are set in: beyond, a body of brackets would be printed in the square of its length.
const DEEPEST: usize = 32;

/// The same tokens with other blanks between them; numbers and strings stay as they are.
fn printed(text: &str, indent: &str, colon: &str, comma: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut depth = 0_usize;
    let line = |out: &mut String, depth: usize| {
        if !indent.is_empty() {
            out.push('\n');
            out.push_str(&indent.repeat(depth.min(DEEPEST)));
        }
    };
    let mut at = 0;
    while let Some(token) = token(text, at) {
        match token {
            "{" | "[" => {
                out.push_str(token);
                depth += 1;
                if !text[at + 1..].trim_start().starts_with(['}', ']']) {
                    line(&mut out, depth);
                }
            }
            "}" | "]" => {
                depth = depth.saturating_sub(1);
                if !out.ends_with(['{', '[']) {
                    line(&mut out, depth);
                }
                out.push_str(token);
            }
            "," => {
                out.push_str(comma);
                line(&mut out, depth);
            }
            ":" => out.push_str(colon),
            token => out.push_str(token.trim_ascii()),
        }
        at += token.len();
    }
    out
}

/// A string whole, else one character.
pub(super) fn token(text: &str, at: usize) -> Option<&str> {
    let first = text[at..].chars().next()?;
    let end = if first == '"' { end_of_string(text, at) } else { at + first.len_utf8() };
    Some(&text[at..end])
}

/// Behind the closing quote of the string that begins at `start`.
fn end_of_string(text: &str, start: usize) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(start + 1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// As programs print that keep to ASCII.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

/// The escapes of letters beyond ASCII as the letters themselves; others stay.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let (letters, length) = letters(&rest[at..]);
        match letters {
            Some(letters) => out.push_str(&letters),
            None => out.push_str(&rest[at..at + length]),
        }
        rest = &rest[at + length..];
    }
    out + rest
}

/// The run of `\u` escapes that the text begins with, decoded, and its length; else the length of another escape.
fn letters(text: &str) -> (Option<String>, usize) {
    let mut units = Vec::new();
    let mut rest = text;
    while let Some(unit) =
        rest.strip_prefix("\\u").and_then(|hex| u16::from_str_radix(hex.get(..4)?, 16).ok())
    {
        if unit < 0x80 {
            break;
        }
        units.push(unit);
        rest = &rest[6..];
    }
    if units.is_empty() {
        let next = text[1..].chars().next().map_or(0, char::len_utf8);
        return (None, 1 + next);
    }
    (String::from_utf16(&units).ok(), units.len() * 6)
}
