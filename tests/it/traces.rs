//! Spans over OTLP: the program with and without a collector.

#[cfg(feature = "otlp")]
mod collector;
#[cfg(feature = "otlp")]
mod exported;

use crate::harness::run;

#[tokio::test]
async fn invalid_values_of_the_standard_variables_are_reported() {
    let variables = [
        ("DATABASE_URL", "postgres://localhost"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization: Bearer hunter2"),
    ];

    let said = run(&["migrate"], &variables).await;

    assert_eq!(said.code, 2, "{said:?}");
    for expected in [
        "OTEL_EXPORTER_OTLP_ENDPOINT: is not an address, such as http://127.0.0.1:4318",
        "OTEL_EXPORTER_OTLP_PROTOCOL: is not http/protobuf",
        "OTEL_EXPORTER_OTLP_HEADERS: is not name=value",
    ] {
        assert!(said.err.contains(expected), "{expected}: {said:?}");
    }
    assert!(!said.err.contains("hunter2"), "{said:?}");
}

/// Run by itself, in a build without the feature.
#[cfg(not(feature = "otlp"))]
#[tokio::test]
async fn a_build_without_otlp_says_so_and_serves() {
    use std::process::Stdio;

    use crate::harness::{Finished, Program, SECRET, Scratch, TestDatabase, signal_to};
    use rustix::process::Signal;
    use tokio::io::{AsyncBufReadExt, BufReader};

    let (database, scratch) = (TestDatabase::new().await, Scratch::new().await);
    let variables = [
        ("DATABASE_URL", database.url()),
        ("CLERK_WEBHOOK_SECRET", SECRET),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318"),
        ("LISTEN_ADDR", "127.0.0.1:0"),
    ];

    let mut service = Program::command(scratch.path(), &["serve"], &variables);
    let mut service =
        service.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let mut listening = BufReader::new(service.stdout.take().expect("it is piped")).lines();
    listening.next_line().await.expect("it is text").expect("it says where it listens");
    let doctor = run(&["doctor"], &variables).await;
    signal_to(&service, Signal::TERM);
    let said = Finished::of(service.wait_with_output().await.expect("it ends"));

    assert_eq!(said.code, Some(0), "{said:?}");
    let expected = "this build of users-sync has no OTLP";
    assert!(said.stderr.contains("WARN") && said.stderr.contains(expected), "{said:?}");
    assert!(doctor.out.contains("warn  traces: "), "{doctor:?}");
}
