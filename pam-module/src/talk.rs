//! Calls and replies on one connection, and what becomes of it while somebody types.

use std::process;

use fob_api::message::Body;
use nix::unistd::geteuid;

use crate::deadline::Deadline;
use crate::message::{Address, Incoming, Values, call};
use crate::trouble::Trouble;
use crate::wire::{Socket, Wire};

/// Most messages that are passed over while waiting for a reply: a new connection gets one
/// signal (`NameAcquired`); more are somebody's nonsense.
const MAX_OTHERS: u32 = 32;

/// Calls and replies on one connection, one after the other.
pub(crate) struct Talk {
    wire: Wire,
    serial: u32,
}

impl Talk {
    /// Says who we are and sends the first call in the same write ("Authentication Protocol",
    /// mechanism EXTERNAL: the uid in decimal, in hex), then reads that we are believed.
    ///
    /// # Errors
    ///
    /// [`Trouble::Rejected`], or what is wrong with the connection.
    pub(crate) fn open(
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
    ///
    /// # Errors
    ///
    /// As [`Talk::send`] and [`Talk::reply`].
    pub(crate) fn ask<T: Values>(
        &mut self,
        to: Address<'_>,
        member: &str,
        arguments: &Body,
    ) -> Result<T, Trouble> {
        self.send(to, member, arguments)?;
        self.reply(to.destination)
    }

    /// Sends a call under the next serial.
    ///
    /// # Errors
    ///
    /// [`Trouble::Closed`] if the other side can never read the whole of it; others as
    /// [`Wire::send`].
    pub(crate) fn send(
        &mut self,
        to: Address<'_>,
        member: &str,
        arguments: &Body,
    ) -> Result<(), Trouble> {
        self.serial += 1;
        self.wire.send(&call(&[], self.serial, to, member, arguments))
    }

    /// Reads the reply to the last call; other messages are passed over.
    ///
    /// # Errors
    ///
    /// [`Trouble`] if there is none, or it is an error, or of other types.
    pub(crate) fn reply<T: Values>(&mut self, sender: Option<&str>) -> Result<T, Trouble> {
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

/// A connection of root's that stays open while somebody types. Closed on drop.
///
/// Meanwhile the host's code runs: it may fork, give its rights up, or close descriptors that it
/// does not know and open others under their numbers. What is no longer our socket is neither used
/// nor closed.
pub(crate) struct Kept {
    /// `None` only while it is taken apart.
    talk: Option<Talk>,
    /// Who made it: in a child of his, two would read the replies.
    process: u32,
    socket: Socket,
}

impl Kept {
    /// Keeps a connection; `None` if it cannot be told from others later, or stands where a
    /// conversation reads and writes.
    pub(crate) fn new(talk: Talk) -> Option<Self> {
        let socket = talk.wire.socket().filter(|_| !talk.wire.is_standard())?;
        Some(Self { talk: Some(talk), process: process::id(), socket })
    }

    /// Returns the connection for one more exchange, if it is still good for that: in the same
    /// process, as root, open, and nothing came that nobody asked for.
    pub(crate) fn take_up(mut self, deadline: Deadline) -> Option<Talk> {
        let same = self.process == process::id() && geteuid().is_root() && self.is_ours();
        let talk = if same { self.talk.take() } else { None };
        let mut talk = talk.filter(|talk| talk.wire.is_silent())?;
        talk.wire.set_deadline(deadline);
        Some(talk)
    }

    fn is_ours(&self) -> bool {
        let now = self.talk.as_ref().and_then(|talk| talk.wire.socket());
        now == Some(self.socket)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let ours = self.is_ours();
        if let Some(talk) = self.talk.take()
            && !ours
        {
            talk.wire.leave();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;
    use std::process;
    use std::time::Duration;

    use super::{Kept, Talk};
    use crate::deadline::Deadline;
    use crate::wire::Wire;

    fn kept() -> (Kept, UnixStream) {
        let (ours, others) = UnixStream::pair().unwrap();
        let wire = Wire::of(ours, Deadline::after(Duration::ZERO));
        (Kept::new(Talk { wire, serial: 1 }).unwrap(), others)
    }

    #[test]
    fn a_connection_of_another_process_is_not_taken_up() {
        let (mut kept, _others) = kept();
        kept.process = process::id() + 1;
        assert!(kept.take_up(Deadline::after(Duration::from_secs(1))).is_none());
    }
}
