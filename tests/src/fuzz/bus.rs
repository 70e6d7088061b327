//! The calls that the daemon takes, and the connections over which they come.

use std::{
    io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _},
    net::Shutdown,
    os::unix::net::UnixStream,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use fob_api::{
    AdoptOptions, AssignOptions, BypassOptions, IdentifyOptions, ImportOptions, LogOptions,
    PageOptions, RemoveOptions, RestoreOptions, RevokeOptions, UnlockOptions, VerifyContext,
    address::{INTERFACE, OBJECT_PATH},
};
use fobd::{
    access::Caller,
    audit::Audit,
    bus::{CallerSource, Fob},
    clock::{Clock, Manual},
    decide::Policy,
    engine::{Engine, Surroundings},
    store::memory::MemoryStore,
    users::Users,
    vault::Vault,
};
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};
use zbus::{
    Connection, Guid, Type,
    wire::{BE, Endian, LE, serialized::Context, serialized::Data, to_bytes},
};

/// The methods, each with the signature of its arguments and who may call it besides root. New ones
/// come last: the corpus calls them by their place.
const METHODS: [(&str, &str, Others); 27] = [
    ("Assign", "ssasa{sv}", Others::Never),
    ("Backup", "ayh", Others::Never),
    ("Bypass", "sa{sv}", Others::Never),
    ("Deactivate", "sa{sv}", Others::Never),
    ("Forget", "sa{sv}", Others::Never),
    ("Import", "hsa{sv}", Others::Never),
    ("List", "sua{sv}", Others::Never),
    ("Log", "a{sv}", Others::Never),
    ("NewRecoveryCodes", "sasa{sv}", Others::Themselves),
    ("Prompt", "sa{sv}", Others::Themselves),
    ("Rekey", "", Others::Never),
    ("Restore", "ayha{sv}", Others::Never),
    ("Resync", "sasa{sv}", Others::Themselves),
    ("Rotate", "ssasa{sv}", Others::Never),
    ("ShowToken", "s", Others::Never),
    ("ShowUser", "s", Others::Themselves),
    ("Status", "", Others::Never),
    ("Unlock", "sa{sv}", Others::Never),
    ("Verify", "ssa{sv}", Others::Themselves),
    ("VerifyLog", "", Others::Never),
    ("NewVirtualToken", "sha{sv}", Others::Never),
    ("Identify", "ssa{sv}", Others::Never),
    ("Adopt", "hsa{sv}", Others::Never),
    ("RevokeTickets", "a{sv}", Others::Never),
    ("Tickets", "", Others::Never),
    ("Explain", "sa{sv}", Others::Never),
    ("ReportLost", "ssa{sv}", Others::Themselves),
];

/// What callers who are not root may do with a method.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Others {
    Never,
    Themselves,
}

/// The first byte says which method's arguments the rest is, and in which byte order.
pub(super) fn arguments(bytes: &[u8]) {
    let Some((choice, body)) = bytes.split_first() else { return };
    let endian = if choice & 0x80 == 0 { LE } else { BE };
    let method = METHODS[usize::from(choice & 0x7f) % METHODS.len()].0;
    match method {
        "Adopt" => read::<(String, AdoptOptions)>(body, endian), // a descriptor is no bytes
        "Assign" | "Rotate" => read::<(String, String, Vec<String>, AssignOptions)>(body, endian),
        "Backup" => read::<Vec<u8>>(body, endian), // nor here
        "Bypass" => read::<(String, BypassOptions)>(body, endian),
        "Deactivate" | "Forget" => read::<(String, RemoveOptions)>(body, endian),
        "Identify" => read::<(String, String, IdentifyOptions)>(body, endian),
        "Import" => read::<(String, ImportOptions)>(body, endian), // nor here
        "List" => read::<(String, u32, PageOptions)>(body, endian),
        "Log" => read::<LogOptions>(body, endian),
        "NewRecoveryCodes" | "Resync" => {
            read::<(String, Vec<String>, AssignOptions)>(body, endian);
        }
        "NewVirtualToken" => read::<(String, AssignOptions)>(body, endian), // nor here
        "Explain" | "Prompt" => read::<(String, VerifyContext)>(body, endian),
        "ReportLost" => read::<(String, String, RemoveOptions)>(body, endian),
        "Restore" => read::<(Vec<u8>, RestoreOptions)>(body, endian), // nor here
        "RevokeTickets" => read::<RevokeOptions>(body, endian),
        "Unlock" => read::<(String, UnlockOptions)>(body, endian),
        "Verify" => read::<(String, String, VerifyContext)>(body, endian),
        _ => read::<String>(body, endian),
    }
}

/// What is read can be written, and reads the same then.
fn read<T: for<'d> Deserialize<'d> + Serialize + Type>(body: &[u8], endian: Endian) {
    let context = Context::new(endian, 0);
    let Ok((values, length)) = Data::new(body, context).deserialize::<T>() else { return };
    // zbus takes a last string without its NUL, and counts that all the same.
    assert!(length <= body.len() + 1);
    let once = to_bytes(context, &values).unwrap();
    let (again, whole) = once.deserialize::<T>().unwrap();
    assert_eq!(whole, once.bytes().len());
    assert!(to_bytes(context, &again).unwrap().bytes() == once.bytes());
}

