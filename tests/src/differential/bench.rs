//! A scenario's bench: one module, its people with their tokens, a clock, and the host that asks.

use std::{
    ffi::OsString,
    fs,
    os::unix::fs::{PermissionsExt as _, chown, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use tokio::runtime::Runtime;

use super::{
    cell::{Cell, Fault, Got, Must},
    clock::FakeClock,
    log::Log,
    module::{Module, Moving, Options, Shape},
};
use crate::{
    daemon::{Daemon, write_settings},
    needs,
    pam_host::Stage,
    soft_token::SoftToken,
};

/// The users of every bench, with their uids: `alicia` is another name of alice's, `plain` has no
/// token, `mallory` is a user with a shell who wants in.
pub const USERS: [(&str, u32); 13] = [
    ("root", 0),
    ("alice", 1000),
    ("alicia", 1000),
    ("bob", 1001),
    ("u1", 1011),
    ("u2", 1012),
    ("u3", 1013),
    ("u4", 1014),
    ("u5", 1015),
    ("u6", 1016),
    ("plain", 1050),
    ("mallory", 1099),
    ("nobody", 65_534),
];
/// Seconds between the enrolment and the scenario: none of its codes is in a window any more.
const SETTLED: i64 = 600;
/// A bound on everything that a host does.
const PATIENCE: &str = "20";

/// Where the state lies.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Room {
    /// In an ordinary folder.
    #[default]
    Folder,
    /// On a file system of its own, of 16 MiB.
    Small,
}

/// What a scenario begins with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Everybody's token.
    pub shape: Shape,
    /// Who has one.
    pub people: &'static [&'static str],
    /// The module's options.
    pub options: Options,
    /// Where the state lies.
    pub room: Room,
}

impl Default for Setup {
    fn default() -> Self {
        let (shape, options) = (Shape::default(), Options::default());
        Self { shape, people: &["alice"], options, room: Room::Folder }
    }
}

/// What a host printed.
#[derive(Debug)]
pub struct Seen {
    /// Its standard output, by lines.
    pub lines: Vec<String>,
    /// Its standard error.
    pub errors: String,
    /// Whether it was killed or held up.
    pub died: bool,
}

impl Seen {
    /// Returns how each sign-in ended.
    pub fn gots(&self) -> Vec<Got> {
        let codes = self.lines.iter().filter_map(|line| line.strip_prefix("code "));
        codes.map(|code| Got::of(code.parse().unwrap_or(-1))).collect()
    }

    /// Returns how the only sign-in ended.
    pub fn got(&self) -> Got {
        if self.died { Got::Died } else { self.gots().first().copied().unwrap_or(Got::Died) }
    }

    /// Tells whether a prompt held this.
    pub fn asked(&self, part: &str) -> bool {
        self.lines.iter().any(|line| line.starts_with("prompt ") && line.contains(part))
    }

    /// Returns the number behind a word.
    pub fn number(&self, word: &str) -> Option<i64> {
        let found = self.lines.iter().find_map(|line| line.strip_prefix(word));
        found.and_then(|rest| rest.trim().parse().ok())
    }
}

/// One module at work.
pub struct Bench {
    /// Which.
    pub module: Module,
    /// Where it stands.
    pub stage: Stage,
    /// Its clock.
    pub clock: FakeClock,
    /// The log that modules write to.
    pub log: Log,
    /// What it did so far.
    pub cell: Cell,
    /// From where the next sign-ins come; the console if from nowhere.
    pub from: Option<&'static str>,
    setup: Setup,
    tokens: Vec<SoftToken>,
    daemon: Option<Daemon>,
}

