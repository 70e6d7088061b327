//! Reads, pages and watches.

use std::{collections::BTreeSet, time::Duration};

use fobd::store::{Change, Entry, Key, Kind, Store, Watch, Write};
use tokio::{task::JoinSet, time::timeout};

use super::{Engine, Failure, ensure, number, put, read_some, serial, write};

/// What one handle wrote, every handle reads.
///
/// # Errors
///
/// What the engine did instead.
pub async fn a_commit_is_read_on_every_other_handle_at_once(
    engine: &impl Engine,
) -> Result<(), Failure> {
    let key = Key::user(1);
    let handles = [engine.handle(), engine.handle(), engine.handle()];
    for (round, writer) in (1..=30).zip(handles.iter().cycle()) {
        write(writer, vec![put(&key, round)]).await?;
        for handle in &handles {
            let seen = number(Some(&read_some(handle, &key).await?))?;
            ensure!(seen == round, "another handle reads {seen} after {round} was acknowledged");
            let page = handle.list(key.kind(), key.shard(), None, 9).await?;
            let listed = page.iter().find(|entry| entry.key == key);
            ensure!(number(listed)? == round, "another handle lists an old entry");
        }
    }
    Ok(())
}

/// A read of two keys never sees half a commit.
///
/// # Errors
///
/// What the engine did instead.
pub async fn the_writes_of_a_commit_are_read_together(engine: &impl Engine) -> Result<(), Failure> {
    const LAST: u64 = 100;
    let keys = [Key::seed(&serial(1)?), Key::state(&serial(2)?)];
    let mut readers = JoinSet::new();
    for _ in 0..2 {
        let (store, keys) = (engine.handle(), keys.clone());
        readers.spawn(async move {
            let mut latest = 0;
            while latest < LAST {
                let entries = store.get(&keys).await?;
                let seen: Result<Vec<_>, _> = entries.iter().map(|e| number(e.as_ref())).collect();
                let seen = seen?;
                ensure!(seen.windows(2).all(|w| w.first() == w.last()), "half a commit: {seen:?}");
                let now = seen.first().copied().unwrap_or_default();
                ensure!(now >= latest, "{now} was read after {latest}");
                latest = now;
                tokio::task::yield_now().await;
            }
            Ok::<_, Failure>(())
        });
    }
    let store = engine.handle();
    for round in 1..=LAST {
        write(&store, keys.iter().map(|key| put(key, round)).collect()).await?;
    }
    while let Some(reader) = readers.join_next().await {
        reader??;
    }
    Ok(())
}

/// A walk through a shard meets what is there from begin to end exactly once, in order.
///
/// # Errors
///
/// What the engine did instead.
pub async fn paging_meets_every_entry_once_while_others_insert(
    engine: &impl Engine,
) -> Result<(), Failure> {
    let store = engine.handle();
    let keys = users_of_one_shard(120);
    let shard = keys.first().map(Key::shard).unwrap_or_default();
    let (there, mut coming): (Vec<_>, Vec<_>) =
        keys.into_iter().enumerate().partition(|(place, _)| place % 3 == 0);
    write(&store, there.iter().map(|(_, key)| put(key, 1)).collect()).await?;
    let mut met = Vec::new();
    loop {
        let page = store.list(Kind::User, shard, met.last(), 7).await?;
        ensure!(page.len() <= 7, "a page of {} entries was asked for 7", page.len());
        let is_last = page.len() < 7;
        met.extend(page.into_iter().map(|entry| entry.key));
        if is_last {
            break;
        }
        // Alternately from both ends, so that some come before and some after the place.
        let next = if met.len() % 2 == 0 { coming.pop() } else { coming.drain(..1).next() };
        write(&store, next.iter().map(|(_, key)| put(key, 2)).collect()).await?;
    }
    ensure!(met.is_sorted_by(|a, b| a < b), "the pages are not ascending or meet a key twice");
    let met: BTreeSet<_> = met.into_iter().collect();
    let missed = there.iter().filter(|(_, key)| !met.contains(key)).count();
    ensure!(missed == 0, "{missed} entries were not met");
    Ok(())
}

