//! Rules about who is asked, as fobd.conf has them.

use fob_api::{Code, Error, Fate, PromptKind, UserName, Verdict, VerifyContext};

use super::{
    SignIn,
    bench::{ALICE, Bench, Fault, ROOT, over_ssh},
};
use crate::{
    access::Caller,
    config::parse,
    decide::{
        policy::Mode,
        rule::{Ask, Rule, Rules},
    },
};

/// alice has the token A1, bob and carol have none; alice administers the host.
async fn house(rules: &str) -> Bench {
    let mut bench = Bench::new().await.with_administrators(&["alice"]);
    bench.assign("alice", "A1").await.unwrap();
    bench.engine = bench.engine.with_rules(parse(rules).unwrap().rules);
    bench.lines.lock().unwrap().clear();
    bench
}

async fn ask(
    bench: &Bench,
    caller: Caller,
    user: &str,
    context: &VerifyContext,
) -> Result<PromptKind, Error> {
    let user = UserName::parse(user).unwrap();
    let sign_in = SignIn { caller, user: &user, context };
    bench.engine.prompt(&sign_in).await.map(|(kind, _)| kind)
}

/// What root's program in a service is told, with nullok.
async fn in_service(bench: &Bench, service: &str, user: &str) -> PromptKind {
    let context = VerifyContext {
        service: Some(service.to_owned()),
        nullok: Some(true),
        ..VerifyContext::default()
    };
    ask(bench, ROOT, user, &context).await.unwrap()
}

#[tokio::test]
async fn a_rule_outweighs_nullok_and_without_one_nullok_holds_as_ever() {
    let bench = house(
        "[[rule]]\nservice = \"sudo\"\nask = \"require\"\n\
         [[rule]]\nservice = \"login\"\nask = \"ignore\"\n",
    )
    .await;
    for (service, user, kind) in [
        ("sudo", "bob", PromptKind::Code),
        ("login", "bob", PromptKind::Ignored),
        ("login", "alice", PromptKind::Ignored),
        ("login", "root", PromptKind::Exempt),
        ("login", "nobody-of-this-name", PromptKind::Code),
        ("su", "bob", PromptKind::Exempt),
        ("su", "alice", PromptKind::Code),
    ] {
        assert_eq!(in_service(&bench, service, user).await, kind, "{service} {user}");
    }
}

#[tokio::test]
async fn groups_of_the_host_are_looked_up() {
    let rules = "[[rule]]\ngroup = \"sudo\"\nask = \"ignore\"\n";
    let bench = house(rules).await;
    assert_eq!(bench.asked("192.0.2.1", "alice").await, PromptKind::Ignored);
    assert_eq!(bench.asked("192.0.2.1", "bob").await, PromptKind::Code);
    assert_eq!(bench.asked("192.0.2.1", "nobody-of-this-name").await, PromptKind::Code);
}

#[tokio::test]
async fn a_group_that_cannot_be_looked_up_is_trouble_for_everybody_and_exempts_nobody() {
    let mut bench = house("").await;
    let rule = |ask, groups: &[&str]| Rule {
        line: 1,
        users: Vec::new(),
        groups: groups.iter().map(|name| (*name).to_owned()).collect(),
        services: Vec::new(),
        networks: Vec::new(),
        ask,
    };
    // Also where an earlier rule would have decided without it.
    let rules = vec![rule(Ask::Ignore, &["sudo"]), rule(Ask::Ignore, &["no\0name"])];
    bench.engine = bench.engine.with_rules(Rules(rules));
    for user in ["alice", "bob", "root", "nobody-of-this-name"] {
        let told = ask(&bench, ROOT, user, &over_ssh("192.0.2.1")).await;
        assert_eq!(told, Err(Error::StoreUnavailable), "{user}");
    }
    // The module asks without fobd's word then, and codes hang on no group.
    bench.advance(30);
    let right = bench.code("A1", 0);
    assert_eq!(bench.verify("alice", &right).await, Ok(Verdict::Accept));
}

#[tokio::test]
async fn a_network_is_believed_of_roots_programs_alone() {
    let bench = house("[[rule]]\nnetwork = \"192.0.2.0/24\"\nask = \"ignore\"\n").await;
    assert_eq!(bench.asked("192.0.2.1", "alice").await, PromptKind::Ignored);
    assert_eq!(bench.asked("::ffff:192.0.2.1", "alice").await, PromptKind::Ignored);
    for rhost in ["198.51.100.1", "host.example.org", "192.0.2.1%eth0", ""] {
        assert_eq!(bench.asked(rhost, "alice").await, PromptKind::Code, "{rhost:?}");
    }
    let own = ask(&bench, ALICE, "alice", &over_ssh("192.0.2.1")).await;
    assert_eq!(own, Ok(PromptKind::Code));
}

