//! A connection on which a test sends exact bytes, and reads the exact bytes of the answer.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::Signed;

pub(crate) struct Wire(BufReader<TcpStream>);

/// One answer, as it came.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Wire {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self::try_open(address).await.expect("the service listens")
    }

    pub(crate) async fn try_open(address: SocketAddr) -> Option<Self> {
        TcpStream::connect(address).await.ok().map(|stream| Self(BufReader::new(stream)))
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).await.expect("the connection is open");
    }

    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.0.get_mut().write_all(bytes.as_ref()).await
    }

    /// Closes the writing side, and continues to read.
    pub(crate) async fn says_no_more(&mut self) {
        self.0.get_mut().shutdown().await.expect("the connection is open");
    }

    /// The next answer.
    pub(crate) async fn response(&mut self) -> Response {
        self.try_response().await.expect("an answer, not the end of the connection")
    }

    /// The next answer, or `None` if the connection ends without one.
    pub(crate) async fn try_response(&mut self) -> Option<Response> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.0.read_line(&mut head).await.ok()? == 0 {
                return None;
            }
        }
        let status = head.get(9..12)?.parse().ok()?;
        let mut response = Response { status, head, body: Vec::new() };
        let length =
            response.header("content-length").map_or(0, |length| length.parse().expect("a number"));
        response.body.resize(length, 0);
        self.0.read_exact(&mut response.body).await.ok()?;
        Some(response)
    }

    /// Returns when the other side has closed the connection; data before that is dropped.
    pub(crate) async fn closed(&mut self) {
        self.rest().await;
    }

    /// Everything that the other side sends until it closes the connection.
    pub(crate) async fn rest(&mut self) -> String {
        let mut said = Vec::new();
        let _or_reset = self.0.read_to_end(&mut said).await;
        String::from_utf8(said).expect("its output is text")
    }
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the answer is JSON")
    }

    /// The body of an error answer, which must be problem JSON with the same status.
    #[track_caller]
    pub(crate) fn problem(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{problem}");
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
        problem
    }

    /// The whole answer as text.
    pub(crate) fn text(&self) -> String {
        format!("{}{}", self.head, String::from_utf8_lossy(&self.body))
    }
}

impl Signed {
    /// The head of its request, with one more line unless `more` is empty.
    pub(crate) fn head(&self, more: &str) -> String {
        let mut head = format!("POST /webhooks/{} HTTP/1.1\r\nhost: test\r\n", self.source);
        for (name, value) in self.headers() {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let more = if more.is_empty() { String::new() } else { format!("{more}\r\n") };
        format!("{head}{more}\r\n")
    }

    /// The whole request.
    pub(crate) fn request(&self) -> Vec<u8> {
        let head = self.head(&format!("content-length: {}", self.body.len()));
        [head.as_bytes(), &self.body].concat()
    }
}
