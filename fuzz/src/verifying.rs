//! Requests of every scheme.

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use serde_json::json;
use users_sync::model::DeliveryId;
use users_sync::signature::{
    Authorization, Bound, Detached, Digest, Encoding, Form, Keys, Message, PublicKey, Scheme,
    Secret, Shared, Signer, Stamped, Token, Unit,
};

use crate::issuer::{Issuer, hmac_token};
use crate::mutation::Mutator;
use crate::report::{Report, Verdict};

const HEADER: &str = "x-signature";
const TEXT: &str = "a secret that the mutator does not know";
const BODIES: [&str; 3] = [
    r#"{"type":"user.created","data":{"id":"user_1"}}"#,
    r#"{"type":"user.deleted","data":{"id":"user_2","name":"Zoë 😀"},"exp":1e300}"#,
    "{}",
];

pub(crate) struct Target {
    name: &'static str,
    scheme: Scheme,
    secrets: Vec<Secret>,
    published: Vec<PublicKey>,
    corpus: Vec<Request>,
    now: Timestamp,
}

#[derive(Clone)]
struct Request {
    headers: HeaderMap,
    body: Vec<u8>,
    /// What the sender signed.
    content: Vec<u8>,
}

pub(crate) fn targets() -> Vec<Target> {
    let stamped = |unit| Scheme::Stamped(Stamped { header: HEADER, unit, tolerance: 300 });
    let digest = |encoding, prefix| Scheme::Digest(Digest { header: HEADER, encoding, prefix });
    let bound =
        |prefix, signer, hash| Scheme::Bound(Bound { header: HEADER, prefix, signer, hash });
    let shared = |form| Scheme::Shared(Shared { header: HEADER, form });
    let detached = Detached {
        signature: HEADER,
        key_id: "x-key-id",
        timestamp: "x-timestamp",
        id: "x-event-id",
    };
    let token = |field, signer| Scheme::Token(Token { field, signer });
    let hash = |encoding| Some(("request_body_sha256", encoding));
    let pinned = "token pinned";
    let mut targets: Vec<_> = [
        ("svix", Scheme::Svix),
        ("stamped seconds", stamped(Unit::Seconds)),
        ("stamped milliseconds", stamped(Unit::Milliseconds)),
        ("digest hex", digest(Encoding::Hex, "sha256=")),
        ("digest base64", digest(Encoding::Base64, "")),
        ("bound shared", bound("", Signer::Shared, hash(Encoding::Base64))),
        ("bound any", bound("Bearer ", Signer::Any, hash(Encoding::Hex))),
        ("bound to nothing", bound("", Signer::Shared, None)),
        ("detached", Scheme::Detached(detached)),
        ("shared plain", shared(Authorization::Plain)),
        ("shared bearer", shared(Authorization::Bearer)),
        (pinned, token(None, Signer::Published)),
        ("token shared", token(Some("token"), Signer::Shared)),
    ]
    .map(|(name, scheme)| Target::signed(name, scheme))
    .into();
    for (name, issuer) in [
        ("token RS256", Issuer::rsa("key")),
        ("token ES256", Issuer::ec("key")),
        ("token EdDSA", Issuer::ed("key")),
    ] {
        targets.push(Target::published(name, token(None, Signer::Any), &issuer));
    }
    targets
}

impl Target {
    /// Of a scheme that signs with its secret, or with a key pair.
    fn signed(name: &'static str, scheme: Scheme) -> Self {
        let secret = match scheme.secrets() {
            Form::Text => Secret::parse_list(TEXT, Form::Text).expect("a secret").remove(0),
            form => Secret::random(form),
        };
        let now = Timestamp::now();
        let id = DeliveryId::new("msg_1").expect("an id");
        let corpus = BODIES.map(|body| {
            let message = Message { id: &id, sent_at: now, body };
            let signed = scheme.sign(&secret, &message).expect("the secret signs");
            let named = |(name, text): (&'static str, String)| {
                (HeaderName::from_static(name), HeaderValue::try_from(text).expect("a value"))
            };
            let headers = signed.headers.into_iter().map(named).collect();
            Request { headers, body: signed.body.into(), content: body.into() }
        });
        let (secrets, published) = (vec![secret], Vec::new());
        Self { name, scheme, secrets, published, corpus: corpus.into(), now }.checked()
    }

