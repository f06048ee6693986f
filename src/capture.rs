//! Requests captured to a file, as `.http` files hold them: head, blank line, body; several are separated by `###`.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};

/// One captured request.
#[derive(Debug)]
pub struct Capture {
    /// From the path `/webhooks/{source}` of its first line, if it has one.
    pub source: Option<String>,
    /// Its first line, if it has one: method, address and version.
    pub request_line: Option<String>,
    pub headers: HeaderMap,
    /// The body as it was sent, with the length that the head states.
    pub body: Bytes,
    /// Everything that follows the head in the file.
    pub rest: Bytes,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotARequest {
    #[error("request {0} has no blank line between its headers and its body")]
    MissingBlankLine(usize),
    #[error("request {0}: header line {1} is not `name: value`")]
    Header(usize, usize),
    #[error("the file holds no request")]
    Empty,
    #[error("the file is UTF-16: save it as UTF-8, or better the bytes as they came")]
    Utf16,
}

impl Capture {
    /// Every request of a file.
    pub fn parse_all(file: &[u8]) -> Result<Vec<Self>, NotARequest> {
        if file.starts_with(b"\xff\xfe") || file.starts_with(b"\xfe\xff") {
            return Err(NotARequest::Utf16);
        }
        let captures = split(file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(file))
            .into_iter()
            .filter(|part| !part.trim_ascii().is_empty())
            .enumerate()
            .map(|(place, part)| Self::parse(part, place + 1))
            .collect::<Result<Vec<_>, _>>()?;
        if captures.is_empty() { Err(NotARequest::Empty) } else { Ok(captures) }
    }

    fn parse(text: &[u8], number: usize) -> Result<Self, NotARequest> {
        let (head, rest) = head_and_rest(text);
        let head = String::from_utf8_lossy(head);
        let (mut request_line, mut headers) = (None, HeaderMap::new());
        for (place, line) in head.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate()
        {
            if place == 0 && is_request_line(line) {
                request_line = Some(line.to_owned());
                continue;
            }
            let not_a_header = match rest {
                Some(_) => NotARequest::Header(number, place + 1),
                None => NotARequest::MissingBlankLine(number),
            };
            let (name, value) = header(line).ok_or(not_a_header)?;
            headers.append(name, value);
        }
        let rest = Bytes::copy_from_slice(rest.unwrap_or_default());
        let body = as_sent(&rest, &headers);
        let source = request_line.as_deref().and_then(source_in);
        Ok(Self { source, request_line, headers, body, rest })
    }

    /// The length of the body according to the head.
    pub fn declared_length(&self) -> Option<usize> {
        declared_length(&self.headers)
    }

    pub fn is_chunked(&self) -> bool {
        is_chunked(&self.headers)
    }

    /// The compression of the body according to the head.
    pub fn compression(&self) -> Option<&'static str> {
        let named = self.headers.get(CONTENT_ENCODING)?.to_str().ok()?.trim();
        let is_it = |known: &&str| known.eq_ignore_ascii_case(named);
        match ["gzip", "br", "deflate", "zstd", "identity", ""].into_iter().find(is_it) {
            Some("identity" | "") => None,
            known => Some(known.unwrap_or("one that is not known here")),
        }
    }
}

/// Splits at lines that begin with `###`, because no line of JSON does.
fn split(file: &[u8]) -> Vec<&[u8]> {
    let (mut parts, mut start, mut at) = (Vec::new(), 0, 0);
    for line in file.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b"###") {
            parts.push(&file[start..at]);
            start = at + line.len();
        }
        at += line.len();
    }
    parts.push(&file[start..]);
    parts
}

/// The parts before and after the first blank line; `None` if there is no blank line.
fn head_and_rest(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    let text = text.trim_ascii_start();
    let mut at = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if line.trim_ascii().is_empty() {
            return (&text[..at], Some(&text[at + line.len()..]));
        }
        at += line.len();
    }
    (text, None)
}

fn is_request_line(line: &str) -> bool {
    line.split_whitespace()
        .next()
        .is_some_and(|word| !word.ends_with(':') && word.chars().all(|c| c.is_ascii_uppercase()))
}

fn source_in(line: &str) -> Option<String> {
    let (_, path) = line.split_once("/webhooks/")?;
    let end = path.find(|c: char| c.is_whitespace() || "/?#".contains(c)).unwrap_or(path.len());
    (end > 0).then(|| path[..end].to_owned())
}

fn header(line: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = line.split_once(':')?;
    Some((name.trim().parse().ok()?, value.trim().parse().ok()?))
}

/// Some editors write it at the start of a file.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

fn declared_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.trim().parse().ok()
}

fn is_chunked(headers: &HeaderMap) -> bool {
    let encoding = headers.get(TRANSFER_ENCODING).and_then(|value| value.to_str().ok());
    encoding.is_some_and(|encoding| encoding.to_ascii_lowercase().contains("chunked"))
}

/// Removes the line end that an editor adds at the end of a file and before the next `###`.
fn as_sent(rest: &Bytes, headers: &HeaderMap) -> Bytes {
    if let Some(body) = is_chunked(headers).then(|| without_chunk_sizes(rest)).flatten() {
        return body.into();
    }
    match declared_length(headers) {
        Some(length) if length <= rest.len() => rest.slice(..length),
        _ => {
            let body = rest.strip_suffix(b"\n").unwrap_or(rest);
            rest.slice_ref(body.strip_suffix(b"\r").unwrap_or(body))
        }
    }
}

/// The body that was sent in these chunks, with any line ends; `None` if their sizes do not add up.
pub fn without_chunk_sizes(mut chunks: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = chunks.iter().position(|byte| *byte == b'\n').unwrap_or(chunks.len());
        let line = std::str::from_utf8(&chunks[..end]).ok()?;
        let size = usize::from_str_radix(line.split(';').next()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        let data = chunks.get(end + 1..)?;
        body.extend_from_slice(data.get(..size)?);
        let after = &data[size..];
        chunks = after.strip_prefix(b"\r\n").or_else(|| after.strip_prefix(b"\n"))?;
    }
}
