//! A store whose process is killed at any moment.
//!
//! Honest limits: kill -9 leaves the kernel's page cache alone, so this is about half-done work
//! of our own, not about power cuts.
#![allow(clippy::unwrap_used, reason = "the helpers of a test fail it by a panic")]

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::mpsc::{RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use fob_tests::crash::Line;
use fobd::store::sled::SledStore;

/// Kills; each finds the worker somewhere else.
const KILLS: u64 = 110;
/// Most commits that a worker is given time for before its last moments.
const COMMITS: u64 = 48;
/// The longest last moments in µs: about a large commit.
const LONGEST: u64 = 60_000;
/// What a worker on a busy machine needs for a commit, with a lot to spare.
const HANGS: Duration = Duration::from_secs(60);

/// What a worker does before its last moments.
#[derive(Clone, Copy)]
enum Until {
    Commits(u64),
    Large,
}

#[tokio::test]
async fn what_was_acknowledged_survives_kills_at_any_moment_and_no_commit_is_halved() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    let mut acknowledged = BTreeMap::<Line, u64>::new();
    let log = || fs::read(dir.join("redo")).unwrap_or_default();
    let mut logged = 0;
    for kill in 0..KILLS {
        let before = log();
        let until = if kill % 4 == 3 { Until::Large } else { Until::Commits(kill * 7 % COMMITS) };
        // Moments that spread and do not repeat: multiples of the golden ratio.
        let last = Duration::from_micros((kill * 0x9E37_79B9) % LONGEST);
        acknowledged.extend(run_and_kill(&dir, until, last));
        logged += u64::from(log() != before);
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
    assert!(acknowledged.values().all(|number| *number > 20), "{acknowledged:?}");
    assert!(logged > KILLS / 2, "sign-ins went through the log in {logged} of {KILLS}");
}

/// Starts a worker, kills it after a while and returns what it said was done, in its order.
fn run_and_kill(dir: &Path, until: Until, last: Duration) -> Vec<(Line, u64)> {
    let mut worker = Command::new(env!("CARGO_BIN_EXE_store-worker"))
        .arg(dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(worker.stdout.take().unwrap());
    let (tell, told) = channel();
    let reader = move || {
        // A line is one write of less than PIPE_BUF bytes, so a kill cuts none (pipe(7)).
        for done in output.lines().map_while(Result::ok).filter_map(|line| Line::parse(&line)) {
            tell.send(done).unwrap();
        }
    };
    let reader = thread::Builder::new().spawn(reader).unwrap();
    let mut done = Vec::new();
    while match until {
        Until::Commits(commits) => (done.len() as u64) < commits,
        Until::Large => !done.iter().any(|(line, _)| *line == Line::Large),
    } {
        done.push(told.recv_timeout(HANGS).unwrap());
    }
    // A wait without an event: the moment is the point.
    let (never, time) = channel::<()>();
    assert_eq!(time.recv_timeout(last), Err(RecvTimeoutError::Timeout));
    drop(never);
    assert_eq!(worker.try_wait().unwrap(), None, "the worker ended by itself");
    worker.kill().unwrap();
    worker.wait().unwrap();
    reader.join().unwrap();
    done.extend(told.try_iter());
    done
}
