//! Headers that appear more than once, and lists of signatures.

use super::{Headers, OTHER_KEY, refused, signed, with};
use crate::harness::Front;

#[tokio::test]
async fn every_signature_header_is_tried() {
    let front = Front::new().await;
    let signed = signed();
    let good = ("svix-signature".to_owned(), signed.signature.clone());
    let other = |key| ("svix-signature".to_owned(), signed.clone().signed_with(key).signature);
    let one =
        |lines: &[(String, String)]| [&with(&signed, "svix-signature", "v2,x"), lines].concat();

    let none = one(&[other(OTHER_KEY), other(b"a third")]);
    let refusal = front.service.post_with(&signed, &none).await;
    assert_eq!(refused(&front, &refusal, 401).await.1, "no secret matches");

    for lines in [vec![other(OTHER_KEY), good.clone()], vec![good, other(OTHER_KEY)]] {
        let answer = front.service.post_with(&signed, &one(&lines)).await;

        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

#[tokio::test]
async fn a_repeated_id_or_time_must_have_the_same_value() {
    let front = Front::new().await;
    let signed = signed();
    let twice = |name: &str, value: &str| -> Headers {
        [signed.headers().to_vec(), vec![(name.to_owned(), value.to_owned())]].concat()
    };

    for (name, value) in [("svix-id", "msg_other"), ("svix-timestamp", "1747408052")] {
        let answer = front.service.post_with(&signed, &twice(name, value)).await;

        let (header, reason) = refused(&front, &answer, 400).await;
        assert_eq!(header, name);
        assert_eq!(reason, format!("the header {name} is malformed: one value is expected"));
    }
    for (name, value) in
        [("svix-id", &signed.id), ("svix-timestamp", &signed.timestamp.to_string())]
    {
        let answer = front.service.post_with(&signed, &twice(name, value)).await;

        assert_eq!(answer.status, 200, "{}", answer.body);
    }
}

#[tokio::test]
async fn a_flood_of_signatures_is_refused() {
    let front = Front::new().await;
    let signed = signed();
    let list = |others: usize| format!("{}{}", "v1,bm9uZQ== ".repeat(others), signed.signature);

    let flood = with(&signed, "svix-signature", &list(32));
    let refusal = front.service.post_with(&signed, &flood).await;
    assert_eq!(refused(&front, &refusal, 400).await.0, "svix-signature");

    let costly = format!("{}{}", "v1a,bm9uZQ== ".repeat(5), signed.signature);
    let costly = front.service.post_with(&signed, &with(&signed, "svix-signature", &costly)).await;
    assert_eq!(refused(&front, &costly, 400).await.0, "svix-signature");

    let many = with(&signed, "svix-signature", &list(31));
    assert_eq!(front.service.post_with(&signed, &many).await.status, 200);
}
