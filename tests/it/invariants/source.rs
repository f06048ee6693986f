//! The sources, line by line, with code and text of strings apart and without comments.

use std::path::{Path, PathBuf};

/// A line of a source file.
pub(super) struct Line {
    /// From the root of the package, `src/db/users.rs`.
    pub(super) file: String,
    pub(super) number: usize,
    /// Without comments, and with empty strings.
    pub(super) code: String,
    /// What its string literals hold.
    pub(super) text: String,
}

impl Line {
    /// The top-level module that the line belongs to.
    pub(super) fn module(&self) -> &str {
        let path = self.file.strip_prefix("src/").unwrap_or(&self.file);
        path.split('/').next().unwrap_or(path).trim_end_matches(".rs")
    }

    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.file, self.number)
    }
}

/// Every line of `src`.
pub(super) fn lines() -> Vec<Line> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    files.sort();
    files.iter().flat_map(|path| lines_of(root, path)).collect()
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("the sources are there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn lines_of(root: &Path, path: &Path) -> Vec<Line> {
    let source = std::fs::read_to_string(path).expect("a source is text");
    let name = path.strip_prefix(root).expect("it is below the root");
    let file = name.to_str().expect("a source has a plain name");
    let line = |(at, (code, text)): (usize, (String, String))| Line {
        file: file.to_owned(),
        number: at + 1,
        code,
        text,
    };
    split(&source).into_iter().enumerate().map(line).collect()
}

/// What a character of Rust belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Code,
    LineComment,
    BlockComment,
    /// With as many `#` as end it; `None` if it has escapes.
    Text(Option<usize>),
}

/// The code and the text of every line.
fn split(source: &str) -> Vec<(String, String)> {
    let (mut lines, mut part, mut rest) = (vec![Default::default()], Part::Code, source);
    while let Some(first) = rest.chars().next() {
        let (next, length) = step(part, rest, first);
        let line: &mut (String, String) = lines.last_mut().expect("there is a first line");
        match (part, next) {
            (Part::Code, Part::Code) if first != '\n' => line.0.push_str(&rest[..length]),
            (Part::Text(_), Part::Text(_)) if first != '\n' => line.1.push_str(&rest[..length]),
            (Part::Code, Part::Text(_)) | (Part::Text(_), Part::Code) => line.0.push('"'),
            _ => {}
        }
        if first == '\n' {
            lines.push(Default::default());
        }
        (part, rest) = (next, &rest[length..]);
    }
    lines
}

/// The part after the next characters, and how many bytes these are.
fn step(part: Part, rest: &str, first: char) -> (Part, usize) {
    let one = first.len_utf8();
    match part {
        Part::LineComment if first == '\n' => (Part::Code, one),
        Part::BlockComment if rest.starts_with("*/") => (Part::Code, 2),
        // An escaped end of line still ends the line.
        Part::Text(None) if first == '\\' => {
            let escaped = rest[one..].chars().next().filter(|next| *next != '\n');
            (part, one + escaped.map_or(0, char::len_utf8))
        }
        Part::Text(None) if first == '"' => (Part::Code, one),
        Part::Text(Some(marks)) if ends(rest, marks) => (Part::Code, 1 + marks),
        Part::Code => code(rest, first),
        _ => (part, one),
    }
}

fn code(rest: &str, first: char) -> (Part, usize) {
    let marks = rest.chars().skip(1).take_while(|c| *c == '#').count();
    match first {
        _ if rest.starts_with("//") => (Part::LineComment, 2),
        _ if rest.starts_with("/*") => (Part::BlockComment, 2),
        '"' => (Part::Text(None), 1),
        'r' if rest[1 + marks..].starts_with('"') => (Part::Text(Some(marks)), 2 + marks),
        // A quote or a mark of a comment as a character.
        '\'' => (Part::Code, character(rest).unwrap_or(1)),
        other => (Part::Code, other.len_utf8()),
    }
}

fn ends(rest: &str, marks: usize) -> bool {
    rest.strip_prefix('"').is_some_and(|rest| rest.starts_with(&"#".repeat(marks)))
}

/// The length of a character literal; `None` for a lifetime.
fn character(rest: &str) -> Option<usize> {
    let inner = &rest[1..];
    let body = match inner.strip_prefix('\\') {
        Some(escaped) => 1 + escaped.find('\'').filter(|at| *at > 0).unwrap_or(1),
        None => inner.chars().next()?.len_utf8(),
    };
    inner.get(body..)?.starts_with('\'').then_some(body + 2)
}
