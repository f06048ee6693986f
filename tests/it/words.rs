//! The text of a Postgres error: it has what an operator needs, and never a value.

use serde_json::json;
use tokio_postgres::Client;
use users_sync::error_chain;

use crate::harness::{Service, Signed, TestDatabase, as_role, body, conninfo, run};

const ADDRESS: &str = "ada@example.com";

/// The text of the error that these statements end with.
async fn said(client: &Client, sql: &str) -> String {
    let error = client.batch_execute(sql).await.expect_err(sql);
    let said = error_chain(&error);
    assert!(!said.contains(ADDRESS), "{sql}: {said}");
    said
}

#[tokio::test]
async fn values_that_postgres_refuses_are_not_repeated() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    client
        .batch_execute(
            "create domain public.short as text check (length(value) < 5);
             create table public.people (address text unique check (length(address) < 20), age int, nick varchar(3), tag public.short);
             insert into public.people values ('ada@example.com')",
        )
        .await
        .expect("a table");
    let refused = [
        ("select 'ada@example.com'::int", "Postgres refuses a value (SQLSTATE 22P02)"),
        ("select 'ada@example.com'::timestamptz", "Postgres refuses a value (SQLSTATE 22007)"),
        ("select 'ada@example.com'::json", "Postgres refuses a value (SQLSTATE 22P02)"),
        (
            "insert into public.people (nick) values ('ada@example.com')",
            "Postgres refuses a value (SQLSTATE 22001)",
        ),
        (
            "insert into public.people values ('ada@example.com')",
            "a constraint refuses a value: table people, constraint people_address_key (SQLSTATE 23505)",
        ),
        (
            "insert into public.people values ('ada@example.com, Countess of Lovelace')",
            "a constraint refuses a value: table people, constraint people_address_check (SQLSTATE 23514)",
        ),
        (
            "insert into public.people (tag) values ('ada@example.com')",
            "a constraint refuses a value: type short, constraint short_check (SQLSTATE 23514)",
        ),
    ];
    for (sql, words) in refused {
        assert_eq!(said(&client, sql).await, format!("db error: {words}"));
    }
}

#[tokio::test]
async fn errors_that_application_functions_raise_are_never_repeated() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    for code in [
        "P0001", "PT403", "42501", "UE001", "53100", "XX000", "40001", "08006", "57014", "22023",
        "23505",
    ] {
        let raise = format!(
            "create or replace function public.refuse() returns trigger language plpgsql as $$
             begin
                 raise exception 'no account for %', new.email
                     using errcode = '{code}', hint = new.email, detail = new.email, constraint = new.email;
             end $$;
             create or replace trigger refuse before insert or update on neon_auth.users_sync
             for each row execute function public.refuse()"
        );
        client.batch_execute(&raise).await.expect("a trigger");
        let insert = "insert into neon_auth.users_sync (id, email, raw_json) values ('u', 'ada@example.com', '{}')";

        let words = said(&client, insert).await;
        let through_ours = said(&client, &format!("do $$ begin {insert}; end $$")).await;

        let expected = format!(
            "db error: PL/pgSQL function refuse() line 3 raises an error (SQLSTATE {code})"
        );
        assert_eq!((&words, &through_ours), (&expected, &expected));
    }
}

#[tokio::test]
async fn a_constraint_name_invented_by_a_trigger_is_not_shown() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let service = Service::start(database.url()).await;
    let raise = "create function public.refuse() returns trigger language plpgsql as $$
        begin raise exception 'no' using errcode = '23505', constraint = new.email; end $$;
        create trigger refuse before insert on neon_auth.users_sync
        for each row execute function public.refuse()";
    client.batch_execute(raise).await.expect("a trigger");
    let user = body("clerk", "user.created", "user_1", &json!({}));

    let answer = service.post(&Signed::new("clerk", user.to_string())).await;

    assert_eq!(answer.outcome(), "quarantined");
    let reason = "select reason from users_sync.journal";
    let reason: String = client.query_one(reason, &[]).await.expect("a row").get(0);
    assert!(reason.contains("23505") && !reason.contains('@'), "{reason}");
}

#[tokio::test]
async fn an_error_inside_an_application_function_does_not_show_its_statement() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    client
        .batch_execute(
            "create function public.look(address text) returns text language plpgsql as $$
             begin execute format('select %I from nowhere', address); end $$;
             create function public.wide(address text) returns int language sql as
             $$ select 1 / length(replace(address, address, '')) $$",
        )
        .await
        .expect("two functions");

    let looked = said(&client, "select public.look('ada@example.com')").await;
    let wide =
        said(&client, "select public.wide(email) from (values ('ada@example.com')) v (email)")
            .await;

    assert!(looked.contains("look(text)") && looked.ends_with("(SQLSTATE 42P01)"), "{looked}");
    assert!(wide.ends_with("(SQLSTATE 22012)"), "{wide}");
}

#[tokio::test]
async fn the_servers_messages_about_itself_are_shown() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let known = [
        (
            "select * from public.nowhere",
            "relation \"public.nowhere\" does not exist (SQLSTATE 42P01)",
        ),
        (
            "begin read only; create table public.t ()",
            "cannot execute CREATE TABLE in a read-only transaction (SQLSTATE 25006)",
        ),
        (
            "set statement_timeout = '1ms'; select pg_sleep(1)",
            "canceling statement due to statement timeout (SQLSTATE 57014)",
        ),
    ];
    for (sql, words) in known {
        assert_eq!(said(&client, sql).await, format!("db error: {words}"));
        client.batch_execute("rollback; reset all").await.expect("the session is reset");
    }
    let unknown = as_role(database.url(), "no_such_role");
    let refused = conninfo(&unknown).connect().await.expect_err("there is no such role");
    assert!(
        error_chain(&refused).contains("role \"no_such_role\" does not exist (SQLSTATE 28000)")
    );
}

#[tokio::test]
async fn a_command_stopped_by_a_trigger_prints_no_address() {
    let database = TestDatabase::empty().await;
    let stop = "create function public.stop() returns event_trigger language plpgsql as $$
        begin raise exception 'ada@example.com is not asked' using errcode = '42501'; end $$;
        create event trigger stop on ddl_command_end execute function public.stop()";
    database.client().await.batch_execute(stop).await.expect("an event trigger");

    let said = run(&["migrate"], &[("DATABASE_URL", database.url())]).await;

    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("stop() line 2 raises an error (SQLSTATE 42501)"), "{said:?}");
    assert!(!said.err.contains(ADDRESS) && !said.out.contains(ADDRESS), "{said:?}");
}

#[tokio::test]
async fn a_notice_of_a_trigger_is_not_logged() {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    let user = body("clerk", "user.created", "user_1", &json!({}));
    service.post(&Signed::new("clerk", user.to_string())).await;
    let notice = "create function public.notify() returns trigger language plpgsql as $$
        begin raise notice 'seen %', new.email; raise warning 'seen %', new.email; return new; end $$;
        create trigger notify before update on neon_auth.users_sync for each row execute function public.notify();
        update neon_auth.users_sync set name = 'Wrong'";
    database.client().await.batch_execute(notice).await.expect("a trigger");

    for filter in ["info", "trace", "tokio_postgres=debug"] {
        database
            .client()
            .await
            .batch_execute("update neon_auth.users_sync set name = 'Wrong'")
            .await
            .expect("the test owns it");
        let said = run(&["remap"], &[("DATABASE_URL", database.url()), ("RUST_LOG", filter)]).await;

        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.out.contains("changed") && !said.err.contains(ADDRESS), "{filter}: {said:?}");
    }
}
