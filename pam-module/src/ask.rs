//! The daemon's answer: root asks over the daemon's own socket, everybody else over the system
//! bus. Both addresses are compiled in.
//!
//! Who has asked over the daemon's own socket sends the code over the same connection, if it is
//! still good: a second one costs both sides about 100 µs. A code that was sent is never sent again:
//! the daemon may have spent it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use fob_api::{
    Answer, PromptDetails, PromptKind, UserName, Verdict, VerifyContext, VerifyDetails,
    address::{BUS_NAME, INTERFACE, OBJECT_PATH, PEER_SOCKET, SYSTEM_BUS_SOCKET},
    message::{Body, room},
    owner::{STATE_FOLDER, may_be_daemon},
};
use nix::unistd::geteuid;

use crate::deadline::Deadline;
use crate::message::{Address, Values};
use crate::talk::{Kept, Talk};
use crate::trouble::Trouble;
use crate::wire::Wire;

/// The bus itself ("Message Bus Messages", D-Bus Specification).
const BUS: Address<'static> = Address {
    destination: Some("org.freedesktop.DBus"),
    path: "/org/freedesktop/DBus",
    interface: "org.freedesktop.DBus",
};
const BUS_SENDER: Option<&str> = BUS.destination;
/// What the bus answers for a name that nobody owns.
const NO_OWNER: &str = "org.freedesktop.DBus.Error.NameHasNoOwner";
/// The daemon on its own socket.
const DAEMON: Address<'static> =
    Address { destination: None, path: OBJECT_PATH, interface: INTERFACE };

/// One sign-in's way to the daemon.
#[derive(Default)]
pub(crate) struct Daemon {
    /// The connection that the prompt was asked for on.
    kept: Option<Kept>,
}

impl Daemon {
    /// Asks the daemon what to ask this user for, and how many digits a code of his has.
    ///
    /// # Errors
    ///
    /// [`Trouble`] if there is no answer.
    pub(crate) fn prompt(
        &mut self,
        user: &UserName,
        context: &VerifyContext,
        deadline: Deadline,
    ) -> Result<(PromptKind, PromptDetails), Trouble> {
        let room = room(&[user.as_str()]) + context.room();
        let arguments = Body::new("sa{sv}", room).string(user.as_str());
        let arguments = arguments.dictionary(|entries| context.write(entries));
        let ((word, details), talk) = ask::<(String, _)>("Prompt", &arguments, deadline)?;
        let kind = PromptKind::from_word(&word).ok_or(Trouble::Garbled("unknown prompt"))?;
        self.kept = talk.and_then(Kept::new);
        Ok((kind, details))
    }

    /// Lets the daemon decide on an answer; returns the verdict and what it tells beside it.
    ///
    /// # Errors
    ///
    /// [`Trouble`] if there is no verdict, or not one about this user.
    pub(crate) fn verify(
        self,
        user: &UserName,
        answer: &Answer,
        context: &VerifyContext,
        deadline: Deadline,
    ) -> Result<(Verdict, VerifyDetails), Trouble> {
        let answer = answer.to_wire();
        let room = room(&[user.as_str(), &answer]) + context.room();
        let arguments = Body::new("ssa{sv}", room).string(user.as_str()).string(&answer);
        let arguments = arguments.dictionary(|entries| context.write(entries));
        let (word, about, details): (String, String, VerifyDetails) =
            match self.sent("Verify", &arguments, deadline)? {
                Some(mut talk) => talk.reply(DAEMON.destination)?,
                None => ask("Verify", &arguments, deadline)?.0,
            };
        if about != user.as_str() {
            return Err(Trouble::OtherUser);
        }
        let wait = details.wait.unwrap_or_default();
        let verdict = Verdict::from_word(&word, wait).ok_or(Trouble::Garbled("unknown verdict"))?;
        Ok((verdict, details))
    }

