//! A request through the public URL. It is signed correctly but an hour old: nothing is written, and the refusal shows whether
//! head and body arrived as they were sent, since the service looks at the age only after the signature.

use std::error::Error as _;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::redirect::Policy;

use super::check::Checks;
use crate::http::answer::{Answer, Passage};
use crate::signature::{Form, Message, Scheme, Secret, Signed};
use crate::webhook::Source;

/// A body with everything that a reprinting proxy changes: blanks, escapes, numbers, the order of keys.
const BODY: &str =
    r#"{ "type":"users-sync.doctor",  "z": 1.0, "a": "\u00e9 é \/", "n": 12345678901234567890 }"#;
const AGE: Duration = Duration::from_secs(3600);

/// The service's address, even if the operator gave an endpoint's address as the provider has it.
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
        if source.provider.scheme.tolerance().is_none() {
            let why = "a request of ours would not be too old, and be accepted: let the provider send a test event";
            checks.skip(&name, why);
            continue;
        }
        let url = format!("{url}/webhooks/{}", source.name);
        let Some(secret) = source.secrets.first().filter(|secret| secret.form() != Form::Public)
        else {
            checks
                .skip(&name, "only the provider has the key that signs: let it send a test event");
            continue;
        };
        match ask(&url, source, secret).await {
            Ok(answer) => judge(checks, &name, &url, &answer, source.provider.scheme),
            Err(error) => {
                let cause = std::iter::successors(error.source(), |error| (*error).source()).last();
                let cause = cause.map_or_else(|| "no answer".to_owned(), ToString::to_string);
                let advice = "the sender cannot reach it either: check DNS, certificate, firewall and that the service runs";
                checks.fail(&name, format!("{url}: {cause}"), advice);
            }
        }
    }
}

async fn ask(url: &str, source: &Source, secret: &Secret) -> Result<Answer, reqwest::Error> {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(15))
        // Senders follow none.
        .redirect(Policy::none())
        .build()?;
    let (scheme, now) = (source.provider.scheme, Timestamp::now());
    let message = Message { id: &scheme.new_id(now), sent_at: now - AGE, body: BODY };
    let Signed { headers, body } =
        scheme.sign(secret, &message).expect("the body is UTF-8, and a secret is not empty");
    let mut request = client.post(url).header("content-type", "application/json").body(body);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    Answer::of(request.send().await?).await
}

fn judge(checks: &mut Checks, name: &str, url: &str, answer: &Answer, scheme: Scheme) {
    let remedy = match answer.passage() {
        Passage::Untouched => {
            return checks.ok(name, format!("{url} lets head and body through untouched"));
        }
        Passage::HeadersDropped => {
            format!("the proxy drops headers: let {} through", scheme.headers())
        }
        other => remedy(other).to_owned(),
    };
    checks.fail(name, format!("{url} answers {answer} {}", answer.reason()).trim_end(), remedy);
}

fn remedy(passage: Passage) -> &'static str {
    match passage {
        Passage::NoSecretMatches => {
            "either the proxy changes the body (let it pass bodies through unparsed), or the service behind it has another secret than this configuration"
        }
        Passage::Redirected => {
            "senders follow no redirect: give the sender the final URL (https, no trailing slash)"
        }
        Passage::LoginWanted => {
            "something before the service asks for a login: let /webhooks/ through without it"
        }
        Passage::OtherPath => {
            "the path does not arrive as /webhooks/{source}: look at the proxy's rewriting, and at the source's name"
        }
        Passage::OtherMethod => "POST does not arrive as POST",
        Passage::NoService => "the proxy runs, the service behind it does not answer",
        Passage::Untouched | Passage::HeadersDropped | Passage::Unknown => {
            "this is no answer of users-sync: what does this URL lead to?"
        }
    }
}
