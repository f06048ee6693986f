//! Reads a provider's JSON: a view of one object whose errors name the field and never quote a value.
//!
//! A view keeps the original text, so that `jsonb` receives what was signed. If a key appears twice the last one
//! wins, as in `jsonb` itself.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

/// Why verified bytes cannot be understood. The texts hold names of fields, never their values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("the body is not UTF-8")]
    NotUtf8,
    #[error("`{field}` is not valid JSON: {problem}")]
    Syntax { field: &'static str, problem: String },
    #[error("`{field}` is missing or empty")]
    Missing { field: &'static str },
    #[error("`{field}` is not {expected}")]
    Unexpected { field: &'static str, expected: &'static str },
    #[error("`{field}` is longer than {limit} bytes")]
    TooLong { field: &'static str, limit: usize },
    #[error("the change is dated more than a day in the future")]
    Future,
    #[error(
        "the delivery comes from another instance than the one in the `instance` of its source"
    )]
    OtherInstance,
}

/// The longest entity id in bytes: it is an index key, and Postgres refuses keys of some 2,700 bytes.
pub const MAX_ID_LEN: usize = 255;

/// One JSON object: its keys, and the text of their values.
pub struct Object<'a> {
    text: &'a str,
    fields: BTreeMap<Cow<'a, str>, &'a RawValue>,
}

impl<'a> Object<'a> {
    /// `field` names the object in errors.
    pub fn parse(text: &'a str, field: &'static str) -> Result<Self, Unreadable> {
        let Fields(fields) =
            serde_json::from_str(text).map_err(|error| refusal(&error, field, "a JSON object"))?;
        Ok(Self { text, fields })
    }

    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The field's text; `None` if it is missing, null or blank.
    pub fn filled(&self, field: &'static str) -> Result<Option<String>, Unreadable> {
        let Some(value) = self.present(field) else { return Ok(None) };
        let text: Cow<'a, str> = read(value, field, "a string")?;
        let text = text.trim();
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    /// The id of an entity: a string that is not empty and fits an index.
    pub fn id(&self, field: &'static str) -> Result<String, Unreadable> {
        let value = self.present(field).ok_or(Unreadable::Missing { field })?;
        let id: String = read(value, field, "a string")?;
        if id.trim().is_empty() {
            return Err(Unreadable::Missing { field });
        }
        if id.len() > MAX_ID_LEN {
            return Err(Unreadable::TooLong { field, limit: MAX_ID_LEN });
        }
        Ok(id)
    }

    /// `false` if the field is missing or null.
    pub fn flag(&self, field: &'static str) -> Result<bool, Unreadable> {
        self.present(field).map_or(Ok(false), |value| read(value, field, "true or false"))
    }

    pub fn integer(&self, field: &'static str) -> Result<Option<i64>, Unreadable> {
        self.present(field).map(|value| read(value, field, "a whole number")).transpose()
    }

    pub fn object(&self, field: &'static str) -> Result<Option<Self>, Unreadable> {
        self.present(field).map(|value| Object::parse(value.get(), field)).transpose()
    }

    /// Whether the field exists, even if it is null.
    pub fn knows(&self, field: &str) -> bool {
        self.fields.contains_key(field)
    }

    /// The names of the fields and the text of their values.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.fields.iter().map(|(name, value)| (&**name, value.get()))
    }

    /// Whether the field exists and is not null.
    pub fn has(&self, field: &str) -> bool {
        self.present(field).is_some()
    }

    /// The objects of an array; empty if the field is missing or null.
    pub fn objects(&self, field: &'static str) -> Result<Vec<Self>, Unreadable> {
        let Some(value) = self.present(field) else { return Ok(Vec::new()) };
        let values: Vec<&'a RawValue> = read(value, field, "an array")?;
        values.into_iter().map(|value| Object::parse(value.get(), field)).collect()
    }

    /// The strings of an array; empty if the field is missing or null.
    pub fn strings(&self, field: &'static str) -> Result<Vec<String>, Unreadable> {
        self.present(field)
            .map_or(Ok(Vec::new()), |value| read(value, field, "an array of strings"))
    }

    /// A point in time as a number or a string of digits: seconds or milliseconds since 1970, distinguished by
    /// size.
    pub fn time(&self, field: &'static str) -> Result<Option<Timestamp>, Unreadable> {
        let Some(value) = self.present(field) else { return Ok(None) };
        let expected = "a time in seconds or milliseconds";
        instant(value.get().trim_matches('"'))
            .map(Some)
            .ok_or(Unreadable::Unexpected { field, expected })
    }

