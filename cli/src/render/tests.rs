use fob_api::{ShareReport, StatusReport, TokenReport, UserReport};

use super::{
    clock_sentence, printable, status_block, token_block, token_json, token_table, user_block,
    user_json,
};

fn assigned() -> TokenReport {
    TokenReport {
        serial: Some("2300512345".into()),
        state: Some("assigned".into()),
        user: Some("alice".into()),
        kind: Some("totp".into()),
        algorithm: Some("SHA1".into()),
        digits: Some(6),
        period: Some(30),
        drift: Some(-12),
        rate: Some(3.25),
        in_sync_until: Some(2_003_000_000),
        last_used: Some(2_000_000_000),
        imported: Some(1_111_111_109),
        manufacturer: Some("Example".into()),
        model: None,
        batch: Some("2026-11 Feitian".to_owned()),
    }
}

fn in_stock() -> TokenReport {
    TokenReport {
        serial: Some("77".into()),
        state: Some("stock".into()),
        kind: Some("hotp".into()),
        ..TokenReport::default()
    }
}

#[test]
fn the_columns_of_a_list_are_aligned() {
    assert_eq!(
        token_table(&[assigned(), in_stock()]),
        "SERIAL      STATE     USER   KIND  DRIFT  RATE      IN SYNC UNTIL  LAST USED\n\
         2300512345  assigned  alice  totp  -12 s  +3.3 ppm  2033-06-21     2033-05-18T03:33:20Z\n\
         77          stock     -      hotp  -      -         -              -\n"
    );
}

#[test]
fn an_empty_list_says_so() {
    assert_eq!(token_table(&[]), "There are no such tokens.\n");
}

#[test]
fn a_token_is_shown_with_all_that_is_known() {
    assert_eq!(
        token_block(&assigned()),
        "token      2300512345\n\
         state      assigned\n\
         user       alice\n\
         codes      TOTP, SHA1, 6 digits, every 30 s\n\
         drift      12 s behind\n\
         rate       gains 0.3 s a day (+3.3 ppm)\n\
         in sync    until 2033-06-21T20:53:20Z\n\
         last used  2033-05-18T03:33:20Z\n\
         imported   2005-03-18T01:58:29Z\n\
         maker      Example\n\
         model      -\n\
         batch      2026-11 Feitian\n"
    );
}

#[test]
fn a_user_is_shown_with_what_wrong_codes_cost_him_and_his_tokens() {
    let share = |share: &str, asks: &str, wrong, until| ShareReport {
        share: Some(share.into()),
        asks: Some(asks.into()),
        wrong: Some(wrong),
        in_a_row: Some(0),
        until,
    };
    let user = UserReport {
        user: Some("alice".into()),
        uid: Some(1000),
        tokens: Some(vec![in_stock()]),
        shares: Some(vec![
            share("console", "code", 0, None),
            share("escalation", "code", 1, None),
            share("unknown", "pair", 5, Some(2_000_000_000)),
        ]),
        ..UserReport::default()
    };
    let text = user_block(&user);
    assert!(text.starts_with(
        "user         alice\nuid          1000\ntokens       1\n\
             wrong codes  1 wrong code in sudo and su; one code is enough\n\
             wrong codes  5 wrong codes from unknown hosts; two codes in a row until \
             2033-05-18T03:33:20Z\n\ntoken  "
    ));
}

#[test]
fn a_user_without_a_token_has_none() {
    let user = UserReport { user: Some("bob".into()), uid: Some(1001), ..UserReport::default() };
    assert_eq!(user_block(&user), "user    bob\nuid     1001\ntokens  none\n");
}

#[test]
fn a_status_is_shown_as_counts() {
    let status = StatusReport {
        version: Some("0.1.0".into()),
        now: Some(0),
        stock: Some(3),
        assigned: Some(2),
        lost: Some(1),
        retired: None,
        key: Some("0123456789abcdef".into()),
        key_from: Some("file".into()),
        rekey: None,
        mode: Some("enforce".into()),
        exempting: Some(0),
        ticket_minutes: Some(0),
    };
    assert_eq!(
        status_block(&status),
        "version     0.1.0\n\
         its clock   1970-01-01T00:00:00Z\n\
         assigned    2\n\
         in stock    3\n\
         lost        1\n\
         retired     -\n\
         master key  0123456789abcdef (file)\n"
    );
}

#[test]
fn the_clock_sentence_says_which_way_it_is_off() {
    let with = |drift| TokenReport { drift, ..TokenReport::default() };
    assert_eq!(clock_sentence(&with(Some(12))).unwrap(), "Its clock is 12 s ahead.");
    assert_eq!(clock_sentence(&with(Some(-3))).unwrap(), "Its clock is 3 s behind.");
    assert_eq!(
        clock_sentence(&with(Some(i64::MIN))).unwrap(),
        "Its clock is 9223372036854775808 s behind."
    );
    assert_eq!(clock_sentence(&with(Some(0))).unwrap(), "Its clock is right.");
    assert_eq!(clock_sentence(&with(None)), None);
}

#[test]
fn a_vendors_text_cannot_steer_the_terminal() {
    assert_eq!(
        printable("a\u{1b}[2Jb\u{9b}c\u{202e}d\ne"),
        "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d\u{fffd}e"
    );
    let token = TokenReport { manufacturer: Some("\u{1b}]0;x\u{7}".into()), ..assigned() };
    assert!(!token_block(&token).contains('\u{1b}'));
}

#[test]
fn json_has_every_key_and_null_for_the_unknown() {
    let value: serde_json::Value = serde_json::from_str(&token_json(&in_stock())).unwrap();
    let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 15);
    assert_eq!(value["serial"], "77");
    assert!(value["last_used"].is_null());
}

#[test]
fn json_keeps_a_vendors_text_exact_without_steering_the_terminal() {
    let evil = "a\u{1b}b\u{9b}c\u{202e}";
    let text = token_json(&TokenReport { model: Some(evil.into()), ..assigned() });
    assert!(text.chars().all(|c| c == '\n' || !super::steers(c)));
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["model"], evil);
}

#[test]
fn json_of_a_user_holds_his_tokens() {
    let user = UserReport { tokens: Some(vec![assigned()]), ..UserReport::default() };
    let value: serde_json::Value = serde_json::from_str(&user_json(&user)).unwrap();
    assert_eq!(value["tokens"][0]["last_used"], 2_000_000_000);
    assert!(value["user"].is_null());
}

#[test]
fn an_administrators_reason_cannot_steer_the_terminal() {
    let user = UserReport {
        temporary_until: Some(0),
        temporary_reason: Some("\u{1b}[2J".into()),
        ..UserReport::default()
    };
    let text = user_block(&user);
    assert!(text.contains("1 code until 1970-01-01T00:00:00Z, by -: ") && !text.contains('\u{1b}'));
}
