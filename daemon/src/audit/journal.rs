//! The outlets that are read by others: the journal by its native protocol, else standard error.
//!
//! None of them is waited for. What neither takes at once is counted, and the next event tells.

use std::{
    io::{self, Write as _},
    os::{
        fd::{AsFd as _, AsRawFd as _},
        unix::net::UnixDatagram,
    },
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::socket::{UnixAddr, getpeername},
};

use super::{Event, Field};

/// Where the journal takes events (systemd's documentation, "Native Journal Protocol").
const SOCKET: &str = "/run/systemd/journal/socket";
/// Where a unit's standard error is connected to, if the journal takes it (systemd.exec(5),
/// StandardError=journal). The environment says the same, but fobd does not read that.
const STREAM: &str = "/run/systemd/journal/stdout";
/// `LOG_AUTHPRIV` of syslog(3), without its shift: the facility of what concerns sign-ins.
const FACILITY: u8 = 10;

/// Where events are told.
#[derive(Debug)]
pub(super) struct Outlet {
    /// The journal's socket; `None` tells standard error.
    journal: Option<(UnixDatagram, PathBuf)>,
    /// Takes a line where there is no journal, or one that does not take it.
    second: fn(&str) -> io::Result<()>,
    /// Events that nobody took and that no later event has told of.
    dropped: AtomicU64,
}

impl Outlet {
    /// Returns the journal if standard error is connected to it, as the service manager does;
    /// else standard error itself.
    pub(super) fn of_this_process() -> Self {
        let stream = getpeername::<UnixAddr>(io::stderr().as_raw_fd());
        let by_journal = stream.is_ok_and(|peer| peer.path() == Some(Path::new(STREAM)));
        Self::new(by_journal.then(|| PathBuf::from(SOCKET)), to_stderr)
    }

    /// Returns the journal at this socket, and what takes a line besides.
    pub(super) fn new(socket: Option<PathBuf>, second: fn(&str) -> io::Result<()>) -> Self {
        let journal = socket.and_then(|path| {
            let ours = UnixDatagram::unbound().ok()?;
            ours.set_nonblocking(true).ok()?;
            Some((ours, path))
        });
        Self { journal, second, dropped: AtomicU64::new(0) }
    }

    /// Tells an event, and never waits.
    pub(super) fn tell(&self, event: &Event) {
        let before = self.dropped.swap(0, Ordering::Relaxed);
        let told = if before == 0 {
            self.try_tell(event)
        } else {
            self.try_tell(&event.clone().with(Field::Dropped, before))
        };
        if told.is_err() {
            self.dropped.fetch_add(before + 1, Ordering::Relaxed);
        }
    }

    fn try_tell(&self, event: &Event) -> io::Result<()> {
        let Some((ours, path)) = &self.journal else {
            return (self.second)(&format!("{event}\n"));
        };
        ours.send_to(&datagram(event), path).map(drop).or_else(|_| {
            // sd-daemon(3): the number in front is the line's priority.
            (self.second)(&format!("<{}>{event}\n", event.priority().number()))
        })
    }
}

/// Writes a line on standard error if that takes it at once: a pipe that nobody reads, or a
/// journal that hangs, must not hold up a sign-in.
fn to_stderr(line: &str) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    let mut ready = [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)];
    let takes = poll(&mut ready, PollTimeout::ZERO).is_ok_and(|count| count > 0);
    // A pipe that takes something takes so much at once (pipe(7), PIPE_BUF), and perhaps no more.
    if !takes || line.len() > 4096 {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    // One write for the line: the stream has no buffer of its own.
    stderr.write_all(line.as_bytes())
}

/// Returns an event as the journal takes it: `NAME=value` in lines of their own.
pub(super) fn datagram(event: &Event) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1024);
    let row = event.name().row();
    field(&mut bytes, "MESSAGE", &event.to_string());
    field(&mut bytes, "MESSAGE_ID", row.message_id);
    field(&mut bytes, "PRIORITY", &event.priority().number().to_string());
    field(&mut bytes, "SYSLOG_FACILITY", &FACILITY.to_string());
    field(&mut bytes, "SYSLOG_IDENTIFIER", "fobd");
    field(&mut bytes, "FOB_EVENT", row.word);
    for (name, value) in event.fields() {
        field(&mut bytes, name.journal(), &value);
    }
    bytes
}

