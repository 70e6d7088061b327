//! A random walk over the interface, as root and as nobody (threats.md D14, D22). Longer by hand,
//! an hour: `FOB_TEST_ROUNDS=1800 cargo test -p fob-tests --test walk -- --nocapture`, in seconds
//! for each of the two.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test and its helpers: a failure here is the test's failure"
)]

use std::{os::unix::process::CommandExt as _, path::Path, process::Command};

use fob_tests::{
    daemon::{Daemon, Ground},
    needs::{self, Need},
    private_bus::PrivateBus,
};

/// Seconds of each walk, and of the one before by which the daemon's tables and caches fill.
const SECONDS: u64 = 3;
/// Most memory that the daemon may hold after it, in KiB: its tables and the database's cache are
/// full only after a longer walk than this.
const MOST: u64 = 128 << 10;
/// Turns after which a longer walk must have come to an end of growing.
const WARM: usize = 20;
/// KiB by which the second half of what follows may hold more than the first.
const FLAT: u64 = 4 << 10;

fn memory(daemon: &Daemon) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn a_random_walk_ends_nothing_and_fills_no_memory() {
    if !needs::met(&[Need::Root, Need::Program("dbus-daemon")]) {
        return;
    }
    let seconds = needs::setting("FOB_TEST_ROUNDS").map_or(SECONDS, |text| text.parse().unwrap());
    let seed = needs::setting("FOB_TEST_SEED").map_or(1, |text| text.parse().unwrap());
    let ground = Ground::new();
    let program = ground.program(Path::new(env!("CARGO_BIN_EXE_fob_call")));
    let bus = PrivateBus::start(ground.path());
    // As its unit sets it: without it each thread that has hashed keeps 19 MiB.
    let environment = [("MALLOC_MMAP_THRESHOLD_", "1048576")];
    let mut daemon = Daemon::start_with(ground.path(), Some(&bus), &environment);
    let walk = |route: String, uid: u32, walk: u64, seconds: u64| {
        let output = Command::new(&program)
            .args([route, format!("walk:{walk}:{seconds}")])
            .uid(uid)
            .gid(uid)
            .current_dir("/")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        println!("as {uid}: {said}");
        assert!(said.contains("InvalidArgument"), "{output:?}");
        // Whatever is asked is answered: no connection ends.
        assert!(!said.contains("Broken") && !said.contains("roke"), "{said}");
    };
    let (peer, on_bus) = (format!("peer={}", daemon.socket().display()), bus.address());
    walk(peer.clone(), 0, seed, SECONDS);
    walk(format!("bus={on_bus}"), 65534, seed + 1, SECONDS);
    let mut held = vec![memory(&daemon)];
    for turn in 0..seconds.div_ceil(SECONDS) {
        walk(peer.clone(), 0, seed + 2 + 2 * turn, SECONDS);
        walk(format!("bus={on_bus}"), 65534, seed + 3 + 2 * turn, SECONDS);
        held.push(memory(&daemon));
        println!("{} KiB", held[held.len() - 1]);
    }
    assert!(daemon.is_running() && daemon.proxy().await.status().await.is_ok());
    assert!(held.iter().all(|held| *held < MOST), "{held:?}");
    if held.len() > WARM {
        // The most of each half: what comes and goes is no leak.
        let (first, second) = held[WARM / 2..].split_at((held.len() - WARM / 2) / 2);
        let [first, second] = [first, second].map(|half| half.iter().max().copied().unwrap());
        assert!(second < first + FLAT, "{first} KiB, later {second}: {held:?}");
    }
}