    /// Of tokens that are signed with a published key; some forge an HMAC with it.
    fn published(name: &'static str, scheme: Scheme, issuer: &Issuer) -> Self {
        let request = |body: &str, token: String| Request {
            headers: HeaderMap::new(),
            body: token.into(),
            content: body.into(),
        };
        let mut corpus: Vec<_> =
            BODIES.iter().map(|body| request(body, issuer.token(body))).collect();
        let target_of = |corpus| {
            let (secrets, published) = (Vec::new(), issuer.published());
            Self { name, scheme, secrets, published, corpus, now: Timestamp::now() }
        };
        target_of(corpus.clone()).checked();
        let key = issuer.jwk();
        let forged = hmac_token("HS256", issuer.id, key.to_string().as_bytes(), "forged");
        corpus.push(request("", forged));
        let header = json!({ "alg": "none", "kid": issuer.id });
        corpus.push(request("", issuer.token_with(&header, "forged")));
        target_of(corpus)
    }

    /// Whether its requests are right before they are mutated.
    fn checked(self) -> Self {
        for request in &self.corpus {
            assert!(matches!(self.verdict(request), Verdict::Accepted), "{}", self.name);
        }
        self
    }

    pub(crate) fn run(&self, requests: u64, mutator: &mut Mutator) -> Report {
        let mut report = Report::new(self.name);
        for _ in 0..requests {
            let request = self.mutated(mutator);
            report.look(|| self.verdict(&request));
        }
        report
    }

    fn mutated(&self, mutator: &mut Mutator) -> Request {
        let other = mutator.0.pick(&self.corpus).clone();
        let mut request = mutator.0.pick(&self.corpus).clone();
        for _ in 0..=mutator.0.below(2) {
            if request.headers.is_empty() && mutator.0.once_in(2) {
                request.body = mutator.token(&request.body);
            } else if request.headers.is_empty() || mutator.0.once_in(3) {
                request.body = mutator.body(&request.body, &other.body);
            } else {
                mutator.headers(&mut request.headers, &other.headers);
            }
        }
        request
    }

    /// Asks the scheme everything that it answers about a request, and compares what it accepts with what was signed.
    fn verdict(&self, request: &Request) -> Verdict {
        let Request { headers, body, .. } = request;
        let keys = Keys { secrets: &self.secrets, published: &self.published };
        let scheme = self.scheme;
        let screened = scheme.screen(headers);
        let sent_at = scheme.sent_at(headers, body);
        drop((scheme.key_id(headers, body), scheme.wrong_unit(headers), scheme.mended(headers)));
        scheme.unreadable_signature(headers);
        let Ok(proof) = scheme.verify(keys, headers, body, self.now) else {
            return Verdict::Refused;
        };
        let content = proof.content.as_deref().unwrap_or(body);
        let was_signed = |it: &&Request| {
            let time = scheme.sent_at(&it.headers, &it.body);
            time == sent_at && (!scheme.covers_the_body() || it.content == content)
        };
        let is_right = screened.is_ok() && self.corpus.iter().any(|it| was_signed(&it));
        if is_right && self.has_the_secret(headers) {
            Verdict::Accepted
        } else {
            Verdict::WronglyAccepted
        }
    }

    /// Where the secret or a token is all there is, it must be there.
    fn has_the_secret(&self, headers: &HeaderMap) -> bool {
        if self.scheme.covers_the_body() {
            return true;
        }
        let known = |it: &Request| it.headers.get(HEADER).map(|value| value.as_bytes().to_vec());
        let value = headers.get(HEADER).map(|value| value.as_bytes().trim_ascii().to_vec());
        let bare = value == Some(TEXT.as_bytes().to_vec());
        bare || self.corpus.iter().any(|it| known(it) == value)
    }
}
