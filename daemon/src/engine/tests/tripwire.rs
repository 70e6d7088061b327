//! Codes of lost and retired tokens: refused like any other, and an alarm.

use std::sync::atomic::Ordering;

use fob_api::{Code, Fate, Serial, UserName, Verdict, VerifyContext};

use super::bench::{Bench, ROOT};
use crate::{
    decide::{remove::Safeguards, verify::Typed},
    engine::{Refused, SignIn},
};

/// Types a code at sshd, looks at former tokens as the bus does, and returns verdict and alarms.
async fn typed(bench: &Bench, user: &str, code: &Code) -> (Verdict, Vec<String>) {
    let user = UserName::parse(user).unwrap();
    let context = VerifyContext {
        service: Some("sshd".to_owned()),
        rhost: Some("203.0.113.7".to_owned()),
        tty: Some("ssh".to_owned()),
        ..VerifyContext::default()
    };
    let sign_in = SignIn { caller: ROOT, user: &user, context: &context };
    let (verdict, _) = bench.engine.verify(&sign_in, Typed::Code(code)).await.unwrap();
    if let Some(refused) = Refused::of(&sign_in, Typed::Code(code), verdict) {
        bench.engine.watch(&refused).await;
    }
    (verdict, alarms(bench))
}

fn alarms(bench: &Bench) -> Vec<String> {
    let lines = bench.lines.lock().unwrap();
    lines.iter().filter(|line| line.starts_with("alarm ")).cloned().collect()
}

fn alarm(what: &str) -> String {
    format!(
        "alarm what=\"{what}\" user=\"alice\" serial=\"A1\" service=\"sshd\" \
         rhost=\"203.0.113.7\" tty=\"ssh\" caller=\"0\""
    )
}

#[tokio::test]
async fn a_code_of_a_lost_or_retired_token_is_refused_and_raises_an_alarm_with_its_source() {
    for (fate, what) in [(Fate::Lost, "lost_token"), (Fate::Retire, "retired_token")] {
        let bench = Bench::new().await;
        bench.assign("alice", "A1").await.unwrap();
        bench.rotate("alice", "B2", fate).await.unwrap();
        bench.advance(30);
        let (verdict, alarms) = typed(&bench, "alice", &bench.code("A1", 0)).await;
        assert_eq!((verdict, alarms), (Verdict::Reject, vec![alarm(what)]));
    }
}

#[tokio::test]
async fn the_alarm_is_raised_for_a_user_who_has_no_token_now() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.deactivate("alice", Fate::Lost).await.unwrap();
    bench.advance(30);
    let (verdict, alarms) = typed(&bench, "alice", &bench.code("A1", 0)).await;
    assert_eq!((verdict, alarms), (Verdict::Unassigned, vec![alarm("lost_token")]));
}

#[tokio::test]
async fn a_wrong_code_a_used_one_and_another_users_old_token_raise_no_alarm() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let used = bench.code("A1", 0);
    bench.rotate("alice", "B2", Fate::Lost).await.unwrap();
    assert_eq!(typed(&bench, "alice", &used).await, (Verdict::Reject, vec![]));
    bench.advance(30);
    let old = bench.code("A1", 0);
    assert_eq!(typed(&bench, "alice", &bench.code("A1", 9)).await.1, [""; 0]);
    assert_eq!(typed(&bench, "bob", &old).await, (Verdict::Unassigned, vec![]));
    assert_eq!(typed(&bench, "no-such-user", &old).await, (Verdict::Unassigned, vec![]));
    assert_eq!(typed(&bench, "alice", &bench.code("B2", 0)).await.0, Verdict::Accept);
    assert_eq!(alarms(&bench), [""; 0]);
}

#[tokio::test]
async fn a_token_that_went_back_to_stock_or_was_forgotten_raises_no_alarm() {
    for fate in [Fate::Stock, Fate::Retire] {
        let bench = Bench::new().await;
        bench.assign("alice", "A1").await.unwrap();
        bench.rotate("alice", "B2", fate).await.unwrap();
        if fate == Fate::Retire {
            bench.engine.forget(ROOT, &Serial::parse("A1").unwrap()).await.unwrap();
        }
        bench.advance(30);
        let seen = typed(&bench, "alice", &bench.code("A1", 0)).await;
        assert_eq!(seen, (Verdict::Reject, vec![]), "{fate:?}");
        let log = bench.lines.lock().unwrap().join("\n");
        assert!(!log.contains("trouble"), "{log}");
    }
}

#[tokio::test]
async fn a_code_of_a_lost_token_costs_what_any_wrong_code_costs() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.rotate("alice", "B2", Fate::Lost).await.unwrap();
    bench.advance(30);
    let mut costs = Vec::new();
    for code in [Code::parse("00000000").unwrap(), bench.code("A1", 0)] {
        let before = bench.store.commits.load(Ordering::SeqCst);
        let (verdict, _) = typed(&bench, "alice", &code).await;
        costs.push((verdict, bench.store.commits.load(Ordering::SeqCst) - before));
    }
    assert_eq!(costs, [(Verdict::Reject, 1); 2]);
    let alice = UserName::parse("alice").unwrap();
    let report = bench.engine.show_user(ROOT, &alice).await.unwrap();
    let wrong: Vec<_> = report.shares.unwrap().iter().filter_map(|share| share.wrong).collect();
    assert_eq!(wrong.iter().sum::<u32>(), 2, "each of the two codes counts once");
}

#[tokio::test]
async fn the_alarm_names_no_code() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let safe = Safeguards::default();
    bench.deactivate_safely("alice", Fate::Lost, &safe).await.unwrap();
    bench.advance(30);
    let code = bench.code("A1", 0);
    let (_, alarms) = typed(&bench, "alice", &code).await;
    assert!(!alarms.concat().contains(code.as_str()));
}
