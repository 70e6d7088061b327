//! `import --from`: what goes to the daemon, what is said of each user, how it ends.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use fob_api::{AdoptReport, AdoptRow, Error};
use tempfile::TempDir;

use crate::fake::{Fake, Reply, can_run, run_alone};

fn row(user: &str, outcome: &str) -> AdoptRow {
    let said = |text: &str| Some(text.to_owned());
    AdoptRow { user: said(user), outcome: said(outcome), ..AdoptRow::default() }
}

fn moved(user: &str, serial: &str) -> AdoptRow {
    AdoptRow { serial: Some(serial.to_owned()), ..row(user, "moved") }
}

fn refused(user: &str, fact: &str, hint: &str) -> AdoptRow {
    AdoptRow {
        reason: Some("a_reason".to_owned()),
        fact: Some(fact.to_owned()),
        hint: Some(hint.to_owned()),
        ..row(user, "not_moved")
    }
}

fn reply(rows: &[AdoptRow]) -> Reply {
    Reply::Adopt(AdoptReport { people: Some(rows.to_vec()) })
}

/// A folder with a file of each of these users, as `--secret FOLDER/${USER}` finds them.
fn secrets(files: &[(&str, &str)]) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    for (user, text) in files {
        write(&folder.path().join(user), text);
    }
    let pattern = format!("{}/${{USER}}", folder.path().display());
    (folder, pattern)
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o400)).unwrap();
}

#[test]
fn what_is_for_the_other_programs_moves_nobody() {
    let of_homes = "fobctl: --user is for a file; google-authenticator has one for each user.\n\
                    hint: name the users behind the program: --from google-authenticator NAME.\n";
    run_alone(&["import", "--from", "google-authenticator", "--user", "alice"], "")
        .failed(2, of_homes);
    let of_file = "fobctl: users in a row, and --secret, are for google-authenticator alone.\n\
                   hint: give the user of the file with --user NAME.\n";
    for rest in [&["/etc/users.oath", "alice"][..], &["--secret", "/x/${USER}"]] {
        let args = [&["import", "--from", "users.oath"], rest].concat();
        run_alone(&args, "").failed(2, of_file);
    }
}

#[test]
fn users_who_are_named_are_moved_one_by_one() {
    if !can_run() {
        return;
    }
    let (_folder, secret) = secrets(&[("daemon", "a seed"), ("bin", "another")]);
    let waits = AdoptRow { wait: Some(31), recovery: Some(5), ..moved("bin", "GA-2") };
    let fake = Fake::new(&[
        (
            "Adopt \"a seed\" google-authenticator user=daemon",
            reply(&[row("daemon", "already_moved")]),
        ),
        ("Adopt \"another\" google-authenticator user=bin", reply(&[waits])),
    ]);
    let args = ["import", "--from", "google-authenticator", "--secret", &secret, "daemon", "bin"];
    let ended = fake.run(&args, "");
    assert_eq!(
        (ended.status, ended.stdout.as_str(), ended.stderr.as_str()),
        (
            0,
            "USER    SERIAL  RESULT\n\
             daemon  -       already moved\n\
             bin     GA-2    moved; codes are taken in 31 s\n",
            "hint: 5 scratch codes of bin were kept as recovery codes; run \"fobctl recovery bin\" for stronger ones.\n"
        )
    );
}

#[test]
fn what_becomes_of_scratch_codes_is_said_before_and_after() {
    if !can_run() {
        return;
    }
    let (_folder, secret) = secrets(&[("daemon", "a seed"), ("bin", "another")]);
    let kept = AdoptRow { recovery: Some(1), malformed: Some(1), ..moved("daemon", "GA-1") };
    let not = AdoptRow { scratch: Some(5), malformed: Some(2), ..moved("bin", "GA-2") };
    let fake = Fake::new(&[
        ("Adopt \"a seed\" google-authenticator user=daemon dry_run=true", reply(&[kept])),
        ("Adopt \"another\" google-authenticator user=bin dry_run=true", reply(&[not])),
    ]);
    let args = ["import", "--from", "google-authenticator", "--secret", &secret];
    let ended = fake.run(&[&args[..], &["--dry-run", "daemon", "bin"]].concat(), "");
    let behind = "no scratch code of 8 digits, or behind a line that is none, or behind 10 codes.";
    assert_eq!(
        (ended.status, ended.stderr),
        (
            0,
            format!(
                "hint: 1 scratch code of daemon would be kept as a recovery code; run \"fobctl \
                 recovery daemon\" for stronger ones.\n\
                 hint: 1 line of daemon's file passed over: {behind}\n\
                 hint: 5 scratch codes of bin are not kept: recovery codes were printed for bin \
                 before; run \"fobctl recovery bin\" if they are gone.\n\
                 hint: 2 lines of bin's file passed over: {behind}\n"
            )
        )
    );
}

#[test]
fn without_names_every_user_with_a_file_is_moved() {
    if !can_run() {
        return;
    }
    let (_folder, secret) = secrets(&[("daemon", "a seed"), ("no-user-of-this-host", "x")]);
    let fake = Fake::new(&[(
        "Adopt \"a seed\" google-authenticator user=daemon dry_run=true",
        reply(&[moved("daemon", "GA-1")]),
    )]);
    fake.run(&["import", "--from", "google-authenticator", "--secret", &secret, "--dry-run"], "")
        .printed("USER    SERIAL  RESULT\ndaemon  GA-1    would be moved\n");
}

