//! A user reports his token lost: proven, once, and for good.

use std::sync::atomic::Ordering;

use fob_api::{
    Error, PromptKind, RecoveryCode, RootRule, Serial, TokenState, UserName, Verdict, VerifyContext,
};

use super::bench::{ALICE, Bench, Fault, ROOT};
use crate::{
    access::Caller,
    decide::{
        pair::FarClock,
        recovery::{CODES, Terms},
    },
    engine::{Pairing, SignIn},
};

impl Bench {
    async fn card(&self, user: &str) -> Vec<RecoveryCode> {
        let user = UserName::parse(user).unwrap();
        self.engine.new_recovery_codes(ROOT, &user, None).await.unwrap()
    }

    async fn report_lost_as(
        &self,
        caller: Caller,
        user: &str,
        code: &RecoveryCode,
    ) -> Result<Option<String>, Error> {
        let user = UserName::parse(user).unwrap();
        self.engine.report_lost(caller, &user, code).await.map(|token| token.state)
    }

    async fn report_lost(&self, code: &RecoveryCode) -> Result<Option<String>, Error> {
        self.report_lost_as(ALICE, "alice", code).await
    }

    async fn sign_in_by(&self, code: &RecoveryCode) -> Result<Verdict, Error> {
        let user = UserName::parse("alice").unwrap();
        let sign_in = SignIn { caller: ROOT, user: &user, context: &VerifyContext::default() };
        self.engine.recover(&sign_in, code).await.map(|(verdict, _)| verdict)
    }

    async fn tokens(&self, user: &str) -> usize {
        let user = UserName::parse(user).unwrap();
        self.engine.show_user(ROOT, &user).await.unwrap().tokens.map_or(0, |tokens| tokens.len())
    }
}

fn lost() -> Result<Option<String>, Error> {
    Ok(Some(TokenState::Lost.word().to_owned()))
}

fn wrong() -> RecoveryCode {
    RecoveryCode::parse("abcde-fghjk").unwrap()
}

#[tokio::test]
async fn a_token_that_its_user_reports_lost_signs_in_nobody_and_his_other_codes_do() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let codes = bench.card("alice").await;
    bench.advance(60);
    let before = bench.store.commits.load(Ordering::SeqCst);
    assert_eq!(bench.report_lost(&codes[0]).await, lost());
    assert_eq!(bench.store.commits.load(Ordering::SeqCst) - before, 1);
    assert_eq!(bench.tokens("alice").await, 0);
    let shown = bench.code("A1", 0);
    assert_eq!(bench.verify("alice", &shown).await, Ok(Verdict::Unassigned));
    assert_eq!(bench.verify_as(ALICE, "alice", &shown).await, Ok(Verdict::Unassigned));
    let serial = Serial::parse("A1").unwrap();
    let again = bench.assign("bob", "A1").await.map(drop);
    assert_eq!(again, Err(Error::NotAssignable { serial, state: "lost" }));
    bench.advance(10);
    assert_eq!(bench.sign_in_by(&codes[0]).await, Ok(Verdict::Reject), "it stayed good");
    bench.advance(10);
    assert_eq!(bench.sign_in_by(&codes[1]).await, Ok(Verdict::Accept));
    let log = bench.lines.lock().unwrap().join("\n");
    let told = "deactivate user=\"alice\" serial=\"A1\" caller=\"1000\" fate=\"lost\" \
                by=\"recovery\" left=\"9\"";
    assert!(log.contains(told), "{log}");
}

#[tokio::test]
async fn a_wrong_code_reports_nothing_and_costs_what_it_costs_at_a_prompt() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let codes = bench.card("alice").await;
    for _ in 0..5 {
        bench.advance(10);
        assert_eq!(bench.report_lost(&wrong()).await, Err(Error::InvalidCode));
        let waits = bench.report_lost(&codes[0]).await;
        assert_eq!(waits, Err(Error::TemporarilyUnmodifiable { seconds: 10 }));
    }
    assert_eq!(bench.tokens("alice").await, 1);
    let shown = bench.code("A1", 0);
    assert_eq!(bench.verify_as(ALICE, "alice", &shown).await, Ok(Verdict::Locked));
    assert_eq!(bench.verify("alice", &shown).await, Ok(Verdict::Accept));
    bench.advance(10);
    assert_eq!(bench.report_lost(&codes[0]).await, lost());
}

