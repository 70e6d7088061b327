//! Emergency codes under attack and on bad disks: kills, parallel tries, files that are not root's.
#![allow(clippy::unwrap_used)] // clippy knows only functions marked as tests: helpers are, too

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use fob_tests::emergency::{CODES, files, lay, line, write};
use fob_tests::needs::{self, Need};
use fob_tests::pam_host::{Host, Seen, Stage, pam};

const WRONG: &str = "aaaa-bbbb-cccc-0011";

/// A stage on which alice has ten codes, and her folder.
fn stage() -> (Stage, PathBuf) {
    let stage = Stage::new();
    let folder = lay(&stage.emergency_folder(), "alice", 1000, &CODES);
    (stage, folder)
}

fn used(folder: &Path) -> usize {
    files(folder).iter().filter(|name| name.ends_with("used")).count()
}

/// Runs all hosts at once.
fn at_once(hosts: Vec<Host<'_>>, answer: &str) -> Vec<Seen> {
    std::thread::scope(|scope| {
        let tries: Vec<_> =
            hosts.into_iter().map(|host| scope.spawn(|| host.sign_in(answer))).collect();
        tries.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

#[test]
fn of_64_parallel_tries_with_one_code_exactly_one_signs_in() {
    let (stage, folder) = stage();
    let seen = at_once((0..64).map(|_| stage.host("timeout=1")).collect(), CODES[6]);
    let accepted = seen.iter().filter(|one| one.code() == pam::SUCCESS).count();
    assert_eq!((accepted, used(&folder)), (1, 1));
}

#[test]
fn guesses_for_one_user_are_evaluated_once_a_second() {
    let (stage, _) = stage();
    #[allow(clippy::disallowed_methods, reason = "the rate is per second of the real clock")]
    let began = std::time::Instant::now();
    at_once((0..8).map(|_| stage.host("timeout=2")).collect(), WRONG);
    let seconds = began.elapsed().as_secs();
    let log = stage.log();
    let count = |text: &str| log.iter().filter(|line| line.contains(text)).count() as u64;
    let (evaluated, busy) = (count("a wrong emergency code"), count("being checked"));
    assert_eq!(evaluated + busy, 8, "{log:?}");
    assert!((1..=seconds).contains(&evaluated), "{evaluated} in {seconds} s");
}

#[test]
fn guesses_from_the_network_do_not_keep_the_console_waiting() {
    let (stage, _) = stage();
    let guess = || stage.host("timeout=3").word("rhost=10.0.0.7");
    let guesses: Vec<_> = (0..6).map(|_| guess()).collect();
    let console = stage.host("timeout=3");
    std::thread::scope(|scope| {
        for host in guesses {
            scope.spawn(|| assert_eq!(host.sign_in(WRONG).code(), pam::AUTH_ERR));
        }
        let seen = console.sign_in(CODES[0]);
        assert_eq!(seen.code(), pam::SUCCESS);
        assert!(seen.took() < Duration::from_secs(1), "took {:?}", seen.took());
    });
}

/// Runs a sign-in with this code while strace does this to its system calls; tells whether it
/// succeeded, and says nothing of one that was killed.
fn with_fault(stage: &Stage, fault: &str, code: &str) -> Option<Seen> {
    let inject = format!("inject={fault}");
    let strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &inject];
    let host = stage.host("timeout=1").under(&strace);
    host.word("user=alice").word(format!("answer={code}")).word("call-authenticate").try_run()
}

fn can_inject() -> bool {
    let works = || {
        let mut strace = Command::new("strace");
        strace.args(["-qq", "-o", "/dev/null", "true"]);
        strace.status().is_ok_and(|status| status.success())
    };
    needs::met(&[Need::Program("strace"), Need::That(works(), "strace that may trace")])
}

/// Killed before the renaming: the code is unused. After it: burnt. Never in twice.
#[test]
fn a_host_that_is_killed_leaves_the_code_unused_or_burnt() {
    if !can_inject() {
        return;
    }
    for (fault, left_in) in [
        ("flock,fcntl:signal=SIGKILL:when=1", true),
        ("renameat,?renameat2:error=EINTR:signal=SIGKILL:when=1", true),
        ("fsync:signal=SIGKILL:when=1", false),
    ] {
        let (stage, folder) = stage();
        assert!(with_fault(&stage, fault, CODES[0]).is_none(), "{fault} did not kill");
        assert_eq!(used(&folder), usize::from(!left_in), "{fault}");
        let again = stage.host("timeout=1").sign_in(CODES[0]);
        assert_eq!(again.code() == pam::SUCCESS, left_in, "{fault}");
        let third = stage.host("timeout=1").sign_in(CODES[0]);
        assert_eq!(third.code(), pam::AUTH_ERR, "{fault}");
    }
}

#[test]
fn a_disk_that_does_not_take_the_use_is_a_refusal_with_its_reason() {
    if !can_inject() {
        return;
    }
    for (fault, reason) in [
        ("renameat,?renameat2:error=EROFS", "EROFS"),
        ("renameat,?renameat2:error=ENOSPC", "ENOSPC"),
        ("renameat,?renameat2:error=EIO", "EIO"),
        ("renameat,?renameat2:error=ENOENT", "by somebody else"),
        ("fsync:error=EIO", "EIO"),
    ] {
        let (stage, _) = stage();
        let seen = with_fault(&stage, fault, CODES[0]).unwrap();
        assert_eq!(seen.code(), pam::AUTH_ERR, "{fault}");
        let log = stage.log();
        assert!(log.iter().any(|line| line.contains(reason)), "{fault}: {log:?}");
    }
}

/// What strace cannot change: a file system that is really read-only.
#[test]
fn on_a_read_only_disk_no_code_is_accepted_and_none_is_burnt() {
    let (stage, folder) = stage();
    let seen = stage.host("timeout=1").read_only().sign_in(CODES[0]);
    assert_eq!((seen.code(), used(&folder)), (pam::AUTH_ERR, 0));
    assert!(stage.log().concat().contains("Read-only"), "{:?}", stage.log());
}

type Spoil = (&'static str, &'static str, fn(&Path, &Path));

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Each with what is logged, and what is done to the base folder and to alice's.
const SPOILT: [Spoil; 11] = [
    ("the base is open", "fob-emergency does not belong", |base, _| mode(base, 0o755)),
    ("the base is a link", "is a link or no folder", |base, _| {
        let real = base.with_file_name("real");
        fs::rename(base, &real).unwrap();
        symlink("real", base).unwrap();
    }),
    ("the folder is open", "1000 does not belong", |_, folder| mode(folder, 0o750)),
    ("the folder is a link", "1000 is a link", |base, folder| {
        fs::rename(folder, base.join("1001")).unwrap();
        symlink("1001", folder).unwrap();
    }),
    ("the folder is empty", "the user has none", |_, folder| {
        fs::remove_dir_all(folder).unwrap();
        fs::create_dir(folder).unwrap();
        mode(folder, 0o700);
    }),
    ("the slot is a link", "01 is a link", |_, folder| {
        fs::rename(folder.join("01"), folder.join("real")).unwrap();
        symlink("real", folder.join("01")).unwrap();
    }),
    ("the slot has two names", "01 does not belong", |_, folder| {
        fs::hard_link(folder.join("01"), folder.join("other")).unwrap();
    }),
    ("the slot is readable", "01 does not belong", |_, folder| mode(&folder.join("01"), 0o644)),
    ("the slot is a FIFO", "01 does not belong", |_, folder| {
        fs::remove_file(folder.join("01")).unwrap();
        nix::unistd::mkfifo(&folder.join("01"), nix::sys::stat::Mode::S_IRUSR).unwrap();
    }),
    ("the slot is damaged", "01 is damaged", |_, folder| {
        write(&folder.join("01"), &line("alice", CODES[0]).replace("m=7168", "m=99999999"));
    }),
    ("the slot is endless", "01 is damaged", |_, folder| {
        write(&folder.join("01"), &line("alice", CODES[0]).repeat(100_000));
    }),
];

#[test]
fn files_that_are_not_roots_alone_open_nothing() {
    for (name, reason, spoil) in SPOILT {
        let (stage, folder) = stage();
        spoil(&stage.emergency_folder(), &folder);
        let seen = stage.host("timeout=1").sign_in(CODES[0]);
        assert_eq!(seen.code(), pam::AUTH_ERR, "{name}");
        let log = stage.log();
        assert!(log.iter().any(|line| line.contains(reason)), "{name}: {log:?}");
    }
}

#[test]
fn files_of_another_user_open_nothing() {
    // It needs two uids.
    if !needs::met(&[Need::Root]) {
        return;
    }
    for file in ["", "1000", "1000/01"] {
        let (stage, _) = stage();
        let path = stage.emergency_folder().join(file);
        std::os::unix::fs::chown(path, Some(1000), None).unwrap();
        assert_eq!(stage.host("timeout=1").sign_in(CODES[0]).code(), pam::AUTH_ERR, "{file}");
    }
}

#[test]
fn one_bad_file_does_not_take_the_other_codes_away() {
    let (stage, folder) = stage();
    mode(&folder.join("01"), 0o644);
    assert_eq!(stage.host("timeout=1").sign_in(CODES[9]).code(), pam::SUCCESS);
}

#[test]
fn a_used_code_that_comes_back_from_a_backup_stays_used() {
    let (stage, folder) = stage();
    assert_eq!(stage.host("timeout=1").sign_in(CODES[0]).code(), pam::SUCCESS);
    write(&folder.join("01"), &line("alice", CODES[0]));
    assert_eq!(stage.host("timeout=1").sign_in(CODES[0]).code(), pam::AUTH_ERR);
}
