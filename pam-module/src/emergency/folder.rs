//! Root's folders with the slots: what is not root's alone is not believed.
//!
//! Everything is opened below a descriptor of the folder, so that codes which are replaced
//! meanwhile are the old ones or the new ones, never some of each.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

use fob_api::emergency::{FOLDER, HASH, MAX_LINE, Recipe, SLOTS, Slot, TURNS};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat, renameat};
use nix::sys::stat::{Mode, SFlag, fstat, fstatat};
use nix::unistd::{Uid, fsync};
use subtle::ConstantTimeEq;

use super::Denial;

/// How everything is opened: no link is followed, a FIFO does not hang, no program inherits it.
const CAREFULLY: OFlag =
    OFlag::O_NOFOLLOW.union(OFlag::O_NONBLOCK).union(OFlag::O_CLOEXEC).union(OFlag::O_NOCTTY);
const FOLDER_ONLY: OFlag = CAREFULLY.union(OFlag::O_DIRECTORY);

/// The folder with the users' folders.
pub(super) struct Base(OwnedFd);

impl Base {
    /// Opens it; `None` if it is not there: then nobody on this host has codes.
    ///
    /// # Errors
    ///
    /// [`Denial::Unsafe`] or [`Denial::Unusable`].
    pub(super) fn open() -> Result<Option<Self>, Denial> {
        match open(FOLDER, FOLDER_ONLY, Mode::empty()) {
            Ok(folder) => roots_alone(folder, SFlag::S_IFDIR, FOLDER).map(|base| Some(Self(base))),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(refused(errno, FOLDER)),
        }
    }

    /// Opens the file on which attempts take turns.
    ///
    /// # Errors
    ///
    /// As [`Base::open`].
    pub(super) fn turns(&self) -> Result<OwnedFd, Denial> {
        let how = CAREFULLY | OFlag::O_RDWR | OFlag::O_CREAT;
        let file = openat(&self.0, TURNS, how, Mode::S_IRUSR | Mode::S_IWUSR);
        roots_alone(file.map_err(|errno| refused(errno, TURNS))?, SFlag::S_IFREG, TURNS)
    }

    /// Opens a user's folder and reads his unused slots.
    ///
    /// # Errors
    ///
    /// [`Denial::NoCodes`] if there is none, else as [`Base::open`].
    pub(super) fn slots(&self, uid: Uid) -> Result<Slots, Denial> {
        let name = uid.to_string();
        let folder = match openat(&self.0, name.as_str(), FOLDER_ONLY, Mode::empty()) {
            Ok(folder) => roots_alone(folder, SFlag::S_IFDIR, &name)?,
            Err(Errno::ENOENT) => return Err(Denial::NoCodes),
            Err(errno) => return Err(refused(errno, &name)),
        };
        Slots::read(folder)
    }
}

/// The unused codes of a user: at least one.
pub(super) struct Slots {
    folder: OwnedFd,
    recipe: Recipe,
    unused: Vec<(u8, Slot)>,
    /// Why a slot was left out.
    flaw: Option<Denial>,
}

impl Slots {
    /// One bad file does not take the others away: it is left out, and named if no other fits.
    fn read(folder: OwnedFd) -> Result<Self, Denial> {
        let (mut unused, mut flaw) = (Vec::new(), None);
        for number in 1..=SLOTS {
            match slot(&folder, number) {
                Ok(Some(slot)) => unused.push((number, slot)),
                Ok(None) => {}
                Err(denial) => flaw = Some(denial),
            }
        }
        match unused.first().map(|(_, slot)| slot.recipe) {
            Some(recipe) => Ok(Self { folder, recipe, unused, flaw }),
            None => Err(flaw.unwrap_or(Denial::NoCodes)),
        }
    }

    /// Returns how a code is to be hashed.
    pub(super) fn recipe(&self) -> Recipe {
        self.recipe
    }

    /// Takes away for good the slot that holds this hash; returns how many are left.
    ///
    /// The renaming decides who of several was first; and it is on the disk before this returns,
    /// so that a power cut does not bring the code back.
    ///
    /// # Errors
    ///
    /// [`Denial::Wrong`] if no slot holds it, [`Denial::Gone`] if it was taken meanwhile,
    /// [`Denial::Unusable`] if the disk does not take it.
    pub(super) fn take(self, recipe: &Recipe, hash: &[u8; HASH]) -> Result<usize, Denial> {
        let right = self.unused.iter().fold(None, |found, (number, slot)| {
            let equal = bool::from(slot.hash.ct_eq(hash)) && slot.recipe == *recipe;
            if equal { Some(*number) } else { found }
        });
        let number = right.ok_or(self.flaw.unwrap_or(Denial::Wrong))?;
        let (file, used) = (Slot::file(number), Slot::used_file(number));
        match renameat(&self.folder, file.as_str(), &self.folder, used.as_str()) {
            Ok(()) => {}
            Err(Errno::ENOENT) => return Err(Denial::Gone),
            Err(errno) => return Err(Denial::Unusable("using the code up", errno)),
        }
        fsync(&self.folder).map_err(|errno| Denial::Unusable("syncing the used code", errno))?;
        Ok(self.unused.len() - 1)
    }
}

/// Reads one slot; `None` if its code was used, or never made.
fn slot(folder: &OwnedFd, number: u8) -> Result<Option<Slot>, Denial> {
    let name = Slot::file(number);
    let file = match openat(folder, name.as_str(), CAREFULLY, Mode::empty()) {
        Ok(file) => roots_alone(file, SFlag::S_IFREG, &name)?,
        Err(Errno::ENOENT) => return Ok(None),
        Err(errno) => return Err(refused(errno, &name)),
    };
    // A slot that came back from a backup, beside the mark that it was used.
    let used = Slot::used_file(number);
    if fstatat(folder, used.as_str(), AtFlags::AT_SYMLINK_NOFOLLOW) != Err(Errno::ENOENT) {
        return Ok(None);
    }
    let mut line = String::new();
    let most = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
    let read = File::from(file).take(most).read_to_string(&mut line);
    let slot = read.ok().and_then(|_| Slot::parse(&line));
    slot.map(Some).ok_or_else(|| Denial::Unsafe(format!("{name} is damaged")))
}

/// Passes on what belongs to root, is of this kind, and is open to nobody else.
fn roots_alone(opened: OwnedFd, kind: SFlag, name: &str) -> Result<OwnedFd, Denial> {
    let found = fstat(opened.as_fd()).map_err(|errno| refused(errno, name))?;
    let is_kind = SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT == kind;
    let one_name = kind == SFlag::S_IFDIR || found.st_nlink == 1;
    if is_kind && one_name && found.st_uid == 0 && found.st_mode & 0o077 == 0 {
        Ok(opened)
    } else {
        Err(Denial::Unsafe(format!("{name} does not belong to root alone")))
    }
}

fn refused(errno: Errno, name: &str) -> Denial {
    match errno {
        Errno::ELOOP | Errno::ENOTDIR => Denial::Unsafe(format!("{name} is a link or no folder")),
        errno => Denial::Unusable("opening their files", errno),
    }
}
