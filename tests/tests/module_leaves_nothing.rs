//! The module in its host: nothing stays behind, nothing of the caller's environment counts.
#![allow(clippy::unwrap_used)] // clippy knows only functions marked as tests: helpers are, too

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use fob_tests::emergency::{self, CODES};
use fob_tests::fake_daemon::{Act, prompt, verdict};
use fob_tests::pam_host::{Seen, Stage, built, pam};
use fob_tests::passwords::{self, ALICE};

/// `O_CLOEXEC` of `asm-generic/fcntl.h`.
const O_CLOEXEC: u32 = 0o2_000_000;
/// Sign-ins in one process. The issue asks for a thousand.
const MANY: usize = 1000;

#[track_caller]
fn assert_nothing_left(seen: &Seen) {
    assert_eq!((seen.number("threads"), seen.number("descriptors")), (0, 0), "{seen:?}");
    for unchanged in ["environment", "mask", "folder", "blocked", "handlers", "timer"] {
        assert_eq!(seen.number(unchanged), 1, "{unchanged} changed: {seen:?}");
    }
    assert!(seen.number("kibibytes") < 1024, "memory grew: {seen:?}");
}

#[test]
fn a_thousand_sign_ins_leave_nothing_in_the_host() {
    let stage = Stage::new();
    let _daemon = stage.decider((0..MANY).map(|_| Act::verdict("accept")).collect());
    let host = stage.host("debug").word("user=alice").word("answer=123456");
    let seen = host.word(format!("call-many={MANY}")).run();
    assert_eq!(seen.all("many"), [format!("{} {}", pam::SUCCESS, MANY - 1)]);
    assert_nothing_left(&seen);
}

#[test]
fn sign_ins_without_a_daemon_leave_nothing_in_the_host() {
    let stage = Stage::new();
    let host = stage.host("").word("user=alice").word("answer=123456").word("call-many=50");
    let seen = host.run();
    assert_eq!(seen.all("many"), [format!("{} 49", pam::AUTH_ERR)]);
    assert_nothing_left(&seen);
}

/// The hash of an emergency code needs 7 MiB for a moment, and a lock. Each refusal takes a second.
#[test]
fn emergency_codes_leave_nothing_in_the_host() {
    let stage = Stage::new();
    emergency::lay(&stage.emergency_folder(), "alice", 1000, &CODES);
    let host = stage.host("").word("user=alice").word("answer=aaaa-bbbb-cccc-0011");
    let seen = host.word("call-many=5").run();
    assert_eq!(seen.all("many"), [format!("{} 4", pam::AUTH_ERR)]);
    assert_nothing_left(&seen);
}

/// Each has a PAM transaction of its own for the password.
#[test]
fn sign_ins_by_one_field_leave_nothing_in_the_host() {
    let stage = Stage::new();
    passwords::lay(&stage);
    let _daemon = stage.decider((0..100).map(|_| Act::verdict("accept")).collect());
    let host = stage.host("one_field").word("user=alice");
    let seen = host.word(format!("answer={ALICE}123456")).word("call-many=100").run();
    assert_eq!(seen.all("many"), [format!("{} 99", pam::SUCCESS)]);
    assert_nothing_left(&seen);
}

#[test]
fn sign_ins_at_the_same_time_in_one_process_do_not_meet() {
    let stage = Stage::new();
    let _daemon = stage.daemon((0..16).map(|_| Act::accept_either()).collect());
    let seen = stage.host("").word("user=alice").word("answer=123456").word("call-threads=8").run();
    assert_eq!(seen.all("code"), ["0"; 8]);
}

#[test]
fn a_child_of_the_host_can_sign_in_too() {
    let stage = Stage::new();
    let _daemon = stage.decider(vec![Act::verdict("accept"), Act::verdict("accept")]);
    let host = stage.host("").word("user=alice").word("answer=123456");
    let seen = host.word("call-authenticate").word("call-fork").run();
    assert_eq!(seen.all("child"), ["code 0", "ended 0"]);
}

#[test]
fn loading_and_unloading_a_thousand_times_keeps_the_module_mapped() {
    let stage = Stage::new();
    let seen = stage.host("").word(format!("call-load={}", stage.module().display())).run();
    assert_eq!((seen.number("loaded"), seen.number("stays")), (1000, 1));
}

#[test]
fn a_storm_of_signals_changes_nothing() {
    let stage = Stage::new();
    let _daemon = stage.decider(vec![Act::verdict("accept"), Act::Hang]);
    let seen = stage.host("").word("storm").sign_in("123456");
    assert_eq!(seen.code(), pam::SUCCESS);
    let seen = stage.host("timeout=1").word("storm").sign_in("123456");
    assert_eq!(seen.code(), pam::AUTH_ERR);
    // The question before the prompt has used a little of the second.
    assert!((900..3000).contains(&seen.took().as_millis()), "took {:?}", seen.took());
}

