//! One code, submitted again: in a row, by many at once, while it moves through the window, and
//! the codes that the accepted one has left behind (threats.md R1, R2). The real engine, most of
//! it over the store in memory, a part over sled on the disk.
//!
//! Every wrong code is tried: the budgets are refilled after each round and are larger than a
//! round, and typing the same again is not passed over. So each trial reaches the comparison.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fob_api::{CodePair, Verdict, VerifyContext};
use fobd::{
    decide::{Policy, verify::Typed},
    store::{
        Committed, Entry, Guard, Key, Kind as RecordKind, Store, StoreError, Watch, Write,
        memory::MemoryStore, sled::SledStore,
    },
};
use tokio::{task::JoinSet, task::yield_now, time::timeout};

use super::{
    Call, Report, failed, go_on,
    house::{House, Kind, Person, context, runtime},
};
use crate::conformance::Failure;

/// People whose codes are submitted at the same time.
const PEOPLE: u32 = 64;
/// How many submit one code at once, round after round (threats.md R2).
const CROWDS: [u64; 8] = [1, 2, 3, 4, 8, 16, 32, 64];
/// Submissions in a row after that.
const IN_A_ROW: usize = 8;
/// Steps from the expected one at which a clock's code is used, sweep after sweep, 30 s apart: the
/// right one; the one ahead, and nothing while it moves to the window's other end; the one behind.
const PLACES: [Option<i64>; 5] = [Some(0), Some(1), None, None, Some(-1)];
/// How far a button is ahead when its code is used: the next counter, and the last of the ten
/// (clock-and-throttle.md section 2).
const PRESSES: [u64; 3] = [0, 3, 10];
/// Codes that must be another than the used one for a trial to count.
const NEIGHBOURS: u64 = 16;
/// Commits in a stretch in which others are let go first, or are not.
const CROWDED: u64 = 1_024;
/// Most trials on the disk, where each waits for a sync.
const ON_DISK: u64 = 50_000;
/// Longest time that a sweep may take: after it, something hangs.
const PATIENCE: Duration = Duration::from_secs(300);

/// Runs the program.
pub(super) fn run(call: &Call) -> Result<Report, Failure> {
    let runtime = runtime()?;
    let mut report = Report::new("a used code is submitted again");
    let on_disk = (call.count / 20).min(ON_DISK);
    let folder = tempfile::tempdir().map_err(failed)?;
    let sled = SledStore::open(&folder.path().join("tokens")).map_err(failed)?;
    runtime.block_on(siege(sled, on_disk, "on disk", &mut report))?;
    let rest = call.count - on_disk;
    runtime.block_on(siege(MemoryStore::default(), rest, "in memory", &mut report))?;
    Ok(report)
}

/// Makes so many trials over a store.
async fn siege<S: Store>(
    store: S,
    trials: u64,
    place: &str,
    report: &mut Report,
) -> Result<(), Failure> {
    let lost = Arc::new(AtomicU64::new(0));
    let store = Racing { store, commits: AtomicU64::new(0), lost: Arc::clone(&lost) };
    let policy = Policy {
        same_code: 0,
        wrong_per_day: 200,
        wrong_per_month: 200,
        wrong_in_a_row: 200,
        host_wrong_per_day: u32::MAX,
        ..Policy::DEFAULT
    };
    let house = Arc::new(House::of(store, PEOPLE, policy).await?);
    // The counters 0 and 1 were spent by the assignment.
    let mut used: Vec<u64> = vec![1; house.people.len()];
    let (mut made, mut sweep) = (0, 0);
    while made < trials {
        go_on()?;
        house.advance(30);
        let mut rounds = JoinSet::new();
        for (person, used) in used.iter().copied().enumerate() {
            rounds.spawn(round(Arc::clone(&house), person, used, sweep));
        }
        let all = timeout(PATIENCE, rounds.join_all()).await.map_err(failed)?;
        for tally in all {
            let tally = tally?;
            used[tally.person] = tally.used;
            for (outcome, count) in tally.outcomes {
                made += count;
                report.count += count;
                *report.outcomes.entry(format!("{outcome} {place}")).or_default() += count;
            }
            report.bad.extend(tally.bad);
        }
        sweep += 1;
    }
    let races = lost.load(Ordering::Relaxed);
    report.outcomes.insert(format!("commits decided again {place}"), races);
    Ok(())
}

/// What a round came to.
struct Tally {
    person: usize,
    /// The step or counter that was used last.
    used: u64,
    /// Trials by their outcome.
    outcomes: BTreeMap<&'static str, u64>,
    bad: Vec<String>,
}

impl Tally {
    /// Counts the answer to a code that was used before.
    fn again(&mut self, verdict: Verdict, what: &str) {
        *self.outcomes.entry(word(verdict)).or_default() += 1;
        if verdict == Verdict::Accept {
            self.bad.push(format!("a used code was accepted: {what}"));
        }
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Accept => "accepted again",
        Verdict::Replay => "replay",
        Verdict::Wait(_) => "wait",
        Verdict::Locked => "locked",
        _ => "reject",
    }
}

