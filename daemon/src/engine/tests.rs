mod administrators;
mod adopt;
mod batch;
mod bench;
mod budgets;
mod encrypted;
mod events;
mod host;
mod host_fault;
mod identify;
mod life;
mod lost;
mod partial;
mod recovery;
mod rekey;
mod restore;
mod rules;
mod scratch;
mod serial;
mod ticket;
mod tripwire;
mod turns;
mod virtual_token;

use std::sync::{Arc, atomic::Ordering};

use fob_api::{Code, Error, Fate, PromptKind, Serial, UserName, Verdict, VerifyContext};

use self::bench::{Bench, Fault, ROOT};
use super::SignIn;

#[tokio::test]
async fn a_token_is_imported_assigned_and_signs_in_once_per_code() {
    let bench = Bench::new().await;
    let report = bench.assign("alice", "A1").await.unwrap();
    assert_eq!(
        (report.state.as_deref(), report.user.as_deref()),
        (Some("assigned"), Some("alice"))
    );
    bench.advance(30);
    let code = bench.code("A1", 0);
    assert_eq!(bench.verify("alice", &code).await, Ok(Verdict::Accept));
    assert_eq!(bench.verify("alice", &code).await, Ok(Verdict::Replay));
}

#[tokio::test]
async fn the_codes_of_an_assignment_are_spent_by_it() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    for ahead in [-1, 0] {
        let verdict = bench.verify("alice", &bench.code("A1", ahead)).await;
        assert_eq!(verdict, Ok(Verdict::Replay));
    }
}

#[tokio::test]
async fn another_users_token_does_not_sign_in() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.assign("bob", "B2").await.unwrap();
    bench.advance(30);
    assert_eq!(bench.verify("alice", &bench.code("B2", 0)).await, Ok(Verdict::Reject));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_sign_ins_at_once_with_one_code_exactly_one_wins() {
    let bench = Arc::new(Bench::new().await);
    bench.assign("alice", "A1").await.unwrap();
    bench.advance(30);
    let code = bench.code("A1", 0);
    let tries: Vec<_> = (0..64)
        .map(|_| {
            let (bench, code) = (Arc::clone(&bench), code.clone());
            tokio::spawn(async move { bench.verify("alice", &code).await })
        })
        .collect();
    let mut accepted = 0;
    for verdict in tries {
        accepted += usize::from(verdict.await.unwrap() == Ok(Verdict::Accept));
    }
    assert_eq!(accepted, 1);
}

#[tokio::test]
async fn a_lost_reply_of_the_store_burns_no_good_code_and_accepts_none_twice() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    for fault in [Fault::ReplyLost, Fault::NotApplied] {
        bench.advance(30);
        let code = bench.code("A1", 0);
        bench.fail_next(fault);
        assert_eq!(bench.verify("alice", &code).await, Ok(Verdict::Accept));
        assert_eq!(bench.verify("alice", &code).await, Ok(Verdict::Replay));
    }
}

#[tokio::test]
async fn an_assignment_whose_reply_is_lost_is_confirmed_once() {
    let bench = Bench::new().await;
    bench.fail_next(Fault::ReplyLost);
    assert!(bench.assign("alice", "A1").await.is_ok());
    bench.fail_next(Fault::NotApplied);
    assert!(bench.assign("bob", "B2").await.is_ok());
}

#[tokio::test]
async fn trouble_of_the_store_is_an_error_and_never_a_verdict() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.advance(30);
    let code = bench.code("A1", 0);
    bench.fail_next(Fault::Away);
    assert_eq!(bench.verify("alice", &code).await, Err(Error::StoreUnavailable));
    assert_eq!(bench.verify("alice", &code).await, Ok(Verdict::Accept));
}

// X7 of threats.md: the PAM module asks for an emergency code then.
#[tokio::test]
async fn while_no_code_can_be_spent_nobody_is_asked_for_one() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.advance(30);
    let code = bench.code("A1", 0);
    bench.fail_next(Fault::Away);
    assert_eq!(bench.verify("alice", &code).await, Err(Error::StoreUnavailable));
    for user in ["alice", "bob", "nobody-of-this-name"] {
        let (user, context) = (UserName::parse(user).unwrap(), VerifyContext::default());
        let sign_in = SignIn { caller: ROOT, user: &user, context: &context };
        bench.advance(1);
        bench.fail_next(Fault::Away);
        assert_eq!(bench.engine.prompt(&sign_in).await, Err(Error::StoreUnavailable));
    }
    bench.advance(1);
    assert_eq!(bench.asked("192.0.2.1", "alice").await, PromptKind::Code);
    assert_eq!(bench.verify("alice", &code).await, Ok(Verdict::Accept));
    assert_eq!(bench.asked("192.0.2.1", "alice").await, PromptKind::Code);
}

#[tokio::test]
async fn a_rotation_ends_the_old_token_at_once() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.rotate("alice", "B2", Fate::Lost).await.unwrap();
    bench.advance(30);
    assert_eq!(bench.verify("alice", &bench.code("A1", 0)).await, Ok(Verdict::Reject));
    assert_eq!(bench.verify("alice", &bench.code("B2", 0)).await, Ok(Verdict::Accept));
    assert_eq!(
        bench.assign("bob", "A1").await.unwrap_err(),
        Error::NotAssignable { serial: Serial::parse("A1").unwrap(), state: "lost" }
    );
}

#[tokio::test]
async fn a_user_without_a_token_costs_the_same_commit_as_a_wrong_code() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let wrong = Code::parse("00000000").unwrap();
    for user in ["alice", "bob", "nobody-of-this-name"] {
        let before = bench.store.commits.load(Ordering::SeqCst);
        let verdict = bench.verify(user, &wrong).await.unwrap();
        assert!(matches!(verdict, Verdict::Reject | Verdict::Unassigned), "{user}: {verdict:?}");
        assert_eq!(bench.store.commits.load(Ordering::SeqCst) - before, 1, "{user}");
    }
}

#[tokio::test]
async fn nullok_exempts_only_an_existing_user_without_a_token() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let nullok = VerifyContext { nullok: Some(true), ..VerifyContext::default() };
    for (user, context, kind) in [
        ("bob", &nullok, PromptKind::Exempt),
        ("bob", &VerifyContext::default(), PromptKind::Code),
        ("alice", &nullok, PromptKind::Code),
        ("nobody-of-this-name", &nullok, PromptKind::Code),
    ] {
        let name = UserName::parse(user).unwrap();
        let sign_in = SignIn { caller: ROOT, user: &name, context };
        assert_eq!(bench.engine.prompt(&sign_in).await, Ok((kind, 6)), "{user}");
    }
}
