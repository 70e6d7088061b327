//! `report`: what is made of the events of observe mode.

use fob_api::LogEntry;

use crate::fake::{Fake, Reply, can_run};

fn observed(seq: u64, user: &str, service: &str, (would, ready): (&str, &str)) -> LogEntry {
    let fields = [("user", user), ("service", service), ("would", would), ("ready", ready)];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    LogEntry { seq, time: 1_795_320_660 + seq, event: "observed".to_owned(), fields }
}

const ARGS: [&str; 3] = ["report", "--since", "5"];
const FIRST: &str = "Log after=0 limit=500 event=observed since=5";

fn pages() -> Fake {
    let first = vec![
        observed(1, "alice", "sshd", ("code", "no")),
        observed(2, "bob", "sshd", ("code", "no")),
        observed(3, "carol", "sshd", ("exempt", "no")),
        observed(4, "oracle", "sshd", ("code", "nobody")),
    ];
    let second = vec![
        observed(7, "alice", "sudo", ("code", "yes")),
        observed(8, "bob", "sshd", ("code", "no")),
        observed(9, "dave", "su", ("code", "yes")),
    ];
    Fake::new(&[
        (FIRST, Reply::Events(first, 5)),
        ("Log after=5 limit=500 event=observed since=5", Reply::Events(second, 9)),
        ("Log after=9 limit=500 event=observed since=5", Reply::Events(Vec::new(), 9)),
    ])
}

#[test]
fn who_has_no_token_stands_first_with_where_and_how_often() {
    if !can_run() {
        return;
    }
    pages().run(&ARGS, "").printed(
        "USER   TOKEN  SERVICE  TIMES  LAST\n\
         bob    no     sshd     2      2026-11-22T04:11:08Z\n\
         alice  yes    sshd     1      2026-11-22T04:11:01Z\n\
         alice  yes    sudo     1      2026-11-22T04:11:07Z\n\
         dave   yes    su       1      2026-11-22T04:11:09Z\n\
         \n\
         1 of 3 people who would be asked has no token.\n\
         1 person would not be asked somewhere: \"fobctl explain\" says why.\n\
         1 name tried to sign in that nobody has.\n",
    );
}

#[test]
fn the_report_for_a_program_has_the_same() {
    if !can_run() {
        return;
    }
    let ended = pages().run(&[&ARGS[..], &["--json"]].concat(), "");
    let seen: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let expected = serde_json::json!({
        "people": [
            { "user": "bob", "ready": false,
              "services": [{ "service": "sshd", "times": 2, "last": 1_795_320_668_u64 }] },
            { "user": "alice", "ready": true,
              "services": [{ "service": "sshd", "times": 1, "last": 1_795_320_661_u64 },
                           { "service": "sudo", "times": 1, "last": 1_795_320_667_u64 }] },
            { "user": "dave", "ready": true,
              "services": [{ "service": "su", "times": 1, "last": 1_795_320_669_u64 }] },
        ],
        "exempt": ["carol"],
        "nobody": ["oracle"],
    });
    assert_eq!(seen, expected);
}

#[test]
fn without_anything_observed_the_report_says_so() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[(FIRST, Reply::Events(Vec::new(), 0))]);
    fake.run(&ARGS, "").printed("No sign-in was observed that would have been asked for a code.\n");
}
