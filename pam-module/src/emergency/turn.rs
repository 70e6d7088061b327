//! One attempt at a time for each name, whether anybody has that name or not.
//!
//! All attempts lock one byte of one file; which one depends on the name. The lock ends with the
//! process, whatever ends it, and no clock is read.

use std::hash::{DefaultHasher, Hasher};
use std::os::fd::OwnedFd;
use std::time::Duration;

use fob_api::UserName;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::Denial;
use super::folder::Base;
use crate::deadline::Deadline;

/// How often the lock is tried for. A wait in the kernel could not end at the deadline without
/// a signal handler.
const TRY_EVERY: Duration = Duration::from_millis(20);

/// Where a person sits. Each side has turns of its own, so that a flood from the network does not
/// keep the console out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Side {
    /// At this host.
    Local,
    /// At another one.
    Remote,
}

/// A turn. It ends when this is dropped.
pub(super) struct Turn(#[allow(dead_code, reason = "holds the lock")] OwnedFd);

/// Waits for a turn.
///
/// # Errors
///
/// [`Denial::Busy`] if the deadline comes first; [`Denial`] if the file cannot be used.
pub(super) fn take(
    base: &Base,
    user: &UserName,
    side: Side,
    until: Deadline,
) -> Result<Turn, Denial> {
    let file = base.turns()?;
    let byte = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: place(user, side),
        l_len: 1,
        l_pid: 0,
    };
    loop {
        match fcntl(&file, FcntlArg::F_OFD_SETLK(&byte)) {
            Ok(_) => return Ok(Turn(file)),
            Err(Errno::EAGAIN | Errno::EACCES) => {}
            Err(errno) => return Err(Denial::Unusable("waiting for a turn", errno)),
        }
        if until.left().is_none() {
            return Err(Denial::Busy);
        }
        Deadline::after(TRY_EVERY).wait_out();
    }
}

/// Returns the byte of this name and side: 60 bits, so that names do not meet by chance.
fn place(user: &UserName, side: Side) -> i64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(user.as_str().as_bytes());
    let side = match side {
        Side::Local => 0,
        Side::Remote => 1,
    };
    i64::try_from(hasher.finish() >> 4).unwrap_or_default() * 2 + side
}

#[cfg(test)]
mod tests {
    use fob_api::UserName;

    use super::{Side, place};

    #[test]
    fn every_name_and_side_has_a_place_of_its_own() {
        let mut places: Vec<i64> = (0..1000)
            .map(|number| UserName::parse(&format!("user{number}")).unwrap())
            .flat_map(|user| [place(&user, Side::Local), place(&user, Side::Remote)])
            .collect();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), 2000);
        assert!(places.iter().all(|place| *place >= 0));
    }
}
