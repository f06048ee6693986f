use super::password_for;

const LOGIN: [&str; 4] = ["db.example.com", "5432", "app", "alice"];

#[test]
fn a_line_gives_its_password_when_the_four_fields_match() {
    let cases = [
        ("db.example.com:5432:app:alice:secret", Some("secret")),
        ("*:*:*:*:secret", Some("secret")),
        ("db.example.com:*:app:*:se:cret", Some("se")),
        (r"db.example.com:5432:app:alice:se\:cr\\et", Some(r"se:cr\et")),
        (r"db\.example.com:5432:app:alice:secret", Some("secret")),
        ("db.example.com:5433:app:alice:secret", None),
        ("db.*:5432:app:alice:secret", None),
        ("db.example.com:5432:app:bob:secret", None),
        ("#db.example.com:5432:app:alice:secret", None),
        ("db.example.com:5432:app:alice", None),
        ("db.example.com:5432:app:alice:", None),
        ("", None),
        ("\\", None),
    ];

    for (line, password) in cases {
        assert_eq!(password_for(line, LOGIN).as_deref(), password, "{line}");
    }
}

#[test]
fn a_field_may_hold_an_escaped_colon() {
    let login = ["::1", "5432", "app", "a:b"];

    let password = password_for(r"\:\:1:5432:app:a\:b:secret", login);

    assert_eq!(password.as_deref(), Some("secret"));
}
