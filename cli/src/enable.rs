//! What `fobctl enable` and `fobctl disable` change: which files, from which text to which.
//!
//! The texts are made by pure functions ([`lines`], [`drop_in`], [`rules`]); [`Tree`] writes them, and
//! [`Store`] keeps what was there before, until somebody has confirmed the change.

mod diff;
mod drop_in;
mod jump;
mod lines;
mod pending;
mod revert;
mod rules;
mod session;
mod table;
mod tree;

use std::collections::BTreeSet;

pub(crate) use drop_in::{FILE as DROP_IN, settings};
pub(crate) use lines::{Flaw, With};
pub(crate) use pending::{Locked, Pending, Saved, Store};
pub(crate) use revert::{Outcome, revert};
pub(crate) use rules::{FILE as RULES, FirstDay, Only, Who, is_plain};
pub(crate) use session::Session;
pub(crate) use table::{Row, rows};
pub(crate) use tree::{Tree, Unreadable};

use crate::{
    doctor::{Ground, Place, is_fob, pam, sshd},
    failure::{EnableTrouble, RuleTrouble},
};

/// Where an administrator's files of PAM are.
const FOLDER: &str = "/etc/pam.d";
/// sshd's service, the only one in which a key can come first.
pub(crate) const SSHD: &str = "sshd";
/// Services that the same program asks for in other cases: without them, it would not ask there.
const TWINS: [(&str, &str); 2] = [("sudo", "sudo-i"), ("su", "su-l")];

/// A file that is changed. `None` if it is not there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Change {
    pub(crate) path: String,
    pub(crate) before: Option<Vec<u8>>,
    pub(crate) after: Option<Vec<u8>>,
}

impl Change {
    /// Returns the unified difference.
    pub(crate) fn diff(&self) -> String {
        let text = |bytes: &Option<Vec<u8>>| {
            bytes.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        };
        diff::unified(&self.path, text(&self.before).as_deref(), text(&self.after).as_deref())
    }
}

/// What would be done.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) changes: Vec<Change>,
    /// The services, with those that belong to them, and how each asks then.
    pub(crate) services: Vec<(String, With)>,
    /// All that were named, or belong to one that was.
    pub(crate) named: Vec<String>,
    /// What stays as it is, and why, as sentences.
    pub(crate) notes: Vec<String>,
    /// Whether fobd exempts somebody today by a rule that is put in.
    pub(crate) exempts: bool,
}

impl Plan {
    fn add(&mut self, path: &str, before: Option<Vec<u8>>, after: Option<Vec<u8>>) {
        if before != after {
            self.changes.push(Change { path: path.to_owned(), before, after });
        }
    }

    /// Tells whether it changes this file.
    pub(crate) fn touches(&self, path: &str) -> bool {
        self.changes.iter().any(|change| change.path == path)
    }

    /// Tells whether sshd is concerned.
    pub(crate) fn sshd(&self) -> Option<With> {
        self.services.iter().find(|(name, _)| name == SSHD).map(|(_, with)| *with)
    }

    /// Returns the services as they are told to people: those that change, or all that were named, if
    /// nothing but their rules does.
    pub(crate) fn told(&self) -> String {
        let names: Vec<&str> = match self.services.as_slice() {
            [] => self.named.iter().map(String::as_str).collect(),
            services => services.iter().map(|(name, _)| name.as_str()).collect(),
        };
        names.join(", ")
    }
}

/// Returns bytes as text in which each byte is a character, so that none is lost: what is looked for
/// in them is ASCII, and comments may be of any encoding.
pub(crate) fn text_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// Returns the bytes of such a text.
pub(crate) fn bytes_of(text: &str) -> Vec<u8> {
    text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap_or(b'?')).collect()
}

/// Finds out what has to be changed so that these services ask for the code. Without a way, a
/// service keeps the one that it has, and is asked behind the password if it has none.
///
/// # Errors
///
/// [`EnableTrouble`], if a file is not one that can be changed.
pub(crate) fn enabling(
    ground: &Ground,
    tree: &Tree,
    services: &[String],
    (with, who): (Option<With>, &Who),
) -> Result<Plan, EnableTrouble> {
    if with == Some(With::PublicKey) && !services.iter().any(|service| service == SSHD) {
        return Err(EnableTrouble::NoKey);
    }
    if with == Some(With::OneField) && services.iter().any(|service| service == SSHD) {
        return Err(EnableTrouble::TwoFields);
    }
    let mut plan = Plan::default();
    let services = with_twins(tree, &pam::FOLDERS, services)?;
    // The rules first: who is exempt is not asked for a moment either.
    limit(tree, &services, who, &mut plan)?;
    for service in services {
        let way = with.filter(|with| *with != With::PublicKey || service == SSHD);
        enable_one(ground, tree, &service, way, &mut plan)?;
    }
    Ok(plan)
}

