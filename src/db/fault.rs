//! What caused a statement to fail, by its SQLSTATE:
//! <https://www.postgresql.org/docs/current/errcodes-appendix.html>

use tokio_postgres::error::{DbError, Severity, SqlState};

use crate::errors;

/// The cause of a failed statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A value, or a trigger or constraint of the application that refuses it: the same statement fails again.
    Value,
    /// A row that another transaction holds, or a conflict with one: the same statement may succeed later.
    Held,
    /// The time limit: the statement was cancelled, and may finish with more time or fewer rows.
    Slow,
    /// A value or our own tables: only a look at the tables can decide.
    Unclear,
    /// The server or the session's rights: the server is full, read-only, or shutting down.
    Server,
    /// The listeners of the channel do not read: without an announcement the statement succeeds.
    Listeners,
}

/// A statement that failed while its session survived. The text holds no value of a row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Postgres refuses the statement (SQLSTATE {code}{constraint})")]
pub struct Refusal {
    pub fault: Fault,
    pub code: String,
    /// Empty, or `, constraint NAME`.
    pub constraint: String,
}

impl Refusal {
    /// `None` if the session is lost with the statement.
    pub fn of(error: &tokio_postgres::Error) -> Option<Self> {
        let error = error.as_db_error()?;
        if matches!(error.parsed_severity(), Some(Severity::Fatal | Severity::Panic)) {
            return None;
        }
        let constraint = errors::constraint(error).map(|name| format!(", constraint {name}"));
        Some(Self {
            fault: fault(error),
            code: error.code().code().to_owned(),
            constraint: constraint.unwrap_or_default(),
        })
    }
}

fn fault(error: &DbError) -> Fault {
    let code = error.code();
    let held = [
        &SqlState::LOCK_NOT_AVAILABLE,
        &SqlState::T_R_SERIALIZATION_FAILURE,
        &SqlState::T_R_DEADLOCK_DETECTED,
    ];
    if held.contains(&code) {
        return Fault::Held;
    }
    if code == &SqlState::QUERY_CANCELED {
        return Fault::Slow;
    }
    match code.code().get(..2).unwrap_or_default() {
        // The commit fails if the queue of notifications is full.
        "54" if error.routine() == Some("PreCommit_Notify") => Fault::Listeners,
        // Connections, transactions, rights to log in, catalogs, resources, operators, the system, files, defects.
        "08" | "25" | "28" | "3D" | "53" | "55" | "57" | "58" | "F0" | "XX" => Fault::Server,
        // A right, a name or a feature that is missing here, or in a trigger of the application.
        "0A" | "42" => Fault::Unclear,
        _ => Fault::Value,
    }
}
