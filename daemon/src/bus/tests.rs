use std::{
    os::unix::net::UnixStream,
    pin::Pin,
    sync::{Arc, Mutex},
};

use fob_api::{
    BypassOptions, Error, ImportOptions,
    address::{INTERFACE, OBJECT_PATH},
};
use zbus::{
    Connection, Guid, Message, MessageStream, connection::Builder,
    export::futures_core::Stream as _, message::Type,
};

use super::{CallerSource, Fob, parse::seed_hints};
use crate::{
    access::Caller,
    audit::Audit,
    clock::Clock,
    decide::Policy,
    engine::{Engine, Surroundings},
    seed::{Choice, Encoding, Format, Hints, TokenKind},
    store::memory::MemoryStore,
    users::Users,
    vault::Vault,
};

fn object(uid: u32) -> Fob<MemoryStore> {
    object_for(CallerSource::Peer(Caller::of(uid)))
}

fn object_for(source: CallerSource) -> Fob<MemoryStore> {
    let around = Surroundings {
        audit: Audit::Kept(Arc::new(Mutex::default())),
        clock: Clock::manual(1_800_000_000),
        policy: Policy::default(),
        users: Users::Fixed {
            users: Arc::new(vec![("root".to_owned(), 0), ("alice".to_owned(), 1000)]),
            administrators: Arc::default(),
        },
    };
    let engine = Engine::new(MemoryStore::default(), Vault::with_key(&[7; 32]).unwrap(), around);
    Fob::new(Arc::new(engine), source)
}

/// A client connected to the object as `uid`; the server's connection must be kept.
async fn connected(uid: u32) -> (Connection, Connection) {
    connected_to(object(uid)).await
}

async fn connected_to(object: Fob<MemoryStore>) -> (Connection, Connection) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let server = Builder::unix_stream(theirs)
        .server(Guid::generate())
        .p2p()
        .serve_at(OBJECT_PATH, object)
        .build();
    let client = Builder::unix_stream(ours).p2p().build();
    tokio::try_join!(client, server).unwrap()
}

async fn error_of<B>(client: &Connection, method: &str, body: &B) -> String
where
    B: serde::Serialize + zbus::DynamicType,
{
    let call = client.call_method(None::<&str>, OBJECT_PATH, Some(INTERFACE), method, body).await;
    match call {
        Err(zbus::Error::MethodError(name, _, _)) => name.to_string(),
        Err(zbus::Error::FDO(error)) => zbus::DBusError::name(&*error).to_string(),
        other => panic!("{method} did not refuse: {other:?}"),
    }
}

#[test]
fn the_published_contract_is_the_interface() {
    let published = include_str!("../../../packaging/dbus/org.fobd.Fob1.xml");
    assert!(
        published == object(0).contract(),
        "run: cargo run -p fobd --example contract > packaging/dbus/org.fobd.Fob1.xml"
    );
}

#[tokio::test]
async fn a_refusal_arrives_as_fact_and_hint() {
    let (client, _server) = connected(0).await;
    let call = client
        .call_method(None::<&str>, OBJECT_PATH, Some(INTERFACE), "ShowToken", &"8A1172")
        .await;
    let Err(zbus::Error::MethodError(name, _, message)) = call else { panic!("not refused") };
    assert_eq!(name.as_str(), "org.fobd.Fob1.Error.NoSuchToken");
    let (fact, hint): (String, String) = message.body().deserialize().unwrap();
    assert_eq!(fact, "there is no token 8A1172 here.");
    assert!(hint.contains("fobctl import"));
}

