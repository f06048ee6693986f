//! What applications have made around the mirror.

use super::{assert_told, prepared};

#[tokio::test]
async fn a_foreign_key_that_would_stop_a_removal_is_named() {
    let sql = "create table public.notes (owner text constraint notes_owner references neon_auth.users_sync (id))";
    let checks = prepared(sql, &[("DELETE_POLICY", "hard:30d")]).await;

    assert_told(&checks, "warn", "foreign key", &["notes_owner", "no ON DELETE action", "cascade"]);
}

#[tokio::test]
async fn an_on_delete_that_cannot_fire_is_named() {
    let sql = "create table public.posts (author text constraint posts_author references neon_auth.users_sync (id) on delete cascade)";
    let checks = prepared(sql, &[]).await;

    assert_told(&checks, "warn", "foreign key", &["posts_author", "never fires", "DELETE_POLICY"]);
}

#[tokio::test]
async fn a_set_null_that_cannot_succeed_and_a_missing_index_are_named() {
    let sql = "create table public.a (owner text not null constraint a_owner references neon_auth.users_sync (id) on delete set null);
        create table public.b (owner text constraint b_owner references neon_auth.users_sync (id) on delete cascade)";
    let checks = prepared(sql, &[("DELETE_POLICY", "hard:30d")]).await;

    assert_told(&checks, "warn", "foreign key", &["a_owner", "not null"]);
    assert_told(&checks, "warn", "foreign key", &["b_owner", "create index"]);
}

#[tokio::test]
async fn a_column_of_the_wrong_type_is_named() {
    let checks = prepared("create table public.carts (user_id uuid)", &[]).await;

    assert_told(&checks, "warn", "column type", &["carts.user_id is uuid", "type text"]);
}

#[tokio::test]
async fn a_unique_address_and_a_trigger_are_named() {
    let sql = "create unique index one_address on neon_auth.users_sync (email);
        create function public.f() returns trigger language plpgsql as 'begin return new; end';
        create trigger welcome after insert on neon_auth.users_sync for each row execute function public.f()";
    let checks = prepared(sql, &[]).await;

    assert_told(&checks, "warn", "unique index", &["one_address", "quarantined"]);
    assert_told(&checks, "warn", "triggers", &["welcome"]);
}

#[tokio::test]
async fn rows_that_a_new_ledger_does_not_know_are_counted() {
    let sql = r#"insert into neon_auth.users_sync (id, raw_json)
        values ('user_1', '{"id": "user_1", "banned": true}'), ('user_2', '{"id": "user_2"}')"#;
    let checks = prepared(sql, &[]).await;

    let words = ["1 rows are of users that users-sync does not know", "adopt", "backfill"];
    assert_told(&checks, "warn", "owners", &words);
}

#[tokio::test]
async fn what_stands_on_another_mirror_is_named_with_its_kind() {
    let sql = "create table public.bills (payer text constraint bills_payer references neon_auth.organizations_sync (id));
        create table public.seats (organization_id uuid);
        create unique index one_slug on neon_auth.organizations_sync (slug);
        create function public.f() returns trigger language plpgsql as 'begin return new; end';
        create trigger joined after insert on neon_auth.memberships_sync for each row execute function public.f()";
    let checks = prepared(sql, &[("DELETE_POLICY", "hard:30d")]).await;

    assert_told(&checks, "warn", "foreign key", &["bills_payer", "for organizations"]);
    assert_told(&checks, "warn", "column type", &["seats.organization_id", "of organizations"]);
    assert_told(&checks, "warn", "unique index", &["neon_auth.organizations_sync", "one_slug"]);
    assert_told(&checks, "warn", "triggers", &["neon_auth.memberships_sync", "joined"]);
    assert_told(&checks, "ok", "mirror", &["1 on organizations_sync", "0 on roles_sync"]);
}
