//! `assign`, `resync`, `rotate`, `deactivate`, `forget` in a script: codes from standard input.

use fob_api::{Error, RekeyReport, RootRule, TokenReport, UserName};

use crate::fake::{Fake, Reply, assigned, can_run, in_stock, name, run_alone, serial, user};

fn alice(tokens: &[TokenReport]) -> Reply {
    Reply::User(user("alice", 1000, tokens))
}

#[test]
fn two_lines_of_standard_input_assign_a_token() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[
        ("ShowToken 77", Reply::Token(in_stock("77"))),
        ("ShowUser alice", alice(&[])),
        ("Assign alice 77 111111,222222", Reply::Token(assigned("77", "alice"))),
    ]);
    fake.run(&["assign", "alice", "77"], "111111\n222 222\n")
        .printed("Token 77 is assigned to alice. Its clock is 12 s ahead.\n");
}

#[test]
fn a_serial_is_typed_as_it_is_read_and_sent_as_it_is_stored() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[
        ("ShowToken 8a1172x", Reply::Token(in_stock("8A-1172-x"))),
        ("ShowUser alice", alice(&[])),
        ("Assign alice 8A-1172-x 111111,222222", Reply::Token(assigned("8A-1172-x", "alice"))),
    ]);
    fake.run(&["assign", "alice", "8a 1172 x"], "111111\n222222\n")
        .printed("Token 8A-1172-x is assigned to alice. Its clock is 12 s ahead.\n");
}

#[test]
fn a_serial_that_may_be_several_tokens_is_refused_with_their_names() {
    if !can_run() {
        return;
    }
    let candidates = vec![serial("C-77"), serial("C7-7")];
    let ambiguous = Error::AmbiguousSerial { serial: serial("C77"), candidates };
    let fake = Fake::new(&[("ShowToken C77", Reply::Refuse(ambiguous))]);
    fake.run(&["assign", "alice", "C77"], "").failed(
        1,
        "fobctl: several tokens read as C77: C-77, C7-7.\n\
         hint: type it with its dashes, as it is printed on the token's back.\n",
    );
}

#[test]
fn a_wrong_pair_is_refused_in_the_daemons_words() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[
        ("ShowToken 77", Reply::Token(in_stock("77"))),
        ("ShowUser alice", alice(&[])),
        (
            "Assign alice 77 111111,222222",
            Reply::Refuse(Error::InvalidCodePair { serial: serial("77") }),
        ),
    ]);
    fake.run(&["assign", "alice", "77"], "111111\n222222\n").failed(
        1,
        "fobctl: these are not two consecutive unused codes of token 77.\n\
         hint: type a code, wait until the token shows the next one, and type that; check that the serial is the one on its back.\n",
    );
}

#[test]
fn what_is_no_code_pair_never_reaches_the_daemon() {
    if !can_run() {
        return;
    }
    let remedy =
        "hint: write two codes to standard input, one per line, or run it in a terminal.\n";
    let not_a_code = |line: u8| {
        format!(
            "fobctl: line {line} of standard input is not a code of this token; nothing was changed.\n{remedy}"
        )
    };
    for (input, stderr) in [
        (
            "",
            format!(
                "fobctl: two codes are needed on standard input; nothing was changed.\n{remedy}"
            ),
        ),
        (
            "111111\n",
            format!(
                "fobctl: two codes are needed on standard input; nothing was changed.\n{remedy}"
            ),
        ),
        ("hello\n222222\n", not_a_code(1)),
        ("111111\n22222222\n", not_a_code(2)),
        (
            "111111\n111-111\n",
            "fobctl: both codes are the same; nothing was changed.\n\
             hint: wait until the token shows a new code.\n"
                .to_owned(),
        ),
    ] {
        let fake = Fake::new(&[
            ("ShowToken 77", Reply::Token(in_stock("77"))),
            ("ShowUser alice", alice(&[])),
        ]);
        fake.run(&["assign", "alice", "77"], input).failed(2, &stderr);
    }
}

