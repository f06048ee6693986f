//! A reader can run every SQL snippet.

use serde_json::json;

use super::pages;
use crate::harness::{Service, Signed, TestDatabase, body};

/// A database with a user, a deleted user and a delivery in quarantine.
async fn database() -> TestDatabase {
    let database = TestDatabase::new().await;
    let service = Service::start(database.url()).await;
    for (event_type, id) in [("user.created", "user_1"), ("user.deleted", "user_2")] {
        let body = body("clerk", event_type, id, &json!({})).to_string();
        assert_eq!(service.post(&Signed::new("clerk", body)).await.outcome(), "applied");
    }
    let unreadable = service.post(&Signed::new("clerk", "not JSON")).await;
    assert_eq!(unreadable.outcome(), "quarantined");
    service.drain().await.expect("the service drains");
    database
}

#[tokio::test]
async fn the_sql_snippets_of_each_page_run_in_a_database_of_their_own() {
    let pages = pages::all();
    let with_sql: Vec<_> = pages.iter().filter(|page| !page.snippets("sql").is_empty()).collect();

    assert!(!with_sql.is_empty(), "no page has a snippet");
    for page in with_sql {
        let database = database().await;
        let client = database.client().await;
        for snippet in page.snippets("sql") {
            let result = client.batch_execute(snippet).await;
            let error = result.err().map(|error| users_sync::error_chain(&error));
            assert_eq!(error, None, "{}:\n{snippet}", page.path.display());
        }
    }
}
