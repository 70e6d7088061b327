//! The program that signs in (`tests/bench/host.c`), in a mount namespace of its own.

use std::{
    fmt::Write as _,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::{fs::PermissionsExt as _, net::UnixDatagram},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    thread,
};

/// Where the folder of a run is inside.
pub(super) const INSIDE: &str = "/run/bench";

/// What came of one sign-in. Times are in nanoseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Span {
    /// PAM's result.
    pub(super) code: i64,
    /// From `pam_start` to the return of `pam_end`.
    pub(super) took: u64,
    /// Of it asleep on purpose.
    pub(super) slept: u64,
    /// CPU time of the host.
    pub(super) cpu: u64,
    /// When it began, on `CLOCK_MONOTONIC`.
    pub(super) from: u64,
    /// When it ended.
    pub(super) to: u64,
}

impl Span {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.strip_prefix("in ")?.split(' ');
        let code = words.next()?.parse().ok()?;
        let mut number = || words.next()?.parse().ok();
        let (took, slept, cpu, from, to) = (number()?, number()?, number()?, number()?, number()?);
        Some(Self { code, took, slept, cpu, from, to })
    }

    /// Returns how long it took without the sleep that holds a refusal back.
    pub(super) fn work(&self) -> u64 {
        self.took.saturating_sub(self.slept)
    }
}

/// What a sign-in changed in its process.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Left {
    pub(super) threads: i64,
    pub(super) descriptors: i64,
    /// Bytes that were allocated and not freed.
    pub(super) bytes: i64,
    /// KiB that no other process can share: written by this one.
    pub(super) own: i64,
    /// KiB of files that no other process has mapped at this moment.
    pub(super) clean: i64,
    /// Bytes for the disk.
    pub(super) written: i64,
}

impl Left {
    pub(super) fn parse(line: &str, word: &str) -> Option<Self> {
        let mut words = line.strip_prefix(word)?.trim().split(' ');
        let mut number = || words.next()?.parse().ok();
        let (threads, descriptors, bytes) = (number()?, number()?, number()?);
        let (own, clean, written) = (number()?, number()?, number()?);
        Some(Self { threads, descriptors, bytes, own, clean, written })
    }
}

/// The running program. It ends when it is dropped.
pub(super) struct Host {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Host {
    /// Starts it. The folder holds `pam.d`, `passwd`, `fobd` for `/run/fobd`, and what PAM files
    /// name.
    pub(super) fn start(folder: &Path) -> Self {
        read_log(&folder.join("log"));
        let mut command = sandbox(folder);
        command.arg(format!("{INSIDE}/host")).arg(format!("{INSIDE}/pam.d"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, input, output }
    }

    /// Gives it a command; returns what it answers.
    pub(super) fn ask(&mut self, command: &str) -> Vec<String> {
        self.input.write_all(command.as_bytes()).unwrap();
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the host ended: {command}");
            match line.trim_end() {
                "done" => return lines,
                line => lines.push(line.to_owned()),
            }
        }
    }

    /// Signs in once, in a fresh process.
    pub(super) fn one(&mut self, service: &str, user: &str, code: &str) -> Span {
        self.ask_span(&format!("one {service} {user} {code}\n"))
    }

    /// Gives it a command that is one measurement.
    pub(super) fn ask_span(&mut self, command: &str) -> Span {
        let spans = spans(&self.ask(command));
        assert_eq!(spans.len(), 1, "no result: {command}");
        spans[0]
    }

    /// Signs in from so many fresh processes at one moment.
    pub(super) fn burst(&mut self, service: &str, who: &[(&str, String)]) -> Vec<Span> {
        spans(&self.ask(&many("burst", service, who)))
    }

    /// Signs in so many times in one process.
    pub(super) fn same(&mut self, service: &str, who: &[(&str, String)]) -> Vec<Span> {
        spans(&self.ask(&many("same", service, who)))
    }

    /// Returns what is left by signing in so many times in one process, after the first time.
    pub(super) fn leak(&mut self, service: &str, who: &[(&str, String)]) -> Left {
        let lines = self.ask(&many("leak", service, who));
        // google-authenticator refuses some of them without the cache; what stays, stays.
        assert_eq!(spans(&lines).len(), who.len(), "{service} ended its host");
        lines.iter().find_map(|line| Left::parse(line, "left")).unwrap()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn many(word: &str, service: &str, who: &[(&str, String)]) -> String {
    let mut command = format!("{word} {} {service}\n", who.len());
    for (user, code) in who {
        let _ = writeln!(command, "{user} {code}");
    }
    command
}

fn spans(lines: &[String]) -> Vec<Span> {
    lines.iter().filter_map(|line| Span::parse(line)).collect()
}

/// Returns a command that runs its arguments as root where the folder is [`INSIDE`], the users are
/// the folder's, and the daemon's socket and the log are its, too.
pub(super) fn sandbox(folder: &Path) -> Command {
    let mut command = Command::new("bwrap");
    command.args(["--die-with-parent", "--bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]);
    command.args(["--tmpfs", "/run", "--bind"]).arg(folder).arg(INSIDE);
    let places = [("fobd", "/run/fobd"), ("log", "/dev/log"), ("passwd", "/etc/passwd")];
    for (from, to) in places {
        command.arg("--bind").arg(folder.join(from)).arg(to);
    }
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.env("FOB_BENCH_CLOCK", format!("{INSIDE}/clock"));
    command
}

/// Takes what is logged, as a journal would, so that no contender waits for a full socket.
fn read_log(path: &Path) {
    let log = UnixDatagram::bind(path).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
    let read = move || {
        let mut line = [0; 4096];
        while log.recv(&mut line).is_ok() {}
    };
    // It ends with the program.
    thread::Builder::new().name("log".to_owned()).spawn(read).map(drop).unwrap();
}
