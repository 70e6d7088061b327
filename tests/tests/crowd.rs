//! A kill in the middle of 64 sign-ins (threats.md D16).

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test and its helpers: a failure here is the test's failure"
)]

use std::{
    collections::BTreeMap,
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use fob_api::{VerifyContext, proxy::FobProxy};
use fob_tests::{
    daemon::{Daemon, Ground},
    faults::people,
    soft_token::SoftToken,
};
use tokio::{
    sync::{Barrier, Semaphore},
    time::timeout,
};

/// Calls at once, each on a connection of its own.
const CALLS: usize = 64;
/// Kills.
const ROUNDS: u64 = 8;
/// How long a caller may be left without an end (threats.md D16).
const PATIENCE: Duration = Duration::from_secs(10);

/// Gives everybody a token with a button.
async fn give_tokens(daemon: &Daemon, ground: &Ground, people: &[String]) -> Vec<SoftToken> {
    let serials = (0..people.len()).map(|number| format!("CROWD-{number}"));
    let tokens: Vec<SoftToken> = serials.map(|serial| SoftToken::with_button(&serial)).collect();
    let path = ground.path().join("seeds.csv");
    fs::write(&path, tokens.iter().map(SoftToken::oath_line).collect::<String>()).unwrap();
    let (fob, file) = (daemon.proxy().await, fs::File::open(path).unwrap());
    fob.import((&file).into(), "oath-csv", Default::default()).await.unwrap();
    for (user, token) in people.iter().zip(&tokens) {
        let codes = [token.code_of(0), token.code_of(1)];
        let codes = codes.each_ref().map(String::as_str);
        fob.assign(user, token.serial(), &codes, Default::default()).await.unwrap();
    }
    tokens
}

/// Returns a counter whose code is that of none of the next ones.
fn fresh(token: &SoftToken, from: u64) -> u64 {
    let unlike = |counter: &u64| {
        (counter + 1..counter + 14).all(|later| token.code_of(later) != token.code_of(*counter))
    };
    (from..).find(unlike).unwrap()
}

async fn verdict(fob: &FobProxy<'_>, user: &str, code: &str) -> Option<String> {
    let answer = timeout(PATIENCE, fob.verify(user, code, VerifyContext::default())).await;
    answer.expect("an end within ten seconds").ok().map(|(verdict, ..)| verdict)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_under_64_sign_ins_leaves_no_caller_waiting_and_no_code_good_twice() {
    let ground = Ground::new();
    let people = people();
    let mut daemon = Daemon::start(ground.path(), None);
    let tokens = give_tokens(&daemon, &ground, &people).await;
    let mut next = vec![2; people.len()];
    let (mut answered, mut lost) = (0, 0);
    for round in 0..ROUNDS {
        let (ready, answers) = (Arc::new(Barrier::new(CALLS + 1)), Arc::new(Semaphore::new(0)));
        let mut calls = Vec::new();
        for call in 0..CALLS {
            let who = call % people.len();
            next[who] = fresh(&tokens[who], next[who]);
            let (user, code) = (people[who].clone(), tokens[who].code_of(next[who]));
            let (ready, answers) = (Arc::clone(&ready), Arc::clone(&answers));
            let fob = daemon.proxy().await;
            calls.push(tokio::spawn(async move {
                ready.wait().await;
                let verdict = verdict(&fob, &user, &code).await;
                answers.add_permits(1);
                (user, verdict)
            }));
        }
        ready.wait().await;
        answers.acquire_many(1 + round as u32 * 4).await.unwrap().forget();
        daemon.kill();
        let killed = Instant::now();
        let mut accepted: BTreeMap<String, usize> = BTreeMap::new();
        for call in calls {
            let (user, verdict) = call.await.unwrap();
            *accepted.entry(user).or_default() += usize::from(verdict.as_deref() == Some("accept"));
            answered += usize::from(verdict.is_some());
            lost += usize::from(verdict.is_none());
        }
        assert!(killed.elapsed() < PATIENCE, "{:?}", killed.elapsed());
        daemon = Daemon::start(ground.path(), None);
        let fob = daemon.proxy().await;
        for (who, user) in people.iter().enumerate() {
            fob.unlock(user, Default::default()).await.unwrap();
            let again = verdict(&fob, user, &tokens[who].code_of(next[who])).await.unwrap();
            let before = accepted.get(user).copied().unwrap_or_default();
            let times = before + usize::from(again == "accept");
            assert!(times <= 1, "{user} in round {round}: {before}, then {again}");
            assert!(before == 0 || again == "replay", "{user} in round {round}: {again}");
            next[who] += 1;
        }
    }
    println!("{ROUNDS} kills under {CALLS} sign-ins: {answered} answered, {lost} lost");
    assert!(answered > 0 && lost > 0, "{answered} answered, {lost} lost");
}
