//! `assign --virtual`: a token for an app on a phone.
//!
//! Its seed comes from the daemon in memory that no message has, is shown as a picture, and is
//! nowhere then. A token that nobody has scanned in the end is forgotten.

use std::{
    fs::File,
    io::{self, Read, Seek},
    os::fd::AsFd,
    slice,
};

use fob_api::{AssignOptions, RemoveOptions, TokenReport, UserReport};
use nix::sys::memfd::{MFdFlags, memfd_create};
use zeroize::Zeroizing;

use super::{
    assign::{introduce, say_done, twice_typed, without_token},
    named,
};
use crate::{
    args::Assign,
    ask::{Codes, Dialogue},
    connect::{Patience, daemon},
    failure::{Failure, FileTrouble, InputTrouble},
    journal::login_uid,
    render,
};

/// Most bytes of a key URI: a name of the host, a user's and a seed, each character as three.
const LONGEST: usize = 4096;
/// How often two codes are asked for: as often as fobctl asks for a code that was mistyped.
const TRIES: usize = 5;

pub(super) async fn assign(args: &Assign) -> Result<(), Failure> {
    let user = without_token(&daemon(Patience::Short).await?, &args.user).await?;
    let mut dialogue = Dialogue::open()?;
    if !dialogue.is_in_terminal() {
        return Err(InputTrouble::NoPicture.into());
    }
    let (token, uri) = make(args).await?;
    let serial = named(token.serial.as_deref(), "");
    let bound = show_and_bind(&mut dialogue, args, &user, &token, &uri).await;
    match bound {
        Ok(report) => {
            dialogue.say("Clear this terminal now: whoever sees the picture can copy the token.");
            let name = named(report.user.as_deref(), args.user.as_str());
            say_done(format!("Token {serial} is assigned to {name}."), &report)
        }
        Err(failure) => {
            forget(&token).await;
            Err(failure)
        }
    }
}

/// Has the daemon make a token, and returns it with its key URI.
async fn make(args: &Assign) -> Result<(TokenReport, Zeroizing<String>), Failure> {
    let mut memory = memory().map_err(out_of_memory)?;
    let options = AssignOptions { login_uid: login_uid(), ..AssignOptions::default() };
    let daemon = daemon(Patience::Short).await?;
    let token =
        daemon.new_virtual_token(args.user.as_str(), memory.as_fd().into(), options).await?;
    // One allocation, so that no copy is left behind.
    let mut uri = Zeroizing::new(String::with_capacity(LONGEST));
    let read = memory.rewind().and_then(|()| memory.take(LONGEST as u64).read_to_string(&mut uri));
    read.map(|_| (token, uri)).map_err(out_of_memory)
}

/// Shows the picture, and binds the token by two of its codes.
async fn show_and_bind(
    dialogue: &mut Dialogue,
    args: &Assign,
    user: &UserReport,
    token: &TokenReport,
    uri: &str,
) -> Result<TokenReport, Failure> {
    let picture = render::picture(uri).ok_or(Failure::Strange)?;
    let key = render::key_to_type(uri).ok_or(Failure::Strange)?;
    let name = named(user.user.as_deref(), args.user.as_str());
    dialogue.say(&picture);
    dialogue
        .say(&format!("Scan this with the authenticator app of {name}, or type this key into it:"));
    dialogue.say(&key);
    introduce(dialogue, token, &name);
    let serial_again = twice_typed(dialogue, user, slice::from_ref(token))?;
    for _ in 1..TRIES {
        let bound = bind(dialogue, args, token, serial_again.clone()).await;
        match bound {
            Err(failure) if failure.is_about_codes() => dialogue.say(&failure.sentence()),
            other => return other,
        }
    }
    bind(dialogue, args, token, serial_again).await
}

async fn bind(
    dialogue: &mut Dialogue,
    args: &Assign,
    token: &TokenReport,
    serial_again: Option<String>,
) -> Result<TokenReport, Failure> {
    let Codes { pair, elapsed } = dialogue.codes(token)?;
    let options = AssignOptions {
        elapsed: Some(elapsed),
        serial_again,
        login_uid: login_uid(),
        ..AssignOptions::default()
    };
    let codes = [pair.first.as_str(), pair.second.as_str()];
    let serial = token.serial.as_deref().unwrap_or_default();
    let daemon = daemon(Patience::Short).await?;
    Ok(daemon.assign(args.user.as_str(), serial, &codes, options).await?)
}

/// Forgets a token that came to nothing. Where that fails too, or fobctl is interrupted, it stays in
/// stock, and the README says so: two codes are still asked for before anybody has it.
async fn forget(token: &TokenReport) {
    let serial = token.serial.as_deref().unwrap_or_default();
    let options = RemoveOptions { login_uid: login_uid(), ..RemoveOptions::default() };
    if let Ok(daemon) = daemon(Patience::Short).await {
        let _ = daemon.forget(serial, options).await;
    }
}

fn memory() -> io::Result<File> {
    Ok(File::from(memfd_create("fobctl-token", MFdFlags::MFD_CLOEXEC)?))
}

fn out_of_memory(error: io::Error) -> Failure {
    Failure::File { name: "memory for the token".to_owned(), trouble: FileTrouble::Io(error) }
}
