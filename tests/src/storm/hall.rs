//! Where a storm takes place: a filled state folder, fobd on it, people whom the host knows.

use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
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
    filling: Filling,
    _ground: Ground,
}

impl Hall {
    /// Fills a folder and starts fobd on it.
    pub(super) fn open(plan: &Plan, pace: Pace) -> Result<Self, Failure> {
        let ground = Ground::new();
        let owners = Arc::new((0..PEOPLE).map(person).collect());
        let count = plan.tokens.max(PEOPLE);
        let filling = Filling { count, counts: Counts::Button, owners };
        fill(&ground.path().join("state"), &filling).map_err(failed)?;
        let fobd = needs::built("fobd");
        let command = match pace {
            Pace::AsItIs => Command::new(fobd),
            Pace::Slow => {
                let mut strace = Command::new("strace");
                let slow = format!("inject=fdatasync,fsync:delay_exit={SLOW}");
                strace.args(["-f", "--seccomp-bpf", "-qqq", "-o", "/dev/null"]);
                strace.args(["-e", "trace=fdatasync,fsync", "-e", &slow]).arg(fobd);
                strace
            }
        };
        let daemon = Daemon::start_by(command, ground.path(), Some(Stdio::null()));
        Ok(Self { daemon, filling, _ground: ground })
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
