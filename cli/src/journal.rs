//! The host's log, for what is done without the daemon. Never a code.

use std::{fs, os::unix::net::UnixDatagram};

/// Where the host takes log messages: `_PATH_LOG` of glibc's `syslog.h`.
const SYSLOG_SOCKET: &str = "/dev/log";
/// `LOG_AUTHPRIV` with `LOG_NOTICE`, `syslog.h`.
const PRIORITY: u8 = 10 << 3 | 5;

/// Returns the uid with which whoever runs this signed in: it stays the same through sudo
/// (`proc_pid_loginuid(5)`). `None` if nobody did, as in a timer.
///
/// The daemon is told so, for its log: it sees no other process in its sandbox, and a look by pid
/// could find a later process of the same number.
pub(crate) fn login_uid() -> Option<u32> {
    let text = fs::read_to_string("/proc/self/loginuid").ok()?;
    text.trim().parse().ok().filter(|uid| *uid != u32::MAX) // (uid_t) -1: it was never set
}

/// Writes one event, with who caused it. A log that is absent changes nothing.
pub(crate) fn write(event: &str) {
    let who = match login_uid() {
        None => "no login".to_owned(),
        Some(uid) => format!("login uid {uid}"),
    };
    let pid = std::process::id();
    let line = format!("<{PRIORITY}>fobctl[{pid}]: {event}, by {who}");
    let line: String =
        line.chars().map(|c| if (' '..='~').contains(&c) { c } else { '?' }).collect();
    if let Ok(socket) = UnixDatagram::unbound() {
        let _ = socket.set_nonblocking(true);
        let _ = socket.send_to(line.as_bytes(), SYSLOG_SOCKET);
    }
}
