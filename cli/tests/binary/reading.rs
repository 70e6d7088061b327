//! `import`, `list`, `show`, `status`: what is printed, to the letter.

use std::process::Stdio;

use fob_api::{Error, ImportReport, StatusReport, TokenReport};

use crate::fake::{
    Fake, Reply, assigned, can_run, destroy, in_stock, receipt, run_alone, seed_file, serial, user,
};

fn imported(added: &[&str], unchanged: &[&str]) -> Reply {
    let owned = |serials: &[&str]| Some(serials.iter().map(|s| (*s).to_owned()).collect());
    Reply::Import(ImportReport {
        format: Some("pskc".to_owned()),
        added: owned(added),
        unchanged: owned(unchanged),
        ..ImportReport::default()
    })
}

#[test]
fn an_import_hands_over_the_open_file_and_counts_the_tokens() {
    if !can_run() {
        return;
    }
    let (_folder, file) = seed_file(0o600);
    let fake = Fake::new(&[("Import \"the contents\" \"\"", imported(&["1", "2"], &["3"]))]);
    let ended = fake.run(&["import", &file], "");
    let counts = "Read as pskc.\n2 tokens added to stock, 1 was there already.\n";
    let receipt = format!("{counts}{}", receipt("Serials 1 to 2.", "the contents"));
    assert_eq!((ended.status, ended.stdout, ended.stderr), (0, receipt, destroy(&file)));
}

#[test]
fn an_import_reads_a_pipe_to_its_end() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[(
        "Import \"from a pipe\" \"oath-csv\" dry_run=true ignore_expiry=true",
        imported(&["1"], &[]),
    )]);
    let args = ["import", "-", "--format", "oath-csv", "--dry-run", "--ignore-expiry"];
    fake.run(&args, "from a pipe").printed("1 token would be added to stock.\n");
}

#[test]
fn an_import_warns_of_a_seed_file_that_others_can_read() {
    if !can_run() {
        return;
    }
    let (_folder, file) = seed_file(0o640);
    let fake = Fake::new(&[("Import \"the contents\" \"\"", imported(&["1"], &[]))]);
    let ended = fake.run(&["import", &file], "");
    let receipt = receipt("Serial 1.", "the contents");
    let receipt = format!("Read as pskc.\n1 token added to stock.\n{receipt}");
    assert_eq!((ended.status, ended.stdout), (0, receipt));
    let hint =
        format!("hint: the seed file is readable by others; delete it or run chmod 600 {file}\n");
    assert_eq!(ended.stderr, format!("{hint}{}", destroy(&file)));
}

#[test]
fn a_bad_seed_file_is_named_with_line_and_column() {
    if !can_run() {
        return;
    }
    let (_folder, file) = seed_file(0o600);
    let refusal = Error::BadSeedFile {
        fact: "line 3, column 17: an entity is not allowed.".to_owned(),
        hint: "ask the vendor for a plain PSKC file.".to_owned(),
    };
    let fake = Fake::new(&[("Import \"the contents\" \"\"", Reply::Refuse(refusal))]);
    fake.run(&["import", &file], "").failed(
        5,
        &format!(
            "fobctl: {file}: line 3, column 17: an entity is not allowed.\n\
             hint: ask the vendor for a plain PSKC file.\n"
        ),
    );
}

#[test]
fn a_bad_seed_file_from_a_pipe_is_called_standard_input() {
    if !can_run() {
        return;
    }
    let refusal = Error::BadSeedFile { fact: "the file is empty.".to_owned(), hint: String::new() };
    let fake = Fake::new(&[("Import \"\" \"\"", Reply::Refuse(refusal))]);
    fake.run(&["import", "-"], "").failed(5, "fobctl: standard input: the file is empty.\n");
}

#[test]
fn a_seed_file_that_cannot_be_opened_is_refused_without_the_daemon() {
    if !can_run() {
        return;
    }
    run_alone(&["import", "/nonexistent.xml"], "")
        .failed(5, "fobctl: /nonexistent.xml: there is no such file.\n");
    run_alone(&["import", "/usr"], "").failed(5, "fobctl: /usr: this is a folder.\n");
}