#[test]
fn a_host_without_a_free_descriptor_is_a_refusal() {
    let stage = Stage::new();
    let _daemon = stage.daemon(vec![Act::AnswerAndHangUp(prompt("code"))]);
    let seen = stage.host("").word("starve").sign_in("123456");
    // libpam then cannot write its audit message and answers PAM_SYSTEM_ERR for every module, so
    // the module's refusal is seen in its text.
    assert_ne!(seen.code(), pam::SUCCESS);
    assert_eq!(seen.texts().len(), 1);
}

/// CVE-2018-9275: a program that the host starts meanwhile must not get the connection.
#[test]
fn the_connection_is_not_inherited_by_other_programs() {
    let stage = Stage::new();
    let _daemon = stage.decider(vec![Act::Answer(Box::new(|request| {
        let process = PathBuf::from(format!("/proc/{}", request.pid));
        let ours = sockets(Path::new("/proc/self")); // what the host got from the test
        let its = sockets(&process).into_iter().filter(|(link, _)| !ours.contains_key(link));
        let flags: Vec<u32> = its.map(|(_, number)| flags(&process, &number)).collect();
        assert!(matches!(flags[..], [one] if one & O_CLOEXEC != 0), "{flags:?}");
        verdict("accept", fob_api::VerifyDetails::default())(request)
    }))]);
    assert_eq!(stage.host("").sign_in("123456").code(), pam::SUCCESS);
}

/// Returns a process's sockets and their descriptors' numbers, `proc_pid_fd(5)`.
fn sockets(process: &Path) -> HashMap<PathBuf, OsString> {
    let descriptors = fs::read_dir(process.join("fd")).unwrap().flatten();
    let links = descriptors.filter_map(|d| Some((fs::read_link(d.path()).ok()?, d.file_name())));
    links.filter(|(link, _)| link.to_string_lossy().starts_with("socket:")).collect()
}

/// Returns a descriptor's flags, `proc_pid_fdinfo(5)`.
fn flags(process: &Path, number: &OsStr) -> u32 {
    let text = fs::read_to_string(process.join("fdinfo").join(number)).unwrap();
    let flags = text.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
    u32::from_str_radix(flags.trim(), 8).unwrap()
}

/// The addresses in the environment lead to a socket that would say accept.
#[test]
fn the_environment_of_the_caller_has_no_effect() {
    let stage = Stage::new();
    let daemon = stage.decider(vec![Act::verdict("reject")]);
    let mut host =
        stage.host("").environment("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/run/dbus/evil");
    for (name, value) in [
        ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/run/dbus/evil"),
        ("DBUS_STARTER_ADDRESS", "unix:path=/run/dbus/evil"),
        ("RUST_BACKTRACE", "full"),
        ("RUST_LOG", "trace"),
        ("RUST_MIN_STACK", "1"),
        ("TZ", "../../../../etc/passwd"),
        ("LANG", "xx_XX.%n"),
        ("LD_BIND_NOW", "1"),
        ("HOME", "/nonexistent"),
        ("TMPDIR", "/nonexistent"),
    ] {
        host = host.environment(name, value);
    }
    let seen = host.sign_in("123456");
    assert_eq!((seen.code(), seen.prompts().len()), (pam::AUTH_ERR, 1));
    assert_eq!(daemon.verifies().len(), 1);
}

/// The harness has the code only masked, so whatever is found was left by module or libraries.
#[test]
fn no_code_is_left_in_the_memory_of_the_host() {
    for (script, code) in [
        (vec![Act::verdict("accept")], pam::SUCCESS),
        (vec![Act::verdict("reject")], pam::AUTH_ERR),
        (vec![Act::CloseMidCall], pam::AUTH_ERR),
    ] {
        let stage = Stage::new();
        let _daemon = stage.decider(script);
        let masked: String = "908172".bytes().map(|b| format!("{:02x}", b ^ 0x55)).collect();
        let host = stage.host("debug").word("user=alice").word(format!("secret={masked}"));
        let seen = host.word("call-authenticate").word(format!("call-scan={masked}")).run();
        assert_eq!(seen.code(), code);
        assert_eq!(seen.number("hits"), 0, "{seen:?}");
    }
}

/// What was typed, both halves of it. The end of a long password is looked for, too: an allocator
/// writes over the beginning of what it gets back.
#[test]
fn no_password_and_no_code_of_one_field_is_left_in_the_memory_of_the_host() {
    let long = [40, 100, 200, 400].map(|length| "x".repeat(length - 8) + "itsend-8");
    let wrong = long.iter().map(|password| (password.as_str(), pam::AUTH_ERR));
    for (password, code) in [(ALICE, pam::SUCCESS)].into_iter().chain(wrong) {
        let stage = Stage::new();
        passwords::lay(&stage);
        let _daemon = stage.daemon(match code {
            pam::SUCCESS => vec![Act::prompt("code"), Act::verdict("accept")],
            _ => vec![Act::prompt("code")],
        });
        let mask = |text: &str| -> String {
            text.bytes().map(|byte| format!("{:02x}", byte ^ 0x55)).collect()
        };
        let host = stage.host("one_field debug").word("user=alice");
        let host = host.word(format!("secret={}", mask(&format!("{password}908172"))));
        let host = host.word("call-authenticate");
        let parts = [password, &password[password.len() - 8..], "908172"];
        let host =
            parts.iter().fold(host, |host, part| host.word(format!("call-scan={}", mask(part))));
        let seen = host.run();
        assert_eq!((seen.code(), seen.all("hits")), (code, vec!["0"; 3]), "{seen:?}");
    }
}

