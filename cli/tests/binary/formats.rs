//! `import`: what is said about formats, encodings and kinds, to the letter.

use fob_api::{Error, ImportReport};

use crate::fake::{Fake, Reply, can_run, receipt, run_alone};

fn read_as(format: &str) -> Reply {
    Reply::Import(ImportReport {
        format: Some(format.to_owned()),
        added: Some(vec!["1".to_owned()]),
        ..ImportReport::default()
    })
}

#[test]
fn the_list_of_formats_is_printed_without_the_daemon() {
    if !can_run() {
        return;
    }
    run_alone(&["import", "--list-formats"], "").printed(include_str!("formats.txt"));
}

#[test]
fn a_format_that_was_found_is_named_and_one_that_was_given_is_not() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[
        ("Import \"x\" \"\"", read_as("entra-csv")),
        ("Import \"x\" \"\" dry_run=true", read_as("multiotp-csv")),
        ("Import \"x\" \"oath-csv\"", read_as("oath-csv")),
    ]);
    let done = format!("1 token added to stock.\n{}", receipt("Serial 1.", "x"));
    fake.run(&["import", "-"], "x").printed(&format!("Read as entra-csv.\n{done}"));
    fake.run(&["import", "-", "--dry-run"], "x")
        .printed("Read as multiotp-csv.\n1 token would be added to stock.\n");
    fake.run(&["import", "-", "--format", "oath-csv"], "x").printed(&done);
}

#[test]
fn what_the_file_leaves_open_is_handed_over() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[(
        "Import \"x\" \"feitian-text\" encoding=base32 kind=totp-6-60",
        read_as("feitian-text"),
    )]);
    let said = ["--format", "feitian-text", "--encoding", "base32", "--kind", "totp-6-60"];
    fake.run(&[["import", "-"].as_slice(), &said].concat(), "x")
        .printed(&format!("1 token added to stock.\n{}", receipt("Serial 1.", "x")));
}

#[test]
fn a_file_of_several_formats_is_refused_with_their_names() {
    if !can_run() {
        return;
    }
    let fact = "the file can be read as oath-csv or plain-csv, and not with the same tokens.";
    let hint = "add \"--format\" with one of these.";
    let refusal = Error::BadSeedFile { fact: fact.to_owned(), hint: hint.to_owned() };
    let fake = Fake::new(&[("Import \"x\" \"\"", Reply::Refuse(refusal))]);
    fake.run(&["import", "-"], "x")
        .failed(5, &format!("fobctl: standard input: {fact}\nhint: {hint}\n"));
}
