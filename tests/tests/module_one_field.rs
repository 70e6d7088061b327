//! Password and code in one field: the real module in a real PAM host that answers one hidden
//! prompt, the host's own pam_unix, and a scripted daemon, or fobd itself.
//!
//! Honest limits: the host is a small C program, not a greeter; and the delay is looked at roughly.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test and its helpers: a failure here is the test's failure"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use fob_tests::daemon::{Daemon, Ground};
use fob_tests::emergency::{self, CODES};
use fob_tests::fake_daemon::Act;
use fob_tests::needs::{self, Need};
use fob_tests::pam_host::{Seen, Stage, pam};
use fob_tests::passwords::{self, ALICE, CAROL, DAVE};
use fob_tests::soft_token::SoftToken;

const PROMPT: &str = "1 Password and code: ";
const TROUBLE: &str = "3 Codes cannot be checked now. Ask your administrator.";
/// What every refusal takes at least, and what none takes on a busy machine.
const REFUSED: std::ops::Range<u128> = 2000..4500;

/// A stage whose users have passwords.
fn stage() -> Stage {
    let stage = Stage::new();
    passwords::lay(&stage);
    stage
}

fn sign_in(stage: &Stage, user: &str, answer: &str) -> Seen {
    let host = stage.host("one_field").word(format!("user={user}"));
    host.word(format!("answer={answer}")).word("call-authenticate").run()
}

#[track_caller]
fn assert_refused(seen: &Seen, case: &str) {
    assert_eq!((seen.code(), seen.prompts()), (pam::AUTH_ERR, vec![PROMPT]), "{case}");
    assert!(seen.texts().is_empty(), "{case}: {seen:?}");
    assert!(REFUSED.contains(&seen.took().as_millis()), "{case}: took {:?}", seen.took());
}

#[test]
fn a_right_password_with_a_right_code_behind_it_signs_in_after_one_hidden_prompt() {
    for (user, password) in [("alice", ALICE), ("carol", CAROL), ("dave", DAVE)] {
        let stage = stage();
        let daemon = stage.decider(vec![Act::verdict("accept")]);
        let seen = sign_in(&stage, user, &format!("{password}123456"));
        assert_eq!((seen.code(), seen.prompts()), (pam::SUCCESS, vec![PROMPT]), "{user}");
        assert!(seen.texts().is_empty() && seen.took().as_millis() < 2000, "{seen:?}");
        let (name, code, _) = daemon.requests()[1].verify();
        assert_eq!((name.as_str(), code.as_str()), (user, "123456"));
    }
}

#[test]
fn a_wrong_password_is_refused_and_the_code_is_not_sent() {
    for (user, password) in [("alice", "correct horse 8"), ("alice", CAROL), ("nobody", ALICE)] {
        let stage = stage();
        let daemon = stage.daemon(vec![Act::prompt("code")]);
        assert_refused(&sign_in(&stage, user, &format!("{password}123456")), user);
        assert_eq!(daemon.requests().len(), 1, "the question what to ask for, and nothing else");
    }
}

#[test]
fn a_right_password_does_not_help_a_code_that_is_not_accepted() {
    for verdict in ["reject", "replay", "wait", "locked", "unassigned"] {
        let stage = stage();
        let _daemon = stage.decider(vec![Act::verdict(verdict)]);
        assert_refused(&sign_in(&stage, "alice", &format!("{ALICE}123456")), verdict);
    }
}

#[test]
fn what_cannot_be_split_is_refused_alike_and_nothing_of_it_is_sent() {
    for answer in
        ["", "123456", "12345", ALICE, "correct horse 7 123 456", "\u{8}\n\r\u{7f}INCORRECT"]
    {
        let stage = stage();
        let daemon = stage.daemon(vec![Act::prompt("code")]);
        assert_refused(&sign_in(&stage, "alice", answer), answer);
        assert_eq!(daemon.requests().len(), 1, "{answer:?}");
    }
}

#[test]
fn a_name_that_cannot_be_one_is_asked_and_refused_alike() {
    let stage = stage();
    let _daemon = stage.daemon(vec![]);
    assert_refused(&sign_in(&stage, "a\u{1b}b", &format!("{ALICE}123456")), "a hostile name");
}

#[test]
fn the_prompt_says_which_code_is_wanted() {
    for (kind, typed, prompt, sent) in [
        ("next", "123456", "1 Password and the next code: ", "123456"),
        ("pair", "123456654321", "1 Password and two codes in a row: ", "123456654321"),
        ("pair", "123456 654321", "1 Password and two codes in a row: ", "123456654321"),
        ("code", " abcde-fghj0", PROMPT, "abcdefghj0"),
    ] {
        let stage = stage();
        let daemon = stage.daemon(vec![Act::prompt(kind), Act::verdict("accept")]);
        let seen = sign_in(&stage, "alice", &format!("{ALICE}{typed}"));
        assert_eq!((seen.code(), seen.prompts()), (pam::SUCCESS, vec![prompt]), "{kind}");
        assert_eq!(daemon.requests()[1].verify().1, sent);
    }
}

