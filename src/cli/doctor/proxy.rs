//! A request through the public URL. It is signed rightly but an hour old: nothing is written, and the refusal tells that
//! head and body came through untouched, since age is looked at only after the signature.

use std::error::Error as _;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::redirect::Policy;
use serde_json::Value;
use svix::webhooks::Webhook;

use super::check::Checks;
use crate::webhook::Source;

/// What proxies that parse and print bodies change: blanks, escapes, numbers, the order of keys.
const BODY: &str =
    r#"{ "type":"users-sync.doctor",  "z": 1.0, "a": "\u00e9 é \/", "n": 12345678901234567890 }"#;
const AGE: i64 = 3600;

/// The service's address, also where that of one of its endpoints is given, as it stands at the provider.
pub(super) fn address(url: &str) -> Result<String, String> {
    let is_http = url.starts_with("https://") || url.starts_with("http://");
    if !is_http || url.parse::<reqwest::Url>().is_err() {
        return Err("an address is needed, such as https://users-sync.example.com".to_owned());
    }
    let url = url.trim_end_matches('/');
    let service = url.rsplit_once('/').and_then(|(rest, _)| rest.strip_suffix("/webhooks"));
    let service = service.or_else(|| url.strip_suffix("/webhooks")).unwrap_or(url);
    Ok(service.trim_end_matches('/').to_owned())
}

pub(super) async fn check(checks: &mut Checks, url: &str, sources: &[Source]) {
    for source in sources {
        let name = format!("proxy for {}", source.name);
        let url = format!("{url}/webhooks/{}", source.name);
        match ask(&url, source).await {
            Ok((status, body)) => judge(checks, &name, &url, status, &body),
            Err(error) => {
                let cause = std::iter::successors(error.source(), |error| (*error).source()).last();
                let cause = cause.map_or_else(|| "no answer".to_owned(), ToString::to_string);
                let advice = "the sender cannot reach it either: check DNS, certificate, firewall and that the service runs";
                checks.fail(&name, format!("{url}: {cause}"), advice);
            }
        }
    }
}

async fn ask(url: &str, source: &Source) -> Result<(u16, String), reqwest::Error> {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(15))
        // Senders follow none.
        .redirect(Policy::none())
        .build()?;
    let now = Timestamp::now();
    let (id, sent_at) = (source.provider.scheme.new_id(now).to_string(), now.as_second() - AGE);
    let signature = Webhook::from_bytes(source.secrets[0].expose().to_vec())
        .and_then(|webhook| webhook.sign(&id, sent_at, BODY.as_bytes()))
        .unwrap_or_default();
    let answer = client
        .post(url)
        .header("content-type", "application/json")
        .header("svix-id", id)
        .header("svix-timestamp", sent_at)
        .header("svix-signature", signature)
        .body(BODY)
        .send()
        .await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

fn judge(checks: &mut Checks, name: &str, url: &str, status: u16, body: &str) {
    let problem: Value = serde_json::from_str(body).unwrap_or_default();
    let reason = problem["reason"].as_str().unwrap_or_default();
    if status == 401 && reason.starts_with("too old") {
        return checks.ok(name, format!("{url} lets head and body through untouched"));
    }
    checks.fail(name, format!("{url} answers {status} {reason}"), remedy(status, reason));
}

fn remedy(status: u16, reason: &str) -> &'static str {
    match (status, reason) {
        (401, "no secret matches") => {
            "either the proxy changes the body (let it pass bodies through unparsed), or the service behind it has another secret than this configuration"
        }
        (400, reason) if reason.starts_with("the header") => {
            "the proxy drops headers: let svix-id, svix-timestamp and svix-signature through"
        }
        (300..=399, _) => {
            "senders follow no redirect: give the sender the final URL (https, no trailing slash)"
        }
        (401 | 403, _) => {
            "something before the service asks for a login: let /webhooks/ through without it"
        }
        (404, _) => {
            "the path does not arrive as /webhooks/{source}: look at the proxy's rewriting, and at the source's name"
        }
        (405, _) => "POST does not arrive as POST",
        (502..=504, _) => "the proxy runs, the service behind it does not answer",
        _ => "this is no answer of users-sync: what does this URL lead to?",
    }
}