/// The first byte says whose call of which method the rest is the body of. The daemon's own object
/// gets it over a socket, and answers: nobody is let in, and who is not root sees nothing of others.
pub(super) fn call(bytes: &[u8]) {
    let Some((choice, body)) = bytes.split_first() else { return };
    if body.len() > LARGEST {
        return;
    }
    let uid = if choice & 0x80 == 0 { 0 } else { STRANGER };
    let method = METHODS[usize::from(choice & 0x7f) % METHODS.len()];
    let mut stage = STAGE.lock().unwrap_or_else(PoisonError::into_inner);
    let answer = stage.get_or_insert_with(Stage::new).ask(uid, method, body);
    let Some((kind, said)) = answer else {
        *stage = None; // a caller that breaks the protocol loses its connection, and only that
        return;
    };
    let allowed = uid == 0 || method.2 == Others::Themselves;
    assert!(kind == ERROR || allowed, "{} answered a stranger", method.0);
    assert!(!(method.0 == "Verify" && contains(&said, b"accept\0")), "somebody was let in");
    assert!(kind == RETURN || contains(&said, b".Error."), "an error without a name");
}

/// What comes over a connection from its beginning on: the authentication, then messages. Of the
/// first byte the lowest bit says whether the right authentication is put before the rest, the
/// highest who it is. Nobody is let in, and the daemon is through with it as soon as it ends.
pub(super) fn stream(bytes: &[u8]) {
    let Some((choice, rest)) = bytes.split_first() else { return };
    if rest.len() > LARGEST {
        return;
    }
    let uid = if choice & 0x80 == 0 { 0 } else { STRANGER };
    let before = if choice & 1 == 1 { authentication() } else { String::new() };
    let mut stage = STAGE.lock().unwrap_or_else(PoisonError::into_inner);
    let said =
        stage.get_or_insert_with(Stage::new).listen(uid, &[before.as_bytes(), rest].concat());
    assert!(!contains(&said, b"accept\0"), "somebody was let in");
}

/// What the daemon is told first ("Authentication Protocol", D-Bus Specification).
fn authentication() -> String {
    let uid: String =
        nix::unistd::geteuid().to_string().bytes().map(|b| format!("{b:02x}")).collect();
    format!("\0AUTH EXTERNAL {uid}\r\nBEGIN\r\n")
}

/// The uid of the caller who is nobody in particular.
const STRANGER: u32 = 1000;
/// In which the daemon answers, whatever comes.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest body that is sent. The daemon's own limit is beyond it and has tests of its own.
const LARGEST: usize = 4096;
/// The type of a reply with values ("Message Types", D-Bus Specification).
const RETURN: u8 = 2;
/// The type of an error reply.
const ERROR: u8 = 3;

/// One daemon for all inputs: to start one takes longer than to answer.
static STAGE: Mutex<Option<Stage>> = Mutex::new(None);

/// The daemon's object, served to root and to a stranger.
struct Stage {
    engine: Arc<Engine<MemoryStore>>,
    log: Arc<Mutex<Vec<String>>>,
    clock: Manual,
    root: Wire,
    stranger: Wire,
    runtime: Runtime,
}

/// A caller's end of a connection, and the daemon's, which lives as long.
struct Wire {
    stream: BufReader<UnixStream>,
    _served: Connection,
}

impl Stage {
    fn new() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (log, clock) = (Arc::default(), Manual::new(1_800_000_000));
        let around = Surroundings {
            audit: Audit::Kept(Arc::clone(&log)),
            clock: Clock::Manual(clock.clone()),
            policy: Policy::default(),
            users: Users::Fixed {
                users: Arc::new(vec![("root".to_owned(), 0), ("alice".to_owned(), STRANGER)]),
                administrators: Arc::default(),
            },
        };
        let engine =
            Engine::new(MemoryStore::default(), Vault::with_key(&[7; 32]).unwrap(), around);
        let engine = Arc::new(engine);
        let [root, stranger] = [0, STRANGER].map(|uid| Wire::open(&runtime, &engine, uid));
        Self { engine, log, clock, root, stranger, runtime }
    }

    /// Sends bytes over a connection of their own, ends it, and returns what the daemon said.
    fn listen(&mut self, uid: u32, bytes: &[u8]) -> Vec<u8> {
        self.clock.advance(1);
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(bytes).unwrap();
        ours.shutdown(Shutdown::Write).unwrap();
        let line = theirs.try_clone().unwrap();
        let through = async {
            if let Ok(connection) = served(theirs, &self.engine, uid).await {
                connection.closed().await;
            }
        };
        let through = async { tokio::time::timeout(PATIENCE, through).await };
        self.runtime.block_on(through).unwrap();
        // As fobd does: replies that wait would keep it open.
        let _ = line.shutdown(Shutdown::Both);
        let mut said = Vec::new();
        ours.set_read_timeout(Some(PATIENCE)).unwrap();
        if let Err(error) = ours.read_to_end(&mut said) {
            // What was not read on the other side is an error behind what was said.
            assert_eq!(error.kind(), ErrorKind::ConnectionReset, "the daemon does not hang up");
        }
        said
    }

    /// Calls a method; returns the reply's type and bytes, or nothing if the daemon hung up.
    fn ask(
        &mut self,
        uid: u32,
        (member, signature, _): (&str, &str, Others),
        body: &[u8],
    ) -> Option<(u8, Vec<u8>)> {
        let _inside = self.runtime.enter();
        self.log.lock().unwrap().clear();
        self.clock.advance(1);
        let wire = if uid == 0 { &mut self.root } else { &mut self.stranger };
        wire.stream.get_mut().write_all(&message(member, signature, body)).ok()?;
        loop {
            let (kind, bytes) = next(&mut wire.stream)?;
            if matches!(kind, RETURN | ERROR) {
                return Some((kind, bytes));
            }
        }
    }
}

