//! What the host says about the sign-in, copied out of PAM's memory.
//!
//! An item is memory of PAM; a host that sets it again inside its conversation frees it. So
//! everything here is a copy, and is made before the first prompt.

use fob_api::{TICKET_SERVICES, UserName, VerifyContext};
use pam::{
    items::{RHost, Service, Tty, User},
    module::PamHandle,
};

use crate::emergency::Side;
use crate::options::Tokenless;
use crate::session;
use crate::trouble::Refusal;

/// Most bytes of an item that is passed on. A DNS name has at most 255 (RFC 1035 section
/// 2.3.4), and a service or terminal is a file name (`NAME_MAX`, `limits.h(0p)`).
const MAX_ITEM: usize = 255;

/// Service, remote host and terminal. They pick a budget and fill the log; they grant nothing.
pub(crate) struct Visit {
    side: Side,
    service: Option<String>,
    rhost: Option<String>,
    tty: Option<String>,
}

/// What stands for a remote host whose name is too long or no text.
const NO_NAME: &str = "?";

impl Visit {
    /// Copies the items. One that is absent, empty, too long, not UTF-8 or has control
    /// characters is `None`.
    pub(crate) fn copy(handle: &PamHandle) -> Self {
        let service = handle.get_item::<Service<'_>>().ok().flatten();
        let rhost = handle.get_item::<RHost<'_>>().ok().flatten();
        let tty = handle.get_item::<Tty<'_>>().ok().flatten();
        let remote = rhost.as_ref().is_some_and(|item| !item.to_bytes().is_empty());
        Self {
            side: if remote { Side::Remote } else { Side::Local },
            service: service.and_then(|item| text(item.to_bytes())),
            // A name that cannot be sent is still a remote one: the console's budget is not his.
            rhost: rhost
                .and_then(|item| text(item.to_bytes()))
                .or_else(|| remote.then(|| NO_NAME.to_owned())),
            tty: tty.and_then(|item| text(item.to_bytes())),
        }
    }

    /// Returns the PAM service, or a question mark.
    pub(crate) fn service(&self) -> &str {
        self.service.as_deref().unwrap_or("?")
    }

    /// Returns the remote host, or nothing.
    pub(crate) fn rhost(&self) -> &str {
        self.rhost.as_deref().unwrap_or_default()
    }

    /// Returns the remote host; `None` for a sign-in at this one.
    pub(crate) fn remote(&self) -> Option<&str> {
        self.rhost.as_deref()
    }

    /// Returns the terminal that the program has named.
    pub(crate) fn terminal(&self) -> Option<&str> {
        self.tty.as_deref()
    }

    /// Tells whether the program has named a terminal. sudo names none, or an empty one, where it has
    /// none (`sudo_pam_init`).
    pub(crate) fn has_terminal(&self) -> bool {
        self.tty.is_some()
    }

    /// Returns where the person sits, also if the remote host's name cannot be one.
    pub(crate) fn side(&self) -> Side {
        self.side
    }

    /// Returns what the daemon is told about the sign-in.
    pub(crate) fn context(&self, tokenless: Tokenless) -> VerifyContext {
        VerifyContext {
            service: self.service.clone(),
            rhost: self.rhost.clone(),
            tty: self.tty.clone(),
            nullok: match tokenless {
                Tokenless::MayBeExempt => Some(true),
                Tokenless::Refused => None,
            },
            // Other services are not slowed down by the files that it reads.
            session: TICKET_SERVICES.contains(&self.service()).then(session::own).flatten(),
        }
    }
}

/// Who wants to sign in.
pub(crate) enum Person {
    /// Not a name: too long, control characters, not UTF-8. Gets the prompt like everybody, and
    /// nothing is sent.
    Impossible,
    /// A name; the daemon knows whether it is somebody.
    Named(UserName),
}

/// Returns who wants to sign in; the host may ask for the name (`pam_get_user(3)`).
///
/// # Errors
///
/// [`Refusal::Conversation`] if there is no name and the host gets none.
pub(crate) fn person(handle: &mut PamHandle) -> Result<Person, Refusal> {
    // The result is not used: it is an error for a name that is not UTF-8, which the item still
    // holds.
    let _ = handle.get_user(None);
    let Some(item) = handle.get_item::<User<'_>>().ok().flatten() else {
        return Err(Refusal::Conversation);
    };
    let name = item.to_str().ok().and_then(|name| UserName::parse(name).ok());
    Ok(name.map_or(Person::Impossible, Person::Named))
}

/// Checks that `PAM_USER` is still this name: a host, or a module before this one in the same
/// conversation, may have changed it (CVE-2005-2949).
///
/// # Errors
///
/// [`Refusal::UserChanged`] if it is another, or gone.
pub(crate) fn is_still(handle: &PamHandle, user: &UserName) -> Result<(), Refusal> {
    match handle.get_item::<User<'_>>() {
        Ok(Some(item)) if item.to_bytes() == user.as_str().as_bytes() => Ok(()),
        _ => Err(Refusal::UserChanged),
    }
}

fn text(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let fits = !text.is_empty() && text.len() <= MAX_ITEM && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn an_item_that_cannot_be_one_is_left_out() {
        for bytes in [&b""[..], b"a\nb", b"\x1b[2J", b"\xff", &[b'x'; 256]] {
            assert!(text(bytes).is_none(), "{bytes:?} was passed on");
        }
        assert_eq!(text(b"fe80::1%eth0").as_deref(), Some("fe80::1%eth0"));
    }
}
