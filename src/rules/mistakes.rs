//! What is wrong with rules, for the start of the service. No text quotes a value.

use super::{ANONYMOUS, Rules};
use crate::provider::Provider;

/// The longest prefix in bytes, so that the provider's ids have room behind it.
const MAX_PREFIX_LEN: usize = 64;

/// A rule that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The rule's key in the file.
    pub key: &'static str,
    pub problem: String,
}

impl Rules {
    /// Every rule that a source of this provider cannot follow.
    pub fn mistakes(&self, provider: &Provider) -> Vec<Mistake> {
        let title = provider.title;
        let found = [
            ("id_prefix", self.prefix_mistake()),
            ("ignore", self.ignore_mistake(title, provider.anonymous.is_some())),
            ("keep", path_mistake(&self.keep)),
            ("drop", path_mistake(&self.drop)),
            ("instance", self.instance_mistake(title, provider.instance.is_some())),
        ];
        let found = found.into_iter();
        found.filter_map(|(key, problem)| Some(Mistake { key, problem: problem? })).collect()
    }

    fn prefix_mistake(&self) -> Option<String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.:~".contains(c);
        if self.prefix.len() > MAX_PREFIX_LEN {
            return Some(format!("is longer than {MAX_PREFIX_LEN} bytes: choose a shorter one"));
        }
        let is_plain = self.prefix.chars().all(is_plain);
        (!is_plain).then(|| "holds other characters than letters, digits and _ - . : ~".to_owned())
    }

    fn ignore_mistake(&self, title: &str, has_anonymous: bool) -> Option<String> {
        if !has_anonymous && self.ignore.iter().any(|pattern| pattern == ANONYMOUS) {
            return Some(format!("names anonymous users, but {title} has none: remove the word"));
        }
        let is_wrong = |pattern: &String| {
            let family = pattern.strip_suffix(".*").unwrap_or(pattern);
            family.trim().is_empty() || family.contains('*')
        };
        let place = self.ignore.iter().position(is_wrong)? + 1;
        Some(format!("has no event type in place {place}: write one whole, or as `session.*`"))
    }

    fn instance_mistake(&self, title: &str, has_instance: bool) -> Option<String> {
        (self.instance.is_some() && !has_instance).then(|| {
            format!("cannot be checked, because deliveries of {title} do not name it: remove it")
        })
    }
}

fn path_mistake(paths: &[String]) -> Option<String> {
    let is_wrong = |path: &String| path.split('.').any(|name| name.trim().is_empty());
    let place = paths.iter().position(is_wrong)? + 1;
    Some(format!("has no path in place {place}: write the names of fields with dots between them"))
}
