//! What the process was given: flags before the environment before `.env`.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use super::{Mistake, Mistakes};

/// The one place that the process's environment is read from.
pub struct Environment {
    values: HashMap<String, String>,
    executable: PathBuf,
    is_root: bool,
    /// The names that were asked for: the variables that there are.
    asked: RefCell<BTreeSet<String>>,
}

impl Environment {
    /// Reads the environment and `.env` in the working directory; `flags` are variables given on the command line.
    pub fn load(flags: Vec<(&'static str, String)>) -> Result<Self, Mistakes> {
        let mut values = read_env_file(Path::new(".env"))?;
        // A variable that is not text cannot be one of ours.
        values.extend(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }));
        let mut environment = Self::of(values);
        environment.values.extend(flags.into_iter().map(|(name, value)| (name.to_owned(), value)));
        Ok(environment)
    }

    /// Just these values, for tests.
    pub fn of(values: HashMap<String, String>) -> Self {
        let executable = std::env::current_exe().unwrap_or_else(|_| "users-sync".into());
        let is_root = rustix::process::geteuid().is_root();
        Self { values, executable, is_root, asked: RefCell::default() }
    }

    pub fn get(&self, name: &str) -> Option<String> {
        self.asked.borrow_mut().insert(name.to_owned());
        self.values.get(name).cloned()
    }

    /// Every name that was asked for so far, so that the documentation can be held against it.
    pub fn asked(&self) -> BTreeSet<String> {
        self.asked.borrow().clone()
    }

    pub(super) fn search_path(&self) -> Vec<PathBuf> {
        self.values
            .get("PATH")
            .map(|path| std::env::split_paths(path).collect())
            .unwrap_or_default()
    }

    pub(super) fn executable(&self) -> &Path {
        &self.executable
    }

    pub(super) fn is_root(&self) -> bool {
        self.is_root
    }
}

fn read_env_file(path: &Path) -> Result<HashMap<String, String>, Mistakes> {
    let mistake =
        |problem: String| Mistakes(vec![Mistake { variable: path.display().to_string(), problem }]);
    let lines = match dotenvy::from_path_iter(path) {
        Ok(lines) => lines,
        Err(dotenvy::Error::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(HashMap::new());
        }
        Err(error) => return Err(mistake(format!("cannot be read: {error}"))),
    };
    // The parser's own words quote the line, which may be a secret.
    lines
        .enumerate()
        .map(|(place, line)| {
            line.map_err(|_| {
                mistake(format!("entry {} is not NAME=value; quote a value with blanks", place + 1))
            })
        })
        .collect()
}
