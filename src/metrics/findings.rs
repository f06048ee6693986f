//! The number of findings, as the database holds them.

use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::labels::SubjectLabels;
use super::names;
use crate::model::Subject;

#[derive(Debug, Default)]
pub(super) struct Findings(Family<SubjectLabels, Gauge>);

impl Findings {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Findings that wait for an operator, by subject; the same from every replica";
        registry.register(names::FINDINGS, help, self.0.clone());
    }

    /// A solved subject returns to zero; a subject of a newer version counts as `other`.
    pub(super) fn observe(&self, found: &[(String, i64)]) {
        let known = |found: &str| Subject::ALL.iter().any(|subject| subject.as_str() == found);
        let count = |is_meant: &dyn Fn(&str) -> bool| {
            let meant = found.iter().filter(|(subject, _)| is_meant(subject));
            meant.map(|(_, count)| count).sum()
        };
        for subject in Subject::ALL.map(Subject::as_str) {
            self.set(subject, count(&|found| found == subject));
        }
        self.set("other", count(&|found| !known(found)));
    }

    fn set(&self, subject: &'static str, count: i64) {
        self.0.get_or_create(&SubjectLabels { subject }).set(count);
    }
}