#[tokio::test]
async fn a_remote_host_that_is_no_address_is_asked_wherever_a_network_is() {
    let bench = house(
        "[[rule]]\nnetwork = [\"0.0.0.0/0\", \"::/0\"]\nask = \"require\"\n\
         [[rule]]\nask = \"ignore\"\n",
    )
    .await;
    for rhost in ["192.0.2.1", "::1", "host.example.org", "fe80::1%eth0", "UNKNOWN", "?"] {
        assert_eq!(bench.asked(rhost, "alice").await, PromptKind::Code, "{rhost:?}");
    }
    assert_eq!(bench.asked("", "alice").await, PromptKind::Ignored, "on the host itself");
    // sudo may name the host itself as the remote one (sudoers(5), pam_rhost).
    let context = VerifyContext { service: Some("sudo".to_owned()), ..over_ssh("this-host") };
    assert_eq!(ask(&bench, ROOT, "alice", &context).await, Ok(PromptKind::Ignored));
    // A user's own program runs on this host, whatever it says.
    let own = ask(&bench, ALICE, "alice", &over_ssh("host.example.org")).await;
    assert_eq!(own, Ok(PromptKind::Ignored));
}

#[tokio::test]
async fn who_has_no_token_may_enrol_until_the_end_of_the_day_and_is_asked_afterwards() {
    // The bench's clock begins at 2027-01-15 08:00:00 UTC.
    let bench = house("[[rule]]\nask = \"enrol-by 2027-01-15\"\n").await;
    let asked = async |user| bench.asked("192.0.2.1", user).await;
    assert_eq!(asked("bob").await, PromptKind::Ignored);
    assert_eq!(asked("alice").await, PromptKind::Code);
    assert_eq!(asked("root").await, PromptKind::Code);
    assert_eq!(asked("nobody-of-this-name").await, PromptKind::Code);
    bench.advance(16 * 3600 - 31);
    assert_eq!(asked("bob").await, PromptKind::Ignored);
    bench.advance(31);
    assert_eq!(asked("bob").await, PromptKind::Code);
    assert_eq!(in_service(&bench, "login", "bob").await, PromptKind::Code, "nullok is outweighed");
}

#[tokio::test]
async fn who_lost_his_token_or_was_given_codes_does_not_enrol_again_by_a_rule() {
    let bench = house("[[rule]]\nask = \"enrol-by 2027-12-31\"\n").await.with_administrators(&[]);
    bench.deactivate("alice", Fate::Lost).await.unwrap();
    assert_eq!(bench.asked("192.0.2.1", "alice").await, PromptKind::Code);
    let bob = UserName::parse("bob").unwrap();
    let terms = crate::decide::recovery::Terms { seconds: 600, reason: "first day".into(), by: 0 };
    bench.engine.bypass(ROOT, &bob, &terms).await.unwrap();
    assert_eq!(bench.asked("192.0.2.1", "bob").await, PromptKind::Code);
    assert_eq!(bench.asked("192.0.2.1", "carol").await, PromptKind::Ignored);
}

#[tokio::test]
async fn a_day_is_not_believed_of_a_clock_that_is_not() {
    let bench = house("[[rule]]\nask = \"enrol-by 2027-12-31\"\n").await;
    assert_eq!(bench.asked("192.0.2.1", "bob").await, PromptKind::Ignored);
    bench.clock.set_wall(Some(1_000_000_000));
    let told = ask(&bench, ROOT, "bob", &over_ssh("192.0.2.1")).await;
    assert_eq!(told, Err(Error::ClockNotTrusted));
}

// A host whose clock has stopped or was set back must not go through its rules' days again.
#[tokio::test]
async fn a_rule_whose_day_is_over_is_not_passed_over_by_a_clock_that_is_not_believed() {
    let bench = house(
        "[[rule]]\nservice = \"sshd\"\nask = \"enrol-by 2027-01-10\"\n\
         [[rule]]\nuser = [\"root\", \"bob\"]\nask = \"ignore\"\n",
    )
    .await;
    assert_eq!(bench.asked("192.0.2.1", "root").await, PromptKind::Code);
    assert_eq!(in_service(&bench, "login", "root").await, PromptKind::Ignored);
    bench.clock.set_wall(Some(1_000_000_000));
    let told = ask(&bench, ROOT, "root", &over_ssh("192.0.2.1")).await;
    assert_eq!(told, Err(Error::ClockNotTrusted));
    // What no day changes holds with any clock.
    assert_eq!(in_service(&bench, "login", "root").await, PromptKind::Ignored);
    assert_eq!(in_service(&bench, "login", "bob").await, PromptKind::Ignored);
}

