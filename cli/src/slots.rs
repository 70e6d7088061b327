//! The folders with emergency codes that the PAM module reads (`fob_api::emergency`). Written
//! without the daemon: they are for the day when there is none.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use fob_api::emergency::{FOLDER, Slot, TURNS};
use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, RenameFlags, renameat2},
    unistd::Uid,
};

/// Replaces a user's codes by these, all or none: the new folder is on the disk before it takes
/// the old one's place.
///
/// # Errors
///
/// What the system says; the old codes then still hold.
pub(crate) fn replace(uid: Uid, slots: &[Slot]) -> io::Result<()> {
    let base = base()?;
    let (folder, new) = (base.join(uid.to_string()), base.join(format!("new.{uid}")));
    remove_folder(&new)?; // of a run that was killed
    DirBuilder::new().mode(0o700).create(&new)?;
    for (slot, number) in slots.iter().zip(1..) {
        let mut file = private().create_new(true).open(new.join(Slot::file(number)))?;
        file.write_all(slot.line().as_bytes())?;
        file.sync_all()?;
    }
    sync(&new)?;
    // A folder can replace an empty one only, so the two change places.
    match renameat2(AT_FDCWD, &new, AT_FDCWD, &folder, RenameFlags::RENAME_EXCHANGE) {
        Ok(()) => {}
        Err(Errno::ENOENT) => fs::rename(&new, &folder)?,
        Err(Errno::EINVAL | Errno::ENOSYS | Errno::EXDEV) => {
            // A file system that cannot do that: for a moment there are none.
            let old = base.join(format!("old.{uid}"));
            remove_folder(&old)?;
            fs::rename(&folder, &old)?;
            fs::rename(&new, &folder)?;
            remove_folder(&old)?;
        }
        Err(errno) => return Err(errno.into()),
    }
    sync(&base)?;
    remove_folder(&new)
}

/// Removes a user's codes; tells whether there were any.
///
/// # Errors
///
/// What the system says.
pub(crate) fn remove(uid: Uid) -> io::Result<bool> {
    let folder = Path::new(FOLDER).join(uid.to_string());
    if !folder.try_exists()? {
        return Ok(false);
    }
    // Whatever is interrupted, no code of it is looked for any more.
    let old = Path::new(FOLDER).join(format!("old.{uid}"));
    remove_folder(&old)?;
    fs::rename(&folder, &old)?;
    sync(Path::new(FOLDER))?;
    remove_folder(&old)?;
    Ok(true)
}

/// Returns the folder of all, made if it is not there. The module believes it only if it is
/// root's alone.
fn base() -> io::Result<PathBuf> {
    let base = PathBuf::from(FOLDER);
    match DirBuilder::new().mode(0o700).create(&base) {
        Ok(()) => sync(base.parent().unwrap_or(Path::new("/")))?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let found = fs::symlink_metadata(&base)?;
    if !found.is_dir() || found.uid() != 0 || found.mode() & 0o077 != 0 {
        let fact = "it is not a folder of root alone (mode 0700)";
        return Err(io::Error::new(ErrorKind::PermissionDenied, fact));
    }
    private().create(true).truncate(false).open(base.join(TURNS))?.sync_all()?;
    Ok(base)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn remove_folder(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        ended => ended,
    }
}