#[tokio::test]
async fn a_temporary_code_and_no_code_at_all_report_nothing() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let alice = UserName::parse("alice").unwrap();
    let terms = Terms { seconds: 600, reason: "left at home".to_owned(), by: 0 };
    let temporary = bench.engine.bypass(ROOT, &alice, &terms).await.unwrap().0;
    assert_eq!(bench.report_lost(&temporary).await, Err(Error::InvalidCode));
    assert_eq!(bench.tokens("alice").await, 1);
    bench.advance(10);
    assert_eq!(bench.sign_in_by(&temporary).await, Ok(Verdict::Accept), "it was used up");
}

#[tokio::test]
async fn nullok_lets_nobody_in_who_reported_with_his_last_code() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let codes = bench.card("alice").await;
    for code in &codes[..CODES - 1] {
        assert_eq!(bench.sign_in_by(code).await, Ok(Verdict::Accept));
        bench.advance(10);
    }
    assert_eq!(bench.report_lost(&codes[CODES - 1]).await, lost());
    let user = UserName::parse("alice").unwrap();
    let context = VerifyContext { nullok: Some(true), ..VerifyContext::default() };
    let sign_in = SignIn { caller: ROOT, user: &user, context: &context };
    assert_eq!(bench.engine.prompt(&sign_in).await.unwrap().0, PromptKind::Code);
}

#[tokio::test]
async fn who_has_no_token_or_is_somebody_else_is_refused_before_a_code_is_tried() {
    let bench = Bench::new().await;
    let codes = bench.card("alice").await;
    let before = bench.store.commits.load(Ordering::SeqCst);
    let user = UserName::parse("alice").unwrap();
    assert_eq!(bench.report_lost(&codes[0]).await, Err(Error::NotAssigned { user }));
    for user in ["bob", "root", "nobody-of-this-name"] {
        let refused = bench.report_lost_as(ALICE, user, &codes[0]).await;
        assert_eq!(refused, Err(Error::NotAuthorized { verb: "report-lost" }), "{user}");
    }
    assert_eq!(bench.store.commits.load(Ordering::SeqCst), before);
}

#[tokio::test]
async fn roots_token_and_the_last_administrators_are_not_lost_by_a_recovery_code() {
    let bench = Bench::with_users(&[("root", 0), ("alice", 1000)]).await;
    let bench = bench.with_administrators(&["alice"]);
    bench.assign("alice", "A1").await.unwrap();
    let codes = bench.card("alice").await;
    let user = UserName::parse("alice").unwrap();
    let refused = bench.report_lost(&codes[0]).await;
    assert_eq!(refused, Err(Error::LastAdministrator { user }));
    let (root, serial) = (UserName::parse("root").unwrap(), Serial::parse("B2").unwrap());
    let (timed, serial_again) = (bench.pair("B2"), Some("B2"));
    let (caller, far) = (ROOT, FarClock::Ask);
    let (user, serial, timed) = (&root, &serial, &timed);
    let pairing = Pairing { caller, user, serial, timed, far, serial_again };
    bench.engine.assign(&pairing).await.unwrap();
    let codes = bench.card("root").await;
    let refused = bench.report_lost_as(ROOT, "root", &codes[0]).await;
    assert_eq!(refused, Err(Error::RootOnly { rule: RootRule::KeepOne }));
}

#[tokio::test]
async fn whoever_got_the_uid_later_loses_nothing_for_the_one_before() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let bench = bench.with_other_users(&[("root", 0), ("eve", 1000)]);
    let hers = bench.card("eve").await;
    let refused = bench.report_lost_as(ALICE, "eve", &hers[0]).await;
    assert!(matches!(refused, Err(Error::Renamed { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_lost_reply_of_the_store_leaves_both_done_or_neither() {
    for fault in [Fault::ReplyLost, Fault::NotApplied] {
        let bench = Bench::new().await;
        bench.assign("alice", "A1").await.unwrap();
        let codes = bench.card("alice").await;
        bench.fail_next(fault);
        assert_eq!(bench.report_lost(&codes[0]).await, lost());
        assert_eq!(bench.tokens("alice").await, 0);
    }
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let codes = bench.card("alice").await;
    bench.fail_next(Fault::Away);
    assert_eq!(bench.report_lost(&codes[0]).await, Err(Error::StoreUnavailable));
    assert_eq!(bench.tokens("alice").await, 1);
    bench.advance(10);
    assert_eq!(bench.report_lost(&codes[0]).await, lost());
}
