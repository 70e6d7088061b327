//! `report`: who would have been asked for a code while fobd observed, and who is ready.

use fob_api::{LogEntry, LogOptions};
use nix::time::{ClockId, clock_gettime};

use super::log::PAGE;
use crate::{
    args::Report,
    connect::{Patience, daemon as connect},
    failure::Failure,
    render::{self, Observed},
};

pub(super) async fn report(args: Report) -> Result<(), Failure> {
    let clock = clock_gettime(ClockId::CLOCK_REALTIME).map_err(|_| Failure::Strange)?;
    let now = u64::try_from(clock.tv_sec()).unwrap_or_default();
    let observed = observed(args.since.unix(now)).await?;
    render::print(&if args.json {
        render::report_json(&observed)
    } else {
        render::report_table(&observed)
    })
}

/// Reads what was observed since a Unix time, in pages: the oldest first.
async fn observed(since: u64) -> Result<Observed, Failure> {
    let mut observed = Observed::default();
    let mut reached = 0;
    loop {
        // A new connection each time: one has its end after some thousand calls.
        let daemon = connect(Patience::Short).await?;
        let page = LogOptions {
            after: Some(reached),
            limit: Some(PAGE),
            event: Some("observed".to_owned()),
            since: Some(since),
            ..LogOptions::default()
        };
        let (entries, last): (Vec<LogEntry>, u64) = daemon.log(page).await?;
        entries.iter().for_each(|entry| observed.take(entry));
        if last <= reached {
            return Ok(observed);
        }
        reached = last;
    }
}
