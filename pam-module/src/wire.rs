//! One connection to a Unix socket, every step of which ends at the deadline of its exchange.

use std::io::{ErrorKind, Read};
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::net::UnixStream;

use nix::errno::Errno;
use nix::libc::{STDERR_FILENO, dev_t, ino_t};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, getsockopt, recv, send, socket,
    sockopt::PeerCredentials,
};
use nix::sys::stat::fstat;

use crate::deadline::Deadline;
use crate::message::{FIXED_HEADER, whole_length};
use crate::trouble::Trouble;

/// Most bytes of a line of the authentication: `OK`, a space, 32 hex digits and the line's end
/// have 37 ("Authentication Protocol", D-Bus Specification).
const MAX_LINE: usize = 256;
/// Bytes that are read at once: a reply with its header and the line before it.
const CHUNK: usize = 1024;

/// A socket, as no other one has it while it is open (`stat(3type)`: device and inode).
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) struct Socket {
    device: dev_t,
    inode: ino_t,
}

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
                Ok(()) => return Ok(Self::of(stream, deadline)),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Err(Trouble::Late),
                Err(errno) => return Err(unreachable(errno)),
            }
        }
    }

    /// Returns the wire of a connection that is there.
    pub(crate) fn of(stream: UnixStream, deadline: Deadline) -> Self {
        Self { stream, deadline, inbox: Vec::new() }
    }

    /// Begins another exchange: every step from now on ends at this deadline.
    pub(crate) fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = deadline;
    }

    /// Returns which socket the descriptor stands for; `None` if for nothing.
    pub(crate) fn socket(&self) -> Option<Socket> {
        fstat(&self.stream).ok().map(|facts| Socket { device: facts.st_dev, inode: facts.st_ino })
    }

    /// Tells whether the descriptor is the host's standard input, output or error: that was closed
    /// then, and the lowest free number is taken (`socket(2)`).
    pub(crate) fn is_standard(&self) -> bool {
        self.stream.as_raw_fd() <= STDERR_FILENO
    }

    /// Tells whether the other side is still there, and has said nothing that was not used.
    pub(crate) fn is_silent(&self) -> bool {
        let look = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
        let seen = recv(self.stream.as_raw_fd(), &mut [0], look);
        self.inbox.is_empty() && seen == Err(Errno::EAGAIN)
    }

    /// Forgets the descriptor without closing it: it is somebody else's by now.
    pub(crate) fn leave(self) {
        let _ = self.stream.into_raw_fd();
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

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::Shutdown;
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use super::Wire;
    use crate::deadline::Deadline;

    fn wire() -> (Wire, UnixStream) {
        let (ours, others) = UnixStream::pair().unwrap();
        (Wire::of(ours, Deadline::after(Duration::from_secs(5))), others)
    }

    #[test]
    fn an_open_connection_on_which_nothing_came_is_silent() {
        let (wire, _others) = wire();
        assert!(wire.is_silent());
    }

    #[test]
    fn a_connection_that_the_other_side_ended_is_not_silent() {
        let (wire, others) = wire();
        others.shutdown(Shutdown::Write).unwrap();
        assert!(!wire.is_silent());
    }

    #[test]
    fn bytes_that_nobody_asked_for_are_no_silence_read_or_not() {
        let (wire, mut others) = wire();
        others.write_all(b"more").unwrap();
        assert!(!wire.is_silent());
        let (mut wire, mut others) = self::wire();
        others.write_all(b"line\r\nmore").unwrap();
        wire.line().unwrap();
        assert!(!wire.is_silent());
    }
}
