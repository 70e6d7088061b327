//! The host's log, for what is done without the daemon. Never a code.

use std::{fs, os::unix::net::UnixDatagram};

/// Where the host takes log messages: `_PATH_LOG` of glibc's `syslog.h`.
const SYSLOG_SOCKET: &str = "/dev/log";
/// `LOG_AUTHPRIV` with `LOG_NOTICE`, `syslog.h`.
const PRIORITY: u8 = 10 << 3 | 5;

/// Writes one event, with who caused it: the login uid stays the same through sudo
/// (`proc_pid_loginuid(5)`). A log that is absent changes nothing.
pub(crate) fn write(event: &str) {
    let who = fs::read_to_string("/proc/self/loginuid").unwrap_or_default();
    let who = match who.trim() {
        "" | "4294967295" => "no login".to_owned(), // (uid_t) -1: it was never set
        uid => format!("login uid {uid}"),
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
