//! Ids of entities that have none of their own, and ids in paths.

use percent_encoding::{
    AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode,
};

/// An id composed of parts, for entities without an id of their own. Different parts give different ids.
pub(super) fn composed(parts: &[&str]) -> String {
    let escaped = parts.iter().map(|part| utf8_percent_encode(part, PART).to_string());
    escaped.collect::<Vec<_>>().join("/")
}

/// The parts of an id that [`composed`] made.
pub(super) fn parts(id: &str) -> Vec<String> {
    let decoded = |part| percent_decode_str(part).decode_utf8_lossy().into_owned();
    id.split('/').map(decoded).collect()
}

/// An id as one segment of a path.
pub(super) fn segment(id: &str) -> String {
    utf8_percent_encode(id, SEGMENT).to_string()
}

/// The characters that stay as they are in such a segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');

/// The characters that must be escaped in a part of an id.
const PART: &AsciiSet = &CONTROLS.add(b'%').add(b'/');