#[tokio::test]
async fn arguments_that_cannot_be_are_refused_by_name() {
    use std::collections::HashMap;

    use zbus::Variant;
    let (client, _server) = connected(0).await;
    let none: HashMap<&str, Variant<'_>> = HashMap::new();
    let bad = "org.fobd.Fob1.Error.InvalidArgument";
    assert_eq!(error_of(&client, "Verify", &("alice", "12345", &none)).await, bad);
    assert_eq!(error_of(&client, "Verify", &("a\nb", "123456", &none)).await, bad);
    assert_eq!(error_of(&client, "ShowToken", &"").await, bad);
    let same = vec!["123456", "123 456"];
    assert_eq!(error_of(&client, "Resync", &("alice", same, &none)).await, bad);
    let three = vec!["123456", "123457", "123458"];
    assert_eq!(error_of(&client, "Resync", &("alice", three, &none)).await, bad);
    assert_eq!(error_of(&client, "List", &("256:", 10_u32, &none)).await, bad);
    let batch = HashMap::from([("batch", Variant::from("a\nb"))]);
    assert_eq!(error_of(&client, "List", &("", 10_u32, &batch)).await, bad);
    assert_eq!(error_of(&client, "Verify", &("alice", "abcde-fghj", &none)).await, bad);
    let two = vec!["123456", "654321"];
    assert_eq!(error_of(&client, "NewRecoveryCodes", &("alice", two, &none)).await, bad);
}

#[tokio::test]
async fn a_temporary_code_needs_a_reason_and_a_time_within_a_week() {
    let (client, _server) = connected(0).await;
    let call = async |seconds: u32, reason: &str| {
        let options = BypassOptions {
            seconds: Some(seconds),
            reason: Some(reason.to_owned()),
            login_uid: None,
        };
        let path = OBJECT_PATH;
        client
            .call_method(None::<&str>, path, Some(INTERFACE), "Bypass", &("alice", options))
            .await
            .map(drop)
            .map_err(|error| error.to_string())
    };
    let long = "x".repeat(201);
    for (seconds, reason) in [
        (59, "a reason"),
        (604_801, "a reason"),
        (60, ""),
        (60, long.as_str()),
        (60, "a\nb"),
        (60, "a\u{7f}b"),
        (60, "a\u{9b}b"),
    ] {
        let error = call(seconds, reason).await.unwrap_err();
        assert!(error.contains("InvalidArgument"), "{seconds} {reason:?}: {error}");
    }
    for (seconds, reason) in [(60, "a"), (604_800, &long[..200])] {
        assert_eq!(call(seconds, reason).await, Ok(()), "{seconds}");
    }
    let none = BypassOptions::default();
    let bad = "org.fobd.Fob1.Error.InvalidArgument";
    assert_eq!(error_of(&client, "Bypass", &("alice", none)).await, bad);
}

#[test]
fn what_is_said_about_a_seed_file_is_known_or_refused() {
    let options = |encoding: &str, kind: &str| {
        let said = |word: &str| Some(word.to_owned()).filter(|word| !word.is_empty());
        ImportOptions { encoding: said(encoding), kind: said(kind), ..ImportOptions::default() }
    };
    let heard = |format, encoding, kind| seed_hints(format, &options(encoding, kind)).ok();
    assert_eq!(heard("", "", ""), Some(Choice::Detect.into()));
    let want = Hints {
        format: Choice::Is(Format::FeitianText),
        encoding: Some(Encoding::Base32),
        kind: TokenKind::from_word("totp-6-60"),
    };
    assert!(want.kind.is_some());
    assert_eq!(heard("feitian-text", "base32", "totp-6-60"), Some(want));
    for (format, encoding, kind) in [("csv", "", ""), ("", "rot13", ""), ("", "", "totp")] {
        assert_eq!(heard(format, encoding, kind), None, "{format}{encoding}{kind}");
    }
}

#[test]
fn the_contract_names_every_format_encoding_and_kind() {
    let contract = include_str!("../../../packaging/dbus/org.fobd.Fob1.xml");
    let contract = contract.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = Format::ALL.map(Format::word).join(", ");
    assert!(contract.contains(&format!("The format is {words}, or empty")), "{words}");
    for word in Encoding::ALL.map(Encoding::word).into_iter().chain(TokenKind::ALL.map(|k| k.word))
    {
        assert!(contract.contains(word), "{word}");
    }
}

#[tokio::test]
async fn another_user_is_told_nothing_about_who_exists() {
    let (client, _server) = connected(1000).await;
    let denied = "org.fobd.Fob1.Error.NotAuthorized";
    for name in ["root", "nobody-has-this-name"] {
        assert_eq!(error_of(&client, "ShowUser", &name).await, denied);
    }
}

