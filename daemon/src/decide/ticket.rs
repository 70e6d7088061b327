//! Step-up tickets: for some minutes after an accepted code, sudo and polkit in the same login and
//! on the same terminal do not ask again. Off by default.
//!
//! A ticket is no verdict on a code: nobody is asked, and the other modules of the stack decide. It
//! lives in the daemon's memory, so it ends with the daemon and with the host's life.

use fob_api::{LoginSession, TICKET_SERVICES, Verdict};

use crate::{
    decide::{At, Uptime, throttle::Demand, verify::Claim},
    record::Token,
};

/// root has no ticket: his token has stricter rules (design.md section 6).
const ROOT: u32 = 0;
/// Seconds of a minute.
const MINUTE: u64 = 60;

/// Who asks for elevated rights, and where.
#[derive(Clone, Copy, Debug)]
pub struct Bearer<'a> {
    /// The user whose code is asked for.
    pub uid: u32,
    /// The PAM service.
    pub service: &'a str,
    /// The login and the terminal.
    pub session: LoginSession,
}

/// What stands for a code of one user in one session.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ticket {
    /// The token that showed the code.
    serial: String,
    /// The epoch of that token: every assignment, rotation and removal makes a new one.
    epoch: u64,
    /// When the code was accepted.
    granted: Uptime,
}

/// Returns the ticket for a code that was decided on with this token; `None` if there is to be none.
#[must_use]
pub fn grant(verdict: Verdict, bearer: &Bearer<'_>, token: &Token, at: &At<'_>) -> Option<Ticket> {
    let is_due = verdict == Verdict::Accept && may_bear(bearer) && at.policy.ticket_minutes > 0;
    is_due.then(|| Ticket { serial: token.serial.clone(), epoch: token.epoch, granted: at.uptime })
}

/// Tells whether a ticket stands for the code that would be asked for now: it has not run out, and
/// the user still has the token whose code it was for. `claim` is what `token` is to the user.
///
/// Who would have to show two codes in a row has to: somebody has been guessing.
#[must_use]
pub fn holds(
    ticket: &Ticket,
    bearer: &Bearer<'_>,
    (token, claim): (&Token, Claim),
    demand: Demand,
    at: &At<'_>,
) -> bool {
    may_bear(bearer)
        && claim == Claim::Owner
        && ticket.serial == token.serial
        && ticket.epoch == token.epoch
        && demand == Demand::Code
        && left(ticket, at) > 0
}

/// Returns for how many seconds a ticket holds still; 0 if it has run out.
#[must_use]
pub fn left(ticket: &Ticket, at: &At<'_>) -> u64 {
    let life = u64::from(at.policy.ticket_minutes).saturating_mul(MINUTE);
    // Nobody sets this clock back; a time before the grant would be no sign of a young ticket.
    let gone = at.uptime.0.checked_sub(ticket.granted.0);
    gone.map_or(0, |gone| life.saturating_sub(gone))
}

/// A ticket is his who signed in: an administrator who becomes himself by su on somebody's terminal
/// would leave him one.
fn may_bear(bearer: &Bearer<'_>) -> bool {
    let is_his = bearer.session.login() == bearer.uid;
    is_his && bearer.uid != ROOT && TICKET_SERVICES.contains(&bearer.service)
}

#[cfg(test)]
mod tests;
