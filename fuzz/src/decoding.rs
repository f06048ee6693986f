//! The bodies of every provider, with its fixtures as the first ones.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use users_sync::model::DeliveryId;
use users_sync::provider::{self, Provider, Sample};
use users_sync::webhook::Source;

use crate::mutation::Mutator;
use crate::report::{Report, Verdict};

pub(crate) struct Target {
    source: Source,
    corpus: Vec<Vec<u8>>,
}

pub(crate) fn targets() -> Vec<Target> {
    let target = |provider: &'static Provider| {
        let source = Source::new(provider.name, provider, Vec::new());
        Target { source, corpus: corpus(provider) }
    };
    provider::ALL.into_iter().map(target).collect()
}

/// Fixtures, and what `users-sync send` sends.
fn corpus(provider: &Provider) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures");
    let files = fs::read_dir(directory.join(provider.name)).into_iter().flatten().flatten();
    let fixtures = files.map(|file| file.path()).filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".json") && !name.ends_with(".expected.json")
    });
    let mut bodies: Vec<_> = fixtures.filter_map(|path| fs::read(path).ok()).collect();
    bodies.sort();
    let now = Timestamp::UNIX_EPOCH;
    let (id, user_id, organization_id, email) = ("x_1", "user_1", "org_1", "ada@example.com");
    bodies.extend(provider.events.iter().map(|(event_type, _)| {
        let sample = Sample { event_type, id, user_id, organization_id, email, now };
        (provider.sample)(&sample).to_string().into_bytes()
    }));
    bodies
}

impl Target {
    pub(crate) fn run(&self, requests: u64, mutator: &mut Mutator) -> Report {
        let mut report = Report::new(&format!("decode {}", self.source.name));
        let id = DeliveryId::new("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W").expect("an id");
        let now = Timestamp::now();
        for _ in 0..requests {
            let other = mutator.0.pick(&self.corpus).clone();
            let body = mutator.0.pick(&self.corpus).clone();
            let body = mutator.body(&body, &other);
            report.look(|| {
                let text = String::from_utf8_lossy(&body);
                self.source.provider.subject(&text);
                self.source.provider.delivery_id(&body);
                let delivery = self.source.recall(id.clone(), now, body.into());
                if delivery.decode(now).verdict.changes().is_empty() {
                    Verdict::Refused
                } else {
                    Verdict::Accepted
                }
            });
        }
        report
    }
}
