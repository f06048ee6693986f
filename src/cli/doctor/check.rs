//! One check: its name, its result and its advice.

use serde::Serialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    Ok,
    Warn,
    Fail,
    /// Skipped, because a check that it depends on failed.
    Skipped,
}

#[derive(Debug, Serialize)]
pub(super) struct Check {
    name: String,
    verdict: Verdict,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

/// Checks in the order of their dependence.
#[derive(Debug, Default)]
pub(super) struct Checks(pub(super) Vec<Check>);

impl Checks {
    pub(super) fn ok(&mut self, name: &str, found: impl Into<String>) {
        self.push(name, Verdict::Ok, found, None);
    }

    pub(super) fn warn(&mut self, name: &str, found: impl Into<String>, advice: impl Into<String>) {
        self.push(name, Verdict::Warn, found, Some(advice.into()));
    }

    pub(super) fn fail(&mut self, name: &str, found: impl Into<String>, advice: impl Into<String>) {
        self.push(name, Verdict::Fail, found, Some(advice.into()));
    }

    pub(super) fn skip(&mut self, name: &str, because: &str) {
        self.push(name, Verdict::Skipped, format!("not tried: {because}"), None);
    }

    fn push(
        &mut self,
        name: &str,
        verdict: Verdict,
        found: impl Into<String>,
        advice: Option<String>,
    ) {
        self.0.push(Check { name: name.to_owned(), verdict, found: found.into(), advice });
    }

    pub(super) fn failed(&self) -> usize {
        self.0.iter().filter(|check| check.verdict == Verdict::Fail).count()
    }

    /// For people.
    pub(super) fn print(&self) {
        for Check { name, verdict, found, advice } in &self.0 {
            let mark = match verdict {
                Verdict::Ok => "ok  ",
                Verdict::Warn => "warn",
                Verdict::Fail => "FAIL",
                Verdict::Skipped => "-   ",
            };
            println!("{mark}  {name}: {found}");
            for line in advice.iter().flat_map(|advice| advice.lines()) {
                println!("      → {line}");
            }
        }
    }
}