/// Adds a field. A value with a line end would be taken for two fields, so it goes with its
/// length; an event's values have none, but that is decided elsewhere.
fn field(bytes: &mut Vec<u8>, name: &str, value: &str) {
    bytes.extend_from_slice(name.as_bytes());
    if value.contains('\n') {
        bytes.push(b'\n');
        bytes.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        bytes.push(b'=');
    }
    bytes.extend_from_slice(value.as_bytes());
    bytes.push(b'\n');
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::{Outlet, field};
    use crate::audit::{Event, Field, Name, Priority};

    fn journal() -> (tempfile::TempDir, UnixDatagram, Outlet) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let theirs = UnixDatagram::bind(&path).unwrap();
        theirs.set_nonblocking(true).unwrap();
        let outlet = Outlet::new(Some(path), |_| Err(std::io::ErrorKind::WouldBlock.into()));
        (folder, theirs, outlet)
    }

    fn received(journal: &UnixDatagram) -> Vec<String> {
        let mut room = [0; 65_536];
        let length = journal.recv(&mut room).unwrap();
        let text = std::str::from_utf8(&room[..length]).unwrap();
        assert!(text.ends_with('\n'));
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn an_event_is_one_datagram_with_its_fields() {
        let (_folder, journal, outlet) = journal();
        let event = Event::new(Name::Verify)
            .at(Priority::Notice)
            .with(Field::Verdict, "reject")
            .with(Field::User, "DOMAIN\\alice")
            .with(Field::Rhost, "a\nFOB_EVENT=accept")
            .with(Field::Distance, -7);
        outlet.tell(&event);
        assert_eq!(
            received(&journal),
            [
                "MESSAGE=verify verdict=\"reject\" user=\"DOMAIN\\\\alice\" \
                 rhost=\"a\\u{a}FOB_EVENT=accept\" distance=\"-7\"",
                "MESSAGE_ID=aa1b2fc7f180441d82866a8ece1c93b9",
                "PRIORITY=5",
                "SYSLOG_FACILITY=10",
                "SYSLOG_IDENTIFIER=fobd",
                "FOB_EVENT=verify",
                "FOB_VERDICT=reject",
                "FOB_USER=DOMAIN\\alice",
                "FOB_RHOST=a\\u{a}FOB_EVENT=accept",
                "FOB_STEP_DISTANCE=-7",
            ]
        );
        assert!(journal.recv(&mut [0; 16]).is_err(), "one event is one datagram");
    }

    #[test]
    fn a_value_with_a_line_end_goes_with_its_length() {
        let mut bytes = Vec::new();
        field(&mut bytes, "FOB_USER", "a\nb");
        assert_eq!(bytes, b"FOB_USER\n\x03\0\0\0\0\0\0\0a\nb\n");
    }

    #[test]
    fn a_journal_that_is_back_takes_the_next_event() {
        let (folder, theirs, outlet) = journal();
        drop(theirs);
        std::fs::remove_file(folder.path().join("socket")).unwrap();
        outlet.tell(&Event::new(Name::Ready));
        let back = UnixDatagram::bind(folder.path().join("socket")).unwrap();
        outlet.tell(&Event::new(Name::Stopping));
        let lines = received(&back);
        assert_eq!(lines[0], "MESSAGE=stopping dropped=\"1\"");
        assert!(lines.contains(&"FOB_DROPPED=1".to_owned()));
    }

    // Its queue takes net.unix.max_dgram_qlen datagrams (unix(7)); here nobody takes them out.
    #[test]
    fn what_a_full_journal_did_not_take_is_told_by_the_next_event() {
        let (_folder, journal, outlet) = journal();
        (0..5_000).for_each(|_| outlet.tell(&Event::new(Name::Ready)));
        let took = std::iter::from_fn(|| journal.recv(&mut [0; 65_536]).ok()).count();
        assert!((1..5_000).contains(&took));
        outlet.tell(&Event::new(Name::Stopping));
        outlet.tell(&Event::new(Name::Stopping));
        assert!(received(&journal).contains(&format!("FOB_DROPPED={}", 5_000 - took)));
        assert!(!received(&journal).iter().any(|line| line.starts_with("FOB_DROPPED")));
    }

    #[test]
    fn a_line_of_another_outlet_says_how_loud_it_is() {
        fn expected(line: &str) -> std::io::Result<()> {
            assert_eq!(line, "<1>alarm user=\"alice\"\n");
            Ok(())
        }
        let folder = tempfile::tempdir().unwrap();
        let outlet = Outlet::new(Some(folder.path().join("no-journal")), expected);
        let event = Event::new(Name::Alarm).with(Field::User, "alice");
        assert!(outlet.try_tell(&event).is_ok());
    }
}
