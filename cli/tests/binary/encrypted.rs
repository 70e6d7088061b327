//! `fobctl import` of an encrypted file: the question, the descriptor, and what is said.

use std::process::Command;

use fob_api::{Error, ImportReport};

use crate::fake::{Fake, Reply, Terminal, can_run, destroy, receipt, run, run_alone, seed_file};

const ASKED: &str = "Import \"the contents\" \"\"";

fn asks_for_passphrase() -> Reply {
    Reply::Refuse(Error::PassphraseNeeded {
        fact: "line 3, column 3: the seeds are encrypted with a passphrase.".to_owned(),
        hint: "run fobctl in a terminal, which asks for it, or give it with --password-fd."
            .to_owned(),
    })
}

fn imported(notices: &[&str]) -> Reply {
    let notices = notices.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    Reply::Import(ImportReport {
        added: Some(vec!["1".to_owned()]),
        notices: (!notices.is_empty()).then_some(notices),
        ..ImportReport::default()
    })
}

fn wrong() -> Reply {
    Reply::Refuse(Error::BadSeedFile {
        fact: "the passphrase is wrong, or the file was changed.".to_owned(),
        hint: "type it as the vendor gave it; he sends it apart from the file.".to_owned(),
    })
}

/// Returns the same command with a descriptor 3 from which this text can be read.
fn with_descriptor(command: &Command, text: &str) -> Command {
    let mut shell = Command::new("bash");
    let script = format!("exec \"$0\" \"$@\" 3< <(printf '{text}')");
    shell.arg("-c").arg(script).arg(command.get_program()).args(command.get_args());
    shell
}

#[test]
fn the_passphrase_of_a_seed_file_is_asked_for_unseen_and_the_file_handed_over_again() {
    if !can_run() {
        return;
    }
    let (_folder, file) = seed_file(0o600);
    let fake = Fake::new(&[
        (ASKED, asks_for_passphrase()),
        ("Import \"the contents\" \"\" password=qwerty", imported(&[])),
    ]);
    let mut terminal = Terminal::start(fake.command(&["import", &file]));
    terminal.shows("Passphrase of the seed file: ");
    terminal.types("qwerty");
    let ended = terminal.ends();
    let end = receipt("Serial 1.", "the contents");
    assert_eq!((ended.status, ended.stdout), (0, format!("1 token added to stock.\n{end}")));
    assert!(!ended.stderr.contains("qwerty"), "it was shown: {}", ended.stderr);
}

#[test]
fn a_file_that_is_changed_while_it_is_imported_is_told() {
    if !can_run() {
        return;
    }
    let (_folder, file) = seed_file(0o600);
    let fake = Fake::new(&[
        (ASKED, asks_for_passphrase()),
        ("Import \"other contents\" \"\" password=qwerty", imported(&[])),
    ]);
    let mut terminal = Terminal::start(fake.command(&["import", &file]));
    terminal.shows("Passphrase of the seed file: ");
    std::fs::write(&file, "other contents").unwrap();
    terminal.types("qwerty");
    terminal.shows("note: the file was changed while it was imported: its hash, and rows");
    let end = receipt("Serial 1.", "other contents");
    assert_eq!(terminal.ends().stdout, format!("1 token added to stock.\n{end}"));
}

#[test]
fn the_key_of_a_seed_file_is_asked_for_by_its_own_name() {
    if !can_run() {
        return;
    }
    let (_folder, file) = seed_file(0o600);
    let needed = Error::KeyNeeded { fact: String::new(), hint: String::new() };
    let fake = Fake::new(&[
        ("Import \"the contents\" \"\" dry_run=true", Reply::Refuse(needed)),
        ("Import \"the contents\" \"\" dry_run=true password=00 11", imported(&[])),
    ]);
    let mut terminal = Terminal::start(fake.command(&["import", "--dry-run", &file]));
    terminal.shows("Key of the seed file, in hexadecimal or base64: ");
    terminal.types("00 11");
    assert_eq!(terminal.ends().stdout, "1 token would be added to stock.\n");
}

#[test]
fn a_wrong_passphrase_is_one_error_and_no_second_question() {
    if !can_run() {
        return;
    }
    let (_folder, file) = seed_file(0o600);
    let fake = Fake::new(&[
        (ASKED, asks_for_passphrase()),
        ("Import \"the contents\" \"\" password=Qwerty", wrong()),
    ]);
    let mut terminal = Terminal::start(fake.command(&["import", &file]));
    terminal.shows("Passphrase of the seed file: ");
    terminal.types("Qwerty");
    terminal.shows(&format!(
        "fobctl: {file}: the passphrase is wrong, or the file was changed.\r\n\
         hint: type it as the vendor gave it; he sends it apart from the file.\r\n"
    ));
    assert_eq!(terminal.ends().status, 5);
}