#[tokio::test]
async fn nullok_behind_a_day_is_not_believed_of_a_clock_that_is_not() {
    // The host has no such group: until that day the rule holds for nobody, then for everybody.
    let bench = house("[[rule]]\ngroup = \"ghosts\"\nask = \"enrol-by 2027-01-10\"\n").await;
    assert_eq!(in_service(&bench, "login", "bob").await, PromptKind::Code);
    bench.clock.set_wall(Some(1_000_000_000));
    let context = VerifyContext { nullok: Some(true), ..over_ssh("192.0.2.1") };
    let told = ask(&bench, ROOT, "bob", &context).await;
    assert_eq!(told, Err(Error::ClockNotTrusted));
}

#[tokio::test]
async fn who_is_not_asked_and_types_a_code_all_the_same_is_decided_on_as_always() {
    let bench = house("[[rule]]\nask = \"ignore\"\n").await;
    assert_eq!(bench.asked("192.0.2.1", "alice").await, PromptKind::Ignored);
    bench.advance(30);
    let (right, wrong) = (bench.code("A1", 0), Code::parse("00000000").unwrap());
    assert_eq!(bench.verify("alice", &wrong).await, Ok(Verdict::Reject));
    assert_eq!(bench.verify("alice", &right).await, Ok(Verdict::Accept));
    assert_eq!(bench.verify("alice", &right).await, Ok(Verdict::Replay));
    assert_eq!(bench.verify("bob", &wrong).await, Ok(Verdict::Unassigned));
}

#[tokio::test]
async fn a_sign_in_without_a_code_is_an_event_with_the_rule_and_its_line() {
    let rules = "[[rule]]\nuser = \"bob\"\nask = \"require\"\n\n[[rule]]\nask = \"ignore\"\n";
    let bench = house(rules).await;
    for user in ["alice", "bob"] {
        bench.asked("192.0.2.1", user).await;
    }
    assert_eq!(
        *bench.lines.lock().unwrap(),
        ["verify verdict=\"exempt\" user=\"alice\" service=\"sshd\" rhost=\"192.0.2.1\" \
          caller=\"0\" rule=\"2\" line=\"5\""]
    );
    bench.lines.lock().unwrap().clear();
    // Of a user's own programs ten a minute are told, as of refusals.
    for _ in 0..50 {
        let kind = ask(&bench, ALICE, "alice", &VerifyContext::default()).await;
        assert_eq!(kind, Ok(PromptKind::Ignored));
    }
    assert_eq!(bench.lines.lock().unwrap().len(), 10);
}

#[tokio::test]
async fn no_full_disk_keeps_out_who_is_not_asked() {
    let bench = house("[[rule]]\nuser = \"alice\"\nask = \"ignore\"\n").await;
    bench.fail_next(Fault::Away);
    let wrong = Code::parse("00000000").unwrap();
    assert_eq!(bench.verify("alice", &wrong).await, Err(Error::StoreUnavailable));
    bench.fail_next(Fault::Away);
    assert_eq!(bench.asked("192.0.2.1", "alice").await, PromptKind::Ignored);
}

/// The house in observe mode.
async fn observing(rules: &str) -> Bench {
    let mut bench = house(rules).await;
    bench.engine.around.policy.mode = Mode::Observe;
    bench
}

#[tokio::test]
async fn in_observe_mode_nobody_is_asked_and_the_log_tells_who_would_be() {
    let bench = observing("[[rule]]\nuser = \"carol\"\nask = \"ignore\"\n").await;
    for (user, end) in [
        ("alice", "would=\"code\" ready=\"yes\""),
        ("bob", "would=\"code\" ready=\"no\""),
        ("carol", "would=\"exempt\" ready=\"no\" rule=\"1\" line=\"1\""),
        ("root", "would=\"code\" ready=\"no\""),
        ("nobody-of-this-name", "would=\"code\" ready=\"nobody\""),
    ] {
        assert_eq!(bench.asked("192.0.2.1", user).await, PromptKind::Ignored, "{user}");
        let said = std::mem::take(&mut *bench.lines.lock().unwrap());
        let begin =
            format!("observed user=\"{user}\" service=\"sshd\" rhost=\"192.0.2.1\" caller=\"0\"");
        assert_eq!(said, [format!("{begin} {end}")]);
    }
}

