//! Who may be the daemon, asked by those who are about to send it a code.

/// The daemon's state folder. Compiled in: whoever owns it may answer as the daemon.
pub const STATE_FOLDER: &str = "/var/lib/fobd";

/// What the kernel shows for a uid that it cannot name in this user namespace (`overflowuid`,
/// proc(5)), and `nobody`'s on most hosts: it says nothing about who somebody is.
const OVERFLOW: u32 = 65_534;

/// Tells whether somebody with this attested uid may be the daemon: root, or the owner of
/// [`STATE_FOLDER`]. Only root can write in the folder above, so root chose him, and no name
/// service has to be asked inside a host process.
///
/// `owner` is what lstat(2) says at that place: `None` if there is nothing, or something else than
/// a folder, such as a link, whose owner is whoever likes to be.
#[must_use]
pub fn may_be_daemon(uid: u32, owner: Option<u32>) -> bool {
    uid == 0 || (owner == Some(uid) && uid != OVERFLOW)
}

#[cfg(test)]
mod tests {
    use super::{OVERFLOW, may_be_daemon};

    #[test]
    fn root_and_the_owner_of_the_state_may_be_the_daemon() {
        for owner in [None, Some(0), Some(990)] {
            assert!(may_be_daemon(0, owner), "{owner:?}");
        }
        assert!(may_be_daemon(990, Some(990)));
    }

    #[test]
    fn nobody_else_may() {
        for (uid, owner) in [
            (990, None),
            (990, Some(0)),
            (990, Some(991)),
            (1, Some(0)),
            (OVERFLOW, Some(OVERFLOW)),
        ] {
            assert!(!may_be_daemon(uid, owner), "{uid} with {owner:?}");
        }
    }
}
