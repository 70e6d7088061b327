//! `tickets`: what is listed, and what is said when they are ended.

use fob_api::{Error, TicketReport};

use crate::fake::{Fake, Reply, can_run, name};

fn ticket(user: &str, left: u32) -> TicketReport {
    TicketReport {
        user: Some(user.to_owned()),
        session: Some(3),
        tty: Some("/dev/pts/1\u{1b}[2J".to_owned()),
        service: Some("sudo".to_owned()),
        left: Some(left),
    }
}

#[test]
fn tickets_says_who_has_one_where_and_for_how_long() {
    if !can_run() {
        return;
    }
    let tickets = || vec![ticket("alice", 570), ticket("bob", 59)];
    Fake::new(&[("Tickets", Reply::Tickets(tickets()))]).run(&["tickets"], "").printed(
        "USER   SESSION  TERMINAL        BY    ENDS IN\n\
         alice  3        /dev/pts/1\u{fffd}[2J  sudo  9 min 30 s\n\
         bob    3        /dev/pts/1\u{fffd}[2J  sudo  59 s\n",
    );
    let ended =
        Fake::new(&[("Tickets", Reply::Tickets(tickets()))]).run(&["tickets", "--json"], "");
    let read: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&read[0]["user"], &read[1]["seconds_left"]), (&"alice".into(), &59.into()));
    Fake::new(&[("Tickets", Reply::Tickets(Vec::new()))])
        .run(&["tickets"], "")
        .printed("Nobody has a ticket: the next code is asked for.\n");
}

#[test]
fn revoking_says_how_many_tickets_it_ended() {
    if !can_run() {
        return;
    }
    for (arguments, call, count, printed) in [
        (
            &["tickets", "--revoke", "alice"][..],
            "RevokeTickets user=alice",
            1,
            "1 ticket of alice is ended: the next code is asked for.\n",
        ),
        (
            &["tickets", "--revoke", "alice"],
            "RevokeTickets user=alice",
            0,
            "There was no ticket of alice.\n",
        ),
        (
            &["tickets", "--revoke-all"],
            "RevokeTickets",
            7,
            "7 tickets are ended: the next code is asked for.\n",
        ),
    ] {
        Fake::new(&[(call, Reply::Count(count))]).run(arguments, "").printed(printed);
    }
}

#[test]
fn revoking_tickets_of_somebody_unknown_is_refused() {
    if !can_run() {
        return;
    }
    let nobody = Error::NoSuchUser { user: name("nobody-here") };
    Fake::new(&[("RevokeTickets user=nobody-here", Reply::Refuse(nobody))])
        .run(&["tickets", "--revoke", "nobody-here"], "")
        .failed(
            1,
            "fobctl: there is no user nobody-here on this host.\n\
             hint: \"getent passwd\" lists the users of this host.\n",
        );
}
