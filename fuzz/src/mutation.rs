//! Small changes to bytes, to JSON, to tokens and to headers.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

use crate::random::Random;

/// The longest body; the service takes 1 MiB, most of which teaches nothing new.
const LONGEST: usize = 64 << 10;

/// Pieces that parsers trip over.
const PIECES: [&str; 40] = [
    "",
    " ",
    "\0",
    "\r\n",
    "\t",
    ",",
    ".",
    "..",
    "=",
    "==",
    "-",
    "+",
    "/",
    "_",
    "\"",
    "\\",
    "{}",
    "[]",
    "null",
    "true",
    "-1",
    "0",
    "1e308",
    "1e999",
    "-0",
    "0.1",
    "99999999999999999999999999",
    "9223372036854775807",
    "-9223372036854775808",
    "253402300799999",
    "\\u0000",
    "\\ud800",
    "é",
    "\u{feff}",
    "\u{202e}",
    "none",
    "HS256",
    "v1,",
    "v1=",
    "t=",
];

pub(crate) struct Mutator(pub(crate) Random);

impl Mutator {
    /// Changes bytes, or JSON if they are JSON.
    pub(crate) fn body(&mut self, body: &[u8], other: &[u8]) -> Vec<u8> {
        let parsed = serde_json::from_slice(body).ok().filter(|_| self.0.once_in(2));
        let mut changed = match parsed {
            Some(mut value) => {
                self.json(&mut value);
                value.to_string().into_bytes()
            }
            None => self.bytes(body, other),
        };
        changed.truncate(LONGEST);
        changed
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.0.below(4) {
            let (from, to) = self.range(bytes.len());
            match self.0.below(8) {
                0 if from < bytes.len() => bytes[from] ^= 1 << self.0.below(8),
                1 if from < bytes.len() => bytes[from] = self.0.next() as u8,
                2 => drop(bytes.drain(from..to)),
                3 => drop(bytes.splice(from..from, self.0.pick(&PIECES).bytes())),
                4 => drop(bytes.splice(from..to, self.0.pick(&PIECES).bytes())),
                5 => bytes.extend_from_within(from..to),
                6 => bytes.truncate(from),
                _ => {
                    let (start, end) = self.range(other.len());
                    drop(bytes.splice(from..to, other[start..end].iter().copied()));
                }
            }
        }
        bytes
    }

    fn range(&mut self, length: usize) -> (usize, usize) {
        let from = self.0.below(length + 1);
        // Most changes are small.
        let most = if self.0.once_in(4) { length - from } else { (length - from).min(8) };
        (from, from + self.0.below(most + 1))
    }

    /// Changes one value somewhere below.
    fn json(&mut self, value: &mut Value) {
        match value {
            Value::Object(fields) if !fields.is_empty() && !self.0.once_in(6) => {
                self.fields(fields)
            }
            Value::Array(items) if !items.is_empty() && !self.0.once_in(6) => {
                let place = self.0.below(items.len());
                match self.0.below(4) {
                    0 => drop(items.remove(place)),
                    1 => items.push(items[place].clone()),
                    _ => self.json(&mut items[place]),
                }
            }
            Value::String(text) if self.0.once_in(2) => {
                let changed = self.bytes(text.as_bytes(), b"");
                *text = String::from_utf8_lossy(&changed).into_owned();
            }
            _ => *value = self.value(),
        }
    }

    fn fields(&mut self, fields: &mut Map<String, Value>) {
        let names: Vec<_> = fields.keys().cloned().collect();
        let name = self.0.pick(&names).clone();
        match self.0.below(6) {
            0 => drop(fields.remove(&name)),
            1 => {
                let other = fields[self.0.pick(&names)].clone();
                fields.insert(name, other);
            }
            _ => self.json(&mut fields[&name]),
        }
    }

    fn value(&mut self) -> Value {
        match self.0.below(9) {
            0 => Value::Null,
            1 => json!(self.0.next() as i64),
            2 => json!(f64::from_bits(self.0.next())),
            3 => json!(-1),
            4 => json!("x".repeat(self.0.below(4_000))),
            5 => (0..self.0.below(120)).fold(json!([]), |inner, _| json!([inner])),
            6 => json!({ "id": "user_1", "type": "user.deleted" }),
            7 => json!(true),
            _ => json!(self.0.pick(&PIECES)),
        }
    }

    /// Changes one header: its value, its number, or its place.
    pub(crate) fn headers(&mut self, headers: &mut HeaderMap, other: &HeaderMap) {
        let names: Vec<HeaderName> = headers.keys().cloned().collect();
        if names.is_empty() {
            return;
        }
        let name = self.0.pick(&names).clone();
        let value = headers.get(&name).map(|value| value.as_bytes().to_vec()).unwrap_or_default();
        match self.0.below(8) {
            0 => drop(headers.remove(&name)),
            1 => self.set(headers, &name, &value, true),
            2 => {
                let instead = self.0.pick(&names).clone();
                self.set(headers, &instead, &value, false);
            }
            3 => {
                if let Some(value) = other.get(&name) {
                    headers.insert(name, value.clone());
                }
            }
            4 => {
                let changed = self.token(&value);
                self.set(headers, &name, &changed, false);
            }
            place => {
                let changed = self.bytes(&value, b"");
                self.set(headers, &name, &changed, place == 5);
            }
        }
    }

    fn set(&self, headers: &mut HeaderMap, name: &HeaderName, value: &[u8], beside: bool) {
        let Ok(value) = HeaderValue::from_bytes(value) else { return };
        if beside {
            headers.append(name, value);
        } else {
            headers.insert(name, value);
        }
    }

    /// Changes what one part of a token says; other text is changed as bytes.
    pub(crate) fn token(&mut self, token: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(token).into_owned();
        let mut parts: Vec<_> = text.split('.').map(str::to_owned).collect();
        let place = self.0.below(parts.len());
        let part = &parts[place];
        let decoded = URL_SAFE_NO_PAD.decode(part).or_else(|_| STANDARD.decode(part));
        let Ok(decoded) = decoded else { return self.bytes(token, b"") };
        parts[place] = URL_SAFE_NO_PAD.encode(self.body(&decoded, b""));
        parts.join(".").into_bytes()
    }
}
