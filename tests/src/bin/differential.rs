//! The same scenarios against google-authenticator, pam_oath and Fob; prints what each did.
//!
//! `cargo run -p fob-tests --bin differential`, as root, once fobd and the module are built
//! (`cargo build -p fobd -p fobctl`). It installs the Debian packages that are missing. `-- --write`
//! keeps the table in `tests/DIFFERENTIAL.md`, `-- --fob` leaves the peers out, `-- --only WORD`
//! runs the scenarios whose name or title holds it.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program of the tests: what fails ends it"
)]

use std::{
    collections::BTreeMap,
    fs,
    process::{Command, ExitCode},
    sync::Mutex,
    thread,
};

use fob_tests::{
    differential::{
        Scenario,
        bench::{mount, passwd},
        cell::Cell,
        families,
        module::Module,
        table::{self, Table},
    },
    needs::{self, Need},
    pam_host,
};

/// Scenarios at the same time. Most of a scenario is waiting for a disk or a short pause.
const AT_ONCE: usize = 3;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().map(String::as_str) != Some("--inside") {
        return outside(&words);
    }
    let has = |word: &str| words.iter().any(|other| other == word);
    let only = words.iter().position(|word| word == "--only").and_then(|at| words.get(at + 1));
    let modules = if has("--fob") { vec![Module::Fob] } else { Module::ALL.to_vec() };
    // In this program's own mount namespace: the daemon finds the users of the stages.
    let users = tempfile::NamedTempFile::new().unwrap();
    fs::write(users.path(), passwd("/".as_ref())).unwrap();
    mount(&["--bind", users.path().to_str().unwrap()], "/etc/passwd".as_ref());
    pam_host::built();
    let page = Table::new(run(&modules, only.map(String::as_str))).page();
    if has("--write") {
        fs::write(table::path(), page).unwrap();
    } else {
        print!("{page}");
    }
    ExitCode::SUCCESS
}

/// Sees to what is needed, and starts this program again in a mount namespace of its own: it binds
/// a users' file and mounts small file systems, which nobody else should see.
fn outside(words: &[String]) -> ExitCode {
    if !words.iter().any(|word| word == "--fob") && !packages() {
        return ExitCode::FAILURE;
    }
    let programs = ["bwrap", "cc", "mount", "setpriv", "strace", "unshare"].map(Need::Program);
    let needs: Vec<Need> = [Need::Root].into_iter().chain(programs).collect();
    if !needs::met(&needs) {
        return ExitCode::FAILURE;
    }
    let own = std::env::current_exe().unwrap();
    let mut again = Command::new("unshare");
    again.args(["--mount", "--propagation", "private"]).arg(own).arg("--inside").args(words);
    match again.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Installs the peers, as tests/run installs what it needs.
fn packages() -> bool {
    let names: Vec<&str> = Module::ALL.into_iter().filter_map(Module::package).collect();
    let script =
        "source tests/lib.sh; need_packages \"$@\" >&2 || { echo \"$missing\" >&2; exit 1; }";
    let mut bash = Command::new("bash");
    bash.args(["-c", script, "bash", "strace", "bubblewrap"]).args(names);
    let status = bash.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).status();
    status.is_ok_and(|status| status.success())
}

fn run(modules: &[Module], only: Option<&str>) -> Vec<(Scenario, Vec<(Module, Cell)>)> {
    let wanted = |title: &str, scenario: &Scenario| {
        only.is_none_or(|word| scenario.name.contains(word) || title.contains(word))
    };
    let scenarios: Vec<Scenario> = families()
        .into_iter()
        .flat_map(|(title, all)| all.iter().filter(move |row| wanted(title, row)).copied())
        .collect();
    let rows =
        (0..scenarios.len()).flat_map(|row| modules.iter().map(move |module| (row, *module)));
    let mut jobs: Vec<(usize, Module)> = rows.collect();
    jobs.reverse();
    let jobs = Mutex::new(jobs);
    let done = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((row, module)) = next(&jobs) {
                    let scenario = scenarios[row];
                    let cell = (scenario.run)(module);
                    eprintln!("{}: {}: {cell}", scenario.name, module.name());
                    done.lock().unwrap().entry(row).or_insert_with(Vec::new).push((module, cell));
                }
            });
        }
    });
    let done = done.into_inner().unwrap();
    done.into_iter()
        .map(|(row, mut cells)| {
            cells.sort_by_key(|(module, _)| *module as u8);
            (scenarios[row], cells)
        })
        .collect()
}

fn next(jobs: &Mutex<Vec<(usize, Module)>>) -> Option<(usize, Module)> {
    jobs.lock().unwrap().pop()
}
