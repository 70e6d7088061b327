//! What the module asks, sends and returns: the real `.so` in a real PAM host, a scripted daemon.
//!
//! Honest limits: the host is a small C program, not sshd or sudo, and the daemon decides nothing.

use fob_api::VerifyDetails;
use fob_tests::fake_daemon::Act;
use fob_tests::pam_host::{Stage, pam};

/// Prompt styles of `_pam_types.h`.
const HIDDEN: &str = "1 Token code: ";
const SHOWN: &str = "2 Token code: ";
/// sshd's answer for a user who may not sign in, `auth-pam.c`.
const SSHD_JUNK: &str = "\u{8}\n\r\u{7f}INCORRECT";

#[test]
fn an_accepted_code_signs_in_silently() {
    let stage = Stage::new();
    let daemon = stage.decider(vec![Act::verdict("accept")]);
    let seen = stage.host("").sign_in("123456");
    assert_eq!(seen.code(), pam::SUCCESS);
    assert_eq!(seen.prompts(), [SHOWN]);
    assert!(seen.texts().is_empty());
    assert_eq!(daemon.callers(), ["0"]);
    assert!(stage.log().is_empty());
}

#[test]
fn the_daemon_gets_user_code_and_context() {
    let stage = Stage::new();
    let daemon = stage.decider(vec![Act::verdict("reject")]);
    stage.host("").word("rhost=fe80::1%eth0").word("tty=pts/3").sign_in(" 123-456 ");
    let [prompt, request] = &daemon.requests()[..] else { panic!("not two requests") };
    assert_eq!(prompt.prompt().1.rhost.as_deref(), Some("fe80::1%eth0"));
    let (user, code, context) = request.verify();
    assert_eq!(
        (request.path.as_str(), request.interface.as_str()),
        ("/org/fobd/Fob1", "org.fobd.Fob1")
    );
    assert_eq!((user.as_str(), code.as_str()), ("alice", "123456"));
    assert_eq!(context.service.as_deref(), Some("probe"));
    assert_eq!(context.rhost.as_deref(), Some("fe80::1%eth0"));
    assert_eq!(context.tty.as_deref(), Some("pts/3"));
    assert_eq!(context.nullok, None);
}

#[test]
fn every_other_verdict_is_the_same_silent_refusal() {
    let wait = VerifyDetails { wait: Some(240), ..VerifyDetails::default() };
    for (word, details) in [
        ("reject", VerifyDetails::default()),
        ("unassigned", VerifyDetails::default()),
        ("exempt", VerifyDetails::default()),
        ("replay", earlier(0)),
        ("wait", wait),
        ("locked", VerifyDetails::default()),
    ] {
        let stage = Stage::new();
        let _daemon = stage.decider(vec![Act::verdict_with(word, details)]);
        let seen = stage.host("").service("sshd").sign_in("123456");
        assert_eq!((seen.code(), seen.prompts()), (pam::AUTH_ERR, vec![SHOWN]), "{word}");
        assert!(seen.texts().is_empty(), "{word}: {seen:?}");
    }
}

#[test]
fn the_daemon_says_what_to_ask_for() {
    for (kind, prompt) in [
        ("code", SHOWN),
        ("next", "2 Wait for the next code: "),
        ("pair", "2 Two codes in a row, with a space: "),
        ("exempt", SHOWN), // without nullok nobody is
    ] {
        let stage = Stage::new();
        let _daemon = stage.daemon(vec![Act::prompt(kind), Act::verdict("accept")]);
        let seen = stage.host("").sign_in("123456");
        assert_eq!((seen.code(), seen.prompts()), (pam::SUCCESS, vec![prompt]), "{kind}");
    }
}

#[test]
fn a_pair_and_a_recovery_code_travel_without_their_spaces() {
    for (answer, sent) in [("123456 654321", "123456654321"), ("ABCDE-FGHJ0", "abcdefghj0")] {
        let stage = Stage::new();
        let daemon = stage.decider(vec![Act::verdict("accept")]);
        assert_eq!(stage.host("").sign_in(answer).code(), pam::SUCCESS, "{answer}");
        assert_eq!(daemon.verifies()[0].1, sent);
    }
}

