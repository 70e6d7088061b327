//! The codes that the real fobctl makes, and the real module that takes them; no daemon anywhere.
#![allow(clippy::unwrap_used)] // clippy knows only functions marked as tests: helpers are, too

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Output};

use fob_tests::emergency::files;
use fob_tests::needs::{self, Need};
use fob_tests::pam_host::{Stage, pam};

/// Runs fobctl on the stage as root.
fn fobctl(stage: &Stage, words: &[&str]) -> Output {
    stage.inside().arg(needs::built("fobctl")).args(words).output().unwrap()
}

/// Makes codes and returns them.
#[track_caller]
fn make(stage: &Stage, user: &str) -> Vec<String> {
    let output = fobctl(stage, &["emergency", user]);
    assert!(output.status.success(), "{output:?}");
    codes(&output)
}

fn codes(output: &Output) -> Vec<String> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let is_code = |word: &&str| word.len() == 19 && word.split('-').all(|group| group.len() == 4);
    text.split_whitespace().filter(is_code).map(str::to_owned).collect()
}

#[track_caller]
fn signs_in(stage: &Stage, user: &str, code: &str) -> bool {
    let host = stage.host("timeout=1").word(format!("user={user}")).word(format!("answer={code}"));
    host.word("call-authenticate").run().code() == pam::SUCCESS
}

#[test]
fn every_code_that_fobctl_prints_signs_in_once() {
    let stage = Stage::new();
    for user in ["root", "alice", "dave"] {
        let codes = make(&stage, user);
        assert_eq!(codes.iter().collect::<HashSet<_>>().len(), 10, "{user}");
        for code in &codes {
            assert!(signs_in(&stage, user, code), "{user}");
        }
        assert!(!signs_in(&stage, user, &codes[4]), "{user}");
    }
}

#[test]
fn the_files_are_roots_alone_and_hold_no_code() {
    let stage = Stage::new();
    let codes = make(&stage, "alice");
    let base = stage.emergency_folder();
    let mode = |path: &std::path::Path| path.metadata().unwrap().mode() & 0o7777;
    assert_eq!(files(&base), ["1000", "turns"]);
    assert_eq!((mode(&base), mode(&base.join("1000"))), (0o700, 0o700));
    let slots = files(&base.join("1000"));
    assert_eq!(slots.len(), 10);
    for slot in slots {
        let path = base.join("1000").join(slot);
        let line = std::fs::read_to_string(&path).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert!(line.starts_with("$argon2id$v=19$m=7168,t=5,p=1$"), "{line}");
        assert!(!codes.iter().any(|code| line.contains(&code.replace('-', ""))));
    }
}

#[test]
fn new_codes_void_the_old_ones_and_removed_ones_are_void() {
    let stage = Stage::new();
    let (old, new) = (make(&stage, "alice"), make(&stage, "alice"));
    assert!(!signs_in(&stage, "alice", &old[0]) && signs_in(&stage, "alice", &new[0]));
    assert_eq!(files(&stage.emergency_folder()), ["1000", "turns"]);
    assert!(fobctl(&stage, &["emergency", "alice", "--remove"]).status.success());
    assert!(!signs_in(&stage, "alice", &new[1]));
    assert_eq!(files(&stage.emergency_folder()), ["turns"]);
    let again = fobctl(&stage, &["emergency", "alice", "--remove"]);
    assert_eq!(again.status.code(), Some(1));
}

#[test]
fn making_codes_is_logged_and_no_code_is() {
    let stage = Stage::new();
    let codes = make(&stage, "alice");
    let log = stage.log().concat();
    assert!(log.contains("fobctl[") && log.contains("10 emergency codes of \"alice\""), "{log}");
    assert!(!codes.iter().any(|code| log.contains(code.as_str())));
}

#[test]
fn only_root_makes_codes_and_only_for_administrators() {
    let stage = Stage::new();
    for (user, said) in [("carol", "does not administer"), ("bob", "there is no user bob")] {
        let output = fobctl(&stage, &["emergency", user]);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{errors}");
        assert!(errors.contains(said) && errors.contains("hint: "), "{errors}");
    }
    let mut own = Command::new("setpriv");
    own.args(["--clear-groups", "--reuid", "65534", "--regid", "65534"]);
    if needs::met(&[Need::Root]) {
        let output = own.arg(needs::built("fobctl")).args(["emergency", "root"]).output().unwrap();
        assert_eq!(output.status.code(), Some(3));
    }
    assert!(!stage.emergency_folder().exists());
}

/// Killed or refused at any step, fobctl leaves the old codes or the new ones, whole.
#[test]
fn an_interrupted_renewal_leaves_the_old_codes_or_the_new_ones() {
    if !needs::met(&[Need::Program("strace")]) {
        return;
    }
    for fault in [
        "fsync:signal=SIGKILL:when=1",
        "fsync:signal=SIGKILL:when=8",
        "fsync:error=EIO:when=11",
        "renameat2:error=EIO",
        "renameat2:error=EINVAL",
        "unlinkat:signal=SIGKILL:when=2",
    ] {
        let stage = Stage::new();
        let old = make(&stage, "alice");
        let mut strace = stage.inside();
        strace.args(["strace", "-f", "-qq", "-o", "/dev/null", "-e", &format!("inject={fault}")]);
        let output = strace.arg(needs::built("fobctl")).args(["emergency", "alice"]).output();
        let new = codes(&output.unwrap());
        assert!(new.is_empty() || new.len() == 10, "{fault}");
        let holds = if new.is_empty() { &old } else { &new };
        let slots = files(&stage.emergency_folder().join("1000"));
        assert_eq!(slots.len(), 10, "{fault}");
        if fault.starts_with("unlinkat") {
            continue; // nobody has read the new codes, and the old ones are void
        }
        assert!(signs_in(&stage, "alice", &holds[9]), "{fault}");
        assert_eq!(make(&stage, "alice").len(), 10, "{fault}");
    }
}