#[test]
fn a_file_that_is_not_safe_or_not_there_is_named_and_the_others_are_moved() {
    if !can_run() {
        return;
    }
    let (folder, secret) = secrets(&[("root", "of root"), ("sys", "a seed")]);
    symlink(folder.path().join("root"), folder.path().join("daemon")).unwrap();
    let fake = Fake::new(&[(
        "Adopt \"a seed\" google-authenticator user=sys",
        Reply::Refuse(Error::BadSeedFile {
            fact: "line 1, column 2: this is not UTF-8 text.".to_owned(),
            hint: String::new(),
        }),
    )]);
    let names = ["daemon", "bin", "sys", "no-user-of-this-host"];
    let args = ["import", "--from", "google-authenticator", "--secret", &secret];
    let ended = fake.run(&[&args[..], &names].concat(), "");
    assert_eq!(
        (ended.status, ended.stdout.as_str(), ended.stderr.as_str()),
        (
            1,
            "USER                  SERIAL  RESULT\n\
             daemon                -       not moved: the file is a link.\n\
             bin                   -       not moved: there is no such file in his home.\n\
             sys                   -       not moved: line 1, column 2: this is not UTF-8 text.\n\
             no-user-of-this-host  -       not moved: there is no such user on this host.\n",
            "hint: have the user put the file itself there; \"--secret PATH\" says where else it is.\n\
             hint: \"--secret PATH\" says where else it is; or leave the user out.\n\
             hint: give the user another token with \"fobctl assign\".\n\
             hint: correct the name; \"getent passwd\" lists the users.\n\
             fobctl: 4 of 4 were not moved.\n"
        )
    );
}

#[test]
fn a_users_file_goes_to_the_daemon_sealed_and_each_remedy_is_told_once() {
    if !can_run() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users.oath");
    write(&path, "HOTP alice - 00");
    let pin = AdoptRow { dropped: Some("pin".to_owned()), ..moved("carol", "OATH-1") };
    let hint = "give the user another token.";
    let rows = [refused("alice", "no.", hint), refused("bob\u{1b}[2J", "no.", hint), pin];
    let fake = Fake::new(&[("Adopt \"HOTP alice - 00\" users.oath", reply(&rows))]);
    let ended = fake.run(&["import", "--from", "users.oath", path.to_str().unwrap()], "");
    assert_eq!(
        (ended.status, ended.stdout.as_str(), ended.stderr.as_str()),
        (
            1,
            "USER     SERIAL  RESULT\n\
             alice    -       not moved: no.\n\
             bob\u{fffd}[2J  -       not moved: no.\n\
             carol    OATH-1  moved\n",
            "hint: give the user another token.\n\
             hint: carol had a PIN besides the code, which Fob does not ask for; let PAM ask for the password.\n\
             fobctl: 2 of 3 were not moved.\n"
        )
    );
}

#[test]
fn uris_come_from_standard_input_for_a_user_and_json_says_all() {
    if !can_run() {
        return;
    }
    let rows = [AdoptRow { wait: Some(150), ..moved("alice", "APP-1") }];
    let fake =
        Fake::new(&[("Adopt \"otpauth://x\" otpauth user=alice dry_run=true", reply(&rows))]);
    let args = ["import", "--from", "otpauth", "--user", "alice", "--dry-run", "--json", "-"];
    fake.run(&args, "otpauth://x").printed(
        "[\n  {\n    \"dropped\": null,\n    \"fact\": null,\n    \"hint\": null,\n    \
         \"malformed\": null,\n    \"outcome\": \"moved\",\n    \"reason\": null,\n    \
         \"recovery\": null,\n    \"scratch\": null,\n    \
         \"serial\": \"APP-1\",\n    \"user\": \"alice\",\n    \"wait\": 150\n  }\n]\n",
    );
}

#[test]
fn what_is_said_of_vendors_files_is_not_said_here() {
    if !can_run() {
        return;
    }
    for args in [
        ["import", "--from", "users.oath", "--kind", "hotp-6"],
        ["import", "--from", "users.oath", "--format", "oath-csv"],
        ["import", "--from", "pam_oath", "--dry-run", "x"],
        ["import", "seeds.csv", "--user", "alice", "--dry-run"],
        ["import", "seeds.csv", "bob", "--dry-run", "--ignore-expiry"],
        ["import", "--from", "users.oath", "--partial", "x"],
    ] {
        assert_eq!(run_alone(&args, "").status, 2, "{args:?}");
    }
}

#[test]
fn a_file_that_cannot_be_read_at_all_is_a_bad_file() {
    if !can_run() {
        return;
    }
    run_alone(&["import", "--from", "users.oath", "/no/such/file"], "")
        .failed(5, "fobctl: /no/such/file: there is no such file.\n");
    let fake = Fake::new(&[(
        "Adopt \"x\" users.oath",
        Reply::Refuse(Error::BadSeedFile {
            fact: "the file is empty.".to_owned(),
            hint: String::new(),
        }),
    )]);
    fake.run(&["import", "--from", "users.oath", "-"], "x")
        .failed(5, "fobctl: standard input: the file is empty.\n");
}
