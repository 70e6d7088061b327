//! The password of a one-field sign-in: checked in a PAM transaction of its own, by the service
//! `fob-password`, before the code is looked at.
//!
//! The daemon has no part in it, and the sign-in's own transaction is left as it is: nothing is
//! set in it, and what the other modules say reaches nobody.

use std::cell::Cell;
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;

use fob_api::{PASSWORD_SERVICE, UserName};
use nonstick::conv::Exchange;
use nonstick::items::{Items, ItemsMut};
use nonstick::{
    AuthnFlags, Conversation, ErrorCode, LibPamTransaction, PamShared, Transaction,
    TransactionBuilder,
};

use crate::host::Visit;

/// The service's file. Others of libpam's folders are not looked at: what stands in this one is the
/// administrator's word.
const FILE: &str = "/etc/pam.d/fob-password";
/// Most bytes of it: real ones have less than one KiB.
const MAX_FILE: u64 = 64 * 1024;
/// Bits of a mode by which others than the owner can write, `inode(7)`.
const OTHERS_WRITE: u32 = 0o022;

/// The password was right, for this user, in this call. Nothing else makes one.
pub(crate) struct Right(());

impl Right {
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self(())
    }
}

/// Why a password was not found right. For the log; the person is told nothing of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Denial {
    /// The service's modules made another user of this one.
    Renamed,
    /// There is no service that could check it: why.
    NoService(String),
    /// The service did not decide: its answer.
    Undecided(ErrorCode),
    /// It is not this user's, or there is no such user.
    Wrong,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoService(why) => write!(
                f,
                "no password can be checked: {why}; install the package's file again, or write it \
                 as pam_fob(8) says"
            ),
            Self::Renamed => {
                write!(f, "the service {PASSWORD_SERVICE} made another user of this one")
            }
            Self::Undecided(code) => write!(
                f,
                "the service {PASSWORD_SERVICE} did not check the password: {code}; see what its \
                 modules have logged"
            ),
            Self::Wrong => f.write_str("the password is wrong; nothing was sent"),
        }
    }
}

/// Checks a password; says nothing to anybody and changes nothing in the sign-in's transaction.
///
/// It takes as long as the service's modules do: `pam_unix(8)` is local, others may wait for a
/// server, and have a time limit of their own.
///
/// # Errors
///
/// [`Denial`] for everything but the service's success.
pub(crate) fn check(user: &UserName, password: &[u8], visit: &Visit) -> Result<Right, Denial> {
    fits(FILE)?;
    let begun = begin(user, password, visit);
    let mut transaction = begun.map_err(Denial::Undecided)?;
    let flags = AuthnFlags::SILENT | AuthnFlags::DISALLOW_NULL_AUTHTOK;
    transaction.authenticate(flags).map_err(|code| match code {
        ErrorCode::AuthenticationError | ErrorCode::MaxTries | ErrorCode::UserUnknown => {
            Denial::Wrong
        }
        code => Denial::Undecided(code),
    })?;
    // A module may answer for another name than it was asked about (a directory's long names).
    match transaction.items().user() {
        Ok(Some(name)) if name.as_bytes() == user.as_str().as_bytes() => Ok(Right(())),
        _ => Err(Denial::Renamed),
    }
}

fn begin<'a>(
    user: &UserName,
    password: &'a [u8],
    visit: &Visit,
) -> Result<LibPamTransaction<Once<'a>>, ErrorCode> {
    let builder = TransactionBuilder::new_with_service(PASSWORD_SERVICE).username(user.as_str());
    let mut transaction = builder.build(Once { password, is_given: Cell::new(false) })?;
    let mut items = transaction.items_mut();
    items.set_remote_host(visit.remote().map(OsStr::new))?;
    items.set_tty_name(visit.terminal().map(OsStr::new))?;
    drop(items);
    Ok(transaction)
}

/// Checks that the service has lines of its own. libpam gives the lines of `other` to one that has
/// none (`pam.d(5)`), and nobody wrote those for this.
fn fits(file: &str) -> Result<(), Denial> {
    let refused = |why: &str| Denial::NoService(format!("{file} {why}"));
    let facts =
        fs::metadata(file).map_err(|error| refused(&format!("cannot be read ({error})")))?;
    if !facts.is_file() || facts.len() > MAX_FILE {
        return Err(refused("is no file of a usual size"));
    }
    if facts.uid() != 0 || facts.mode() & OTHERS_WRITE != 0 {
        return Err(refused("is not root's alone"));
    }
    let text = fs::read(file).map_err(|error| refused(&format!("cannot be read ({error})")))?;
    if has_auth_line(&text) { Ok(()) } else { Err(refused("has no line of kind auth")) }
}

fn has_auth_line(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').any(|line| {
        let first = line.split(u8::is_ascii_whitespace).find(|word| !word.is_empty());
        let first = first.unwrap_or_default();
        let kind = first.strip_prefix(b"-").unwrap_or(first);
        kind.eq_ignore_ascii_case(b"auth") || kind.eq_ignore_ascii_case(b"@include")
    })
}

/// Gives the password to the first hidden prompt. A second one is about something else: a new
/// password, a second factor.
struct Once<'a> {
    password: &'a [u8],
    is_given: Cell<bool>,
}

impl Conversation for Once<'_> {
    // Called by C code through a function that must not panic: nothing here does.
    fn communicate(&self, messages: &[Exchange<'_>]) {
        for message in messages {
            match message {
                Exchange::MaskedPrompt(prompt) if !self.is_given.replace(true) => {
                    prompt.set_answer(Ok(OsStr::from_bytes(self.password).to_owned()));
                }
                Exchange::Info(text) => text.set_answer(Ok(())),
                Exchange::Error(text) => text.set_answer(Ok(())),
                other => other.set_error(ErrorCode::ConversationError),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::has_auth_line;

    #[test]
    fn a_file_that_asks_for_nothing_is_no_service() {
        for text in [
            &b""[..],
            b"# auth required pam_unix.so\n",
            b"account required pam_unix.so\nauthx required pam_unix.so",
            b"\n \n\t#\n",
        ] {
            assert!(!has_auth_line(text), "{text:?}");
        }
        for text in [
            &b"auth required pam_unix.so"[..],
            b"# head\n\n\t-AUTH\trequired pam_unix.so\n",
            b"@include common-auth\n",
            b"\xff\nauth include x\n",
        ] {
            assert!(has_auth_line(text), "{text:?}");
        }
    }
}
