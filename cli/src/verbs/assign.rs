//! `assign`, `resync`, `rotate`: what a pair of codes proves.
//!
//! What can be refused is refused before the questions, so that nobody types codes in vain. The
//! daemon checks all of it again, with the same words.

use fob_api::{
    AssignOptions, Error, Fate, RootRule, Serial, TokenReport, TokenState, UserName, UserReport,
    proxy::FobProxy,
};

use super::{holder, named, own_name, remove::fate_sentence, virtual_token};
use crate::{
    args::{Assign, Resync, Rotate},
    ask::{Codes, Dialogue},
    connect::{Patience, daemon},
    failure::{Failure, InputTrouble},
    journal::login_uid,
    render,
};

pub(super) async fn assign(args: Assign) -> Result<(), Failure> {
    let Some(serial) = &args.serial else { return virtual_token::assign(&args).await };
    let ((token, serial), user) = {
        let daemon = daemon(Patience::Short).await?;
        let token = assignable(&daemon, serial).await?;
        (token, without_token(&daemon, &args.user).await?)
    };
    let mut dialogue = Dialogue::open()?;
    introduce(&dialogue, &token, &named(user.user.as_deref(), args.user.as_str()));
    let serial_again = typed_again(&mut dialogue, &user, &serial)?;
    let Codes { pair, elapsed } = dialogue.codes(&token)?;
    let accept_clock = args.far.accepted();
    let options = AssignOptions {
        accept_clock,
        elapsed: Some(elapsed),
        serial_again,
        fate: None,
        login_uid: login_uid(),
    };
    let codes = [pair.first.as_str(), pair.second.as_str()];
    let report = daemon(Patience::Short)
        .await?
        .assign(args.user.as_str(), serial.as_str(), &codes, options)
        .await?;
    let serial = named(report.serial.as_deref(), serial.as_str());
    let name = named(report.user.as_deref(), args.user.as_str());
    say_done(format!("Token {serial} is assigned to {name}."), &report)
}

pub(super) async fn rotate(args: Rotate) -> Result<(), Failure> {
    let ((token, serial), user, old) = {
        let daemon = daemon(Patience::Short).await?;
        let (user, old) = holder(&daemon, &args.user).await?;
        (assignable(&daemon, &args.serial).await?, user, old)
    };
    let mut dialogue = Dialogue::open()?;
    introduce(&dialogue, &token, &named(user.user.as_deref(), args.user.as_str()));
    let serial_again = typed_again(&mut dialogue, &user, &serial)?;
    let Codes { pair, elapsed } = dialogue.codes(&token)?;
    let fate = args.old.fate();
    let options = AssignOptions {
        accept_clock: args.far.accepted(),
        elapsed: Some(elapsed),
        fate: Some(fate.word().to_owned()),
        serial_again,
        login_uid: login_uid(),
    };
    let codes = [pair.first.as_str(), pair.second.as_str()];
    let report = daemon(Patience::Short)
        .await?
        .rotate(args.user.as_str(), serial.as_str(), &codes, options)
        .await?;
    let serial = named(report.serial.as_deref(), serial.as_str());
    let name = named(report.user.as_deref(), args.user.as_str());
    let mut sentences = vec![format!("Token {serial} is assigned to {name}.")];
    sentences.extend(render::clock_sentence(&report));
    sentences.extend(farewell(&old, fate));
    render::print(&sentences.join(" "))
}

pub(super) async fn resync(args: Resync) -> Result<(), Failure> {
    let name = args.user.map_or_else(own_name, Ok)?;
    let (user, tokens) = holder(&daemon(Patience::Short).await?, &name).await?;
    let mut dialogue = Dialogue::open()?;
    let shown = named(user.user.as_deref(), name.as_str());
    for token in &tokens {
        introduce(&dialogue, token, &shown);
    }
    let serial_again = twice_typed(&mut dialogue, &user, &tokens)?;
    let token = slowest(&tokens);
    let Codes { pair, elapsed } = dialogue.codes(&token)?;
    let accept_clock = args.far.accepted();
    let options = AssignOptions {
        accept_clock,
        elapsed: Some(elapsed),
        serial_again,
        fate: None,
        login_uid: login_uid(),
    };
    let codes = [pair.first.as_str(), pair.second.as_str()];
    let report = daemon(Patience::Short).await?.resync(name.as_str(), &codes, options).await?;
    let serial = named(report.serial.as_deref().or(token.serial.as_deref()), "");
    say_done(format!("Token {serial} of {shown} is in step again."), &report)
}

