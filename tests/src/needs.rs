//! What a test needs of the machine that it runs on: root, programs, the built binaries.
//!
//! A person without them is told what was left out; with `CI=true` nothing is left out.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "the helpers of tests: a failure here is the test's failure"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use nix::unistd::Uid;

/// Something that not every machine has.
#[derive(Clone, Copy, Debug)]
pub enum Need {
    /// A program in one of the usual folders.
    Program(&'static str),
    /// Uid 0, to start programs as somebody else.
    Root,
    /// Anything else: whether it is there, and what it is called.
    That(bool, &'static str),
}

/// Tells whether the machine has everything; says what is missing if not.
///
/// # Panics
///
/// With `CI=true` if something is missing.
#[must_use]
#[track_caller]
pub fn met(needs: &[Need]) -> bool {
    let missing: Vec<String> = needs.iter().filter_map(|need| missing(*need)).collect();
    if missing.is_empty() {
        return true;
    }
    let missing = missing.join(", ");
    assert!(setting("CI").as_deref() != Some("true"), "this test needs {missing}");
    println!("skipped: needs {missing}");
    false
}

fn missing(need: Need) -> Option<String> {
    match need {
        Need::Program(name) => {
            let folders = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin"];
            let found = folders
                .iter()
                .any(|folder| fs::exists(format!("{folder}/{name}")).unwrap_or(false));
            (!found).then(|| format!("the program {name}"))
        }
        Need::Root => (!Uid::effective().is_root()).then(|| "to be run as root".to_owned()),
        Need::That(there, name) => (!there).then(|| name.to_owned()),
    }
}

/// Returns an environment variable. Tests have three of them: `CI`, `FOB_TEST_SEED` (the seed of
/// the random numbers) and `FOB_TEST_ROUNDS` (more rounds than usual).
#[must_use]
#[allow(clippy::disallowed_methods, reason = "the one place where tests are told something")]
pub fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Returns the path of a built file: `fobd`, `fobctl`, `libpam_fob.so`. The newest of this test's
/// own profile and of the release build.
///
/// # Panics
///
/// If it was not built.
#[must_use]
#[track_caller]
pub fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this test's path");
    // TARGET/PROFILE/deps/TEST, or TARGET/PROFILE/PROGRAM
    let folder = test.parent().expect("the test is in a target folder");
    let profile = if folder.ends_with("deps") { folder.parent() } else { Some(folder) };
    let profile = profile.expect("the test is in a target folder");
    let release = profile.with_file_name("release");
    let age = |path: &PathBuf| fs::metadata(path).and_then(|meta| meta.modified()).ok();
    [profile, &release]
        .into_iter()
        .map(|folder| folder.join(name))
        .filter(|path| path.is_file())
        .max_by_key(|path| age(path).unwrap_or(SystemTime::UNIX_EPOCH))
        .unwrap_or_else(|| {
            panic!(
                "{} is missing: run ./tests/run, or `cargo build -p fobd -p fobctl` and then \
                 `cargo build -p pam-fob`, first",
                profile.join(name).display()
            )
        })
}

/// Copies a program to where everybody may run it.
///
/// # Panics
///
/// If that fails.
#[track_caller]
pub fn install(from: &Path, to: &Path) {
    // By a process of its own: a child that another test starts meanwhile would have our descriptor
    // for a moment, and what somebody may write to cannot be run (execve(2), ETXTBSY).
    let copied = Command::new("install").arg("--mode=755").args([from, to]).status();
    assert!(copied.is_ok_and(|status| status.success()), "no copy of {}", from.display());
}