/// What the daemon tells of a sign-in before this one: 3 March 2026 09:12 UTC.
fn earlier(wrong: u32) -> VerifyDetails {
    VerifyDetails {
        last_used: Some(1_772_529_120),
        last_from: Some("10.0.0.7".to_owned()),
        wrong_since: Some(wrong),
        ..VerifyDetails::default()
    }
}

#[test]
fn sshd_and_login_tell_of_the_last_sign_in_and_others_do_not() {
    const NOTICE: &str =
        "4 Last code used 3 March 2026 09:12 UTC from 10.0.0.7. 2 wrong codes since.";
    for (service, options, texts) in [
        ("sshd", "", vec![NOTICE]),
        ("login", "", vec![NOTICE]),
        ("sshd", "nonotice", vec![]),
        ("sudo", "", vec![]),
        ("gdm-password", "", vec![]),
    ] {
        let stage = Stage::new();
        let _daemon = stage.decider(vec![Act::verdict_with("accept", earlier(2))]);
        let seen = stage.host(options).service(service).sign_in("123456");
        assert_eq!((seen.code(), seen.texts()), (pam::SUCCESS, texts), "{service} {options}");
    }
}

#[test]
fn a_host_that_wants_silence_gets_it() {
    let stage = Stage::new();
    let _daemon = stage.decider(vec![Act::verdict_with("accept", earlier(2))]);
    let seen = stage.host("").service("sshd").word("silent").sign_in("123456");
    assert_eq!((seen.code(), seen.texts().len()), (pam::SUCCESS, 0));
}

#[test]
fn a_text_that_cannot_be_shown_changes_nothing() {
    for how in ["text-null-array", "text-fails"] {
        let stage = Stage::new();
        let _daemon = stage.decider(vec![Act::verdict_with("accept", earlier(2))]);
        let seen = stage.host("").service("sshd").word(how).sign_in("123456");
        assert_eq!((seen.code(), seen.texts().len()), (pam::SUCCESS, 1), "{how}");
    }
}

#[test]
fn noecho_hides_what_is_typed() {
    let stage = Stage::new();
    let _daemon = stage.decider(vec![Act::verdict("accept")]);
    assert_eq!(stage.host("noecho").sign_in("123456").prompts(), [HIDDEN]);
}

#[test]
fn the_prompt_can_have_other_words_with_spaces() {
    let stage = Stage::new();
    let _daemon = stage.decider(vec![Act::verdict("accept")]);
    let seen = stage.host("[prompt=Code of your token: ]").sign_in("123456");
    assert_eq!(seen.prompts(), ["2 Code of your token: "]);
}

#[test]
fn an_option_that_is_not_known_refuses_and_is_logged() {
    for (options, named) in [
        ("nul_ok", "nul_ok"),
        ("debug debug", "debug"),
        ("timeout=-1", "timeout"),
        ("timeout=18446744073709551616", "timeout"),
        ("prompt=", "prompt"),
        ("use_first_pass try_first_pass", "try_first_pass"),
        ("forward_pass", "forward_pass"),
    ] {
        let stage = Stage::new();
        let _daemon = stage.daemon(vec![]);
        let seen = stage.host(options).sign_in("123456");
        assert_eq!((seen.code(), seen.prompts().len()), (pam::SERVICE_ERR, 0), "{options}");
        let log = stage.log();
        assert!(log.len() == 1 && log[0].contains(named), "{options}: {log:?}");
    }
}

#[test]
fn an_answer_that_cannot_be_a_code_is_not_sent_and_looks_like_a_wrong_code() {
    let long = "1".repeat(1 << 16);
    for answer in [
        "",
        "12345",
        "123456789",
        "123456 123456",
        "+12345",
        "-00001",
        "abcdef",
        "１２３４５６",
        SSHD_JUNK,
        &long,
    ] {
        let stage = Stage::new();
        let _daemon = stage.daemon(vec![Act::prompt("code")]);
        let seen = stage.host("").sign_in(answer);
        assert_eq!(seen.code(), pam::AUTH_ERR, "{answer:?}");
        assert_eq!((seen.prompts(), seen.texts().len()), (vec![SHOWN], 0), "{answer:?}");
        assert!(stage.log().is_empty(), "{answer:?} was logged");
    }
}