/// Returns a token in stock, and its serial as it is stored; an error if it is not there or somebody
/// has it.
async fn assignable(
    daemon: &FobProxy<'_>,
    serial: &Serial,
) -> Result<(TokenReport, Serial), Failure> {
    let token = daemon.show_token(serial.as_str()).await?;
    let serial =
        token.serial.as_deref().and_then(|text| Serial::parse(text).ok()).unwrap_or(serial.clone());
    let refuse =
        |state: TokenState| Error::NotAssignable { serial: serial.clone(), state: state.word() };
    match token.state.as_deref() {
        Some("assigned") => {
            let user = token.user.as_deref().and_then(|name| UserName::parse(name).ok());
            let user = user.ok_or(Failure::Strange)?;
            Err(Error::AlreadyAssigned { serial, user }.into())
        }
        Some("lost") => Err(refuse(TokenState::Lost).into()),
        Some("retired") => Err(refuse(TokenState::Retired).into()),
        // A state of a later version is the daemon's to judge.
        _ => Ok((token, serial)),
    }
}

/// Returns a user who can take a token. The limit is one token for each user in this version.
pub(super) async fn without_token(
    daemon: &FobProxy<'_>,
    user: &UserName,
) -> Result<UserReport, Failure> {
    let report = daemon.show_user(user.as_str()).await?;
    let first = report.tokens.iter().flatten().next();
    match first.and_then(|token| Serial::parse(token.serial.as_deref()?).ok()) {
        Some(serial) => Err(Error::LimitExceeded { user: user.clone(), serial }.into()),
        None => Ok(report),
    }
}

pub(super) fn introduce(dialogue: &Dialogue, token: &TokenReport, user: &str) {
    let serial = named(token.serial.as_deref(), "");
    dialogue.say(&format!("Token {serial} for {user}: {}.", render::codes(token)));
}

/// For root's token: asks for the serial on the command line once more. `None` for others.
pub(super) fn typed_again(
    dialogue: &mut Dialogue,
    user: &UserReport,
    serial: &Serial,
) -> Result<Option<String>, Failure> {
    if !needs_person(dialogue, user)? {
        return Ok(None);
    }
    match dialogue.serial("Type the serial again: ")? {
        Some(again) if again.reads_as(serial) => Ok(Some(again.as_str().to_owned())),
        _ => Err(InputTrouble::SerialDiffers.into()),
    }
}

/// For root's token where no serial is on the command line: asks for it twice.
pub(super) fn twice_typed(
    dialogue: &mut Dialogue,
    user: &UserReport,
    tokens: &[TokenReport],
) -> Result<Option<String>, Failure> {
    if !needs_person(dialogue, user)? {
        return Ok(None);
    }
    let typed = dialogue.serial("Type the token's serial: ")?.ok_or(InputTrouble::SerialDiffers)?;
    let is_typed = |token: &TokenReport| {
        token.serial.as_deref().is_some_and(|serial| typed.reads_as_bytes(serial.as_bytes()))
    };
    if !tokens.iter().any(is_typed) {
        return Err(InputTrouble::SerialDiffers.into());
    }
    typed_again(dialogue, user, &typed)
}

/// Tells whether root's stricter rules hold; an error if they do and nobody is there to type.
fn needs_person(dialogue: &Dialogue, user: &UserReport) -> Result<bool, Failure> {
    match user.uid {
        Some(0) if dialogue.is_in_terminal() => Ok(true),
        Some(0) => Err(Error::RootOnly { rule: RootRule::TypeTwice }.into()),
        _ => Ok(false),
    }
}

/// Returns what to ask for when a user has several tokens: no digits if they differ, and the
/// longest period.
pub(super) fn slowest(tokens: &[TokenReport]) -> TokenReport {
    let mut slowest = tokens.iter().max_by_key(|token| token.period).cloned().unwrap_or_default();
    if tokens.iter().any(|token| token.digits != slowest.digits) {
        slowest.digits = None;
    }
    slowest
}

/// Returns what became of the old token.
///
/// `None` if there are several: the report does not tell which one it was.
fn farewell(old: &[TokenReport], fate: Fate) -> Option<String> {
    let [token] = old else { return None };
    let fate = if token.is_on_a_phone() && fate == Fate::Stock { Fate::Retire } else { fate };
    Some(fate_sentence(&named(token.serial.as_deref(), ""), fate))
}

pub(super) fn say_done(sentence: String, report: &TokenReport) -> Result<(), Failure> {
    let mut sentences = vec![sentence];
    sentences.extend(render::clock_sentence(report));
    render::print(&sentences.join(" "))
}
