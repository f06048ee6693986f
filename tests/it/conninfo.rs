mod keepalive;

use percent_encoding::percent_encode_byte;
use proptest::prelude::*;
use users_sync::config::PROGRAM;
use users_sync_conninfo::Conninfo;

/// Parses with the environment given as `NAME=value` pairs, and describes what came out.
fn describe(url: &str, environment: &[(&str, &str)]) -> Result<String, String> {
    let lookup = |name: &str| {
        environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    };
    match Conninfo::parse(url, PROGRAM, &lookup) {
        Ok(conninfo) => Ok(conninfo.describe()),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn urls_and_words_are_read_as_libpq_reads_them() {
    let cases = [
        ("postgres://u:p@h/d", "d on h:5432 as u, sslmode=prefer"),
        ("postgresql://u@h", "u on h:5432 as u, sslmode=prefer"),
        ("postgresql://u@h:6543/d?sslmode=require", "d on h:6543 as u, sslmode=require"),
        ("postgresql://u@a:1,b,c:3/d", "d on a:1, b:5432, c:3 as u, sslmode=prefer"),
        ("postgresql://u@a,b/d?port=7", "d on a:7, b:7 as u, sslmode=prefer"),
        ("postgresql://u@[::1]:7/d", "d on [::1]:7 as u, sslmode=prefer"),
        ("postgresql://u@%2Frun%2Fpg/d", "d on /run/pg:5432 as u, sslmode=prefer"),
        ("postgresql://u@localhost/d?host=/run/pg", "d on /run/pg:5432 as u, sslmode=prefer"),
        ("postgresql:///d?host=h&user=u&port=7", "d on h:7 as u, sslmode=prefer"),
        ("postgresql://u%40x:p%2F@h/d%20e", "d e on h:5432 as u@x, sslmode=prefer"),
        ("postgresql://u:p?q#r@h/d", "d on h:5432 as u, sslmode=prefer"),
        ("postgresql://u:p@ss@h/d", "d on h:5432 as u, sslmode=prefer"),
        ("postgresql://u@h?user=a@b&dbname=d", "d on h:5432 as a@b, sslmode=prefer"),
        ("postgresql:///d?user=a@b&host=/run/pg", "d on /run/pg:5432 as a@b, sslmode=prefer"),
        ("postgresql://u@h/d?user=a@b", "d on h:5432 as a@b, sslmode=prefer"),
        ("postgresql://u@h/d?hostaddr=127.0.0.1", "d on h:5432 as u, sslmode=prefer"),
        ("postgresql:///d?hostaddr=127.0.0.1&user=u", "d on 127.0.0.1:5432 as u, sslmode=prefer"),
        ("host=h user=u dbname=d port=7", "d on h:7 as u, sslmode=prefer"),
        ("  host = h user='u v' dbname=a\\ b ", "a b on h:5432 as u v, sslmode=prefer"),
        (r"host=h user=u password='it\'s=1' dbname=d", "d on h:5432 as u, sslmode=prefer"),
        ("host=a,b port=1,2 user=u dbname=d", "d on a:1, b:2 as u, sslmode=prefer"),
        ("host=h user=u sslmode=disable sslmode=allow", "u on h:5432 as u, sslmode=allow"),
        ("postgresql://u@h/d?sslrootcert=", "d on h:5432 as u, sslmode=prefer"),
    ];

    for (url, expected) in cases {
        assert_eq!(describe(url, &[]).as_deref(), Ok(expected), "{url}");
    }
}

#[test]
fn without_a_host_the_default_unix_socket_is_meant() {
    let sockets = ["d on /var/run/postgresql:5432 as u", "d on /tmp:5432 as u"];

    for url in
        ["postgresql://u@/d", "postgres://u@/d?host=", "user=u dbname=d", "postgresql://u@:5432/d"]
    {
        let described = describe(url, &[]).expect("a socket");
        assert!(sockets.iter().any(|socket| described.starts_with(socket)), "{described}");
    }
}

#[test]
fn the_environment_fills_what_the_string_leaves_open() {
    let environment = [
        ("PGHOST", "eh"),
        ("PGPORT", "77"),
        ("PGUSER", "eu"),
        ("PGDATABASE", "ed"),
        ("PGSSLMODE", "disable"),
        ("PGPASSWORD", ""),
        ("USER", "nobody"),
    ];
    let cases = [
        ("", "ed on eh:77 as eu, sslmode=disable"),
        ("postgresql://", "ed on eh:77 as eu, sslmode=disable"),
        ("postgresql://h/d", "d on h:77 as eu, sslmode=disable"),
        ("postgresql://u@h:5/d?sslmode=prefer", "d on h:5 as u, sslmode=prefer"),
        ("postgresql://a,b/d", "d on a:77, b:77 as eu, sslmode=disable"),
    ];

    for (url, expected) in cases {
        assert_eq!(describe(url, &environment).as_deref(), Ok(expected), "{url}");
    }
    assert_eq!(
        describe("postgresql://h", &[("USER", "me")]).as_deref(),
        Ok("me on h:5432 as me, sslmode=prefer")
    );
}

#[test]
fn what_prisma_node_and_hosts_write_is_understood() {
    let cases = [
        ("?pgbouncer=true&connection_limit=1&pool_timeout=0&schema=public", "prefer"),
        ("?sslmode=require&channel_binding=require&uselibpqcompat=true", "require"),
        ("?sslmode=disable&options=endpoint%3Dep-cool-name-123456", "disable"),
        ("?options=", "prefer"),
        ("?ssl=true", "require"),
        ("?ssl=false", "prefer"),
        ("?sslaccept=accept_invalid_certs", "prefer"),
        ("?sslmode=allow&ssl=true", "require"),
        ("?keepalives=1&keepalives_idle=30&keepalives_interval=5&keepalives_count=3", "prefer"),
        ("?connect_timeout=0&application_name=x&fallback_application_name=y", "prefer"),
        ("?target_session_attrs=primary&load_balance_hosts=random&tcp_user_timeout=100", "prefer"),
        ("?gssencmode=disable&sslsni=0&sslcompression=0&client_encoding=UTF8", "prefer"),
        ("?sslmode=require&sslnegotiation=direct&ssl_min_protocol_version=TLSv1.3", "require"),
        ("?prepare=false&max=10&idle_timeout=20", "prefer"),
        ("?prepareThreshold=0&currentSchema=app&tcpKeepAlive=true&socketTimeout=3", "prefer"),
        ("?prepared_statements=false&pool=5&encoding=utf8", "prefer"),
        ("?statement_cache_size=0&prepared_statement_cache_size=0&pool_pre_ping=true", "prefer"),
        ("?default_query_exec_mode=simple_protocol&pool_max_conns=4", "prefer"),
        ("?&&", "prefer"),
    ];

    for (query, sslmode) in cases {
        let expected = format!("d on h:5432 as u, sslmode={sslmode}");
        assert_eq!(describe(&format!("postgresql://u:p@h/d{query}"), &[]), Ok(expected), "{query}");
    }
}

#[test]
fn a_mistake_is_named_with_the_way_out() {
    let cases = [
        ("mysql://u:s3cret@h/d", "neither a URL nor key=value"),
        ("mysql://u:s3cret@h/d?a=b", "neither a URL nor key=value"),
        ("s3cret", "neither a URL nor key=value"),
        ("postgresql://u@h/d?sslmod=s3cret", "not known (is it `sslmode`?): correct or remove it"),
        ("postgresql://u@h/d?a%20b=s3cret", "a parameter that is not known: correct or remove it"),
        ("postgres://u:p@s3?s3cret1=x@h/d", "write @ as %40"),
        ("postgres://u:p@s3?schema=x@h:5432/d", "? as %3F"),
        ("postgres://u:1/s3?schema=s3@h/d", "? as %3F"),
        ("postgres://u:p@h/d?a=1&s3cret=x", "write ? there as %3F, & as %26"),
        ("host=h password=s3 s3cret=x", "write ? there as %3F, & as %26 and a space in quotes"),
        (
            "postgresql://u@h/d?sslmode=no-verify",
            "`sslmode` must be disable, allow, prefer, require",
        ),
        ("postgresql://u@h/d?sslmode=no-verify", "no-verify is require"),
        ("postgresql://u@h/d?ssl=no-verify", "write sslmode, with require"),
        (
            "postgresql://u@h/d?statement_timeout=s3",
            "`statement_timeout` cannot be honoured: poolers",
        ),
        ("postgresql://u@h/d?s3cret", "a parameter of the connection string has no `=`"),
        ("postgresql://u:s3/cret@h/d", "write @ as %40"),
        ("postgresql://u:s3/cret", "`port` must be a number from 1 to 65535"),
        ("postgresql://u:5/s3cret@h/d", "write @ as %40"),
        ("postgresql://u:s3%ret@h/d", "write % itself as %25"),
        ("postgresql://u:s3cret%00@h/d", "not UTF-8, or is NUL"),
        ("postgresql://u@::1/d", "an IPv6 address in the URL must stand in brackets"),
        ("postgresql://u@h%0Aforged/d", "`host` must be text without control characters"),
        ("postgresql://u@a,b:1,c:s3cret/d", "`port` must be a number"),
        ("host=a,b port=1,2,3", "`port` must be one number, or as many as there are hosts"),
        ("host=a hostaddr=s3cret", "`hostaddr` must be IP addresses"),
        ("host=a,b hostaddr=127.0.0.1", "`hostaddr` must be as many addresses"),
        ("host=a password='s3cret", "close it with '"),
        ("host=a sslmode=s3cret", "`sslmode` must be disable, allow, prefer, require"),
        ("host=a sslmode=''", "`sslmode` must be disable, allow, prefer, require"),
        ("host=a channel_binding=s3cret", "`channel_binding` must be disable, prefer or require"),
        ("host=a connect_timeout=s3cret", "`connect_timeout` must be a whole number"),
        ("host=a sslrootcert=system sslmode=require", "must be verify-full where sslrootcert"),
        ("host=a sslnegotiation=direct", "must be require or stronger where sslnegotiation"),
        ("host=a options='-c role=s3cret'", "`options` cannot be honoured: poolers refuse"),
        ("host=a service=s3cret", "`service` cannot be honoured: service files are not read"),
        ("host=a gssencmode=require", "`gssencmode` cannot be honoured"),
        ("host=a target_session_attrs=standby", "because this program writes"),
        ("host=a sslcert=/x", "cannot prepare TLS"),
        ("host=a sslrootcert=/nowhere/s3cret", "cannot prepare TLS"),
    ];

    for (url, expected) in cases {
        let error = describe(url, &[]).expect_err(url);
        assert!(error.contains(expected), "{url}: {error}");
        assert!(!error.contains("s3"), "{url}: {error}");
    }
}

#[test]
fn a_mistake_in_the_environment_is_named_by_its_variable() {
    let error = describe("postgresql://u@h/d", &[("PGSSLMODE", "on")]).expect_err("a wrong mode");

    assert!(error.starts_with("the connection parameter `PGSSLMODE` must be"), "{error}");
}

#[test]
fn a_stronger_word_is_never_weakened_by_another() {
    let root = rcgen::generate_simple_self_signed(["h".to_owned()]).expect("a certificate");
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), root.cert.pem()).expect("write");
    let path = file.path().display();

    for words in [
        "sslaccept=strict&sslmode=require",
        "sslmode=require&sslaccept=strict",
        "sslmode=verify-full&ssl=true",
    ] {
        let described = describe(&format!("postgresql://u@h/d?{words}&sslrootcert={path}"), &[]);
        assert_eq!(described.as_deref(), Ok("d on h:5432 as u, sslmode=verify-full"), "{words}");
    }
}

