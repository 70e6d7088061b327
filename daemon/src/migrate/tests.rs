//! From a database of layout 2 to this one, and killed on the way.

mod layout_3;

use std::{
    collections::BTreeMap,
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use fob_api::{Code, Serial, UserName, Verdict, VerifyContext};
use serde::Serialize;

use super::{Failure, NEW, Vault, build, put, v2};
use crate::{
    access::Caller,
    audit::Audit,
    clock::Clock,
    decide::{Policy, verify::Typed},
    engine::{Engine, SignIn, Surroundings},
    open::{DATABASE, Opened, StateError, open},
    record::{
        self, Algorithm, ClockState, Host, Moving, Owner, Parameters, SCHEMA, Seed, Standing,
        State, Trace, UserTokens,
    },
    store::{
        Key, Kind, Store, Write,
        sled::{Disk, Medium, SledStore},
    },
    totp::Generator,
    users::Users,
    vault::{KEY_FILE, KeyFile, Keys, Source},
};

const START: u64 = 1_800_000_000;
const KEY: [u8; 32] = [7; 32];
const SEED: &[u8] = b"12345678901234567890";
const PARAMETERS: Parameters =
    Parameters { algorithm: Algorithm::Sha1, digits: 6, moving: Moving::Time { period: 30 } };

fn v2<T: Serialize>(key: Key, record: &T) -> Write {
    let payload = postcard::to_allocvec(record).unwrap();
    let value = record::wrap(v2::FROM, key.as_bytes(), &payload);
    Write::Put(key, value)
}

/// The records of a token that alice has, or that nobody has.
fn token(serial: &str, standing: Standing) -> Vec<Write> {
    let vault = Vault::with_key(&KEY).unwrap();
    let serial = Serial::parse(serial).unwrap();
    let (nonce, sealed) = vault.seal_v2(&serial.folded(), SEED);
    let fingerprint = vault.fingerprint(&Seed::new(SEED.to_vec()).unwrap());
    let token = v2::Token {
        serial: serial.as_str().to_owned(),
        standing,
        epoch: 3,
        parameters: PARAMETERS,
        seed: v2::Sealed { nonce, sealed },
        fingerprint,
        imported: START,
        manufacturer: Some("ACME".to_owned()),
        model: None,
    };
    let clock = ClockState {
        drift: 0.0,
        rate: 0.0,
        drift_variance: 4.0,
        covariance: 0.0,
        rate_variance: 1.0,
        seen: START,
    };
    let state = State { clock: Some(clock), ..State::default() };
    let trace = Trace { serial: serial.folded(), left: None };
    vec![
        v2(Key::seed(&serial), &token),
        v2(Key::state(&serial), &state),
        v2(Key::fingerprint(&fingerprint), &trace),
    ]
}

/// A state folder as layout 2 left it: a token of alice's, and more in stock.
fn old_state(more: u32) -> (tempfile::TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let state = parent.path().join("fobd");
    DirBuilder::new().mode(0o700).create(&state).unwrap();
    fs::write(state.join(KEY_FILE), KEY).unwrap();
    fs::set_permissions(state.join(KEY_FILE), fs::Permissions::from_mode(0o600)).unwrap();
    let alice = Owner { uid: 1000, name: "alice".to_owned() };
    let tokens = UserTokens { serials: vec!["A1".to_owned()], former: Vec::new() };
    let mut writes = token("A1", Standing::Assigned(alice));
    (0..more).for_each(|n| writes.extend(token(&format!("S{n}"), Standing::Stock)));
    writes.push(v2(Key::user(1000), &tokens));
    writes.push(v2(Key::host(), &Host::default()));
    writes.push(Write::Put(Key::initialized(), vec![1]));
    write(&state.join(DATABASE), writes);
    (parent, state)
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(work)
}

fn write(database: &Path, writes: Vec<Write>) {
    let store = SledStore::open(database).unwrap();
    let done = run(store.commit(Vec::new(), writes));
    assert_eq!(done, Ok(crate::store::Committed::Done));
}

/// Everything in a database.
fn contents(store: &SledStore) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut all = BTreeMap::new();
    for kind in Kind::ALL {
        for shard in 0..=u8::MAX {
            let page = run(store.list(kind, shard, None, 10_000)).unwrap();
            all.extend(page.iter().map(|e| (e.key.as_bytes().to_vec(), e.value.to_vec())));
        }
    }
    all
}

fn contents_of(database: &Path) -> BTreeMap<Vec<u8>, Vec<u8>> {
    contents(&SledStore::open(database).unwrap())
}