/// Has fobd ask these people at the services.
fn limit(
    tree: &Tree,
    services: &[String],
    who: &Who,
    plan: &mut Plan,
) -> Result<(), EnableTrouble> {
    let before = read(tree, RULES)?;
    let mut text = before.as_deref().map(text_of).unwrap_or_default();
    for service in services {
        let edited = |_| RuleTrouble::Edited { service: service.clone() };
        text = match who {
            Who::AsBefore => {
                if rules::found(&text, service) != Ok(None) {
                    plan.notes.push(format!(
                        "{RULES} says who is asked at {service}, and stays; --everybody takes that out."
                    ));
                }
                continue;
            }
            Who::Everybody => rules::take_out(&text, service).map_err(edited)?,
            Who::Some(_) if !rules::is_plain(service) => {
                return Err(EnableTrouble::NoService { service: service.clone() });
            }
            Who::Some(only) => rules::put_in(&text, service, only).map_err(edited)?,
        };
    }
    let after = Some(bytes_of(&text)).filter(|after| before.is_some() || !after.is_empty());
    if *who != Who::AsBefore && before == after {
        plan.notes.push(format!("{RULES} says so already."));
    }
    plan.exempts = matches!(who, Who::Some(_));
    plan.add(RULES, before, after);
    Ok(())
}

fn enable_one(
    ground: &Ground,
    tree: &Tree,
    service: &str,
    with: Option<With>,
    plan: &mut Plan,
) -> Result<(), EnableTrouble> {
    let (path, before, text) = service_file(tree, service)?;
    plan.named.push(service.to_owned());
    let present = lines::found(&text).map(|found| found.with);
    let with = with.or(present).unwrap_or(With::Password);
    // In the password's place the line hides what the file takes in.
    if present.is_none()
        && with == With::Password
        && lines::hand_made(&text).is_none()
        && let Some(asked) = asked_elsewhere(ground, service, (&path, &text), plan)
    {
        plan.notes.push(match asked {
            Asked::Required(place) => format!("{service} asks for the code already, by {place}."),
            Asked::InVain(place) => {
                format!("{service} has pam_fob.so already, by {place}, which need not refuse.")
            }
        });
        if service == SSHD && ground.has(sshd::FILE) {
            enable_sshd(tree, with, plan)?;
            plan.services.push((service.to_owned(), with));
        }
        return Ok(());
    }
    let changed = lines::put_in(&text, with);
    let changed = changed.map_err(|flaw| EnableTrouble::Flaw { file: path.clone(), flaw })?;
    // sshd's settings first: a key and the password are asked for, until the file of PAM follows.
    if service == SSHD && ground.has(sshd::FILE) {
        enable_sshd(tree, with, plan)?;
    }
    if present == Some(with) {
        plan.notes.push(format!("{path} has the code's line already."));
    } else {
        plan.add(&path, before, Some(bytes_of(&changed)));
    }
    plan.services.push((service.to_owned(), with));
    Ok(())
}

fn enable_sshd(tree: &Tree, with: With, plan: &mut Plan) -> Result<(), EnableTrouble> {
    let before = read(tree, DROP_IN)?;
    let text = before.as_deref().map(text_of);
    if text.as_deref().is_some_and(|text| !drop_in::is_ours(text)) {
        plan.notes.push(format!("{DROP_IN} is not of fobctl, and stays as it is."));
        return Ok(());
    }
    let after = bytes_of(&drop_in::put_in(text.as_deref(), with));
    if before.as_ref() == Some(&after) {
        plan.notes.push(format!("{DROP_IN} says so already."));
    }
    plan.add(DROP_IN, before, Some(after));
    Ok(())
}

/// A line of another file than the service's own.
enum Asked {
    /// A wrong code may be let by.
    InVain(Place),
    Required(Place),
}

/// Returns where a service asks for the code, if it does by another file than its own, or by one that
/// will be changed.
fn asked_elsewhere(
    ground: &Ground,
    service: &str,
    (path, text): (&str, &str),
    plan: &Plan,
) -> Option<Asked> {
    let stack = pam::stack(ground, service)?;
    let asks = |what: &pam::What| matches!(what, pam::What::Module(module) if is_fob(module));
    let mut entries = stack.entries.into_iter().filter(|entry| asks(&entry.what));
    let asked = entries.find(|entry| entry.place.file != path);
    let asked = asked.map(|entry| match entry.control.refuses() {
        true => Asked::Required(entry.place),
        false => Asked::InVain(entry.place),
    });
    asked.or_else(|| {
        let planned = |file: &String| plan.changes.iter().any(|change| change.path == *file);
        let mut included = lines::included(text).map(|name| format!("{FOLDER}/{name}"));
        included.find(planned).map(|file| Asked::Required(Place::of(file)))
    })
}

