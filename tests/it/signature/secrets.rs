//! Secrets as people paste them.

use users_sync::signature::{BadSecret, Secret};

use super::{OTHER_KEY, signed};
use crate::harness::{Front, KEY, ServiceSettings};

const PASTED: &str = "dGhlIGtleSBvZiB0aGUgdGVzdHM6IDMyIGJ5dGVzICE=";

fn keys(text: &str) -> Result<Vec<Vec<u8>>, BadSecret> {
    Ok(Secret::parse_list(text)?.iter().map(|secret| secret.expose().to_vec()).collect())
}

fn refusal(text: &str) -> BadSecret {
    Secret::parse_list(text).expect_err("no secret")
}

#[test]
fn what_is_pasted_around_a_secret_is_forgiven() {
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
fn a_list_is_every_secret_in_its_order() {
    let other = Secret::from_bytes(OTHER_KEY.to_vec()).to_text();

    let two = keys(&format!(" whsec_{PASTED} , '{other}'"));
    let versioned = keys(&format!("v1,{other},v1,whsec_{PASTED}"));

    assert_eq!(two, Ok(vec![KEY.to_vec(), OTHER_KEY.to_vec()]));
    assert_eq!(versioned, Ok(vec![OTHER_KEY.to_vec(), KEY.to_vec()]));
}

#[tokio::test]
async fn every_secret_of_a_pasted_list_opens_the_door() {
    let other = Secret::from_bytes(OTHER_KEY.to_vec()).to_text();
    let keys = keys(&format!("\"v1,whsec_{PASTED}\", {other}")).expect("secrets");
    let front = Front::with(ServiceSettings { keys, ..ServiceSettings::default() }).await;

    for key in [KEY, OTHER_KEY] {
        let answer = front.service.post(&signed().signed_with(key)).await;

        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

#[test]
fn a_secret_that_is_not_base64_is_named_by_its_place_and_not_quoted() {
    for wrong in
        ["whsec_private!words", "sk_live_private", "whsec_", "whsec_cHJpdmF0ZQ", "pri vate"]
    {
        let first = refusal(wrong);
        let second = refusal(&format!("whsec_{PASTED}, {wrong}"));

        assert_eq!(first, BadSecret::NotBase64(1), "{wrong}");
        assert_eq!(second, BadSecret::NotBase64(2), "{wrong}");
        let told = format!("{second} {second:?}");
        assert!(told.contains("secret 2 is not base64"), "{told}");
        for part in ["pri", "words", "live", "cHJp", PASTED] {
            assert!(!told.contains(part), "{told}");
        }
    }
}

#[test]
fn nothing_but_blanks_is_no_secret() {
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
