//! The stream of a backup: read, and brought into a house.

use std::{
    fs::File,
    io::Write as _,
    os::fd::OwnedFd,
    sync::{Arc, Mutex, PoisonError},
};

use fob_api::{RestoreReport, Serial};
use fobd::{
    access::Caller,
    audit::Audit,
    backup::{
        Header, Item, SavedToken,
        stream::{Decoder, Encoder, VERSION},
    },
    clock::{Clock, Manual},
    decide::Policy,
    engine::{Engine, Extent, Restore, Source, Surroundings},
    record::Seed,
    store::memory::MemoryStore,
    users::Users,
    vault::{Vault, backup::BackupKey},
};
use nix::{
    fcntl::{FcntlArg, SealFlag, fcntl},
    sys::memfd::{MFdFlags, memfd_create},
};
use tokio::runtime::{Builder, Runtime};

/// The first byte says whether the rest is a whole stream, or records without what only fobd
/// writes around them, of version 1 or, if the byte's second bit is set, of the present one: each
/// has its length before it, in two bytes. What is read can be written
/// and reads the same; and whatever a record holds, it is restored or refused, and a second time
/// nothing of it is new.
pub(super) fn backup(bytes: &[u8]) {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let (stream, form) = match choice % 2 {
        0 => (rest.to_vec(), Form::Whole),
        _ => (framed(rest, if choice & 2 == 0 { 1 } else { VERSION }), Form::Records),
    };
    let Ok(mut decoder) = Decoder::new(stream.as_slice()) else { return };
    let mut items = Vec::new();
    let is_whole = loop {
        match decoder.next_item() {
            Ok(Some(item)) => items.push(item),
            Ok(None) => break true,
            Err(error) => {
                assert!(!error.to_string().contains(char::is_control), "not one clean line");
                break false;
            }
        }
    };
    assert!(!is_whole || form == Form::Whole, "a stream without an end was taken for a whole one");
    let header = decoder.header().clone();
    if is_whole {
        let cut = &stream[..stream.len() - 1];
        let mut cut = Decoder::new(cut).unwrap();
        let end = (0..=items.len()).map(|_| cut.next_item()).last().unwrap();
        assert!(end.is_err(), "a cut stream was taken for a whole one");
    }
    let once = written(&header, items);
    assert!(written(&header, read(&once)) == once, "something else was read than was written");
    restored(&header, read(&once));
}

/// What an input is.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Form {
    Whole,
    Records,
}

/// Puts before and around records what the format asks for; there is no end.
fn framed(mut rest: &[u8], version: u8) -> Vec<u8> {
    let mut stream = b"FOBBACK\n".to_vec();
    stream.push(version);
    while let Some((length, behind)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length)).min(behind.len());
        let (record, behind) = behind.split_at(length);
        stream.extend(u32::try_from(length).unwrap().to_be_bytes());
        stream.extend(record);
        rest = behind;
    }
    stream
}

fn written(header: &Header, items: Vec<Item>) -> Vec<u8> {
    let (mut encoder, mut stream) = Encoder::new(header).unwrap();
    for item in items {
        stream.extend(encoder.item(item).unwrap());
    }
    stream.extend(encoder.end().unwrap());
    stream
}

fn read(stream: &[u8]) -> Vec<Item> {
    let mut decoder = Decoder::new(stream).unwrap();
    std::iter::from_fn(|| decoder.next_item().unwrap()).collect()
}

/// The key of every backup here.
const KEY: [u8; 32] = [3; 32];
/// The seed of every token here: it has to open, or nothing behind it is tried.
const SEED: &[u8] = b"12345678901234567890";

/// Restores the items into a house, twice, once as they came and once from a house of the same
/// fingerprints.
fn restored(header: &Header, mut items: Vec<Item>) {
    for item in &mut items {
        if let Item::Again(token) | Item::Token(token) = item {
            resealed(token);
        }
    }
    let stream = written(header, items);
    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = runtime.get_or_insert_with(|| Builder::new_multi_thread().build().unwrap());
    let engine = house();
    let first = restore(runtime, &engine, &stream);
    let second = restore(runtime, &engine, &stream);
    assert_eq!(first.is_some(), second.is_some(), "only once it could be read");
    if let (Some(first), Some(second)) = (first, second) {
        assert_eq!(second.added, Some(0), "it was new again");
        assert!(second.lost <= first.lost, "it was lost anew");
    }
}

/// One for all inputs.
static RUNTIME: Mutex<Option<Runtime>> = Mutex::new(None);

fn resealed(token: &mut SavedToken) {
    let Ok(serial) = Serial::parse(&token.serial) else { return };
    let key = BackupKey::new(KEY.to_vec()).unwrap();
    token.seed = key.seal(&serial.folded(), &Seed::new(SEED.to_vec()).unwrap()).ok().unwrap();
}

fn house() -> Engine<MemoryStore> {
    let users = [("root", 0), ("alice", 1000), ("bob", 1001)];
    let around = Surroundings {
        audit: Audit::Kept(Arc::default()),
        clock: Clock::Manual(Manual::new(1_800_000_000)),
        policy: Policy::default(),
        users: Users::Fixed {
            users: Arc::new(users.map(|(name, uid)| (name.to_owned(), uid)).to_vec()),
            administrators: Arc::default(),
        },
    };
    Engine::new(MemoryStore::default(), Vault::with_key(&[7; 32]).unwrap(), around)
}

/// Restores a stream; `None` if it was refused.
fn restore(
    runtime: &Runtime,
    engine: &Engine<MemoryStore>,
    stream: &[u8],
) -> Option<RestoreReport> {
    let restore = Restore {
        caller: Caller::of(0),
        key: BackupKey::new(KEY.to_vec()).unwrap(),
        source: Source::new(sealed(stream)).unwrap(),
        extent: Extent::Full,
    };
    match runtime.block_on(engine.restore(restore)) {
        Ok(report) => Some(report),
        Err(error) => {
            assert!(!error.to_string().contains(char::is_control), "not one clean line: {error}");
            None
        }
    }
}

/// Returns memory that nobody changes any more, with this content.
fn sealed(content: &[u8]) -> OwnedFd {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let mut file = File::from(memfd_create("backup", flags).unwrap());
    file.write_all(content).unwrap();
    let whole = SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW;
    fcntl(&file, FcntlArg::F_ADD_SEALS(whole)).unwrap();
    file.into()
}
