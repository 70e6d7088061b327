//! `confirm` and `revert`: a change stays, or goes.

use std::io::ErrorKind;

use fob_api::{LogEntry, LogOptions, proxy::FobProxy};
use nix::unistd::{Uid, User};

use super::{Host, only_root, proof, systemd};
use crate::{
    connect::{Patience, daemon},
    doctor,
    enable::{DROP_IN, Locked, Outcome, Pending, RULES, SSHD, Session, revert as take_back},
    failure::{ConfirmTrouble, EnableTrouble, Failure, RuleTrouble, remark},
    journal, render,
};

/// Events in one page: the most that the daemon sends.
const PAGE: u32 = 500;

pub(super) async fn confirm() -> Result<(), Failure> {
    only_root("confirm")?;
    let host = Host::new();
    let locked = host.store.lock().map_err(EnableTrouble::NotRead)?;
    let pending = locked.load().map_err(EnableTrouble::NotRead)?;
    let pending = pending.ok_or(ConfirmTrouble::Nothing)?;
    let seq = pending.seq.ok_or(ConfirmTrouble::Unfinished)?;
    let own = Session::own();
    if pending.sessions.iter().any(|session| session.is_same(&own)) {
        return Err(ConfirmTrouble::SameSession.into());
    }
    if own.was_open(pending.newest) {
        return Err(ConfirmTrouble::OldSession.into());
    }
    let user = journal::login_uid().map(Uid::from_raw);
    let user = user.and_then(|uid| User::from_uid(uid).ok().flatten());
    let name = user.ok_or(ConfirmTrouble::NoLogin)?.name;
    let daemon = daemon(Patience::Short).await?;
    // Who becomes root by su is asked for root's code.
    let is_shown = was_asked(&daemon, &pending, seq, &name).await?
        || was_asked(&daemon, &pending, seq, "root").await?;
    if !is_shown {
        let services = doors(&pending).to_vec();
        return Err(ConfirmTrouble::NotAsked { user: name, services }.into());
    }
    let disk = |error| EnableTrouble::Disk { path: "/var/lib/fob-enable".to_owned(), error };
    locked.save(None).map_err(disk)?;
    if systemd::is_running() {
        let _ = systemd::disarm(); // it would find nothing to take back
    }
    let names = pending.services.join(", ");
    journal::write(&format!("the change of {names} is confirmed"));
    render::print(&format!("Confirmed: these ask for the code from now on: {names}."))
}

/// Tells whether a code of a user was accepted at one of the services since the change.
async fn was_asked(
    daemon: &FobProxy<'_>,
    pending: &Pending,
    seq: u64,
    user: &str,
) -> Result<bool, Failure> {
    let mut reached = seq;
    loop {
        let options = LogOptions {
            after: Some(reached),
            limit: Some(PAGE),
            user: Some(user.to_owned()),
            event: Some("accept".to_owned()),
            ..LogOptions::default()
        };
        let (entries, last) = daemon.log(options).await?;
        if entries.iter().any(|entry| counts(entry, pending, seq, user)) {
            return Ok(true);
        }
        if last <= reached {
            return Ok(false);
        }
        reached = last;
    }
}

/// Tells whether an event is a code of a user at the changed door. A user can ask fobd for a verdict
/// himself, and may say any service then: only what root's program asked counts.
fn counts(entry: &LogEntry, pending: &Pending, seq: u64, user: &str) -> bool {
    let says = |name: &str, value: &str| entry.fields.get(name).is_some_and(|said| said == value);
    entry.event == "verify"
        && entry.seq > seq
        && says("verdict", "accept")
        && says("user", user)
        && says("caller", "0")
        && doors(pending).iter().any(|service| says("service", service))
}

/// Returns the services at which a code shows that people still get in: with sshd among them, sshd
/// alone, as the others are asked for behind it.
fn doors(pending: &Pending) -> &[String] {
    let sshd = pending.services.iter().position(|service| service == SSHD);
    let sshd = sshd.and_then(|at| pending.services.get(at..=at));
    sshd.unwrap_or(&pending.services)
}