#[test]
fn a_daemon_that_hangs_up_does_not_answer() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[("Import \"x\" \"\"", Reply::Hangup)]);
    fake.run(&["import", "-"], "x")
        .failed(4, "fobctl: fobd does not answer.\nhint: run \"systemctl status fobd\".\n");
}

#[test]
fn a_daemon_that_is_not_there_does_not_answer() {
    if !can_run() {
        return;
    }
    run_alone(&["status"], "")
        .failed(4, "fobctl: fobd does not answer.\nhint: run \"systemctl status fobd\".\n");
}

#[test]
fn a_list_reads_all_pages_and_sorts_by_serial() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[
        ("List \"\" 500", Reply::Page(vec![in_stock("30"), assigned("10", "alice")], "10")),
        ("List \"10\" 500", Reply::Page(vec![in_stock("20")], "")),
    ]);
    fake.run(&["list"], "").printed(
        "SERIAL  STATE     USER   KIND  DRIFT  RATE      IN SYNC UNTIL  LAST USED\n\
         10      assigned  alice  totp  +12 s  +2.5 ppm  2034-02-02     -\n\
         20      stock     -      totp  -      -         -              -\n\
         30      stock     -      totp  -      -         -              -\n",
    );
}

#[test]
fn a_list_of_one_state_as_json_is_an_array_of_reports() {
    if !can_run() {
        return;
    }
    let page = Reply::Page(vec![assigned("10", "alice")], "");
    let fake = Fake::new(&[("List \"\" 500 state=assigned", page)]);
    let ended = fake.run(&["list", "--state", "assigned", "--json"], "");
    let value: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(
        value,
        serde_json::json!([{
            "serial": "10", "state": "assigned", "user": "alice", "kind": "totp",
            "algorithm": "SHA1", "digits": 6, "period": 30, "drift": 12, "rate": 2.5,
            "in_sync_until": 2_022_462_400, "last_used": null,
            "imported": 2_000_000_000, "manufacturer": null, "model": null,
            "batch": null
        }])
    );
}

#[test]
fn a_daemon_that_stays_on_one_page_is_not_asked_for_ever() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[
        ("List \"\" 500", Reply::Page(vec![], "5")),
        ("List \"5\" 500", Reply::Page(vec![], "5")),
    ]);
    fake.run(&["list"], "").failed(
        4,
        "fobctl: fobd's answer is not one that this fobctl knows.\n\
         hint: install fobd and fobctl in the same version.\n",
    );
}

#[test]
fn a_reader_that_goes_away_is_not_an_error() {
    if !can_run() {
        return;
    }
    let many = (1000..1400).map(|n| in_stock(&n.to_string())).collect();
    let fake = Fake::new(&[("List \"\" 500", Reply::Page(many, ""))]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output =
        fake.command(&["list"]).stdin(Stdio::null()).stdout(Stdio::from(writer)).output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn a_token_is_shown_with_a_vendors_text_made_harmless() {
    if !can_run() {
        return;
    }
    let token = TokenReport { model: Some("c\u{1b}[2J200".to_owned()), ..in_stock("10") };
    let fake = Fake::new(&[("ShowToken 10", Reply::Token(token))]);
    fake.run(&["show", "--token", "10"], "").printed(
        "token      10\n\
         state      stock\n\
         user       -\n\
         codes      TOTP, SHA1, 6 digits, every 30 s\n\
         drift      -\n\
         rate       -\n\
         in sync    -\n\
         last used  -\n\
         imported   2033-05-18T03:33:20Z\n\
         maker      -\n\
         model      c\u{fffd}[2J200\n\
         batch      -\n",
    );
}

#[test]
fn show_without_a_name_shows_the_caller() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[("ShowUser root", Reply::User(user("root", 0, &[])))]);
    fake.run(&["show"], "").printed("user    root\nuid     0\ntokens  none\n");
}

