//! Where variables come from: command-line flags, then the environment, then `.env`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::{Mistake, Mistakes, env_file};

/// The only place that reads the process's environment.
pub struct Environment {
    values: HashMap<String, String>,
    /// The variables whose value cannot be used, and why.
    broken: BTreeMap<String, String>,
    executable: PathBuf,
    is_root: bool,
    /// The names that were looked up, which are the variables that exist.
    asked: RefCell<BTreeSet<String>>,
}

/// System variables that say where to look for programs; `.env` cannot set them.
const OF_THE_SYSTEM: [&str; 4] = ["HOME", "PATH", "USER", "XDG_DATA_HOME"];

/// A user who can write `.env` must not choose a program that root runs; downloaded programs are in the data
/// directory.
const NAMES_PROGRAMS: [&str; 2] = ["PG_BIN_DIR", "USERS_SYNC_DATA_DIR"];

impl Environment {
    /// Reads the environment and `.env` in the working directory; `flags` are variables given on the command line.
    pub fn load(flags: Vec<(&'static str, String)>) -> Result<Self, Mistakes> {
        let mut environment = Self::of(HashMap::new());
        let file = Path::new(".env");
        let entries = env_file::read(file).map_err(|problem| {
            Mistakes(vec![Mistake { variable: file.display().to_string(), problem }])
        })?;
        for env_file::Entry { name, value } in entries {
            environment.take_from_file(name, value);
        }
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => environment.set(name, Ok(value)),
                Err(_) if OF_THE_SYSTEM.contains(&&*name) => {}
                Err(_) => environment.set(name, Err("is not text in UTF-8".into())),
            }
        }
        for (name, value) in flags {
            environment.set(name.to_owned(), Ok(value));
        }
        Ok(environment)
    }

    /// An environment with only these values, for tests.
    pub fn of(values: HashMap<String, String>) -> Self {
        let executable = std::env::current_exe().unwrap_or_else(|_| "users-sync".into());
        let is_root = rustix::process::geteuid().is_root();
        let broken = BTreeMap::new();
        Self { values, broken, executable, is_root, asked: RefCell::default() }
    }

    fn take_from_file(&mut self, name: String, value: Result<String, String>) {
        if OF_THE_SYSTEM.contains(&&*name) {
            return;
        }
        let is_empty = value.as_ref().is_ok_and(|value| value.trim().is_empty());
        let value = match value {
            Ok(_) if NAMES_PROGRAMS.contains(&&*name) && !is_empty => {
                let problem = "is set in .env, which must not choose programs that users-sync runs: \
                               export it in the environment (the data directory also as --data-dir)";
                Err(problem.to_owned())
            }
            value => value,
        };
        self.set(name, value);
    }

    /// A later value replaces an earlier one.
    fn set(&mut self, name: String, value: Result<String, String>) {
        match value {
            Ok(value) => {
                self.broken.remove(&name);
                self.values.insert(name, value);
            }
            Err(problem) => {
                self.values.remove(&name);
                self.broken.insert(name, problem);
            }
        }
    }

    pub fn get(&self, name: &str) -> Option<String> {
        self.asked.borrow_mut().insert(name.to_owned());
        self.values.get(name).cloned()
    }

    /// Whether a variable of another program shows what the operator meant. It is not recorded as one that we read.
    pub(super) fn hints_at(&self, name: &str, is_meant: fn(&str) -> bool) -> bool {
        self.values.get(name).is_some_and(|value| is_meant(value.trim()))
    }

    /// Whether the variable exists, even if it is empty.
    pub(super) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Whether the variable has a value that cannot be used.
    pub(super) fn is_broken(&self, name: &str) -> bool {
        self.asked.borrow_mut().insert(name.to_owned());
        self.broken.contains_key(name)
    }

    /// What is wrong with the variables that were looked up.
    pub(super) fn mistakes(&self) -> Vec<Mistake> {
        let asked = self.asked.borrow();
        let broken = self.broken.iter().filter(|(name, _)| asked.contains(*name));
        let mistake = |(variable, problem): (&String, &String)| Mistake {
            variable: variable.clone(),
            problem: problem.clone(),
        };
        broken.map(mistake).collect()
    }

    /// Every name that was looked up so far, so that a test can compare the documentation with it.
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
