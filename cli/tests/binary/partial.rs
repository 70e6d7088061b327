//! `import --partial`, and the receipt.

use std::{fs, os::unix::fs::PermissionsExt};

use fob_api::{Error, ImportReject, ImportReport};

use crate::fake::{Fake, Reply, can_run};

const TEXT: &str = "A1,good\nA2,seed-of-a2\nA3,good\n";
/// What sha256sum(1) says of it.
const HASH: &str = "fd17b43ee6bf96f93b27515de7ed6e882dd54bffacc1d30bb6b410cd980154d1";

fn report(format: &str, rejected: Vec<ImportReject>) -> ImportReport {
    ImportReport {
        format: Some(format.to_owned()),
        added: Some(vec!["A1".to_owned(), "A3".to_owned()]),
        unchanged: Some(Vec::new()),
        rejected: Some(rejected),
        ..ImportReport::default()
    }
}

fn second() -> ImportReject {
    ImportReject {
        line: Some(2),
        column: Some(4),
        serial: None,
        fact: Some("line 2, column 4: the seed is too short.".to_owned()),
        hint: Some("ask the vendor for the whole seed.".to_owned()),
    }
}

const NOTE: &str =
    "note: line 2, column 4: the seed is too short. (ask the vendor for the whole seed)\n";

#[test]
fn bad_rows_are_copied_into_a_private_file_with_their_reasons() {
    if !can_run() {
        return;
    }
    let call = "Import \"A1,good\nA2,seed-of-a2\nA3,good\n\" \"\" partial=true";
    let fake = Fake::new(&[(call, Reply::Import(report("oath-csv", vec![second()])))]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rejects");
    let name = path.to_str().unwrap();
    let ended = fake.run(&["import", "-", "--partial", name], TEXT);
    assert_eq!((ended.status, ended.stderr.as_str()), (0, NOTE));
    assert_eq!(
        ended.stdout,
        format!(
            "Read as oath-csv.\n2 tokens added to stock.\nSerials A1 to A3.\n\
             SHA-256 of the file: {HASH}\n\
             1 row was set aside: {name} has them, with their seeds. Mend it and import it.\n"
        )
    );
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "# line 2, column 4: the seed is too short. (ask the vendor for the whole seed)\n\
         A2,seed-of-a2\n"
    );
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn the_reasons_of_xml_are_written_without_anything_of_the_file() {
    if !can_run() {
        return;
    }
    let call = "Import \"A1,good\nA2,seed-of-a2\nA3,good\n\" \"pskc\" partial=true";
    let reject = ImportReject { serial: Some("A2".to_owned()), ..second() };
    let fake = Fake::new(&[(call, Reply::Import(report("pskc", vec![reject])))]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rejects");
    let name = path.to_str().unwrap();
    let ended = fake.run(&["import", "-", "--format", "pskc", "--partial", name], TEXT);
    assert!(
        ended.stdout.ends_with(&format!("1 token was set aside: {name} says why.\n")),
        "{}",
        ended.stdout
    );
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "A2\tline 2, column 4: the seed is too short. (ask the vendor for the whole seed)\n"
    );
}

#[test]
fn a_file_that_is_there_is_not_written_over_and_nothing_is_imported() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rejects");
    fs::write(&path, "mine").unwrap();
    let name = path.to_str().unwrap();
    let hint = "hint: name another file, or move that one away: it may hold seeds.\n";
    fake.run(&["import", "-", "--partial", name], TEXT)
        .failed(5, &format!("fobctl: {name}: this file is there already.\n{hint}"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
}

#[test]
fn what_a_killed_run_has_left_is_named_with_the_remedy() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rejects");
    fs::write(folder.path().join("rejects.new"), "half").unwrap();
    let name = path.to_str().unwrap();
    let hint = "hint: if no other fobctl is writing it, it was killed: remove that file and run this again.\n";
    fake.run(&["import", "-", "--partial", name], TEXT)
        .failed(5, &format!("fobctl: {name}.new: this file is there already.\n{hint}"));
}

#[test]
fn no_file_is_left_where_nothing_was_set_aside_or_nothing_imported() {
    if !can_run() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rejects");
    let name = path.to_str().unwrap();
    let call = "Import \"x\" \"\" partial=true";
    let fake = Fake::new(&[(call, Reply::Import(report("pskc", Vec::new())))]);
    assert_eq!(fake.run(&["import", "-", "--partial", name], "x").status, 0);
    let bad = Error::BadSeedFile { fact: "bad.".to_owned(), hint: String::new() };
    let fake = Fake::new(&[(call, Reply::Refuse(bad))]);
    assert_eq!(fake.run(&["import", "-", "--partial", name], "x").status, 5);
    let dry = "Import \"x\" \"\" dry_run=true partial=true";
    let fake = Fake::new(&[(dry, Reply::Import(report("oath-csv", vec![second()])))]);
    let ended = fake.run(&["import", "-", "--dry-run", "--partial", name], "x");
    assert_eq!((ended.status, ended.stderr.as_str()), (0, NOTE));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_receipt_is_printed_as_json() {
    if !can_run() {
        return;
    }
    let call = "Import \"A1,good\nA2,seed-of-a2\nA3,good\n\" \"\"";
    let fake = Fake::new(&[(call, Reply::Import(report("oath-csv", vec![second()])))]);
    let ended = fake.run(&["import", "-", "--json"], TEXT);
    for part in [
        "\"added\": 2",
        "\"first\": \"A1\"",
        "\"last\": \"A3\"",
        &format!("\"sha256\": \"{HASH}\""),
        "\"line\": 2",
        "\"dry_run\": false",
    ] {
        assert!(ended.stdout.contains(part), "{part} is not in {}", ended.stdout);
    }
}

#[test]
fn a_file_whose_seeds_are_in_stock_is_to_be_destroyed() {
    if !can_run() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seeds");
    fs::write(&path, "x").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let name = path.to_str().unwrap();
    let whole = ImportReport { rejected: None, ..report("pskc", Vec::new()) };
    let fake = Fake::new(&[("Import \"x\" \"\"", Reply::Import(whole))]);
    let ended = fake.run(&["import", name], "");
    assert_eq!(
        ended.stderr,
        format!(
            "hint: the seeds are in stock now. Destroy the file: shred -u {name} (copies may stay \
             on an SSD, and where the file system copies on write).\n"
        )
    );
}
