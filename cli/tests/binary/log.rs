//! `log`: what is printed, to the letter, and what is asked of the daemon for it.

use fob_api::{Error, LogBreak, LogEntry, LogReport};

use crate::fake::{Fake, Reply, can_run};

fn accepted(seq: u64, user: &str) -> LogEntry {
    let fields = [("user", user), ("verdict", "accept"), ("service", "sshd"), ("caller", "0")];
    let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    LogEntry { seq, time: 1_795_320_669, event: "verify".to_owned(), fields }
}

const NEWEST: &str = "Log limit=1 newest=true";

#[test]
fn the_last_events_are_shown_with_the_newest_last() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[
        (NEWEST, Reply::Events(vec![accepted(9, "bob")], 9)),
        (
            "Log before=10 limit=50 newest=true",
            Reply::Events(vec![accepted(8, "alice"), accepted(9, "bob")], 0),
        ),
    ]);
    fake.run(&["log"], "").printed(
        "2026-11-22 04:11:09 UTC  accepted      alice       sshd\n\
         2026-11-22 04:11:09 UTC  accepted      bob         sshd\n",
    );
}

#[test]
fn filters_are_handed_over_and_pages_are_put_together() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[
        (NEWEST, Reply::Events(vec![accepted(9, "alice")], 9)),
        (
            "Log before=10 limit=2 newest=true user=alice serial=77 event=accept since=5 until=86400",
            Reply::Events(vec![accepted(9, "alice")], 4),
        ),
        (
            "Log before=4 limit=1 newest=true user=alice serial=77 event=accept since=5 until=86400",
            Reply::Events(vec![accepted(3, "alice")], 3),
        ),
    ]);
    let args = "log --lines 2 --user alice --serial 77 --event accept --since 5 --until 1970-01-02";
    let args: Vec<&str> = args.split(' ').chain(["--json"]).collect();
    let ended = fake.run(&args, "");
    let numbers: Vec<serde_json::Value> =
        ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        numbers.iter().map(|entry| entry["seq"].as_u64()).collect::<Vec<_>>(),
        [Some(3), Some(9)]
    );
}

#[test]
fn a_log_in_order_is_whole() {
    if !can_run() {
        return;
    }
    let report = LogReport {
        files: Some(2),
        lines: Some(70),
        first: Some(11),
        last: Some(80),
        ..LogReport::default()
    };
    let fake = Fake::new(&[("VerifyLog", Reply::Log(report))]);
    let said = "The log is whole: 70 lines in 2 files, numbers 11 to 80.\n";
    fake.run(&["log", "--verify"], "").printed(said);
}

#[test]
fn a_broken_log_is_a_refusal_with_the_place_and_a_hint() {
    if !can_run() {
        return;
    }
    let report = LogReport {
        files: Some(1),
        lines: Some(3),
        wrong: Some("altered".to_owned()),
        file: Some("00000000000000000001.jsonl".to_owned()),
        line: Some(4),
        ..LogReport::default()
    };
    let fake = Fake::new(&[("VerifyLog", Reply::Log(report))]);
    let ended = fake.run(&["log", "--verify"], "");
    let fact = "fobctl: the log is broken at 00000000000000000001.jsonl, line 4: a line is not as \
                it was written; 3 other lines are in order.\nhint: compare with";
    assert_eq!((ended.status, ended.stdout.as_str()), (1, ""));
    assert!(ended.stderr.starts_with(fact), "{}", ended.stderr);
}

#[test]
fn each_place_where_the_log_is_broken_is_a_line() {
    if !can_run() {
        return;
    }
    let broken = |wrong: &str, line, seq| LogBreak {
        wrong: Some(wrong.to_owned()),
        file: Some("00000000000000000001.jsonl".to_owned()),
        line: Some(line),
        seq,
    };
    let report = LogReport {
        lines: Some(7),
        wrong: Some("altered".to_owned()),
        breaks: Some(vec![broken("altered", 4, None), broken("lines_missing", 6, Some(9))]),
        more: Some(3),
        ..LogReport::default()
    };
    let fake = Fake::new(&[("VerifyLog", Reply::Log(report))]);
    let ended = fake.run(&["log", "--verify"], "");
    let places = "00000000000000000001.jsonl, line 4: a line is not as it was written\n\
                  00000000000000000001.jsonl, line 6 (number 9): lines are missing before this \
                  place\nand 3 more\n";
    assert_eq!((ended.status, ended.stdout.as_str()), (1, places));
    let fact = "fobctl: the log is broken at 5 places; 7 lines are in order.\nhint: ";
    assert!(ended.stderr.starts_with(fact), "{}", ended.stderr);
}

#[test]
fn the_log_is_roots() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[(NEWEST, Reply::Refuse(Error::NotAuthorized { verb: "log" }))]);
    assert_eq!(fake.run(&["log"], "").status, 3);
}

#[test]
fn following_shows_what_comes_until_the_daemon_is_gone() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[
        (NEWEST, Reply::Events(vec![accepted(9, "alice")], 9)),
        ("Log before=10 limit=1 newest=true", Reply::Events(vec![accepted(9, "alice")], 0)),
        ("Log after=9 limit=500", Reply::Events(vec![accepted(10, "bob")], 10)),
        ("Log after=10 limit=500", Reply::Events(vec![], 10)),
        ("Log after=10 limit=500", Reply::Refuse(Error::StoreUnavailable)),
    ]);
    let ended = fake.run(&["log", "--follow", "--lines", "1"], "");
    let users = ["alice", "bob"].map(|user| ended.stdout.matches(user).count());
    assert_eq!((users, ended.status), ([1, 1], 4), "{}", ended.stdout);
}