#[test]
fn no_emergency_code_is_left_in_the_memory_of_the_host() {
    for (right, code) in [(CODES[0], pam::SUCCESS), (CODES[1], pam::AUTH_ERR)] {
        let stage = Stage::new();
        emergency::lay(&stage.emergency_folder(), "alice", 1000, &[right]);
        let typed = CODES[0].replace('-', "");
        let masked: String = typed.bytes().map(|b| format!("{:02x}", b ^ 0x55)).collect();
        let host = stage.host("debug").word("user=alice").word(format!("secret={masked}"));
        let seen = host.word("call-authenticate").word(format!("call-scan={masked}")).run();
        assert_eq!((seen.code(), seen.number("hits")), (code, 0), "{seen:?}");
    }
}

#[test]
fn a_log_that_is_full_or_shut_changes_nothing() {
    let stage = Stage::new();
    stage.fill_log();
    assert_eq!(stage.host("debug").sign_in("123456").code(), pam::AUTH_ERR);
    stage.silence_log();
    assert_eq!(stage.host("debug").sign_in("123456").code(), pam::AUTH_ERR);
}

#[test]
fn the_module_exports_the_six_functions_of_pam_and_nothing_else() {
    let listed = tool("nm", &["--dynamic", "--defined-only", "--format=posix"]);
    let mut names: Vec<&str> =
        listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "pam_sm_acct_mgmt",
            "pam_sm_authenticate",
            "pam_sm_chauthtok",
            "pam_sm_close_session",
            "pam_sm_open_session",
            "pam_sm_setcred",
        ]
    );
}

#[test]
fn the_module_is_linked_with_the_c_library_and_libpam_only() {
    let dynamic = tool("readelf", &["--dynamic", "--wide"]);
    let needed = dynamic.lines().filter(|line| line.contains("(NEEDED)"));
    for library in needed.filter_map(|line| line.split(['[', ']']).nth(1)) {
        let known = ["libc.so.6", "libpam.so.0"].contains(&library);
        assert!(known || library.starts_with("ld-linux"), "{library} is needed");
    }
}

#[test]
fn the_module_runs_with_the_c_library_of_debian_12() {
    let needed = tool("readelf", &["--version-info", "--wide"]);
    let versions = needed.split("Name: GLIBC_").skip(1).filter_map(|rest| {
        let (major, minor) = rest.split_whitespace().next()?.split_once('.')?;
        // A third number, as in 2.2.5, is only in old ones.
        Some((major.parse::<u32>().ok()?, minor.split('.').next()?.parse::<u32>().ok()?))
    });
    let highest = versions.max().unwrap();
    assert!(((2, 17)..=(2, 36)).contains(&highest), "{highest:?}");
}

#[test]
fn the_module_is_linked_so_that_it_stays_and_cannot_be_redirected() {
    let dynamic = tool("readelf", &["--dynamic", "--wide"]);
    let flags = dynamic.lines().find(|line| line.contains("(FLAGS_1)")).unwrap();
    assert!(flags.contains("NODELETE") && flags.contains("NOW"), "{flags}");
    let segments = tool("readelf", &["--segments", "--wide"]);
    assert!(segments.contains("GNU_RELRO"));
    let stack = segments.lines().find(|line| line.contains("GNU_STACK")).unwrap();
    assert!(!stack.contains("RWE"), "{stack}");
}

#[test]
fn the_module_does_not_call_what_it_must_not() {
    let wanted = tool("nm", &["--dynamic", "--undefined-only", "--format=posix"]);
    let names: Vec<&str> =
        wanted.lines().filter_map(|line| line.split([' ', '@']).next()).collect();
    for banned in [
        "fork",
        "vfork",
        "execve",
        "execvp",
        "system",
        "popen",
        "sigaction",
        "signal",
        "setenv",
        "putenv",
        "unsetenv",
        "clearenv",
        "umask",
        "chdir",
        "setuid",
        "seteuid",
        "setreuid",
        "setresuid",
        "openlog",
        "syslog",
        "mlockall",
        "prctl",
    ] {
        assert!(!names.contains(&banned), "{banned} is called");
    }
}

fn tool(name: &str, words: &[&str]) -> String {
    let output = Command::new(name).args(words).arg(&built().module).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}