pub(super) fn revert() -> Result<(), Failure> {
    only_root("revert")?;
    let host = Host::new();
    let locked = host.store.lock().map_err(EnableTrouble::NotRead)?;
    match load(&locked)? {
        None => render::print("There is nothing to take back."),
        Some((pending, form)) => revert_it(&host, &locked, pending, form),
    }
}

/// Whether what waits was understood.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    /// A part of it, which can be taken back.
    InPart,
    Whole,
}

/// Reads what waits. Of another form, the files that can be read are worth taking back: else a host
/// would keep a change that nobody has confirmed.
fn load(locked: &Locked) -> Result<Option<(Pending, Form)>, EnableTrouble> {
    match locked.load() {
        Ok(pending) => Ok(pending.map(|pending| (pending, Form::Whole))),
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            let salvaged = locked.salvage().map_err(EnableTrouble::NotRead)?;
            let salvaged = salvaged.ok_or(EnableTrouble::NotRead(error))?;
            Ok(Some((salvaged, Form::InPart)))
        }
        Err(error) => Err(EnableTrouble::NotRead(error)),
    }
}

fn revert_it(host: &Host, locked: &Locked, pending: Pending, form: Form) -> Result<(), Failure> {
    let outcomes = take_back(&host.tree, &pending);
    let (left, mut failed) = tell(&outcomes)?;
    let names = pending.services.join(", ");
    reload_and_forget(host, &pending, &mut failed);
    let disk = |error| EnableTrouble::Disk { path: "/var/lib/fob-enable".to_owned(), error };
    if form == Form::InPart {
        locked.put_aside().map_err(disk)?;
    }
    if !failed.is_empty() {
        let mut pending = pending;
        pending.files.retain(|saved| failed.contains(&saved.path));
        pending.seq = None; // half of a change is nothing to confirm
        locked.save(Some(&pending)).map_err(disk)?;
        journal::write(&format!("the change of {names} could not be taken back yet"));
        return Err(ConfirmTrouble::Failed { files: failed }.into());
    }
    locked.save(None).map_err(disk)?;
    if systemd::is_running() {
        let _ = systemd::disarm(); // it would find nothing to take back
    }
    journal::write(&format!("the change of {names} was not confirmed, and was taken back"));
    match (form, left.is_empty()) {
        (Form::InPart, _) => Err(ConfirmTrouble::InPart.into()),
        (Form::Whole, true) => Ok(()),
        (Form::Whole, false) => Err(ConfirmTrouble::Left { files: left }.into()),
    }
}

/// Lets sshd and fobd go by their files as they are again.
fn reload_and_forget(host: &Host, pending: &Pending, failed: &mut Vec<String>) {
    let touches_sshd = pending.files.iter().any(|saved| saved.path == DROP_IN);
    let has_sshd = || host.ground.has(doctor::sshd::FILE) && systemd::has_active_sshd();
    if touches_sshd && systemd::is_running() && has_sshd() {
        let asked = proof::starts();
        let asked = asked.map_err(|trouble| not_started(failed, &trouble));
        if let Err(why) = asked.and_then(|()| systemd::reload_sshd_later()) {
            remark(&render::printable(&why));
        }
    }
    forget_rules(pending, failed);
}

/// Lets a fobd that runs forget the rules of the change. One that would not start now goes by them until
/// it would, and is not started anew before: nobody would pass the code prompt.
fn forget_rules(pending: &Pending, failed: &mut Vec<String>) {
    let touches_rules = pending.files.iter().any(|saved| saved.path == RULES);
    if !touches_rules || !systemd::is_running() || !systemd::has_active_fobd() {
        return;
    }
    let asked = proof::of_rules(None).map_err(|trouble| {
        if !failed.iter().any(|path| path == RULES) {
            failed.push(RULES.to_owned());
        }
        match trouble {
            RuleTrouble::Refused { why, .. } => why,
            other => other.to_string(),
        }
    });
    if let Err(why) = asked.and_then(|()| systemd::restart_fobd_later()) {
        let told = format!("fobd goes by the rules of the change still: {why}");
        remark(&render::printable(&told));
    }
}

