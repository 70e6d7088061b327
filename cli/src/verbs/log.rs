//! `log`: the daemon's decisions and changes, and whether their log is whole.

use std::time::Duration;

use fob_api::{LogEntry, LogOptions, Serial, UserName, proxy::FobProxy};
use nix::time::{ClockId, clock_gettime};

use crate::{
    args::Log,
    connect::{Patience, daemon as connect},
    failure::{self, Failure},
    render,
};

/// Events in one page: the most that the daemon sends.
pub(super) const PAGE: u32 = 500;
/// Pause between two looks of `--follow`: a person waits no longer, and it costs nothing.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn log(args: Log) -> Result<(), Failure> {
    if args.verify {
        return verify().await;
    }
    let daemon = connect(Patience::Short).await?;
    let options = options(&args)?;
    // Before the first look: what comes meanwhile is shown, perhaps twice looked at, never missed.
    let mut reached = newest_line(&daemon).await?;
    let before = Some(reached.saturating_add(1));
    let last = last(&daemon, &LogOptions { before, ..options.clone() }, args.lines).await?;
    show(&last, &args)?;
    if !args.follow {
        return Ok(());
    }
    loop {
        tokio::time::sleep(PAUSE).await;
        // A new connection each time: one has its end after some thousand calls, and with a restart.
        let daemon = connect(Patience::Short).await?;
        reached = show_after(&daemon, &args, &options, reached).await?;
    }
}

/// Shows what came after a line, and returns the last line that was looked at.
async fn show_after(
    daemon: &FobProxy<'_>,
    args: &Log,
    options: &LogOptions,
    mut reached: u64,
) -> Result<u64, Failure> {
    loop {
        let next = LogOptions { after: Some(reached), limit: Some(PAGE), ..options.clone() };
        let (entries, last) = daemon.log(next).await?;
        show(&entries, args)?;
        if last <= reached {
            return Ok(reached);
        }
        reached = last;
    }
}

/// Returns the number of the newest line; 0 if there is none.
pub(super) async fn newest_line(daemon: &FobProxy<'_>) -> Result<u64, Failure> {
    let options = LogOptions { limit: Some(1), newest: Some(true), ..LogOptions::default() };
    let (entries, _) = daemon.log(options).await?;
    Ok(entries.last().map_or(0, |entry| entry.seq))
}

/// Returns the last so many events that the options take, the oldest first.
async fn last(
    daemon: &FobProxy<'_>,
    options: &LogOptions,
    lines: u32,
) -> Result<Vec<LogEntry>, Failure> {
    let mut pages = Vec::new();
    let (mut left, mut before) = (lines, options.before);
    while left > 0 {
        let limit = Some(left.min(PAGE));
        let page = LogOptions { before, limit, newest: Some(true), ..options.clone() };
        let (entries, reached) = daemon.log(page).await?;
        left = left.saturating_sub(u32::try_from(entries.len()).unwrap_or(u32::MAX));
        pages.push(entries);
        if reached == 0 {
            break;
        }
        if before.is_some_and(|before| reached >= before) {
            // A daemon that stays where it is would be asked for ever.
            return Err(Failure::Strange);
        }
        before = Some(reached);
    }
    pages.reverse();
    Ok(pages.concat())
}

fn options(args: &Log) -> Result<LogOptions, Failure> {
    let clock = clock_gettime(ClockId::CLOCK_REALTIME).map_err(|_| Failure::Strange)?;
    let now = u64::try_from(clock.tv_sec()).unwrap_or_default();
    Ok(LogOptions {
        user: args.user.as_ref().map(UserName::to_string),
        serial: args.serial.as_ref().map(Serial::to_string),
        event: args.event.clone(),
        since: args.since.map(|when| when.unix(now)),
        until: args.until.map(|when| when.unix(now)),
        ..LogOptions::default()
    })
}

fn show(entries: &[LogEntry], args: &Log) -> Result<(), Failure> {
    if entries.is_empty() {
        return Ok(());
    }
    render::print(&if args.json { render::log_json(entries) } else { render::log_lines(entries) })
}

async fn verify() -> Result<(), Failure> {
    let report = connect(Patience::Long).await?.verify_log().await?;
    match report.wrong.as_deref() {
        None => render::print(&render::log_verdict(&report)),
        Some(_) => {
            let places = failure::log_places(&report);
            if !places.is_empty() {
                render::print(&places)?;
            }
            Err(Failure::Log(Box::new(report)))
        }
    }
}
