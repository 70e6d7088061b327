//! `recovery`, `bypass`: codes that are shown once, to the letter.

use fob_api::{Error, UserReport};

use crate::fake::{Bus, Fake, Reply, assigned, can_run, name, run, user};

const CODES: Reply = Reply::Codes(&[
    "00000abcde",
    "11111abcde",
    "22222abcde",
    "33333abcde",
    "44444abcde",
    "55555abcde",
    "66666abcde",
    "77777abcde",
    "88888abcde",
    "99999abcde",
]);
const PRINTED: &str = "\n  \
    00000-abcde    11111-abcde\n  \
    22222-abcde    33333-abcde\n  \
    44444-abcde    55555-abcde\n  \
    66666-abcde    77777-abcde\n  \
    88888-abcde    99999-abcde\n\n\
    They are shown only now: write them down and keep them apart from the token. Each is good \
    once, in place of a code.\n";

#[test]
fn root_gets_ten_codes_in_two_columns_and_types_none() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[("NewRecoveryCodes alice ", CODES)]);
    fake.run(&["recovery", "alice"], "")
        .printed(&format!("New recovery codes of alice; the older ones are void:\n{PRINTED}"));
}

#[test]
fn a_user_proves_his_own_with_two_codes() {
    let Some(bus) = Bus::start() else { return };
    let nobody = Reply::User(user("nobody", 65534, &[assigned("66", "nobody")]));
    let _fake = Fake::on_bus(
        &bus,
        0,
        &[
            ("ShowUser nobody", nobody),
            ("NewRecoveryCodes nobody 111111,222222 with elapsed", CODES),
        ],
    );
    run(bus.as_nobody(&["recovery"]), "111111\n222222\n")
        .printed(&format!("New recovery codes of nobody; the older ones are void:\n{PRINTED}"));
}

#[test]
fn a_user_without_a_token_cannot_prove_anything() {
    let Some(bus) = Bus::start() else { return };
    let nobody = Reply::User(user("nobody", 65534, &[]));
    let _fake = Fake::on_bus(&bus, 0, &[("ShowUser nobody", nobody)]);
    run(bus.as_nobody(&["recovery"]), "").failed(
        1,
        "fobctl: nobody has no token.\n\
         hint: run \"fobctl assign nobody SERIAL\" to give him one.\n",
    );
}

#[test]
fn recovery_codes_of_another_need_root() {
    let Some(bus) = Bus::start() else { return };
    let refusal = Reply::Refuse(Error::NotAuthorized { verb: "show" });
    let _fake = Fake::on_bus(&bus, 0, &[("ShowUser alice", refusal)]);
    run(bus.as_nobody(&["recovery", "alice"]), "111111\n222222\n")
        .failed(3, "fobctl: recovery is not yours to do.\nhint: run \"sudo fobctl recovery\".\n");
}

#[test]
fn a_temporary_code_is_printed_with_its_end() {
    if !can_run() {
        return;
    }
    let code = Reply::Temporary("01234abcde", 2_000_000_000);
    let fake = Fake::new(&[("Bypass alice 7200 reason=left at home", code)]);
    let args = ["bypass", "alice", "--for", "2h", "--reason", "left at home"];
    fake.run(&args, "").printed(
        "Temporary code of alice, good once until 2033-05-18T03:33:20Z:\n\n  01234-abcde\n\n\
         It is shown only now, and goes in place of a code.\n",
    );
}

#[test]
fn a_refused_temporary_code_is_refused_in_the_daemons_words() {
    if !can_run() {
        return;
    }
    let refusal = Reply::Refuse(Error::NoSuchUser { user: name("alcie") });
    let fake = Fake::new(&[("Bypass alcie 3600 reason=r", refusal)]);
    fake.run(&["bypass", "alcie", "--reason", "r"], "").failed(
        1,
        "fobctl: there is no user alcie on this host.\n\
         hint: \"getent passwd\" lists the users of this host.\n",
    );
}

#[test]
fn a_temporary_code_needs_a_reason_and_a_time_within_a_week() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[]);
    for (args, word) in [
        (&["bypass", "alice"][..], "--reason"),
        (&["bypass", "alice", "--reason", "r", "--for", "8d"], "give 1m to 7d"),
    ] {
        let ended = fake.run(args, "");
        assert_eq!((ended.status, ended.stdout.as_str()), (2, ""));
        assert!(ended.stderr.contains(word), "{}", ended.stderr);
    }
}

#[test]
fn a_user_is_shown_with_his_codes_and_a_warning_when_few_are_left() {
    if !can_run() {
        return;
    }
    let shown = |left, until: Option<u64>| UserReport {
        recovery_left: Some(left),
        temporary_until: until,
        temporary_reason: until.map(|_| "left at home".to_owned()),
        temporary_by: until.map(|_| 0),
        ..user("alice", 1000, &[])
    };
    let few = "; run \"fobctl recovery alice\" for new ones";
    for (report, lines) in [
        (shown(10, None), "recovery  10 codes left\n".to_owned()),
        (shown(3, None), "recovery  3 codes left\n".to_owned()),
        (shown(2, None), format!("recovery  2 codes left{few}\n")),
        (shown(1, None), format!("recovery  1 code left{few}\n")),
        (shown(0, None), format!("recovery  0 codes left{few}\n")),
        (
            shown(10, Some(2_000_000_000)),
            "recovery   10 codes left\n\
             temporary  1 code until 2033-05-18T03:33:20Z, by root: left at home\n"
                .to_owned(),
        ),
    ] {
        let fake = Fake::new(&[("ShowUser alice", Reply::User(report))]);
        let ended = fake.run(&["show", "alice"], "");
        assert_eq!(ended.status, 0, "{}", ended.stderr);
        assert!(ended.stdout.ends_with(&lines), "{}", ended.stdout);
    }
}

#[test]
fn a_user_reports_his_token_lost_with_a_recovery_code() {
    let Some(bus) = Bus::start() else { return };
    let nobody = Reply::User(user("nobody", 65534, &[assigned("66", "nobody")]));
    let _fake = Fake::on_bus(
        &bus,
        0,
        &[
            ("ShowUser nobody", nobody),
            ("ReportLost nobody abcdefghj2", Reply::Token(assigned("66", "nobody"))),
        ],
    );
    run(bus.as_nobody(&["report-lost"]), "ABCDE-FGHJ2\n").printed(
        "Token 66 is lost: it never signs in again. nobody signs in with recovery codes until an \
         administrator gives out another one.\n",
    );
}

#[test]
fn what_is_no_recovery_code_is_not_sent() {
    let Some(bus) = Bus::start() else { return };
    let nobody = Reply::User(user("nobody", 65534, &[assigned("66", "nobody")]));
    let _fake = Fake::on_bus(&bus, 0, &[("ShowUser nobody", nobody)]);
    run(bus.as_nobody(&["report-lost"]), "123456\n").failed(
        2,
        "fobctl: this is no recovery code; nothing was changed.\n\
         hint: it has ten letters and digits, as in abcde-fghj2.\n",
    );
}
