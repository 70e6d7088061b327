//! Recovery codes and temporary ones: once, for their owner, after the loss of a token.

use std::sync::{Arc, atomic::Ordering};

use fob_api::{
    Error, Fate, PromptKind, RecoveryCode, UserName, UserReport, Verdict, VerifyContext,
};

use super::bench::{ALICE, Bench, Fault, ROOT, over_ssh};
use crate::{
    access::Caller,
    decide::{
        HostClock,
        recovery::{CODES, Terms},
        verify::Typed,
    },
    engine::SignIn,
};

impl Bench {
    async fn codes(&self, user: &str) -> Vec<RecoveryCode> {
        let user = UserName::parse(user).unwrap();
        self.engine.new_recovery_codes(ROOT, &user, None).await.unwrap()
    }

    async fn bypass(&self, user: &str, seconds: u32) -> RecoveryCode {
        let user = UserName::parse(user).unwrap();
        let terms = Terms { seconds, reason: "left at home".to_owned(), by: 0 };
        self.engine.bypass(ROOT, &user, &terms).await.unwrap().0
    }

    async fn recover(&self, user: &str, code: &RecoveryCode) -> Result<Verdict, Error> {
        self.recover_as(ROOT, user, code).await
    }

    async fn recover_as(
        &self,
        caller: Caller,
        user: &str,
        code: &RecoveryCode,
    ) -> Result<Verdict, Error> {
        let user = UserName::parse(user).unwrap();
        let sign_in = SignIn { caller, user: &user, context: &VerifyContext::default() };
        self.engine.recover(&sign_in, code).await.map(|(verdict, _)| verdict)
    }

    async fn recover_from(&self, rhost: &str, user: &str, code: &RecoveryCode) -> Verdict {
        let (user, context) = (UserName::parse(user).unwrap(), over_ssh(rhost));
        let sign_in = SignIn { caller: ROOT, user: &user, context: &context };
        self.engine.recover(&sign_in, code).await.unwrap().0
    }

    async fn report(&self, user: &str) -> UserReport {
        self.engine.show_user(ROOT, &UserName::parse(user).unwrap()).await.unwrap()
    }

    async fn prompt_with_nullok(&self, user: &str) -> PromptKind {
        let user = UserName::parse(user).unwrap();
        let context = VerifyContext { nullok: Some(true), ..VerifyContext::default() };
        let sign_in = SignIn { caller: ROOT, user: &user, context: &context };
        self.engine.prompt(&sign_in).await.unwrap().0
    }
}

fn wrong() -> RecoveryCode {
    RecoveryCode::parse("abcde-fghjk").unwrap()
}

#[tokio::test]
async fn a_recovery_code_is_good_once_beside_the_token_and_after_its_loss() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let codes = bench.codes("alice").await;
    assert_eq!(codes.len(), CODES);
    assert_eq!(bench.recover("alice", &codes[0]).await, Ok(Verdict::Accept));
    bench.deactivate("alice", Fate::Lost).await.unwrap();
    bench.advance(10);
    assert_eq!(bench.recover("alice", &codes[0]).await, Ok(Verdict::Reject));
    bench.advance(10);
    assert_eq!(bench.recover("alice", &codes[9]).await, Ok(Verdict::Accept));
    assert_eq!(bench.report("alice").await.recovery_left, Some(8));
    bench.advance(10);
    assert_eq!(bench.recover("bob", &codes[1]).await, Ok(Verdict::Unassigned));
}

#[tokio::test]
async fn new_codes_and_a_rotation_void_and_keep_what_they_should() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let first = bench.codes("alice").await;
    let second = bench.codes("alice").await;
    bench.rotate("alice", "B2", Fate::Lost).await.unwrap();
    assert_eq!(bench.recover("alice", &first[0]).await, Ok(Verdict::Reject));
    bench.advance(10);
    assert_eq!(bench.recover("alice", &second[0]).await, Ok(Verdict::Accept));
}

#[tokio::test]
async fn deactivation_without_a_loss_ends_the_codes() {
    for fate in [Fate::Stock, Fate::Retire] {
        let bench = Bench::new().await;
        bench.assign("alice", "A1").await.unwrap();
        let codes = bench.codes("alice").await;
        let temporary = bench.bypass("alice", 3600).await;
        assert_eq!(bench.prompt_with_nullok("alice").await, PromptKind::Code);
        bench.deactivate("alice", fate).await.unwrap();
        assert_eq!(bench.recover("alice", &codes[0]).await, Ok(Verdict::Unassigned));
        bench.advance(10);
        assert_eq!(bench.recover("alice", &temporary).await, Ok(Verdict::Unassigned));
        assert_eq!(bench.report("alice").await.recovery_left, None);
        assert_eq!(bench.prompt_with_nullok("alice").await, PromptKind::Exempt);
    }
}

#[tokio::test]
async fn nullok_does_not_exempt_who_lost_his_token_and_has_recovery_codes() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.codes("alice").await;
    bench.deactivate("alice", Fate::Lost).await.unwrap();
    assert_eq!(bench.prompt_with_nullok("alice").await, PromptKind::Code);
}

