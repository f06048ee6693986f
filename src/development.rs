//! Webhook secrets for local development: created once beside the embedded Postgres, so that `users-sync send`
//! works at once.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use users_sync_embedded::private;

use crate::config::secret_variable;
use crate::provider;
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

/// The secrets in `data_dir`; creates them if there are none.
pub fn load_or_create(data_dir: &Path) -> Result<Development, Error> {
    if let Some(development) = load(data_dir)? {
        return Ok(development);
    }
    let file = file(data_dir);
    let failed = |source| Error::File { path: file.clone(), source };
    let sources = provider::ALL.map(|provider| {
        let secret = Secret::random(provider.scheme.secrets());
        Source::new(provider.name, provider, vec![secret])
    });

    fs::create_dir_all(data_dir).map_err(failed)?;
    // Only our account can read it, from its first byte on.
    let new = private::open(&file, File::options().write(true).create_new(true));
    let mut new = new.map_err(failed)?;
    for source in &sources {
        let variable = secret_variable(source.provider);
        writeln!(new, "{variable}={}", source.secrets[0].to_text()).map_err(failed)?;
    }
    Ok(Development { sources: sources.into(), new: true, file })
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
        .map(|provider| {
            let variable = secret_variable(provider);
            let line =
                text.lines().find_map(|line| line.strip_prefix(&variable)?.strip_prefix('='));
            match line.map(|text| Secret::parse_list(text, provider.scheme.secrets())) {
                Some(Ok(secrets)) => Ok(Source::new(provider.name, provider, secrets)),
                _ => Err(Error::Unusable { path: file.clone(), variable }),
            }
        })
        .collect::<Result<_, _>>()?;
    Ok(Some(Development { sources, new: false, file }))
}

fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("webhook-secrets.env")
}
