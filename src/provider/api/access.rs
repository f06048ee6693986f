//! Where an API is, and what opens it.

use super::Query;

/// The address of an API; every path is below it.
#[derive(Clone, Copy)]
pub enum Address {
    /// The same for everyone, unless the configuration sets another.
    Fixed(&'static str),
    /// Every tenant has its own, so the configuration must set it; the text is an example.
    OfTenant(&'static str),
}

impl Address {
    pub fn example(self) -> &'static str {
        match self {
            Self::Fixed(url) | Self::OfTenant(url) => url,
        }
    }
}

/// A variable with a part of what opens an API.
pub struct Credential {
    pub variable: &'static str,
    pub expected: &'static str,
    /// Whether its value names the instance or project.
    pub names_instance: bool,
}

/// What a request does with the credentials.
#[derive(Clone, Copy)]
pub enum Access {
    /// Each is in a header of its own, after this prefix. The last one also fills the headers that are left.
    Headers(&'static [(&'static str, &'static str)]),
    /// They are the name and the password of a Basic authorization.
    Basic,
    /// They are a Bearer token, joined by colons.
    Bearer,
    /// They are a client id and a client secret, and are exchanged for a token that expires.
    Exchange(Exchange),
}

/// How a token is requested: the grant `client_credentials` of OAuth, or the vendor's own way.
#[derive(Clone, Copy)]
pub struct Exchange {
    /// The whole address of the request, from that of the API without a slash at its end.
    pub url: fn(&str) -> String,
    /// What the request says beside the credentials, from the address of the API: audience, scope or resource.
    pub parameters: fn(&str) -> Query,
    pub sent: Sent,
}

/// Where the request for a token has the client id and the client secret.
#[derive(Clone, Copy)]
pub enum Sent {
    /// In the form, as `client_id` and `client_secret`.
    Form,
    /// In a Basic authorization beside the form.
    Basic,
    /// In a JSON body without a grant, under these names; the answer has the token and its seconds under those.
    Json { id: &'static str, secret: &'static str, token: &'static str, seconds: &'static str },
}

/// The scheme and the host of an address: what stands before its path.
pub fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + "://".len());
    let end = url[host..].find('/').map_or(url.len(), |at| host + at);
    &url[..end]
}
