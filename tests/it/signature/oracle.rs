//! Our verdict equals that of the svix crate, if it can judge: for UTF-8 bodies, and by its own clock.

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use proptest::prelude::*;
use svix::webhooks::Webhook;
use users_sync::signature::{Keys, Scheme, Secret};

/// A request as it was signed, and how it was changed afterwards.
#[derive(Clone, Debug)]
struct Case {
    key: Vec<u8>,
    id: String,
    /// Seconds from now to the attempt.
    offset: i64,
    body: String,
    mutations: Vec<Mutation>,
}

#[derive(Clone, Debug)]
enum Mutation {
    Id(String),
    Body(String),
    Timestamp(String),
    Shift(i64),
    Signature(String),
    Beside(String),
    /// The right signature under the name of another version.
    Version(String),
    Flip(usize),
    Drop(&'static str),
    Rename(&'static str),
    Key(Vec<u8>),
}

const NAMES: [&str; 3] = ["svix-id", "svix-timestamp", "svix-signature"];

fn mutation() -> impl Strategy<Value = Mutation> {
    let name = || prop::sample::select(&NAMES[..]);
    prop_oneof![
        ids().prop_map(Mutation::Id),
        any::<String>().prop_map(Mutation::Body),
        "[-+0-9a-z.]{1,20}".prop_map(Mutation::Timestamp),
        any::<i64>().prop_map(Mutation::Shift),
        "(v1|v1a|v2|V1|)[,:]?[A-Za-z0-9+/=]{0,44}".prop_map(Mutation::Signature),
        "(v1|v1a|v2)(,[A-Za-z0-9+/=]{0,44})?".prop_map(Mutation::Beside),
        "[vV]?[0-9]{0,2}a?".prop_map(Mutation::Version),
        any::<usize>().prop_map(Mutation::Flip),
        name().prop_map(Mutation::Drop),
        name().prop_map(Mutation::Rename),
        name().prop_map(Mutation::Rename),
        keys().prop_map(Mutation::Key),
    ]
}

fn ids() -> impl Strategy<Value = String> {
    // Without blanks at the ends, because HTTP and our code remove them.
    "[!-~]([ -~]{0,40}[!-~])?"
}

fn keys() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 1..80)
}

fn cases() -> impl Strategy<Value = Case> {
    // Away from the limits, because the two clocks may be read in different seconds.
    let offset = prop_oneof![4 => -290_i64..290, 1 => 310_i64..4_000, 1 => -4_000_i64..-310];
    let mutations = prop::collection::vec(mutation(), 0..3);
    (keys(), ids(), offset, any::<String>(), mutations)
        .prop_map(|(key, id, offset, body, mutations)| Case { key, id, offset, body, mutations })
}

struct Request {
    key: Vec<u8>,
    headers: HeaderMap,
    body: String,
}

impl Request {
    fn of(case: &Case) -> Self {
        let sent_at = Timestamp::now().as_second() + case.offset;
        let webhook = Webhook::from_bytes(case.key.clone()).expect("a key");
        let signature = webhook.sign(&case.id, sent_at, case.body.as_bytes()).expect("UTF-8");
        let mut request =
            Self { key: case.key.clone(), headers: HeaderMap::new(), body: case.body.clone() };
        request.set("svix-id", &case.id);
        request.set("svix-timestamp", &sent_at.to_string());
        request.set("svix-signature", &signature);
        for mutation in &case.mutations {
            request.mutate(mutation);
        }
        request
    }

    fn set(&mut self, name: &'static str, value: &str) {
        self.headers.insert(name, HeaderValue::try_from(value).expect("visible ASCII"));
    }

    fn value(&self, name: &str) -> String {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    }

    fn mutate(&mut self, mutation: &Mutation) {
        let signature = self.value("svix-signature");
        match mutation {
            Mutation::Id(id) => self.set("svix-id", id),
            Mutation::Body(body) => self.body.clone_from(body),
            Mutation::Timestamp(text) => self.set("svix-timestamp", text),
            Mutation::Shift(by) => {
                let sent_at: i64 = self.value("svix-timestamp").parse().unwrap_or_default();
                self.set("svix-timestamp", &sent_at.wrapping_add(*by).to_string());
            }
            Mutation::Signature(signature) => self.set("svix-signature", signature),
            Mutation::Beside(other) => self.set("svix-signature", &format!("{other} {signature}")),
            Mutation::Version(version) => {
                self.set("svix-signature", &signature.replacen("v1", version, 1));
            }
            Mutation::Flip(at) => self.set("svix-signature", &flipped(&signature, *at)),
            Mutation::Drop(name) => drop(self.headers.remove(*name)),
            Mutation::Rename(name) => {
                if let Some(value) = self.headers.remove(*name) {
                    let standard = name.replace("svix", "webhook");
                    let standard = HeaderName::try_from(standard).expect("a name");
                    self.headers.insert(standard, value);
                }
            }
            Mutation::Key(key) => self.key.clone_from(key),
        }
    }

    fn we_accept(&self) -> bool {
        let secrets = [Secret::from_bytes(self.key.clone())];
        let now = Timestamp::now();
        Scheme::Svix.verify(Keys::of(&secrets), &self.headers, self.body.as_bytes(), now).is_ok()
    }

    fn svix_accepts(&self) -> bool {
        let webhook = Webhook::from_bytes(self.key.clone()).expect("a key");
        webhook.verify(self.body.as_bytes(), &self.headers).is_ok()
    }
}

/// The text with one letter replaced by another.
fn flipped(text: &str, at: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    if let Some(place) = at.checked_rem(bytes.len()) {
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
    }
    String::from_utf8(bytes).expect("ASCII")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn our_verdict_equals_that_of_svix(case in cases()) {
        let request = Request::of(&case);

        prop_assert_eq!(request.we_accept(), request.svix_accepts());
    }

    #[test]
    fn an_unchanged_request_signed_by_svix_is_accepted(mut case in cases()) {
        case.mutations.clear();
        case.offset %= 290;

        let request = Request::of(&case);

        prop_assert!(request.we_accept() && request.svix_accepts());
    }

    #[test]
    fn no_header_values_cause_a_panic(values in prop::array::uniform3(prop::collection::vec(any::<u8>(), 0..60))) {
        let mut headers = HeaderMap::new();
        for (name, value) in NAMES.into_iter().zip(&values) {
            if let Ok(value) = HeaderValue::from_bytes(value) {
                headers.insert(name, value);
            }
        }
        let secrets = [Secret::from_bytes(vec![1])];

        prop_assert!(Scheme::Svix.verify(Keys::of(&secrets), &headers, b"", Timestamp::now()).is_err());
    }
}
