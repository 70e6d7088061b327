use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixStream as Peer,
    sync::{Arc, Mutex},
    time::Duration,
};

use fob_api::{
    PromptDetails, VerifyContext, VerifyDetails,
    address::{INTERFACE, OBJECT_PATH},
    message::{Body, Fields, Header, Kind, message},
};
use tokio::{
    net::UnixStream,
    sync::watch,
    task::{spawn_blocking, yield_now},
    time::timeout,
};
use zbus::{Connection, Guid, connection::Builder};

use super::{Inbox, Served, hello, sign_ins};
use crate::{
    access::Caller,
    audit::Audit,
    bus::{CallerSource, Fob},
    clock::Clock,
    decide::Policy,
    engine::{Engine, Surroundings},
    serve::Seat,
    store::memory::MemoryStore,
    users::Users,
    vault::Vault,
};

/// How long something may take that is sure to come.
const PATIENCE: Duration = Duration::from_secs(60);
pub(super) const GUID: &str = "0123456789abcdef0123456789abcdef";

pub(in crate::serve) fn engine() -> Arc<Engine<MemoryStore>> {
    let users = vec![("root".to_owned(), 0), ("alice".to_owned(), 1000)];
    let around = Surroundings {
        audit: Audit::Kept(Arc::new(Mutex::default())),
        clock: Clock::manual(1_800_000_000),
        policy: Policy::default(),
        users: Users::Fixed { users: Arc::new(users), administrators: Arc::default() },
    };
    let vault = Vault::with_key(&[7; 32]).unwrap();
    Arc::new(Engine::new(MemoryStore::default(), vault, around))
}

fn object(uid: u32) -> Fob<MemoryStore> {
    Fob::new(engine(), CallerSource::Peer(Caller::of(uid)))
}

pub(super) fn pair() -> (Peer, UnixStream) {
    let (ours, theirs) = Peer::pair().unwrap();
    theirs.set_nonblocking(true).unwrap();
    (ours, UnixStream::from_std(theirs).unwrap())
}

/// Returns a seat of which a stop is made by dropping the other half.
pub(super) fn seat() -> (watch::Sender<()>, Seat) {
    let (stopping, going_on) = watch::channel(());
    (stopping, Seat { going_on, is_idle: Arc::default() })
}

fn call(front: &str, serial: u32, member: &str, body: &Body) -> Vec<u8> {
    let fields = Fields {
        path: Some(OBJECT_PATH),
        interface: Some(INTERFACE),
        member: Some(member),
        ..Fields::default()
    };
    message(front.as_bytes(), Kind::Call, serial, &fields, body).to_vec()
}

pub(in crate::serve) fn verify(
    front: &str,
    user: &str,
    code: &str,
    context: &VerifyContext,
) -> Vec<u8> {
    let body = Body::new("ssa{sv}", 0).string(user).string(code);
    call(front, 3, "Verify", &body.dictionary(|entries| context.write(entries)))
}

fn prompt(front: &str, user: &str) -> Vec<u8> {
    call(front, 3, "Prompt", &Body::new("sa{sv}", 0).string(user).dictionary(|_| ()))
}

/// Lets a peer with uid 0 say this and hang up; returns all that it is answered, and whether its
/// connection is left to the library with all that it said.
async fn said(uid: u32, bytes: &[u8]) -> (Vec<u8>, bool) {
    let (mut ours, theirs) = pair();
    ours.write_all(bytes).unwrap();
    ours.shutdown(std::net::Shutdown::Write).unwrap();
    let fob = Arc::new(object(uid));
    let left = match sign_ins(theirs, uid, GUID, &fob, &mut seat().1).await.unwrap() {
        Served::All => false,
        Served::Nothing(stream) => {
            let mut stream = stream.into_std().unwrap();
            let mut there = vec![0; bytes.len()];
            stream.read_exact(&mut there).unwrap();
            there == bytes
        }
    };
    let mut answered = Vec::new();
    ours.read_to_end(&mut answered).unwrap();
    (answered, left)
}

