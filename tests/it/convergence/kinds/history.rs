//! Random histories of both providers: what happened, what was delivered of it, and how it arrives.

use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Value, json};
use users_sync::model::Kind;
use users_sync::{ksuid, provider};

use crate::harness::{Signed, body};

/// Few points in time, so that ties and late deletions are the rule; whole steps of the time in a delivery's id.
const FIRST: i64 = 1_750_000_000_000;
const STEP: i64 = 1_500;

/// Users, teams, and what connects them: the second grant holds for the whole project.
const USERS: usize = 2;
const CONNECTIONS: usize = 3;
const PROJECT_WIDE: usize = 1;

const CLERK: [Kind; 4] = [Kind::User, Kind::Organization, Kind::Membership, Kind::Role];
const STACK: [Kind; 4] = [Kind::User, Kind::Organization, Kind::Membership, Kind::Grant];

#[derive(Clone, Debug)]
pub(super) struct Event {
    source: &'static str,
    kind: Kind,
    number: usize,
    at: i64,
    what: What,
    /// The last part of the delivery's id: it decides between two snapshots of the same time.
    tie: String,
}

#[derive(Clone, Debug)]
enum What {
    Snapshot {
        label: String,
        disabled: bool,
    },
    /// With the teams that a user was in, where the provider names them.
    Deleted {
        teams: Vec<usize>,
    },
}

/// What one delivery says of one entity.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) source: &'static str,
    pub(super) entity: (Kind, String),
    pub(super) at: Timestamp,
    pub(super) delivery: Arc<str>,
    /// Label and whether it is disabled; `None` for a deletion.
    pub(super) snapshot: Option<(String, bool)>,
}

/// The names of things in one arrival.
pub(super) struct World {
    pub(super) case: String,
    /// Whether both sources use the same ids.
    pub(super) shares_ids: bool,
}

/// One delivery, and all that it says: the first change is the one that the journal itself names.
pub(super) struct Sent {
    pub(super) signed: Signed,
    pub(super) says: Vec<Said>,
}

pub(super) fn event() -> impl Strategy<Value = Event> {
    let entity = prop_oneof![
        (Just("clerk"), prop::sample::select(&CLERK[..]), 0..CONNECTIONS),
        (Just("stack"), prop::sample::select(&STACK[..]), 0..CONNECTIONS),
        // What may live again after its deletion.
        (Just("stack"), prop::sample::select(&STACK[2..]), 0..CONNECTIONS),
    ];
    let snapshot = ("[a-z]{1,6}", any::<bool>())
        .prop_map(|(label, disabled)| What::Snapshot { label, disabled });
    let deleted = subsequence((0..USERS).collect::<Vec<_>>(), 0..=USERS)
        .prop_map(|teams| What::Deleted { teams });
    let what = prop_oneof![3 => snapshot, 2 => deleted];
    (entity, 0..6_i64, what, "[A-Za-z0-9]{4}").prop_map(
        |((source, kind, number), step, what, tie)| {
            let few = matches!(kind, Kind::User | Kind::Organization | Kind::Role);
            let number = if few { number % USERS } else { number };
            Event { source, kind, number, at: FIRST + step * STEP, what, tie }
        },
    )
}

impl World {
    fn named(&self, source: &str, kind: char, number: usize) -> String {
        let owner = if self.shares_ids { "" } else { source };
        format!("{owner}{kind}{number}.{}", self.case)
    }

    fn user(&self, source: &str, number: usize) -> String {
        self.named(source, 'u', number)
    }

    fn team(&self, source: &str, number: usize) -> String {
        self.named(source, 't', number)
    }

    /// The team and the user that the membership or the grant of this number connects.
    fn connects(&self, source: &str, number: usize) -> (String, String) {
        (self.team(source, number % 2), self.user(source, number / 2))
    }

    fn id(&self, source: &str, kind: Kind, number: usize) -> String {
        let (team, user) = self.connects(source, number);
        match kind {
            Kind::User => self.user(source, number),
            Kind::Organization => self.team(source, number),
            Kind::Role => self.named(source, 'r', number),
            Kind::Membership => format!("{team}/{user}"),
            Kind::Grant if number == PROJECT_WIDE => format!("{user}/p"),
            Kind::Grant => format!("{team}/{user}/p"),
        }
    }

