//! Secrets as people paste them.

use users_sync::signature::{BadSecret, Form, Secret};

use super::{OTHER_KEY, signed};
use crate::harness::{Front, KEY, ServiceSettings};

const PASTED: &str = "dGhlIGtleSBvZiB0aGUgdGVzdHM6IDMyIGJ5dGVzICE=";

fn keys(text: &str) -> Result<Vec<Vec<u8>>, BadSecret> {
    Ok(Secret::parse_list(text, Form::Encoded)?
        .iter()
        .map(|secret| secret.expose().to_vec())
        .collect())
}

fn refusal(text: &str) -> BadSecret {
    Secret::parse_list(text, Form::Encoded).expect_err("no secret")
}

#[test]
fn blanks_and_quotes_around_a_secret_are_removed() {
    for text in [
        format!("whsec_{PASTED}"),
        PASTED.to_owned(),
        format!("  whsec_{PASTED}\r\n"),
        format!("\"whsec_{PASTED}\""),
        format!(" ' whsec_{PASTED} ' "),
        format!("v1,whsec_{PASTED}"),
        format!("\"v1,whsec_{PASTED}\""),
        format!("v1, whsec_{PASTED},"),
        format!(",,whsec_{PASTED}, ,"),
    ] {
        assert_eq!(keys(&text), Ok(vec![KEY.to_vec()]), "{text}");
    }
}

#[test]
fn a_list_holds_every_secret_in_its_order() {
    let other = Secret::from_bytes(OTHER_KEY.to_vec()).to_text();

    let two = keys(&format!(" whsec_{PASTED} , '{other}'"));
    let versioned = keys(&format!("v1,{other},v1,whsec_{PASTED}"));

    assert_eq!(two, Ok(vec![KEY.to_vec(), OTHER_KEY.to_vec()]));
    assert_eq!(versioned, Ok(vec![OTHER_KEY.to_vec(), KEY.to_vec()]));
}

#[tokio::test]
async fn every_secret_of_a_pasted_list_is_accepted() {
    let other = Secret::from_bytes(OTHER_KEY.to_vec()).to_text();
    let keys = keys(&format!("\"v1,whsec_{PASTED}\", {other}")).expect("secrets");
    let front = Front::with(ServiceSettings { keys, ..ServiceSettings::default() }).await;

    for key in [KEY, OTHER_KEY] {
        let answer = front.service.post(&signed().signed_with(key)).await;

        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

#[test]
fn the_error_for_a_secret_that_is_not_base64_gives_its_position() {
    for wrong in
        ["whsec_private!words", "sk_live_private", "whsec_", "whsec_cHJpdmF0ZQ", "pri vate"]
    {
        let first = refusal(wrong);
        let second = refusal(&format!("whsec_{PASTED}, {wrong}"));

        assert_eq!(first, BadSecret::NotBase64(1), "{wrong}");
        assert_eq!(second, BadSecret::NotBase64(2), "{wrong}");
        let text = format!("{second} {second:?}");
        assert!(text.contains("secret 2 is not base64"), "{text}");
        for part in ["pri", "words", "live", "cHJp", PASTED] {
            assert!(!text.contains(part), "{text}");
        }
    }
}

#[test]
fn blanks_alone_are_not_a_secret() {
    for nothing in ["", "  ", ",", "\"\"", "v1,", " ' ' , v1 , \n"] {
        assert_eq!(refusal(nothing), BadSecret::Empty, "{nothing}");
    }
}

#[test]
fn a_secret_is_never_printed() {
    let secret = Secret::from_bytes(KEY.to_vec());

    assert_eq!(format!("{secret:?}"), "Secret(redacted)");
    assert_eq!(secret.to_text(), format!("whsec_{PASTED}"));
}