impl Bench {
    /// Sets a module up.
    ///
    /// # Errors
    ///
    /// The reason if it cannot hold such tokens.
    pub fn open(module: Module, setup: Setup) -> Result<Self, &'static str> {
        if let Some(reason) = module.lacks(setup.shape) {
            return Err(reason);
        }
        let stage = Stage::new();
        let (clock, log) = (FakeClock::new(stage.folder()), Log::read(stage.folder()));
        let tokens = setup.people.iter().map(|user| setup.shape.token(user)).collect();
        let (cell, daemon) = (Cell::default(), None);
        let mut bench = Self { module, stage, clock, log, cell, from: None, setup, tokens, daemon };
        fs::write(bench.folder().join("passwd"), passwd(bench.folder())).unwrap();
        let state = module.state(bench.folder());
        fs::create_dir(&state).unwrap();
        if bench.setup.room == Room::Small {
            bench.make_small();
        }
        bench.options(bench.setup.options);
        bench.enrol();
        bench.clock.advance(SETTLED);
        Ok(bench)
    }

    /// Returns the folder in which everything lies.
    pub fn folder(&self) -> &Path {
        self.stage.folder()
    }

    /// Returns the module's most precious file.
    pub fn file(&self) -> PathBuf {
        self.module.file(self.folder(), "alice")
    }

    /// Returns the folder of the module's state.
    pub fn state(&self) -> PathBuf {
        self.module.state(self.folder())
    }

    /// Returns where the small file system is.
    pub fn room(&self) -> PathBuf {
        self.module.room(self.folder())
    }

    fn make_small(&self) {
        let room = self.room();
        fs::create_dir_all(&room).unwrap();
        let mode = if self.module == Module::Fob { "700" } else { "755" };
        mount(&["-t", "tmpfs", "-o", &format!("size=16m,mode={mode}"), "tmpfs"], &room);
        if self.module == Module::Fob {
            let state = format!("--state={}", room.display());
            let made = Command::new(needs::built("fobd")).args(["--initialize", &state]).status();
            assert!(made.unwrap().success(), "fobd did not set {state} up");
        }
    }

    /// Writes the PAM file with these options: the module's result is the host's, and only after
    /// `PAM_IGNORE` the neighbour is asked.
    pub fn options(&self, options: Options) {
        let words = self.module.words(self.folder(), &options);
        let neighbour = self.folder().join("pam_neighbour.so");
        let kinds = ["auth", "account"].map(|kind| {
            format!(
                "{kind} [success=done ignore=ignore default=die] {words}\n\
                 {kind} required {}\n",
                neighbour.display()
            )
        });
        let folder = self.folder().join("pam.d");
        fs::write(folder.join("probe"), kinds.concat()).unwrap();
        fs::write(folder.join("other"), "auth required pam_deny.so\n").unwrap();
    }

    fn enrol(&mut self) {
        let shape = self.setup.shape;
        let people: Vec<_> = self.setup.people.iter().zip(&self.tokens).collect();
        match self.module {
            Module::Google => {
                for (user, uid) in USERS {
                    let home = self.folder().join("home").join(user);
                    fs::create_dir(&home).unwrap();
                    chown(&home, Some(uid), Some(uid)).unwrap();
                }
                for (user, token) in people {
                    let file = self.module.file(self.folder(), user);
                    lay(&file, &shape.google_file(token), uid_of(user), 0o400);
                }
            }
            Module::Oath => {
                let lines = people.iter().map(|(user, token)| shape.oath_line(user, token));
                lay(&self.file(), &lines.collect::<String>(), 0, 0o600);
            }
            Module::Fob => {
                // Nobody tells this daemon whether the clock is right; the administrator does.
                write_settings(&self.state().join("fobd.conf"), "clock = \"trusted\"\n");
                assert!(self.start(), "fobd does not start");
                self.assign();
            }
        }
    }

    /// Imports the tokens and gives them to their people.
    fn assign(&self) {
        let daemon = self.daemon.as_ref().unwrap();
        let now = self.clock.true_time();
        Runtime::new().unwrap().block_on(async {
            let fob = daemon.proxy().await;
            for (user, token) in self.setup.people.iter().zip(&self.tokens) {
                let path = self.folder().join("seeds");
                fs::write(&path, token.pskc_file()).unwrap();
                let file = fs::File::open(&path).unwrap();
                fob.import((&file).into(), "pskc", Default::default()).await.unwrap();
                let pair = token.clone().show_pair(now);
                let pair = pair.each_ref().map(String::as_str);
                fob.assign(user, token.serial(), &pair, Default::default()).await.unwrap();
            }
        });
    }

    /// Starts Fob's daemon; tells whether it serves. The peers have none.
    pub fn start(&mut self) -> bool {
        if self.module != Module::Fob {
            return true;
        }
        let mut command = Command::new(needs::built("fobd"));
        self.clock.govern(&mut command);
        // As systemd has it: it stays while the host is up.
        let runtime = self.folder().join("last");
        fs::create_dir_all(&runtime).unwrap();
        command.env("RUNTIME_DIRECTORY", runtime);
        let state = self.state();
        let daemon = Daemon::launch(command, &state, None);
        let serves = daemon.serves();
        if serves {
            // Not moved there: the state may be on a file system of its own.
            let _ = fs::remove_file(self.stage.daemon_socket());
            symlink(state.join("peer"), self.stage.daemon_socket()).unwrap();
        }
        self.daemon = Some(daemon);
        serves
    }

    /// Stops Fob's daemon, as a shutdown does.
    pub fn stop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.stop();
        }
    }

    /// Kills Fob's daemon, as a power cut does.
    pub fn kill(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            daemon.kill();
        }
    }

    /// Returns what Fob's daemon has logged.
    pub fn daemon_log(&self) -> Vec<String> {
        self.daemon.as_ref().map(Daemon::log).unwrap_or_default()
    }

    /// Returns alice's code of so many steps (or counters) from now.
    pub fn code(&self, after: i64) -> String {
        self.code_of("alice", after)
    }

    /// Returns a user's code of so many steps (or counters) from now.
    pub fn code_of(&self, user: &str, after: i64) -> String {
        let at = self.setup.people.iter().position(|name| *name == user).unwrap();
        let token = &self.tokens[at];
        token.code_of(self.step().saturating_add_signed(after))
    }

    /// Returns alice's step now; the first unused counter of a button.
    pub fn step(&self) -> u64 {
        match self.setup.shape.moving {
            Moving::Clock => self.tokens[0].step_at(self.clock.true_time()),
            Moving::Button => Shape::FIRST_COUNTER,
        }
    }

    /// Returns so many wrong codes, each another one.
    pub fn wrong(&self, count: usize) -> Vec<String> {
        self.tokens[0].wrong_codes(self.step(), 1000).take(count).collect()
    }

    /// Runs a host with these words of the harness.
    pub fn host(&self, words: &[String]) -> Seen {
        self.host_under(&[], words)
    }

    /// Runs a host under another program.
    pub fn host_under(&self, program: &[&str], words: &[String]) -> Seen {
        let mut command = self.stage.inside();
        self.clock.govern(&mut command);
        command.args(["timeout", "-s", "KILL", PATIENCE]).args(program);
        command.arg(self.stage.harness()).arg(self.folder().join("pam.d")).arg("probe");
        if let Some(host) = self.from {
            command.arg(format!("rhost={host}"));
        }
        let output = command.args(words.iter().map(OsString::from)).output().unwrap();
        let lines = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        Seen { lines, errors, died: !output.status.success() }
    }

    /// Signs in once.
    pub fn sign_in(&self, user: &str, answer: &str) -> Seen {
        let words = [format!("user={user}"), format!("answer={answer}"), CALL.to_owned()];
        self.host(&words)
    }

    /// Signs in once, and counts it.
    pub fn tries(&mut self, must: Must, user: &str, answer: &str) -> Got {
        let got = self.sign_in(user, answer).got();
        self.cell.count(must, got);
        got
    }

    /// alice's sign-in with this answer must succeed.
    pub fn accepts(&mut self, answer: &str) {
        self.tries(Must::Accept, "alice", answer);
    }

    /// Nobody gets in as alice with this answer.
    pub fn refuses(&mut self, answer: &str) {
        self.tries(Must::Refuse, "alice", answer);
    }

    /// Signs in from so many processes at one moment; users and answers in turn.
    pub fn at_once(&self, count: usize, users: &[&str], answers: &[String]) -> Vec<Got> {
        let users = users.iter().map(|user| format!("also={user}"));
        let answers = answers.iter().map(|answer| format!("answer={answer}"));
        let words: Vec<String> =
            users.chain(answers).chain([format!("call-at-once={count}")]).collect();
        let mut gots = self.host(&words).gots();
        gots.resize(count, Got::Died);
        gots
    }

    /// The owner follows the prompts, one try a step: he must be in within two minutes.
    pub fn owner_gets_in(&mut self) {
        let mut pair = false;
        for _ in 0..5 {
            let now = self.code(0);
            let answer = if pair { format!("{} {now}", self.code(-1)) } else { now };
            let seen = self.sign_in("alice", &answer);
            if seen.got() == Got::Accepted {
                return self.cell.count(Must::Accept, Got::Accepted);
            }
            pair = seen.asked("Two codes");
            self.clock.advance(30);
        }
        self.cell.count(Must::Accept, Got::Refused);
    }

    /// Changes the drift of alice's token: seconds that its clock is ahead.
    pub fn drift(&mut self, seconds: i64) {
        self.tokens[0].set_drift(seconds);
    }

    /// Returns alice's seed.
    pub fn seed(&self) -> &[u8] {
        self.tokens[0].seed()
    }

    /// Notes a fault if there is one.
    pub fn blame_if(&mut self, found: Option<Fault>) {
        if let Some(fault) = found {
            self.cell.blame(fault);
        }
    }
}

/// The harness's word for one sign-in.
pub const CALL: &str = "call-authenticate";

impl Drop for Bench {
    fn drop(&mut self) {
        self.kill();
        if self.setup.room == Room::Small {
            let _ = Command::new("umount").arg("-l").arg(self.room()).status();
        }
    }
}

/// Mounts at a place.
pub fn mount(words: &[&str], at: &Path) {
    let status = Command::new("mount").args(words).arg(at).status();
    assert!(status.unwrap().success(), "mount {words:?} failed");
}

/// Writes a file of this owner and mode.
pub fn lay(path: &Path, text: &str, uid: u32, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    chown(path, Some(uid), Some(uid)).unwrap();
}

/// Returns the uid of one of [`USERS`].
pub fn uid_of(user: &str) -> u32 {
    USERS.iter().find(|(name, _)| *name == user).unwrap().1
}

/// Returns the users' file, with homes below a folder.
pub fn passwd(folder: &Path) -> String {
    let line = |(name, uid): &(&str, u32)| {
        format!("{name}:x:{uid}:{uid}::{}/home/{name}:/bin/sh\n", folder.display())
    };
    USERS.iter().map(line).collect()
}
