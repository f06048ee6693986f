//! The fields that `raw_json` stores. The rest of the text stays as it is, so that numbers keep all their digits.

use super::Rules;
use crate::json::{Object, Unreadable, elements};
use crate::model::RawJson;

/// Arrays within arrays deeper than this are left out: no vendor nests them, and each level costs stack.
const DEEPEST: usize = 8;

/// What happens to the values that the paths name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Keep,
    Drop,
}

impl Rules {
    /// Whether `raw_json` lacks fields of the provider's object.
    pub fn trims(&self) -> bool {
        !self.keep.is_empty() || !self.drop.is_empty()
    }

    /// The object that `raw_json` stores, from the provider's.
    pub(super) fn stored(&self, raw: RawJson) -> Result<RawJson, Unreadable> {
        if !self.trims() {
            return Ok(raw);
        }
        let mut text = raw.as_str().ok_or(Unreadable::NotUtf8)?.to_owned();
        for (mode, paths) in [(Mode::Keep, &self.keep), (Mode::Drop, &self.drop)] {
            if !paths.is_empty() {
                let paths: Vec<_> = paths.iter().map(String::as_str).collect();
                text = object(&Object::parse(&text, "raw_json")?, &paths, mode, is_id)?;
            }
        }
        Ok(RawJson(text.into()))
    }
}

/// The ids of an object always stay: they say whose it is.
fn is_id(name: &str) -> bool {
    name == "id" || name.ends_with("_id") || name.ends_with("Id")
}

fn object(
    object: &Object<'_>,
    paths: &[&str],
    mode: Mode,
    stays: impl Fn(&str) -> bool,
) -> Result<String, Unreadable> {
    let mut kept = Vec::new();
    for (name, value) in object.fields() {
        let below: Vec<_> = paths.iter().filter_map(|path| below(path, name)).collect();
        let value = if stays(name) {
            Some(value.to_owned())
        } else if below.contains(&"") {
            (mode == Mode::Keep).then(|| value.to_owned())
        } else if below.is_empty() {
            (mode == Mode::Drop).then(|| value.to_owned())
        } else {
            inner(value, &below, mode, 0)?
        };
        kept.extend(value.map(|value| format!("{}:{value}", serde_json::Value::from(name))));
    }
    Ok(format!("{{{}}}", kept.join(",")))
}

/// The value at the beginning of some paths; a path goes through the elements of an array.
fn inner(
    value: &str,
    paths: &[&str],
    mode: Mode,
    depth: usize,
) -> Result<Option<String>, Unreadable> {
    match value.as_bytes().first() {
        Some(b'{') => object(&Object::parse(value, "raw_json")?, paths, mode, |_| false).map(Some),
        Some(b'[') if depth >= DEEPEST => Ok(None),
        Some(b'[') => {
            let mut kept = Vec::new();
            for element in elements(value, "raw_json")? {
                kept.extend(inner(element, paths, mode, depth + 1)?);
            }
            Ok(Some(format!("[{}]", kept.join(","))))
        }
        _ => Ok((mode == Mode::Drop).then(|| value.to_owned())),
    }
}

/// What follows this name in a path; empty at its end.
fn below<'p>(path: &'p str, name: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(name)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.') }
}