#[test]
fn an_empty_line_and_the_end_of_input_give_up() {
    if !can_run() {
        return;
    }
    for (keys, text) in [
        ("\n", "fobctl: no passphrase was typed; nothing was done.\r\n"),
        ("\u{4}", "fobctl: the input ended; nothing was changed.\r\n"),
        ("\u{3}", "fobctl: the input ended; nothing was changed.\r\n"),
    ] {
        let (_folder, file) = seed_file(0o600);
        let fake = Fake::new(&[(ASKED, asks_for_passphrase())]);
        let mut terminal = Terminal::start(fake.command(&["import", &file]));
        terminal.shows("Passphrase of the seed file: ");
        terminal.presses(keys);
        terminal.shows(text);
        assert_eq!(terminal.ends().status, 1);
    }
}

#[test]
fn without_a_terminal_nothing_is_asked_and_the_way_is_told() {
    if !can_run() {
        return;
    }
    let (_folder, file) = seed_file(0o600);
    let fake = Fake::new(&[(ASKED, asks_for_passphrase())]);
    fake.run(&["import", &file], "qwerty\n").failed(
        2,
        &format!(
            "fobctl: {file}: line 3, column 3: the seeds are encrypted with a passphrase.\n\
             hint: run fobctl in a terminal, which asks for it, or give it with --password-fd.\n"
        ),
    );
}

#[test]
fn a_descriptor_gives_its_first_line_in_the_first_call() {
    if !can_run() {
        return;
    }
    let (_folder, file) = seed_file(0o600);
    let call = "Import \"the contents\" \"\" password= two words ";
    let fake = Fake::new(&[(call, imported(&[])), (call, imported(&[]))]);
    let done = format!("1 token added to stock.\n{}", receipt("Serial 1.", "the contents"));
    let command = fake.command(&["import", "--password-fd", "3", &file]);
    for ended in [
        fake.run(&["import", "--password-fd", "0", &file], " two words \nthree"),
        run(with_descriptor(&command, " two words \\nthree"), ""),
    ] {
        assert_eq!((ended.status, ended.stdout, ended.stderr), (0, done.clone(), destroy(&file)));
    }
}

#[test]
fn a_descriptor_that_gives_nothing_is_refused_without_the_daemon() {
    if !can_run() {
        return;
    }
    let (_folder, file) = seed_file(0o600);
    let hint = "hint: in a shell, write \"--password-fd 3 3< FILE\".\n";
    for input in ["", "\n", "\nqwerty\n"] {
        let fact = "fobctl: there is no passphrase or key on descriptor 0.\n";
        run_alone(&["import", "--password-fd", "0", &file], input)
            .failed(2, &format!("{fact}{hint}"));
    }
    let fact = "fobctl: descriptor 99: No such file or directory (os error 2).\n";
    run_alone(&["import", "--password-fd", "99", &file], "").failed(2, &format!("{fact}{hint}"));
    run_alone(&["import", "--password-fd", "0", "-"], "x").failed(
        2,
        "fobctl: standard input is the seed file and cannot be the password too.\n\
         hint: name the seed file, or take another descriptor.\n",
    );
}

#[test]
fn what_is_to_be_known_of_a_file_is_said_beside_the_receipt() {
    if !can_run() {
        return;
    }
    let (_folder, file) = seed_file(0o600);
    let notices = ["mac-over-plaintext", "no-mac", "signature-unchecked", "of-later"];
    let fake = Fake::new(&[(ASKED, imported(&notices))]);
    let ended = fake.run(&["import", &file], "");
    let end = receipt("Serial 1.", "the contents");
    assert_eq!((ended.status, ended.stdout), (0, format!("1 token added to stock.\n{end}")));
    let notes = "note: the MACs are of the plain seeds, as in drafts before RFC 6030; they fit.\n\
         note: the encrypted seeds have no MAC: nobody can tell whether the file was changed.\n\
         note: the file is signed, and Fob checks no signatures.\n\
         note: fobd says \"of-later\" of this file.\n";
    assert_eq!(ended.stderr, format!("{notes}{}", destroy(&file)));
}

#[test]
fn a_format_that_was_found_is_named_beside_what_is_to_be_known_of_the_file() {
    if !can_run() {
        return;
    }
    let (_folder, file) = seed_file(0o600);
    let found = || {
        let (format, added) = (Some("pskc".to_owned()), Some(vec!["1".to_owned()]));
        let notices = Some(vec!["no-mac".to_owned()]);
        Reply::Import(ImportReport { format, added, notices, ..ImportReport::default() })
    };
    let fake = Fake::new(&[
        ("Import \"the contents\" \"\" password=qwerty", found()),
        ("Import \"the contents\" \"pskc\" kind=hotp-6 password=qwerty", found()),
    ]);
    let password = ["import", &file, "--password-fd", "0"];
    let note =
        "note: the encrypted seeds have no MAC: nobody can tell whether the file was changed.\n";
    let named = ["--format", "pskc", "--kind", "hotp-6"];
    let end = receipt("Serial 1.", "the contents");
    for (said, counts) in [
        (&[][..], "Read as pskc.\n1 token added to stock.\n"),
        (&named, "1 token added to stock.\n"),
    ] {
        let ended = fake.run(&[&password, said].concat(), "qwerty\n");
        let shown = (ended.status, ended.stdout, ended.stderr);
        assert_eq!(shown, (0, format!("{counts}{end}"), format!("{note}{}", destroy(&file))));
    }
}
