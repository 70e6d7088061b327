//! Many callers at once: what the daemon relies on when sign-ins, assigns and revocations meet.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use fobd::store::{Committed, Guard, Key, Store};
use tokio::{sync::Barrier, task::JoinSet};

use super::{Engine, Failure, ensure, number, put, read, read_some, serial, update, write};

/// One token, 24 users: one commit over the token and the user's index wins.
///
/// # Errors
///
/// What the engine did instead.
pub async fn one_of_24_assigners_gets_the_token(engine: &impl Engine) -> Result<(), Failure> {
    let store = engine.handle();
    let seed = Key::seed(&serial(1)?);
    write(&store, vec![put(&seed, 0)]).await?;
    let mut tasks = JoinSet::new();
    let start = Arc::new(Barrier::new(24));
    for uid in 1..=24 {
        let (store, seed, start) = (engine.handle(), seed.clone(), Arc::clone(&start));
        tasks.spawn(async move {
            let user = Key::user(uid);
            let stock = read_some(&store, &seed).await?;
            start.wait().await;
            let guards = vec![Guard::Same(seed.clone(), stock.tag), Guard::Absent(user.clone())];
            let writes = vec![put(&seed, uid.into()), put(&user, 1)];
            let won = store.commit(guards, writes).await? == Committed::Done;
            Ok::<_, Failure>(won.then_some(uid))
        });
    }
    let mut winners = Vec::new();
    while let Some(task) = tasks.join_next().await {
        winners.extend(task??);
    }
    ensure!(winners.len() == 1, "{} assigners got the token", winners.len());
    let owner = number(Some(&read_some(&store, &seed).await?))?;
    ensure!(winners.iter().all(|uid| u64::from(*uid) == owner), "the owner is not the winner");
    for uid in 1..=24 {
        let indexed = read(&store, &Key::user(uid)).await?.is_some();
        ensure!(indexed == winners.contains(&uid), "the index of user {uid} is wrong");
    }
    Ok(())
}

/// A counter under six tasks.
///
/// # Errors
///
/// What the engine did instead.
pub async fn six_tasks_count_without_losing_an_increment(
    engine: &impl Engine,
) -> Result<(), Failure> {
    let key = Key::nobody(1);
    let mut tasks = JoinSet::new();
    for _ in 0..6 {
        let (store, key) = (engine.handle(), key.clone());
        tasks.spawn(async move {
            for _ in 0..40 {
                update(&store, &key, |count| Some(count + 1)).await?;
                tokio::task::yield_now().await;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    let count = number(read(&engine.handle(), &key).await?.as_ref())?;
    ensure!(count == 240, "240 increments counted to {count}");
    Ok(())
}

/// Three handles are given the same codes: each step is accepted by one of them.
///
/// # Errors
///
/// What the engine did instead.
pub async fn each_code_is_accepted_once_over_three_handles(
    engine: &impl Engine,
) -> Result<(), Failure> {
    const STEPS: u64 = 40;
    let key = Key::state(&serial(1)?);
    let mut tasks = JoinSet::new();
    let pace = Arc::new(Barrier::new(3));
    for _ in 0..3 {
        let (store, key, pace) = (engine.handle(), key.clone(), Arc::clone(&pace));
        tasks.spawn(async move {
            let mut accepted = Vec::new();
            for step in 1..=STEPS {
                pace.wait().await;
                if update(&store, &key, |last| (step > last).then_some(step)).await? {
                    accepted.push(step);
                }
            }
            Ok::<_, Failure>(accepted)
        });
    }
    let mut times = BTreeMap::<u64, u32>::new();
    while let Some(task) = tasks.join_next().await {
        for step in task?? {
            *times.entry(step).or_default() += 1;
        }
    }
    ensure!(times.len() as u64 == STEPS, "only {} of {STEPS} codes were accepted", times.len());
    let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
    ensure!(twice.is_empty(), "steps and how often they were accepted: {twice:?}");
    Ok(())
}

/// A budget of 5 under 64 parallel guesses: each one is paid for before it is looked at.
///
/// # Errors
///
/// What the engine did instead.
pub async fn five_of_64_parallel_guesses_are_evaluated_at_a_limit_of_5(
    engine: &impl Engine,
) -> Result<(), Failure> {
    let key = Key::state(&serial(1)?);
    let evaluated = Arc::new(AtomicU64::new(0));
    let mut tasks = JoinSet::new();
    let start = Arc::new(Barrier::new(64));
    for _ in 0..64 {
        let (store, key) = (engine.handle(), key.clone());
        let (start, evaluated) = (Arc::clone(&start), Arc::clone(&evaluated));
        tasks.spawn(async move {
            start.wait().await;
            if update(&store, &key, |spent| (spent < 5).then_some(spent + 1)).await? {
                evaluated.fetch_add(1, Ordering::SeqCst);
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    let evaluated = evaluated.load(Ordering::SeqCst);
    ensure!(evaluated == 5, "{evaluated} guesses were evaluated");
    Ok(())
}

/// A sign-in guards seed and state; once the change of the seed is acknowledged, no sign-in that
/// read the old seed can change the state.
///
/// # Errors
///
/// What the engine did instead.
pub async fn nothing_is_accepted_after_a_revocation_is_acknowledged(
    engine: &impl Engine,
) -> Result<(), Failure> {
    let store = engine.handle();
    for token in 0..8 {
        let (seed, state) = (Key::seed(&serial(token)?), Key::state(&serial(token)?));
        write(&store, vec![put(&seed, 1), put(&state, 0)]).await?;
        let mut tasks = JoinSet::new();
        for _ in 0..3 {
            tasks.spawn(sign_in_until_revoked(engine.handle(), seed.clone(), state.clone()));
        }
        while number(read(&store, &state).await?.as_ref())? < 5 {
            tokio::task::yield_now().await;
        }
        write(&store, vec![put(&seed, 0)]).await?;
        let acknowledged = read_some(&engine.handle(), &state).await?;
        while let Some(task) = tasks.join_next().await {
            task??;
        }
        let end = read_some(&store, &state).await?;
        ensure!(end == acknowledged, "a sign-in was accepted after the revocation");
    }
    Ok(())
}

async fn sign_in_until_revoked(store: impl Store, seed: Key, state: Key) -> Result<(), Failure> {
    let keys = [seed, state];
    let [seed, state] = &keys;
    // A handle that never learns of the revocation must not keep the case running.
    for _ in 0..2000 {
        let entries = <[_; 2]>::try_from(store.get(&keys).await?);
        let [Some(owner), Some(last)] =
            entries.map_err(|_| Failure::new("2 keys, another number of answers"))?
        else {
            return Err(Failure::new("seed or state is gone"));
        };
        if number(Some(&owner))? == 0 {
            return Ok(());
        }
        let next = put(state, number(Some(&last))? + 1);
        // The seed changes or another sign-in comes in between.
        tokio::task::yield_now().await;
        let guards =
            vec![Guard::Same(seed.clone(), owner.tag), Guard::Same(state.clone(), last.tag)];
        let _ = store.commit(guards, vec![next]).await?;
    }
    Err(Failure::new("a handle does not see an acknowledged revocation"))
}