#[tokio::test]
async fn a_sign_in_in_one_write_is_answered_in_one() {
    let (mut ours, theirs) = pair();
    ours.write_all(&verify(&hello(0), "alice", "123456", &VerifyContext::default())).unwrap();
    let fob = Arc::new(object(0));
    let (_going_on, mut seat) = seat();
    let served = tokio::spawn(async move { sign_ins(theirs, 0, GUID, &fob, &mut seat).await });
    let (read, ours) = tokio::task::spawn_blocking(move || {
        let mut room = vec![0; 4096];
        let count = ours.read(&mut room).unwrap();
        room.truncate(count);
        (room, ours)
    })
    .await
    .unwrap();
    let reply = read.strip_prefix(format!("OK {GUID}\r\n").as_bytes()).unwrap();
    let (header, mut values) = Header::read(reply).unwrap();
    assert_eq!((header.kind, header.reply_serial), (Kind::Return, Some(3)));
    assert_eq!((values.string(), values.string()), (Some("unassigned"), Some("alice")));
    drop(ours);
    assert!(matches!(served.await.unwrap(), Ok(Served::All)));
}

#[tokio::test]
async fn whoever_begins_otherwise_is_left_to_the_library_with_all_that_was_said() {
    let context = VerifyContext::default();
    let whole = verify(&hello(0), "alice", "123456", &context);
    let mut quiet = whole.clone();
    quiet[hello(0).len() + 2] = 1; // no reply is wanted
    for bytes in [
        b"\0AUTH EXTERNAL 30\r\n".to_vec(),
        hello(0).into_bytes(),
        whole[..whole.len() - 1].to_vec(),
        verify(&hello(1), "alice", "123456", &context),
        verify("\0AUTH ANONYMOUS\r\nBEGIN\r\n", "alice", "123456", &context),
        call(&hello(0), 3, "ShowUser", &Body::new("s", 0).string("alice")),
        call(&hello(0), 3, "Verify", &Body::new("s", 0).string("alice")),
        quiet,
    ] {
        assert_eq!(said(0, &bytes).await, (Vec::new(), true), "{}", bytes.escape_ascii());
    }
    assert_eq!(said(0, b"").await, (Vec::new(), true));
}

#[tokio::test]
async fn a_connection_that_began_with_a_sign_in_takes_more_of_them_and_nothing_else() {
    let other = call("", 4, "ShowUser", &Body::new("s", 0).string("alice"));
    let both = [prompt(&hello(0), "alice"), other, prompt("", "root"), vec![7; 16]].concat();
    let (answered, _) = said(0, &both).await;
    let mut rest = answered.strip_prefix(format!("OK {GUID}\r\n").as_bytes()).unwrap();
    let mut kinds = Vec::new();
    while let Some(bytes) = super::whole(rest) {
        kinds.push(Header::read(bytes).unwrap().0.kind);
        rest = &rest[bytes.len()..];
    }
    assert_eq!((kinds, rest.len()), (vec![Kind::Return, Kind::Error, Kind::Return], 0));
}

#[tokio::test]
async fn a_peer_is_answered_again_and_again_on_the_connection_that_he_keeps() {
    let (mut ours, theirs) = pair();
    let (stopping, mut seat) = seat();
    let fob = Arc::new(object(0));
    let served = tokio::spawn(async move { sign_ins(theirs, 0, GUID, &fob, &mut seat).await });
    for front in [hello(0), String::new(), String::new()] {
        let long = VerifyContext { rhost: Some("x".repeat(200)), ..VerifyContext::default() };
        let call = verify(&front, "alice", "123456", &long);
        let (start, end) = call.split_at(90);
        // In two parts, unless it is the first: half a sign-in is the library's.
        let parts = if front.is_empty() { vec![start, end] } else { vec![call.as_slice()] };
        for part in parts {
            ours.write_all(part).unwrap();
            for _ in 0..64 {
                yield_now().await;
            }
        }
        let reading = spawn_blocking(move || {
            let count = ours.read(&mut [0; 4096]).unwrap();
            (ours, count)
        });
        let count;
        (ours, count) = timeout(PATIENCE, reading).await.unwrap().unwrap();
        assert!(count > 0, "he was not answered");
    }
    drop(stopping);
    assert!(matches!(timeout(PATIENCE, served).await.unwrap().unwrap(), Ok(Served::All)));
}

