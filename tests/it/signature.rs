//! The check of signatures: with the svix crate as the sender through the front door, and every other scheme by itself.

mod bound;
mod clock;
mod detached;
mod digest;
mod keys;
mod lines;
mod oracle;
mod published;
mod request;
mod secrets;
mod shared;
mod stamped;
mod times;
mod token;

use serde_json::{Value, json};

use crate::harness::{Answer, Front, KEY, ServiceSettings, Signed, body};

const OTHER_KEY: &[u8] = b"another key, of another sender !";

fn signed() -> Signed {
    Signed::new("clerk", body("clerk", "user.created", "user_1", &json!({})).to_string())
}

type Headers = Vec<(String, String)>;

/// A delivery's headers, with one of them replaced.
fn with(signed: &Signed, name: &str, value: &str) -> Headers {
    let mut headers = without(signed, name);
    headers.push((name.to_owned(), value.to_owned()));
    headers
}

fn without(signed: &Signed, name: &str) -> Headers {
    signed.headers().into_iter().filter(|(header, _)| header != name).collect()
}

/// Checks that no row comes of a refused request, and returns the refusal's header and reason.
async fn refused(front: &Front, answer: &Answer, status: u16) -> (Value, Value) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(front.users().await, 0);
    let journaled = front.one("select count(*) from users_sync.journal", &[]).await;
    assert_eq!(journaled.get::<_, i64>(0), 0);
    (answer.body["header"].clone(), answer.body["reason"].clone())
}

#[tokio::test]
async fn the_header_names_of_svix_and_standard_webhooks_can_be_mixed() {
    let front = Front::new().await;
    let all = ["id", "timestamp", "signature"];
    for standard in [&all[..0], &all[..1], &all[1..2], &all[1..], &all[..]] {
        let signed = signed();
        let headers: Headers = signed
            .headers()
            .into_iter()
            .map(|(name, value)| {
                let renamed = standard.iter().any(|end| name.ends_with(end));
                (if renamed { name.replace("svix", "webhook") } else { name }, value)
            })
            .collect();

        let answer = front.service.post_with(&signed, &headers).await;

        assert_eq!(answer.status, 200, "{standard:?}: {}", answer.body);
    }
}

#[tokio::test]
async fn if_both_names_are_present_the_one_of_svix_counts() {
    let front = Front::new().await;
    let signed = signed();
    let mut good = with(&signed, "webhook-signature", "v1,bm9uZQ==");
    good.push(("webhook-id".to_owned(), "msg_other".to_owned()));
    let bad = with(&signed, "svix-signature", "v1,bm9uZQ==");
    let bad = [bad, vec![("webhook-signature".to_owned(), signed.signature.clone())]].concat();

    let refusal = front.service.post_with(&signed, &bad).await;
    refused(&front, &refusal, 401).await;
    let answer = front.service.post_with(&signed, &good).await;

    assert_eq!(answer.outcome(), "applied");
    assert_eq!(front.journal(&signed.id).await["outcome"], "applied");
}

#[tokio::test]
async fn either_of_two_secrets_matches_and_a_third_does_not() {
    let keys = vec![KEY.to_vec(), OTHER_KEY.to_vec()];
    let front = Front::with(ServiceSettings { keys, ..ServiceSettings::default() }).await;

    let third = front.service.post(&signed().signed_with(b"a third")).await;
    let (_, reason) = refused(&front, &third, 401).await;
    let first = front.service.post(&signed().signed_with(KEY)).await;
    let second = front.service.post(&signed().signed_with(OTHER_KEY)).await;

    assert_eq!(reason, "no secret matches");
    assert_eq!((first.status, second.status), (200, 200));
}

