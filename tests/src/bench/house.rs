//! A house: all contenders with the same tokens, side by side in one folder.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::{
    clock::Clock,
    fill,
    floors::{Bus, call_bytes},
    host::{Host, INSIDE},
    people::{Person, passwd},
    programs::Programs,
};
use crate::daemon::{Daemon, write_settings};

/// Seconds between the assignment and the first sign-in: none of its codes is in a window.
const SETTLED: i64 = 600;

/// What is measured beside each other.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Contender {
    /// Ours.
    Fob,
    /// `pam_google_authenticator`.
    Google,
    /// `pam_oath`.
    Oath,
    /// `pam_permit`: libpam alone.
    Permit,
}

impl Contender {
    /// All of them, in the order of the tables.
    pub(super) const ALL: [Self; 4] = [Self::Fob, Self::Google, Self::Oath, Self::Permit];
    /// Those that look at codes.
    pub(super) const CHECKING: [Self; 3] = [Self::Fob, Self::Google, Self::Oath];

    /// Returns its name in tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Fob => "Fob",
            Self::Google => "google-authenticator",
            Self::Oath => "pam_oath",
            Self::Permit => "libpam alone (pam_permit)",
        }
    }

    /// Returns the name of its PAM service.
    pub(super) fn service(self) -> &'static str {
        match self {
            Self::Fob => "fob",
            Self::Google => "google",
            Self::Oath => "oath",
            Self::Permit => "permit",
        }
    }

    /// Returns its line in a PAM file, without options besides where its state is.
    fn line(self) -> String {
        match self {
            Self::Fob => format!("{INSIDE}/pam_fob.so"),
            Self::Google => "pam_google_authenticator.so".to_owned(),
            Self::Oath => format!("pam_oath.so usersfile={INSIDE}/users.oath"),
            Self::Permit => "pam_permit.so".to_owned(),
        }
    }
}

/// All contenders with so many tokens each.
pub(super) struct House {
    pub(super) people: Vec<Person>,
    /// Those whose codes are asked about without PAM; nobody in the house of one.
    pub(super) callers: Vec<Person>,
    pub(super) clock: Clock,
    pub(super) host: Host,
    pub(super) daemon: Daemon,
    /// For the bus of the floor.
    _bus: Bus,
    folder: TempDir,
}

impl House {
    /// Sets everything up; fobd runs under a command if there is one.
    pub(super) fn open(programs: &Programs, tokens: usize, under: &[String]) -> Self {
        let folder = programs.folder("house");
        let at = folder.path();
        fs::set_permissions(at, fs::Permissions::from_mode(0o755)).unwrap();
        let clock = Clock::new(at);
        let people = Person::some(tokens);
        let callers = if tokens > 1 { Person::callers() } else { Vec::new() };
        let others = tokens.saturating_sub(people.len() + callers.len());
        let known: Vec<Person> = people.iter().chain(&callers).cloned().collect();
        lay_out(programs, at, &known);
        fill::google(&at.join("home"), &people, others);
        fill::oath(&at.join("users.oath"), &people, others);
        fill::fob(&at.join("fob/state"), others, clock.now());
        write_settings(&at.join("fob/fobd.conf"), fill::SETTINGS);
        let daemon = Daemon::start_by(fobd(programs, at, &clock, under), &at.join("fob"), None);
        fs::hard_link(daemon.socket(), at.join("fobd/bus")).unwrap();
        fill::assign(&daemon, at, &known, clock.now());
        clock.advance(SETTLED);
        let bus = Bus::start(at);
        fs::write(at.join("bus-call"), call_bytes(&bus)).unwrap();
        fs::write(at.join("block"), [0; 4096]).unwrap();
        let mut host = Host::start(at);
        host.ask(&format!("echo {INSIDE}/echo\n"));
        Self { people, callers, clock, host, daemon, _bus: bus, folder }
    }

    /// Returns the house's folder.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns one of the people, in turn.
    pub(super) fn person(&self, turn: usize) -> Person {
        self.people[turn % self.people.len()].clone()
    }

    /// Returns fobd's process id: its sandbox waits in another process.
    pub(super) fn fobd(&self) -> u32 {
        let outer = self.daemon.id();
        let children = fs::read_to_string(format!("/proc/{outer}/task/{outer}/children")).unwrap();
        children.trim().parse().unwrap()
    }

    /// Gives everybody his budget of wrong codes back.
    pub(super) fn forgive(&self) {
        Runtime::new().unwrap().block_on(async {
            let fob = self.daemon.proxy().await;
            for person in &self.people {
                fob.unlock(&person.name, Default::default()).await.unwrap();
            }
        });
    }
}

/// Makes the folders, the PAM files and the users.
fn lay_out(programs: &Programs, at: &Path, people: &[Person]) {
    for name in ["fob", "fobd", "pam.d"] {
        fs::create_dir(at.join(name)).unwrap();
    }
    let copies: [(&PathBuf, &str); 2] =
        [(&programs.module, "pam_fob.so"), (&programs.host, "host")];
    for (from, name) in copies {
        fs::copy(from, at.join(name)).unwrap();
        // The pages of a file that is not on the disk yet count as the process's own.
        fs::File::open(at.join(name)).unwrap().sync_all().unwrap();
    }
    for contender in Contender::ALL {
        let line = format!("auth required {}\n", contender.line());
        fs::write(at.join("pam.d").join(contender.service()), line).unwrap();
    }
    fs::write(at.join("pam.d/other"), "auth required pam_deny.so\n").unwrap();
    fs::write(at.join("passwd"), passwd(people, &format!("{INSIDE}/home"))).unwrap();
}

/// Returns the command that starts fobd where the house's users are known.
fn fobd(programs: &Programs, at: &Path, clock: &Clock, under: &[String]) -> Command {
    let mut command = Command::new("bwrap");
    command.args(["--die-with-parent", "--dev-bind", "/", "/", "--bind"]);
    command.arg(at.join("passwd")).arg("/etc/passwd");
    command.arg("--setenv").arg("LD_PRELOAD").arg(&programs.clock);
    command.arg("--setenv").arg("FOB_BENCH_CLOCK").arg(clock.path());
    command.args(under).arg(&programs.fobd);
    command
}
