//! Sets a state folder up with any number of tokens, each with a user: `cargo run --release -p
//! fob-tests --bin fill -- DIR COUNT [--buttons] [--owners FILE]`. A million take about a minute.
//!
//! - `DIR` is a state folder that is not there yet; `fobd --state=DIR` serves it.
//! - Token `N` (from 0) has the serial `FILL-` and seven digits. Its seed follows from the serial,
//!   as a `SoftToken`'s does: `SoftToken::with_clock("FILL-0000042")` makes its codes, or
//!   `with_button` for those of `--buttons`.
//! - Tokens with a clock have one that is right, and the code of the present step is good. Those
//!   with a button (`--buttons`) go on at counter 2: codes as fast as they are asked for.
//! - The first tokens belong to the users in `FILE` (passwd(5); `/etc/passwd` if none is named),
//!   in its order, without uid 0; the rest to `fillN`, uid 1000000000 + N, whom no host knows. To
//!   have more users who can sign in, write a file of them, and mount it over `/etc/passwd` in a
//!   mount namespace of the measurement's own.
//!
//! `fob_tests::fill` has all of it for programs: `Filling::token`, `Filling::owner`, `fill`.

use std::{env, error::Error, io::Write as _, path::PathBuf, sync::Arc, time::Instant};

use fob_tests::fill::{Counts, Filling, fill, owners, sizes};

const USAGE: &str = "usage: fill DIR COUNT [--buttons] [--owners FILE]";

#[allow(clippy::disallowed_methods, reason = "it says how long it took")]
#[allow(clippy::cast_precision_loss, reason = "a ratio to look at")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or(USAGE)?);
    let count = arguments.next().ok_or(USAGE)?.parse()?;
    let (mut counts, mut passwd) = (Counts::Clock, PathBuf::from("/etc/passwd"));
    while let Some(option) = arguments.next() {
        match option.as_str() {
            "--buttons" => counts = Counts::Button,
            "--owners" => passwd = arguments.next().ok_or(USAGE)?.into(),
            _ => return Err(USAGE.into()),
        }
    }
    let filling = Filling { count, counts, owners: Arc::new(owners(&passwd)?) };
    let began = Instant::now();
    fill(&folder, &filling).map_err(|error| error.to_string())?;
    let seconds = began.elapsed().as_secs_f64();
    let sizes = sizes(&folder).map_err(|error| error.to_string())?;
    let ratio = sizes.disk as f64 / sizes.data as f64;
    let mut out = std::io::stdout();
    writeln!(out, "{count} tokens in {seconds:.1} s")?;
    writeln!(
        out,
        "{} records, {} bytes of keys and values; {} bytes on the disk, {ratio:.2} times as many",
        sizes.records, sizes.data, sizes.disk
    )?;
    Ok(())
}
