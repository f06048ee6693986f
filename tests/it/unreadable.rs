//! Verified bodies that cannot be read, and what happens to them later.

mod poison;

use serde_json::json;

use crate::harness::{Front, Signed, body};

const PROVIDERS: [&str; 2] = ["clerk", "stack"];

#[tokio::test]
async fn a_body_that_is_no_json_object_is_quarantined() {
    let front = Front::new().await;
    let bodies: [(&[u8], &str); 11] = [
        (b"", "`the body` is not valid JSON: EOF while parsing a value at line 1 column 0"),
        (b"[]", "`the body` is not a JSON object"),
        (br#""private words""#, "`the body` is not a JSON object"),
        (b"null", "`the body` is not a JSON object"),
        (b"7", "`the body` is not a JSON object"),
        (b"private words", "`the body` is not valid JSON: expected value at line 1 column 1"),
        (b"{} {}", "`the body` is not valid JSON: trailing characters at line 1 column 4"),
        (
            br#"{"type":"user.created","data":{"id":"#,
            "`the body` is not valid JSON: EOF while parsing a value at line 1 column 36",
        ),
        (
            b"\xef\xbb\xbf{\"type\":\"user.created\",\"data\":{\"id\":\"u1\"}}",
            "`the body` is not valid JSON: expected value at line 1 column 1",
        ),
        (b"{\"type\":\"user.created\",\"data\":{\"id\":\"\xe9\"}}", "the body is not UTF-8"),
        (b"\x1f\x8b\x08\x00", "the body is not UTF-8"),
    ];
    for provider in PROVIDERS {
        for (body, reason) in bodies {
            front.quarantines(&Signed::new(provider, body), reason).await;
        }
    }
    assert_eq!(front.users().await, 0);
}

/// A whole user of either provider, with `metadata` exactly as given.
fn user_with(provider: &'static str, metadata: &str) -> Signed {
    let data = json!({ "metadata": "here", "updated_at": 1_747_408_052_123_i64 });
    let text = body(provider, "user.created", "u1", &data).to_string();
    Signed::new(
        provider,
        text.replace(r#""metadata":"here""#, &format!(r#""metadata":{metadata}"#)),
    )
}

#[tokio::test]
async fn a_value_that_only_postgres_refuses_is_quarantined_with_the_sqlstate() {
    let front = Front::new().await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let refused = [
        (r#""\ud83d""#, "Postgres refuses a value of it (SQLSTATE 22P02)"),
        (r#"{"\udc00":1}"#, "Postgres refuses a value of it (SQLSTATE 22P02)"),
        ("1e200000", "Postgres refuses a value of it (SQLSTATE 22003)"),
        (&deep, "Postgres refuses a value of it (SQLSTATE 54001)"),
    ];
    for provider in PROVIDERS {
        for (metadata, reason) in refused {
            front.quarantines(&user_with(provider, metadata), reason).await;
        }
    }
}

#[tokio::test]
async fn a_lone_surrogate_in_a_used_field_is_quarantined_with_the_fields_name() {
    let front = Front::new().await;
    for (provider, field) in [("clerk", "first_name"), ("stack", "display_name")] {
        let name = format!(r#"{{"type":"user.created","data":{{"id":"u1","{field}":"\ud83d"}}}}"#);
        let signed = Signed::new(provider, name);

        let reason =
            format!("`{field}` is not valid JSON: unexpected end of hex escape at line 1 column 8");
        front.quarantines(&signed, &reason).await;
    }
}

#[tokio::test]
async fn unusual_json_is_kept_exactly() {
    let nested = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let kept = [
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("9007199254740993", "9007199254740993"),
        ("1.10", "1.10"),
        (r#""\\u0000""#, r#""\\u0000""#),
        (r#""\\\\u0000""#, r#""\\\\u0000""#),
        (r#""\ud83d\ude00""#, "\"\u{1f600}\""),
        (r#""\ufeff""#, "\"\u{feff}\""),
        (&nested, &nested),
    ];
    let front = Front::new().await;
    for provider in PROVIDERS {
        for (metadata, text) in kept {
            front.forget().await;

            let outcome = front.receive(&user_with(provider, metadata)).await;

            assert_eq!(outcome, "applied", "{metadata}");
            let raw = front.raw_json("u1").await;
            assert!(raw.contains(&format!(r#""metadata": {text}"#)), "{metadata} in {raw}");
        }
    }
}

#[tokio::test]
async fn a_number_beyond_the_range_of_floats_is_kept() {
    let front = Front::new().await;

    let outcome = front.receive(&user_with("clerk", "1e400")).await;

    assert_eq!(outcome, "applied");
    let sql = "select (raw_json->'metadata')::numeric = 1e400 from neon_auth.users_sync";
    assert!(front.one(sql, &[]).await.get::<_, bool>(0));
}

#[tokio::test]
async fn an_escaped_nul_becomes_a_replacement_character_in_values_and_keys() {
    let nuls = [
        (r#""a\u0000b""#, "\"a\u{fffd}b\""),
        (r#"{"k\u0000":"\u0000\u0000"}"#, "{\"k\u{fffd}\": \"\u{fffd}\u{fffd}\"}"),
        (r#""\\\u0000""#, "\"\\\\\u{fffd}\""),
    ];
    let front = Front::new().await;
    for provider in PROVIDERS {
        for (metadata, text) in nuls {
            front.forget().await;

            let outcome = front.receive(&user_with(provider, metadata)).await;

            assert_eq!(outcome, "applied", "{metadata}");
            let raw = front.raw_json("u1").await;
            assert!(raw.contains(&format!(r#""metadata": {text}"#)), "{metadata} in {raw}");
        }
    }
}

#[tokio::test]
async fn an_escaped_nul_in_a_column_becomes_a_replacement_character() {
    let front = Front::new().await;
    for (provider, field) in [("clerk", "username"), ("stack", "display_name")] {
        front.forget().await;
        let fields = format!(r#""id":"u\u0000","{field}":"A\u0000da","updated_at":1747408052123"#);
        let text = format!(r#"{{"type":"user.created","data":{{{fields}}}}}"#);

        let outcome = front.receive(&Signed::new(provider, text)).await;

        assert_eq!(outcome, "applied");
        assert_eq!(front.user("u\u{fffd}").await["name"], "A\u{fffd}da");
    }
}

#[tokio::test]
async fn a_bare_nul_is_invalid_json_and_is_quarantined_unchanged() {
    let front = Front::new().await;
    let body = b"{\"type\":\"user.created\",\"data\":{\"id\":\"u\0\"}}";

    let reason = "`the body` is not valid JSON: control character (\\u0000-\\u001F) found while parsing a string at line 1 column 38";
    front.quarantines(&Signed::new("stack", body), reason).await;
}

#[tokio::test]
async fn the_last_of_two_equal_keys_wins_in_columns_and_raw_json() {
    let front = Front::new().await;
    for (provider, field) in [("clerk", "username"), ("stack", "display_name")] {
        front.forget().await;
        // The last key is written with an escape, and is the same key.
        let escaped = field.replace('e', r"\u0065");
        let data = format!(
            r#"{{"id":"u0","id":"u1","{field}":"First","updated_at":1,"updated_at":1747408052,"{escaped}":"Last"}}"#
        );
        let text =
            format!(r#"{{"type":"x","data":{{"id":"u2"}},"type":"user.created","data":{data}}}"#);

        let outcome = front.receive(&Signed::new(provider, text)).await;

        assert_eq!(outcome, "applied");
        assert_eq!(front.user("u1").await["name"], "Last");
        assert_eq!(front.users().await, 1);
        let sql = "select raw_json->>$1, raw_json->>'id' from neon_auth.users_sync";
        let row = front.one(sql, &[&field]).await;
        assert_eq!((row.get(0), row.get(1)), ("Last", "u1"));
    }
}

#[tokio::test]
async fn odd_json_in_the_envelope_does_not_affect_the_user() {
    let front = Front::new().await;
    for provider in PROVIDERS {
        front.forget().await;
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let data = r#"{"id":"u1","updated_at":1747408052123,"unknown":{"kept":true}}"#;
        let text = format!(
            r#"{{"extra":{deep},"odd":"\ud83d","big":1e200000,"type":"user.created","data":{data}}}"#
        );

        let outcome = front.receive(&Signed::new(provider, text)).await;

        assert_eq!(outcome, "applied");
        let sql = "select raw_json = $1::text::jsonb from neon_auth.users_sync where id = 'u1'";
        assert!(front.one(sql, &[&data]).await.get::<_, bool>(0));
    }
}