#[test]
fn an_unknown_token_is_refused_with_a_remedy() {
    if !can_run() {
        return;
    }
    let refusal = Reply::Refuse(Error::NoSuchToken { serial: serial("99") });
    let fake = Fake::new(&[("ShowToken 99", refusal)]);
    fake.run(&["show", "--token", "99"], "").failed(
        1,
        "fobctl: there is no token 99 here.\n\
         hint: run \"fobctl import FILE\" with the vendor's seed file, or \"fobctl list\" to see what is there.\n",
    );
}

#[test]
fn the_status_is_shown_as_json_too() {
    if !can_run() {
        return;
    }
    let status = StatusReport {
        version: Some("0.1.0".to_owned()),
        now: Some(60),
        stock: Some(3),
        assigned: Some(2),
        lost: Some(1),
        retired: Some(0),
        key: Some("0123456789abcdef".to_owned()),
        key_from: Some("file".to_owned()),
        rekey: None,
        mode: Some("enforce".to_owned()),
        exempting: Some(0),
        ticket_minutes: Some(10),
    };
    let fake = Fake::new(&[("Status", Reply::Status(status))]);
    let ended = fake.run(&["status", "--json"], "");
    let value: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let expected = serde_json::json!(
        { "version": "0.1.0", "now": 60, "stock": 3, "assigned": 2, "lost": 1, "retired": 0,
          "key": "0123456789abcdef", "key_from": "file", "rekey": null,
          "mode": "enforce", "exempting": 0, "ticket_minutes": 10 });
    assert_eq!(value, expected);
}

#[test]
fn the_status_says_loudly_that_nothing_is_enforced() {
    if !can_run() {
        return;
    }
    let mode = Some("observe".to_owned());
    let status = StatusReport { mode, exempting: Some(2), ..StatusReport::default() };
    let fake = Fake::new(&[("Status", Reply::Status(status))]);
    let shown = fake.run(&["status"], "").stdout;
    assert!(shown.contains("NOTHING IS ENFORCED: nobody is asked for a code"), "{shown}");
    assert!(shown.contains("somebody by 2 of the rules of fobd.conf"), "{shown}");
}

#[test]
fn a_damaged_store_is_not_a_refusal() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[("Status", Reply::Refuse(Error::StoreUnavailable))]);
    fake.run(&["status"], "").failed(
        4,
        "fobctl: the token store is not available.\n\
         hint: \"journalctl -u fobd\" says why; nobody is let in until it is mended.\n",
    );
}

#[test]
fn a_forecast_tells_which_tokens_need_a_hand_by_the_daemons_clock() {
    if !can_run() {
        return;
    }
    let status = || {
        let now = Some(2_022_462_400 - 10 * 86_400);
        Reply::Status(StatusReport { now, ..StatusReport::default() })
    };
    let page = || Reply::Page(vec![assigned("20", "bob"), assigned("10", "alice")], "");
    let fake = Fake::new(&[
        ("Status", status()),
        ("List \"\" 500 state=assigned", page()),
        ("Status", status()),
        ("List \"\" 500 state=assigned", page()),
        ("Status", status()),
        ("List \"\" 500 state=assigned", page()),
    ]);
    fake.run(&["forecast"], "").printed(
        "SERIAL  USER   DRIFT  RATE      WHAT TO DO\n\
         10      alice  +12 s  +2.5 ppm  use or resync it before 2034-02-02\n\
         20      bob    +12 s  +2.5 ppm  use or resync it before 2034-02-02\n",
    );
    fake.run(&["forecast", "--within", "9"], "")
        .printed("No token needs a hand in the next 9 days.\n");
    let ended = fake.run(&["forecast", "--json"], "");
    let value: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(
        (&value[0]["serial"], &value[1]["needs"]),
        (&"10".into(), &serde_json::json!(["soon"]))
    );
}
