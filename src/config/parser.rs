//! Reads each variable as its type, and collects the mistakes.

use std::fmt;

use jiff::{SignedDuration, Span, SpanRelativeTo};

use super::{Environment, Mistake, Mistakes};

pub(super) struct Parser<'a> {
    pub(super) environment: &'a Environment,
    pub(super) mistakes: Vec<Mistake>,
}

impl<'a> Parser<'a> {
    pub(super) fn new(environment: &'a Environment) -> Self {
        Self { environment, mistakes: Vec::new() }
    }

    pub(super) fn finish<T>(self, value: T) -> Result<T, Mistakes> {
        let mistakes = self.all_mistakes();
        if mistakes.0.is_empty() { Ok(value) } else { Err(mistakes) }
    }

    /// The mistakes of the parser, and those of the environment in variables that were looked up.
    pub(super) fn all_mistakes(self) -> Mistakes {
        Mistakes([self.environment.mistakes(), self.mistakes].concat())
    }

    pub(super) fn mistake(&mut self, variable: &str, problem: impl fmt::Display) {
        self.mistakes.push(Mistake { variable: variable.to_owned(), problem: problem.to_string() });
    }

    /// The trimmed value; an empty one counts as unset.
    pub(super) fn value(&self, variable: &str) -> Option<String> {
        let value = self.environment.get(variable)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// Whether it has a value, directly or through the file that `X_FILE` names.
    pub(super) fn is_set(&self, variable: &str) -> bool {
        self.value(variable).is_some() || self.value(&format!("{variable}_FILE")).is_some()
    }

    /// As [`Self::value`], or the content of the file that `X_FILE` names.
    pub(super) fn secret(&mut self, variable: &str) -> Option<String> {
        let file_variable = format!("{variable}_FILE");
        let Some(path) = self.value(&file_variable) else {
            return self.value(variable).map(|text| bare(&text));
        };
        if self.value(variable).is_some() {
            self.mistake(&file_variable, format_args!("is set, and so is {variable}: unset one"));
            return None;
        }
        self.content(&file_variable, &path)
    }

    /// The content of a file with a secret.
    pub(super) fn content(&mut self, file_variable: &str, path: &str) -> Option<String> {
        // The error does not repeat the path: it may be the secret itself, set by mistake.
        match std::fs::read_to_string(path).map(|text| bare(&text)) {
            Ok(secret) if secret.is_empty() => {
                self.mistake(file_variable, "names a file that is empty");
                None
            }
            Ok(secret) => Some(secret),
            Err(error) => {
                let problem = format_args!("names a file that cannot be read: {error}");
                self.mistake(file_variable, problem);
                None
            }
        }
    }

    pub(super) fn number<T>(&mut self, variable: &str, default: T, least: T, most: T) -> T
    where
        T: std::str::FromStr + PartialOrd + fmt::Display + Copy,
    {
        let Some(text) = self.value(variable) else { return default };
        match text.parse::<T>() {
            Ok(number) if (least..=most).contains(&number) => number,
            _ => {
                let problem = format!("is not a whole number from {least} to {most}");
                self.mistake(variable, problem);
                default
            }
        }
    }

    pub(super) fn duration(&mut self, variable: &str, default: &str) -> SignedDuration {
        let text = self.value(variable).unwrap_or_else(|| default.to_owned());
        length_of_time(&text).unwrap_or_else(|| {
            self.mistake(variable, "is not a length of time, such as 30d, 12h or 45m");
            SignedDuration::ZERO
        })
    }

    /// One of several words; the first is the default.
    pub(super) fn choice<T: Copy>(&mut self, variable: &str, choices: &[(&str, T)]) -> T {
        let text = self.value(variable);
        let found = match &text {
            None => choices.first(),
            Some(text) => choices.iter().find(|(word, _)| text.eq_ignore_ascii_case(word)),
        };
        if let Some((_, choice)) = found {
            return *choice;
        }
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        self.mistake(variable, format_args!("is none of: {}", words.join(", ")));
        choices[0].1
    }
}

/// A thousand years; a longer span would leave the range of the calendar.
const LONGEST: SignedDuration = SignedDuration::from_hours(1000 * 365 * 24);

/// Removes blanks, a byte order mark and a surrounding pair of quotes, which files and dashboards add.
fn bare(text: &str) -> String {
    let text = text.trim().trim_start_matches('\u{feff}').trim();
    let inner =
        ['"', '\''].iter().find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    inner.unwrap_or(text).trim().to_owned()
}

/// `30d`, `12h` or `45m`, with 24 hours a day; `None` if it is not positive.
pub fn length_of_time(text: &str) -> Option<SignedDuration> {
    let span = text.parse::<Span>().ok()?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    (duration.is_positive() && duration <= LONGEST).then_some(duration)
}