#[test]
fn a_token_of_somebody_is_refused_before_a_code_is_read() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[("ShowToken 77", Reply::Token(assigned("77", "bob")))]);
    fake.run(&["assign", "alice", "77"], "").failed(
        1,
        "fobctl: token 77 is already assigned to bob.\n\
         hint: run \"fobctl rotate bob NEW-SERIAL\" to replace it, or \"fobctl deactivate --token 77\" to free it.\n",
    );
}

#[test]
fn a_lost_token_is_refused_before_a_code_is_read() {
    if !can_run() {
        return;
    }
    let lost = TokenReport { state: Some("lost".to_owned()), ..in_stock("77") };
    let fake = Fake::new(&[("ShowToken 77", Reply::Token(lost))]);
    fake.run(&["assign", "alice", "77"], "").failed(
        1,
        "fobctl: token 77 is lost and cannot be assigned.\n\
         hint: take another token from stock; \"fobctl list --state stock\" shows them.\n",
    );
}

#[test]
fn a_user_with_a_token_is_refused_before_a_code_is_read() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[
        ("ShowToken 77", Reply::Token(in_stock("77"))),
        ("ShowUser alice", alice(&[assigned("66", "alice")])),
    ]);
    fake.run(&["assign", "alice", "77"], "").failed(
        1,
        "fobctl: alice already has token 66.\n\
         hint: run \"fobctl rotate alice NEW-SERIAL\" to replace that token by the new one.\n",
    );
}

#[test]
fn an_unknown_user_is_refused_before_a_code_is_read() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[
        ("ShowToken 77", Reply::Token(in_stock("77"))),
        ("ShowUser alcie", Reply::Refuse(Error::NoSuchUser { user: name("alcie") })),
    ]);
    fake.run(&["assign", "alcie", "77"], "").failed(
        1,
        "fobctl: there is no user alcie on this host.\n\
         hint: \"getent passwd\" lists the users of this host.\n",
    );
}

#[test]
fn a_missing_right_names_the_verb_that_was_typed() {
    if !can_run() {
        return;
    }
    let refusal = Reply::Refuse(Error::NotAuthorized { verb: "show" });
    let fake = Fake::new(&[("ShowToken 77", refusal)]);
    fake.run(&["assign", "alice", "77"], "")
        .failed(3, "fobctl: assign is not yours to do.\nhint: run \"sudo fobctl assign\".\n");
}

#[test]
fn too_many_wrong_codes_are_refused_with_the_time_to_wait() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[
        ("ShowUser alice", alice(&[assigned("66", "alice")])),
        (
            "Resync alice 111111,222222",
            Reply::Refuse(Error::TemporarilyUnmodifiable { seconds: 40 }),
        ),
    ]);
    fake.run(&["resync", "alice"], "111111\n222222\n")
        .failed(1, "fobctl: too many wrong codes; the next try is possible in 40 s.\n");
}

#[test]
fn a_resync_says_how_far_the_clock_was_off() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[
        ("ShowUser alice", alice(&[assigned("66", "alice")])),
        ("Resync alice 111111,222222", Reply::Token(assigned("66", "alice"))),
    ]);
    fake.run(&["resync", "alice"], "111111\n222222\n")
        .printed("Token 66 of alice is in step again. Its clock is 12 s ahead.\n");
}

