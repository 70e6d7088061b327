//! `tickets`: with which sudo and polkit do not ask again for some minutes.

use fob_api::{RevokeOptions, UserName};

use crate::{
    args::Tickets,
    connect::{Patience, daemon},
    failure::Failure,
    journal::login_uid,
    render,
};

pub(super) async fn tickets(args: Tickets) -> Result<(), Failure> {
    match (&args.revoke, args.revoke_all) {
        (None, false) => {}
        (user, _) => return revoke(user.as_ref()).await,
    }
    let tickets = daemon(Patience::Short).await?.tickets().await?;
    render::print(&if args.json {
        render::tickets_json(&tickets)
    } else {
        render::ticket_table(&tickets)
    })
}

/// Ends the tickets of one user, or all of them.
async fn revoke(user: Option<&UserName>) -> Result<(), Failure> {
    let options = RevokeOptions { user: user.map(ToString::to_string), login_uid: login_uid() };
    let revoked = daemon(Patience::Short).await?.revoke_tickets(options).await?;
    render::print(&render::revoked_sentence(revoked, user))
}
