//! Guards, one caller at a time.

use fobd::store::{
    Committed, Entry, Guard, Key, MAX_KEY, MAX_VALUE, MAX_WRITES, Store, StoreError, Write,
};

use super::{Engine, Failure, ensure, number, put, read, read_some, write};

/// Put-if-absent: the second writer is refused and is shown what the first one wrote.
///
/// # Errors
///
/// What the engine did instead.
pub async fn an_absent_guard_lets_the_first_writer_win(
    engine: &impl Engine,
) -> Result<(), Failure> {
    let (store, key) = (engine.handle(), Key::user(1));
    let absent = || vec![Guard::Absent(key.clone())];
    let first = store.commit(absent(), vec![put(&key, 1)]).await?;
    ensure!(first == Committed::Done, "the first writer was refused");
    let second = store.commit(absent(), vec![put(&key, 2)]).await?;
    let entry = read(&store, &key).await?;
    ensure!(number(entry.as_ref())? == 1, "the second writer overwrote the first");
    ensure!(second == Committed::Conflict(vec![entry]), "the conflict shows {second:?}");
    Ok(())
}

/// A guard on an entry that was written since is refused; the conflict's entry is good for the
/// next try.
///
/// # Errors
///
/// What the engine did instead.
pub async fn a_stale_guard_is_refused_and_the_conflict_leads_on(
    engine: &impl Engine,
) -> Result<(), Failure> {
    let (store, key) = (engine.handle(), Key::user(1));
    write(&store, vec![put(&key, 1)]).await?;
    let stale = read_some(&store, &key).await?;
    write(&store, vec![put(&key, 2)]).await?;
    let guards = vec![Guard::Same(key.clone(), stale.tag)];
    let conflict = store.commit(guards, vec![put(&key, 3)]).await?;
    let Some(now) = only_entry(conflict) else {
        return Err(Failure::new("a stale guard was not refused with the current entry"));
    };
    ensure!(number(Some(&now))? == 2, "the conflict carries something else than the current entry");
    let again = store.commit(vec![Guard::Same(key.clone(), now.tag)], vec![put(&key, 4)]).await?;
    ensure!(again == Committed::Done, "the conflict's entry was no good for a guard");
    Ok(())
}

/// Bytes that come back are another state.
///
/// # Errors
///
/// What the engine did instead.
pub async fn an_entry_that_returns_to_its_old_bytes_breaks_the_old_guard(
    engine: &impl Engine,
) -> Result<(), Failure> {
    let (store, key) = (engine.handle(), Key::user(1));
    write(&store, vec![put(&key, 1)]).await?;
    let old = read_some(&store, &key).await?;
    write(&store, vec![put(&key, 2)]).await?;
    write(&store, vec![put(&key, 1)]).await?;
    let guards = vec![Guard::Same(key.clone(), old.tag)];
    let answer = store.commit(guards, vec![put(&key, 3)]).await?;
    ensure!(answer != Committed::Done, "a guard held although its entry was written twice");
    Ok(())
}

/// Delete makes an entry absent; re-creating it with the same bytes makes another state.
///
/// # Errors
///
/// What the engine did instead.
pub async fn a_deleted_and_recreated_entry_breaks_the_old_guard(
    engine: &impl Engine,
) -> Result<(), Failure> {
    let (store, key) = (engine.handle(), Key::user(1));
    write(&store, vec![put(&key, 1)]).await?;
    let old = read_some(&store, &key).await?;
    let same = || vec![Guard::Same(key.clone(), old.tag.clone())];
    let deleted = store.commit(same(), vec![Write::Delete(key.clone())]).await?;
    ensure!(deleted == Committed::Done, "the delete was refused");
    ensure!(read(&store, &key).await?.is_none(), "a deleted entry is still there");
    let gone = store.commit(same(), vec![put(&key, 9)]).await?;
    ensure!(gone == Committed::Conflict(vec![None]), "a guard on a deleted entry: {gone:?}");
    let absent = vec![Guard::Absent(key.clone())];
    let recreated = store.commit(absent, vec![put(&key, 1)]).await?;
    ensure!(recreated == Committed::Done, "a deleted entry is not absent");
    let answer = store.commit(same(), vec![put(&key, 9)]).await?;
    ensure!(answer != Committed::Done, "a guard held over delete and re-create");
    Ok(())
}

