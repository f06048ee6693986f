//! Webhook secrets for local development: created once beside the embedded Postgres, so that `users-sync send`
//! works at once.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use users_sync_embedded::private;

use crate::config::secret_variable;
use crate::provider::{self, Provider};
use crate::signature::Secret;
use crate::webhook::Source;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the development secrets in {} cannot be read or written", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{} holds no usable secret for {variable}: delete the file, and new ones are made", path.display())]
    Unusable { path: PathBuf, variable: String },
}

/// The sources with their development secrets.
pub struct Development {
    pub sources: Vec<Source>,
    /// Whether this call created the secrets.
    pub new: bool,
    pub file: PathBuf,
}

/// The secrets in `data_dir`; creates those that are missing.
pub fn load_or_create(data_dir: &Path) -> Result<Development, Error> {
    if let Some(mut development) = load(data_dir)? {
        let missing = missing(&development.sources);
        append(&development.file, File::options().append(true), &missing)?;
        development.sources.extend(missing);
        return Ok(development);
    }
    let (file, sources) = (file(data_dir), missing(&[]));
    let failed = |source| Error::File { path: file.clone(), source };
    fs::create_dir_all(data_dir).map_err(failed)?;
    append(&file, File::options().write(true).create_new(true), &sources)?;
    Ok(Development { sources, new: true, file })
}

/// Sources with new secrets, of the providers that none of these is of: an older file knows fewer providers.
fn missing(sources: &[Source]) -> Vec<Source> {
    let has = |provider: &Provider| sources.iter().any(|it| it.provider.name == provider.name);
    let new = |provider: &'static Provider| {
        let secret = Secret::random(provider.scheme.secrets());
        Source::new(provider.name, provider, vec![secret])
    };
    provider::ALL.into_iter().filter(|provider| !has(provider)).map(new).collect()
}

fn append(path: &Path, options: &mut OpenOptions, sources: &[Source]) -> Result<(), Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    if sources.is_empty() {
        return Ok(());
    }
    // Only our account can read it, from its first byte on.
    let mut file = private::open(path, options).map_err(failed)?;
    for source in sources {
        let variable = secret_variable(&source.name);
        writeln!(file, "{variable}={}", source.secrets[0].to_text()).map_err(failed)?;
    }
    Ok(())
}

/// The secrets in `data_dir`, if there are any.
pub fn load(data_dir: &Path) -> Result<Option<Development>, Error> {
    let file = file(data_dir);
    let opened = private::open(&file, File::options().read(true));
    let text = match opened.and_then(io::read_to_string) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::File { path: file, source }),
    };
    let sources = provider::ALL
        .into_iter()
        .filter_map(|provider| {
            let variable = secret_variable(provider.name);
            let line =
                text.lines().find_map(|line| line.strip_prefix(&variable)?.strip_prefix('='))?;
            let secrets = Secret::parse_list(line, provider.scheme.secrets());
            let unusable = |_| Error::Unusable { path: file.clone(), variable };
            Some(secrets.map(|found| Source::new(provider.name, provider, found)).map_err(unusable))
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Some(Development { sources, new: false, file }))
}

fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("webhook-secrets.env")
}
