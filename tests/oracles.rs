//! Providers' own libraries as senders and receivers: our verdict equals theirs. `./dev test-oracles` installs and names them.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use users_sync::model::DeliveryId;
use users_sync::signature::{
    Form, Keys, Message, PublicKey, Scheme, Secret, Signer, Stamped, Token, Unit,
};

const WORKOS: Scheme = Scheme::Stamped(Stamped {
    header: "workos-signature",
    unit: Unit::Milliseconds,
    tolerance: 180,
});
const TOKEN: Scheme = Scheme::Token(Token { field: None, signer: Signer::Published });
const ENCODED: &str = "whsec_YSBzZWNyZXQgb2YgdGhlIG9yYWNsZXM6IDMyIGJ5dGVz";
const TEXT: &str = "a secret of the oracles that is text";

/// Bodies that libraries read in different ways; all are JSON, as some of them insist.
const BODIES: [&str; 6] = [
    r#"{"type":"user.created","data":{"id":"user_1"}}"#,
    r#"{"type":"user.updated","data":{"id":"user_1","name":"Zoë 😀 \ud83d\ude00"}}"#,
    "{ \"type\" : \"user.deleted\",\r\n\t\"n\": 1.0e3, \"n\": 12345678901234567890 }\n",
    "{}",
    "\"\\u0000\u{2028}\"",
    "[1, 2.50, null]",
];

/// A running script that answers a line with a line.
struct Oracle {
    script: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    /// `None` if `./dev test-oracles` says that it left this language out.
    fn of(language: &str) -> Option<Self> {
        let named = std::env::var("ORACLES").expect("run this test by `./dev test-oracles`");
        if !named.split_whitespace().any(|name| name == language) {
            return None;
        }
        let (program, script) = match language {
            "node" => ("node", "sign.mjs"),
            _ => ("venv/bin/python", "sign.py"),
        };
        let directory = std::path::absolute("target/oracles").expect("a path");
        let program = if program == "node" { program.into() } else { directory.join(program) };
        let mut command = Command::new(program);
        command.arg(script).current_dir(directory);
        let mut script =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let questions = script.stdin.take().expect("a pipe");
        let answers = BufReader::new(script.stdout.take().expect("a pipe"));
        Some(Self { script, questions, answers })
    }

    fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.questions, "{question}").expect("the oracle listens");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the oracle answers");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no answer to {question}"))
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}

#[derive(Clone)]
struct Request {
    scheme: Scheme,
    secrets: Vec<Secret>,
    keys: Vec<PublicKey>,
    headers: HeaderMap,
    body: String,
}

impl Request {
    /// The oracle's answer to a request to sign.
    fn of(scheme: Scheme, secret: &str, signed: &Value) -> Self {
        let headers = signed["headers"].as_object().expect("headers").iter();
        let named = |(name, text): (&String, &Value)| {
            let value = HeaderValue::try_from(text.as_str().expect("text")).expect("a value");
            (HeaderName::try_from(name).expect("a name"), value)
        };
        let set = signed.get("keys").map(|keys| PublicKey::parse_set(&keys.to_string()));
        Self {
            scheme,
            secrets: secrets(scheme, secret),
            keys: set.map(|set| set.expect("a key set")).unwrap_or_default(),
            headers: headers.map(named).collect(),
            body: signed["body"].as_str().expect("a body").to_owned(),
        }
    }

    /// As we sign it.
    fn ours(scheme: Scheme, secret: &str, body: &str) -> Self {
        let secrets = secrets(scheme, secret);
        let id = scheme.new_id(Timestamp::now());
        let message = Message { id: &id, sent_at: Timestamp::now(), body };
        let signed = scheme.sign(&secrets[0], &message).expect("the secret signs");
        let named = |(name, text): (&'static str, String)| {
            // WorkOS sends a blank here, on which its library for Python insists.
            let text = if scheme == WORKOS { text.replace(",v1", ", v1") } else { text };
            (HeaderName::from_static(name), HeaderValue::try_from(text).expect("a value"))
        };
        let headers = signed.headers.into_iter().map(named).collect();
        Self { scheme, secrets, keys: Vec::new(), headers, body: signed.body }
    }

    fn is_right(&self) -> bool {
        let keys = Keys { secrets: &self.secrets, published: &self.keys };
        let verdict =
            self.scheme.verify(keys, &self.headers, self.body.as_bytes(), Timestamp::now());
        verdict.is_ok()
    }

    fn question(&self, with: &str, secret: &str, keys: &Value) -> Value {
        let headers: Map<_, _> = self
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), json!(value.to_str().expect("visible ASCII"))))
            .collect();
        json!({ "do": "verify", "with": with, "secret": secret, "keys": keys, "headers": headers, "body": self.body })
    }

    /// The same with one sign changed: of each header, and of the body.
    fn twins(&self) -> Vec<Self> {
        let mut twins = vec![Self { body: changed(&self.body), ..self.clone() }];
        for (name, value) in &self.headers {
            let mut twin = self.clone();
            let text = changed(value.to_str().expect("visible ASCII"));
            twin.headers.insert(name, HeaderValue::try_from(text).expect("a value"));
            twins.push(twin);
        }
        twins
    }
}

/// Another sign in the middle, of the same sort.
fn changed(text: &str) -> String {
    let place = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(place, _)| place);
    let (before, after) = text.split_at(place);
    let mut signs = after.chars();
    let sign = if signs.next() == Some('1') { '2' } else { '1' };
    format!("{before}{sign}{}", signs.as_str())
}

