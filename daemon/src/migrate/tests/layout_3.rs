//! From a database of layout 3 to this one.

use std::{
    fs::{self, DirBuilder},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

use fob_api::{Serial, Verdict};
use serde::Serialize;

use super::{KEY, PARAMETERS, SEED, START, contents_of, copy_folder, run, sign_in, write};
use crate::{
    migrate::{Failure, v3},
    open::{DATABASE, Opened, StateError, open},
    record::{
        self, ClockState, Doubt, Ending, Host, Owner, Seed, Standing, State, Trace, UserTokens,
    },
    store::{Key, Store, Write, sled::SledStore},
    vault::{KEY_FILE, KeyFile, Keys, Source},
};

fn v3<T: Serialize>(key: Key, record: &T) -> Write {
    let value = record::encode_as(v3::FROM, key.as_bytes(), record).unwrap();
    Write::Put(key, value)
}

/// A state folder as layout 3 left it, with a token of alice's.
fn old_state() -> (tempfile::TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let state = parent.path().join("fobd");
    DirBuilder::new().mode(0o700).create(&state).unwrap();
    fs::write(state.join(KEY_FILE), KEY).unwrap();
    fs::set_permissions(state.join(KEY_FILE), fs::Permissions::from_mode(0o600)).unwrap();
    let keys = Keys::open(Source::find(&state, None), KeyFile::MustExist).unwrap();
    let vault = keys.found().unwrap();
    let (key, serial) = (vault.keys()[0], Serial::parse("a1").unwrap());
    let seed = Seed::new(SEED.to_vec()).unwrap();
    let token = v3::Token {
        serial: serial.as_str().to_owned(),
        standing: Standing::Assigned(Owner { uid: 1000, name: "alice".to_owned() }),
        epoch: 3,
        parameters: PARAMETERS,
        seed: vault.seal(key, &serial.folded(), 7, &seed).unwrap(),
        fingerprint: vault.fingerprint(&seed),
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
    let state_record = State { clock: Some(clock), ..State::default() };
    let trace = Trace { serial: serial.folded(), left: None };
    let writes = vec![
        v3(Key::seed(&serial), &token),
        v3(Key::state(&serial), &state_record),
        v3(Key::fingerprint(&token.fingerprint), &trace),
        v3(Key::user(1000), &UserTokens { serials: vec!["A1".to_owned()], former: Vec::new() }),
        v3(Key::host(), &Host::default()),
        v3(Key::vault(), &vault.seal_house(key, 5).unwrap()),
        v3(Key::schema(), &u32::from(v3::FROM)),
        Write::Put(Key::initialized(), vec![1]),
    ];
    write(&state.join(DATABASE), writes);
    (parent, state)
}

fn token(opened: &Opened) -> record::Token {
    kept(opened, &Key::seed(&Serial::parse("A1").unwrap())).unwrap()
}

fn kept<T: serde::de::DeserializeOwned>(opened: &Opened, key: &Key) -> Option<T> {
    let entry = run(opened.store.get(std::slice::from_ref(key))).unwrap().remove(0)?;
    Some(record::decode(entry.key.as_bytes(), &entry.value).unwrap())
}

/// The state folder as it lies on the disk while its daemon runs.
fn running(state: &Path) -> (tempfile::TempDir, PathBuf) {
    let store = SledStore::open(&state.join(DATABASE)).unwrap();
    let parent = tempfile::tempdir().unwrap();
    let copy = parent.path().join("fobd");
    copy_folder(state, &copy);
    drop(store);
    fs::set_permissions(copy.join(KEY_FILE), fs::Permissions::from_mode(0o600)).unwrap();
    (parent, copy)
}

#[test]
fn a_database_of_layout_3_is_migrated_and_its_tokens_have_no_batch() {
    let (_parent, state) = old_state();
    let before = contents_of(&state.join(DATABASE));
    let opened = open(&state, None).unwrap();
    let done = opened.migrated.clone().unwrap();
    assert_eq!((done.from, done.damaged), (3, 0));
    assert_eq!(done.kept, state.join("tokens.v3"));
    assert_eq!(contents_of(&done.kept), before, "the old one was changed");
    let token = token(&opened);
    assert_eq!((token.batch.clone(), token.manufacturer.as_deref()), (None, Some("ACME")));
    assert_eq!((token.epoch, token.seed.generation), (3, 7));
    let seed = opened.vault.open_seed("A1", &token.seed).unwrap();
    assert_eq!(opened.vault.fingerprint(&seed), token.fingerprint);
    assert_eq!(kept::<Doubt>(&opened, &Key::doubt()), None);
    assert_eq!(sign_in(opened), Verdict::Accept);
    let again = open(&state, None).unwrap();
    assert!(again.migrated.is_none(), "it was migrated again");
}

#[test]
fn with_another_key_a_database_of_layout_3_stays_as_it_is() {
    let (_parent, state) = old_state();
    let before = contents_of(&state.join(DATABASE));
    fs::write(state.join(KEY_FILE), [8; 32]).unwrap();
    let Err(StateError::Migration(failure)) = open(&state, None) else { panic!("migrated") };
    assert!(matches!(failure, Failure::Vault(_)), "{failure}");
    assert_eq!(contents_of(&state.join(DATABASE)), before);
    assert!(!state.join("tokens.v3").exists());
    fs::write(state.join(KEY_FILE), KEY).unwrap();
    assert_eq!(sign_in(open(&state, None).unwrap()), Verdict::Accept);
}

#[test]
fn a_damaged_record_of_layout_3_stays_damaged() {
    let (_parent, state) = old_state();
    let key = Key::seed(&Serial::parse("S0").unwrap());
    write(&state.join(DATABASE), vec![Write::Put(key.clone(), vec![v3::FROM; 100])]);
    let opened = open(&state, None).unwrap();
    assert_eq!(opened.migrated.as_ref().unwrap().damaged, 1);
    let entry = run(opened.store.get(std::slice::from_ref(&key))).unwrap().remove(0).unwrap();
    assert!(record::decode::<record::Token>(key.as_bytes(), &entry.value).is_err());
    assert_eq!(sign_in(opened), Verdict::Accept);
}

#[test]
fn a_database_that_was_not_closed_is_still_doubted_when_it_is_migrated() {
    let (_parent, state) = old_state();
    let (_copy, state) = running(&state);
    let opened = open(&state, None).unwrap();
    assert!(opened.migrated.is_some());
    assert_eq!(kept::<Host>(&opened, &Key::host()).unwrap().ending, Ending::Unclean);
    assert_eq!(kept::<Doubt>(&opened, &Key::doubt()), Some(Doubt { at: u64::MAX }));
    assert_eq!(sign_in(opened), Verdict::Replay, "no fence was raised");
    let opened = open(&state, None).unwrap();
    assert_eq!(kept::<Doubt>(&opened, &Key::doubt()), Some(Doubt { at: START }));
}

#[test]
fn a_version_that_no_fob_has_written_is_damage() {
    for version in [0, 1, 2, 4, 77_u32] {
        let (_parent, state) = old_state();
        write(&state.join(DATABASE), vec![v3(Key::schema(), &version)]);
        assert!(matches!(open(&state, None), Err(StateError::Record(_))), "{version}");
    }
}
