//! Sealing, opening, and where the keys come from.

use std::{collections::HashSet, fs, os::unix::fs::PermissionsExt, path::Path};

use super::{KEY_FILE, KeyFile, Keys, PREVIOUS_CREDENTIAL, Source, Vault, VaultError};
use crate::record::{KeyId, SealedSeed, Seed};

fn seed() -> Seed {
    Seed::new(b"12345678901234567890".to_vec()).unwrap()
}

fn vault(byte: u8) -> (Vault, KeyId) {
    let vault = Vault::with_key(&[byte; 32]).unwrap();
    let key = vault.keys()[0];
    (vault, key)
}

fn is_damaged<T>(result: Result<T, VaultError>) -> bool {
    matches!(result, Err(VaultError::Damaged))
}

fn put(folder: &Path, name: &str, bytes: &[u8], mode: u32) {
    fs::write(folder.join(name), bytes).unwrap();
    fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_sealed_seed_opens_for_its_own_serial_only() {
    let (vault, key) = vault(7);
    let sealed = vault.seal(key, "A", 1, &seed()).unwrap();
    assert_eq!(vault.open_seed("A", &sealed).unwrap().as_bytes(), seed().as_bytes());
    assert!(is_damaged(vault.open_seed("B", &sealed)));
    assert!(is_damaged(vault.open_seed("", &sealed)));
}

#[test]
fn a_sealed_seed_opens_for_its_own_generation_only() {
    let (vault, key) = vault(7);
    let sealed = vault.seal(key, "A", 2, &seed()).unwrap();
    for generation in [0, 1, 3, u32::MAX] {
        let moved = SealedSeed { generation, ..sealed.clone() };
        assert!(is_damaged(vault.open_seed("A", &moved)), "it opened as generation {generation}");
    }
}

#[test]
fn the_house_secret_does_not_open_as_a_seed_nor_a_seed_as_the_house_secret() {
    let (vault, key) = vault(7);
    let house = vault.seal_house(key, 1).unwrap();
    assert!(is_damaged(vault.open_seed("", &house)));
    let long = Seed::new(vec![1; 32]).unwrap();
    let seed = vault.seal(key, "", 1, &long).unwrap();
    assert!(is_damaged(Keys::given(&[7; 32]).unwrap().unlock(&seed)));
}

#[test]
fn every_flipped_bit_of_a_sealed_seed_is_noticed() {
    let (vault, key) = vault(7);
    let sealed = vault.seal(key, "A", 1, &seed()).unwrap();
    for bit in 0..sealed.sealed.len() * 8 {
        let mut damaged = sealed.clone();
        damaged.sealed[bit / 8] ^= 1 << (bit % 8);
        assert!(is_damaged(vault.open_seed("A", &damaged)), "bit {bit} was not noticed");
    }
}

#[test]
fn a_wrong_key_is_named_and_told_apart_from_damage() {
    let ((seven, key), (eight, other)) = (vault(7), vault(8));
    let sealed = seven.seal(key, "A", 1, &seed()).unwrap();
    let Err(error) = eight.open_seed("A", &sealed) else { panic!("the wrong key opened it") };
    let text = error.to_string();
    assert!(text.contains(&key.to_string()) && text.contains(&other.to_string()), "{text}");
    assert_ne!(text, VaultError::Damaged.to_string());
}

#[test]
fn the_id_of_a_key_never_changes() {
    // printf 'fob master key id v1' | cat - <(printf '\007%.0s' {1..32}) | sha256sum
    assert_eq!(vault(7).1.to_string(), "5024f138c624e3b4");
}

#[test]
fn no_nonce_comes_twice() {
    // 2^16 of 2^192: one of them twice would mean a broken source, not chance.
    let (vault, key) = vault(7);
    let sealed = (0..1 << 16).map(|_| vault.seal(key, "A", 1, &seed()).unwrap().nonce);
    assert_eq!(sealed.collect::<HashSet<_>>().len(), 1 << 16);
}

#[test]
fn hashes_are_the_same_after_the_master_key_was_changed() {
    let (old, key) = vault(7);
    let mut keys = Keys::given(&[7; 32]).unwrap();
    let next = keys.ring.add(|room| {
        room.fill(8);
        Ok(())
    });
    let next = next.unwrap();
    let house = keys.unlock(&old.seal_house(key, 1).unwrap()).unwrap().seal_house(next, 2).unwrap();
    let new = Keys::given(&[8; 32]).unwrap().unlock(&house).unwrap();
    assert_eq!(new.fingerprint(&seed()), old.fingerprint(&seed()));
    assert_eq!(*new.recovery_key(), *old.recovery_key());
    let local = "10.0.0.7".parse().unwrap();
    assert_eq!(new.source(local), old.source(local));
}

#[test]
fn a_new_house_has_a_secret_of_its_own() {
    let one = Keys::given(&[7; 32]).unwrap().found().unwrap();
    let two = Keys::given(&[7; 32]).unwrap().found().unwrap();
    assert_ne!(one.fingerprint(&seed()), two.fingerprint(&seed()));
}

#[test]
fn the_key_is_made_once_and_is_for_its_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let source = Source::find(folder.path(), None);
    let first = Keys::open(source.clone(), KeyFile::Make).unwrap();
    let again = Keys::open(source, KeyFile::MustExist).unwrap();
    assert_eq!(again.ring.ids(), first.ring.ids());
    let mode = fs::metadata(folder.path().join(KEY_FILE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_missing_open_or_short_key_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let open = |file| Keys::open(Source::find(folder.path(), None), file);
    assert!(matches!(open(KeyFile::MustExist), Err(VaultError::Io(..))));
    put(folder.path(), KEY_FILE, &[1; 32], 0o644);
    assert!(matches!(open(KeyFile::Make), Err(VaultError::BadKeyFile(_))));
    put(folder.path(), KEY_FILE, &[1; 32], 0o600);
    assert!(open(KeyFile::Make).is_ok());
    put(folder.path(), KEY_FILE, &[1; 31], 0o600);
    assert!(matches!(open(KeyFile::Make), Err(VaultError::BadKeyFile(_))));
}

#[test]
fn a_credential_is_taken_before_the_file_and_the_previous_one_opens_too() {
    let (state, credentials) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    put(state.path(), KEY_FILE, &[1; 32], 0o600);
    let find = || Source::find(state.path(), Some(credentials.path()));
    assert_eq!(find(), Source::File(state.path().to_owned()), "an empty folder of credentials");
    // The service manager's access control list shows as a group's bits.
    put(credentials.path(), KEY_FILE, &[2; 32], 0o440);
    put(credentials.path(), PREVIOUS_CREDENTIAL, &[3; 32], 0o440);
    let keys = Keys::open(find(), KeyFile::MustExist).unwrap();
    assert_eq!(keys.ring.ids(), [vault(2).1, vault(3).1]);
    put(credentials.path(), KEY_FILE, &[2; 32], 0o444);
    assert!(matches!(Keys::open(find(), KeyFile::MustExist), Err(VaultError::BadKeyFile(_))));
}