fn secrets(scheme: Scheme, secret: &str) -> Vec<Secret> {
    if secret.is_empty() {
        return Vec::new();
    }
    Secret::parse_list(secret, scheme.secrets()).expect("a secret")
}

/// Who signs and verifies by which scheme, with which secret.
const LIBRARIES: [(&str, &str, Scheme, &str); 6] = [
    ("node", "svix", Scheme::Svix, ENCODED),
    ("node", "standardwebhooks", Scheme::Svix, ENCODED),
    ("node", "workos", WORKOS, TEXT),
    ("python", "svix", Scheme::Svix, ENCODED),
    ("python", "standardwebhooks", Scheme::Svix, ENCODED),
    ("python", "workos", WORKOS, TEXT),
];

#[test]
fn what_a_library_signs_is_accepted_and_its_tampered_twins_are_refused() {
    for (language, with, scheme, secret) in LIBRARIES {
        // WorkOS has no half that signs for Python.
        if (language, with) == ("python", "workos") {
            continue;
        }
        let Some(mut oracle) = Oracle::of(language) else { continue };
        for body in BODIES {
            let time = Timestamp::now().as_millisecond();
            let id = DeliveryId::new("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W").expect("an id");
            let question = json!({ "do": "sign", "with": with, "secret": secret, "id": id.as_str(), "time": time, "body": body });

            let request = Request::of(scheme, secret, &oracle.ask(&question));

            assert!(request.is_right(), "{language} {with}: {body}");
            for twin in request.twins() {
                assert!(!twin.is_right(), "{language} {with}: {:?} {}", twin.headers, twin.body);
            }
        }
    }
}

#[test]
fn what_we_sign_is_accepted_by_the_libraries_and_its_twins_are_judged_alike() {
    let clerk = ("node", "clerk", Scheme::Svix, ENCODED);
    for (language, with, scheme, secret) in LIBRARIES.into_iter().chain([clerk]) {
        let Some(mut oracle) = Oracle::of(language) else { continue };
        for body in BODIES {
            let request = Request::ours(scheme, secret, body);

            let verdict = oracle.ask(&request.question(with, secret, &Value::Null));

            assert_eq!(verdict["right"], true, "{language} {with}: {body}: {verdict}");
            for twin in request.twins() {
                let verdict = oracle.ask(&twin.question(with, secret, &Value::Null));
                assert_eq!(
                    verdict["right"],
                    twin.is_right(),
                    "{language} {with}: {:?}",
                    twin.headers
                );
            }
        }
    }
}

#[test]
fn tokens_of_every_algorithm_are_judged_as_by_the_libraries() {
    let Some(mut oracle) = Oracle::of("node") else { return };
    for (with, algorithm) in [
        ("jose", "RS256"),
        ("jose", "PS256"),
        ("jose", "RS512"),
        ("jose", "ES256"),
        ("jose", "ES384"),
        ("jose", "EdDSA"),
        ("kinde", "RS256"),
    ] {
        let question =
            json!({ "do": "sign", "with": with, "algorithm": algorithm, "body": BODIES[1] });
        let signed = oracle.ask(&question);

        let request = Request::of(TOKEN, "", &signed);

        assert!(request.is_right(), "{with} {algorithm}");
        let verdict = oracle.ask(&request.question(with, "", &signed["keys"]));
        assert_eq!(verdict["right"], true, "{with} {algorithm}: {verdict}");
        for twin in request.twins() {
            let verdict = oracle.ask(&twin.question(with, "", &signed["keys"]));
            assert_eq!((twin.is_right(), &verdict["right"]), (false, &json!(false)), "{algorithm}");
        }
    }
}

#[test]
fn a_token_that_we_sign_is_accepted_by_a_library() {
    let Some(mut oracle) = Oracle::of("node") else { return };
    let pair = Secret::random(Form::Pair).to_text();
    let key = STANDARD.decode(&pair["whsk_".len()..]).expect("base64");
    let x = URL_SAFE_NO_PAD.encode(&key[32..]);
    let keys = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": x }] });

    let request = Request::ours(TOKEN, &pair, BODIES[1]);

    assert!(request.is_right());
    let verdict = oracle.ask(&request.question("jose", "", &keys));
    assert_eq!(verdict["right"], true, "{verdict}");
}

/// The libraries differ only about the future: WorkOS's for Node accepts any.
#[test]
fn old_requests_are_refused_as_by_the_libraries() {
    for (language, with, scheme, secret) in LIBRARIES {
        let Some(mut oracle) = Oracle::of(language) else { continue };
        let id = DeliveryId::new("msg_1").expect("an id");
        let sent_at = Timestamp::now() - SignedDuration::from_mins(10);
        let message = Message { id: &id, sent_at, body: BODIES[0] };
        let signed = scheme.sign(&secrets(scheme, secret)[0], &message).expect("it signs");
        let headers: Map<_, _> =
            signed.headers.into_iter().map(|(name, text)| (name.to_owned(), json!(text))).collect();
        let answer = json!({ "headers": headers, "body": signed.body });

        let old = Request::of(scheme, secret, &answer);

        let verdict = oracle.ask(&old.question(with, secret, &Value::Null));
        assert_eq!(
            (old.is_right(), &verdict["right"]),
            (false, &json!(false)),
            "{language} {with}"
        );
    }
}
