//! A program of root's that asks for verdicts, as the PAM module does.

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    time::{Duration, Instant},
};

use zbus::Variant;

use super::Times;
use crate::bus_bytes::{begin, call, read_answer};

/// Sign-ins on one connection: fobd ends one after 3 072 messages.
const ON_ONE: u32 = 3_000;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A caller, and what he was told.
pub(super) struct Caller<'a> {
    socket: &'a Path,
    line: Option<UnixStream>,
    /// Messages on this connection.
    sent: u32,
    /// How long answers took.
    pub(super) times: Times,
    /// How often each verdict came, errors among them.
    pub(super) verdicts: BTreeMap<String, u64>,
}

impl<'a> Caller<'a> {
    /// Makes one; he connects when he asks.
    pub(super) fn of(socket: &'a Path) -> Self {
        Self { socket, line: None, sent: 0, times: Times::default(), verdicts: BTreeMap::new() }
    }

    /// Asks whether a code is right, and takes down what came of it.
    pub(super) fn ask(&mut self, user: &str, code: &str, rhost: Option<&str>) {
        let begun = Instant::now();
        let verdict = self.verdict(user, code, rhost).unwrap_or_else(|error| {
            self.line = None;
            format!("no answer: {}", error.kind())
        });
        self.times.add(begun.elapsed());
        *self.verdicts.entry(verdict).or_default() += 1;
    }

    /// Hangs up.
    pub(super) fn hang_up(&mut self) {
        self.line = None;
    }

    fn verdict(&mut self, user: &str, code: &str, rhost: Option<&str>) -> io::Result<String> {
        if self.sent >= ON_ONE {
            self.line = None;
        }
        let line = match &mut self.line {
            Some(line) => line,
            none => {
                let mut line = UnixStream::connect(self.socket)?;
                line.set_read_timeout(Some(PATIENCE))?;
                begin(&mut line);
                self.sent = 0;
                none.insert(line)
            }
        };
        self.sent += 1;
        let mut context = HashMap::from([("service", Variant::from("sshd"))]);
        if let Some(rhost) = rhost {
            context.insert("rhost", Variant::from(rhost));
        }
        let message = call(self.sent, "Verify", "ssa{sv}", &(user, code, context), 0);
        line.write_all(&message)?;
        let hung_up = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let (kind, body) = read_answer(line).ok_or_else(hung_up)?;
        // Both a reply and an error begin with a string.
        let length = body.first().copied().unwrap_or_default().into();
        let text = body.get(4..).and_then(|rest| rest.get(..length)).unwrap_or_default();
        let text = String::from_utf8_lossy(text);
        Ok(if kind == 2 { text.into_owned() } else { format!("error: {text}") })
    }
}

/// Puts the verdicts of several callers together, in words.
pub(super) fn told<'a>(all: impl IntoIterator<Item = &'a BTreeMap<String, u64>>) -> String {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for verdicts in all {
        for (verdict, count) in verdicts {
            *sums.entry(verdict).or_default() += count;
        }
    }
    sums.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect::<Vec<_>>().join(", ")
}
