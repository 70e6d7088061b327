//! Commits of thousands of writes, such as the import of a vendor's file.

use std::{
    iter,
    sync::atomic::{AtomicU64, Ordering},
};

use fobd::store::{Committed, Guard, Key, Store, Write};
use tokio::task::JoinSet;

use super::{Engine, Failure, ensure, number, put, read, update, write};

/// More than any engine does in one piece, and little enough for a test.
const MANY: u32 = 3000;

/// Nobody sees a part of a large commit, in a read or in a page.
///
/// # Errors
///
/// What the engine did instead.
pub async fn a_large_commit_is_seen_whole_or_not_at_all(
    engine: &impl Engine,
) -> Result<(), Failure> {
    let some = [0, 1, MANY / 2, MANY - 2, MANY - 1].map(Key::user);
    let [first, ..] = &some;
    let (kind, shard) = (first.kind(), first.shard());
    let of_shard = users().filter(|key| key.shard() == shard).count();
    let mut readers = JoinSet::new();
    for _ in 0..2 {
        let (store, some) = (engine.handle(), some.clone());
        readers.spawn(async move {
            let mut latest = 0;
            while latest < 2 {
                let entries = store.get(&some).await?;
                let seen: Result<Vec<_>, _> = entries.iter().map(|e| number(e.as_ref())).collect();
                let seen = seen?;
                latest = seen.first().copied().unwrap_or_default();
                ensure!(seen.iter().all(|n| *n == latest), "a part of a commit: {seen:?}");
                let page = store.list(kind, shard, None, usize::MAX).await?;
                let same = page.windows(2).all(|pair| match pair {
                    [one, next] => one.value == next.value,
                    _ => true,
                });
                ensure!(same, "a page shows a part of a commit");
                ensure!([0, of_shard].contains(&page.len()), "{} entries in a page", page.len());
                tokio::task::yield_now().await;
            }
            Ok::<_, Failure>(())
        });
    }
    let store = engine.handle();
    let absent = users().map(Guard::Absent).collect();
    let written = store.commit(absent, users().map(|key| put(&key, 1)).collect()).await?;
    ensure!(written == Committed::Done, "a large commit of new entries was refused");
    write(&store, users().map(|key| put(&key, 2)).collect()).await?;
    while let Some(reader) = readers.join_next().await {
        reader??;
    }
    write(&store, users().map(Write::Delete).collect()).await?;
    let left = store.list(kind, shard, None, 1).await?;
    ensure!(left.is_empty(), "a large delete left something");
    Ok(())
}

/// One guard of thousands: all or nothing, and the conflict shows all entries in order.
///
/// # Errors
///
/// What the engine did instead.
pub async fn a_large_commit_with_one_broken_guard_writes_nothing(
    engine: &impl Engine,
) -> Result<(), Failure> {
    let store = engine.handle();
    let there = Key::user(MANY - 7);
    write(&store, vec![put(&there, 9)]).await?;
    let absent = users().map(Guard::Absent).collect();
    let answer = store.commit(absent, users().map(|key| put(&key, 1)).collect()).await?;
    let keys: Vec<_> = users().collect();
    let now = store.get(&keys).await?;
    ensure!(now.iter().flatten().count() == 1, "a refused commit wrote something");
    ensure!(number(read(&store, &there).await?.as_ref())? == 9, "it wrote over what is there");
    ensure!(answer == Committed::Conflict(now), "the conflict does not show all entries in order");
    Ok(())
}

/// Small commits on other keys and on the same keys go on; each is before or after the large one.
///
/// # Errors
///
/// What the engine did instead.
pub async fn commits_go_on_beside_a_large_one_and_none_is_lost(
    engine: &impl Engine,
) -> Result<(), Failure> {
    const LEAP: u64 = 1_000_000;
    const EACH: u64 = 25;
    let (own, shared) = (|slot| Key::nobody(slot), Key::user(MANY / 3));
    let mut tasks = JoinSet::new();
    for slot in 0..4 {
        let (store, shared) = (engine.handle(), shared.clone());
        tasks.spawn(async move {
            // Counts the increments of the shared number that came after the large commit.
            let after = AtomicU64::new(0);
            for _ in 0..EACH {
                update(&store, &own(slot), |count| Some(count + 1)).await?;
                let last = AtomicU64::new(0);
                let next = |count| {
                    last.store(count, Ordering::SeqCst);
                    Some(count + 1)
                };
                update(&store, &shared, next).await?;
                let counts = u64::from(last.load(Ordering::SeqCst) >= LEAP);
                after.fetch_add(counts, Ordering::SeqCst);
            }
            Ok::<_, Failure>(after.into_inner())
        });
    }
    let store = engine.handle();
    let many = users().map(|key| put(&key, if key == shared { LEAP } else { 1 }));
    write(&store, many.collect()).await?;
    let mut after = 0;
    while let Some(task) = tasks.join_next().await {
        after += task??;
    }
    for slot in 0..4 {
        let count = number(read(&store, &own(slot)).await?.as_ref())?;
        ensure!(count == EACH, "{EACH} increments beside a large commit counted to {count}");
    }
    let count = number(read(&store, &shared).await?.as_ref())?;
    ensure!(count == LEAP + after, "{after} increments after the large commit, read {count}");
    Ok(())
}

fn users() -> impl Iterator<Item = Key> {
    iter::successors(Some(0), |uid| Some(uid + 1)).take(MANY as usize).map(Key::user)
}
