//! How many verdicts a second: through the peer socket with connections held, and the store alone.

use std::{
    io::{Read as _, Write as _},
    os::{fd::AsFd as _, unix::net::UnixStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use fob_api::{Verdict, VerifyContext};
use fobd::{
    open,
    store::{Committed, Guard, Key, Store, Write},
};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tokio::runtime::Runtime;

use super::{house::House, people::Person};
use crate::bus_bytes::{call, hello, read_answer, read_welcome};

/// Callers at the same time.
pub(super) const CALLERS: usize = 64;
/// The first counter that an assignment leaves: it takes two codes.
const FIRST: u64 = 2;
/// Bytes of a record: about those of a token's state (design.md, "The store's contract").
const RECORD: usize = 150;

/// A caller with a connection, and the calls that he will make.
struct Caller {
    stream: UnixStream,
    calls: Vec<Vec<u8>>,
    next: usize,
    /// What of a reply is there.
    reply: Vec<u8>,
    accepted: u64,
}

impl Caller {
    fn new(socket: &Path, person: &Person, from: u64, count: usize) -> Self {
        let mut stream = UnixStream::connect(socket).unwrap();
        let mut calls = (0..count).map(|number| {
            let code = person.token.code_of(from + number as u64);
            let values = (person.name.as_str(), code.as_str(), VerifyContext::default());
            call(u32::try_from(number + 1).unwrap(), "Verify", "ssa{sv}", &values, 0)
        });
        // As the module does: fobd serves who begins otherwise by the D-Bus library.
        let first = [hello().into_bytes(), calls.next().unwrap()].concat();
        stream.write_all(&first).unwrap();
        read_welcome(&mut stream);
        let accepted = read_answer(&mut stream).is_some_and(|(_, body)| accepts(&body));
        assert!(accepted, "{} was refused", person.name);
        stream.set_nonblocking(true).unwrap();
        Self { stream, calls: calls.collect(), next: 0, reply: Vec::new(), accepted: 0 }
    }

    /// Sends the next call, if there is one.
    fn send(&mut self) {
        if let Some(call) = self.calls.get(self.next) {
            // One message of some 200 bytes into an empty socket: it is taken whole.
            assert_eq!(self.stream.write(call).unwrap(), call.len());
            self.next += 1;
        }
    }

    /// Takes what has come; sends the next call after a whole reply.
    fn read(&mut self) {
        let mut bytes = [0; 2048];
        let Ok(length) = self.stream.read(&mut bytes) else { return };
        assert!(length > 0, "fobd hung up");
        self.reply.extend_from_slice(&bytes[..length]);
        let number = |at: usize| {
            let bytes = self.reply.get(at..at + 4).unwrap_or(&[255; 4]);
            u32::from_le_bytes(bytes.try_into().unwrap()) as usize
        };
        let whole = 16 + number(12).next_multiple_of(8) + number(4);
        if self.reply.len() < whole {
            return;
        }
        self.accepted += u64::from(accepts(&self.reply));
        self.reply.clear();
        self.send();
    }
}

/// Tells whether a reply says that the code is right.
fn accepts(reply: &[u8]) -> bool {
    let word = Verdict::Accept.word().as_bytes();
    reply.windows(word.len()).any(|part| part == word)
}

/// How far the button of each caller's token was pressed.
pub(super) struct Pressed([u64; CALLERS]);

impl Pressed {
    /// As after the assignment.
    pub(super) fn new() -> Self {
        Self([FIRST; CALLERS])
    }
}

/// Returns the accepted codes per second of [`CALLERS`] connections, over so long a time.
pub(super) fn peer(house: &House, pressed: &mut Pressed, time: Duration) -> f64 {
    let most = usize::try_from(time.as_millis()).unwrap(); // 64 000 per second in all
    let socket = house.daemon.socket();
    let people = house.callers.iter().zip(pressed.0);
    let new = |(person, from)| Caller::new(socket, person, from, most);
    let mut callers: Vec<Caller> = people.map(new).collect();
    let began = Instant::now();
    callers.iter_mut().for_each(Caller::send);
    while began.elapsed() < time {
        let ready = ready(&callers);
        for (caller, ready) in callers.iter_mut().zip(ready) {
            if ready {
                caller.read();
            }
        }
    }
    let took = began.elapsed().as_secs_f64();
    let sent = callers.iter().map(|caller| caller.next as u64 + 1);
    pressed.0.iter_mut().zip(sent).for_each(|(pressed, sent)| *pressed += sent);
    callers.iter().map(|caller| caller.accepted).sum::<u64>() as f64 / took
}

/// Tells on which connections there is something to read; waits for it.
fn ready(callers: &[Caller]) -> Vec<bool> {
    let mut waiting: Vec<PollFd<'_>> = callers
        .iter()
        .map(|caller| PollFd::new(caller.stream.as_fd(), PollFlags::POLLIN))
        .collect();
    poll(&mut waiting, PollTimeout::from(100_u8)).unwrap();
    waiting.iter().map(|fd| fd.any() == Some(true)).collect()
}

/// Returns the commits per second of [`CALLERS`] tasks in this process, each guarded by what it
/// read before, as a sign-in is.
pub(super) fn store_alone(folder: &Path, time: Duration) -> f64 {
    let folder = tempfile::tempdir_in(folder).unwrap();
    let state = folder.path().join("state");
    open::initialize(&state, None).unwrap();
    let store = Arc::new(open::open(&state, None).unwrap().store);
    let runtime = Runtime::new().unwrap();
    let done = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    runtime.block_on(async {
        let tasks = (0..CALLERS).map(|number| {
            let (store, done) = (Arc::clone(&store), Arc::clone(&done));
            tokio::spawn(async move {
                let key = Key::nobody(u16::try_from(number).unwrap());
                let mut count = 0_u8;
                while began.elapsed() < time {
                    let entry = store.get(std::slice::from_ref(&key)).await.unwrap();
                    let guard = Guard::unchanged(&key, entry[0].as_ref());
                    count = count.wrapping_add(1);
                    let write = Write::Put(key.clone(), vec![count; RECORD]);
                    let committed = store.commit(vec![guard], vec![write]).await.unwrap();
                    assert!(committed == Committed::Done, "nobody else writes that key");
                    done.fetch_add(1, Ordering::Relaxed);
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.unwrap();
        }
        store.close().await.unwrap();
    });
    done.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64()
}
