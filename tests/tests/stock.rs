//! What an administrator does with tokens in stock, with fobctl and a real daemon: a seed file of
//! which some rows are bad, a serial typed as it is read, a token whose label is gone.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test and its helpers: a failure here is the test's failure"
)]

use std::{
    fs,
    io::Write as _,
    process::{Command, Output, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use fob_tests::{
    daemon::{Daemon, Ground},
    needs::{self, Need},
    soft_token::SoftToken,
};

/// Runs fobctl, which finds the daemon's socket at the address that is compiled in.
fn fobctl(daemon: &Daemon, words: &[&str], input: &str) -> Output {
    let mut command = Command::new("bwrap");
    command.args(["--dev-bind", "/", "/", "--tmpfs", "/run", "--dir", "/run/fobd", "--bind"]);
    command.arg(daemon.socket()).args(["/run/fobd/bus", "--"]);
    command.arg(needs::built("fobctl")).args(words);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A run that asks for nothing closes its end early.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

#[track_caller]
fn does(daemon: &Daemon, words: &[&str], input: &str) -> String {
    let output = fobctl(daemon, words, input);
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn rows_that_were_set_aside_are_mended_and_imported() {
    if !needs::met(&[Need::Root, Need::Program("bwrap")]) {
        return;
    }
    let ground = Ground::new();
    let daemon = Daemon::start(ground.path(), None);
    let [good, bad] = ["GOOD-1", "BAD-1"].map(SoftToken::with_clock);
    let [file, rejects] = ["seeds.csv", "rejects.csv"].map(|name| ground.path().join(name));
    let broken = bad.oath_line().replacen(',', ",,", 1);
    fs::write(&file, format!("{}{broken}", good.oath_line())).unwrap();
    let (file, rejects) = (file.to_str().unwrap(), rejects.to_str().unwrap());
    let words = ["import", "--format", "oath-csv", "--partial", rejects, file];
    let receipt = does(&daemon, &words, "");
    assert!(
        receipt.contains("1 token added to stock.") && receipt.contains("1 row was"),
        "{receipt}"
    );
    let aside = fs::read_to_string(rejects).unwrap();
    assert!(aside.starts_with("# line 2, column ") && aside.ends_with(&broken));
    assert!(!does(&daemon, &["list", "--json"], "").contains("BAD-1"));
    fs::write(rejects, aside.replace(",,", ",")).unwrap();
    does(&daemon, &["import", "--format", "oath-csv", rejects], "");
    let list = does(&daemon, &["list", "--json"], "");
    assert!(list.contains("BAD-1") && list.contains("GOOD-1"), "{list}");
}

#[test]
fn a_token_is_found_by_its_codes_and_by_its_serial_as_it_is_read() {
    if !needs::met(&[Need::Root, Need::Program("bwrap")]) {
        return;
    }
    let ground = Ground::new();
    let daemon = Daemon::start(ground.path(), None);
    let token = SoftToken::with_clock("8A-1172-x");
    let others = (0..50).map(|number| SoftToken::with_clock(&format!("T-{number}")).oath_line());
    let rows = others.chain([token.oath_line()]).collect::<String>();
    does(&daemon, &["import", "--format", "oath-csv", "-"], &rows);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let step = token.step_at(now);
    let codes = format!("{}\n{}\n", token.code_of(step), token.code_of(step + 1));
    let found = does(&daemon, &["identify"], &codes);
    assert!(found.starts_with("token      8A-1172-x\n"), "{found}");
    let shown = does(&daemon, &["show", "--token", "8a 1172x"], "");
    assert!(shown.starts_with("token      8A-1172-x\n"), "{shown}");
    // Neither has changed anything: the same codes assign it.
    does(&daemon, &["assign", "daemon", "8a1172X"], &codes);
    let gone = fobctl(&daemon, &["identify"], &codes);
    assert_eq!(gone.status.code(), Some(1), "{gone:?}");
    assert!(daemon.log().iter().any(|line| line.starts_with("identify serial=\"8A-1172-x\"")));
}