    pub(super) fn sent(&self, place: usize, event: &Event) -> Sent {
        let at = Timestamp::from_millisecond(event.at).expect("a time");
        let id = match event.source {
            "stack" => format!("msg_{}", ksuid::new(at)),
            _ => format!("msg_{}{}{place}", event.tie, self.case),
        };
        let delivery: Arc<str> = id.as_str().into();
        let said = |kind, id, snapshot| {
            let (source, delivery) = (event.source, delivery.clone());
            Said { source, entity: (kind, id), at, delivery, snapshot }
        };
        let own = self.id(event.source, event.kind, event.number);
        let says = match &event.what {
            What::Snapshot { label, disabled } => {
                let disabled = *disabled && event.kind == Kind::User;
                vec![said(event.kind, own, Some((label.clone(), disabled)))]
            }
            What::Deleted { teams } => {
                let teams: &[_] = if event.names_teams() { teams } else { &[] };
                let team = |team: &usize| format!("{}/{own}", self.team(event.source, *team));
                let ids: Vec<_> = teams.iter().map(team).collect();
                let memberships = ids.into_iter().map(|id| said(Kind::Membership, id, None));
                std::iter::once(said(event.kind, own.clone(), None)).chain(memberships).collect()
            }
        };
        Sent { signed: self.signed(event, &id), says }
    }

    fn signed(&self, event: &Event, id: &str) -> Signed {
        let Event { source, kind, number, .. } = event;
        let own = self.id(source, *kind, *number);
        let mut body = body(source, event.name(), &own, &self.data(event));
        if *source == "clerk" {
            body["timestamp"] = json!(event.at);
        }
        Signed::new(source, body.to_string()).with_id(id)
    }

    /// What a snapshot says goes to the columns and, as `label`, to raw_json; what a deletion says is what identifies it.
    fn data(&self, event: &Event) -> Value {
        let (team, user) = self.connects(event.source, event.number);
        let identity = match (event.source, event.kind) {
            ("clerk", Kind::Membership) => {
                json!({ "organization": { "id": team }, "public_user_data": { "user_id": user } })
            }
            ("stack", Kind::Membership) => json!({ "team_id": team, "user_id": user }),
            ("stack", Kind::Grant) if event.number == PROJECT_WIDE => {
                json!({ "id": "p", "user_id": user })
            }
            ("stack", Kind::Grant) => json!({ "id": "p", "team_id": team, "user_id": user }),
            _ => json!({}),
        };
        let more = match &event.what {
            What::Deleted { teams } if event.names_teams() => {
                let team = |team: &usize| json!({ "id": self.team(event.source, *team) });
                json!({ "teams": teams.iter().map(team).collect::<Vec<_>>() })
            }
            What::Deleted { .. } => json!({}),
            What::Snapshot { label, disabled } => event.profile(label, *disabled),
        };
        [identity, more].iter().filter_map(Value::as_object).flatten().map(clone).collect()
    }
}

fn clone((field, value): (&String, &Value)) -> (String, Value) {
    (field.clone(), value.clone())
}

impl Event {
    fn names_teams(&self) -> bool {
        (self.source, self.kind) == ("stack", Kind::User)
    }

    fn name(&self) -> &'static str {
        let provider = provider::find(self.source).expect("a known provider");
        let deletes = matches!(self.what, What::Deleted { .. });
        let project_wide = self.kind == Kind::Grant && self.number == PROJECT_WIDE;
        let mut names = provider.events_of(self.kind);
        let name = names.find(|name| {
            name.ends_with(".deleted") == deletes && name.starts_with("project_") == project_wide
        });
        name.expect("every kind has both events")
    }

    fn profile(&self, label: &str, disabled: bool) -> Value {
        match (self.source, self.kind) {
            ("clerk", Kind::User) => json!({
                "first_name": label, "last_name": null, "banned": disabled,
                "updated_at": self.at, "label": label,
            }),
            ("clerk", _) => json!({
                "name": label, "role": label, "key": label, "permissions": [],
                "updated_at": self.at, "label": label,
            }),
            _ => json!({ "display_name": label, "restricted_by_admin": disabled, "label": label }),
        }
    }
}