#[tokio::test(start_paused = true)]
async fn who_begins_a_later_message_and_does_not_end_it_is_closed() {
    let (mut ours, theirs) = pair();
    let (_stopping, mut seat) = seat();
    let half = prompt("", "alice");
    ours.write_all(&[prompt(&hello(0), "alice"), half[..half.len() - 1].to_vec()].concat())
        .unwrap();
    let fob = Arc::new(object(0));
    let served = timeout(PATIENCE, sign_ins(theirs, 0, GUID, &fob, &mut seat)).await;
    let ended = served.unwrap().map(drop).unwrap_err();
    assert_eq!(ended.kind(), std::io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn the_last_message_is_what_was_sent_before_the_stop_and_another_cannot_be_sent() {
    let (mut ours, theirs) = pair();
    let message = prompt("", "alice");
    ours.write_all(&message).unwrap();
    let mut inbox = Inbox::new();
    assert_eq!(inbox.last_message(&theirs).unwrap(), Some(message.len()));
    assert_eq!(inbox.bytes(), message);
    assert_eq!(ours.write(&message).unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
    inbox.is_done_with(message.len());
    assert_eq!(inbox.last_message(&theirs).unwrap(), None);
}

/// Returns what a call ends with: an error's name, or its values.
fn ended(reply: &[u8]) -> String {
    let (header, mut values) = Header::read(reply).unwrap();
    match header.signature {
        "sa{sv}" => {
            let word = values.string();
            format!("{word:?} {:?}", PromptDetails::read(&mut values))
        }
        "ssa{sv}" => {
            let words = (values.string(), values.string());
            format!("{words:?} {:?}", VerifyDetails::read(&mut values))
        }
        _ => format!("{:?} {:?} {:?}", header.error_name, values.string(), values.string()),
    }
}

async fn by_the_library(client: &Connection, bytes: &[u8]) -> String {
    let (header, mut values) = Header::read(bytes).unwrap();
    let user = values.string().unwrap();
    let called = match header.member.unwrap() {
        "Verify" => {
            let (code, context) = (values.string().unwrap(), VerifyContext::read(&mut values));
            let body = (user, code, context.unwrap());
            client.call_method(None::<&str>, OBJECT_PATH, Some(INTERFACE), "Verify", &body).await
        }
        _ => {
            let body = (user, VerifyContext::read(&mut values).unwrap());
            client.call_method(None::<&str>, OBJECT_PATH, Some(INTERFACE), "Prompt", &body).await
        }
    };
    match called {
        Ok(message) | Err(zbus::Error::MethodError(_, _, message)) => ended(message.data().bytes()),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_lean_way_and_the_library_say_the_same() {
    let long = VerifyContext { rhost: Some("x".repeat(256)), ..VerifyContext::default() };
    let usual = VerifyContext { service: Some("sshd".to_owned()), ..VerifyContext::default() };
    for uid in [0, 1000] {
        for bytes in [
            verify("", "alice", "123456", &usual),
            verify("", "alice", "123456 654321", &usual),
            verify("", "root", "123456", &usual),
            verify("", "nobody-of-this-name", "12345678", &usual),
            verify("", "alice", "12345", &usual),
            verify("", "alice", "123456", &long),
            verify("", "", "123456", &usual),
            verify("", "alice", "abcde-fghjk", &usual),
            prompt("", "alice"),
            prompt("", "a\nb"),
        ] {
            let (ours, theirs) = Peer::pair().unwrap();
            let server = Builder::unix_stream(theirs)
                .server(Guid::generate())
                .p2p()
                .serve_at(OBJECT_PATH, object(uid))
                .build();
            let client = Builder::unix_stream(ours).p2p().build();
            let (client, _server) = tokio::try_join!(client, server).unwrap();
            let (answered, _) = said(uid, &[hello(uid).as_bytes(), &bytes].concat()).await;
            let lean = answered.strip_prefix(format!("OK {GUID}\r\n").as_bytes()).unwrap();
            assert_eq!(ended(lean), by_the_library(&client, &bytes).await, "as {uid}");
        }
    }
}
