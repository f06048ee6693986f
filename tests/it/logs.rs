//! Log lines as the program prints them: their content, and what a stranger cannot put there.

use std::fs::{self, File};

use crate::harness::{Finished, Program, SECRET, Scratch, TestDatabase};

/// A service whose log can be read after it has ended.
struct Logging {
    scratch: Scratch,
    database: TestDatabase,
    program: Program,
}

impl Logging {
    async fn start(database: TestDatabase, variables: &[(&str, &str)]) -> Self {
        let scratch = Scratch::new().await;
        let given = [
            ("DATABASE_URL", database.url()),
            ("CLERK_WEBHOOK_SECRET", SECRET),
            ("LISTEN_ADDR", "127.0.0.1:0"),
        ];
        let all = [&given[..], variables].concat();
        let mut command = Program::command(scratch.path(), &["serve"], &all);
        let log = File::create(scratch.path().join("log")).expect("it can be created");
        let program = Program::started(command.stderr(log)).await;
        Self { scratch, database, program }
    }

    async fn send(&self, arguments: &[&str]) -> Finished {
        let address = self.program.address.to_string();
        let variables = [("CLERK_WEBHOOK_SECRET", SECRET), ("LISTEN_ADDR", &address)];
        let sent =
            Program::run(self.scratch.path(), &[&["send"], arguments].concat(), &variables).await;
        assert_eq!(sent.code, Some(0), "{sent:?}");
        sent
    }

    async fn log(self) -> String {
        let Self { scratch, program, .. } = self;
        program.stop().await;
        fs::read_to_string(scratch.path().join("log")).expect("it is text")
    }
}

const REMARK: &str = "
    create function remark() returns trigger language plpgsql as $$
    begin
        raise notice 'a notice about %', new.email;
        raise warning using message = new.email, detail = new.email, hint = new.email;
        return new;
    end $$;
    create trigger remark before insert or update on neon_auth.users_sync
    for each row execute function remark()";

#[tokio::test]
async fn a_triggers_notice_about_a_row_is_not_logged() {
    let service = Logging::start(TestDatabase::new().await, &[]).await;
    service.database.client().await.batch_execute(REMARK).await.expect("the test owns it");

    service.send(&["--id", "user_1", "--email", "hunter2@example.com"]).await;

    let log = service.log().await;
    assert!(log.contains("user=\"user_1\"") && log.contains("outcome=\"applied\""), "{log}");
    assert!(!log.contains("hunter2"), "{log}");
}

#[tokio::test]
async fn no_filter_makes_the_driver_log_written_values() {
    for filter in ["trace", "info,tokio_postgres=trace,tokio_postgres::query=trace"] {
        let service = Logging::start(TestDatabase::new().await, &[("RUST_LOG", filter)]).await;
        service.database.client().await.batch_execute(REMARK).await.expect("the test owns it");

        service.send(&["--id", "user_1", "--email", "hunter2@example.com"]).await;

        let log = service.log().await;
        assert!(log.contains("outcome=\"applied\""), "{log}");
        assert!(!log.contains("hunter2"), "{log}");
    }
}

#[tokio::test]
async fn an_id_cannot_imitate_other_fields_or_lines() {
    let service = Logging::start(TestDatabase::new().await, &[]).await;
    let forged = "msg_1 outcome=\"forged\" user=admin";
    let lines = "user_1\n2026-01-01T00:00:00Z ERROR forged\u{1b}[2K\u{202e}";

    service.send(&["--delivery-id", forged]).await;
    service.send(&["--id", lines]).await;

    let log = service.log().await;
    let deliveries: Vec<_> = log.lines().filter(|line| line.contains(" delivery ")).collect();
    assert_eq!(deliveries.len(), 2, "{log}");
    let quoted = r#"delivery="msg_1 outcome=\"forged\" user=admin" event="#;
    assert!(deliveries[0].contains(quoted), "{log}");
    let quoted = r#"user="user_1\n2026-01-01T00:00:00Z ERROR forged\u{1b}[2K\u{202e}" "#;
    assert!(deliveries[1].contains(quoted), "{log}");
    assert!(!log.contains(['\u{1b}', '\u{202e}']), "{log}");
}

#[tokio::test]
async fn a_json_line_is_one_object_whatever_its_content() {
    let service = Logging::start(TestDatabase::new().await, &[("LOG_FORMAT", "json")]).await;

    service.send(&["--delivery-id", "msg_1\",\"outcome\":\"forged", "--id", "a\nb"]).await;

    let log = service.log().await;
    let lines = log.lines().map(|line| {
        serde_json::from_str::<serde_json::Value>(line)
            .unwrap_or_else(|err| panic!("{err}: {line}"))
    });
    let delivery =
        lines.into_iter().find(|line| line["message"] == "delivery").expect("it is logged");
    assert_eq!(delivery["delivery"], "msg_1\",\"outcome\":\"forged");
    assert_eq!(delivery["outcome"], "applied");
}