/// All or nothing over several guards, whichever of them is broken.
///
/// # Errors
///
/// What the engine did instead.
pub async fn one_broken_guard_of_several_writes_nothing(
    engine: &impl Engine,
) -> Result<(), Failure> {
    let store = engine.handle();
    let keys = [1, 2, 3].map(Key::user);
    let [first, second, third] = &keys;
    for broken in 0..3 {
        write(&store, vec![put(first, 1), put(second, 2), Write::Delete(third.clone())]).await?;
        let before = store.get(&keys).await?;
        let guards = keys.iter().zip(&before).map(|(key, now)| Guard::unchanged(key, now.as_ref()));
        let guards: Vec<_> = guards.collect();
        let victim = keys.get(broken).unwrap_or(first);
        write(&store, vec![put(victim, 7)]).await?;
        let now = store.get(&keys).await?;
        let writes = keys.iter().map(|key| put(key, 99)).collect();
        let answer = store.commit(guards, writes).await?;
        ensure!(store.get(&keys).await? == now, "guard {broken} was broken and something written");
        ensure!(
            answer == Committed::Conflict(now),
            "guard {broken} was broken and the conflict does not show all entries in order"
        );
    }
    Ok(())
}

/// A commit is a list: its later writes of a key come after its earlier ones.
///
/// # Errors
///
/// What the engine did instead.
pub async fn the_last_write_of_a_key_in_a_commit_wins(engine: &impl Engine) -> Result<(), Failure> {
    let (store, key, other) = (engine.handle(), Key::user(1), Key::user(2));
    let delete = |key: &Key| Write::Delete(key.clone());
    write(&store, vec![put(&key, 1), delete(&key), put(&key, 2), put(&other, 1), delete(&other)])
        .await?;
    let entries = store.get(&[key, other]).await?;
    let numbers: Result<Vec<u64>, _> = entries.iter().map(|e| number(e.as_ref())).collect();
    ensure!(numbers? == [2, 0], "the writes of a commit came out of order");
    Ok(())
}

/// What is over a limit is refused whole; what just fits is kept whole.
///
/// # Errors
///
/// What the engine did instead.
pub async fn limits_are_refused_and_what_just_fits_is_taken(
    engine: &impl Engine,
) -> Result<(), Failure> {
    /// As long as a name can be: kind and shard take two bytes of the key.
    const LONGEST: &str = match str::from_utf8(&[b'n'; MAX_KEY - 2]) {
        Ok(name) => name,
        Err(_) => "",
    };
    const TOO_LONG: &str = match str::from_utf8(&[b'n'; MAX_KEY - 1]) {
        Ok(name) => name,
        Err(_) => "",
    };
    let (store, key) = (engine.handle(), Key::user(1));
    let longest = Key::meta(LONGEST);
    let largest = vec![7; MAX_VALUE];
    write(&store, vec![Write::Put(longest.clone(), largest.clone())]).await?;
    let entry = read_some(&store, &longest).await?;
    ensure!(*entry.value == *largest, "the largest value did not come back");

    let too_much = [
        vec![put(&key, 1), Write::Put(longest, vec![7; MAX_VALUE + 1])],
        vec![put(&key, 1), put(&Key::meta(TOO_LONG), 1)],
        vec![put(&key, 1); MAX_WRITES + 1],
    ];
    for writes in too_much {
        let answer = store.commit(Vec::new(), writes).await;
        ensure!(answer == Err(StoreError::TooLarge), "over a limit: {answer:?}");
    }
    ensure!(read(&store, &key).await?.is_none(), "part of a commit over a limit was applied");
    Ok(())
}

fn only_entry(committed: Committed) -> Option<Entry> {
    match committed {
        Committed::Conflict(entries) => match <[_; 1]>::try_from(entries) {
            Ok([entry]) => entry,
            Err(_) => None,
        },
        Committed::Done => None,
    }
}
