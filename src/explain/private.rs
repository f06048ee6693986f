//! Hides the private fields of a body.

use serde_json::value::RawValue;

use super::body::{Excerpt, pretty, token};

/// A pretty-printed body without its private values.
#[derive(Debug, PartialEq, Eq)]
pub struct Discreet {
    pub shown: Excerpt,
    /// The names of the hidden fields, each once.
    pub hidden: Vec<String>,
}

/// The replacement for a private value.
const HIDDEN: &str = "\"(hidden)\"";
/// Values that need no hiding.
const NOTHING: [&str; 4] = ["null", "{}", "[]", "\"\""];

/// At most `most` bytes of the pretty-printed body, with the values of these fields hidden at any depth; `None` if the body is
/// not JSON, in which no field can be recognized.
pub fn discreet(text: &str, private: &[&str], most: usize) -> Option<Discreet> {
    serde_json::from_str::<&RawValue>(text).ok()?;
    let mut out = String::with_capacity(text.len());
    let mut hidden = Vec::new();
    let mut at = 0;
    while let Some(token) = token(text, at) {
        out.push_str(token);
        at += token.len();
        let Some((name, value, rest)) = private_field(token, &text[at..], private) else {
            continue;
        };
        out.push(':');
        if NOTHING.contains(&value) {
            out.push_str(value);
        } else {
            out.push_str(HIDDEN);
            hidden.push(name);
        }
        at = text.len() - rest.len();
    }
    hidden.sort();
    hidden.dedup();
    Some(Discreet { shown: pretty(&out, most), hidden })
}

/// The name, the value and the rest, if the token is the key of a private field.
fn private_field<'a>(
    token: &str,
    rest: &'a str,
    private: &[&str],
) -> Option<(String, &'a str, &'a str)> {
    if !token.starts_with('"') {
        return None;
    }
    // A key may be written with escapes.
    let name: String = serde_json::from_str(token).ok()?;
    let rest = rest.trim_ascii_start().strip_prefix(':')?;
    if !private.contains(&&*name) {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<&RawValue>();
    let value = values.next()?.ok()?.get();
    Some((name, value, &rest[values.byte_offset()..]))
}