#[test]
fn a_clock_that_is_far_off_is_told_and_taken_when_that_is_spelled_out() {
    if !can_run() {
        return;
    }
    let refusal = Error::ClockFarOff { serial: serial("66"), ahead: 7_200 + 3_540 };
    let fake = Fake::new(&[
        ("ShowUser alice", alice(&[assigned("66", "alice")])),
        ("Resync alice 111111,222222", Reply::Refuse(refusal)),
        ("ShowUser alice", alice(&[assigned("66", "alice")])),
        ("Resync alice 333333,444444 accept_clock=true", Reply::Token(assigned("66", "alice"))),
    ]);
    fake.run(&["resync", "alice"], "111111\n222222\n").failed(
        1,
        "fobctl: the clock of token 66 is 2 h 59 min ahead.\n\
         hint: nothing was changed. If the token was set to local time, run it again with \
         --accept-clock and the next two codes; if not, look at the host's clock first.\n",
    );
    let ended = fake.run(&["resync", "--accept-clock", "alice"], "333333\n444444\n");
    assert_eq!(ended.status, 0, "{}", ended.stderr);
}

#[test]
fn a_resync_without_a_token_is_refused_before_a_code_is_read() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[("ShowUser alice", alice(&[]))]);
    fake.run(&["resync", "alice"], "").failed(
        1,
        "fobctl: alice has no token.\nhint: run \"fobctl assign alice SERIAL\" to give him one.\n",
    );
}

#[test]
fn a_rotation_says_what_became_of_the_old_token() {
    if !can_run() {
        return;
    }
    for (option, call, sentence) in [
        (None, "Rotate alice 77 111111,222222 fate=stock", "Token 66 is back in stock."),
        (
            Some("--lost"),
            "Rotate alice 77 111111,222222 fate=lost",
            "Token 66 is lost: it never signs in again.",
        ),
        (Some("--retire"), "Rotate alice 77 111111,222222 fate=retire", "Token 66 is retired."),
    ] {
        let fake = Fake::new(&[
            ("ShowUser alice", alice(&[assigned("66", "alice")])),
            ("ShowToken 77", Reply::Token(in_stock("77"))),
            (call, Reply::Token(assigned("77", "alice"))),
        ]);
        let mut args = vec!["rotate", "alice", "77"];
        args.extend(option);
        fake.run(&args, "111111\n222222\n").printed(&format!(
            "Token 77 is assigned to alice. Its clock is 12 s ahead. {sentence}\n"
        ));
    }
}

#[test]
fn a_rotation_says_that_a_phones_token_is_not_back_in_stock() {
    if !can_run() {
        return;
    }
    for (maker, model) in [(Some("Fob"), "virtual"), (None, "google-authenticator")] {
        let old = TokenReport {
            manufacturer: maker.map(str::to_owned),
            model: Some(model.to_owned()),
            ..assigned("66", "alice")
        };
        let fake = Fake::new(&[
            ("ShowUser alice", alice(&[old])),
            ("ShowToken 77", Reply::Token(in_stock("77"))),
            ("Rotate alice 77 111111,222222 fate=stock", Reply::Token(assigned("77", "alice"))),
        ]);
        fake.run(&["rotate", "alice", "77"], "111111\n222222\n").printed(
            "Token 77 is assigned to alice. Its clock is 12 s ahead. Token 66 is retired.\n",
        );
    }
}

#[test]
fn roots_token_needs_a_terminal() {
    if !can_run() {
        return;
    }
    let refusal = "fobctl: for root's token the serial has to be typed twice, the same both times.\n\
                   hint: run fobctl in a terminal; it asks for the serial a second time.\n";
    let fake = Fake::new(&[
        ("ShowToken 77", Reply::Token(in_stock("77"))),
        ("ShowUser root", Reply::User(user("root", 0, &[]))),
    ]);
    fake.run(&["assign", "root", "77"], "77\n111111\n222222\n").failed(1, refusal);
    let held = Reply::User(user("root", 0, &[assigned("66", "root")]));
    let fake = Fake::new(&[("ShowUser root", held)]);
    fake.run(&["resync"], "111111\n222222\n").failed(1, refusal);
}

#[test]
fn a_deactivation_says_what_became_of_the_token() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[("Deactivate alice fate=lost", Reply::Token(in_stock("66")))]);
    fake.run(&["deactivate", "alice", "--lost"], "")
        .printed("alice has no token now. Token 66 is lost: it never signs in again.\n");
}

