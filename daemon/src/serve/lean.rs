//! Sign-ins on fobd's own socket, without the D-Bus library.
//!
//! The module says who it is and what it wants in one write ("Authentication Protocol", D-Bus
//! Specification), and gets both answers in one. The library needs tasks, threads and a look into
//! the user database for each connection; a sign-in waits for all of them. Whoever speaks
//! otherwise gets the library, which then finds every byte where it was.

use std::{future::pending, io, os::fd::AsRawFd as _, sync::Arc, time::Duration};

use fob_api::message::{FIXED_HEADER, MAX_MESSAGE, whole_length};
use nix::{
    errno::Errno,
    sys::socket::{MsgFlags, recv},
};
use tokio::{io::Interest, net::UnixStream, time::timeout};
use zeroize::{Zeroize as _, Zeroizing};

use super::{HANDSHAKE, MESSAGES};
use crate::{
    bus::{Call, Fob},
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
/// server's, 32 hex digits.
///
/// # Errors
///
/// What the system says of the connection.
pub(super) async fn sign_ins<S: Store>(
    stream: UnixStream,
    uid: u32,
    guid: &str,
    fob: &Arc<Fob<S>>,
) -> io::Result<Served> {
    let mut inbox = Inbox(Zeroizing::new(vec![0; LOOK]), 0);
    inbox.look(&stream).await?;
    let hello = hello(uid);
    let begun = inbox
        .bytes()
        .strip_prefix(hello.as_bytes())
        .and_then(whole)
        .and_then(|bytes| Call::read(bytes).map(|call| (call, hello.len() + bytes.len())));
    let Some((call, length)) = begun else { return Ok(Served::Nothing(stream)) };
    // What was only looked at is there, so that it is taken at once.
    inbox.take_from(&stream, length)?;
    let stream = Arc::new(stream);
    carried_out(fob, call, format!("OK {guid}\r\n"), &stream).await?;
    for _ in 1..MESSAGES {
        let Some(length) = inbox.message(&stream).await? else { break };
        let message = inbox.bytes().get(..length).unwrap_or_default();
        match Call::read(message) {
            Some(call) => carried_out(fob, call, String::new(), &stream).await?,
            None => {
                if let Some(reply) = Call::refuse(message) {
                    send(&stream, &reply, SENDING).await?;
                }
            }
        }
        inbox.drop_front(length);
    }
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
    let work = async move {
        let _work = fob.begin().await;
        let (reply, untold) = fob.carry_out(call, front.as_bytes()).await;
        // The reply is out before anything is logged; a peer who does not take it holds no log up.
        let sent = peer.upgrade().and_then(|peer| peer.try_write(&reply).ok()).unwrap_or_default();
        fob.tell(untold.as_ref());
        (reply, sent)
    };
    tokio::select! {
        biased;
        // Boxed: a task is moved several times, and this one has thousands of bytes.
        done = tokio::spawn(Box::pin(work)) => {
            let (reply, sent) = done.map_err(io::Error::other)?;
            send(stream, reply.get(sent..).unwrap_or_default(), SENDING).await
        }
        gone = hung_up(stream) => gone.and(Err(io::ErrorKind::BrokenPipe.into())),
    }
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

/// What came and was not used yet: the first so many of these bytes. Wiped on drop.
struct Inbox(Zeroizing<Vec<u8>>, usize);

impl Inbox {
    fn bytes(&self) -> &[u8] {
        self.0.get(..self.1).unwrap_or_default()
    }

    /// Looks at what a new peer has said, and leaves it where it is.
    async fn look(&mut self, stream: &UnixStream) -> io::Result<()> {
        let peek = |room: &mut [u8]| peek(stream, room);
        // It is there already, most likely: the module writes as soon as it is connected.
        self.1 = match peek(&mut self.0) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => loop {
                timeout(HANDSHAKE, stream.readable()).await??;
                match stream.try_io(Interest::READABLE, || peek(&mut self.0)) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    looked => break looked?,
                }
            },
            looked => looked?,
        };
        Ok(())
    }

    /// Takes so many bytes of those that were looked at.
    fn take_from(&mut self, stream: &UnixStream, length: usize) -> io::Result<()> {
        let room = self.0.get_mut(..length).unwrap_or_default();
        let took = recv(stream.as_raw_fd(), room, MsgFlags::empty())?;
        self.drop_front(self.1);
        if took == length { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// Waits for a whole message and returns its length; `None` if the peer hung up, or sent
    /// something else.
    async fn message(&mut self, stream: &UnixStream) -> io::Result<Option<usize>> {
        loop {
            if let Some(start) = self.bytes().first_chunk::<FIXED_HEADER>() {
                match whole_length(start) {
                    Ok(length) if length <= self.1 => return Ok(Some(length)),
                    Ok(length) if length <= self.0.len() => {}
                    Ok(_) => self.grow(),
                    Err(_) => return Ok(None),
                }
            }
            stream.readable().await?;
            let room = self.0.get_mut(self.1..).unwrap_or_default();
            match stream.try_read(room) {
                Ok(0) => return Ok(None),
                Ok(count) => self.1 += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Makes room for the largest message; what was there is wiped.
    fn grow(&mut self) {
        let mut larger = Zeroizing::new(vec![0; MAX_MESSAGE]);
        larger.iter_mut().zip(self.bytes()).for_each(|(to, from)| *to = *from);
        self.0 = larger;
    }

    /// Drops the first bytes, moves the rest to their place, and wipes where that was.
    fn drop_front(&mut self, length: usize) {
        let Some(used) = self.0.get_mut(..self.1) else { return };
        let length = length.min(used.len());
        used.copy_within(length.., 0);
        self.1 = used.len() - length;
        if let Some(behind) = used.get_mut(self.1..) {
            behind.zeroize();
        }
    }
}

fn peek(stream: &UnixStream, room: &mut [u8]) -> io::Result<usize> {
    loop {
        match recv(stream.as_raw_fd(), room, MsgFlags::MSG_PEEK) {
            Err(Errno::EINTR) => {}
            looked => return Ok(looked?),
        }
    }
}

#[cfg(test)]
mod gone;
#[cfg(test)]
pub(super) mod tests;
