//! One function for each verb: ask what has to be asked, call the daemon, say what was done.

mod adopt;
mod assign;
mod backup;
mod doctor;
mod emergency;
mod enable;
mod explain;
mod forecast;
mod identify;
mod import;
mod log;
mod read;
mod recovery;
mod rekey;
mod remove;
mod report;
mod report_lost;
mod tickets;
mod unlock;
mod virtual_token;

use fob_api::{Error, TokenReport, UserName, UserReport, proxy::FobProxy};
use nix::unistd::{Uid, User};
use tokio::runtime::Builder;

use crate::{args::Verb, failure::Failure, render};

/// Does what the verb says.
///
/// # Errors
///
/// [`Failure`], when it was not done.
pub(crate) fn run(verb: Verb) -> Result<(), Failure> {
    let word = verb.word();
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|_| Failure::Silence)?;
    // Questions block this one thread. Nothing else waits for it: no connection is open then.
    runtime.block_on(dispatch(verb)).map_err(|failure| failure.of_verb(word))
}

async fn dispatch(verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::Doctor(args) => doctor::doctor(args).await,
        Verb::Asking(verb) => enable::asking(verb).await,
        Verb::Explain(args) => explain::explain(args).await,
        Verb::Forecast(args) => forecast::forecast(args).await,
        Verb::Identify(args) => identify::identify(args).await,
        Verb::Import(args) => import::import(args).await,
        Verb::List(args) => read::list(args).await,
        Verb::Log(args) => log::log(args).await,
        Verb::Show(args) => read::show(args).await,
        Verb::Assign(args) => assign::assign(args).await,
        Verb::Rekey => rekey::rekey().await,
        Verb::Resync(args) => assign::resync(args).await,
        Verb::Rotate(args) => assign::rotate(args).await,
        Verb::Recovery(args) => recovery::recovery(args).await,
        Verb::Bypass(args) => recovery::bypass(args).await,
        Verb::Deactivate(args) => remove::deactivate(args).await,
        Verb::Emergency(args) => emergency::emergency(&args),
        Verb::Forget(args) => remove::forget(args).await,
        Verb::Status(args) => read::status(args).await,
        Verb::Backup(args) => backup::backup(args).await,
        Verb::Report(args) => report::report(args).await,
        Verb::ReportLost(args) => report_lost::report_lost(args).await,
        Verb::Restore(args) => backup::restore(args).await,
        Verb::Tickets(args) => tickets::tickets(args).await,
        Verb::Unlock(args) => unlock::unlock(args).await,
    }
}

/// Returns the caller's own name.
fn own_name() -> Result<UserName, Failure> {
    let uid = Uid::effective();
    let nameless = || Failure::NameOfSelf { uid: uid.as_raw() };
    let user = User::from_uid(uid).ok().flatten().ok_or_else(nameless)?;
    UserName::parse(&user.name).map_err(|_| nameless())
}

/// Returns a user and his tokens; an error if he has none.
async fn holder(
    daemon: &FobProxy<'_>,
    user: &UserName,
) -> Result<(UserReport, Vec<TokenReport>), Failure> {
    let mut report = daemon.show_user(user.as_str()).await?;
    let tokens = report.tokens.take().unwrap_or_default();
    if tokens.is_empty() {
        return Err(Error::NotAssigned { user: user.clone() }.into());
    }
    Ok((report, tokens))
}

/// Returns a name from a report, fit for printing, or what was typed if the report lacks it.
fn named(report: Option<&str>, typed: &str) -> String {
    render::printable(report.unwrap_or(typed))
}