#[tokio::test]
async fn one_good_signature_among_others_is_enough() {
    let front = Front::new().await;
    let signed = signed();
    let good = &signed.signature;
    let other = signed.clone().signed_with(OTHER_KEY).signature;
    for list in [
        format!("{other} {good}"),
        format!("{good} {other}"),
        format!("v1a,c2lnbmF0dXJl {good}"),
        format!("v2,{other} v1a,{other} {good} v3,x nonsense ,"),
        format!("{other}, {good}"),
        format!("{good}, {other}"),
        format!("{good},"),
        format!("{other},{good}"),
        format!("{good},{other}"),
        format!("v1a,c2lnbmF0dXJl,{good}"),
        format!("{other},,{good}"),
        format!("{other}  {good}"),
    ] {
        let headers = with(&signed, "svix-signature", &list);

        let answer = front.service.post_with(&signed, &headers).await;

        assert_eq!(answer.status, 200, "{list}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_signature_of_another_version_proves_nothing() {
    let front = Front::new().await;
    let signed = signed();
    let digest = signed.signature.strip_prefix("v1,").expect("a v1 signature");
    for version in ["v1a,", "v2,", "V1,", "v10,", ",", "v1", "", "x v1"] {
        let headers = with(&signed, "svix-signature", &format!("{version}{digest}"));

        let answer = front.service.post_with(&signed, &headers).await;

        let (header, reason) = refused(&front, &answer, 400).await;
        assert_eq!(header, "svix-signature", "{version}");
        let expected =
            "the header svix-signature is malformed: `v1,` and a base64 signature is expected";
        assert_eq!(reason, expected, "{version}");
    }
}

#[tokio::test]
async fn a_missing_header_is_named() {
    let front = Front::new().await;
    for name in ["svix-id", "svix-timestamp", "svix-signature"] {
        let signed = signed();

        let answer = front.service.post_with(&signed, &without(&signed, name)).await;

        let (header, reason) = refused(&front, &answer, 400).await;
        assert_eq!(header, name);
        assert_eq!(reason, format!("the header {name} is missing"));
    }
}

#[tokio::test]
async fn the_error_for_a_malformed_header_names_it_and_does_not_quote_it() {
    let front = Front::new().await;
    let long_id = "x".repeat(256);
    let malformed = [
        ("svix-id", "", "an id of 1 to 255 bytes"),
        ("svix-id", &long_id, "an id of 1 to 255 bytes"),
        ("svix-id", "msg_é", "visible ASCII"),
        ("svix-timestamp", "", "a time in whole seconds since 1970"),
        ("svix-timestamp", "soon", "a time in whole seconds since 1970"),
        ("svix-timestamp", "-1", "a time in whole seconds since 1970"),
        ("svix-timestamp", "1747408052.5", "a time in whole seconds since 1970"),
        ("svix-timestamp", "0x68275", "a time in whole seconds since 1970"),
        ("svix-timestamp", "99999999999999999999", "a time in whole seconds since 1970"),
        ("svix-signature", "é", "visible ASCII"),
        ("svix-signature", "", "`v1,` and a base64 signature"),
        ("svix-signature", "private", "`v1,` and a base64 signature"),
    ];
    for (name, value, expected) in malformed {
        let signed = signed();

        let answer = front.service.post_with(&signed, &with(&signed, name, value)).await;

        let (header, reason) = refused(&front, &answer, 400).await;
        assert_eq!(header, name, "{value}");
        assert_eq!(reason, format!("the header {name} is malformed: {expected} is expected"));
    }
}

#[tokio::test]
async fn the_error_names_the_standard_header_if_the_sender_used_it() {
    let front = Front::new().await;
    let mut signed = signed();
    signed.prefix = "webhook";

    let headers = with(&signed, "webhook-timestamp", "soon");
    let answer = front.service.post_with(&signed, &headers).await;

    assert_eq!(refused(&front, &answer, 400).await.0, "webhook-timestamp");
}

#[tokio::test]
async fn every_change_after_signing_is_refused() {
    let front = Front::new().await;
    let original = signed();
    let mut other_body = original.clone();
    other_body.body.push(b' ');
    let mut other_id = original.clone();
    other_id.id.push('x');
    let mut other_time = original.clone();
    other_time.timestamp += 1;
    let mut truncated = original.clone();
    truncated.signature.pop();
    let mut recased = original.clone();
    recased.signature = format!("v1,{}", original.signature[3..].to_ascii_lowercase());
    let foreign = original.clone().signed_with(OTHER_KEY);

    for changed in [other_body, other_id, other_time, truncated, recased, foreign] {
        let answer = front.service.post(&changed).await;

        let (header, reason) = refused(&front, &answer, 401).await;
        assert_eq!((header, reason), (Value::Null, json!("no secret matches")));
    }
    assert_eq!(front.service.post(&original).await.outcome(), "applied");
}

#[tokio::test]
async fn a_body_that_is_not_utf8_is_still_verified() {
    let front = Front::new().await;
    let signed = Signed::new("clerk", b"\xff\xfe\x00".to_vec());
    let mut changed = signed.clone();
    changed.body = b"\xff\xfd\x00".to_vec();

    let refusal = front.service.post(&changed).await;
    refused(&front, &refusal, 401).await;

    front.quarantines(&signed, "the body is not UTF-8").await;
}
