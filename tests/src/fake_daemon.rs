//! A scripted daemon: one act per call, and every act must be used.
//!
//! A connection may carry several calls. An act that is about a connection as such needs a new one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a helper of tests: a panic is a failed test

use std::collections::VecDeque;
use std::io::{BufReader, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use fob_api::{VerifyContext, VerifyDetails};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::bus_bytes::{Reply, Request, read_authentication, read_request};

/// Makes the bytes that answer a request.
pub type Answer = Box<dyn Fn(&Request) -> Vec<u8> + Send>;

/// What the daemon does when it is called.
pub enum Act {
    /// Answers one request with these bytes.
    Answer(Answer),
    /// Answers each request of a connection with these bytes.
    AnswerAll(Answer),
    /// Answers one request with these bytes and hangs up: no call behind it can be sent there.
    AnswerAndHangUp(Answer),
    /// Closes the connection as soon as it is there.
    CloseAtOnce,
    /// Reads a request and closes the connection.
    CloseMidCall,
    /// Answers with these bytes, one per second.
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
        Self::Answer(prompt(kind))
    }

    /// Answers `Prompt` with a code in such a way that this act can follow.
    pub(crate) fn before(&self) -> Self {
        match self {
            Self::CloseAtOnce | Self::Line(_) | Self::Noise(_) => {
                Self::AnswerAndHangUp(prompt("code"))
            }
            _ => Self::prompt("code"),
        }
    }

    /// Answers `Prompt` with a code and `Verify` with an accept, whichever comes.
    pub fn accept_either() -> Self {
        let (asked, accept) = (prompt("code"), verdict("accept", VerifyDetails::default()));
        Self::Answer(Box::new(move |request| match request.member.as_str() {
            "Prompt" => asked(request),
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

/// Returns the answer that says what to ask for.
pub fn prompt(kind: &'static str) -> Answer {
    Box::new(move |request| {
        let values = (kind, fob_api::PromptDetails { digits: Some(6) });
        request.prompt();
        Reply::to(request.serial, "sa{sv}", &values).bytes()
    })
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
    /// Listens on this path and plays one act per call.
    pub fn listen(path: &Path, script: Vec<Act>) -> Self {
        let listener = UnixListener::bind(path).expect("the socket's path is free");
        let shared = Arc::new(Shared { script: Mutex::new(script.into()), ..Shared::default() });
        let (stop, stopped) = channel();
        let shared_too = Arc::clone(&shared);
        let stage = Stage { shared: shared_too, stopped, held: Vec::new(), idle: Vec::new() };
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
            assert_eq!(more, 0, "calls that the script does not have");
        }
    }
}

type Reader = BufReader<UnixStream>;

struct Stage {
    shared: Arc<Shared>,
    stopped: Receiver<()>,
    /// Connections that nothing more happens on.
    held: Vec<UnixStream>,
    /// Connections on which another call may come.
    idle: Vec<Reader>,
}

impl Stage {
    fn play(mut self, listener: &UnixListener) {
        loop {
            match self.next_caller(listener) {
                Some(reader) => self.play_again(reader),
                None => match listener.accept() {
                    Ok((stream, _)) if !self.stops_within(Duration::ZERO) => self.play_new(stream),
                    _ => break,
                },
            }
        }
    }

    /// Waits for a word on an idle connection, and returns that; or for a new one.
    fn next_caller(&mut self, listener: &UnixListener) -> Option<Reader> {
        let idle = self.idle.iter().map(|reader| reader.get_ref().as_fd());
        let all = idle.chain([listener.as_fd()]);
        let mut all: Vec<PollFd<'_>> = all.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        poll(&mut all, PollTimeout::NONE).unwrap();
        let first = all.iter().position(|fd| fd.any() == Some(true)).unwrap();
        (first < self.idle.len()).then(|| self.idle.remove(first))
    }

    fn next_act(&self) -> Option<Act> {
        let act = self.shared.script.lock().unwrap().pop_front();
        *self.shared.unexpected.lock().unwrap() += usize::from(act.is_none());
        act
    }

    /// Tells whether the daemon was dropped, after this time at the latest.
    fn stops_within(&self, time: Duration) -> bool {
        use std::sync::mpsc::RecvTimeoutError::Disconnected;
        matches!(self.stopped.recv_timeout(time), Err(Disconnected))
    }

    /// Plays the next act on a new connection.
    fn play_new(&mut self, mut stream: UnixStream) {
        let Some(act) = self.next_act() else { return };
        match act {
            Act::CloseAtOnce => drop(stream.shutdown(Shutdown::Both)),
            Act::Noise(bytes) => {
                let _ = stream.write_all(&bytes);
                self.held.push(stream);
            }
            act => {
                let mut reader = BufReader::new(stream);
                if !self.authenticate(&mut reader) {
                    return;
                }
                if let Act::Line(line) = act {
                    let _ = reader.get_ref().write_all(line.as_bytes());
                    self.held.push(reader.into_inner());
                } else if let Some(request) = self.request(&mut reader) {
                    self.perform(act, &request, OK, reader);
                }
            }
        }
    }

    /// Plays the next act for one more call on a connection, if the caller did not hang up.
    fn play_again(&mut self, mut reader: Reader) {
        if let Some(request) = self.request(&mut reader)
            && let Some(act) = self.next_act()
        {
            self.perform(act, &request, &[], reader);
        }
    }

    /// Answers a request as the act says, behind these bytes.
    fn perform(&mut self, act: Act, request: &Request, front: &[u8], mut reader: Reader) {
        let mut stream = reader.get_ref();
        match act {
            Act::Answer(answer) => {
                let _ = stream.write_all(&[front, &answer(request)].concat());
                self.idle.push(reader);
            }
            Act::AnswerAll(answer) => {
                let _ = stream.write_all(&[front, &answer(request)].concat());
                while let Some(request) = self.request(&mut reader) {
                    let _ = reader.get_ref().write_all(&answer(&request));
                }
            }
            Act::AnswerAndHangUp(answer) => {
                // From here on nothing more can be sent, so it does not matter who is faster.
                stream.shutdown(Shutdown::Read).unwrap();
                let _ = stream.write_all(&[front, &answer(request)].concat());
            }
            Act::Dribble(answer) => self.dribble(&[front, &answer(request)].concat(), stream),
            Act::StopReading(answer) => {
                stream.shutdown(Shutdown::Read).unwrap();
                let _ = stream.write_all(&[front, &answer(request)].concat());
                self.held.push(reader.into_inner());
            }
            Act::CloseMidCall => drop(stream.write_all(front)),
            Act::Hang => {
                let _ = stream.write_all(front);
                self.held.push(reader.into_inner());
            }
            Act::CloseAtOnce | Act::Line(_) | Act::Noise(_) => panic!("an act of a new connection"),
        }
    }

    fn dribble(&self, bytes: &[u8], mut stream: &UnixStream) {
        for byte in bytes {
            if stream.write_all(&[*byte]).is_err() || self.stops_within(Duration::from_secs(1)) {
                break;
            }
        }
    }

    fn authenticate(&self, reader: &mut Reader) -> bool {
        let Some(hex) = read_authentication(reader) else { return false };
        // The decimal digits 0 to 9 are 30 to 39 in hex, so every second character is enough.
        let uid = hex.chars().skip(1).step_by(2).collect();
        self.shared.uids.lock().unwrap().push(uid);
        true
    }

    fn request(&self, reader: &mut Reader) -> Option<Request> {
        let request = read_request(reader)?;
        self.shared.seen.lock().unwrap().push(request.clone());
        Some(request)
    }
}

const OK: &[u8] = b"OK 0123456789abcdef0123456789abcdef\r\n";
