//! Guesses the original body before a proxy parsed and reprinted it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

/// The size limit of a variant: the printed form of a body of brackets grows with the square of its length.
const LONGEST: usize = 16 << 20;

/// How JSON is printed.
struct Style {
    indent: &'static str,
    colon: &'static str,
    comma: &'static str,
    /// The number of levels to indent.
    deepest: usize,
}

const MINIFIED: Style = Style { indent: "", colon: ":", comma: ",", deepest: 0 };
const SPACED: Style = Style { colon: ": ", comma: ", ", ..MINIFIED };
const BY_TWO: Style = Style { indent: "  ", colon: ": ", comma: ",", deepest: usize::MAX };
const BY_FOUR: Style = Style { indent: "    ", ..BY_TWO };
const BY_TABS: Style = Style { indent: "\t", ..BY_TWO };
/// Beyond these levels there is more indentation than text.
const FOR_PEOPLE: Style = Style { deepest: 32, ..BY_TWO };

/// Makes a variant of a body, if there is one and it is not too long.
type Change = fn(&str) -> Option<String>;

/// The variants with their descriptions, the likeliest first.
const CHANGES: [(Change, &str); 17] = [
    (without_mark, "without the byte order mark before it"),
    (|text| Some(bare(text).to_owned()), "without the blanks around it"),
    (|text| Some(format!("{}\n", bare(text))), "with a new line at its end"),
    (|text| Some(format!("{}\r\n", bare(text))), "with a new line at its end"),
    (|text| Some(text.replace("\r\n", "\n")), "with other line ends"),
    (|text| Some(text.replace("\r\n", "\n").replace('\n', "\r\n")), "with other line ends"),
    (|text| whole(text, &MINIFIED), "when it is minified"),
    (|text| whole(text, &SPACED), "when it is printed with blanks after commas and colons"),
    (|text| whole(text, &BY_TWO), "when it is pretty-printed with two blanks"),
    (|text| whole(text, &BY_FOUR), "when it is pretty-printed with four blanks"),
    (|text| whole(text, &BY_TABS), "when it is pretty-printed with tabs"),
    (|text| Some(unescaped(&whole(text, &MINIFIED)?)), "when its \\u escapes are letters"),
    (|text| Some(escaped(&whole(text, &MINIFIED)?)), "when its letters are \\u escapes"),
    (|text| Some(escaped(&whole(text, &SPACED)?)), "when its letters are \\u escapes"),
    (|text| Some(whole(text, &MINIFIED)?.replace('/', "\\/")), "when its slashes are escaped"),
    (|text| serde_json::from_str(bare(text)).ok(), "when it is taken out of a JSON string"),
    (from_base64, "when it is decoded from base64"),
];

/// The variants with their descriptions, created lazily.
pub(super) fn variants(body: &Bytes) -> impl Iterator<Item = (Bytes, &'static str)> {
    let text = String::from_utf8_lossy(body).into_owned();
    CHANGES.into_iter().filter_map(move |(change, what)| Some((change(&text)?.into(), what)))
}

fn without_mark(text: &str) -> Option<String> {
    text.strip_prefix('\u{feff}').map(str::to_owned)
}

/// The base64 form in which gateways pass on binary bodies.
fn from_base64(text: &str) -> Option<String> {
    String::from_utf8(STANDARD.decode(bare(text)).ok()?).ok()
}

fn bare(text: &str) -> &str {
    text.trim_start_matches('\u{feff}').trim()
}

fn whole(text: &str, style: &Style) -> Option<String> {
    let Excerpt { text, left_out } = printed(bare(text), style, LONGEST);
    (left_out == 0).then_some(text)
}

/// The beginning of a body, pretty-printed.
#[derive(Debug, PartialEq, Eq)]
pub struct Excerpt {
    pub text: String,
    /// The number of bytes of the body that were cut off.
    pub left_out: usize,
}

/// Pretty-prints JSON, at most `most` bytes of it; its numbers and strings stay as they are.
pub fn pretty(text: &str, most: usize) -> Excerpt {
    printed(text, &FOR_PEOPLE, most)
}

/// The same tokens with other blanks between them, until there are `most` bytes; numbers and strings stay as they are.
fn printed(text: &str, style: &Style, most: usize) -> Excerpt {
    let mut out = String::with_capacity(text.len().min(most));
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(token) = token(text, at) {
        // Indentation may pass the limit by one line.
        if out.len() + token.len() > most {
            let rest = most.saturating_sub(out.len());
            let cut = token.floor_char_boundary(rest);
            out.push_str(&token[..cut]);
            at += cut;
            break;
        }
        push(&mut out, &mut depth, token, &text[at + token.len()..], style);
        at += token.len();
    }
    Excerpt { text: out, left_out: text.len() - at }
}

fn push(out: &mut String, depth: &mut usize, token: &str, rest: &str, style: &Style) {
    let line = |out: &mut String, depth: usize| {
        if !style.indent.is_empty() {
            out.push('\n');
            out.extend(std::iter::repeat_n(style.indent, depth.min(style.deepest)));
        }
    };
    match token {
        "{" | "[" => {
            out.push_str(token);
            *depth += 1;
            if !rest.trim_start().starts_with(['}', ']']) {
                line(out, *depth);
            }
        }
        "}" | "]" => {
            *depth = depth.saturating_sub(1);
            if !out.ends_with(['{', '[']) {
                line(out, *depth);
            }
            out.push_str(token);
        }
        "," => {
            out.push_str(style.comma);
            line(out, *depth);
        }
        ":" => out.push_str(style.colon),
        token => out.push_str(token.trim_ascii()),
    }
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

/// The text with every character beyond ASCII escaped.
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