#[tokio::test]
async fn a_temporary_code_is_good_once_and_until_it_expires() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let code = bench.bypass("alice", 600).await;
    let report = bench.report("alice").await;
    assert_eq!(report.temporary_until, Some(bench.now() + 600));
    assert_eq!(report.temporary_reason.as_deref(), Some("left at home"));
    assert_eq!(bench.recover("alice", &code).await, Ok(Verdict::Accept));
    assert_eq!(bench.report("alice").await.temporary_until, None);
    bench.advance(10);
    assert_eq!(bench.recover("alice", &code).await, Ok(Verdict::Reject));
    let late = bench.bypass("alice", 600).await;
    bench.advance(600);
    assert_eq!(bench.report("alice").await.temporary_until, None);
    assert_eq!(bench.recover("alice", &late).await, Ok(Verdict::Reject));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_sign_ins_at_once_with_one_recovery_code_exactly_one_wins() {
    let bench = Arc::new(Bench::new().await);
    let codes = bench.codes("alice").await;
    let tries: Vec<_> = (0..64)
        .map(|n| {
            let (bench, code) = (Arc::clone(&bench), codes[0].clone());
            // Half of them from sources of their own, half from one.
            let source = format!("203.0.113.{}", n % 33);
            tokio::spawn(async move {
                // The clock goes on, so that others are tried too.
                bench.advance(1);
                bench.recover_from(&source, "alice", &code).await
            })
        })
        .collect();
    let mut verdicts = Vec::new();
    for verdict in tries {
        verdicts.push(verdict.await.unwrap());
    }
    let accepted = verdicts.iter().filter(|verdict| **verdict == Verdict::Accept).count();
    assert_eq!(accepted, 1, "{verdicts:?}");
    let refused = |verdict: &Verdict| matches!(verdict, Verdict::Reject | Verdict::Wait(_));
    assert_eq!(verdicts.iter().filter(|verdict| refused(verdict)).count(), 63);
    assert_eq!(bench.report("alice").await.recovery_left, Some(9));
}

#[tokio::test]
async fn a_lost_reply_of_the_store_burns_no_recovery_code_and_accepts_none_twice() {
    let bench = Bench::new().await;
    let codes = bench.codes("alice").await;
    for (fault, code) in [Fault::ReplyLost, Fault::NotApplied].into_iter().zip(&codes) {
        bench.advance(10);
        bench.fail_next(fault);
        assert_eq!(bench.recover("alice", code).await, Ok(Verdict::Accept));
        bench.advance(10);
        assert_eq!(bench.recover("alice", code).await, Ok(Verdict::Reject));
    }
    bench.advance(10);
    bench.fail_next(Fault::Away);
    assert_eq!(bench.recover("alice", &codes[5]).await, Err(Error::StoreUnavailable));
    assert_eq!(bench.recover("alice", &codes[5]).await, Ok(Verdict::Accept));
}

#[tokio::test]
async fn a_wrong_recovery_code_costs_the_same_for_everybody() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.codes("carol").await;
    for (user, expected) in [
        ("alice", Verdict::Reject),
        ("carol", Verdict::Reject),
        ("bob", Verdict::Unassigned),
        ("nobody-of-this-name", Verdict::Unassigned),
    ] {
        let before = bench.store.commits.load(Ordering::SeqCst);
        assert_eq!(bench.recover(user, &wrong()).await, Ok(expected), "{user}");
        assert_eq!(bench.store.commits.load(Ordering::SeqCst) - before, 1, "{user}");
        assert_eq!(bench.recover(user, &wrong()).await, Ok(Verdict::Wait(10)), "{user}");
        assert_eq!(bench.store.commits.load(Ordering::SeqCst) - before, 1, "{user}");
    }
}

#[tokio::test]
async fn wrong_recovery_codes_spend_the_budget_of_the_share() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.codes("alice").await;
    for _ in 0..5 {
        assert_eq!(bench.recover_as(ALICE, "alice", &wrong()).await, Ok(Verdict::Reject));
        bench.advance(10);
    }
    let code = bench.code("A1", 0);
    assert_eq!(bench.verify_as(ALICE, "alice", &code).await, Ok(Verdict::Locked));
    assert_eq!(bench.verify("alice", &code).await, Ok(Verdict::Accept));
}

#[tokio::test]
async fn a_flood_of_wrong_codes_does_not_keep_out_who_has_only_recovery_codes() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let codes = bench.codes("alice").await;
    bench.deactivate("alice", Fate::Lost).await.unwrap();
    for n in 0..100 {
        bench.advance(2 + n % 3);
        let stranger = format!("203.0.113.{}", n % 5);
        let _ = bench.recover_from(&stranger, "alice", &wrong()).await;
    }
    bench.advance(1);
    assert_eq!(bench.recover_from("198.51.100.7", "alice", &codes[0]).await, Verdict::Accept);
}