#[tokio::test]
async fn wrong_types_are_refused() {
    let (client, _server) = connected(0).await;
    let error = error_of(&client, "ShowToken", &7_u32).await;
    assert!(error.starts_with("org.freedesktop.DBus.Error."), "{error}");
}

/// What a bus says when it is asked for a sender's uid.
#[derive(Clone, Copy, Debug)]
enum Attest {
    Error,
    Nothing,
    Text,
    Uid(u32),
}

/// Plays the bus: calls ShowUser as somebody, answers the daemon's question about him, and
/// returns the name of the error with which the call ended; `None` if it did not.
async fn show_alice_by_a_bus(attest: Attest) -> Option<String> {
    let (bus, _server) = connected_to(object_for(CallerSource::Bus)).await;
    let mut messages = MessageStream::from(&bus);
    let call = Message::method_call(OBJECT_PATH, "ShowUser").interface(INTERFACE);
    let call = call.sender(":1.7").build(&("alice",)).unwrap();
    bus.send(&call).await.unwrap();
    loop {
        let next = std::future::poll_fn(|context| Pin::new(&mut messages).poll_next(context));
        let message = next.await.unwrap().unwrap();
        let header = message.header();
        let is = |member: &str| header.member().is_some_and(|name| name.as_str() == member);
        match header.message_type() {
            Type::MethodCall if is("GetConnectionUnixUser") => {
                let error = "org.freedesktop.DBus.Error.NameHasNoOwner";
                match attest {
                    Attest::Error => bus.reply_error(&header, error, &("gone",)).await.unwrap(),
                    Attest::Nothing => bus.reply(&header, &()).await.unwrap(),
                    Attest::Text => bus.reply(&header, &("0",)).await.unwrap(),
                    Attest::Uid(uid) => bus.reply(&header, &(uid,)).await.unwrap(),
                };
            }
            Type::Error => return header.error_name().map(ToString::to_string),
            Type::MethodReturn => return None,
            _ => {}
        }
    }
}

// D5 of threats.md: -1, the sign bit, and the uids that systemd gives to whoever asks.
#[tokio::test]
async fn whoever_the_bus_cannot_name_is_nobody() {
    let denied = Some("org.fobd.Fob1.Error.NotAuthorized".to_owned());
    let uids = [u32::MAX, 1 << 31, 61_184, 65_519, 65_534].map(Attest::Uid);
    for attest in [Attest::Error, Attest::Nothing, Attest::Text].into_iter().chain(uids) {
        assert_eq!(show_alice_by_a_bus(attest).await, denied, "{attest:?}");
    }
    // The control: those whom it names are let through.
    for uid in [0, 1000] {
        assert_ne!(show_alice_by_a_bus(Attest::Uid(uid)).await, denied, "{uid}");
    }
}

#[tokio::test]
async fn a_password_is_read_from_a_small_regular_file_and_from_nothing_else() {
    let of = |bytes: &[u8]| {
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, bytes).unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        Some(std::os::fd::OwnedFd::from(file).into())
    };
    let read = super::seed_file_password;
    assert!(read(None).await.unwrap().is_none());
    for bytes in [&b"q"[..], b" two words \n", &[b'x'; 1024]] {
        let password = read(of(bytes)).await.unwrap().unwrap();
        assert_eq!(password.as_str().as_bytes(), bytes);
    }
    let (pipe, mut writer) = std::io::pipe().unwrap();
    std::io::Write::write_all(&mut writer, b"qwerty").unwrap();
    let pipe = Some(std::os::fd::OwnedFd::from(pipe).into());
    let folder = std::fs::File::open("/").unwrap();
    let folder = Some(std::os::fd::OwnedFd::from(folder).into());
    for refused in [of(b""), of(&[b'x'; 1025]), of(b"\xff"), pipe, folder] {
        assert!(matches!(read(refused).await, Err(Error::InvalidArgument { .. })));
    }
}
