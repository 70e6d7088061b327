//! The daemon's answer: root asks over the daemon's own socket, everybody else over the system
//! bus. Both addresses are compiled in.

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
use crate::message::{Address, Incoming, Values, call};
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
/// Most messages that are passed over while waiting for a reply: a new connection gets one
/// signal (`NameAcquired`); more are somebody's nonsense.
const MAX_OTHERS: u32 = 32;

/// Lets the daemon decide on an answer; returns the verdict and what it tells beside it.
///
/// # Errors
///
/// [`Trouble`] if there is no verdict, or not one about this user.
pub(crate) fn verify(
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
        ask("Verify", &arguments, deadline)?;
    if about != user.as_str() {
        return Err(Trouble::OtherUser);
    }
    let wait = details.wait.unwrap_or_default();
    let verdict = Verdict::from_word(&word, wait).ok_or(Trouble::Garbled("unknown verdict"))?;
    Ok((verdict, details))
}

/// Asks the daemon what to ask this user for, and how many digits a code of his has.
///
/// # Errors
///
/// [`Trouble`] if there is no answer.
pub(crate) fn prompt(
    user: &UserName,
    context: &VerifyContext,
    deadline: Deadline,
) -> Result<(PromptKind, PromptDetails), Trouble> {
    let room = room(&[user.as_str()]) + context.room();
    let arguments = Body::new("sa{sv}", room).string(user.as_str());
    let arguments = arguments.dictionary(|entries| context.write(entries));
    let (word, details): (String, PromptDetails) = ask("Prompt", &arguments, deadline)?;
    let kind = PromptKind::from_word(&word).ok_or(Trouble::Garbled("unknown prompt"))?;
    Ok((kind, details))
}

fn ask<T: Values>(member: &str, arguments: &Body, deadline: Deadline) -> Result<T, Trouble> {
    if geteuid().is_root() {
        over_own_socket(member, arguments, deadline)
    } else {
        over_system_bus(member, arguments, deadline)
    }
}

/// One write, one reply. The other side must be root or the daemon's own user: nobody else may
/// have made that socket.
fn over_own_socket<T: Values>(
    member: &str,
    arguments: &Body,
    deadline: Deadline,
) -> Result<T, Trouble> {
    let to = Address { destination: None, path: OBJECT_PATH, interface: INTERFACE };
    let wire = Wire::connect(PEER_SOCKET, deadline)?;
    may_answer(wire.other_uid()?)?;
    let mut talk = Talk::open(wire, to, member, arguments)?;
    talk.reply(None)
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

/// Calls and replies on one connection, one after the other.
struct Talk {
    wire: Wire,
    serial: u32,
}

impl Talk {
    /// Says who we are and sends the first call in the same write ("Authentication Protocol",
    /// mechanism EXTERNAL: the uid in decimal, in hex), then reads that we are believed.
    fn open(
        mut wire: Wire,
        to: Address<'_>,
        member: &str,
        arguments: &Body,
    ) -> Result<Self, Trouble> {
        let uid: String = geteuid().to_string().bytes().map(|b| format!("{b:02x}")).collect();
        let hello = format!("\0AUTH EXTERNAL {uid}\r\nBEGIN\r\n");
        wire.send(&call(hello.as_bytes(), 1, to, member, arguments))?;
        if wire.line()?.starts_with(b"OK ") {
            Ok(Self { wire, serial: 1 })
        } else {
            Err(Trouble::Rejected)
        }
    }

    /// Sends a call and reads its reply, which must come from whom it was sent to.
    fn ask<T: Values>(
        &mut self,
        to: Address<'_>,
        member: &str,
        arguments: &Body,
    ) -> Result<T, Trouble> {
        self.serial += 1;
        self.wire.send(&call(&[], self.serial, to, member, arguments))?;
        self.reply(to.destination)
    }

    /// Reads the reply to the last call; other messages are passed over.
    fn reply<T: Values>(&mut self, sender: Option<&str>) -> Result<T, Trouble> {
        for _ in 0..=MAX_OTHERS {
            let bytes = self.wire.message()?;
            let message = Incoming::parse(&bytes)?;
            if message.answers(self.serial, sender) {
                return message.values();
            }
        }
        Err(Trouble::Garbled("messages that nobody asked for"))
    }
}
