//! `users-sync healthcheck`: for containers, which have no curl.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::Failure;
use crate::config::{Environment, Place};
use crate::http::answer::Answer;

pub(super) const EXAMPLES: &str = "\
Examples:
  users-sync healthcheck && echo it answers
  LISTEN_ADDR=0.0.0.0:9000 users-sync healthcheck";

pub(super) async fn run(environment: &Environment) -> Result<(), Failure> {
    let place = Place::parse(environment)?;
    let url = format!("http://{}/healthz", service(&place));
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(3))
        .no_proxy()
        .build()
        .map_err(Failure::of)?;
    let response = client.get(&url).send().await.map_err(Failure::of)?;
    let answer = Answer::of(response).await.map_err(Failure::of)?;
    if answer.is_success() {
        Ok(())
    } else {
        Err(Failure::Failed(format!("{url} answered {answer}")))
    }
}

/// The address of the local service: the configured one, else the one in its data directory.
pub(super) fn service(place: &Place) -> SocketAddr {
    let running = || place.data_dir.as_deref().and_then(users_sync_embedded::service);
    let found = if place.is_elsewhere { None } else { running() };
    reachable(found.unwrap_or(place.listen))
}

/// The address at which this machine reaches a service that listens on `listen`.
pub(super) fn reachable(listen: SocketAddr) -> SocketAddr {
    let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
    let ip = if listen.ip().is_unspecified() { loopback } else { listen.ip() };
    SocketAddr::new(ip, listen.port())
}
