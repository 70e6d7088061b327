//! Many people sign in at once, each with a valid code, and nobody may be refused (pam_oath
//! refuses 274 of 320 with eight at once: threats.md M3). The real engine over sled on the disk.

use std::{sync::Arc, time::Duration};

use fob_api::Verdict;
use fobd::{
    decide::{Policy, verify::Typed},
    store::{Store, sled::SledStore},
};
use tokio::{task::JoinSet, time::timeout};

use super::{
    Call, Report, failed, go_on,
    house::{House, Kind, context, runtime},
};
use crate::conformance::Failure;

/// Who signs in at the same moment.
const AT_ONCE: usize = 64;
/// People who sign in one after the other at each of these places.
const QUEUE: usize = 16;
/// Longest time that all of them together may take: after it, something hangs.
const PATIENCE: Duration = Duration::from_secs(300);

/// Runs the program.
pub(super) fn run(call: &Call) -> Result<Report, Failure> {
    let runtime = runtime()?;
    let folder = tempfile::tempdir().map_err(failed)?;
    let store = SledStore::open(&folder.path().join("tokens")).map_err(failed)?;
    runtime.block_on(crowd(store, call.count))
}

async fn crowd<S: Store>(store: S, count: u64) -> Result<Report, Failure> {
    let mut report = Report::new("a valid code, 64 people at once");
    // A short run still has 64 at once.
    let queue = QUEUE.min((count as usize / AT_ONCE / 4).max(1));
    let house = House::of(store, (AT_ONCE * queue) as u32, Policy::DEFAULT).await?;
    let house = Arc::new(house);
    let mut counter = 2; // 0 and 1 were spent by the assignment
    while report.count < count {
        go_on()?;
        house.advance(30);
        let mut tries = JoinSet::new();
        for place in 0..AT_ONCE {
            tries.spawn(stand_in_line(Arc::clone(&house), place * queue, queue, counter));
        }
        counter += 1;
        for outcomes in timeout(PATIENCE, tries.join_all()).await.map_err(failed)? {
            for (outcome, who) in outcomes {
                match outcome {
                    Ok(Verdict::Accept) => report.good("accepted"),
                    Ok(verdict) => report.bad("refused", format!("{who}: {}", verdict.word())),
                    Err(error) => report.bad("error", format!("{who}: {error}")),
                }
            }
        }
    }
    Ok(report)
}

/// Signs people in one after the other, each by another door.
async fn stand_in_line<S: Store>(
    house: Arc<House<S>>,
    first: usize,
    queue: usize,
    counter: u64,
) -> Vec<(Result<Verdict, Failure>, String)> {
    let mut outcomes = Vec::new();
    for number in first..first + queue {
        let person = &house.people[number];
        let step = match person.kind {
            Kind::Button => counter,
            Kind::Clock => house.step(),
        };
        let place = match number % 3 {
            0 => context("login", None),
            1 => context("sudo", None),
            _ => context("sshd", Some(&format!("198.51.100.{}", counter % 250))),
        };
        let outcome = match person.code(step) {
            Ok(code) => house.verify(&person.name, &place, Typed::Code(&code)).await,
            Err(error) => Err(error),
        };
        outcomes.push((outcome, format!("{} step {step}", person.name)));
    }
    outcomes
}