fn code() -> Code {
    Generator::new(&Seed::new(SEED.to_vec()).unwrap(), &PARAMETERS).unwrap().code(START / 30)
}

/// Signs alice in.
fn sign_in(opened: Opened) -> Verdict {
    let around = Surroundings {
        audit: Audit::Kept(Arc::new(Mutex::default())),
        clock: Clock::manual(START),
        policy: Policy::default(),
        users: Users::Fixed {
            users: Arc::new(vec![("alice".to_owned(), 1000)]),
            administrators: Arc::default(),
        },
    };
    let engine = Engine::new(opened.store, opened.vault, around);
    let (user, context) = (UserName::parse("alice").unwrap(), VerifyContext::default());
    let sign_in = SignIn { caller: Caller::of(0), user: &user, context: &context };
    run(engine.verify(&sign_in, Typed::Code(&code()))).unwrap().0
}

/// A disk that fails from some sync on: what is there then is what a kill leaves.
struct Dying {
    syncs: u32,
}

impl Medium for Dying {
    fn room(&mut self, file: &File) -> io::Result<u64> {
        Disk.room(file)
    }

    fn sync(&mut self, file: &File) -> io::Result<()> {
        self.syncs = self.syncs.checked_sub(1).ok_or(io::ErrorKind::Other)?;
        Disk.sync(file)
    }
}

#[test]
fn a_database_of_layout_2_is_migrated_and_its_tokens_sign_in() {
    let (_parent, state) = old_state(3);
    let before = contents_of(&state.join(DATABASE));
    let opened = open(&state, None).unwrap();
    let done = opened.migrated.clone().unwrap();
    assert_eq!((done.from, done.damaged), (2, 0));
    assert_eq!(done.kept, state.join("tokens.v2"));
    // All but the mark are copied; the house secret and the version come to it.
    assert_eq!(contents(&opened.store).len(), before.len() + 2);
    assert_eq!(sign_in(opened), Verdict::Accept);
    assert!(open(&state, None).unwrap().migrated.is_none(), "it was migrated again");
}