#[tokio::test]
async fn in_observe_mode_a_code_is_decided_on_as_always_and_trouble_is_trouble() {
    let bench = observing("").await;
    bench.advance(30);
    let (right, wrong) = (bench.code("A1", 0), Code::parse("00000000").unwrap());
    assert_eq!(bench.verify("alice", &wrong).await, Ok(Verdict::Reject));
    assert_eq!(bench.verify("alice", &right).await, Ok(Verdict::Accept));
    let mut bench = bench;
    let nameless = Rule {
        line: 1,
        users: Vec::new(),
        groups: vec!["no\0name".to_owned()],
        services: Vec::new(),
        networks: Vec::new(),
        ask: Ask::Ignore,
    };
    bench.engine = bench.engine.with_rules(Rules(vec![nameless]));
    let told = ask(&bench, ROOT, "alice", &over_ssh("192.0.2.1")).await;
    assert_eq!(told, Err(Error::StoreUnavailable));
}

#[tokio::test]
async fn in_observe_mode_a_users_own_programs_do_not_fill_the_log() {
    let bench = observing("").await;
    for _ in 0..50 {
        let kind = ask(&bench, ALICE, "alice", &VerifyContext::default()).await;
        assert_eq!(kind, Ok(PromptKind::Ignored));
    }
    assert_eq!(bench.lines.lock().unwrap().len(), 10);
}

#[tokio::test]
async fn the_status_tells_what_is_not_enforced() {
    let rules = "[[rule]]\nuser = \"bob\"\nask = \"require\"\n\
                 [[rule]]\nuser = \"carol\"\nask = \"ignore\"\n\
                 [[rule]]\nask = \"enrol-by 2027-01-14\"\n";
    for (bench, mode) in [(house(rules).await, "enforce"), (observing(rules).await, "observe")] {
        let status = bench.engine.status(ROOT).await.unwrap();
        assert_eq!((status.mode.as_deref(), status.exempting), (Some(mode), Some(1)));
    }
}

#[tokio::test]
async fn an_explanation_is_what_is_enforced_and_leaves_no_trace() {
    let rules = "[[rule]]\nuser = \"carol\"\nask = \"ignore\"\n\n\
                 [[rule]]\nservice = \"sshd\"\nask = \"enrol-by 2027-12-31\"\n";
    for mut bench in [house(rules).await, observing(rules).await] {
        for (user, service, told) in [
            ("carol", "su", ("ignored", "ignore", Some(1), Some(1), false)),
            ("bob", "sshd", ("ignored", "enrol", Some(2), Some(5), false)),
            ("alice", "sshd", ("code", "has_token", Some(2), Some(5), true)),
            ("bob", "su", ("exempt", "nullok", None, None, false)),
            ("alice", "su", ("code", "has_token", None, None, true)),
            ("root", "sshd", ("exempt", "nullok", None, None, false)),
            ("nobody-of-this-name", "su", ("code", "no_such_user", None, None, false)),
        ] {
            let name = UserName::parse(user).unwrap();
            let context = VerifyContext {
                service: Some(service.to_owned()),
                nullok: Some(true),
                ..VerifyContext::default()
            };
            let sign_in = SignIn { caller: ROOT, user: &name, context: &context };
            let (word, report) = bench.engine.explain(&sign_in).await.unwrap();
            let reason = report.reason.unwrap();
            let seen = (word.word(), reason.as_str(), report.rule, report.line, report.ready);
            let (word, reason, rule, line, ready) = told;
            assert_eq!(seen, (word, reason, rule, line, Some(ready)), "{user} {service}");
            bench.engine.around.policy.mode = Mode::Enforce;
            let asked = ask(&bench, ROOT, user, &context).await.unwrap();
            assert_eq!(asked.word(), word, "{user} {service}");
            bench.lines.lock().unwrap().clear();
            bench.engine.explain(&sign_in).await.unwrap();
            assert_eq!(*bench.lines.lock().unwrap(), [""; 0]);
        }
        let own = UserName::parse("alice").unwrap();
        let context = VerifyContext::default();
        let sign_in = SignIn { caller: ALICE, user: &own, context: &context };
        let told = bench.engine.explain(&sign_in).await.map(|(word, _)| word);
        assert_eq!(told, Err(Error::NotAuthorized { verb: "explain" }));
    }
}
