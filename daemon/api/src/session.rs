//! The login session and the terminal in which a program runs, as the kernel tells them.

use std::fmt;

use serde::{Deserialize, Serialize};
use zbus::Type;

/// The PAM services that give and take tickets. Those of a sign-in do not: a ticket is bound to the
/// login that a sign-in only begins. `su` does not: it asks for another user's token.
pub const TICKET_SERVICES: [&str; 3] = ["polkit-1", "sudo", "sudo-i"];
/// The PAM service that checks the password of a one-field sign-in, and nothing else: no program
/// calls it, and the module of Fob must not stand in it.
pub const PASSWORD_SERVICE: &str = "fob-password";

/// What the kernel writes of both for a process that no login has started (proc_pid_loginuid(5),
/// proc_pid_sessionid(5)).
const NO_SESSION: u32 = u32::MAX;

/// One login at one terminal. No process can choose the five, and they never come together again
/// while the host runs: another login has another audit session, and another leader of the terminal
/// another start. A process without a login may write one (proc_pid_loginuid(5)), and has an audit
/// session of its own from then on.
///
/// As text five decimal numbers with colons: `1000:3:1204:88217:34816`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize, Type)]
#[zbus(signature = "s")]
#[serde(into = "String", try_from = "String")]
pub struct LoginSession {
    /// The uid that signed in; it stays through su and sudo (proc_pid_loginuid(5)).
    login: u32,
    /// The kernel's audit session (proc_pid_sessionid(5)).
    audit: u32,
    /// The process that leads the terminal's session (`session` in proc_pid_stat(5)).
    leader: u32,
    /// When that process started, in clock ticks after boot (`starttime`, there).
    started: u64,
    /// The terminal's device number (`tty_nr`, there).
    terminal: u32,
}

impl LoginSession {
    /// Puts it together from the kernel's numbers; `None` if there is no login or no terminal.
    #[must_use]
    pub fn new(
        (login, audit): (u32, u32),
        (leader, started): (u32, u64),
        terminal: u32,
    ) -> Option<Self> {
        let is_login = login != NO_SESSION && audit != NO_SESSION;
        let is_one = is_login && leader != 0 && terminal != 0;
        is_one.then_some(Self { login, audit, leader, started, terminal })
    }

    /// Reads its text; `None` if it is anything else, or spelled otherwise.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split(':');
        let mut number = || numbers.next();
        let (login, audit) = (number()?.parse().ok()?, number()?.parse().ok()?);
        let (leader, started) = (number()?.parse().ok()?, number()?.parse().ok()?);
        let session = Self::new((login, audit), (leader, started), number()?.parse().ok()?)?;
        (session.to_string() == text).then_some(session)
    }

    /// Returns the uid that signed in, whoever the program runs as.
    #[must_use]
    pub fn login(self) -> u32 {
        self.login
    }

    /// Returns the audit session, by which logind names the login, too.
    #[must_use]
    pub fn audit(self) -> u32 {
        self.audit
    }
}

impl From<LoginSession> for String {
    fn from(session: LoginSession) -> Self {
        session.to_string()
    }
}

impl TryFrom<String> for LoginSession {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("no login session")
    }
}

impl fmt::Display for LoginSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { login, audit, leader, started, terminal } = self;
        write!(f, "{login}:{audit}:{leader}:{started}:{terminal}")
    }
}

#[cfg(test)]
mod tests {
    use super::LoginSession;

    #[test]
    fn a_session_is_read_as_it_is_written() {
        let text = "1000:3:1204:18446744073709551615:34816";
        assert_eq!(LoginSession::parse(text).unwrap().to_string(), text);
        assert_eq!(LoginSession::parse(text).unwrap().audit(), 3);
    }

    #[test]
    fn what_is_spelled_otherwise_is_no_session() {
        for text in
            ["", "0:3:4:1", "0:3:4:1:2:5", "0:3:+4:1:2", "0:03:4:1:2", "0:3:4:1:2 ", "0:a:4:1:2"]
        {
            assert!(LoginSession::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn without_a_login_or_a_terminal_there_is_no_session() {
        for text in
            ["0:4294967295:12:1:34816", "4294967295:3:12:1:34816", "0:3:0:1:34816", "0:3:12:1:0"]
        {
            assert!(LoginSession::parse(text).is_none(), "{text}");
        }
    }
}
