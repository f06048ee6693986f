//! Where the service listens.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::parser::Parser;

const DEFAULT_PORT: u16 = 8080;
const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const EVERYWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

impl Parser<'_> {
    /// `in_production`: a platform that sets only PORT needs to reach it from outside.
    pub(super) fn listen(&mut self, in_production: bool) -> SocketAddr {
        let port = self.value("PORT").map(|_| self.number("PORT", DEFAULT_PORT, 0, u16::MAX));
        let by_default = if in_production && port.is_some() { EVERYWHERE } else { LOCAL };
        let mut listen = match self.value("LISTEN_ADDR").map(|text| address(&text, by_default)) {
            None => SocketAddr::new(by_default, DEFAULT_PORT),
            Some(Some(listen)) => listen,
            Some(None) => {
                let problem = "is not an IP address and a port, such as 127.0.0.1:8080, [::1]:8080, localhost:8080 or :8080 for every interface";
                self.mistake("LISTEN_ADDR", problem);
                SocketAddr::new(by_default, DEFAULT_PORT)
            }
        };
        listen.set_port(port.unwrap_or(listen.port()));
        listen
    }

    /// Whether a variable says where the service listens.
    pub(super) fn says_where_to_listen(&self) -> bool {
        self.value("LISTEN_ADDR").is_some() || self.value("PORT").is_some()
    }
}

/// An address and a port, either of which may be omitted; a colon without a host means every interface.
fn address(text: &str, by_default: IpAddr) -> Option<SocketAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Some(ip) = host(text.trim_matches(['[', ']'])) {
        return Some(SocketAddr::new(ip, DEFAULT_PORT));
    }
    if let Ok(port) = text.parse() {
        return Some(SocketAddr::new(by_default, port));
    }
    let (name, port) = text.rsplit_once(':')?;
    let ip = if name.is_empty() { EVERYWHERE } else { host(name)? };
    Some(SocketAddr::new(ip, port.parse().ok()?))
}

fn host(name: &str) -> Option<IpAddr> {
    match name {
        "*" => Some(EVERYWHERE),
        name if name.eq_ignore_ascii_case("localhost") => Some(LOCAL),
        name => name.parse().ok(),
    }
}
