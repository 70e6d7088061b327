//! Tickets.

use fob_api::{TicketReport, UserName};
use serde_json::{Value, json};

use super::{NOTHING, table, word};

/// Returns the table of `fobctl tickets`.
pub(crate) fn ticket_table(tickets: &[TicketReport]) -> String {
    if tickets.is_empty() {
        return "Nobody has a ticket: the next code is asked for.\n".to_owned();
    }
    let head = ["USER", "SESSION", "TERMINAL", "BY", "ENDS IN"].map(str::to_owned);
    let rows = tickets.iter().map(|ticket| {
        [
            word(ticket.user.as_deref()),
            ticket.session.map_or_else(|| NOTHING.to_owned(), |session| session.to_string()),
            word(ticket.tty.as_deref()),
            word(ticket.service.as_deref()),
            ticket.left.map_or_else(|| NOTHING.to_owned(), minutes),
        ]
    });
    table(std::iter::once(head).chain(rows).collect())
}

/// Returns the tickets as JSON.
pub(crate) fn tickets_json(tickets: &[TicketReport]) -> String {
    let all: Vec<Value> = tickets
        .iter()
        .map(|ticket| {
            json!({
                "user": ticket.user,
                "session": ticket.session,
                "tty": ticket.tty,
                "service": ticket.service,
                "seconds_left": ticket.left,
            })
        })
        .collect();
    format!("{:#}\n", Value::Array(all))
}

/// Says how many tickets were ended.
pub(crate) fn revoked_sentence(revoked: u32, user: Option<&UserName>) -> String {
    let whose = user.map_or_else(String::new, |user| format!(" of {user}"));
    match revoked {
        0 => format!("There was no ticket{whose}."),
        1 => format!("1 ticket{whose} is ended: the next code is asked for."),
        many => format!("{many} tickets{whose} are ended: the next code is asked for."),
    }
}

/// Returns a time such as `9 min 30 s`.
fn minutes(seconds: u32) -> String {
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}
