//! The order of the modules.

use super::source::{Line, lines};

/// The modules of `lib.rs`, in its order.
fn order(lines: &[Line]) -> Vec<String> {
    let declared = lines.iter().filter(|line| line.file == "src/lib.rs").filter_map(|line| {
        let code = line.code.trim();
        let name = code.strip_prefix("pub ").unwrap_or(code).strip_prefix("mod ")?;
        Some(name.strip_suffix(';')?.to_owned())
    });
    declared.collect()
}

/// What `lib.rs` offers under a shorter name, with the module that it comes from.
fn offered(lines: &[Line]) -> Vec<(String, String)> {
    let uses = lines.iter().filter(|line| line.file == "src/lib.rs").filter_map(|line| {
        let path = line.code.trim().strip_prefix("pub use ")?.strip_suffix(';')?;
        let (module, name) = path.split_once("::")?;
        Some((name.to_owned(), module.to_owned()))
    });
    uses.collect()
}

#[test]
fn a_module_uses_only_modules_above_it() {
    let lines = lines();
    let (order, offered) = (order(&lines), offered(&lines));
    let place = |name: &str| order.iter().position(|module| module == name);
    let mut wrong = Vec::new();
    let mut uses = 0;

    for (line, name) in lines.iter().flat_map(|line| used(line).map(move |name| (line, name))) {
        let Some(own) = place(line.module()) else { continue };
        let from = offered.iter().find(|(short, _)| *short == name);
        let module = from.map_or(&*name, |(_, module)| module);
        uses += 1;
        if place(module).is_none_or(|used| used > own) {
            wrong.push(format!("{} uses {module}", line.place()));
        }
    }

    assert_eq!(wrong, Vec::<String>::new());
    assert!(uses > 300 && order.len() > 15, "{uses} uses, {order:?}");
}

/// The names at the root of the crate that a line uses.
fn used(line: &Line) -> impl Iterator<Item = String> {
    let root = "super::".repeat(line.file.matches('/').count());
    let code = line.code.replace(&root, "crate::");
    let after: Vec<_> = code.split("crate::").skip(1).map(str::to_owned).collect();
    after.into_iter().flat_map(|after| names(&after))
}

/// Of `db::Users;` the first name, and of `{db::Users, model};` the first ones of the list.
fn names(path: &str) -> Vec<String> {
    let Some(list) = path.strip_prefix('{') else { return vec![first(path)] };
    assert!(list.contains('}'), "a list of what the crate offers goes over several lines");
    let (mut depth, mut names, mut start) = (0_usize, Vec::new(), 0);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' | ',' if depth == 0 => {
                names.push(first(&list[start..at]));
                start = at + 1;
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn first(path: &str) -> String {
    let path = path.trim();
    let end = path.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(path.len());
    path[..end].to_owned()
}
