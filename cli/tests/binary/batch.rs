//! `--batch`: what the tokens of an import are called, and how they are found by it.

use fob_api::{ImportReport, TokenReport};

use crate::fake::{Fake, Reply, can_run, in_stock, receipt, run_alone};

fn imported(added: &[&str], unchanged: &[&str]) -> Reply {
    let serials = |of: &[&str]| Some(of.iter().map(|&serial| serial.to_owned()).collect());
    let (added, unchanged) = (serials(added), serials(unchanged));
    Reply::Import(ImportReport { added, unchanged, ..ImportReport::default() })
}

fn of_batch(serial: &str) -> TokenReport {
    TokenReport { batch: Some("2026-11 Feitian".to_owned()), ..in_stock(serial) }
}

#[test]
fn an_import_names_its_tokens_and_so_does_the_receipt() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[
        ("Import \"x\" \"\" batch=2026-11 Feitian", imported(&["A1", "A2"], &[])),
        ("Import \"x\" \"\" batch=2026-11 Feitian", imported(&["A1"], &["A2"])),
        ("Import \"x\" \"\" batch=2026-11 Feitian", imported(&[], &["A1"])),
    ]);
    let end = receipt("Serials A1 to A2.\nBatch: 2026-11 Feitian", "x");
    fake.run(&["import", "--batch", "  2026-11 Feitian ", "-"], "x")
        .printed(&format!("2 tokens added to stock.\n{end}"));
    let ended = fake.run(&["import", "--batch=2026-11 Feitian", "--json", "-"], "x");
    let value: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(value["batch"], "2026-11 Feitian");
    let text = fake.run(&["import", "--batch", "2026-11 Feitian", "-"], "x").stdout;
    assert!(!text.contains("Batch"), "nothing was named: {text}");
}

#[test]
fn a_list_asks_the_daemon_for_one_batch_page_by_page() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[
        ("List \"\" 500 batch=2026-11 Feitian", Reply::Page(vec![of_batch("11")], "9:")),
        ("List \"9:\" 500 batch=2026-11 Feitian", Reply::Page(Vec::new(), "21:X")),
        ("List \"21:X\" 500 batch=2026-11 Feitian", Reply::Page(vec![of_batch("10")], "")),
    ]);
    let ended = fake.run(&["list", "--batch", "2026-11 Feitian", "--json"], "");
    let value: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&value[0]["serial"], &value[1]["serial"]), (&"10".into(), &"11".into()));
    assert_eq!(value[1]["batch"], "2026-11 Feitian");
}

#[test]
fn a_token_shows_its_batch() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[("ShowToken 10", Reply::Token(of_batch("10")))]);
    let ended = fake.run(&["show", "--token", "10"], "");
    assert!(ended.stdout.ends_with("batch      2026-11 Feitian\n"), "{}", ended.stdout);
}

#[test]
fn what_names_no_batch_is_refused_without_the_daemon() {
    if !can_run() {
        return;
    }
    for args in [["import", "--batch", "", "-"], ["import", "--batch", "a\nb", "-"]] {
        let ended = run_alone(&args, "x");
        assert_eq!(ended.status, 2);
        assert!(ended.stderr.contains("A batch has 1 to 64 printable"), "{}", ended.stderr);
    }
}
