//! The nth call fails: a real fobd under strace(1), one of its system calls failing once, from its
//! first moment to its end. Whatever it answered with yes must be so afterwards (threats.md F1, F2).
//!
//! strace counts the calls of each thread on its own: the nth of every thread fails. The count is
//! the highest n; the sweep of a call ends sooner where no thread gets that far.

mod run;

use std::{
    fs,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use self::run::{Fault, Outcome};
use super::{Call, Report, failed, go_on};
use crate::{
    conformance::Failure,
    daemon::{Daemon, Ground},
    soft_token::SoftToken,
};

/// The calls that touch files (threats.md F1); sled and fobd make folders only once.
const CALLS: [&str; 6] = ["fdatasync", "fsync", "pwrite64", "openat", "rename", "ftruncate"];
/// How they fail.
const ERRORS: [&str; 7] = ["EIO", "ENOSPC", "EROFS", "EDQUOT", "EMFILE", "ENOMEM", "EINTR"];
/// Somebody whom every host knows.
const USER: &str = "daemon";

/// The token of all runs.
fn token() -> SoftToken {
    SoftToken::with_button("SWEEP-1")
}

/// Runs the program.
pub(super) fn run(call: &Call) -> Result<Report, Failure> {
    let ground = Ground::new();
    let runtime = tokio::runtime::Runtime::new().map_err(failed)?;
    let base = ground.path().join("base");
    fs::create_dir(&base).map_err(failed)?;
    runtime.block_on(set_up(&base))?;
    let rows: Vec<(&str, &str)> =
        CALLS.iter().flat_map(|call| ERRORS.iter().map(move |error| (*call, *error))).collect();
    let report = Mutex::new(Report::new("the nth system call of a real fobd fails"));
    let next = AtomicUsize::new(0);
    let work = || -> Result<(), Failure> {
        while let Some((name, error)) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
            for nth in 1..=call.count {
                go_on()?;
                let fault = Fault { call: name, error, nth };
                let place = ground.path().join(format!("{name} {error} {nth}"));
                copy(&base.join("state"), &place.join("state"))?;
                let outcome = runtime.block_on(run::run(&fault, &place))?;
                fs::remove_dir_all(&place).map_err(failed)?;
                let mut report = report.lock().unwrap();
                match outcome {
                    Outcome::NotHit => break,
                    Outcome::Good(good) => report.good(good),
                    Outcome::Bad(bad, what) => report.bad(bad, format!("{fault}: {what}")),
                }
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let both = [scope.spawn(work), scope.spawn(work)];
        both.into_iter().try_for_each(|one| one.join().unwrap())
    })?;
    Ok(report.into_inner().unwrap())
}

/// Gives USER a token.
async fn set_up(folder: &Path) -> Result<(), Failure> {
    let mut daemon = Daemon::start(folder, None);
    let fob = daemon.proxy().await;
    let path = folder.join("seeds.csv");
    fs::write(&path, token().oath_line()).map_err(failed)?;
    let file = fs::File::open(&path).map_err(failed)?;
    fob.import((&file).into(), "oath-csv", Default::default()).await.map_err(failed)?;
    let codes = [token().code_of(0), token().code_of(1)];
    let codes = [codes[0].as_str(), codes[1].as_str()];
    fob.assign(USER, "SWEEP-1", &codes, Default::default()).await.map_err(failed)?;
    drop(fob);
    daemon.stop();
    Ok(())
}

/// Copies a folder with what is in it, modes too.
fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::create_dir_all(to).map_err(failed)?;
    let mode = fs::metadata(from).map_err(failed)?.permissions();
    fs::set_permissions(to, mode).map_err(failed)?;
    for entry in fs::read_dir(from).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let there = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &there)?;
        } else {
            fs::copy(&path, there).map_err(failed)?;
        }
    }
    Ok(())
}
