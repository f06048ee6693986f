//! A fixed secret in a header, as Auth0, Okta, Ory and Supabase's database webhooks send. Anyone who sees one request can send others.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use jiff::Timestamp;

use super::header::single;
use super::{Keys, Message, Method, Proof, Rejection, Secret, Signed, Unsignable};

/// A header whose value is the secret: as it is, after `Bearer `, or as the user and the password of `Basic `.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shared {
    pub header: &'static str,
    /// How the provider sends it.
    pub form: Authorization,
}

/// How a secret stands in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorization {
    Plain,
    Bearer,
}

const BEARER: &str = "Bearer ";
const BASIC: &str = "Basic ";

impl Method for Shared {
    fn headers(&self) -> String {
        self.header.to_owned()
    }

    /// Programs of all sorts send the common header.
    fn is_claimed(&self, headers: &HeaderMap) -> bool {
        self.header != http::header::AUTHORIZATION.as_str() && headers.contains_key(self.header)
    }

    fn covers_the_body(&self) -> bool {
        false
    }

    fn screen(&self, headers: &HeaderMap) -> Result<(), Rejection> {
        single(headers, self.header).map(|_| ())
    }

    fn verify(
        &self,
        keys: Keys<'_>,
        headers: &HeaderMap,
        _: &[u8],
        _: Timestamp,
    ) -> Result<Proof, Rejection> {
        let value = single(headers, self.header)?;
        let is_it = |secret: &Secret| {
            // Every form is compared whole, so that the time reveals nothing about the right one.
            let forms = forms(secret).map(|form| is_equal(value.as_bytes(), &form));
            forms.contains(&true)
        };
        let secret = keys.secrets.iter().position(is_it).ok_or(Rejection::NoSecretMatches)?;
        Ok(Proof { secret: Some(secret), ..Proof::default() })
    }

    fn sign(&self, secret: &Secret, message: &Message<'_>) -> Result<Signed, Unsignable> {
        let [plain, bearer, basic] = forms(secret);
        let value = match self.form {
            Authorization::Plain => plain,
            Authorization::Bearer if secret.expose().contains(&b':') => basic,
            Authorization::Bearer => bearer,
        };
        let value = String::from_utf8(value).map_err(|_| Unsignable::NoPrivateKey)?;
        Ok(Signed::with(vec![(self.header, value)], message))
    }
}

fn forms(secret: &Secret) -> [Vec<u8>; 3] {
    let text = secret.expose();
    let basic = STANDARD.encode(text);
    [
        text.to_vec(),
        [BEARER.as_bytes(), text].concat(),
        [BASIC.as_bytes(), basic.as_bytes()].concat(),
    ]
}

fn is_equal(one: &[u8], other: &[u8]) -> bool {
    verify_slices_are_equal(one, other).is_ok()
}
