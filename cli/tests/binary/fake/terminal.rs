//! fobctl at a real pseudo-terminal, with somebody who types.

use std::{
    fs::File,
    io::{Read, Write},
    mem,
    os::fd::AsFd,
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    pty::openpty,
};

use super::Ended;

/// Longest silence of the program before the test fails; a hang, not a slow machine.
const SILENCE: Duration = Duration::from_secs(20);

/// A terminal for standard input and standard error; standard output is a pipe.
pub(crate) struct Terminal {
    master: File,
    child: Child,
    /// Everything that the terminal has shown, the echo of what was typed included.
    seen: String,
    /// The beginning of a character that was read in two pieces.
    rest: Vec<u8>,
    /// How much of it `shows` has looked at.
    read: usize,
}

impl Terminal {
    pub(crate) fn start(mut command: Command) -> Self {
        let pty = openpty(None, None).unwrap();
        command.stdin(Stdio::from(pty.slave.try_clone().unwrap()));
        command.stderr(Stdio::from(pty.slave));
        Self::of(File::from(pty.master), command.stdout(Stdio::piped()))
    }

    /// Starts it with the terminal as its standard output, too.
    pub(crate) fn on_output(mut command: Command) -> Self {
        let pty = openpty(None, None).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::from(pty.slave.try_clone().unwrap()));
        Self::of(File::from(pty.master), command.stderr(Stdio::from(pty.slave)))
    }

    fn of(master: File, command: &mut Command) -> Self {
        let child = command.spawn().unwrap();
        Self { master, child, seen: String::new(), rest: Vec::new(), read: 0 }
    }

    /// Waits until the terminal shows this, after what it was last asked for.
    #[track_caller]
    pub(crate) fn shows(&mut self, text: &str) {
        loop {
            if let Some(at) = self.seen[self.read..].find(text) {
                self.read += at + text.len();
                return;
            }
            let more = self.hear();
            assert!(more, "the terminal never shows {text:?}, but:\n{}", self.seen);
        }
    }

    pub(crate) fn types(&mut self, line: &str) {
        self.master.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Presses the key for the end of input.
    pub(crate) fn ends_input(&mut self) {
        self.presses("\u{4}");
    }

    /// Presses keys, without the one that ends a line.
    pub(crate) fn presses(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for the end of the program. `stderr` is everything that the terminal has shown.
    #[track_caller]
    pub(crate) fn ends(mut self) -> Ended {
        let mut stdout = String::new();
        if let Some(mut output) = self.child.stdout.take() {
            output.read_to_string(&mut stdout).unwrap();
        }
        let status = self.child.wait().unwrap().code().unwrap();
        while self.hear() {}
        Ended { status, stdout, stderr: self.seen }
    }

    /// Reads what the terminal shows next; false once everybody has left it.
    #[track_caller]
    fn hear(&mut self) -> bool {
        let mut watched = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
        let ready = poll(&mut watched, PollTimeout::try_from(SILENCE).unwrap()).unwrap();
        assert!(ready > 0, "silence after:\n{}", self.seen);
        let mut chunk = [0; 1024];
        // EIO is the end: the other side of a pseudo-terminal is closed (pty(7)).
        match self.master.read(&mut chunk) {
            Ok(0) | Err(_) => false,
            Ok(count) => {
                self.rest.extend_from_slice(&chunk[..count]);
                let whole = match std::str::from_utf8(&self.rest) {
                    Ok(_) => self.rest.len(),
                    Err(error) if error.error_len().is_none() => error.valid_up_to(),
                    Err(error) => panic!("{error}"),
                };
                let rest = self.rest.split_off(whole);
                self.seen.push_str(&String::from_utf8(mem::replace(&mut self.rest, rest)).unwrap());
                true
            }
        }
    }
}
