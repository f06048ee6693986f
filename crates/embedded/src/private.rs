//! Files and directories that no other user can change. Root runs this too, and another user who could plant a link
//! would choose the file that root overwrites.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};

use rustix::fs::OFlags;

use crate::{Error, user};

/// Opens, or makes, a file for us alone; a link, or a file that others own or have another name for, is refused.
pub fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let no_link = OFlags::NOFOLLOW.bits().cast_signed();
    let file = options.mode(0o600).custom_flags(no_link).open(path)?;
    let found = file.metadata()?;
    let ours = rustix::process::geteuid().as_raw();
    if !found.is_file() || found.uid() != ours || found.nlink() != 1 {
        return Err(io::Error::other("it is not a file of this user's alone"));
    }
    if found.mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// Refuses a directory in which another user could put a file: one that another user owns or can write.
pub(crate) fn must_be_ours(dir: &Path) -> Result<(), Error> {
    let found = fs::metadata(dir).map_err(Error::directory(dir))?;
    let ours = rustix::process::geteuid().as_raw();
    let is_of_postgres = || ours == 0 && user::postgres().is_some_and(|it| it.uid == found.uid());
    if found.uid() != ours && found.uid() != 0 && !is_of_postgres() {
        return Err(Error::OtherOwner { dir: dir.into(), owner: found.uid(), ours });
    }
    // Where every user has a group of their own, that group's right is theirs.
    let by_our_group = found.gid() == rustix::process::getegid().as_raw();
    if found.mode() & 0o002 != 0 || found.mode() & 0o020 != 0 && !by_our_group {
        return Err(Error::WritableByOthers(dir.into()));
    }
    Ok(())
}
