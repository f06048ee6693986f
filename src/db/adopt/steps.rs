//! The steps that turn a table that others made into ours.

use tokio_postgres::Row;

use super::Step;
use crate::db::mirror;
use crate::model::Kind;

pub(super) fn steps(columns: &[Row], foreign_keys: i64) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let expected = mirror::of(Kind::User).expected();
    for &(name, expected, required) in &expected {
        match columns.iter().find(|column| column.get::<_, &str>("name") == name) {
            Some(column) => present(&mut steps, column, expected, required, foreign_keys)?,
            None => steps.extend(missing(name, expected, required)?),
        }
    }
    for column in columns {
        let name: &str = column.get("name");
        let ours = expected.iter().any(|(ours, ..)| *ours == name);
        if !ours && column.get("required") && !column.get::<_, bool>("has_default") {
            let quoted = format!("\"{}\"", name.replace('"', "\"\""));
            steps.push(alter(
                format!("{name} is required, but no webhook fills it"),
                &format!("alter column {quoted} drop not null"),
            ));
        }
    }
    steps.extend(key(columns)?);
    Ok(steps)
}

fn alter(why: impl Into<String>, action: &str) -> Step {
    Step { why: why.into(), sql: format!("alter table neon_auth.users_sync {action}") }
}

fn missing(name: &str, kind: &str, required: bool) -> Result<Vec<Step>, String> {
    if name == "id" {
        return Err("it has no column id".into());
    }
    let mut steps = vec![alter(format!("{name} is missing"), &format!("add column {name} {kind}"))];
    if required {
        steps.extend(filled(name));
    }
    Ok(steps)
}

/// `raw_json` is the only column besides the key that must not be null.
fn filled(name: &str) -> [Step; 2] {
    let sql = format!(
        "update neon_auth.users_sync set {name} = jsonb_build_object('id', id) where {name} is null"
    );
    [
        Step { why: format!("{name} must not be null: the id alone identifies the user"), sql },
        alter(format!("{name} must not be null"), &format!("alter column {name} set not null")),
    ]
}

fn present(
    steps: &mut Vec<Step>,
    column: &Row,
    expected: &str,
    required: bool,
    foreign_keys: i64,
) -> Result<(), String> {
    let (name, actual): (&str, &str) = (column.get("name"), column.get("type"));
    if column.get("generated") {
        let why =
            format!("{name} is generated: the step removes the expression and keeps the values");
        steps.push(alter(why, &format!("alter column {name} drop expression")));
    }
    if actual != expected {
        if name == "id" && actual == "uuid" && foreign_keys > 0 {
            return Err("id is a uuid, and foreign keys refer to it: drop them and make their columns text first".into());
        }
        let using = conversion(name, actual, expected).ok_or_else(|| {
            format!("column {name} is of type {actual}, which cannot be converted to {expected}")
        })?;
        let why = format!("{name} is {actual}");
        steps.push(alter(why, &format!("alter column {name} drop default, alter column {name} type {expected} using {using}")));
    }
    match (column.get::<_, bool>("required"), required) {
        (true, false) => {
            let why = format!("{name} must allow null");
            steps.push(alter(why, &format!("alter column {name} drop not null")));
        }
        (false, true) if name != "id" => steps.extend(filled(name)),
        _ => {}
    }
    Ok(())
}

fn conversion(name: &str, actual: &str, expected: &str) -> Option<String> {
    let plain = actual.split('(').next().unwrap_or(actual).trim();
    match (expected, plain) {
        ("text", "character varying" | "character" | "citext" | "uuid") => {
            Some(format!("{name}::text"))
        }
        ("jsonb", "json" | "text") => Some(format!("{name}::jsonb")),
        ("timestamp with time zone", "timestamp") if actual.ends_with("without time zone") => {
            Some(format!("{name} at time zone 'UTC'"))
        }
        ("timestamp with time zone", _) if actual.starts_with("timestamp") => {
            let utc = actual.ends_with("without time zone");
            Some(if utc { format!("{name} at time zone 'UTC'") } else { name.to_owned() })
        }
        _ => None,
    }
}

fn key(columns: &[Row]) -> Result<Option<Step>, String> {
    let in_key = |column: &&Row| column.get("in_key");
    let names: Vec<&str> = columns.iter().filter(in_key).map(|column| column.get("name")).collect();
    match names[..] {
        ["id"] if columns.iter().any(|column| column.get("key_deferrable")) => {
            Err("its primary key is deferrable".into())
        }
        ["id"] => Ok(None),
        [] => Ok(Some(alter("id must be the primary key", "add primary key (id)"))),
        _ => Err(format!("its primary key is ({})", names.join(", "))),
    }
}
