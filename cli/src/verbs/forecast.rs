//! `forecast`: which tokens need a resync or a replacement soon.

use fob_api::PageOptions;

use super::read::all_tokens;
use crate::{
    args::Forecast,
    connect::{Patience, daemon},
    failure::Failure,
    render::{self, Need},
};

pub(super) async fn forecast(args: Forecast) -> Result<(), Failure> {
    let days = u64::from(args.within);
    // The daemon's clock, not this program's: its times are counted on it.
    let now = daemon(Patience::Short).await?.status().await?.now.ok_or(Failure::Strange)?;
    let state = Some("assigned".to_owned());
    let tokens = all_tokens(PageOptions { state, ..PageOptions::default() }).await?;
    let needs = tokens.into_iter().map(|token| {
        let needs = Need::of(&token, now, days);
        (token, needs)
    });
    let mut needy: Vec<_> = needs.filter(|(_, needs)| !needs.is_empty()).collect();
    needy.sort_by(|(a, _), (b, _)| (a.in_sync_until, &a.serial).cmp(&(b.in_sync_until, &b.serial)));
    render::print(&if args.json {
        render::forecast_json(&needy)
    } else {
        render::forecast_table(&needy, days)
    })
}
