//! `enable` and `disable`: shows the change, writes it, and takes it back if it would lock somebody
//! out or let somebody in.

mod administrators;
mod apply;
mod confirm;
mod proof;
mod systemd;

use std::{
    io::{self, IsTerminal, Write},
    path::Path,
};

use fob_api::Error;
use nix::{
    time::{ClockId, clock_gettime},
    unistd::{Group, Uid},
};

use crate::{
    args::{Asking, Disable, Enable, How, Who},
    connect::{Patience, daemon},
    doctor::Ground,
    enable::{self, Only, Plan, RULES, SSHD, Session, Store, Tree, disabling, enabling, rows},
    failure::{EnableTrouble, Failure, RuleTrouble},
    journal, render,
};
use apply::Run;

/// The host, as all of these verbs see it.
struct Host {
    ground: Ground,
    tree: Tree,
    store: Store,
}

impl Host {
    fn new() -> Self {
        Self::below(Path::new("/"), 0)
    }

    /// Takes a host in a folder, whose root has this uid.
    fn below(root: &Path, root_uid: u32) -> Self {
        Self {
            ground: Ground::below(root, root_uid),
            tree: Tree::below(root),
            store: Store::below(root, root_uid),
        }
    }
}

pub(super) async fn asking(verb: Asking) -> Result<(), Failure> {
    match verb {
        Asking::Enable(args) => enable(args).await,
        Asking::Confirm => confirm::confirm().await,
        Asking::Disable(args) => disable(&args),
        Asking::Revert => confirm::revert(),
    }
}

async fn enable(args: Enable) -> Result<(), Failure> {
    let host = Host::new();
    if args.services.is_empty() {
        return list(&host, &args);
    }
    if !args.how.dry_run {
        only_root("enable")?;
    }
    let who = who(&args.who)?;
    let now = now()?;
    if let Some(day) = args.who.from.filter(|day| day.has_begun(now)) {
        return Err(RuleTrouble::NoDayToCome { day }.into());
    }
    let with = args.with.map(Into::into);
    let plan = enabling(&host.ground, &host.tree, &args.services, (with, &who))?;
    show(&plan)?;
    if args.how.dry_run {
        return Ok(());
    }
    if plan.changes.is_empty() {
        // The line is there: whether it asks, the stack around it decides.
        return proof::of_services(&host, &plan).await.map_err(|trouble| match trouble {
            EnableTrouble::Found(finding) => EnableTrouble::FoundBefore(finding).into(),
            other => other.into(),
        });
    }
    let status = daemon(Patience::Short).await?.status().await?;
    // No code is accepted then, by which a change could be confirmed.
    if status.mode.as_deref() == Some("observe") && !args.without_revert {
        return Err(EnableTrouble::Observes.into());
    }
    administrators::remain(args.i_will_be_locked_out.as_deref()).await?;
    if !systemd::is_running() {
        if plan.touches(RULES) {
            return Err(RuleTrouble::NoRestart.into());
        }
        if !args.without_revert {
            return Err(EnableTrouble::NoSystemd.into());
        }
    }
    consent(&args.how)?;
    let names = plan.told();
    let run = Run { host: &host, plan: &plan };
    if args.without_revert {
        run.for_good(now, Session::own()).await?;
        journal::write(&format!("{names} ask for codes now"));
        return render::print(&format!("These ask for the code now: {names}."));
    }
    run.until_confirmed(now, Session::own()).await?;
    journal::write(&format!("{names} ask for codes now, until the change is confirmed"));
    render::print(&next_steps(&names, &plan))
}

/// Returns who shall be asked.
fn who(args: &Who) -> Result<enable::Who, RuleTrouble> {
    let Who { group, from, everybody } = args;
    if *everybody {
        return Ok(enable::Who::Everybody);
    }
    if group.is_none() && from.is_none() {
        return Ok(enable::Who::AsBefore);
    }
    if let Some(group) = group {
        let is_there = || matches!(Group::from_name(group), Ok(Some(_)));
        if !enable::is_plain(group) || !is_there() {
            return Err(RuleTrouble::NoGroup { group: group.clone() });
        }
    }
    Ok(enable::Who::Some(Only { group: group.clone(), from: *from }))
}

fn next_steps(names: &str, plan: &Plan) -> String {
    let first = match plan.sshd() {
        Some(_) => SSHD,
        None => plan.named.first().map_or("them", String::as_str),
    };
    format!(
        "These ask for the code now: {names}.\n\
         Keep this session open. Sign in anew, with a code at {first}, and run \"fobctl confirm\" there \
         as root.\nElse everything is taken back in 10 minutes, or when the host restarts.\n"
    )
}

fn disable(args: &Disable) -> Result<(), Failure> {
    let host = Host::new();
    if !args.how.dry_run {
        only_root("disable")?;
    }
    let plan = disabling(&host.tree, &args.services)?;
    show(&plan)?;
    let run = Run { host: &host, plan: &plan };
    if args.how.dry_run || (plan.changes.is_empty() && !run.is_waited_for()?) {
        return Ok(());
    }
    if plan.changes.is_empty() {
        run.take_out(now()?, Session::own())?;
        return render::print("Nothing of that waits for a confirmation any more.");
    }
    consent(&args.how)?;
    run.take_out(now()?, Session::own())?;
    let names = plan.told();
    journal::write(&format!("{names} ask for no code any more"));
    render::print(&format!("These ask for no code by fobctl's lines any more: {names}."))
}

fn list(host: &Host, args: &Enable) -> Result<(), Failure> {
    let pending = match host.store.look() {
        // Others than root cannot look into that folder, and see the rest.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => None,
        looked => looked.map_err(EnableTrouble::NotRead)?,
    };
    let rows = rows(&host.ground, pending.as_ref(), now()?);
    render::print(&if args.json { render::services_json(&rows) } else { render::services(&rows) })
}

/// Prints what would be changed, and what stays.
fn show(plan: &Plan) -> Result<(), Failure> {
    let mut text: String = plan.notes.iter().map(|note| format!("{note}\n")).collect();
    for change in &plan.changes {
        text.push_str(&change.diff());
    }
    if plan.changes.is_empty() {
        text.push_str("Nothing is changed.\n");
    }
    render::print(&render::printable_lines(&text))
}

/// Asks the person whether it shall be done.
fn consent(how: &How) -> Result<(), Failure> {
    if how.yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(EnableTrouble::NoConfirmation.into());
    }
    let mut err = io::stderr();
    let _ = err.write_all(b"Write this? [y/N] ").and_then(|()| err.flush());
    let mut line = String::new();
    let read = io::stdin().read_line(&mut line);
    match line.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" if read.is_ok() => Ok(()),
        _ => Err(EnableTrouble::Declined.into()),
    }
}

fn only_root(verb: &'static str) -> Result<(), Failure> {
    match Uid::effective().is_root() {
        true => Ok(()),
        false => Err(Error::NotAuthorized { verb }.into()),
    }
}

fn now() -> Result<u64, Failure> {
    let clock = clock_gettime(ClockId::CLOCK_REALTIME).map_err(|_| Failure::Strange)?;
    Ok(u64::try_from(clock.tv_sec()).unwrap_or_default())
}
