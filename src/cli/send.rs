//! `users-sync send`: plays the provider, with a real signature.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use super::Failure;
use super::examples::examples;
use super::healthcheck::service;
use crate::config::{Environment, Place, secret_variable};
use crate::development;
use crate::http::answer::Answer;
use crate::model::{DeliveryId, Kind};
use crate::provider::{self, Provider, Sample};
use crate::signature::{self, Message, Unsignable};
use crate::webhook::Source;

#[derive(Args)]
#[command(
    after_help = examples("Examples:\n  users-sync send --id {user}\n  users-sync send --event organization.created --id org_1\n  users-sync send --event organizationMembership.created --user-id {user} --organization-id org_1\n  users-sync send --provider {other} --event user.deleted --id 5ad2…\n  users-sync send --provider {provider} --file payload.json --curl")
)]
pub(super) struct Arguments {
    /// Whose webhooks to imitate
    #[arg(long, value_parser = provider_named, default_value = provider::ALL[0].name)]
    provider: &'static Provider,
    /// What happened
    #[arg(long, default_value = "user.created")]
    event: String,
    /// The id of the event's entity [default: a new one]
    #[arg(long)]
    id: Option<String>,
    /// Whose membership or permission it is
    #[arg(long, value_name = "ID", default_value_t = first_user())]
    user_id: String,
    /// The organization or team of the membership or permission
    #[arg(long, value_name = "ID", default_value = "org_1")]
    organization_id: String,
    /// The user's e-mail address
    #[arg(long, default_value = "ada@example.com")]
    email: String,
    /// Send this file's text instead of a made-up payload
    #[arg(long, value_name = "PATH", conflicts_with_all = ["event", "id", "user_id", "organization_id", "email"])]
    file: Option<PathBuf>,
    /// The delivery's id [default: a new one]
    #[arg(long, value_name = "ID")]
    delivery_id: Option<String>,
    /// How many deliveries, each with an id of its own
    #[arg(long, default_value_t = 1, conflicts_with = "delivery_id")]
    count: u32,
    /// Print the curl command instead; its signature holds for five minutes
    #[arg(long)]
    curl: bool,
    /// Where to; without a path, to the provider's endpoint there [default: the service on this
    /// machine, found by its data directory or address]
    #[arg(long)]
    url: Option<String>,
}

fn provider_named(name: &str) -> Result<&'static Provider, String> {
    let names = provider::ALL.map(|provider| provider.name).join(", ");
    provider::find(name).ok_or_else(|| format!("known providers: {names}"))
}

