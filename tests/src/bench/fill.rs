//! What each contender keeps: the tokens of those who sign in, and of all the others.
//!
//! The others' tokens are laid down in Fob's database by its own store, vault and record codec,
//! as an import and an assignment would leave them: doing both a million times takes an hour.

use std::{
    fs::{self, File},
    io::{BufWriter, Write as _},
    os::unix::fs::{PermissionsExt as _, chown},
    path::Path,
};

use fob_api::Serial;
use fobd::{
    open::{self, Opened},
    record::{
        self, Algorithm, Moving, Owner, Parameters, Seed, Standing, State, Token, Trace, UserTokens,
    },
    store::{Committed, Key, Store as _, Write, sled::SledStore},
    vault::Vault,
};
use tokio::runtime::Runtime;

use super::people::Person;
use crate::{daemon::Daemon, differential::module::Shape, soft_token::SoftToken};

/// The first uid of those who never come.
const FIRST_OTHER: usize = 1_000_000;
/// Tokens in one commit.
const CHUNK: usize = 5000;
/// Most users who have a file for google-authenticator. It opens one by its name, and 100 000 of
/// them show already whether their number matters; a million would take 8 GB.
pub(super) const MOST_FILES: usize = 100_000;
/// What fobd goes by here. The clock of the run is right; and wrong codes are measured, so the
/// budgets are the largest that the settings allow (fobd.conf).
pub(super) const SETTINGS: &str = "clock = \"trusted\"\nwrong_codes_per_day = 30\n\
    wrong_codes_per_month = 100\nsame_code_seconds = 0\n";

/// Returns the token of one of the others.
fn other(number: usize) -> SoftToken {
    SoftToken::with_clock(&format!("OTHER{number:07}"))
}

/// Sets Fob's state folder up, with the tokens of so many others.
pub(super) fn fob(state: &Path, others: usize, now: u64) {
    open::initialize(state, None).unwrap();
    let Opened { store, vault, .. } = open::open(state, None).unwrap();
    let runtime = Runtime::new().unwrap();
    for first in (0..others).step_by(CHUNK) {
        let numbers = first..(first + CHUNK).min(others);
        let writes = numbers.flat_map(|number| records(&vault, number, now)).collect();
        let done = runtime.block_on(store.commit(Vec::new(), writes)).unwrap();
        assert!(done == Committed::Done, "the store took no records");
    }
    close(&runtime, &store);
}

fn close(runtime: &Runtime, store: &SledStore) {
    runtime.block_on(store.close()).unwrap();
}

/// Returns the four records of a token that somebody has.
fn records(vault: &Vault, number: usize, now: u64) -> Vec<Write> {
    let soft = other(number);
    let serial = Serial::parse(soft.serial()).unwrap();
    let seed = Seed::new(soft.seed().to_vec()).unwrap();
    let uid = u32::try_from(FIRST_OTHER + number).unwrap();
    let fingerprint = vault.fingerprint(&seed);
    let token = Token {
        serial: serial.as_str().to_owned(),
        standing: Standing::Assigned(Owner { uid, name: format!("other{number:07}") }),
        epoch: 1,
        parameters: Parameters {
            algorithm: Algorithm::Sha1,
            digits: 6,
            moving: Moving::Time { period: 30 },
        },
        seed: vault.seal(vault.keys()[0], &serial.folded(), 1, &seed).unwrap(),
        fingerprint,
        imported: now,
        manufacturer: Some("Example".to_owned()),
        model: None,
        batch: None,
    };
    let step = now / 30;
    let state = State {
        last_step: Some(step),
        clock: Some(fobd::decide::clock_model::first(step, 30, fobd::decide::Now(now))),
        last_used: Some(now),
        attempt: [1; 16],
        writes: 2,
        ..State::default()
    };
    let trace = Trace { serial: serial.folded(), left: None };
    let user = UserTokens { serials: vec![serial.folded()], former: Vec::new() };
    vec![
        put(Key::seed(&serial), &token),
        put(Key::state(&serial), &state),
        put(Key::fingerprint(&fingerprint), &trace),
        put(Key::user(uid), &user),
    ]
}

fn put<T: serde::Serialize>(key: Key, record: &T) -> Write {
    let bytes = record::encode(key.as_bytes(), record).unwrap();
    Write::Put(key, bytes)
}

/// Imports the tokens of those who sign in, and gives them to them.
pub(super) fn assign(daemon: &Daemon, folder: &Path, people: &[Person], now: u64) {
    let path = folder.join("seeds.csv");
    fs::write(&path, people.iter().map(|person| person.token.oath_line()).collect::<String>())
        .unwrap();
    Runtime::new().unwrap().block_on(async {
        let fob = daemon.proxy().await;
        let file = File::open(&path).unwrap();
        fob.import((&file).into(), "oath-csv", Default::default()).await.unwrap();
        for person in people {
            let pair = person.token.clone().show_pair(now);
            let pair = pair.each_ref().map(String::as_str);
            let (name, serial) = (&person.name, person.token.serial());
            fob.assign(name, serial, &pair, Default::default()).await.unwrap();
        }
    });
}

/// Writes a file for each user of google-authenticator, in his home.
pub(super) fn google(homes: &Path, people: &[Person], others: usize) {
    fs::create_dir(homes).unwrap();
    for person in people {
        let home = homes.join(&person.name);
        fs::create_dir(&home).unwrap();
        let file = home.join(".google_authenticator");
        fs::write(&file, Shape::default().google_file(&person.token)).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
        for path in [&home, &file] {
            chown(path, Some(person.uid), Some(person.uid)).unwrap();
        }
    }
    for number in 0..others.min(MOST_FILES) {
        let home = homes.join(format!("other{number:07}"));
        fs::create_dir(&home).unwrap();
        let text = Shape::default().google_file(&other(number));
        fs::write(home.join(".google_authenticator"), text).unwrap();
    }
}

/// Writes the users file of `pam_oath`.
pub(super) fn oath(path: &Path, people: &[Person], others: usize) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    for person in people {
        file.write_all(Shape::default().oath_line(&person.name, &person.token).as_bytes()).unwrap();
    }
    for number in 0..others {
        let line = Shape::default().oath_line(&format!("other{number:07}"), &other(number));
        file.write_all(line.as_bytes()).unwrap();
    }
    file.flush().unwrap();
}
