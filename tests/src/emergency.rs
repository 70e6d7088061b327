//! Emergency codes that a test lays down itself, so that it does not share fobctl's mistakes.
#![allow(clippy::unwrap_used)] // a helper of tests: a panic is a failed test

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};

/// Codes in the order of their slots.
pub const CODES: [&str; 10] = [
    "aaaa-bbbb-cccc-0001",
    "aaaa-bbbb-cccc-0002",
    "aaaa-bbbb-cccc-0003",
    "aaaa-bbbb-cccc-0004",
    "aaaa-bbbb-cccc-0005",
    "aaaa-bbbb-cccc-0006",
    "aaaa-bbbb-cccc-0007",
    "aaaa-bbbb-cccc-0008",
    "aaaa-bbbb-cccc-0009",
    "aaaa-bbbb-cccc-0010",
];
const SALT: &[u8; 16] = b"0123456789abcdef";

/// Lays these codes down for a user below this folder; returns the user's folder.
pub fn lay(base: &Path, user: &str, uid: u32, codes: &[&str]) -> PathBuf {
    let folder = base.join(uid.to_string());
    fs::create_dir_all(&folder).unwrap();
    for private in [base, &folder] {
        fs::set_permissions(private, fs::Permissions::from_mode(0o700)).unwrap();
    }
    for (index, code) in codes.iter().enumerate() {
        write(&folder.join(format!("{:02}", index + 1)), &line(user, code));
    }
    folder
}

/// Writes a file of root alone.
pub fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Returns the line of a slot with this code of this user.
pub fn line(user: &str, code: &str) -> String {
    let secret = code.replace('-', "") + user;
    let params = Params::new(7168, 5, 1, Some(32)).unwrap();
    let mut hash = [0; 32];
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password_into(secret.as_bytes(), SALT, &mut hash).unwrap();
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    format!("$argon2id$v=19$m=7168,t=5,p=1${}${}\n", hex(SALT), hex(&hash))
}

/// Returns the names of the files in a user's folder, sorted.
pub fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}