#[test]
fn the_old_database_is_kept_unchanged_and_for_its_owner_only() {
    let (_parent, state) = old_state(3);
    let before = contents_of(&state.join(DATABASE));
    let kept = open(&state, None).unwrap().migrated.unwrap().kept;
    assert_eq!(contents_of(&kept), before);
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn going_back_to_the_kept_copy_is_migrated_again_beside_it() {
    let (_parent, state) = old_state(0);
    let kept = open(&state, None).unwrap().migrated.unwrap().kept;
    fs::rename(state.join(DATABASE), state.join("tokens.v3")).unwrap();
    fs::rename(&kept, state.join(DATABASE)).unwrap();
    DirBuilder::new().mode(0o700).create(&kept).unwrap();
    let again = open(&state, None).unwrap().migrated.unwrap();
    assert_eq!(again.kept, state.join("tokens.v2-2"));
}

#[test]
fn fingerprints_of_layout_2_stay_valid() {
    let (_parent, state) = old_state(0);
    let opened = open(&state, None).unwrap();
    let fingerprint = opened.vault.fingerprint(&Seed::new(SEED.to_vec()).unwrap());
    let found = run(opened.store.get(&[Key::fingerprint(&fingerprint)])).unwrap();
    let found = found[0].as_ref().unwrap();
    let trace: Trace = record::decode(found.key.as_bytes(), &found.value).unwrap();
    assert_eq!(trace.serial, "A1");
}

#[test]
fn killed_at_any_commit_the_old_database_stays_and_the_next_start_migrates_it() {
    // One commit for each 200 records, one for the end; each has two syncs, of the database and of
    // the anchor.
    let (_parent, state) = old_state(400);
    let before = contents_of(&state.join(DATABASE));
    let mut killed = 0;
    for syncs in 0.. {
        let old = SledStore::open(&state.join(DATABASE)).unwrap();
        let vault = Vault::with_key(&KEY).unwrap();
        let built = run(build(&state, &old, 2, &vault, Dying { syncs }));
        drop(old);
        if built.is_ok() {
            break;
        }
        killed += 1;
        assert_eq!(contents_of(&state.join(DATABASE)), before, "after {syncs} syncs");
        if syncs % 4 == 0 {
            // A start on a copy of what the kill left.
            let copy = tempfile::tempdir().unwrap();
            let copy = copy.path().join("fobd");
            copy_folder(&state, &copy);
            let opened = open(&copy, None).unwrap();
            assert!(opened.migrated.is_some() && !copy.join(NEW).exists());
            assert_eq!(sign_in(opened), Verdict::Accept, "after {syncs} syncs");
        }
    }
    assert!(killed > 5, "it was killed at {killed} syncs only");
    assert_eq!(sign_in(open(&state, None).unwrap()), Verdict::Accept);
}

#[test]
fn killed_before_the_old_database_is_put_aside_it_is_migrated_again() {
    let (_parent, state) = old_state(3);
    build_new(&state);
    let opened = open(&state, None).unwrap();
    assert!(opened.migrated.is_some() && !state.join(NEW).exists());
    assert_eq!(sign_in(opened), Verdict::Accept);
}

#[test]
fn killed_between_the_two_renames_the_new_database_is_put_in_its_place() {
    let (_parent, state) = old_state(3);
    build_new(&state);
    put(&state.join(DATABASE), &state.join("tokens.v2"), &state).unwrap();
    let opened = open(&state, None).unwrap();
    assert!(opened.migrated.is_none() && !state.join(NEW).exists());
    assert_eq!(sign_in(opened), Verdict::Accept);
}

#[test]
fn a_new_database_that_is_not_whole_is_never_taken_for_one() {
    let (_parent, state) = old_state(300);
    let old = SledStore::open(&state.join(DATABASE)).unwrap();
    let vault = Vault::with_key(&KEY).unwrap();
    assert!(run(build(&state, &old, 2, &vault, Dying { syncs: 2 })).is_err());
    drop(old);
    fs::remove_dir_all(state.join(DATABASE)).unwrap();
    assert!(matches!(open(&state, None), Err(StateError::DatabaseMissing)));
}

#[test]
fn a_newer_database_is_refused_with_a_remedy_and_not_touched() {
    let (_parent, state) = old_state(0);
    drop(open(&state, None).unwrap());
    let key = Key::schema();
    let newer = record::encode(key.as_bytes(), &u32::from(SCHEMA + 1)).unwrap();
    let wrapped = record::wrap(SCHEMA + 1, key.as_bytes(), &[SCHEMA + 1]);
    for value in [newer, wrapped] {
        write(&state.join(DATABASE), vec![Write::Put(key.clone(), value)]);
        let before = contents_of(&state.join(DATABASE));
        let Err(error) = open(&state, None) else { panic!("it was opened") };
        assert!(matches!(error, StateError::Newer));
        assert!(error.to_string().contains(&format!("tokens.v{SCHEMA}")), "{error}");
        assert_eq!(contents_of(&state.join(DATABASE)), before);
    }
}

#[test]
fn with_another_key_nothing_is_migrated() {
    let (_parent, state) = old_state(0);
    fs::write(state.join(KEY_FILE), [8; 32]).unwrap();
    let Err(StateError::Migration(failure)) = open(&state, None) else { panic!("migrated") };
    assert!(matches!(failure, Failure::WrongKey(_)), "{failure}");
    assert!(!state.join(NEW).exists() && !state.join("tokens.v2").exists());
    fs::write(state.join(KEY_FILE), KEY).unwrap();
    assert_eq!(sign_in(open(&state, None).unwrap()), Verdict::Accept);
}

#[test]
fn a_damaged_record_stays_damaged_and_keeps_nobody_else_out() {
    let (_parent, state) = old_state(1);
    let key = Key::seed(&Serial::parse("S0").unwrap());
    write(&state.join(DATABASE), vec![Write::Put(key.clone(), vec![v2::FROM; 100])]);
    let opened = open(&state, None).unwrap();
    assert_eq!(opened.migrated.as_ref().unwrap().damaged, 1);
    let entry = run(opened.store.get(std::slice::from_ref(&key))).unwrap().remove(0).unwrap();
    assert!(record::decode::<record::Token>(key.as_bytes(), &entry.value).is_err());
    assert_eq!(sign_in(opened), Verdict::Accept);
}

/// Builds the new database beside the old one, and stops there.
fn build_new(state: &Path) {
    let keys = Keys::open(Source::find(state, None), KeyFile::MustExist).unwrap();
    let old = SledStore::open(&state.join(DATABASE)).unwrap();
    run(build(state, &old, 2, &keys.derive().unwrap(), Disk)).unwrap();
}

fn copy_folder(from: &Path, to: &Path) {
    DirBuilder::new().mode(0o700).create(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).unwrap();
        }
    }
}
