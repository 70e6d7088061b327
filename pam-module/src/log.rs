//! The log: one datagram per event to the host's syslog socket. Never a code.
//!
//! A socket is opened and closed per event, so that nothing stays in the host; a log that is
//! absent or full changes nothing.

use std::fmt;
use std::os::unix::net::UnixDatagram;

/// Where the host takes log messages: `_PATH_LOG` of glibc's `syslog.h`.
const SYSLOG_SOCKET: &str = "/dev/log";
/// `LOG_AUTHPRIV` shifted to its place in a priority, `syslog.h`.
const FACILITY: u8 = 10 << 3;
/// Most bytes of a message: what RFC 3164 section 4.1 allows.
const MAX_MESSAGE: usize = 1024;

/// How much it matters: the severities of `syslog(3)` that are used here.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Level {
    /// Somebody signed in without the daemon: an administrator must hear of it.
    Alert,
    /// Only with the option `debug`.
    Debug,
    /// Nobody can sign in, or somebody tries a trick.
    Error,
    /// One sign-in failed for a reason that the host does not name.
    Notice,
}

impl Level {
    fn severity(self) -> u8 {
        match self {
            Self::Alert => 1,
            Self::Error => 3,
            Self::Notice => 5,
            Self::Debug => 7,
        }
    }
}

/// Writes one event.
pub(crate) fn write(level: Level, service: &str, event: fmt::Arguments<'_>) {
    let Ok(socket) = UnixDatagram::unbound() else { return };
    if socket.set_nonblocking(true).is_ok() {
        let _ = socket.send_to(line(level, service, event).as_bytes(), SYSLOG_SOCKET);
    }
}

/// Shows a word that a stranger chose: printable ASCII, everything else escaped.
pub(crate) struct Foreign<'a>(pub(crate) &'a str);

impl fmt::Display for Foreign<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_default())
    }
}

/// Forms the datagram as `syslog(3)` does, without the time: the log knows it better than a
/// process whose TZ was chosen by its caller.
fn line(level: Level, service: &str, event: fmt::Arguments<'_>) -> String {
    let priority = FACILITY | level.severity();
    let pid = std::process::id();
    let service = service.escape_default();
    let mut line = format!("<{priority}>pam_fob[{pid}]: ({service}) {event}");
    // One event is one line, whatever a later change lets in.
    line = line.chars().map(|c| if (' '..='~').contains(&c) { c } else { '?' }).collect();
    line.truncate(MAX_MESSAGE);
    line
}

#[cfg(test)]
mod tests {
    use super::{Foreign, Level, line};

    #[test]
    fn one_event_is_one_line_of_printable_characters() {
        let user = Foreign("a\nMay 1 sshd: accepted \u{1b}[2J\u{202e}\"é%n");
        let line = line(Level::Error, "ssh\nd", format_args!("user {user}\n\u{0}x"));
        assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b)), "{line}");
        assert!(line.starts_with("<83>pam_fob["), "{line}");
        assert!(line.contains("a\\nMay") && line.contains("\\u{202e}\\\"\\u{e9}"), "{line}");
    }

    #[test]
    fn an_event_is_cut_at_what_a_log_takes() {
        let event = "é".repeat(5000);
        assert_eq!(line(Level::Debug, "su", format_args!("{event}")).len(), 1024);
    }
}