impl Wire {
    /// Connects as this uid.
    fn open(runtime: &Runtime, engine: &Arc<Engine<MemoryStore>>, uid: u32) -> Self {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.set_read_timeout(Some(PATIENCE)).unwrap();
        ours.write_all(authentication().as_bytes()).unwrap();
        let served = runtime.block_on(served(theirs, engine, uid)).unwrap();
        let mut stream = BufReader::new(ours);
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        assert!(line.starts_with("OK "), "{line:?}");
        Self { stream, _served: served }
    }
}

/// Serves the daemon's object to this uid, once the authentication is over.
async fn served(
    stream: UnixStream,
    engine: &Arc<Engine<MemoryStore>>,
    uid: u32,
) -> zbus::Result<Connection> {
    let object = Fob::new(Arc::clone(engine), CallerSource::Peer(Caller::of(uid)));
    zbus::connection::Builder::unix_stream(stream)
        .server(Guid::generate())
        .p2p()
        .serve_at(OBJECT_PATH, object)
        .build()
        .await
}

/// Returns a call whose header is right, little endian ("Message Format").
fn message(member: &str, signature: &str, body: &[u8]) -> Vec<u8> {
    let number = |length: usize| u32::try_from(length).unwrap().to_le_bytes();
    let mut fields = Vec::new();
    for (code, kind, value) in [(1, b'o', OBJECT_PATH), (2, b's', INTERFACE), (3, b's', member)] {
        fields.resize(fields.len().next_multiple_of(8), 0);
        fields.extend([code, 1, kind, 0]);
        fields.extend(number(value.len()));
        fields.extend(value.bytes().chain([0]));
    }
    if !signature.is_empty() {
        fields.resize(fields.len().next_multiple_of(8), 0);
        fields.extend([8, 1, b'g', 0, u8::try_from(signature.len()).unwrap()]);
        fields.extend(signature.bytes().chain([0]));
    }
    let mut message = vec![b'l', 1, 0, 1];
    message.extend([number(body.len()), number(1), number(fields.len())].concat());
    message.extend(fields);
    message.resize(message.len().next_multiple_of(8), 0);
    message.extend(body);
    message
}

/// Reads a message; returns its type and bytes. Nothing if the daemon hung up.
///
/// # Panics
///
/// If nothing comes in time.
fn next(stream: &mut BufReader<UnixStream>) -> Option<(u8, Vec<u8>)> {
    let mut fixed = [0; 16];
    if let Err(error) = stream.read_exact(&mut fixed) {
        let late = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
        assert!(!late, "the daemon does not answer");
        return None;
    }
    let number = |at: usize| u32::from_le_bytes(fixed[at..at + 4].try_into().unwrap()) as usize;
    let mut bytes = vec![0; number(12).next_multiple_of(8) + number(4)];
    stream.read_exact(&mut bytes).ok()?;
    Some((fixed[1], bytes))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::METHODS;

    #[test]
    fn every_method_of_the_contract_is_fuzzed() {
        let contract = include_str!("../../../packaging/dbus/org.fobd.Fob1.xml");
        let methods = contract.split("<method name=\"").skip(1);
        let known = methods.map(|rest| {
            let (name, rest) = rest.split_once('"').unwrap();
            let (arguments, _) = rest.split_once("</method>").unwrap();
            let typed =
                arguments.split("type=\"").skip(1).map(|rest| rest.split_once('"').unwrap());
            let ins = typed.filter(|(_, rest)| rest.starts_with(" direction=\"in\""));
            (name, ins.map(|(kind, _)| kind).collect::<String>())
        });
        let known: Vec<_> = known.collect();
        let mut fuzzed = METHODS.map(|(name, kinds, _)| (name, kinds.to_owned())).to_vec();
        fuzzed.sort();
        assert_eq!(fuzzed, known);
    }
}
