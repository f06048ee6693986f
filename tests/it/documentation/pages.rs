//! `README.md` and the pages of `docs/`, read when a test runs: a new page needs no change here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub(super) struct Page {
    pub path: PathBuf,
    pub text: String,
}

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The README first, then the pages of `docs/` and of `docs/providers/` by name.
pub(super) fn all() -> Vec<Page> {
    let folders = ["docs", "docs/providers"].map(|folder| root().join(folder));
    let entries = folders.iter().flat_map(|folder| folder.read_dir().expect("there are pages"));
    let files = entries.map(|entry| entry.expect("the pages can be listed").path());
    let mut paths: Vec<_> = files.filter(|path| path.extension().is_some_and(is_md)).collect();
    assert!(!paths.is_empty(), "docs/ has no page");
    paths.sort();
    paths.insert(0, root().join("README.md"));
    paths.into_iter().map(Page::read).collect()
}

fn is_md(extension: &std::ffi::OsStr) -> bool {
    extension == "md"
}

/// The rows of the only table on any page whose head begins like this.
pub(super) fn rows(head: &str) -> Vec<Vec<String>> {
    let tables: Vec<_> = all().iter().filter_map(|page| page.rows(head)).collect();
    match <[_; 1]>::try_from(tables) {
        Ok([rows]) => rows,
        Err(tables) => panic!("{} pages have a table that begins with {head}", tables.len()),
    }
}

impl Page {
    pub(super) fn read(path: PathBuf) -> Self {
        let text = std::fs::read_to_string(&path).expect("the page can be read");
        Self { path, text }
    }

    /// Its lines outside of code blocks.
    fn prose(&self) -> impl Iterator<Item = &str> {
        let mut is_code = false;
        self.text.lines().filter(move |line| {
            let is_fence = line.starts_with("```");
            is_code ^= is_fence;
            !is_code && !is_fence
        })
    }

    /// The anchor of each of its headings, as GitHub makes it.
    pub(super) fn anchors(&self) -> BTreeSet<String> {
        let headings = self.prose().filter(|line| line.starts_with('#'));
        headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
    }

    /// The targets of its links and pictures.
    pub(super) fn links(&self) -> Vec<String> {
        let prose = self.prose().collect::<Vec<_>>().join("\n");
        let targets = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        targets.map(str::to_owned).collect()
    }

    /// Its code blocks in this language.
    pub(super) fn snippets(&self, language: &str) -> Vec<&str> {
        let fence = format!("\n```{language}\n");
        let blocks = self.text.split(&fence).skip(1);
        blocks.filter_map(|rest| rest.split("\n```").next()).collect()
    }

    pub(super) fn rows(&self, head: &str) -> Option<Vec<Vec<String>>> {
        let lines = self.prose().skip_while(|line| !line.starts_with(head));
        let table: Vec<_> = lines.take_while(|line| line.starts_with('|')).skip(2).collect();
        (!table.is_empty()).then(|| table.into_iter().map(cells).collect())
    }
}

fn cells(row: &str) -> Vec<String> {
    row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
}

fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}
