//! Where a storm takes place: a filled state folder, fobd on it, people whom the host knows.

use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::fs::MetadataExt as _,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use fobd::record::Owner;

use super::Plan;
use crate::{
    conformance::Failure,
    daemon::{Daemon, Ground},
    faults::failed,
    fill::{Counts, Filling, fill},
    needs,
};

/// People who can sign in. The user database is read for each sign-in, so there are no more than a
/// host may have.
pub(super) const PEOPLE: u32 = 65;
/// The uid of the first.
const FIRST: u32 = 20_000;
/// What a sync takes longer on the slow disk, in microseconds.
const SLOW: u32 = 5_000;

/// How fast the disk is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Pace {
    /// As it is.
    AsItIs,
    /// Each sync takes 5 ms more.
    Slow,
}

/// fobd, and who signs in there.
pub(super) struct Hall {
    pub(super) daemon: Daemon,
    /// How long it took from its start until it was ready.
    pub(super) ready: Duration,
    filling: Filling,
    ground: Ground,
    pace: Pace,
}

/// How fobd ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// It is asked to (SIGTERM).
    Asked,
    /// It is killed (SIGKILL).
    Killed,
}

impl Hall {
    /// Fills a folder and starts fobd on it.
    pub(super) fn open(plan: &Plan, pace: Pace) -> Result<Self, Failure> {
        let ground = Ground::new();
        let owners = Arc::new((0..PEOPLE).map(person).collect());
        let count = plan.tokens.max(PEOPLE);
        let filling = Filling { count, counts: Counts::Button, owners };
        fill(&ground.path().join("state"), &filling).map_err(failed)?;
        let (daemon, ready) = start(&ground, pace);
        Ok(Self { daemon, ready, filling, ground, pace })
    }

    /// Ends fobd and starts it again.
    pub(super) fn restart(&mut self, end: End) {
        match end {
            End::Asked => self.daemon.stop(),
            End::Killed => self.daemon.kill(),
        };
        (self.daemon, self.ready) = start(&self.ground, self.pace);
    }

    /// Waits until fobd has checked all of its database: the anchor says that it is open then, and
    /// nothing else (`store/sled/anchor/form.rs`: the byte behind form, house, generation and sum).
    pub(super) fn wait_until_checked(&self) {
        const CLOSE: usize = 1 + 16 + 8 + 32;
        let anchor = self.ground.path().join("state/tokens/anchor");
        while fs::read(&anchor).is_ok_and(|bytes| bytes.get(CLOSE) != Some(&0)) {
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Returns the bytes that the database takes on the disk.
    pub(super) fn size(&self) -> u64 {
        let entries = fs::read_dir(self.ground.path().join("state/tokens"));
        let sizes = entries.into_iter().flatten().flatten().flat_map(|entry| entry.metadata());
        sizes.map(|facts| facts.blocks() * 512).sum()
    }

    /// Returns the name of a person.
    pub(super) fn name(&self, number: u32) -> String {
        self.filling.owner(number).name
    }

    /// Returns a code of a person's token. The first that is good has the counter 2.
    pub(super) fn code(&self, number: u32, counter: u64) -> String {
        self.filling.token(number).code_of(counter)
    }

    /// Returns a line of proc_pid_status(5), in MiB: `VmRSS`, the memory that the daemon holds, or
    /// `VmHWM`, the most that it ever held.
    pub(super) fn memory(&self, name: &str) -> u64 {
        let path = format!("/proc/{}/status", self.daemon.id());
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        let number = line.trim_start_matches(':').trim().trim_end_matches(" kB");
        number.parse().unwrap_or(0) >> 10
    }
}

fn start(ground: &Ground, pace: Pace) -> (Daemon, Duration) {
    let fobd = needs::built("fobd");
    let command = match pace {
        Pace::AsItIs => Command::new(fobd),
        Pace::Slow => {
            let mut strace = Command::new("strace");
            let slow = format!("inject=fdatasync,fsync:delay_exit={SLOW}");
            // -D: what is started is fobd, and not strace, so that it is fobd that is measured and ended.
            strace.args(["-D", "-f", "--seccomp-bpf", "-qqq", "-o", "/dev/null"]);
            strace.args(["-e", "trace=fdatasync,fsync", "-e", &slow]).arg(fobd);
            strace
        }
    };
    let begun = Instant::now();
    let daemon = Daemon::start_by(command, ground.path(), Some(Stdio::null()));
    (daemon, begun.elapsed())
}

fn person(number: u32) -> Owner {
    Owner { uid: FIRST + number, name: format!("storm{number}") }
}

/// Writes the host's users and the people of a storm into a file in the form of passwd(5).
///
/// # Errors
///
/// One of the two cannot be read or written.
pub fn users(path: &Path) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    for Owner { uid, name } in (0..PEOPLE).map(person) {
        writeln!(file, "{name}:x:{uid}:{uid}::/nonexistent:/usr/sbin/nologin")?;
    }
    file.write_all(&fs::read("/etc/passwd")?)
}
