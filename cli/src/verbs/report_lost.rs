//! `report-lost`: a user who has lost his token says so himself.

use fob_api::{Fate, RemoveOptions};

use super::{holder, named, own_name, remove::fate_sentence};
use crate::{
    args::ReportLost,
    ask::Dialogue,
    connect::{Patience, daemon},
    failure::Failure,
    journal::login_uid,
    render,
};

pub(super) async fn report_lost(args: ReportLost) -> Result<(), Failure> {
    let name = args.user.map_or_else(own_name, Ok)?;
    let (user, tokens) = holder(&daemon(Patience::Short).await?, &name).await?;
    let mut dialogue = Dialogue::open()?;
    let shown = named(user.user.as_deref(), name.as_str());
    for token in &tokens {
        let serial = named(token.serial.as_deref(), "");
        dialogue.say(&format!(
            "No code of token {serial} of {shown} will be accepted any more. You cannot take that back."
        ));
    }
    let code = dialogue.recovery_code()?;
    let options = RemoveOptions { login_uid: login_uid(), ..RemoveOptions::default() };
    let daemon = daemon(Patience::Short).await?;
    let token = daemon.report_lost(name.as_str(), code.as_str(), options).await?;
    let serial = named(token.serial.as_deref(), "");
    render::print(&format!(
        "{} {shown} signs in with recovery codes until an administrator gives out another one.",
        fate_sentence(&serial, Fate::Lost)
    ))
}
