//! Writes to a store until it is killed: the other half of `tests/store_crash.rs`.
//!
//! Takes the store's folder. Prints a line for each acknowledged commit, `single TASK NUMBER`,
//! `pair TASK NUMBER` or `large 0 NUMBER`; `fob_tests::crash` says which keys hold the number.

use std::{env, path::Path};

use fob_tests::{conformance::Failure, crash};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let dir = env::args_os().nth(1).ok_or_else(|| Failure::new("which folder?"))?;
    crash::work(Path::new(&dir)).await
}