#[test]
fn an_answer_that_is_not_sent_takes_as_long_as_a_wrong_code() {
    let stage = Stage::new();
    let prompt = || Act::prompt("code");
    let _daemon = stage.daemon(vec![prompt(), Act::verdict("reject"), prompt()]);
    let wrong = stage.host("").sign_in("123456").took();
    let junk = stage.host("").sign_in(SSHD_JUNK).took();
    // The scripted daemon answers at once, so the shortest refusal is all that is measured.
    assert!(wrong.as_millis() >= 50 && junk.as_millis() >= 50, "{wrong:?} and {junk:?}");
}

#[test]
fn the_password_as_the_answer_is_not_sent() {
    let stage = Stage::new();
    let _daemon = stage.daemon(vec![Act::prompt("code")]);
    let seen = stage.host_after_password("123456", "").sign_in("123456");
    assert_eq!((seen.code(), seen.prompts().len()), (pam::AUTH_ERR, 1));
}

#[test]
fn a_conversation_without_an_answer_is_a_refusal_and_not_a_call() {
    for (word, code) in [
        ("null-string", pam::AUTH_ERR),
        ("null-array", pam::CONV_ERR),
        ("fail=19", pam::CONV_ERR), // PAM_CONV_ERR
        ("fail=30", pam::CONV_ERR), // PAM_CONV_AGAIN
        ("fail=5", pam::CONV_ERR),  // PAM_BUF_ERR
        ("fail=99", pam::CONV_ERR), // no PAM result at all
    ] {
        let stage = Stage::new();
        let _daemon = stage.daemon(vec![Act::prompt("code")]);
        let seen = stage.host("").word("user=alice").word(word).word("call-authenticate").run();
        assert_eq!((seen.code(), seen.prompts().len()), (code, 1), "{word}");
    }
}

#[test]
fn use_first_pass_takes_the_earlier_answer_and_never_asks() {
    for (earlier, code, calls) in [
        ("123456", pam::SUCCESS, 2),
        ("correct horse", pam::AUTH_ERR, 1),
        ("basketball", pam::AUTH_ERR, 1), // has the form of a recovery code
    ] {
        let stage = Stage::new();
        let script = [Act::prompt("code"), Act::verdict("accept")].into_iter().take(calls);
        let _daemon = stage.daemon(script.collect());
        let seen = stage.host_after_password(earlier, "use_first_pass").sign_in("654321");
        assert_eq!((seen.code(), seen.prompts().len()), (code, 0), "{earlier}");
    }
}

#[test]
fn use_first_pass_without_an_earlier_answer_refuses() {
    let stage = Stage::new();
    let _daemon = stage.daemon(vec![Act::prompt("code")]);
    let seen = stage.host("use_first_pass").sign_in("123456");
    assert_eq!((seen.code(), seen.prompts().len()), (pam::AUTH_ERR, 0));
}

#[test]
fn try_first_pass_asks_only_if_the_earlier_answer_cannot_be_a_code() {
    for (earlier, prompts, sent) in [("111111", 0, "111111"), ("correct horse", 1, "222222")] {
        let stage = Stage::new();
        let daemon = stage.decider(vec![Act::verdict("accept")]);
        let seen = stage.host_after_password(earlier, "try_first_pass").sign_in("222222");
        assert_eq!((seen.code(), seen.prompts().len()), (pam::SUCCESS, prompts), "{earlier}");
        assert_eq!(daemon.verifies()[0].1, sent);
    }
}

#[test]
fn nullok_ignores_a_user_whom_the_daemon_exempts_without_asking_him() {
    let stage = Stage::new();
    let daemon = stage.daemon(vec![Act::prompt("exempt")]);
    let seen = stage.host("nullok").sign_in("123456");
    assert_eq!((seen.code(), seen.prompts().len()), (pam::IGNORED, 0));
    let (user, context) = daemon.requests()[0].prompt();
    assert_eq!((user.as_str(), context.nullok), ("alice", Some(true)));
}

#[test]
fn nullok_alone_in_a_stack_lets_nobody_in() {
    let stage = Stage::new();
    let _daemon = stage.daemon(vec![Act::prompt("exempt")]);
    let module = stage.module();
    let host = stage.host_with(&format!("auth required {} nullok\n", module.display()));
    assert_ne!(host.sign_in("123456").code(), pam::SUCCESS);
}