#[tokio::test]
async fn a_right_recovery_code_ends_the_wait_for_the_next_code() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let codes = bench.codes("alice").await;
    let typed = fob_api::Code::parse("00000000").unwrap();
    let home = "198.51.100.7";
    let _ = bench.from(home, "alice", Typed::Code(&typed)).await.unwrap();
    assert_eq!(bench.asked(home, "alice").await, PromptKind::Next);
    assert_eq!(bench.recover_from(home, "alice", &codes[0]).await, Verdict::Accept);
    assert_eq!(bench.asked(home, "alice").await, PromptKind::Code);
}

#[tokio::test]
async fn a_recovery_code_is_taken_while_the_clock_is_not_trusted() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let codes = bench.codes("alice").await;
    let temporary = bench.bypass("alice", 600).await;
    bench.clock.set_host_clock(HostClock::Unsynchronised);
    for (wall, code) in [None, Some(0)].into_iter().zip(&codes) {
        bench.clock.set_wall(wall);
        let typed = bench.verify("alice", &bench.code("A1", 0)).await;
        assert_eq!(typed, Err(Error::ClockNotTrusted));
        assert_eq!(bench.recover("alice", code).await, Ok(Verdict::Accept));
        bench.advance(10);
    }
    bench.advance(600);
    assert_eq!(bench.recover("alice", &temporary).await, Ok(Verdict::Reject));
}

#[tokio::test]
async fn a_user_proves_his_own_new_codes_with_two_codes_of_his_token() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let alice = UserName::parse("alice").unwrap();
    let stale = bench.pair("A1");
    let serial = fob_api::Serial::parse("A1").unwrap();
    let unproven = bench.engine.new_recovery_codes(ALICE, &alice, None).await;
    assert!(matches!(unproven, Err(Error::InvalidArgument { .. })));
    let replayed = bench.engine.new_recovery_codes(ALICE, &alice, Some(&stale)).await;
    assert_eq!(replayed.err(), Some(Error::InvalidCodePair { serial }));
    assert_eq!(bench.report("alice").await.recovery_left, None);
    bench.advance(60);
    let pair = bench.pair("A1");
    let codes = bench.engine.new_recovery_codes(ALICE, &alice, Some(&pair)).await.unwrap();
    assert_eq!(bench.recover("alice", &codes[0]).await, Ok(Verdict::Accept));
    bench.advance(60);
    let again = bench.engine.new_recovery_codes(ALICE, &alice, Some(&pair)).await;
    assert!(matches!(again, Err(Error::InvalidCodePair { .. })), "its codes are used up");
}

#[tokio::test]
async fn a_wrong_pair_for_new_codes_makes_the_user_wait() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let alice = UserName::parse("alice").unwrap();
    let stale = bench.pair("A1");
    let refused = bench.engine.new_recovery_codes(ALICE, &alice, Some(&stale)).await;
    assert!(matches!(refused, Err(Error::InvalidCodePair { .. })));
    let slowed = bench.engine.new_recovery_codes(ALICE, &alice, Some(&stale)).await;
    assert_eq!(slowed.err(), Some(Error::TemporarilyUnmodifiable { seconds: 60 }));
}

#[tokio::test]
async fn recovery_codes_are_nobodys_who_got_the_uid_later() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let codes = bench.codes("alice").await;
    bench.deactivate("alice", Fate::Lost).await.unwrap();
    let bench = bench.with_other_users(&[("root", 0), ("eve", 1000)]);
    assert_eq!(bench.recover("eve", &codes[0]).await, Ok(Verdict::Unassigned));
    assert_eq!(bench.report("eve").await.recovery_left, None);
    let hers = bench.codes("eve").await;
    bench.advance(10);
    assert_eq!(bench.recover("eve", &hers[0]).await, Ok(Verdict::Accept));
    bench.advance(10);
    assert_eq!(bench.recover("eve", &codes[1]).await, Ok(Verdict::Reject));
}

#[tokio::test]
async fn the_log_tells_which_kind_of_code_and_never_the_code() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let codes = bench.codes("alice").await;
    let temporary = bench.bypass("alice", 60).await;
    for code in [&codes[0], &temporary, &wrong()] {
        let _ = bench.recover("alice", code).await.unwrap();
        bench.advance(10);
    }
    let lines = bench.lines.lock().unwrap().clone();
    let until = bench.now() - 30 + 60;
    for expected in [
        "recovery user=\"alice\" left=\"10\" caller=\"0\"".to_owned(),
        format!("bypass user=\"alice\" until=\"{until}\" reason=\"left at home\" caller=\"0\""),
        "verify verdict=\"accept\" user=\"alice\" caller=\"0\" share=\"console\" by=\"recovery\" \
         left=\"9\""
            .to_owned(),
        "verify verdict=\"accept\" user=\"alice\" caller=\"0\" share=\"console\" by=\"temporary\" \
         reason=\"left at home\" left=\"9\""
            .to_owned(),
        "verify verdict=\"reject\" user=\"alice\" caller=\"0\" share=\"console\" by=\"recovery\""
            .to_owned(),
    ] {
        assert!(lines.contains(&expected), "{expected}\n{}", lines.join("\n"));
    }
    let log = lines.join("\n");
    for code in codes.iter().chain([&temporary, &wrong()]) {
        assert!(!log.contains(code.as_str()));
    }
}
