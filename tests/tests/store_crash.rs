//! A store whose process is killed at any moment.
//!
//! Honest limits: kill -9 leaves the kernel's page cache alone, so this is about half-done work
//! of our own, not about power cuts.
#![allow(clippy::unwrap_used, reason = "the helpers of a test fail it by a panic")]

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use fob_tests::crash::Line;
use fobd::store::sled::SledStore;

/// Kills; the issue of the store asks for at least 100.
const KILLS: u64 = 110;
/// The longest life of a worker in µs: opening and a large commit take about 100 ms each.
const LONGEST: u64 = 350_000;

#[tokio::test]
async fn what_was_acknowledged_survives_kills_at_any_moment_and_no_commit_is_halved() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    let mut acknowledged = BTreeMap::<Line, u64>::new();
    for kill in 0..KILLS {
        // A spread of moments that does not repeat: multiples of the golden ratio.
        let life = (kill * 0x9E37_79B9) % LONGEST;
        acknowledged.extend(run_and_kill(&dir, Duration::from_micros(life)));
        let store = SledStore::open(&dir).unwrap();
        for line in Line::ALL {
            let found = line.number(&store).await.unwrap();
            let safe = acknowledged.get(&line).copied().unwrap_or_default();
            assert!(found >= safe, "kill {kill}: {line} {safe} was acknowledged, {found} is there");
            assert!(found <= safe + 1, "kill {kill}: {line} {found} is there, {safe} was the last");
            acknowledged.insert(line, found);
        }
    }
    // Else the kills came before there was anything to lose.
    assert!(acknowledged.values().all(|number| *number > 5), "{acknowledged:?}");
}

/// Starts a worker, kills it after a while and returns what it said was done, in its order.
fn run_and_kill(dir: &Path, life: Duration) -> Vec<(Line, u64)> {
    let mut worker = Command::new(env!("CARGO_BIN_EXE_store-worker"))
        .arg(dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(worker.stdout.take().unwrap());
    let (tell, told) = channel();
    let reader = thread::Builder::new().spawn(move || {
        let lines = output.lines().map_while(Result::ok);
        let done: Vec<_> = lines.map(|line| Line::parse(&line)).collect();
        drop(tell);
        done
    });
    // The end of its output before its time is up would be a worker that failed by itself.
    let early = told.recv_timeout(life) != Err::<(), _>(RecvTimeoutError::Timeout);
    worker.kill().unwrap();
    worker.wait().unwrap();
    assert!(!early, "the worker ended before it was killed");
    let done = reader.unwrap().join().unwrap();
    // A kill may cut the last line short, so that it is none or a smaller number: harmless.
    done.into_iter().flatten().collect()
}