#[test]
fn whom_a_rule_of_the_daemon_does_not_ask_is_ignored_with_and_without_nullok() {
    for options in ["", "nullok", "debug"] {
        let stage = Stage::new();
        let daemon = stage.daemon(vec![Act::prompt("ignored")]);
        let seen = stage.host(options).sign_in("123456");
        assert_eq!((seen.code(), seen.prompts().len()), (pam::IGNORED, 0), "{options}");
        assert!(seen.texts().is_empty(), "{options}: {seen:?}");
        assert_eq!(daemon.requests().len(), 1, "nobody is asked for a verdict");
    }
}

#[test]
fn whom_a_rule_does_not_ask_is_not_in_where_the_module_stands_alone() {
    let stage = Stage::new();
    let _daemon = stage.daemon(vec![Act::prompt("ignored")]);
    let module = stage.module();
    let host = stage.host_with(&format!("auth required {}\n", module.display()));
    assert_ne!(host.sign_in("123456").code(), pam::SUCCESS);
}

// An older module under a newer daemon: a word that it does not know is trouble, and a refusal.
#[test]
fn a_word_of_a_newer_daemon_lets_nobody_in() {
    for word in ["Ignored", "ignored ", "exempted", "not-asked"] {
        let stage = Stage::new();
        let _daemon = stage.daemon(vec![Act::prompt(word), Act::verdict("reject")]);
        let seen = stage.host("nullok").sign_in("123456");
        assert_eq!(seen.code(), pam::AUTH_ERR, "{word}");
    }
}

#[test]
fn nullok_asks_a_user_with_a_token() {
    let stage = Stage::new();
    let _daemon = stage.decider(vec![Act::verdict("accept")]);
    let seen = stage.host("nullok").sign_in("123456");
    assert_eq!((seen.code(), seen.prompts()), (pam::SUCCESS, vec![SHOWN]));
}

#[test]
fn without_nullok_the_daemon_is_not_asked_who_is_exempt() {
    let stage = Stage::new();
    let daemon = stage.decider(vec![Act::verdict("reject")]);
    stage.host("").sign_in("123456");
    assert_eq!(daemon.requests()[0].prompt().1.nullok, None);
}

#[test]
fn debug_logs_the_verdict_and_never_the_code() {
    let stage = Stage::new();
    let _daemon = stage.decider(vec![Act::verdict("reject")]);
    stage.host("debug").sign_in("135790");
    let log = stage.log();
    assert!(log.len() == 1 && log[0].contains("reject") && !log[0].contains("135790"), "{log:?}");
}

#[test]
fn the_other_functions_have_no_effect() {
    for (function, code) in [
        ("setcred", pam::SUCCESS),
        ("account", pam::IGNORED),
        ("open", pam::IGNORED),
        ("close", pam::IGNORED),
        ("password", pam::IGNORED),
    ] {
        let stage = Stage::new();
        let _daemon = stage.daemon(vec![]);
        let call = format!("call-other={function}");
        let seen = stage.host("").word("user=alice").word(call).run();
        assert_eq!((seen.code(), seen.prompts().len()), (code, 0), "{function}");
    }
}

// P6 of threats.md: the field is unused, says pam_conv(3).
#[test]
fn a_return_code_beside_the_answer_changes_nothing() {
    for (verdict, code) in [("accept", pam::SUCCESS), ("reject", pam::AUTH_ERR)] {
        let stage = Stage::new();
        let daemon = stage.decider(vec![Act::verdict(verdict)]);
        let seen = stage.host("").word("retcode=7").sign_in("123456");
        assert_eq!((seen.code(), seen.prompts()), (code, vec![SHOWN]), "{verdict}");
        assert_eq!(daemon.verifies()[0].1, "123456");
    }
}

// P7 of threats.md. libpam does not pass such a conversation on, or the binding refuses it.
#[test]
fn a_conversation_without_a_function_is_an_error_and_the_host_goes_on() {
    let stage = Stage::new();
    let daemon = stage.daemon(vec![Act::prompt("code")]);
    let seen = stage.host("").word("no-conversation").sign_in("123456");
    let errors = [pam::SERVICE_ERR, pam::SYSTEM_ERR, pam::CONV_ERR];
    assert!(errors.contains(&seen.code()), "{seen:?}");
    assert!(seen.prompts().is_empty(), "{seen:?}");
    let asked_for_a_verdict = daemon.requests().iter().any(|request| request.member == "Verify");
    assert!(!asked_for_a_verdict);
}