    /// A point in time as text (RFC 3339; without a zone it is in UTC), or as in [`Self::time`]. What is finer than a microsecond
    /// is cut off, because Postgres keeps no more.
    pub fn date(&self, field: &'static str) -> Result<Option<Timestamp>, Unreadable> {
        let Some(value) = self.present(field) else { return Ok(None) };
        let text = value.get().trim_matches('"');
        let expected = "a date with a time, or a time in seconds or milliseconds";
        dated(text)
            .or_else(|| instant(text))
            .map(Some)
            .ok_or(Unreadable::Unexpected { field, expected })
    }

    fn present(&self, field: &str) -> Option<&'a RawValue> {
        self.fields.get(field).copied().filter(|value| value.get() != "null")
    }
}

/// The objects of an array that is the whole text.
pub fn objects<'a>(text: &'a str, field: &'static str) -> Result<Vec<Object<'a>>, Unreadable> {
    elements(text, field)?.into_iter().map(|value| Object::parse(value, field)).collect()
}

/// The texts of the elements of an array that is the whole text.
pub fn elements<'a>(text: &'a str, field: &'static str) -> Result<Vec<&'a str>, Unreadable> {
    let values: Vec<&'a RawValue> =
        serde_json::from_str(text).map_err(|error| refusal(&error, field, "an array"))?;
    Ok(values.into_iter().map(RawValue::get).collect())
}

/// A smaller number counts seconds: as milliseconds it would lie before March 1973.
const FIRST_MILLISECOND: u64 = 100_000_000_000;

/// The year 1 in seconds: Postgres knows no instant before 4714 BC.
const EARLIEST: i64 = -62_135_596_800;

fn instant(digits: &str) -> Option<Timestamp> {
    let number = digits.parse::<i64>().ok().or_else(|| whole(digits.parse::<f64>().ok()?))?;
    let instant = if number.unsigned_abs() < FIRST_MILLISECOND {
        Timestamp::from_second(number)
    } else {
        Timestamp::from_millisecond(number)
    };
    instant.ok().filter(|at| at.as_second() >= EARLIEST)
}

fn dated(text: &str) -> Option<Timestamp> {
    let zoned = text.parse::<Timestamp>().ok();
    let without_zone = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
    let at = zoned.or_else(|| Some(without_zone()?.timestamp()))?;
    let at = Timestamp::from_microsecond(at.as_microsecond()).ok()?;
    Some(at).filter(|at| at.as_second() >= EARLIEST)
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
fn whole(number: f64) -> Option<i64> {
    (number.abs() < 9e15).then_some(number as i64)
}

fn read<'a, T: Deserialize<'a>>(
    value: &'a RawValue,
    field: &'static str,
    expected: &'static str,
) -> Result<T, Unreadable> {
    serde_json::from_str(value.get()).map_err(|error| refusal(&error, field, expected))
}

/// serde's own message for a wrong type quotes the value, so it is replaced.
fn refusal(error: &serde_json::Error, field: &'static str, expected: &'static str) -> Unreadable {
    match error.classify() {
        Category::Data => Unreadable::Unexpected { field, expected },
        _ => Unreadable::Syntax { field, problem: error.to_string() },
    }
}

struct Fields<'a>(BTreeMap<Cow<'a, str>, &'a RawValue>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LastWins;

        impl<'de> Visitor<'de> for LastWins {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = BTreeMap::new();
                while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
                    fields.insert(key, value);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(LastWins)
    }
}

/// A key, borrowed from the text unless it holds an escape.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Replaces the escape `\u0000`, which `jsonb` and `text` refuse, by U+FFFD; bytes without one are returned
/// unchanged.
pub fn without_nul(body: Bytes) -> Bytes {
    const NUL: &[u8] = br"\u0000";
    if !body.windows(NUL.len()).any(|window| window == NUL) {
        return body;
    }

    let mut text = BytesMut::from(&body[..]);
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with(NUL) {
            text[at..at + NUL.len()].copy_from_slice(br"\ufffd");
        }
        // A backslash escapes the next byte: in `\\u0000` the second backslash starts no escape.
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    text.freeze()
}
