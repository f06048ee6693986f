//! Fields in lines of text: a value that a stranger chose cannot imitate another field or line.

use std::error::Error;
use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;

/// `message name=value name="a value"`: any value but a single plain word is quoted, with control characters
/// escaped.
pub(super) struct Fields;

impl<'writer> FormatFields<'writer> for Fields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut line = Line { writer, begun: false, result: Ok(()) };
        fields.record(&mut line);
        line.result
    }
}

struct Line<'writer> {
    writer: Writer<'writer>,
    begun: bool,
    result: fmt::Result,
}

impl Line<'_> {
    fn write(&mut self, field: &Field, value: &str, is_text: bool) {
        let name = field.name();
        // The place in the source that a line of the `log` crate comes from; left out.
        if self.result.is_err() || name.starts_with("log.") {
            return;
        }
        let blank = if self.begun { " " } else { "" };
        self.begun = true;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/@+,%[]()*".contains(c);
        self.result = if name == "message" {
            write!(self.writer, "{blank}{}", Escaped(value))
        } else if is_text || !value.chars().all(plain) {
            write!(self.writer, "{blank}{name}={value:?}")
        } else {
            write!(self.writer, "{blank}{name}={value}")
        };
    }
}

impl Visit for Line<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.write(field, value, true);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.write(field, &crate::error_chain(value), true);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.write(field, &format!("{value:?}"), false);
    }
}

/// A text on one line, without the characters that a terminal would interpret as a command.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            if character.is_control() {
                write!(f, "{}", character.escape_default())?;
            } else {
                f.write_char(character)?;
            }
        }
        Ok(())
    }
}
