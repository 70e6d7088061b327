//! Passwords of the stage's users, and the service that checks them.
#![allow(clippy::unwrap_used)] // a helper of tests: a panic is a failed test

use std::fs;
use std::path::PathBuf;

use crate::pam_host::Stage;

/// alice's: it has spaces, and ends in a digit.
pub const ALICE: &str = "correct horse 7";
/// carol's: digits alone.
pub const CAROL: &str = "98765432";
/// dave's: letters that are no ASCII.
pub const DAVE: &str = "pässwörd→";

/// Their hashes by crypt(3), with the fewest rounds that SHA-512 has there; the last one is alice's
/// again, for a user whom the host of the tests has, too.
const SHADOW: &str = "\
root:*:20000:0:99999:7:::
alice:$6$rounds=1000$fob$sUmn4W2f/iMK6PzQuFaHZ3XoiQtfcegnGeCiKmXJJIyb8rTzLoHFQzE6DzyAX7aYeOraNl.B0fUuOTok9T1aj.:20000:0:99999:7:::
carol:$6$rounds=1000$fob$L8wCJk/qZTl9GDsA62o57es8BhFoTTSWU26hbEo7HAYeziDX9EH/vkg8LvKlCrJjblsSjtFS7foiJcjysz2a90:20000:0:99999:7:::
dave:$6$rounds=1000$fob$YcejrcwRPfj8uigZtp4f.tDtWXQyltEBSmW8TPz23c11HdeA5.sW3ysqLnk8nZ1nG.I8tw.9H5FTStP4lY5hl/:20000:0:99999:7:::
daemon:$6$rounds=1000$fob$sUmn4W2f/iMK6PzQuFaHZ3XoiQtfcegnGeCiKmXJJIyb8rTzLoHFQzE6DzyAX7aYeOraNl.B0fUuOTok9T1aj.:20000:0:99999:7:::
";

/// The file as the packages bring it.
pub const SHIPPED: &str = include_str!("../../packaging/pam/fob-password");

/// Gives the stage's users their passwords, and the service its file.
pub fn lay(stage: &Stage) {
    let folder = stage.folder();
    fs::write(folder.join("shadow"), SHADOW).unwrap();
    let users = folder.join("passwd");
    let known = fs::read_to_string(&users).unwrap();
    fs::write(&users, known + "daemon:x:1:1::/:/bin/sh\n").unwrap();
    write_service(stage, SHIPPED);
}

/// Returns where the service's file is.
pub fn service(stage: &Stage) -> PathBuf {
    stage.folder().join("pam.d/fob-password")
}

/// Writes another file for it.
pub fn write_service(stage: &Stage, text: &str) {
    fs::write(service(stage), text).unwrap();
}
