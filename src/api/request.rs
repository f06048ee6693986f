//! Sends one request within the rate limit, with a limited number of retries.

use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use http::{HeaderMap, HeaderValue, header};
use jiff::{SignedDuration, Timestamp};
use reqwest::{RequestBuilder, redirect};
use secrecy::ExposeSecret;
use serde_json::Value;

use super::access::{self, Tokens};
use super::{Answer, Error, Settings};
use crate::json::Object;
use crate::provider::api::{BodyOf, List, Query, Rate};

/// Time-outs and retries of requests.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub connect: Duration,
    /// The time-out for a whole answer.
    pub answer: Duration,
    pub tries: usize,
    /// The delay before the second try; it doubles before each further one, with jitter.
    pub least_delay: Duration,
    pub most_delay: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(30),
            tries: 8,
            least_delay: Duration::from_millis(250),
            most_delay: Duration::from_secs(30),
        }
    }
}

/// No server makes us wait longer than this.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(300);
/// A POST is sent for the last time within this time: a minute later another process may take the request over.
const LONGEST_BEFORE_A_POST: Duration = Duration::from_secs(20);
/// A longer wait is logged with its reason.
const SILENT: Duration = Duration::from_secs(3);

pub(super) struct Requests {
    source: Arc<str>,
    http: reqwest::Client,
    url: String,
    limiter: Option<DefaultDirectRateLimiter>,
    patience: Patience,
    variables: String,
    code: CodeOf,
    tokens: Option<Tokens>,
}

/// The name of the error in an answer.
type CodeOf = fn(&Object<'_>) -> Option<String>;

/// A request that only reads.
pub(super) struct Reading<'a> {
    pub(super) path: &'a str,
    pub(super) query: Query,
    pub(super) body: Option<BodyOf>,
}

impl<'a> Reading<'a> {
    /// A GET of one thing.
    pub(super) fn of(path: &'a str) -> Self {
        Self { path, query: Query::new(), body: None }
    }

    pub(super) fn page(list: &List, query: Query) -> Self {
        Self { path: list.path, query, body: list.body }
    }
}

