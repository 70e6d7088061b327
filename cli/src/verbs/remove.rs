//! `deactivate`, `forget`: what takes a token away.

use fob_api::{Error, Fate, RemoveOptions, Serial, TokenState, UserName, proxy::FobProxy};

use super::{assign::twice_typed, holder, named};
use crate::{
    args::{Deactivate, Forget},
    ask::Dialogue,
    connect::{Patience, daemon},
    failure::{Failure, InputTrouble},
    journal::login_uid,
    render,
};

pub(super) async fn deactivate(args: Deactivate) -> Result<(), Failure> {
    let daemon = daemon(Patience::Short).await?;
    let fate = args.old.fate();
    let serial_again = if args.leave_root_without_mfa {
        let (user, tokens) = holder(&daemon, &whose(&daemon, &args).await?).await?;
        twice_typed(&mut Dialogue::open()?, &user, &tokens)?
    } else {
        None
    };
    let options = RemoveOptions {
        fate: Some(fate.word().to_owned()),
        leave_no_administrator: args.leave_no_administrator.then_some(true),
        leave_root_without_mfa: args.leave_root_without_mfa.then_some(true),
        serial_again,
        serial: args.token.as_ref().map(|serial| serial.as_str().to_owned()),
        login_uid: login_uid(),
    };
    let user = args.user.as_ref().map_or("", UserName::as_str);
    let report = daemon.deactivate(user, options).await?;
    let serial = named(report.serial.as_deref(), "");
    // What has become of it: a virtual token is retired, a lost one stays lost.
    let fate = match report.state.as_deref().and_then(TokenState::from_word) {
        Some(TokenState::Lost) => Fate::Lost,
        Some(TokenState::Retired) => Fate::Retire,
        _ => fate,
    };
    let done = fate_sentence(&serial, fate);
    match &args.user {
        Some(user) => render::print(&format!("{user} has no token now. {done}")),
        None => render::print(&done),
    }
}

/// Returns whose token is taken away.
async fn whose(daemon: &FobProxy<'_>, args: &Deactivate) -> Result<UserName, Failure> {
    if let Some(user) = &args.user {
        return Ok(user.clone());
    }
    let serial = args.token.as_ref().map_or("", Serial::as_str);
    let token = daemon.show_token(serial).await?;
    let user = token.user.as_deref().and_then(|user| UserName::parse(user).ok());
    let serial = args.token.clone().ok_or(Failure::Strange)?;
    Ok(user.ok_or(Error::NotHeld { serial })?)
}

pub(super) async fn forget(args: Forget) -> Result<(), Failure> {
    let serial = if args.yes { args.serial } else { confirm(&args.serial).await? };
    let daemon = daemon(Patience::Short).await?;
    let options = RemoveOptions { login_uid: login_uid(), ..RemoveOptions::default() };
    daemon.forget(serial.as_str(), options).await?;
    render::print(&format!("Token {serial} is forgotten: its seed is erased."))
}

/// Shows the token, asks for its serial once more, and returns it as it is stored.
async fn confirm(serial: &Serial) -> Result<Serial, Failure> {
    let mut dialogue = Dialogue::open()?;
    if !dialogue.is_in_terminal() {
        return Err(InputTrouble::NoConfirmation.into());
    }
    let token = daemon(Patience::Short).await?.show_token(serial.as_str()).await?;
    dialogue.say(&render::token_block(&token));
    let stored = token.serial.as_deref().and_then(|text| Serial::parse(text).ok());
    match dialogue.serial("Type the serial again to erase its seed for good: ")? {
        Some(again) if again.reads_as(serial) => Ok(stored.unwrap_or_else(|| serial.clone())),
        _ => Err(InputTrouble::SerialDiffers.into()),
    }
}

/// Returns a sentence on what became of a token that was taken away.
pub(super) fn fate_sentence(serial: &str, fate: Fate) -> String {
    match fate {
        Fate::Lost => format!("Token {serial} is lost: it never signs in again."),
        Fate::Retire => format!("Token {serial} is retired."),
        Fate::Stock => format!("Token {serial} is back in stock."),
    }
}