    /// Sends a call over the kept connection; `None` if there is no good one any more, and the
    /// daemon can have read nothing that it could carry out.
    ///
    /// # Errors
    ///
    /// [`Trouble::Late`] or [`Trouble::Broken`].
    fn sent(
        self,
        member: &str,
        arguments: &Body,
        deadline: Deadline,
    ) -> Result<Option<Talk>, Trouble> {
        let Some(mut talk) = self.kept.and_then(|kept| kept.take_up(deadline)) else {
            return Ok(None);
        };
        match talk.send(DAEMON, member, arguments) {
            Ok(()) => Ok(Some(talk)),
            Err(Trouble::Closed) => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }
}

/// Asks over a new connection; returns it with the answer if it is good for more.
fn ask<T: Values>(
    member: &str,
    arguments: &Body,
    deadline: Deadline,
) -> Result<(T, Option<Talk>), Trouble> {
    if geteuid().is_root() {
        over_own_socket(member, arguments, deadline).map(|(values, talk)| (values, Some(talk)))
    } else {
        over_system_bus(member, arguments, deadline).map(|values| (values, None))
    }
}

/// One write, one reply. The other side must be root or the daemon's own user: nobody else may
/// have made that socket. Who it is holds for the connection (`SO_PEERCRED`, `unix(7)`).
fn over_own_socket<T: Values>(
    member: &str,
    arguments: &Body,
    deadline: Deadline,
) -> Result<(T, Talk), Trouble> {
    let wire = Wire::connect(PEER_SOCKET, deadline)?;
    may_answer(wire.other_uid()?)?;
    let mut talk = Talk::open(wire, DAEMON, member, arguments)?;
    let values = talk.reply(DAEMON.destination)?;
    Ok((values, talk))
}

/// Refuses an answer from somebody who cannot be the daemon. The folder is looked at anew each
/// time: a host process may be older than the daemon's user.
fn may_answer(uid: u32) -> Result<(), Trouble> {
    // The usual case, without a look at a folder whose file system may hang.
    if may_be_daemon(uid, None) {
        return Ok(());
    }
    let facts = std::fs::symlink_metadata(STATE_FOLDER).ok();
    let owner = facts.filter(Metadata::is_dir).map(|folder| folder.uid());
    if may_be_daemon(uid, owner) { Ok(()) } else { Err(Trouble::NotDaemon(uid)) }
}

/// Says hello to the bus, makes sure that the daemon's user or root owns the name, and asks that
/// owner: the unique name cannot be taken over between the check and the call.
fn over_system_bus<T: Values>(
    member: &str,
    arguments: &Body,
    deadline: Deadline,
) -> Result<T, Trouble> {
    let wire = Wire::connect(SYSTEM_BUS_SOCKET, deadline)?;
    let mut talk = Talk::open(wire, BUS, "Hello", &Body::new("", 0))?;
    talk.reply::<String>(BUS_SENDER)?;

    let owner = owner(&mut talk)?;
    let named = Body::new("s", room(&[&owner])).string(&owner);
    may_answer(talk.ask::<u32>(BUS, "GetConnectionUnixUser", &named)?)?;
    let to = Address { destination: Some(&owner), path: OBJECT_PATH, interface: INTERFACE };
    talk.ask(to, member, arguments)
}

/// Returns the unique name behind the daemon's name, and has it started if it does not run.
fn owner(talk: &mut Talk) -> Result<String, Trouble> {
    let get = |talk: &mut Talk| {
        talk.ask::<String>(BUS, "GetNameOwner", &Body::new("s", room(&[BUS_NAME])).string(BUS_NAME))
    };
    match get(talk) {
        Err(Trouble::Refused(name)) if name == NO_OWNER => {}
        owner_or_trouble => return owner_or_trouble,
    }
    let start = Body::new("su", room(&[BUS_NAME, ""])).string(BUS_NAME).number(0); // no flags are defined
    match talk.ask::<u32>(BUS, "StartServiceByName", &start) {
        Ok(_) => get(talk),
        Err(Trouble::Refused(_)) => Err(Trouble::NoOwner),
        Err(trouble) => Err(trouble),
    }
}
