//! A reader can follow every link, and finds every page.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::pages::{self, Page, root};

/// The file that a link leads to and the anchor in it; `None` if the link leaves the repository.
fn followed(page: &Page, target: &str) -> Option<(PathBuf, Option<String>)> {
    if target.starts_with("https://") {
        return None;
    }
    let (file, anchor) = match target.split_once('#') {
        Some((file, anchor)) => (file, Some(anchor.to_owned())),
        None => (target, None),
    };
    let path = match file {
        "" => page.path.clone(),
        file => page.path.parent().expect("a page is in a directory").join(file),
    };
    let path = path.canonicalize();
    let path = path.unwrap_or_else(|_| panic!("{}: {target} is missing", page.path.display()));
    Some((path, anchor))
}

#[test]
fn every_link_leads_to_a_file_or_heading() {
    let mut readable = pages::all();
    readable.extend(["CHANGELOG.md", "bench/README.md"].map(|name| Page::read(root().join(name))));
    let anchors: BTreeMap<_, _> =
        readable.iter().map(|page| (page.path.clone(), page.anchors())).collect();

    for page in &readable {
        for target in page.links() {
            let Some((path, Some(anchor))) = followed(page, &target) else { continue };
            let exists = anchors.get(&path).is_some_and(|anchors| anchors.contains(&anchor));
            assert!(exists, "{}: there is no heading {target}", page.path.display());
        }
    }
}

#[test]
fn links_lead_from_the_readme_to_every_page() {
    let pages = pages::all();
    let mut to_read = vec![&pages[0]];
    let mut found = BTreeSet::from([pages[0].path.clone()]);

    while let Some(page) = to_read.pop() {
        for (path, _) in page.links().iter().filter_map(|target| followed(page, target)) {
            let linked = pages.iter().find(|page| page.path == path);
            to_read.extend(linked.filter(|page| found.insert(page.path.clone())));
        }
    }

    let all: BTreeSet<_> = pages.iter().map(|page| page.path.clone()).collect();
    assert_eq!(found, all);
}