/// Finds out what has to be changed so that these services do not ask for the code by lines of ours.
///
/// # Errors
///
/// [`EnableTrouble`], if there is a line of somebody else's hand.
pub(crate) fn disabling(tree: &Tree, services: &[String]) -> Result<Plan, EnableTrouble> {
    let mut plan = Plan::default();
    let services = with_twins(tree, &[FOLDER], services)?;
    for service in &services {
        let (path, before, text) = service_file(tree, service)?;
        plan.named.push(service.clone());
        let plain = lines::take_out(&text);
        let plain = plain.map_err(|flaw| EnableTrouble::Flaw { file: path.clone(), flaw })?;
        let after = bytes_of(&plain);
        // A copy that enable has made of a file of the distribution's.
        let is_copy = before.as_ref().is_some_and(|before| *before != after)
            && shipped(tree, service)? == Some(after.clone());
        match lines::found(&text) {
            Some(found) => plan.services.push((service.clone(), found.with)),
            None => plan.notes.push(format!("{path} has no line of fobctl's.")),
        }
        plan.add(&path, before.clone(), if is_copy { None } else { before.map(|_| after) });
        if service == SSHD {
            // Last: with the password back, its settings still ask for a key as well.
            let settings = read(tree, DROP_IN)?;
            let text = settings.as_deref().map(text_of).filter(|text| drop_in::is_ours(text));
            if let Some(text) = text {
                plan.add(DROP_IN, settings, drop_in::take_out(&text).map(|text| bytes_of(&text)));
            }
        }
    }
    unlimit(tree, &services, &mut plan)?;
    Ok(plan)
}

/// Takes the rules about the services out. One that somebody has edited stays: where no line of PAM asks
/// for the code, it says nothing.
fn unlimit(tree: &Tree, services: &[String], plan: &mut Plan) -> Result<(), EnableTrouble> {
    let Some(before) = read(tree, RULES)? else { return Ok(()) };
    let mut text = text_of(&before);
    for service in services {
        match rules::take_out(&text, service) {
            Ok(without) => text = without,
            Err(rules::Edited) => plan.notes.push(format!(
                "{RULES} has a rule about {service} that somebody has edited: it stays."
            )),
        }
    }
    let is_ours_alone = text.is_empty() && !before.is_empty();
    plan.add(RULES, Some(before), (!is_ours_alone).then(|| bytes_of(&text)));
    Ok(())
}

/// Returns the services, each once, with those of these folders that their programs ask for as well.
fn with_twins(
    tree: &Tree,
    folders: &[&str],
    services: &[String],
) -> Result<Vec<String>, EnableTrouble> {
    let mut all: Vec<String> = Vec::new();
    let mut seen = BTreeSet::new();
    for service in services {
        let twins = TWINS.iter().filter(|(name, _)| name == service).map(|(_, twin)| *twin);
        for name in std::iter::once(service.as_str()).chain(twins) {
            let is_there = name == service.as_str() || is_in(tree, folders, name)?;
            if is_there && seen.insert(name.to_owned()) {
                all.push(name.to_owned());
            }
        }
    }
    Ok(all)
}

fn is_in(tree: &Tree, folders: &[&str], name: &str) -> Result<bool, EnableTrouble> {
    for folder in folders {
        if read(tree, &format!("{folder}/{name}"))?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns a service's file, what is in it, and what it would begin with: an administrator's file
/// hides that of the distribution.
fn service_file(
    tree: &Tree,
    service: &str,
) -> Result<(String, Option<Vec<u8>>, String), EnableTrouble> {
    let nobody = || EnableTrouble::NoService { service: service.to_owned() };
    if service.is_empty() || service.contains('/') || service.starts_with('.') {
        return Err(nobody());
    }
    let path = format!("{FOLDER}/{service}");
    let before = read(tree, &path)?;
    let bytes = match &before {
        Some(bytes) => bytes.clone(),
        None => shipped(tree, service)?.ok_or_else(nobody)?,
    };
    Ok((path, before, text_of(&bytes)))
}

/// Returns the distribution's file of a service.
fn shipped(tree: &Tree, service: &str) -> Result<Option<Vec<u8>>, EnableTrouble> {
    for folder in pam::FOLDERS.iter().filter(|folder| **folder != FOLDER) {
        if let Some(bytes) = read(tree, &format!("{folder}/{service}"))? {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

fn read(tree: &Tree, path: &str) -> Result<Option<Vec<u8>>, EnableTrouble> {
    tree.read(path).map_err(|why| EnableTrouble::Unreadable { path: path.to_owned(), why })
}

#[cfg(test)]
mod tests;