#[test]
fn neither_describe_nor_debug_shows_the_password() {
    let conninfo =
        Conninfo::parse("postgresql://u:s3cret@h/d", PROGRAM, &|_| None).expect("a good URL");

    let shown = format!("{conninfo:?} {}", conninfo.describe());

    assert_eq!(
        shown,
        "Conninfo(d on h:5432 as u, sslmode=prefer) d on h:5432 as u, sslmode=prefer"
    );
}

/// Everything an error would print, its sources with it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(" {cause} {cause:?}"));
        source = cause.source();
    }
    text
}

proptest! {
    #[test]
    fn no_input_panics(url in "(postgres(ql)?://)?[ -~\u{0}é]{0,60}", other in any::<String>()) {
        for text in [&url, &other] {
            let lookup = |name: &str| (name != "HOME").then(|| other.clone());
            let _ = Conninfo::parse(text, PROGRAM, &|_| None).map(|conninfo| conninfo.describe());
            let _ = Conninfo::parse(text, PROGRAM, &lookup).map(|conninfo| conninfo.describe());
        }
    }

    #[test]
    fn no_text_shows_the_password(
        password in "[!-~é]{6,20}",
        template in 0..6_usize,
        broken in prop::sample::select(vec!["", "&x=1", "&sslmode=y", "&port=z", "&a b=c", "&%", "&q", "&schema=x"]),
    ) {
        // What is also a part of the rest of the text would be found without having leaked.
        prop_assume!(!"postgresql://alice@host/database?sslmode=prefer".contains(&password));
        let encoded: String = password.bytes().map(percent_encode_byte).collect();
        let quoted = password.replace('\\', r"\\").replace('\'', r"\'");
        let url = match template {
            0 => format!("postgresql://alice:{encoded}@host/database?{broken}"),
            1 => format!("postgresql://alice:{password}@host/database?{broken}"),
            2 => format!("postgresql://host/database?user=alice&password={encoded}{broken}"),
            3 => format!("postgresql://host/database?user=alice&password={password}{broken}"),
            4 => format!("host=host password='{quoted}' {}", broken.replace('&', "")),
            _ => format!("host=host password={password} {}", broken.replace('&', "")),
        };

        let shown = match Conninfo::parse(&url, PROGRAM, &|_| None) {
            Ok(conninfo) => format!("{conninfo:?} {}", conninfo.describe()),
            Err(error) => chain(&error),
        };

        prop_assert!(!shown.contains(&password), "{shown}");
    }
}
