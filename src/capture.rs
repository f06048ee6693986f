//! Requests captured to a file, as `.http` files hold them: head, blank line, body; several are separated by `###`.

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;

/// One captured request.
#[derive(Debug)]
pub struct Capture {
    /// From the path `/webhooks/{source}` of its first line, if it has one.
    pub source: Option<String>,
    pub headers: HeaderMap,
    pub body: Bytes,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotARequest {
    #[error("request {0} has no blank line between its headers and its body")]
    NoBody(usize),
    #[error("request {0}: header line {1} is not `name: value`")]
    Header(usize, usize),
    #[error("the file holds no request")]
    Empty,
}

impl Capture {
    /// Every request of a file.
    pub fn parse_all(file: &[u8]) -> Result<Vec<Self>, NotARequest> {
        let captures = split(file)
            .into_iter()
            .filter(|part| !part.trim_ascii().is_empty())
            .enumerate()
            .map(|(place, part)| Self::parse(part, place + 1))
            .collect::<Result<Vec<_>, _>>()?;
        if captures.is_empty() { Err(NotARequest::Empty) } else { Ok(captures) }
    }

    fn parse(text: &[u8], number: usize) -> Result<Self, NotARequest> {
        let (head, body) = head_and_body(text).ok_or(NotARequest::NoBody(number))?;
        let head = String::from_utf8_lossy(head);
        let (mut source, mut headers) = (None, HeaderMap::new());
        for (place, line) in head.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate()
        {
            if place == 0 && is_request_line(line) {
                source = source_in(line);
                continue;
            }
            let (name, value) = header(line).ok_or(NotARequest::Header(number, place + 1))?;
            headers.append(name, value);
        }
        let body = Bytes::copy_from_slice(as_sent(body, &headers));
        Ok(Self { source, headers, body })
    }

    /// When the sender signed it, by its own header.
    pub fn sent_at(&self) -> Option<Timestamp> {
        let header =
            ["svix-timestamp", "webhook-timestamp"].iter().find_map(|n| self.headers.get(*n))?;
        Timestamp::from_second(header.to_str().ok()?.trim().parse().ok()?).ok()
    }
}

/// At lines that begin with `###`, which no line of JSON does.
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

fn head_and_body(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.trim_ascii_start();
    let blank = |mark: &[u8]| {
        let at = text.windows(mark.len()).position(|window| window == mark)?;
        Some((at, at + mark.len()))
    };
    let (end, start) = [blank(b"\r\n\r\n"), blank(b"\n\n")].into_iter().flatten().min()?;
    Some((&text[..end], &text[start..]))
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

/// An editor ends a file with a new line, and what comes before the next `###` too: neither was sent.
fn as_sent<'a>(body: &'a [u8], headers: &HeaderMap) -> &'a [u8] {
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    match length {
        Some(length) if length <= body.len() => &body[..length],
        _ => {
            let body = body.strip_suffix(b"\n").unwrap_or(body);
            body.strip_suffix(b"\r").unwrap_or(body)
        }
    }
}
