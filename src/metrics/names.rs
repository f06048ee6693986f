//! The names of the metrics, without the suffixes that the text format adds (`_total`, `_bucket`, `_info`).

pub const BUILD: &str = "users_sync_build";
pub const STARTED: &str = "users_sync_start_time_seconds";
pub const REQUESTS: &str = "users_sync_requests";
pub const DELIVERIES: &str = "users_sync_deliveries";
pub const CHANGES: &str = "users_sync_changes";
pub const REJECTIONS: &str = "users_sync_rejections";
pub const SECRET_MATCHES: &str = "users_sync_secret_matches";
pub const UNAVAILABLE: &str = "users_sync_unavailable";
pub const UNROUTED: &str = "users_sync_unrouted_requests";
pub const EVENT_LAG: &str = "users_sync_event_to_commit_seconds";
pub const RECEIPT_LAG: &str = "users_sync_receipt_to_commit_seconds";
pub const BATCH_SIZE: &str = "users_sync_batch_deliveries";
pub const BATCH_COMMIT: &str = "users_sync_batch_commit_seconds";
pub const QUEUE: &str = "users_sync_queue_deliveries";
pub const QUEUE_CAPACITY: &str = "users_sync_queue_capacity_deliveries";
pub const POOL: &str = "users_sync_pool_connections";
pub const POOL_WAITING: &str = "users_sync_pool_waiting";
pub const DATABASE_UP: &str = "users_sync_database_up";
pub const QUARANTINED: &str = "users_sync_quarantined_deliveries";
pub const FOREIGN: &str = "users_sync_foreign_deliveries";
pub const HELD: &str = "users_sync_held_deliveries";
pub const FINDINGS: &str = "users_sync_findings";
pub const REPAIRS: &str = "users_sync_reconcile_repairs";
pub const UNANNOUNCED: &str = "users_sync_unannounced_changes";
pub const LAST_RECONCILE: &str = "users_sync_reconcile_last_success_time_seconds";

pub const ALL: [&str; 25] = [
    BUILD,
    STARTED,
    REQUESTS,
    DELIVERIES,
    CHANGES,
    REJECTIONS,
    SECRET_MATCHES,
    UNAVAILABLE,
    UNROUTED,
    EVENT_LAG,
    RECEIPT_LAG,
    BATCH_SIZE,
    BATCH_COMMIT,
    QUEUE,
    QUEUE_CAPACITY,
    POOL,
    POOL_WAITING,
    DATABASE_UP,
    QUARANTINED,
    FOREIGN,
    HELD,
    FINDINGS,
    REPAIRS,
    UNANNOUNCED,
    LAST_RECONCILE,
];
