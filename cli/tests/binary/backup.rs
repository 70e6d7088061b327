//! `fobctl backup` and `fobctl restore`: the file, and the dialogue about its passphrase.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use age::{secrecy::ExposeSecret, x25519::Identity};
use fob_api::{BackupReport, Error, RestoreReport};
use tempfile::TempDir;

use crate::fake::{Fake, Reply, Terminal, can_run, run_alone};

const PHRASE: &str = "correct horse battery";
const CALL: &str = "Backup with 32 bytes of key";

fn saved() -> (&'static str, Reply) {
    let report = BackupReport { tokens: Some(2), ..BackupReport::default() };
    (CALL, Reply::Backup("the stream", report))
}

fn restored() -> Reply {
    Reply::Restore(RestoreReport {
        host: Some("alpha".to_owned()),
        taken: Some(1_800_000_000),
        added: Some(2),
        ..RestoreReport::default()
    })
}

/// A folder with a place for a backup, and somebody with a pair of keys.
struct Desk {
    folder: TempDir,
    owner: Identity,
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), owner: Identity::generate() }
    }

    fn public(&self) -> String {
        self.owner.to_public().to_string()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn name(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Writes a private key as age-keygen(1) does, and returns the file's name.
    fn keys(&self, key: &Identity, mode: u32) -> String {
        let (path, secret) = (self.path("key.txt"), key.to_string());
        let text = format!("# created: 2026-01-01\n{}\n", secret.expose_secret());
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        self.name("key.txt")
    }

    fn files(&self) -> usize {
        fs::read_dir(self.folder.path()).unwrap().count()
    }
}

/// Makes a backup for the desk's owner.
fn make(desk: &Desk) -> String {
    let name = desk.name("tokens.age");
    let ended = Fake::new(&[saved()]).run(&["backup", "--recipient", &desk.public(), &name], "");
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
    name
}

fn has(path: &Path, part: &[u8]) -> bool {
    fs::read(path).unwrap().windows(part.len()).any(|found| found == part)
}

#[test]
fn a_backup_for_a_public_key_is_restored_with_the_private_one() {
    if !can_run() {
        return;
    }
    let desk = Desk::new();
    let name = desk.name("tokens.age");
    let fake = Fake::new(&[saved(), ("Restore \"the stream\"", restored())]);
    fake.run(&["backup", "--recipient", &desk.public(), &name], "").printed(&format!(
        "2 tokens backed up in {name}. Keep what opens it apart from it: without that nobody can.\n"
    ));
    let mode = fs::metadata(&name).unwrap().permissions().mode();
    assert_eq!((mode & 0o777, desk.files()), (0o600, 1));
    assert!(!has(&desk.path("tokens.age"), b"the stream"));
    let key = desk.keys(&desk.owner, 0o600);
    fake.run(&["restore", "--identity", &key, &name], "").printed(
        "Backup of alpha, 2027-01-15T08:00:00Z.\n\
         2 tokens brought in, 0 changed, 0 as good or newer here, 0 skipped.\n\
         \n\
         Codes that were shown until now are refused; the next ones are good.\n",
    );
}

#[test]
fn a_passphrase_is_typed_twice_unseen_and_once_to_restore() {
    if !can_run() {
        return;
    }
    let desk = Desk::new();
    let name = desk.name("tokens.age");
    let fake = Fake::new(&[saved(), ("Restore \"the stream\"", restored())]);
    let mut terminal = Terminal::start(fake.command(&["backup", &name]));
    terminal.shows("Passphrase of the backup, at least 12 characters: ");
    terminal.types("too short");
    terminal.shows("a passphrase of a backup has at least 12 characters.\r\n");
    terminal.shows("Passphrase of the backup, at least 12 characters: ");
    terminal.types(PHRASE);
    terminal.shows("The same again: ");
    terminal.types("correct horse batterie");
    terminal.shows("These are two different ones.\r\n");
    terminal.shows("Passphrase of the backup, at least 12 characters: ");
    terminal.types(PHRASE);
    terminal.shows("The same again: ");
    terminal.types(PHRASE);
    let ended = terminal.ends();
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    assert!(!ended.stderr.contains("horse"), "it was shown: {}", ended.stderr);
    let mut terminal = Terminal::start(fake.command(&["restore", &name]));
    terminal.shows("Passphrase of the backup: ");
    terminal.types(PHRASE);
    let ended = terminal.ends();
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    assert!(!ended.stderr.contains("horse"), "it was shown: {}", ended.stderr);
}

#[test]
fn the_end_of_input_and_the_interrupt_key_end_the_question_and_leave_nothing() {
    if !can_run() {
        return;
    }
    for key in ["\u{4}", "\u{3}"] {
        let (desk, fake) = (Desk::new(), Fake::new(&[]));
        let mut terminal = Terminal::start(fake.command(&["backup", &desk.name("tokens.age")]));
        terminal.shows("at least 12 characters: ");
        terminal.presses(key);
        terminal.shows("fobctl: the input ended; nothing was changed.\r\n");
        assert_eq!((terminal.ends().status, desk.files()), (1, 0));
    }
}

#[test]
fn a_passphrase_comes_on_standard_input_for_a_script() {
    if !can_run() {
        return;
    }
    let desk = Desk::new();
    let name = desk.name("tokens.age");
    let fake = Fake::new(&[saved(), ("Restore \"the stream\" dry_run=true", restored())]);
    let line = format!("{PHRASE}\n");
    assert_eq!(fake.run(&["backup", "--passphrase-stdin", &name], &line).status, 0);
    let args = ["restore", "--passphrase-stdin", "--dry-run", &name];
    let ended = fake.run(&args, &line);
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    assert!(ended.stdout.contains("2 tokens would be brought in"), "{}", ended.stdout);
    let wrong = fake.run(&args, "another passphrase\n");
    wrong.failed(
        5,
        &format!(
            "fobctl: {name}: the passphrase or key is not the one of this backup, or it is damaged.\n"
        ),
    );
}

#[test]
fn a_passphrase_that_is_short_or_missing_is_refused_and_nothing_is_left() {
    if !can_run() {
        return;
    }
    let (desk, fake) = (Desk::new(), Fake::new(&[]));
    let name = desk.name("tokens.age");
    let short = fake.run(&["backup", "--passphrase-stdin", &name], "elevenchars\n");
    short.failed(1, "fobctl: a passphrase of a backup has at least 12 characters.\n");
    let none = fake.run(&["backup", "--passphrase-stdin", &name], "");
    assert_eq!(none.status, 2);
    let nowhere = fake.run(&["backup", &name], "correct horse battery\n");
    assert_eq!(nowhere.status, 2);
    assert!(nowhere.stderr.starts_with("fobctl: there is no terminal to ask for a passphrase at."));
    assert_eq!(desk.files(), 0);
}

#[test]
fn a_file_that_is_there_is_replaced_only_by_force() {
    if !can_run() {
        return;
    }
    let desk = Desk::new();
    let (name, path) = (desk.name("tokens.age"), desk.path("tokens.age"));
    fs::write(&path, "old").unwrap();
    let fake = Fake::new(&[saved()]);
    fake.run(&["backup", "--recipient", &desk.public(), &name], "").failed(
        1,
        &format!("fobctl: {name} is there already.\nhint: add --force to replace it.\n"),
    );
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert_eq!(
        fake.run(&["backup", "--force", "--recipient", &desk.public(), &name], "").status,
        0
    );
    assert!(has(&path, b"age-encryption.org/v1"));
    assert_eq!(desk.files(), 1);
}

#[test]
fn a_backup_that_the_daemon_refuses_leaves_nothing() {
    if !can_run() {
        return;
    }
    let desk = Desk::new();
    let name = desk.name("tokens.age");
    let fake = Fake::new(&[(CALL, Reply::Refuse(Error::StoreUnavailable))]);
    assert_eq!(fake.run(&["backup", "--recipient", &desk.public(), &name], "").status, 4);
    assert_eq!(desk.files(), 0);
    let alone = run_alone(&["backup", "--recipient", &desk.public(), &name], "");
    assert_eq!((alone.status, desk.files()), (4, 0));
}

#[test]
fn a_wrong_key_a_flipped_byte_and_a_cut_reach_no_daemon() {
    if !can_run() {
        return;
    }
    let desk = Desk::new();
    let (name, path) = (make(&desk), desk.path("tokens.age"));
    let whole = fs::read(&path).unwrap();
    let fake = Fake::new(&[]);
    let wrong = desk.keys(&Identity::generate(), 0o600);
    assert_eq!(fake.run(&["restore", "--identity", &wrong, &name], "").status, 5);
    let key = desk.keys(&desk.owner, 0o600);
    for at in [0, 30, 60, 120, whole.len() - 60, whole.len() - 1] {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        for damaged in [&flipped[..], &whole[..at]] {
            fs::write(&path, damaged).unwrap();
            let ended = fake.run(&["restore", "--identity", &key, &name], "");
            assert_eq!((ended.status, ended.stdout.as_str()), (5, ""), "byte {at}");
        }
    }
    fs::write(&path, "no backup").unwrap();
    fake.run(&["restore", "--identity", &key, &name], "")
        .failed(5, &format!("fobctl: {name}: this is no backup of Fob.\n"));
}

#[test]
fn a_private_key_that_others_can_read_is_refused() {
    if !can_run() {
        return;
    }
    let desk = Desk::new();
    let name = make(&desk);
    let key = desk.keys(&desk.owner, 0o640);
    Fake::new(&[]).run(&["restore", "--identity", &key, &name], "").failed(
        1,
        &format!(
            "fobctl: {key}: others than its owner may read this file.\nhint: run chmod 600 {key}\n"
        ),
    );
}

#[test]
fn what_opens_a_backup_is_told_if_something_else_was_given() {
    if !can_run() {
        return;
    }
    let desk = Desk::new();
    let name = make(&desk);
    let ended = Fake::new(&[]).run(&["restore", &name], "");
    ended.failed(
        2,
        &format!(
            "fobctl: {name}: it is sealed for a public key.\n\
             hint: add --identity FILE with the private key.\n"
        ),
    );
}

#[test]
fn a_backup_goes_through_a_pipe_and_to_no_terminal() {
    if !can_run() {
        return;
    }
    let (desk, fake) = (Desk::new(), Fake::new(&[saved()]));
    let mut command = fake.command(&["backup", "--recipient", &desk.public(), "-"]);
    let output = command.stdin(std::process::Stdio::null()).output().unwrap();
    assert!(output.status.success());
    assert!(output.stdout.starts_with(b"age-encryption.org/v1\n"));
    let terminal =
        Terminal::on_output(fake.command(&["backup", "--recipient", &desk.public(), "-"]));
    let ended = terminal.ends();
    assert_eq!(ended.status, 2);
    assert!(ended.stderr.contains("a backup is not written to a terminal."), "{}", ended.stderr);
}

#[test]
fn standard_input_is_not_passphrase_and_backup_at_once() {
    if !can_run() {
        return;
    }
    let desk = Desk::new();
    let name = desk.name("tokens.age");
    let fake = Fake::new(&[saved()]);
    fake.run(&["backup", "--passphrase-stdin", &name], &format!("{PHRASE}\n"));
    let mut command = fake.command(&["restore", "--passphrase-stdin", "-"]);
    command.stdin(fs::File::open(&name).unwrap());
    assert_eq!(command.output().unwrap().status.code(), Some(2));
}

#[test]
fn the_daemons_word_on_a_backup_names_the_file() {
    if !can_run() {
        return;
    }
    let desk = Desk::new();
    let name = make(&desk);
    let newer = Error::BadBackup { fact: "it is newer.".to_owned(), hint: String::new() };
    let fake = Fake::new(&[("Restore \"the stream\"", Reply::Refuse(newer))]);
    let key = desk.keys(&desk.owner, 0o600);
    fake.run(&["restore", "--identity", &key, &name], "")
        .failed(5, &format!("fobctl: {name}: it is newer.\n"));
}
