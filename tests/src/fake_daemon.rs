//! A scripted daemon: one act per connection, and every act must be used.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a helper of tests: a panic is a failed test

use std::collections::VecDeque;
use std::io::{BufReader, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use fob_api::{VerifyContext, VerifyDetails};

use crate::bus_bytes::{Reply, Request, read_authentication, read_request};

/// Makes the bytes that answer a request.
pub type Answer = Box<dyn Fn(&Request) -> Vec<u8> + Send>;

/// What the daemon does on one connection.
pub enum Act {
    /// Answers each request of the connection with these bytes.
    Answer(Answer),
    /// Closes the connection as soon as it is there.
    CloseAtOnce,
    /// Reads a request and closes the connection.
    CloseMidCall,
    /// Answers as the first act of its content would, one byte per second.
    Dribble(Answer),
    /// Reads a request and never answers.
    Hang,
    /// Answers the authentication with this line.
    Line(&'static str),
    /// Reads a request, lets nobody send more, and answers.
    StopReading(Answer),
    /// Sends this in place of everything, and keeps the connection.
    Noise(Vec<u8>),
}

impl Act {
    /// Answers `Verify` with this verdict about the user who was asked for.
    pub fn verdict(word: &'static str) -> Self {
        Self::verdict_with(word, VerifyDetails::default())
    }

    /// Answers `Verify` with this verdict and these details.
    pub fn verdict_with(word: &'static str, details: VerifyDetails) -> Self {
        Self::Answer(verdict(word, details))
    }

    /// Answers `Prompt` with this kind.
    pub fn prompt(kind: &'static str) -> Self {
        Self::Answer(Box::new(move |request| {
            let values = (kind, fob_api::PromptDetails { digits: Some(6) });
            request.prompt();
            Reply::to(request.serial, "sa{sv}", &values).bytes()
        }))
    }

    /// Answers `Prompt` with a code and `Verify` with an accept, whichever comes.
    pub fn accept_either() -> Self {
        let accept = verdict("accept", VerifyDetails::default());
        Self::Answer(Box::new(move |request| match request.member.as_str() {
            "Prompt" => {
                let values = ("code", fob_api::PromptDetails { digits: Some(6) });
                Reply::to(request.serial, "sa{sv}", &values).bytes()
            }
            _ => accept(request),
        }))
    }

    /// Answers with an error of this name.
    pub fn error(name: &'static str) -> Self {
        Self::Answer(Box::new(move |request| Reply::error(request.serial, name).bytes()))
    }

    /// Answers with what is left of an accept after a change.
    pub fn damaged(change: impl Fn(&mut Vec<u8>) + Send + 'static) -> Self {
        let accept = verdict("accept", VerifyDetails::default());
        Self::Answer(Box::new(move |request| {
            let mut bytes = accept(request);
            change(&mut bytes);
            bytes
        }))
    }
}

/// Returns the answer that gives a verdict about the user who was asked for.
pub fn verdict(word: &'static str, details: VerifyDetails) -> Answer {
    Box::new(move |request| {
        let (user, _, _) = request.verify();
        Reply::to(request.serial, "ssa{sv}", &(word, user, details.clone())).bytes()
    })
}

/// A daemon that follows a script. Dropping it asserts that the whole script was used.
pub struct FakeDaemon {
    path: PathBuf,
    shared: Arc<Shared>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    script: Mutex<VecDeque<Act>>,
    seen: Mutex<Vec<Request>>,
    uids: Mutex<Vec<String>>,
    unexpected: Mutex<usize>,
}

impl FakeDaemon {
    /// Listens on this path and plays one act per connection.
    pub fn listen(path: &Path, script: Vec<Act>) -> Self {
        let listener = UnixListener::bind(path).expect("the socket's path is free");
        let shared = Arc::new(Shared { script: Mutex::new(script.into()), ..Shared::default() });
        let (stop, stopped) = channel();
        let stage = Stage { shared: Arc::clone(&shared), stopped, held: Vec::new() };
        let thread = Builder::new().name("fake-daemon".to_owned());
        let thread = thread.spawn(move || stage.play(&listener)).unwrap();
        Self { path: path.to_owned(), shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Returns the requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Returns the arguments of the `Verify` calls so far.
    pub fn verifies(&self) -> Vec<(String, String, VerifyContext)> {
        self.requests().iter().filter(|call| call.member == "Verify").map(Request::verify).collect()
    }

    /// Returns what the callers said they are: uids in decimal.
    pub fn callers(&self) -> Vec<String> {
        self.shared.uids.lock().unwrap().clone()
    }
}

impl Drop for FakeDaemon {
    fn drop(&mut self) {
        drop(self.stop.take());
        // Wakes the listener; it then sees that it is to stop.
        let _ = UnixStream::connect(&self.path);
        let played = self.thread.take().expect("dropped once").join();
        if !std::thread::panicking() {
            played.expect("the fake daemon panicked");
            let left = self.shared.script.lock().unwrap().len();
            assert_eq!(left, 0, "acts of the script were not used");
            let more = *self.shared.unexpected.lock().unwrap();
            assert_eq!(more, 0, "connections that the script does not have");
        }
    }
}

struct Stage {
    shared: Arc<Shared>,
    stopped: Receiver<()>,
    held: Vec<UnixStream>,
}

impl Stage {
    fn play(mut self, listener: &UnixListener) {
        while let Ok((stream, _)) = listener.accept() {
            if self.stops_within(Duration::ZERO) {
                break;
            }
            let act = self.shared.script.lock().unwrap().pop_front();
            match act {
                Some(act) => self.perform(act, stream),
                None => *self.shared.unexpected.lock().unwrap() += 1,
            }
        }
    }

    /// Tells whether the daemon was dropped, after this time at the latest.
    fn stops_within(&self, time: Duration) -> bool {
        use std::sync::mpsc::RecvTimeoutError::Disconnected;
        matches!(self.stopped.recv_timeout(time), Err(Disconnected))
    }

    fn perform(&mut self, act: Act, mut stream: UnixStream) {
        match act {
            Act::CloseAtOnce => drop(stream.shutdown(Shutdown::Both)),
            Act::Line(line) => {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                self.authenticate(&mut reader);
                let _ = stream.write_all(line.as_bytes());
                self.held.push(stream);
            }
            Act::Noise(bytes) => {
                let _ = stream.write_all(&bytes);
                self.held.push(stream);
            }
            Act::Answer(answer) => {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                if self.authenticate(&mut reader) && stream.write_all(OK).is_ok() {
                    while let Some(request) = self.request(&mut reader) {
                        let _ = stream.write_all(&answer(&request));
                    }
                }
            }
            Act::Dribble(answer) => self.dribble(&answer, stream),
            Act::StopReading(answer) => {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                self.authenticate(&mut reader);
                let request = self.request(&mut reader);
                stream.shutdown(Shutdown::Read).unwrap();
                let answered = request.map(|request| answer(&request)).unwrap_or_default();
                let _ = stream.write_all(&[OK, &answered].concat());
                self.held.push(stream);
            }
            Act::CloseMidCall | Act::Hang => {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                self.authenticate(&mut reader);
                let _ = stream.write_all(OK);
                self.request(&mut reader);
                if matches!(act, Act::Hang) {
                    self.held.push(stream);
                }
            }
        }
    }

    fn dribble(&mut self, answer: &Answer, mut stream: UnixStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        self.authenticate(&mut reader);
        let mut bytes = OK.to_vec();
        bytes.extend(self.request(&mut reader).map(|request| answer(&request)).unwrap_or_default());
        for byte in bytes {
            if stream.write_all(&[byte]).is_err() || self.stops_within(Duration::from_secs(1)) {
                break;
            }
        }
    }

    fn authenticate(&self, reader: &mut BufReader<UnixStream>) -> bool {
        let Some(hex) = read_authentication(reader) else { return false };
        // The decimal digits 0 to 9 are 30 to 39 in hex, so every second character is enough.
        let uid = hex.chars().skip(1).step_by(2).collect();
        self.shared.uids.lock().unwrap().push(uid);
        true
    }

    fn request(&self, reader: &mut BufReader<UnixStream>) -> Option<Request> {
        let request = read_request(reader)?;
        self.shared.seen.lock().unwrap().push(request.clone());
        Some(request)
    }
}

const OK: &[u8] = b"OK 0123456789abcdef0123456789abcdef\r\n";