impl Requests {
    pub(super) fn new(settings: &Settings, patience: Patience) -> Result<Self, Error> {
        let api = settings.api;
        let http = reqwest::Client::builder()
            .default_headers(access::headers(settings)?)
            .user_agent(concat!("users-sync/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(patience.connect)
            .timeout(patience.answer)
            // No other host may see the key.
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|error| Error::Settings(crate::error_chain(&error.without_url())))?;
        let key = settings.credentials.last().map(|key| key.expose_secret()).unwrap_or_default();
        let limiter = (api.rate)(key).and_then(quota).map(RateLimiter::direct);
        let url = settings.url.trim_end_matches('/').to_owned();
        let (source, tokens) = (settings.source.clone(), Tokens::new(settings, &url));
        let (variables, code) = (api.variables(), api.code);
        Ok(Self { source, http, url, limiter, patience, variables, code, tokens })
    }

    pub(super) fn variables(&self) -> &str {
        &self.variables
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The answer, parsed by `read`; a truncated answer is requested again.
    pub(super) async fn get<T>(
        &self,
        Reading { path, query, body }: &Reading<'_>,
        read: &impl Fn(Answer) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let request = || match body {
            None => self.http.get(self.address(path)).query(query),
            Some(body) => self.http.post(self.address(path)).json(&body(query)),
        };
        let once = || async { read(self.send(&request).await?) };
        once.retry(self.backoff())
            .when(Error::is_transient)
            .adjust(wait)
            .notify(|error, after| self.report(error, after))
            .await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Answer, Error> {
        let request = || self.http.post(self.address(path)).json(body);
        let once = || self.send(&request);
        let began = Instant::now();
        let soon = |error: &Error, planned: Option<Duration>| {
            wait(error, planned).filter(|wait| began.elapsed() + *wait <= LONGEST_BEFORE_A_POST)
        };
        once.retry(self.backoff())
            .when(Error::is_refusal)
            .adjust(soon)
            .notify(|error, after| self.report(error, after))
            .await
    }

    pub(super) async fn delete(&self, path: &str) -> Result<Answer, Error> {
        let request = || self.http.delete(self.address(path));
        let once = || self.send(&request);
        once.retry(self.backoff())
            .when(Error::is_transient)
            .adjust(wait)
            .notify(|error, after| self.report(error, after))
            .await
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Sends a request, and once more with another token if the API refuses the first.
    async fn send(&self, request: &impl Fn() -> RequestBuilder) -> Result<Answer, Error> {
        let Some(tokens) = &self.tokens else { return self.once(request(), self.code).await };
        let with = |token| request().header(header::AUTHORIZATION, token);
        let token = tokens.authorization(self, None).await?;
        match self.once(with(token.clone()), self.code).await {
            Err(Error::Status { status: 401, .. }) => {
                let other = tokens.authorization(self, Some(&token)).await?;
                self.once(with(other), self.code).await
            }
            answer => answer,
        }
    }

    pub(super) async fn once(
        &self,
        request: RequestBuilder,
        code_of: CodeOf,
    ) -> Result<Answer, Error> {
        if let Some(limiter) = &self.limiter {
            limiter.until_ready().await;
        }
        let sent = Instant::now();
        let network = |error: reqwest::Error| Error::Network(error.without_url());
        let mut response = self.patiently(request.send()).await.map_err(network)?;
        let headers = std::mem::take(response.headers_mut());
        let (status, fence) = (response.status(), fence(&headers, sent.elapsed()));
        let body = response.bytes().await.map_err(network)?;
        if status.is_success() {
            return Ok(Answer { headers, body, fence });
        }
        let variables = self.variables.clone();
        let (status, retry_after) = (status.as_u16(), retry_after(&headers));
        let (code, is_empty) = (code(&body, code_of), body.is_empty());
        Err(Error::Status { status, code, is_empty, retry_after, fence, variables })
    }

    /// The answer; logs a line while a slow answer is awaited.
    async fn patiently<T>(&self, answer: impl Future<Output = T>) -> T {
        let mut answer = pin!(answer);
        match tokio::time::timeout(SILENT, &mut answer).await {
            Ok(answer) => answer,
            Err(_) => {
                let (source, at_most_s) = (&self.source, self.patience.answer.as_secs());
                tracing::warn!(%source, at_most_s, "waiting for an answer of the provider's API");
                answer.await
            }
        }
    }

    /// Logs a long pause as a warning, because a silent command seems to hang.
    fn report(&self, error: &Error, after: Duration) {
        let (source, error, after_ms) =
            (&self.source, crate::error_chain(error), after.as_millis());
        if after >= SILENT {
            tracing::warn!(%source, error, after_ms, "waiting for the provider's API to be asked again");
        } else {
            tracing::debug!(%source, error, after_ms, "the API is asked again");
        }
    }

    fn backoff(&self) -> ExponentialBuilder {
        ExponentialBuilder::default()
            .with_min_delay(self.patience.least_delay)
            .with_max_delay(self.patience.most_delay)
            .with_max_times(self.patience.tries.saturating_sub(1))
            .with_jitter()
    }
}

/// Never sooner than the server asks for.
fn wait(error: &Error, planned: Option<Duration>) -> Option<Duration> {
    let asked = error.retry_after().unwrap_or_default().min(LONGEST_RETRY_AFTER);
    planned.map(|planned| planned.max(asked))
}

/// A burst of a twentieth, and the rest evenly: no window holds more than the limit.
fn quota(rate: Rate) -> Option<Quota> {
    let burst = NonZeroU32::new((rate.requests / 20).max(1))?;
    let evenly = rate.requests.checked_sub(burst.get()).filter(|evenly| *evenly > 0)?;
    Some(Quota::with_period(rate.per / evenly)?.allow_burst(burst))
}

/// A moment of the server's clock before the request was sent, in whole seconds: every change before it is in
/// the answer. `Date` is when the answer was made; we sent the request at most `elapsed` before.
fn fence(headers: &HeaderMap, elapsed: Duration) -> Timestamp {
    let date = date(headers).unwrap_or_else(Timestamp::now);
    let elapsed = SignedDuration::try_from(elapsed).unwrap_or_default();
    let asked = date.checked_sub(elapsed).unwrap_or(date);
    let seconds = asked.as_millisecond().div_euclid(1000);
    Timestamp::from_second(seconds).unwrap_or(asked)
}

/// The time of the server's clock.
fn date(headers: &HeaderMap) -> Option<Timestamp> {
    instant(headers.get(header::DATE)?)
}

/// A date in any of the three forms that HTTP knows.
fn instant(value: &HeaderValue) -> Option<Timestamp> {
    let date = httpdate::parse_http_date(value.to_str().ok()?.trim()).ok()?;
    Timestamp::try_from(date).ok()
}

/// In seconds, or as a date by the server's own clock; one that is past asks for no wait.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?;
    if let Ok(seconds) = value.to_str().ok()?.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let wait = instant(value)?.duration_since(date(headers).unwrap_or_else(Timestamp::now));
    Some(Duration::try_from(wait).unwrap_or_default())
}

/// The error's name; the rest of the body may hold anything, so it is not shown.
fn code(body: &[u8], code_of: CodeOf) -> Option<String> {
    let body = Object::parse(std::str::from_utf8(body).ok()?, "the error").ok()?;
    let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let is_name = |code: &String| (1..=64).contains(&code.len()) && code.chars().all(is_of_a_name);
    code_of(&body).filter(is_name)
}
