//! The text of an error for logs and callers: never a value that Postgres quotes.

use std::error::Error;

use tokio_postgres::error::DbError;

/// Classes whose messages name objects, roles and limits: connections, transactions, rights, syntax, resources,
/// operators, and the server's own defects. Messages of all other classes may quote values.
const ABOUT_THE_SERVER: [&str; 14] =
    ["08", "0A", "25", "26", "28", "3D", "3F", "40", "42", "53", "54", "55", "57", "58"];

/// Poolers and the server itself report their defects with this class.
const INTERNAL: &str = "XX";

/// An error and its causes, in one line.
pub fn error_chain(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    let texts = causes.map(|cause| match cause.downcast_ref::<DbError>() {
        Some(error) => of_postgres(error),
        None => cause.to_string(),
    });
    texts.collect::<Vec<_>>().join(": ")
}

/// The server's message if it cannot hold a value, else a sentence of ours; with the SQLSTATE.
fn of_postgres(error: &DbError) -> String {
    let code = error.code().code();
    let known = ABOUT_THE_SERVER.into_iter().chain([INTERNAL]);
    let words = match raised_in(error) {
        Some(function) => format!("{function} raises an error"),
        None if known.into_iter().any(|class| code.starts_with(class)) => {
            error.message().to_owned()
        }
        None => format!("{}{}", refusal(code), names(error)),
    };
    format!("{words} (SQLSTATE {code})")
}

/// The name of the violated constraint, from a field that the server fills in.
pub(crate) fn constraint(error: &DbError) -> Option<&str> {
    error.constraint().filter(|_| raised_in(error).is_none())
}

fn refusal(code: &str) -> &'static str {
    match code.get(..2) {
        Some("22") => "Postgres refuses a value",
        Some("23") => "a constraint refuses a value",
        _ => "Postgres refuses the statement",
    }
}

/// The objects that the error names; the server fills these fields in itself.
fn names(error: &DbError) -> String {
    let names = [
        ("table", error.table()),
        ("column", error.column()),
        ("type", error.datatype()),
        ("constraint", error.constraint()),
    ];
    let known = names.into_iter().filter_map(|(what, name)| Some(format!("{what} {}", name?)));
    let known: Vec<_> = known.collect();
    if known.is_empty() { String::new() } else { format!(": {}", known.join(", ")) }
}

/// The application's function that raised the error; its message may hold values, whatever the SQLSTATE.
fn raised_in(error: &DbError) -> Option<String> {
    // The innermost function comes first; the text depends on the server's language, but the names in it do not.
    let context = error.where_().unwrap_or_default();
    let frame = context.lines().find(|line| line.contains("PL/") || line.contains("SQL function"));
    match frame {
        // Blocks without a name belong to our migrations.
        Some(frame) if frame.contains(" users_sync.") || frame.contains("inline_code_block") => {
            None
        }
        Some(frame) => Some(frame.split(" at ").next().unwrap_or(frame).to_owned()),
        None if error.routine() == Some("exec_stmt_raise") => Some("a function".into()),
        None => None,
    }
}
