use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Error, error::Output};

/// Where package managers put the server's programs outside the `PATH`; `*` stands for a version.
pub const USUAL_PLACES: &[&str] = &[
    "/usr/lib/postgresql/*/bin",
    "/usr/libexec/postgresql*",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
];

/// A directory that holds `initdb` and `postgres` of one major version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// Where they are.
    pub dir: PathBuf,
    /// The 17 in 17.2.
    pub major: u32,
}

/// Where programs are looked for.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// Looked at alone when it is given.
    pub bin_dir: Option<&'a Path>,
    /// The directories of the `PATH`.
    pub path: &'a [PathBuf],
    /// Looked at last, as [`USUAL_PLACES`].
    pub places: &'a [&'a str],
}

impl Programs {
    /// The first programs found, those of major version `wanted` before all others.
    pub fn find(search: Search<'_>, wanted: Option<u32>) -> Result<Self, Error> {
        if let Some(dir) = search.bin_dir {
            return Self::at(dir)?.ok_or_else(|| Error::NotPrograms(dir.into()));
        }
        let (mut first, mut broken) = (None, None);
        for dir in search.directories() {
            match Self::at(&dir) {
                Ok(Some(found)) if wanted.is_none_or(|wanted| found.major == wanted) => {
                    return Ok(found);
                }
                Ok(found) => first = first.or(found),
                Err(err) => broken = broken.or(Some(err)),
            }
        }
        first.ok_or_else(|| broken.unwrap_or_else(|| search.nothing()))
    }

    /// The programs in `dir`; `None` when they are not there.
    pub(crate) fn at(dir: &Path) -> Result<Option<Self>, Error> {
        let programs = Self { dir: dir.into(), major: 0 };
        let postgres = programs.postgres();
        if !is_executable(&postgres) || !is_executable(&programs.initdb()) {
            return Ok(None);
        }
        let output = Command::new(&postgres)
            .arg("--version")
            .env_clear()
            .output()
            .map_err(|source| Error::Spawn { program: postgres.clone(), source })?;
        match major(&String::from_utf8_lossy(&output.stdout)) {
            Some(major) => Ok(Some(Self { major, ..programs })),
            None => Err(Error::Broken { program: postgres, output: Output::new(&output.stderr) }),
        }
    }

    /// The program that makes a cluster.
    pub fn initdb(&self) -> PathBuf {
        self.dir.join("initdb")
    }

    /// The program that serves one.
    pub fn postgres(&self) -> PathBuf {
        self.dir.join("postgres")
    }
}

impl<'a> Search<'a> {
    /// The directory that is given and the `PATH`, then the usual places.
    pub fn new(bin_dir: Option<&'a Path>, path: &'a [PathBuf]) -> Self {
        Self { bin_dir, path, places: USUAL_PLACES }
    }

    /// The first program of this name on the `PATH`.
    pub(crate) fn program(&self, name: &str) -> Option<PathBuf> {
        self.path.iter().map(|dir| dir.join(name)).find(|file| is_executable(file))
    }

    /// The command that installs the server's programs on this system.
    pub(crate) fn install(&self) -> String {
        let sudo = if rustix::process::geteuid().is_root() { "" } else { "sudo " };
        let managers = [
            ("apt-get", "apt-get install postgresql"),
            ("dnf", "dnf install postgresql-server"),
            ("apk", "apk add postgresql"),
            ("pacman", "pacman -S postgresql"),
            ("zypper", "zypper install postgresql-server"),
        ];
        match managers.iter().find(|(program, _)| self.program(program).is_some()) {
            Some((_, command)) => format!("`{sudo}{command}`"),
            None if self.program("brew").is_some() => "`brew install postgresql@17`".to_owned(),
            None => "the package manager of this system".to_owned(),
        }
    }

    fn directories(&self) -> Vec<PathBuf> {
        let on_path = self.path.iter().filter(|dir| !dir.as_os_str().is_empty()).cloned();
        let mut directories: Vec<PathBuf> = on_path.collect();
        directories.extend(self.program("pg_config").and_then(|pg_config| bindir(&pg_config)));
        directories.extend(self.places.iter().flat_map(|place| newest_first(place)));
        directories
    }

    fn nothing(&self) -> Error {
        let mut looked = vec!["the PATH"];
        if self.program("pg_config").is_some() {
            looked.push("`pg_config --bindir`");
        }
        looked.extend(self.places);
        Error::NoPrograms { looked: looked.join(", "), install: self.install() }
    }
}

fn is_executable(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

fn bindir(pg_config: &Path) -> Option<PathBuf> {
    let output = Command::new(pg_config).arg("--bindir").output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(said.trim())).filter(|dir| dir.is_absolute())
}

/// The directories that a pattern with one `*` names, the greatest version first.
fn newest_first(pattern: &str) -> Vec<PathBuf> {
    let Some((head, below)) = pattern.split_once('*') else { return vec![pattern.into()] };
    let Some((parent, prefix)) = head.rsplit_once('/') else { return Vec::new() };
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let mut found: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            let version = name.strip_prefix(prefix)?;
            let path = format!("{parent}/{name}{below}");
            Some((version.split('.').next()?.parse().unwrap_or(0), path.into()))
        })
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, dir)| dir).collect()
}

/// The 18 in `postgres (PostgreSQL) 18beta1` or `postgres (PostgreSQL) 18.4 (Debian 18.4-1)`.
fn major(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    let end = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..end].parse().ok()
}
