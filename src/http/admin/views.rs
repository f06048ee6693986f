//! The pages as their templates want them: words, escaped by the templates.

mod entities;

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use serde::Deserialize;

use super::causes::Cause;
use super::links;
use super::times::time;
use crate::db::findings::{self, Finding};
use crate::db::journal::search::Record;
use crate::db::runs::Counts;
use crate::db::status::{Counts as Rows, Users};
use crate::explain::{Discreet, Excerpt, discreet, pretty};
use crate::model::{Key, Kind, Subject};
use crate::provider;

pub(super) use entities::{Doubt, Entity, Field, User};

#[derive(Template)]
#[template(path = "admin/sign_in.html")]
pub(super) struct SignIn {
    pub(super) refused: bool,
}

#[derive(Template)]
#[template(path = "admin/now.html", blocks = ["live"])]
pub(super) struct Now {
    pub(super) csrf: String,
    /// When all this was so.
    pub(super) at: String,
    pub(super) users: Users,
    /// Of the other kinds.
    pub(super) others: Vec<(Kind, Rows)>,
    pub(super) causes: Vec<Cause>,
    pub(super) sources: Vec<SourceLine>,
    pub(super) quarantined: i64,
    pub(super) findings: Vec<Finding>,
    pub(super) lag: String,
    pub(super) bars: Vec<Bar>,
    pub(super) outcomes: Vec<(String, i64)>,
}

impl Now {
    /// The page of a finding's subject.
    fn finding_href(finding: &Finding) -> String {
        if finding.subject != Subject::Purge.as_str() {
            return links::user(&finding.id);
        }
        let Key { kind, id } = findings::named(&finding.id);
        links::entity(kind.as_str(), &id)
    }

    /// The number of things that need the operator's attention.
    fn pending(&self) -> usize {
        let causes = self.causes.iter().filter(|cause| !cause.past).count();
        causes + self.findings.len() + usize::from(self.quarantined > 0)
    }
}

pub(super) struct SourceLine {
    pub(super) name: String,
    pub(super) title: &'static str,
    pub(super) last: Option<String>,
    /// The text about the last one; empty if there was none.
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
#[template(path = "admin/deliveries.html", blocks = ["live"])]
pub(super) struct Deliveries {
    pub(super) csrf: String,
    pub(super) sources: Vec<String>,
    pub(super) wanted: Shown,
    pub(super) outcomes: [&'static str; 5],
    pub(super) rows: Vec<Line>,
    pub(super) next: Option<String>,
    pub(super) problem: Option<&'static str>,
    /// The address that refreshes it; `None` if it does not change.
    pub(super) live: Option<String>,
}

impl Deliveries {
    fn kinds(&self) -> [&'static str; Kind::ALL.len()] {
        Kind::ALL.map(Kind::as_str)
    }
}

/// The filter, as it was typed.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Shown {
    pub(super) source: String,
    pub(super) outcome: String,
    #[serde(rename = "type")]
    pub(super) event_type: String,
    pub(super) user: String,
    pub(super) kind: String,
    pub(super) entity: String,
    pub(super) reason: String,
    pub(super) since: String,
    pub(super) until: String,
}

pub(super) struct Line {
    pub(super) href: String,
    pub(super) id: String,
    pub(super) received: String,
    pub(super) source: String,
    pub(super) event_type: String,
    /// The entities that it names, in order.
    pub(super) entities: Vec<Named>,
    pub(super) version: String,
    pub(super) attempts: i32,
    pub(super) outcome: String,
    pub(super) reason: String,
}

/// An entity, and its page.
pub(super) struct Named {
    pub(super) href: String,
    pub(super) kind: String,
    pub(super) id: String,
}

impl Named {
    pub(super) fn of(kind: &str, id: String) -> Self {
        Self { href: links::entity(kind, &id), kind: kind.to_owned(), id }
    }

    /// Of any other kind the page says which.
    fn is_user(&self) -> bool {
        self.kind == Kind::User.as_str()
    }
}

/// Entities that a line of a list shows.
const NAMED: usize = 3;

impl Line {
    fn first_entities(&self) -> &[Named] {
        &self.entities[..self.entities.len().min(NAMED)]
    }

    fn further_entities(&self) -> usize {
        self.entities.len().saturating_sub(NAMED)
    }

    pub(super) fn of(record: Record) -> Self {
        Self {
            href: links::delivery(&record.source, &record.delivery_id),
            id: record.delivery_id,
            received: time(record.received_at),
            source: record.source,
            event_type: record.event_type.unwrap_or_default(),
            entities: record
                .entities
                .into_iter()
                .map(|named| Named::of(&named.kind, named.id))
                .collect(),
            version: record.version_at.map(time).unwrap_or_default(),
            attempts: record.attempts,
            outcome: record.outcome,
            reason: record.reason.unwrap_or_default(),
        }
    }
}

/// JSON that holds personal data, and maybe private fields.
pub(super) struct Body {
    pub(super) shown: BodyShown,
    /// The page with the private fields shown, or hidden.
    pub(super) href: String,
    /// The route of the whole body, if there is one.
    pub(super) api: Option<String>,
}

/// Bytes that a page shows of a body, at most: escaped they are some five times as many.
const SHOWN: usize = 128 << 10;

pub(super) enum BodyShown {
    Whole(Excerpt),
    Discreet(Discreet),
    /// The body is not JSON, so no field can be recognized.
    Opaque,
}

impl Body {
    /// `href` is the address of its page, `api` the route with the same content.
    pub(super) fn of(text: &str, whole: bool, href: &str, api: Option<String>) -> Self {
        if whole {
            let shown = BodyShown::Whole(pretty(text, SHOWN));
            return Self { shown, href: format!("{href}#body"), api };
        }
        let shown = discreet(text, &provider::private(), SHOWN)
            .map_or(BodyShown::Opaque, BodyShown::Discreet);
        let more = if href.contains('?') { '&' } else { '?' };
        Self { shown, href: format!("{href}{more}private=show#body"), api }
    }

    fn left_out(&self) -> usize {
        match &self.shown {
            BodyShown::Whole(excerpt) => excerpt.left_out,
            BodyShown::Discreet(discreet) => discreet.shown.left_out,
            BodyShown::Opaque => 0,
        }
    }

    fn is_whole(&self) -> bool {
        matches!(self.shown, BodyShown::Whole(_))
    }
}

#[derive(Template)]
#[template(path = "admin/delivery.html")]
pub(super) struct Delivery {
    pub(super) csrf: String,
    pub(super) line: Line,
    pub(super) processed: String,
    pub(super) body: Option<Body>,
    pub(super) replayed: Option<String>,
}

#[derive(Template)]
#[template(path = "admin/runs.html")]
pub(super) struct Runs {
    pub(super) csrf: String,
    /// The sources, with their changes that came by no webhook.
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
    pub(super) groups: Vec<Group>,
    pub(super) rows: Vec<Line>,
    pub(super) next: Option<String>,
    /// The conditions as the operator typed them.
    pub(super) since: String,
    pub(super) until: String,
    pub(super) problem: Option<&'static str>,
    pub(super) replayed: Option<String>,
}

/// The deliveries that were quarantined for one reason.
pub(super) struct Group {
    pub(super) href: String,
    pub(super) source: String,
    pub(super) reason: String,
    pub(super) deliveries: i64,
    pub(super) first: String,
    pub(super) last: String,
}

pub(super) fn page(status: StatusCode, template: &impl Template) -> Response {
    let html = template.render().expect("a string takes all that is written");
    (status, Html(html)).into_response()
}
