//! Sign-ins on fobd's own socket, without the D-Bus library.
//!
//! The module says who it is and what it wants in one write ("Authentication Protocol", D-Bus
//! Specification), and gets both answers in one. The library needs tasks, threads and a look into
//! the user database for each connection; a sign-in waits for all of them. Whoever speaks
//! otherwise gets the library, which then finds every byte where it was.

use std::{
    future::pending,
    io,
    os::fd::AsRawFd as _,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use fob_api::message::{Damaged, FIXED_HEADER, MAX_MESSAGE, whole_length};
use nix::{
    errno::Errno,
    sys::socket::{MsgFlags, Shutdown, recv, shutdown},
};
use tokio::{io::Interest, net::UnixStream, time::timeout};
use zeroize::{Zeroize as _, Zeroizing};

use super::{HANDSHAKE, MESSAGES, Seat};
use crate::{
    bus::{Call, Fob},
    errand::{self, Begun},
    store::Store,
};

/// Bytes that are looked at: the longest sign-in, and the hello before it.
const LOOK: usize = 2048;
/// How long a peer may take to read a reply (threats.md D11: closed after 5 s). The kernel takes some
/// hundred of them before one has to wait for him.
const SENDING: Duration = Duration::from_secs(5);

/// What became of a connection.
pub(super) enum Served {
    /// It is over.
    All,
    /// Nothing was read from it: it is the library's.
    Nothing(UnixStream),
}

/// Serves a peer that begins with a sign-in, and then takes nothing else from it. `guid` is this
/// server's, 32 hex digits. A stop ends the connection between two calls: a peer may keep it while
/// somebody types, and makes another one then.
///
/// # Errors
///
/// What the system says of the connection.
pub(super) async fn sign_ins<S: Store>(
    stream: UnixStream,
    uid: u32,
    guid: &str,
    fob: &Arc<Fob<S>>,
    seat: &mut Seat,
) -> io::Result<Served> {
    let mut inbox = Inbox::new();
    inbox.first_words(&stream).await?;
    let hello = hello(uid);
    let begun = inbox
        .bytes()
        .strip_prefix(hello.as_bytes())
        .and_then(whole)
        .and_then(|bytes| Call::read(bytes).map(|call| (call, hello.len() + bytes.len())));
    let Some((call, length)) = begun else { return Ok(Served::Nothing(stream)) };
    let stream = Arc::new(stream);
    carried_out(fob, call, format!("OK {guid}\r\n"), &stream).await?;
    inbox.is_done_with(length);
    for _ in 1..MESSAGES {
        seat.is_idle.store(true, Ordering::Relaxed);
        let next = tokio::select! {
            biased;
            next = inbox.next_message(&stream) => next?,
            () = seat.stop() => inbox.last_message(&stream)?,
        };
        seat.is_idle.store(false, Ordering::Relaxed);
        let Some(length) = next else { break };
        let message = inbox.bytes().get(..length).unwrap_or_default();
        match Call::read(message) {
            Some(call) => carried_out(fob, call, String::new(), &stream).await?,
            None => {
                if let Some(reply) = Call::refuse(message) {
                    send(&stream, &reply, SENDING).await?;
                }
            }
        }
        inbox.is_done_with(length);
    }
    inbox.take_all(&stream);
    Ok(Served::All)
}

/// Carries a call out to its end, also if its caller hangs up or gives way to another,
/// and answers who is still there.
///
/// What is carried out keeps no descriptor: on a disk that hangs, those who gave up do not use up
/// what the daemon may open. A stop waits for it; a kill between reply and log loses the line, not
/// the record, which says when and from where a code was used last.
async fn carried_out<S: Store>(
    fob: &Arc<Fob<S>>,
    call: Call,
    front: String,
    stream: &Arc<UnixStream>,
) -> io::Result<()> {
    let (fob, peer) = (Arc::clone(fob), Arc::downgrade(stream));
    let work = errand::begin(async move {
        let _work = fob.begin().await;
        let (reply, untold) = fob.carry_out(call, front.as_bytes()).await;
        // The reply is out before anything is logged; a peer who does not take it holds no log up.
        let sent = peer.upgrade().and_then(|peer| peer.try_write(&reply).ok());
        fob.tell(untold.as_ref());
        (reply, sent.unwrap_or_default())
    });
    let (reply, sent) = match work {
        Begun::Over(done) => done,
        Begun::Underway(end) => tokio::select! {
            biased;
            done = end => done.map_err(io::Error::other)?,
            gone = hung_up(stream) => return gone.and(Err(io::ErrorKind::BrokenPipe.into())),
        },
    };
    send(stream, reply.get(sent..).unwrap_or_default(), SENDING).await
}

/// What a peer with this uid says first: the uid in decimal, in hex.
pub(super) fn hello(uid: u32) -> String {
    let uid: String = uid.to_string().bytes().map(|digit| format!("{digit:02x}")).collect();
    format!("\0AUTH EXTERNAL {uid}\r\nBEGIN\r\n")
}

/// Returns the message with which bytes begin, if it is there to its end.
fn whole(bytes: &[u8]) -> Option<&[u8]> {
    bytes.get(..whole_length(bytes.first_chunk()?).ok()?)
}

/// Sends bytes to a peer who reads all of them within the limit.
async fn send(stream: &UnixStream, mut bytes: &[u8], limit: Duration) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    let all = async {
        while !bytes.is_empty() {
            match stream.try_write(bytes) {
                Ok(sent) => bytes = bytes.get(sent..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    stream.writable().await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    };
    timeout(limit, all).await?
}

/// Waits until a peer has hung up. One who only says nothing more still reads: he has not.
async fn hung_up(stream: &UnixStream) -> io::Result<()> {
    // Besides urgent bytes, which such a socket does not have, only the peer's last byte ends it.
    stream.ready(Interest::PRIORITY).await?;
    let both = stream.ready(Interest::READABLE | Interest::WRITABLE).await?;
    if !both.is_write_closed() {
        pending::<()>().await;
    }
    Ok(())
}

/// What a peer has said. It is left with the kernel until it was answered, and until nothing else came
/// behind it: to take it wakes a peer who waits for his reply. Wiped on drop.
struct Inbox {
    room: Zeroizing<Vec<u8>>,
    /// Bytes that were looked at.
    seen: usize,
    /// Of them those of messages that were answered.
    done: usize,
}

impl Inbox {
    fn new() -> Self {
        Self { room: Zeroizing::new(vec![0; LOOK]), seen: 0, done: 0 }
    }

    /// Returns what was not answered yet.
    fn bytes(&self) -> &[u8] {
        self.room.get(self.done..self.seen).unwrap_or_default()
    }

    /// Looks at what a new peer has said.
    async fn first_words(&mut self, stream: &UnixStream) -> io::Result<()> {
        self.seen = timeout(HANDSHAKE, look_beyond(stream, 0, &mut self.room)).await??;
        Ok(())
    }

    /// So many bytes were answered.
    fn is_done_with(&mut self, length: usize) {
        self.done += length;
    }

    /// Waits for a whole message and returns its length; `None` if the peer hung up, or sent
    /// something else.
    async fn next_message(&mut self, stream: &UnixStream) -> io::Result<Option<usize>> {
        if let Some(length) = self.message_there(stream)? {
            return Ok(Some(length));
        }
        loop {
            self.take(self.done, stream)?;
            let before = self.seen;
            let more = look_beyond(stream, before, &mut self.room);
            self.seen = match before {
                0 => more.await?,
                // Who has begun says the rest of it.
                _ => timeout(HANDSHAKE, more).await??,
            };
            if self.seen <= before {
                return Ok(None);
            }
            match self.length() {
                Ok(None) => {}
                Ok(length) => return Ok(length),
                Err(_) => return Ok(None),
            }
        }
    }

    /// Returns the length of the last message that the peer could send; `None` if it is not all there,
    /// or there is none. Who sends something from now on is told that nobody reads it.
    fn last_message(&mut self, stream: &UnixStream) -> io::Result<Option<usize>> {
        shutdown(stream.as_raw_fd(), Shutdown::Read)?;
        match self.message_there(stream)? {
            // Perhaps there was no room for it.
            None => self.message_there(stream),
            there => Ok(there),
        }
    }

    /// Returns the length of the message that is there; `None` if there is no whole one.
    fn message_there(&mut self, stream: &UnixStream) -> io::Result<Option<usize>> {
        self.seen = peek(stream, &mut self.room)?.unwrap_or_default();
        Ok(self.length().ok().flatten())
    }

    /// Returns the length of the message that comes next, if all of it is there; makes room for one
    /// that has none.
    fn length(&mut self) -> Result<Option<usize>, Damaged> {
        let Some(start) = self.bytes().first_chunk::<FIXED_HEADER>() else { return Ok(None) };
        let length = whole_length(start)?;
        if self.done + length > self.room.len() && self.room.len() == LOOK {
            // What was there is wiped, and looked at again.
            self.room = Zeroizing::new(vec![0; LOOK + MAX_MESSAGE]);
            self.seen = 0;
        }
        Ok((length <= self.bytes().len()).then_some(length))
    }

    /// Takes so many bytes of those that were looked at, and wipes them all: they are looked at again.
    fn take(&mut self, length: usize, stream: &UnixStream) -> io::Result<()> {
        if length == 0 {
            return Ok(());
        }
        let room = self.room.get_mut(..length).unwrap_or_default();
        let took = recv(stream.as_raw_fd(), room, MsgFlags::empty())?;
        if let Some(seen) = self.room.get_mut(..self.seen.max(length)) {
            seen.zeroize();
        }
        (self.seen, self.done) = (0, 0);
        if took == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// Takes all that was looked at: what is left unread would end the connection by an error at the
    /// peer's.
    fn take_all(&mut self, stream: &UnixStream) {
        // He may be gone.
        let _ = self.take(self.seen, stream);
    }
}

/// Looks at what is there; `None` if nothing is yet, 0 if the peer hung up.
fn peek(stream: &UnixStream, room: &mut [u8]) -> io::Result<Option<usize>> {
    loop {
        match recv(stream.as_raw_fd(), room, MsgFlags::MSG_PEEK) {
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) => return Ok(None),
            looked => return Ok(Some(looked?)),
        }
    }
}

/// Waits until more than so many bytes are there, and looks at all of them; as many or fewer if no
/// more will come.
async fn look_beyond(stream: &UnixStream, beyond: usize, room: &mut [u8]) -> io::Result<usize> {
    loop {
        let is_last = stream.ready(Interest::READABLE).await?.is_read_closed();
        let look = || match peek(stream, room)? {
            Some(count) if count == 0 || count > beyond || is_last => Ok(count),
            _ => Err(io::ErrorKind::WouldBlock.into()),
        };
        match stream.try_io(Interest::READABLE, look) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            looked => return looked,
        }
    }
}

#[cfg(test)]
mod gone;
#[cfg(test)]
pub(super) mod tests;