/// Has sshd's settings tried again: an sshd that would not start with what there is now goes by those
/// of the change until it can be told. Returns that as a sentence.
fn not_started(failed: &mut Vec<String>, trouble: &EnableTrouble) -> String {
    if !failed.iter().any(|path| path == DROP_IN) {
        failed.push(DROP_IN.to_owned());
    }
    let why = match trouble {
        EnableTrouble::Sshd(why) => why.clone(),
        other => other.to_string(),
    };
    format!("sshd goes by the settings of the change still, as it would not start: {why}.")
}

/// Says what became of each file; returns those that are for a person, and those for another try.
fn tell(outcomes: &[(String, Outcome)]) -> Result<(Vec<String>, Vec<String>), Failure> {
    let (mut left, mut failed) = (Vec::new(), Vec::new());
    for (path, outcome) in outcomes {
        let (path, said) = match outcome {
            Outcome::Restored => (path, "is as it was.".to_owned()),
            Outcome::TakenOut => {
                (path, "was edited since: only the code was taken out.".to_owned())
            }
            Outcome::Failed(why) => {
                failed.push(path.clone());
                (path, format!("was not taken back yet: {why}"))
            }
            Outcome::Left(why) => {
                left.push(path.clone());
                (path, format!("was not taken back: {why}"))
            }
        };
        render::print(&render::printable(&format!("{path} {said}")))?;
    }
    Ok((left, failed))
}

#[cfg(test)]
mod tests {
    use super::{DROP_IN, EnableTrouble, LogEntry, Pending, counts, not_started};

    fn accept(service: &str, caller: &str) -> LogEntry {
        let fields =
            [("verdict", "accept"), ("user", "alice"), ("service", service), ("caller", caller)];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        LogEntry { seq: 8, time: 0, event: "verify".to_owned(), fields: fields.into() }
    }

    fn pending(services: &[&str]) -> Pending {
        let services = services.iter().map(|name| (*name).to_owned()).collect();
        let (files, sessions) = (Vec::new(), Vec::new());
        Pending { time: 0, services, files, sessions, newest: None, seq: Some(7) }
    }

    #[test]
    fn a_code_counts_that_roots_program_asked_for_at_the_changed_door_since() {
        let sudo = pending(&["sudo", "sudo-i"]);
        assert!(counts(&accept("sudo-i", "0"), &sudo, 7, "alice"));
        assert!(!counts(&accept("sudo", "0"), &sudo, 8, "alice"));
        assert!(!counts(&accept("sudo", "0"), &sudo, 7, "bob"));
        assert!(!counts(&accept("su", "0"), &sudo, 7, "alice"));
        for caller in ["1000", ""] {
            assert!(!counts(&accept("sudo", caller), &sudo, 7, "alice"), "{caller:?}");
        }
    }

    #[test]
    fn where_sshd_is_changed_a_code_at_sshd_counts_alone() {
        let both = pending(&["sudo", "sshd"]);
        assert!(counts(&accept("sshd", "0"), &both, 7, "alice"));
        assert!(!counts(&accept("sudo", "0"), &both, 7, "alice"));
    }

    #[test]
    fn settings_that_sshd_would_not_start_with_are_tried_again() {
        let trouble = EnableTrouble::Sshd("line 3: no".to_owned());
        let mut failed = Vec::new();
        let said = not_started(&mut failed, &trouble);
        assert!(said.ends_with("would not start: line 3: no."), "{said}");
        not_started(&mut failed, &trouble);
        assert_eq!(failed, [DROP_IN]);
    }
}
