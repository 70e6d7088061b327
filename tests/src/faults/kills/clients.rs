//! Eight clients at work, each on a connection of its own, until fobd is killed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fob_api::{AssignOptions, RemoveOptions, VerifyContext, proxy::FobProxy};
use tokio::{
    sync::{Barrier, Semaphore},
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{
    super::Random,
    books::{Books, Desk, Holder, SIGNERS, Token},
};
use crate::daemon::Daemon;

/// How long a client waits for an answer: fobd is dead by then.
const PATIENCE: Duration = Duration::from_secs(10);

/// Most answers that all clients together get in a round; each has some, on a fast disk and on a
/// slow one.
const ANSWERS: u64 = 48;
/// Longest time in microseconds from the last of them to the kill: about one sync of the disk, so
/// that every moment of a commit is met.
const LATEST: u64 = 8_000;

/// What a kill met.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Round {
    /// A request had been sent, and its answer was lost.
    Hit,
    /// Nobody was asking.
    Missed,
}

/// What the clients of a round share.
struct Scene {
    /// All clients are connected.
    ready: Barrier,
    /// Holds a permit for each answer.
    answers: Semaphore,
    /// The kill is on its way: a request from now on meets nobody.
    killed: AtomicBool,
}

/// What became of a request.
enum Answer<T> {
    Given(T),
    /// Perhaps done, perhaps not. `Hit` if it was asked before the kill.
    Lost(Round),
}

/// Lets the clients work, kills fobd at some moment after the first answer, and returns the books.
pub(super) async fn work(books: Books, daemon: &mut Daemon, random: &mut Random) -> (Books, Round) {
    let answers = u32::try_from(1 + random.below(ANSWERS)).unwrap();
    let pause = Duration::from_micros(random.below(LATEST));
    let seed = random.next();
    let scene = Arc::new(Scene {
        ready: Barrier::new(SIGNERS + 1),
        answers: Semaphore::new(0),
        killed: AtomicBool::new(false),
    });
    let mut signers: Vec<JoinHandle<(Vec<Holder>, Round)>> = Vec::new();
    for holders in books.holders {
        let (fob, scene) = (daemon.proxy().await, Arc::clone(&scene));
        signers.push(tokio::spawn(sign_in(fob, scene, holders)));
    }
    let (fob, theirs) = (daemon.proxy().await, Arc::clone(&scene));
    let desk = tokio::spawn(administer(fob, theirs, books.desk, Random::with(seed)));
    scene.answers.acquire_many(answers).await.unwrap().forget();
    sleep(pause).await;
    scene.killed.store(true, Ordering::SeqCst);
    daemon.kill();
    let (desk, mut met) = desk.await.unwrap();
    let mut holders = Vec::new();
    for signer in signers {
        let (theirs, hit) = signer.await.unwrap();
        holders.push(theirs);
        met = if hit == Round::Hit { hit } else { met };
    }
    (Books { holders, desk }, met)
}

impl Scene {
    /// Waits for an answer. An error that fobd sent is an answer, and no client asks for one.
    async fn answer<T>(&self, request: impl Future<Output = zbus::Result<T>>) -> Answer<T> {
        let met = if self.killed.load(Ordering::SeqCst) { Round::Missed } else { Round::Hit };
        match timeout(PATIENCE, request).await {
            Ok(Ok(given)) => {
                self.answers.add_permits(1);
                Answer::Given(given)
            }
            Ok(Err(zbus::Error::MethodError(name, fact, _))) => panic!("{name}: {fact:?}"),
            Ok(Err(_)) => Answer::Lost(met),
            Err(_) => panic!("no answer and no end of the connection"),
        }
    }

    /// Signs in with the token's next code, which must be accepted.
    async fn verify(&self, fob: &FobProxy<'_>, user: &str, token: &mut Token) -> Option<Round> {
        let counter = token.press();
        let code = token.code(counter);
        match self.answer(fob.verify(user, &code, VerifyContext::default())).await {
            Answer::Given((verdict, about, _)) => {
                assert_eq!((verdict.as_str(), about.as_str()), ("accept", user));
                token.accepted.push(counter);
                None
            }
            Answer::Lost(met) => {
                token.lost = Some(counter);
                Some(met)
            }
        }
    }
}

/// Signs people in, one after the other, until fobd is gone.
async fn sign_in(
    fob: FobProxy<'static>,
    scene: Arc<Scene>,
    mut holders: Vec<Holder>,
) -> (Vec<Holder>, Round) {
    scene.ready.wait().await;
    loop {
        for holder in &mut holders {
            if let Some(met) = scene.verify(&fob, &holder.user, &mut holder.token).await {
                return (holders, met);
            }
        }
    }
}

/// Gives, takes and replaces tokens, and signs in with them, until fobd is gone.
async fn administer(
    fob: FobProxy<'static>,
    scene: Arc<Scene>,
    mut desk: Desk,
    mut random: Random,
) -> (Desk, Round) {
    scene.ready.wait().await;
    loop {
        for person in 0..desk.people.len() {
            if let Some(met) = change(&fob, &scene, &mut desk, (person, &mut random)).await {
                return (desk, met);
            }
        }
    }
}

/// Does one thing about one person. Returns what the kill met if it came.
async fn change(
    fob: &FobProxy<'_>,
    scene: &Scene,
    desk: &mut Desk,
    (person, random): (usize, &mut Random),
) -> Option<Round> {
    let user = desk.people[person].user.clone();
    let (wish, start) = (random.below(4), usize::try_from(random.below(1000)).unwrap());
    let has = desk.people[person].has;
    let next = match (has, wish) {
        (Some(index), 0) => return scene.verify(fob, &user, &mut desk.tokens[index]).await,
        (Some(_), 1) => None,
        _ => Some(desk.free(start)),
    };
    let answer = match next {
        None => {
            // The people are this machine's, and one of them may administer it.
            let options =
                RemoveOptions { leave_no_administrator: Some(true), ..Default::default() };
            scene.answer(fob.deactivate(&user, options)).await
        }
        Some(index) => {
            let [first, second] = desk.tokens[index].pair();
            let codes = [first.as_str(), second.as_str()];
            let (serial, options) = (desk.tokens[index].serial(), AssignOptions::default());
            if has.is_none() {
                scene.answer(fob.assign(&user, serial, &codes, options)).await
            } else {
                scene.answer(fob.rotate(&user, serial, &codes, options)).await
            }
        }
    };
    // The codes of a token that changed hands are of no account to the next check.
    for index in [has, next].into_iter().flatten() {
        desk.tokens[index].accepted.clear();
    }
    let mover = &mut desk.people[person];
    match answer {
        Answer::Given(_) => {
            mover.has = next;
            desk.changes += 1;
            None
        }
        Answer::Lost(met) => {
            mover.perhaps = Some(next);
            Some(met)
        }
    }
}
