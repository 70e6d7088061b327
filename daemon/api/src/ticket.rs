//! Tickets of a login session, as reports.

use zbus::{DeserializeDict, SerializeDict, Type};

/// A ticket: who has it, where, and for how long still.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct TicketReport {
    /// The user.
    pub user: Option<String>,
    /// The kernel's audit session, by which logind names the login, too.
    pub session: Option<u32>,
    /// The terminal.
    pub tty: Option<String>,
    /// The PAM service that asked for the code.
    pub service: Option<String>,
    /// Seconds until it ends.
    pub left: Option<u32>,
}

/// What a caller may add to revoke.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct RevokeOptions {
    /// Only this user's; all without it.
    pub user: Option<String>,
    /// The uid with which the caller signed in before he became root (proc_pid_loginuid(5)): for the
    /// log only.
    pub login_uid: Option<u32>,
}