/// One request, signed.
struct Signed {
    url: String,
    headers: Vec<(&'static str, String)>,
    body: String,
}

pub(super) async fn run(arguments: &Arguments, environment: &Environment) -> Result<(), Failure> {
    let place = Place::parse(environment)?;
    let source = source(arguments.provider, &place)?;
    let url = match &arguments.url {
        Some(url) => endpoint(url, &source),
        None => format!("http://{}/webhooks/{}", service(&place), source.name),
    };
    let client = client(arguments).map_err(Failure::of)?;

    let mut refused = 0;
    for _ in 0..arguments.count {
        let signed = sign(arguments, &source, &url)?;
        if arguments.curl {
            println!("{}", curl(&signed));
        } else if !post(&client, signed).await? {
            refused += 1;
        }
    }
    match refused {
        0 => Ok(()),
        _ => Err(Failure::Failed(format!("{refused} of {} were not accepted", arguments.count))),
    }
}

/// An address without a path is that of the service.
fn endpoint(url: &str, source: &Source) -> String {
    match url.split_once("://") {
        Some((_, rest)) if !rest.trim_end_matches('/').contains(['/', '?', '#']) => {
            format!("{}/webhooks/{}", url.trim_end_matches('/'), source.name)
        }
        _ => url.to_owned(),
    }
}

fn client(arguments: &Arguments) -> Result<reqwest::Client, reqwest::Error> {
    let client = reqwest::Client::builder().timeout(Duration::from_secs(30));
    match arguments.url {
        Some(_) => client.build(),
        // A proxy is for the way out, not for this machine.
        None => client.no_proxy().build(),
    }
}

/// The configured secret, else the one that a local service made for development.
fn source(provider: &'static Provider, place: &Place) -> Result<Source, Failure> {
    let named = |sources: &[Source]| sources.iter().find(|s| *s.name == *provider.name).cloned();
    if let Some(source) = named(&place.sources) {
        return Ok(source);
    }
    let development = match &place.data_dir {
        Some(data_dir) => development::load(data_dir).map_err(Failure::of)?,
        None => None,
    };
    development.and_then(|development| named(&development.sources)).ok_or_else(|| {
        Failure::Misused(format!(
            "no secret to sign with: set {}, or start `users-sync` once without DATABASE_URL, which makes development secrets",
            secret_variable(provider.name),
        ))
    })
}

fn sign(arguments: &Arguments, source: &Source, url: &str) -> Result<Signed, Failure> {
    let now = Timestamp::now();
    let id = match &arguments.delivery_id {
        None => source.provider.scheme.new_id(now),
        Some(id) => DeliveryId::new(id)
            .ok_or_else(|| Failure::Misused("--delivery-id: 1 to 255 bytes are expected".into()))?,
    };
    let body = body(arguments, now)?;
    let message = Message { id: &id, sent_at: now, body: &body };
    let secret = source.secrets.first().ok_or_else(|| Failure::of(Unsignable::NoPrivateKey))?;
    let signed = source.provider.scheme.sign(secret, &message);
    let signature::Signed { mut headers, body } = signed.map_err(Failure::of)?;
    headers.push(("content-type", "application/json".to_owned()));
    Ok(Signed { url: url.to_owned(), headers, body })
}

fn body(arguments: &Arguments, now: Timestamp) -> Result<String, Failure> {
    if let Some(path) = &arguments.file {
        return std::fs::read_to_string(path).map_err(|error| {
            Failure::Misused(format!("--file: {} cannot be read: {error}", path.display()))
        });
    }
    let Arguments { provider, event, id, user_id, organization_id, email, .. } = arguments;
    let Some(kind) = provider.kind_of(event) else {
        return Err(Failure::Misused(format!(
            "--event: {} sends {}; for others give the payload with --file",
            provider.title,
            provider.event_names(),
        )));
    };
    let id = id.clone().unwrap_or_else(|| new_id(provider, kind));
    let sample = Sample { event_type: event, id: &id, user_id, organization_id, email, now };
    Ok((provider.sample)(&sample).to_string())
}

/// A user that the quick start creates.
fn first_user() -> String {
    format!("{}1", provider::ALL[0].id_prefix)
}

fn new_id(provider: &Provider, kind: Kind) -> String {
    let prefix = if kind == Kind::User { provider.id_prefix } else { "" };
    format!("{prefix}{}", uuid::Uuid::new_v4())
}

/// Prints the answer; false if the service did not accept the delivery.
async fn post(client: &reqwest::Client, signed: Signed) -> Result<bool, Failure> {
    let mut request = client.post(&signed.url);
    for (name, value) in &signed.headers {
        request = request.header(*name, value);
    }
    let response = request.body(signed.body).send().await;
    let response = response.map_err(|error| unanswered(&signed.url, error.without_url()))?;
    let answer = Answer::of(response).await.map_err(Failure::of)?;
    println!("{}", answer.text);
    if !answer.is_success() {
        eprintln!("users-sync: answered {answer}");
    }
    Ok(answer.is_success())
}

fn unanswered(url: &str, error: reqwest::Error) -> Failure {
    if !error.is_connect() {
        return Failure::of(error);
    }
    let error = crate::error_chain(&error);
    Failure::Failed(format!(
        "nothing listens at {url}: start `users-sync`, or name where it is with --url, or with the LISTEN_ADDR, PORT or --data-dir that it was started with ({error})"
    ))
}

fn curl(signed: &Signed) -> String {
    let mut command = format!("curl -sS -X POST {}", quoted(&signed.url));
    for (name, value) in &signed.headers {
        command.push_str(&format!(" \\\n  -H {}", quoted(&format!("{name}: {value}"))));
    }
    format!("{command} \\\n  --data-raw {}", quoted(&signed.body))
}

/// For a POSIX shell.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
