//! One connection to a Unix socket, every step of which ends at the deadline.

use std::io::{ErrorKind, Read};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, getsockopt, send, socket,
    sockopt::PeerCredentials,
};

use crate::deadline::Deadline;
use crate::message::{FIXED_HEADER, whole_length};
use crate::trouble::Trouble;

/// Most bytes of a line of the authentication: `OK`, a space, 32 hex digits and the line's end
/// have 37 ("Authentication Protocol", D-Bus Specification).
const MAX_LINE: usize = 256;
/// Bytes that are read at once: a reply with its header and the line before it.
const CHUNK: usize = 1024;

/// A connection. Closed on drop; not inherited by programs that the host starts.
pub(crate) struct Wire {
    stream: UnixStream,
    deadline: Deadline,
    /// What came and was not used yet.
    inbox: Vec<u8>,
}

impl Wire {
    /// Connects to the socket at this path.
    ///
    /// A daemon that hangs leaves its queue full; the kernel then waits as long as a write may
    /// (`SO_SNDTIMEO`, `socket(7)`), so that is set first.
    ///
    /// # Errors
    ///
    /// [`Trouble::Unreachable`] or [`Trouble::Late`].
    pub(crate) fn connect(path: &str, deadline: Deadline) -> Result<Self, Trouble> {
        let unreachable = |errno: Errno| Trouble::Unreachable(errno.into());
        let address = UnixAddr::new(path).map_err(unreachable)?;
        let socket = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)
            .map_err(unreachable)?;
        let stream = UnixStream::from(socket);
        loop {
            let left = deadline.left().ok_or(Trouble::Late)?;
            stream.set_write_timeout(Some(left)).map_err(Trouble::Broken)?;
            match connect(stream.as_raw_fd(), &address) {
                Ok(()) => return Ok(Self { stream, deadline, inbox: Vec::new() }),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Err(Trouble::Late),
                Err(errno) => return Err(unreachable(errno)),
            }
        }
    }

    /// Returns the uid that the kernel attests for the other side (`SO_PEERCRED`, `unix(7)`).
    ///
    /// # Errors
    ///
    /// [`Trouble::Broken`] if there is none.
    pub(crate) fn other_uid(&self) -> Result<u32, Trouble> {
        let credentials = getsockopt(&self.stream, PeerCredentials);
        credentials.map(|who| who.uid()).map_err(|errno| Trouble::Broken(errno.into()))
    }

    /// Sends all the bytes.
    ///
    /// # Errors
    ///
    /// [`Trouble::Closed`], [`Trouble::Late`] or [`Trouble::Broken`].
    pub(crate) fn send(&mut self, mut bytes: &[u8]) -> Result<(), Trouble> {
        while !bytes.is_empty() {
            let left = self.deadline.left().ok_or(Trouble::Late)?;
            self.stream.set_write_timeout(Some(left)).map_err(Trouble::Broken)?;
            // Without MSG_NOSIGNAL a daemon that goes away would end the host by SIGPIPE.
            match send(self.stream.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL) {
                Ok(sent) => bytes = bytes.get(sent..).unwrap_or_default(),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Err(Trouble::Late),
                Err(Errno::EPIPE | Errno::ECONNRESET) => return Err(Trouble::Closed),
                Err(errno) => return Err(Trouble::Broken(errno.into())),
            }
        }
        Ok(())
    }

    /// Reads a line of the authentication, without its end.
    ///
    /// # Errors
    ///
    /// As [`Wire::message`].
    pub(crate) fn line(&mut self) -> Result<Vec<u8>, Trouble> {
        loop {
            if let Some(end) = self.inbox.windows(2).position(|pair| pair == b"\r\n") {
                let mut line: Vec<u8> = self.inbox.drain(..end + 2).collect();
                line.truncate(end);
                return Ok(line);
            }
            if self.inbox.len() > MAX_LINE {
                return Err(Trouble::Garbled("authentication"));
            }
            self.fill()?;
        }
    }

    /// Reads a message, as bytes.
    ///
    /// # Errors
    ///
    /// [`Trouble::Closed`], [`Trouble::Late`] or [`Trouble::Broken`] for the connection,
    /// [`Trouble::Garbled`] for what came over it.
    pub(crate) fn message(&mut self) -> Result<Vec<u8>, Trouble> {
        loop {
            if let Some(start) = self.inbox.first_chunk::<FIXED_HEADER>() {
                let length = whole_length(start)?;
                if self.inbox.len() >= length {
                    return Ok(self.inbox.drain(..length).collect());
                }
            }
            self.fill()?;
        }
    }

    /// Reads once.
    fn fill(&mut self) -> Result<(), Trouble> {
        let mut chunk = [0; CHUNK];
        loop {
            let left = self.deadline.left().ok_or(Trouble::Late)?;
            self.stream.set_read_timeout(Some(left)).map_err(Trouble::Broken)?;
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(Trouble::Closed),
                Ok(count) => {
                    self.inbox.extend_from_slice(chunk.get(..count).unwrap_or_default());
                    return Ok(());
                }
                Err(error) => match error.kind() {
                    ErrorKind::Interrupted => {}
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => return Err(Trouble::Late),
                    ErrorKind::ConnectionReset => return Err(Trouble::Closed),
                    _ => return Err(Trouble::Broken(error)),
                },
            }
        }
    }
}