#[test]
fn root_is_left_without_a_token_only_when_that_is_spelled_out() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[
        ("Deactivate root fate=stock", Reply::Refuse(Error::RootOnly { rule: RootRule::KeepOne })),
        ("ShowUser root", Reply::User(user("root", 0, &[assigned("66", "root")]))),
    ]);
    fake.run(&["deactivate", "root"], "").failed(
        1,
        "fobctl: root would be left without a token.\n\
         hint: run \"fobctl rotate root NEW-SERIAL\" to replace it, or add --leave-root-without-mfa.\n",
    );
    fake.run(&["deactivate", "root", "--leave-root-without-mfa"], "66\n66\n").failed(
        1,
        "fobctl: for root's token the serial has to be typed twice, the same both times.\n\
         hint: run fobctl in a terminal; it asks for the serial a second time.\n",
    );
}

#[test]
fn the_last_administrator_loses_his_token_only_when_that_is_spelled_out() {
    if !can_run() {
        return;
    }
    let refusal = Error::LastAdministrator { user: UserName::parse("alice").unwrap() };
    let fake = Fake::new(&[
        ("Deactivate alice fate=stock", Reply::Refuse(refusal)),
        ("Deactivate alice fate=stock nobody=true", Reply::Token(in_stock("66"))),
    ]);
    fake.run(&["deactivate", "alice"], "").failed(
        1,
        "fobctl: alice is the last administrator with a token.\n\
         hint: assign a token to another administrator first, or add --leave-no-administrator.\n",
    );
    fake.run(&["deactivate", "alice", "--leave-no-administrator"], "")
        .printed("alice has no token now. Token 66 is back in stock.\n");
}

#[test]
fn a_token_is_taken_by_its_serial_from_whoever_has_it() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[("Deactivate  fate=lost serial=66", Reply::Token(in_stock("66")))]);
    fake.run(&["deactivate", "--token", "66", "--lost"], "")
        .printed("Token 66 is lost: it never signs in again.\n");
}

#[test]
fn a_script_forgets_a_token_only_with_yes() {
    if !can_run() {
        return;
    }
    run_alone(&["forget", "77"], "77\n").failed(
        2,
        "fobctl: forget asks for the serial again, and there is no terminal.\n\
         hint: add --yes, or run it in a terminal.\n",
    );
    let fake = Fake::new(&[("Forget 77", Reply::Done)]);
    fake.run(&["forget", "--yes", "77"], "")
        .printed("Token 77 is forgotten: its seed is erased.\n");
}

#[test]
fn unlock_says_where_one_code_is_enough_again() {
    if !can_run() {
        return;
    }
    for (arguments, call, printed) in [
        (
            &["unlock", "alice"][..],
            "Unlock alice",
            "One code is enough again for alice everywhere.\n",
        ),
        (
            &["unlock", "alice", "--share", "unknown"],
            "Unlock alice share=unknown",
            "One code is enough again for alice from unknown hosts.\n",
        ),
    ] {
        Fake::new(&[(call, Reply::Done)]).run(arguments, "").printed(printed);
    }
}

#[test]
fn a_rekey_says_how_many_secrets_the_new_key_holds() {
    if !can_run() {
        return;
    }
    let report = RekeyReport {
        key: Some("0123456789abcdef".to_owned()),
        key_from: Some("file".to_owned()),
        resealed: Some(3),
        ended: Some(true),
        ..RekeyReport::default()
    };
    let fake = Fake::new(&[("Rekey", Reply::Rekey(report))]);
    let ended = fake.run(&["rekey"], "");
    assert_eq!(ended.status, 0);
    let expected = "3 secrets are sealed by the master key 0123456789abcdef now";
    assert!(ended.stdout.starts_with(expected), "{}", ended.stdout);
}
