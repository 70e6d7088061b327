//! Puts fobd into storms and prints a table of what came of it: `cargo build --release --locked -p
//! fobd`, then, as root, `cargo run --release -p fob-tests --bin storm -- [NAME...] [--seconds 60]
//! [--tokens 1000]`. Without a name all are run: `crowd`, `slow-disk`, `flood`, `slow-flood`,
//! `connections`, `size` (`fob_tests::storm` says what they are). The slow disk needs strace.
//!
//! It starts itself again in a mount namespace of its own, where the host has some more users.

use std::{
    env,
    error::Error,
    fs,
    io::{self, Write as _},
    process::{Command, ExitCode},
    time::Duration,
};

use fob_tests::{
    differential::bench::mount,
    needs::{self, Need},
    storm::{Plan, STORMS, Storm, users},
};

const USAGE: &str = "usage: storm [NAME...] [--seconds NUMBER] [--tokens NUMBER]";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let words: Vec<String> = env::args().skip(1).collect();
    if words.first().map(String::as_str) != Some("--inside") {
        return outside(&words);
    }
    let (mut plan, mut named) =
        (Plan { length: Duration::from_secs(60), tokens: 1_000 }, Vec::<&Storm>::new());
    let mut words = words.iter().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--seconds" => {
                plan.length = Duration::from_secs(words.next().ok_or(USAGE)?.parse()?);
            }
            "--tokens" => plan.tokens = words.next().ok_or(USAGE)?.parse()?,
            name => named.push(STORMS.iter().find(|storm| storm.name == name).ok_or(USAGE)?),
        }
    }
    if named.is_empty() {
        named.extend(&STORMS);
    }
    let file = tempfile::NamedTempFile::new()?;
    users(file.path())?;
    fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    let path = file.path().to_str().ok_or("a temporary path that is no text")?;
    mount(&["--bind", path], "/etc/passwd".as_ref());
    for storm in named {
        io::stdout().write_all(storm.run(&plan)?.as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Starts this program again in a mount namespace of its own.
fn outside(words: &[String]) -> Result<ExitCode, Box<dyn Error>> {
    let needs = [Need::Root, Need::Program("unshare"), Need::Program("strace")];
    if !needs::met(&needs) {
        return Ok(ExitCode::FAILURE);
    }
    let mut again = Command::new("unshare");
    again.args(["--mount", "--propagation", "private"]).arg(env::current_exe()?);
    let status = again.arg("--inside").args(words).status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
