//! `recovery`, `bypass`: codes that are shown once.

use fob_api::{AssignOptions, BypassOptions, UserName, proxy::FobProxy};
use nix::unistd::Uid;

use super::{
    assign::{introduce, slowest},
    holder, named, own_name,
};
use crate::{
    args::{Bypass, Recovery},
    ask::{Codes, Dialogue},
    connect::{Patience, daemon},
    failure::Failure,
    journal::login_uid,
    render,
};

pub(super) async fn recovery(args: Recovery) -> Result<(), Failure> {
    let name = args.user.map_or_else(own_name, Ok)?;
    let proof = if Uid::effective().is_root() {
        None
    } else {
        Some(own_codes(&daemon(Patience::Short).await?, &name).await?)
    };
    let codes = match &proof {
        Some(Codes { pair, .. }) => vec![pair.first.as_str(), pair.second.as_str()],
        None => Vec::new(),
    };
    let elapsed = proof.as_ref().map(|codes| codes.elapsed);
    let options = AssignOptions { elapsed, login_uid: login_uid(), ..AssignOptions::default() };
    let daemon = daemon(Patience::Short).await?;
    let fresh = daemon.new_recovery_codes(name.as_str(), &codes, options).await?;
    let shown = named(None, name.as_str());
    let columns = render::code_columns(&fresh);
    render::print(&format!("New recovery codes of {shown}; the older ones are void:\n\n"))?;
    render::print(&columns)?;
    render::print(
        "\nThey are shown only now: write them down and keep them apart from the token. Each is \
         good once, in place of a code.\n",
    )
}

/// Asks the caller for two codes of his token.
async fn own_codes(daemon: &FobProxy<'_>, name: &UserName) -> Result<Codes, Failure> {
    let (user, tokens) = holder(daemon, name).await?;
    let mut dialogue = Dialogue::open()?;
    let shown = named(user.user.as_deref(), name.as_str());
    for token in &tokens {
        introduce(&dialogue, token, &shown);
    }
    dialogue.codes(&slowest(&tokens))
}

pub(super) async fn bypass(args: Bypass) -> Result<(), Failure> {
    let options = BypassOptions {
        seconds: Some(args.seconds),
        reason: Some(args.reason),
        login_uid: login_uid(),
    };
    let daemon = daemon(Patience::Short).await?;
    let (code, expires) = daemon.bypass(args.user.as_str(), options).await?;
    let shown = named(None, args.user.as_str());
    let until = render::date(expires);
    render::print(&format!("Temporary code of {shown}, good once until {until}:\n\n"))?;
    render::print(&render::code_columns(&[code]))?;
    render::print("\nIt is shown only now, and goes in place of a code.\n")
}
