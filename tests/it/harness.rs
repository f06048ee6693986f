mod postgres;

pub(crate) use postgres::{PrivateServer, Scratch, TestDatabase, connect, eventually, settings};

/// Names the tables that [`migrate`] makes: another name, another template.
fn migrations_hash() -> String {
    "none".to_owned()
}

/// Brings an empty database to the state that tests begin with.
async fn migrate(url: String) {
    drop(connect(&url).await);
}