/// Uses a code of a person, and submits it again in every way.
async fn round<S: Store>(
    house: Arc<House<S>>,
    number: usize,
    used: u64,
    sweep: usize,
) -> Result<Tally, Failure> {
    let mut tally = Tally { person: number, used, outcomes: BTreeMap::new(), bad: Vec::new() };
    let person = &house.people[number];
    let turn = sweep + number;
    let fresh = match person.kind {
        Kind::Button => Some(used + 1 + PRESSES[turn % PRESSES.len()]),
        Kind::Clock => PLACES[sweep % PLACES.len()]
            .and_then(|ahead| house.step().checked_add_signed(ahead))
            .filter(|step| *step > used),
    };
    if let Some(step) = fresh.filter(|step| person.is_unlike_its_neighbours(*step, NEIGHBOURS)) {
        let crowd = CROWDS[turn % CROWDS.len()];
        let accepted = at_once(&house, number, step, crowd, &mut tally).await?;
        if accepted > 0 {
            tally.used = step;
        }
        let expected = person.kind == Kind::Button || sweep.is_multiple_of(PLACES.len());
        if accepted > 1 || (accepted == 0 && expected) {
            tally
                .bad
                .push(format!("{} step {step}: {crowd} at once, {accepted} accepted", person.name));
        }
    }
    if tally.used > 1 {
        again(&house, person, turn, &mut tally).await?;
    }
    house.unlock(&person.name).await?;
    Ok(tally)
}

/// Submits a fresh code from many sources at once; returns how often it was accepted.
async fn at_once<S: Store>(
    house: &Arc<House<S>>,
    number: usize,
    step: u64,
    crowd: u64,
    tally: &mut Tally,
) -> Result<u64, Failure> {
    let mut tries = JoinSet::new();
    for source in 0..crowd {
        let house = Arc::clone(house);
        tries.spawn(async move {
            let person = &house.people[number];
            let code = person.code(step)?;
            house.verify(&person.name, &place(source), Typed::Code(&code)).await
        });
    }
    let mut accepted = 0;
    for verdict in tries.join_all().await {
        match verdict? {
            Verdict::Accept => accepted += 1,
            other => tally.again(other, "at once"),
        }
    }
    Ok(accepted)
}

/// Submits what is spent: the used code in a row, those before it, and pairs with it.
async fn again<S: Store>(
    house: &House<S>,
    person: &Person,
    turn: usize,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let last = tally.used;
    for time in 0..IN_A_ROW {
        // Every third is a code that was passed over, or used before.
        let step = last - if time % 3 == 2 { (time as u64 / 3 + 1).min(last) } else { 0 };
        if person.is_unlike_its_neighbours(step, NEIGHBOURS) {
            let code = person.code(step)?;
            let place = place((turn + time) as u64);
            let verdict = house.verify(&person.name, &place, Typed::Code(&code)).await?;
            tally.again(verdict, &format!("{} step {step} after {last}", person.name));
        }
    }
    for first in [last - 1, last] {
        let Ok(pair) = CodePair::new(person.code(first)?, person.code(first + 1)?) else {
            continue;
        };
        let place = place((turn as u64).wrapping_add(first));
        let verdict = house.verify(&person.name, &place, Typed::Pair(&pair)).await?;
        tally.again(verdict, &format!("{} pair {first} after {last}", person.name));
    }
    Ok(())
}

/// Returns one of the ways in. Of unknown hosts there are few, for all of them share one purse,
/// and one record.
fn place(number: u64) -> VerifyContext {
    match number % 16 {
        0..=5 => context("login", None),
        6..=14 => context("sudo", None),
        _ => context("sshd", Some(&format!("192.0.2.{}", number / 16 % 4))),
    }
}

/// A store that lets others go first before every fourth commit, so that decisions on the same
/// records meet; in one of sixteen stretches, for each of 64 who meet decides 64 times.
struct Racing<S> {
    store: S,
    commits: AtomicU64,
    lost: Arc<AtomicU64>,
}

impl<S: Store> Store for Racing<S> {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, StoreError> {
        self.store.get(keys).await
    }

    async fn list(
        &self,
        kind: RecordKind,
        shard: u8,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.store.list(kind, shard, after, limit).await
    }

    async fn commit(
        &self,
        guards: Vec<Guard>,
        writes: Vec<Write>,
    ) -> Result<Committed, StoreError> {
        let number = self.commits.fetch_add(1, Ordering::Relaxed);
        if number.is_multiple_of(4) && (number / CROWDED).is_multiple_of(16) {
            yield_now().await;
        }
        let committed = self.store.commit(guards, writes).await;
        if matches!(committed, Ok(Committed::Conflict(_))) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        committed
    }

    fn watch(&self, kind: RecordKind) -> Watch {
        self.store.watch(kind)
    }
}