#[test]
fn nobody_without_the_password_can_use_a_code_up_and_nobody_can_use_one_twice() {
    if !needs::met(&[Need::Root, Need::Program("bwrap"), Need::Program("cc")]) {
        return;
    }
    const USER: &str = "daemon"; // whom the host of fobd has, too
    let ground = Ground::new();
    let daemon = Daemon::start(ground.path(), None);
    let mut token = SoftToken::with_button("ONE-FIELD");
    let seeds = ground.path().join("seeds.csv");
    fs::write(&seeds, token.oath_line()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let codes = token.show_pair(0);
    runtime.block_on(async {
        let fob = daemon.proxy().await;
        let file = fs::File::open(&seeds).unwrap();
        fob.import((&file).into(), "oath-csv", Default::default()).await.unwrap();
        let codes = codes.each_ref().map(String::as_str);
        fob.assign(USER, token.serial(), &codes, Default::default()).await.unwrap();
    });
    let stage = stage();
    fs::hard_link(daemon.socket(), stage.daemon_socket()).unwrap();
    let code = token.next_code();
    assert_refused(&sign_in(&stage, USER, &format!("wrong{code}")), "a wrong password");
    assert!(!daemon.log().iter().any(|line| line.contains("verify verdict=")), "it was counted");
    let seen = sign_in(&stage, USER, &format!("{ALICE}{code}"));
    assert_eq!(seen.code(), pam::SUCCESS, "the code is still good");
    // The daemon asks for another code behind that, so the prompt may differ.
    let again = sign_in(&stage, USER, &format!("{ALICE}{code}"));
    assert_eq!(again.code(), pam::AUTH_ERR, "and was good once");
    daemon.wait_for("verify verdict=\"replay\"");
}

#[test]
fn without_a_service_of_its_own_for_the_password_everybody_is_refused() {
    for (text, why) in [
        (None, "cannot be read"),
        (Some(""), "has no line of kind auth"),
        (Some("account required pam_permit.so\n"), "has no line of kind auth"),
    ] {
        let stage = stage();
        match text {
            None => fs::remove_file(passwords::service(&stage)).unwrap(),
            Some(text) => passwords::write_service(&stage, text),
        }
        let daemon = stage.daemon(vec![Act::prompt("code")]);
        let host = stage.host("one_field").word("user=alice");
        // libpam would take these instead.
        fs::write(stage.folder().join("pam.d/other"), "auth required pam_permit.so\n").unwrap();
        let host = host.word(format!("answer={ALICE}123456"));
        assert_refused(&host.word("call-authenticate").run(), why);
        assert_eq!(daemon.requests().len(), 1);
        assert!(stage.log().concat().contains(why), "{why}");
    }
}

#[test]
fn a_service_that_others_can_write_is_not_used() {
    let stage = stage();
    fs::set_permissions(passwords::service(&stage), fs::Permissions::from_mode(0o666)).unwrap();
    let _daemon = stage.daemon(vec![Act::prompt("code")]);
    assert_refused(&sign_in(&stage, "alice", &format!("{ALICE}123456")), "writable");
    assert!(stage.log().concat().contains("is not root's alone"));
}

#[test]
fn the_module_does_not_answer_in_the_service_that_it_asks_itself() {
    let stage = stage();
    let own = format!("auth required {} one_field\n", stage.module().display());
    passwords::write_service(&stage, &own);
    let daemon = stage.daemon(vec![Act::prompt("code")]);
    assert_refused(&sign_in(&stage, "alice", &format!("{ALICE}123456")), "recursion");
    assert_eq!(daemon.requests().len(), 1);
    let log = stage.log().concat();
    assert!(log.contains("(fob-password) pam_fob.so has no place in this service"), "{log}");
}

#[test]
fn while_the_daemon_is_dead_everybody_is_refused_with_one_short_text() {
    for answer in [format!("{ALICE}123456"), "wrong123456".to_owned(), String::new()] {
        let stage = stage();
        let seen = sign_in(&stage, "alice", &answer);
        assert_eq!(seen.code(), pam::AUTH_ERR, "{answer}");
        assert_eq!(seen.prompts(), ["1 Password, a space, emergency code: "]);
        assert_eq!(seen.texts(), [TROUBLE]);
        assert!(TROUBLE.len() <= 60 && REFUSED.contains(&seen.took().as_millis()), "{seen:?}");
    }
}

#[test]
fn an_emergency_code_counts_behind_a_right_password_alone() {
    let stage = stage();
    let slots = emergency::lay(&stage.emergency_folder(), "alice", 1000, &CODES[..1]);
    let unused = emergency::files(&slots);
    let seen = sign_in(&stage, "alice", &format!("wrong {}", CODES[0]));
    assert_eq!((seen.code(), emergency::files(&slots)), (pam::AUTH_ERR, unused.clone()));
    let seen = sign_in(&stage, "alice", &format!("{ALICE} {}", CODES[0]));
    assert_eq!(seen.code(), pam::SUCCESS);
    assert_ne!(emergency::files(&slots), unused);
}

#[test]
fn who_needs_no_code_is_asked_for_the_password_all_the_same() {
    for (kind, options) in [("ignored", "one_field"), ("exempt", "one_field nullok")] {
        for (answer, code) in [
            (ALICE.to_owned(), pam::IGNORED),
            ("wrong".to_owned(), pam::AUTH_ERR),
            (String::new(), pam::AUTH_ERR),
            (format!("{ALICE}123456"), pam::AUTH_ERR),
        ] {
            let stage = stage();
            let _daemon = stage.daemon(vec![Act::prompt(kind)]);
            let seen = stage.host(options).sign_in(&answer);
            assert_eq!((seen.code(), seen.prompts()), (code, vec!["1 Password: "]), "{kind}");
        }
    }
}

/// pam_fob(8) shows these lines: no code for who needs none, and no door for anybody.
#[test]
fn the_lines_of_the_manual_let_the_exempt_in_by_their_password_alone() {
    for (answer, code) in [(ALICE, pam::SUCCESS), ("wrong", pam::AUTH_ERR), ("", pam::AUTH_ERR)] {
        let stage = stage();
        let _daemon = stage.daemon(vec![Act::prompt("ignored")]);
        let module = stage.module();
        let host = stage.host_with(&format!(
            "auth required {} one_field\nauth required pam_permit.so\n",
            module.display()
        ));
        let seen = host.sign_in(answer);
        assert_eq!((seen.code(), seen.prompts()), (code, vec!["1 Password: "]), "{answer}");
    }
}

#[test]
fn the_next_module_sees_neither_password_nor_code() {
    let stage = stage();
    let _daemon = stage.decider(vec![Act::verdict("accept")]);
    let (module, neighbour) = (stage.module(), stage.folder().join("pam_neighbour.so"));
    let (module, neighbour) = (module.display(), neighbour.display());
    let lines = format!("auth required {module} one_field\nauth required {neighbour} sees-none\n");
    let host = stage.host_with(&lines).word(format!("answer={ALICE}123456"));
    let seen = host.word("user=alice").word("call-authenticate").run();
    assert_eq!(seen.code(), pam::SUCCESS);
}

#[test]
fn a_user_who_changes_while_he_types_is_refused_before_his_password_is_looked_at() {
    let stage = stage();
    let daemon = stage.daemon(vec![Act::prompt("code")]);
    let host = stage.host("one_field").word("user=alice").word("set-user=carol");
    let seen = host.word(format!("answer={CAROL}123456")).word("call-authenticate").run();
    assert_refused(&seen, "a changed user");
    assert_eq!(daemon.requests().len(), 1);
}

#[test]
fn a_service_that_asks_twice_gets_no_second_answer() {
    let asks = |stage: &Stage| {
        let neighbour = stage.folder().join("pam_neighbour.so");
        format!("auth required {} asks\n", neighbour.display())
    };
    let stage = stage();
    passwords::write_service(&stage, &asks(&stage).repeat(2));
    let daemon = stage.daemon(vec![Act::prompt("code")]);
    assert_refused(&sign_in(&stage, "alice", &format!("{ALICE}123456")), "two prompts");
    assert_eq!(daemon.requests().len(), 1);
    let control = self::stage();
    passwords::write_service(&control, &asks(&control));
    let _daemon = control.decider(vec![Act::verdict("accept")]);
    assert_eq!(sign_in(&control, "alice", &format!("{ALICE}123456")).code(), pam::SUCCESS);
}

#[test]
fn texts_of_the_passwords_modules_reach_nobody() {
    let stage = stage();
    passwords::write_service(
        &stage,
        "auth optional pam_echo.so Hello\nauth required pam_unix.so nodelay\n",
    );
    let _daemon = stage.decider(vec![Act::verdict("accept")]);
    let seen = sign_in(&stage, "alice", &format!("{ALICE}123456"));
    assert_eq!((seen.code(), seen.said().len()), (pam::SUCCESS, 1), "{seen:?}");
}
