//! Which services ask for the code, and by whose hand.

use super::{Pending, With, lines, text_of};
use crate::doctor::{Ground, Place, is_fob, pam};

/// The services that people sign in with, on the usual distributions.
const USUAL: [&str; 11] = [
    "cockpit",
    "gdm-password",
    "lightdm",
    "login",
    "polkit-1",
    "sddm",
    "sshd",
    "su",
    "su-l",
    "sudo",
    "sudo-i",
];
/// What pam-auth-update writes.
const COMMON_AUTH: &str = "/etc/pam.d/common-auth";
const BEGIN: &str = "# here are the per-package modules";
const END: &str = "# end of pam-auth-update config";

/// Who wrote a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum By {
    Fobctl,
    Hand,
    PamAuthUpdate,
}

impl By {
    /// Returns the word in the table and in `--json`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Fobctl => "fobctl",
            Self::Hand => "hand",
            Self::PamAuthUpdate => "pam-auth-update",
        }
    }
}

/// A service.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) service: String,
    pub(crate) file: String,
    /// Where the code's line stands; `None` if the service does not ask.
    pub(crate) line: Option<Place>,
    pub(crate) by: Option<By>,
    /// What comes before the code, where fobctl wrote the line.
    pub(crate) with: Option<With>,
    /// Seconds until the change is taken back, if nobody confirms it.
    pub(crate) left: Option<u64>,
}

/// Returns the usual services that this host has, and all others that ask for the code.
pub(crate) fn rows(ground: &Ground, pending: Option<&Pending>, now: u64) -> Vec<Row> {
    let rows = pam::services(ground).into_iter().filter_map(|service| {
        let stack = pam::stack(ground, &service)?;
        let fob = stack
            .entries
            .iter()
            .find(|entry| matches!(&entry.what, pam::What::Module(module) if is_fob(module)));
        let line = fob.map(|entry| entry.place.clone());
        let is_usual = USUAL.contains(&service.as_str());
        let own = stack.origin == pam::Origin::Own;
        if !is_usual && (line.is_none() || !own) {
            return None;
        }
        let (by, with) = line.as_ref().map_or((None, None), |place| writer(ground, place));
        let is_pending = |pending: &&Pending| pending.services.contains(&service);
        let left = pending.filter(is_pending).map(|pending| pending.left(now));
        Some(Row { file: stack.file.clone(), service, line, by, with, left })
    });
    rows.collect()
}

fn writer(ground: &Ground, place: &Place) -> (Option<By>, Option<With>) {
    let text = ground.read(&place.file).unwrap_or_default();
    let is_hand_made = lines::hand_made(&text) == place.line;
    match lines::found(&text_of(text.as_bytes())) {
        Some(found) if !is_hand_made => (Some(By::Fobctl), Some(found.with)),
        _ if place.file == COMMON_AUTH && is_managed(&text, place.line) => {
            (Some(By::PamAuthUpdate), None)
        }
        _ => (Some(By::Hand), None),
    }
}

/// Tells whether a line stands where pam-auth-update writes.
fn is_managed(text: &str, line: Option<u32>) -> bool {
    let mut inside = false;
    for (said, number) in text.lines().zip(1..) {
        inside = (inside || said.starts_with(BEGIN)) && !said.starts_with(END);
        if Some(number) == line {
            return inside;
        }
    }
    false
}