/// A page has the entries of its kind and shard, after the given key, and no others.
///
/// # Errors
///
/// What the engine did instead.
pub async fn a_page_holds_one_kind_of_one_shard(engine: &impl Engine) -> Result<(), Failure> {
    let store = engine.handle();
    let users = users_of_one_shard(4);
    let [first, second, third, fourth] = &users[..] else {
        return Err(Failure::new("four users were asked for"));
    };
    let (kind, shard) = (Kind::User, first.shard());
    let (seed, state) = (Key::seed(&serial(1)?), Key::state(&serial(1)?));
    let foreign = (0..40).map(Key::user).filter(|user| user.shard() != shard);
    let mut written: Vec<Key> = foreign.chain((0..300).map(Key::nobody)).collect();
    written.extend([&seed, &state, first, second, third, fourth].map(Key::clone));
    write(&store, written.iter().map(|key| put(key, 1)).collect()).await?;
    write(&store, vec![Write::Delete(second.clone())]).await?;

    let page = |after, limit| store.list(kind, shard, after, limit);
    let keys = |page: Vec<Entry>| page.into_iter().map(|entry| entry.key).collect::<Vec<_>>();
    let all = [first, third, fourth].map(Key::clone);
    ensure!(keys(page(None, 99).await?) == all, "a page is not what was written");
    ensure!(keys(page(Some(&seed), 99).await?) == all, "after a key before the shard");
    ensure!(keys(page(None, 2).await?) == all[..2], "the first two");
    ensure!(page(None, 0).await?.is_empty(), "a page of no entries");
    ensure!(keys(page(Some(second), 99).await?) == all[1..], "after a deleted key");
    ensure!(page(Some(fourth), 99).await?.is_empty(), "after the last key");
    let seeds = store.list(Kind::Seed, seed.shard(), None, 9).await?;
    ensure!(keys(seeds) == [seed.clone()], "seed and state share a shard, not a page");
    let beyond = store.list(Kind::Seed, seed.shard(), Some(&state), 9).await?;
    ensure!(beyond.is_empty(), "after a key beyond the shard");
    Ok(())
}

/// A watch of a kind tells each change of that kind, and by then it can be read everywhere.
///
/// # Errors
///
/// What the engine did instead.
pub async fn a_watch_tells_every_change_after_it_can_be_read(
    engine: &impl Engine,
) -> Result<(), Failure> {
    const LAST: u64 = 40;
    let (key, other) = (Key::user(1), Key::state(&serial(1)?));
    let mut watch = engine.handle().watch(Kind::User);
    let (reader, writer) = (engine.handle(), engine.handle());
    let writes = {
        let key = key.clone();
        async move {
            for round in 1..=LAST {
                write(&writer, vec![put(&key, round), put(&other, round)]).await?;
            }
            Ok::<_, Failure>(())
        }
    };
    let writes = tokio::spawn(writes);
    for told in 1..=LAST {
        let change = next(&mut watch).await?;
        ensure!(change == Change::Key(key.clone()), "a watch of users told {change:?}");
        let seen = number(Some(&read_some(&reader, &key).await?))?;
        ensure!(seen >= told, "change {told} was told and {seen} read");
    }
    writes.await?
}

/// A watch tells the changes in the order of the commits, whoever made them.
///
/// # Errors
///
/// What the engine did instead.
pub async fn a_watch_tells_the_commits_in_their_order(engine: &impl Engine) -> Result<(), Failure> {
    let mut watch = engine.handle().watch(Kind::User);
    let handles = [engine.handle(), engine.handle(), engine.handle()];
    let keys = (0..30).map(|n| Key::user(n * 7 % 10)).collect::<Vec<_>>();
    for (key, handle) in keys.iter().zip(handles.iter().cycle()) {
        write(handle, vec![put(key, 1)]).await?;
    }
    for key in keys {
        let change = next(&mut watch).await?;
        ensure!(change == Change::Key(key.clone()), "{change:?} was told in place of {key:?}");
    }
    Ok(())
}

async fn next(watch: &mut Watch) -> Result<Change, Failure> {
    let change = timeout(Duration::from_secs(5), watch.next()).await?;
    change.ok_or_else(|| Failure::new("a watch ended before the store"))
}

/// Returns keys of one shard, ascending.
fn users_of_one_shard(count: usize) -> Vec<Key> {
    let shard = Key::user(0).shard();
    let mut keys: Vec<_> =
        (0..).map(Key::user).filter(|key| key.shard() == shard).take(count).collect();
    keys.sort();
    keys
}
