//! The pages as their templates want them: words, escaped by the templates.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use crate::db::pages::KnownUser;
use crate::db::runs::Counts;
use crate::db::status::{Finding, Reason, Users};

#[derive(Template)]
#[template(path = "admin/sign_in.html")]
pub(super) struct SignIn {
    pub(super) refused: bool,
}

#[derive(Template)]
#[template(path = "admin/now.html")]
pub(super) struct Now {
    pub(super) csrf: String,
    pub(super) users: Users,
    pub(super) sources: Vec<SourceLine>,
    pub(super) quarantined: i64,
    pub(super) findings: Vec<Finding>,
    pub(super) lag: String,
    pub(super) bars: Vec<Bar>,
    pub(super) outcomes: Vec<(String, i64)>,
}

pub(super) struct SourceLine {
    pub(super) name: String,
    pub(super) title: &'static str,
    pub(super) last: Option<String>,
    pub(super) silent: bool,
    /// What came by no webhook, in a sentence.
    pub(super) unannounced: Option<String>,
    /// The last one, in words; empty where there was none.
    pub(super) backfill: String,
    pub(super) reconcile: String,
}

/// A piece of the chart.
pub(super) struct Bar {
    pub(super) x: i64,
    pub(super) y: i64,
    pub(super) height: i64,
    pub(super) outcome: String,
    pub(super) label: String,
}

#[derive(Template)]
#[template(path = "admin/deliveries.html")]
pub(super) struct Deliveries {
    pub(super) csrf: String,
    pub(super) sources: Vec<String>,
    pub(super) wanted: Shown,
    pub(super) outcomes: [&'static str; 5],
    pub(super) rows: Vec<Line>,
    pub(super) next: Option<String>,
    pub(super) problem: Option<String>,
}

/// The filter, as it was typed.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) source: String,
    pub(super) outcome: String,
    pub(super) event_type: String,
    pub(super) user: String,
    pub(super) since: String,
    pub(super) until: String,
}

pub(super) struct Line {
    pub(super) href: String,
    pub(super) user_href: Option<String>,
    pub(super) id: String,
    pub(super) received: String,
    pub(super) source: String,
    pub(super) event_type: String,
    pub(super) user: Option<String>,
    pub(super) version: String,
    pub(super) attempts: i32,
    pub(super) outcome: String,
    pub(super) reason: String,
}

#[derive(Template)]
#[template(path = "admin/delivery.html")]
pub(super) struct Delivery {
    pub(super) csrf: String,
    pub(super) line: Line,
    pub(super) processed: String,
    pub(super) body: Option<String>,
    pub(super) replayed: Option<String>,
}

#[derive(Template)]
#[template(path = "admin/user.html")]
pub(super) struct User {
    pub(super) csrf: String,
    pub(super) id: String,
    pub(super) known: Option<KnownUser>,
    pub(super) raw_json: String,
    pub(super) rows: Vec<Line>,
    pub(super) next: Option<String>,
}

#[derive(Template)]
#[template(path = "admin/runs.html")]
pub(super) struct Runs {
    pub(super) csrf: String,
    /// Sources, and what of them came by no webhook.
    pub(super) silences: Vec<(String, String)>,
    pub(super) rows: Vec<RunLine>,
    pub(super) next: Option<String>,
}

pub(super) struct RunLine {
    pub(super) started: String,
    pub(super) finished: String,
    pub(super) kind: String,
    pub(super) source: String,
    pub(super) outcome: String,
    pub(super) reason: String,
    pub(super) counts: Counts,
}

#[derive(Template)]
#[template(path = "admin/quarantine.html")]
pub(super) struct Quarantine {
    pub(super) csrf: String,
    pub(super) reasons: Vec<Reason>,
    pub(super) replayed: Option<String>,
}

pub(super) fn page(status: StatusCode, template: &impl Template) -> Response {
    let html = template.render().expect("a string takes all that is written");
    (status, Html(html)).into_response()
}
