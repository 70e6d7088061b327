//! Writes to a store until it is killed: the other half of `tests/store_crash.rs`.
//!
//! Takes the store's folder. Prints a line for each acknowledged commit, `single TASK NUMBER`,
//! `pair TASK NUMBER` or `large 0 NUMBER`; `fob_tests::crash` says which keys hold the number.

use std::{
    env, fmt,
    io::{self, Write as _},
    path::Path,
};

use fob_tests::{conformance::Failure, crash::Line};
use fobd::store::{Committed, Store, sled::SledStore};
use tokio::task::JoinSet;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let dir = env::args_os().nth(1).ok_or_else(|| Failure::new("which folder?"))?;
    let store = SledStore::open(Path::new(&dir)).map_err(failed)?;
    let mut tasks = JoinSet::new();
    for line in Line::ALL {
        tasks.spawn(count(store.clone(), line));
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    Ok(())
}

/// Counts up in the keys of a line, one commit per number.
async fn count(store: SledStore, line: Line) -> Result<(), Failure> {
    let mut number = line.number(&store).await?;
    loop {
        number += 1;
        let committed = store.commit(Vec::new(), line.writes(number)).await?;
        if committed != Committed::Done {
            return Err(Failure::new("a commit without guards was refused"));
        }
        writeln!(io::stdout().lock(), "{line} {number}").map_err(failed)?;
    }
}

fn failed(error: impl fmt::Display) -> Failure {
    Failure::new(error.to_string())
}
