//! Whether a change does what it should: what sshd and fobd make of their files, and what the doctor says.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use super::{Host, Plan};
use crate::{
    connect::{Patience, daemon},
    doctor::{Effective, Finding, Kind, Live, Severity, examine, sshd},
    enable::{DROP_IN, RULES, With, settings},
    failure::{EnableTrouble, Failure, RuleTrouble, remark},
    render,
    verbs::doctor,
};

/// Named in full: root's search path is not taken.
const FOBD: &str = "/usr/sbin/fobd";
const BY_HAND: &str = "\"fobd --check-config\" may say more.";

/// Asks fobd whether it would start with this file in the place of its own; without one, with its own.
pub(super) fn of_rules(file: Option<&Path>) -> Result<(), RuleTrouble> {
    let trouble = |why: &str, hint: &str| RuleTrouble::Refused {
        why: render::printable(why.trim()),
        hint: render::printable(hint.trim()),
    };
    let mut command = Command::new(FOBD);
    command.arg("--check-config").env_clear().stdin(Stdio::null());
    if let Some(file) = file {
        command.arg(format!("--config={}", file.display()));
    }
    let said = command.output();
    let said = said.map_err(|error| trouble(&format!("{FOBD}: {error}."), BY_HAND))?;
    if said.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&said.stderr).into_owned();
    let told = file.map_or(told.clone(), |file| told.replace(&file.display().to_string(), RULES));
    let (why, hint) = told.split_once("\nhint: ").unwrap_or((&told, BY_HAND));
    Err(trouble(why.strip_prefix("fobd: ").unwrap_or(why), hint))
}

/// Asks fobd, which was started anew, whether it exempts anybody by a rule.
pub(super) async fn of_exemption() -> Result<(), Failure> {
    match daemon(Patience::Short).await?.status().await?.exempting {
        Some(0) => Err(RuleTrouble::Elsewhere.into()),
        _ => Ok(()),
    }
}

/// Asks sshd whether it would start, and whether it goes by the settings.
pub(super) fn of_sshd(host: &Host, with: With) -> Result<(), EnableTrouble> {
    starts()?;
    let someone = sshd::example(None).unwrap_or_default();
    let told = match doctor::sshd(&someone) {
        Effective::Settings(told) => told,
        Effective::Refused(why) | Effective::Unknown(why) => return Err(EnableTrouble::Sshd(why)),
    };
    for (keyword, wanted) in settings(with) {
        let value = value_of(&told, keyword);
        if !value.eq_ignore_ascii_case(wanted) {
            return Err(why_not(host, keyword, value));
        }
    }
    Ok(())
}

/// Asks sshd whether it would start with its settings (sshd(8), `-t`).
pub(super) fn starts() -> Result<(), EnableTrouble> {
    let mut command = Command::new(doctor::SSHD);
    let said = command.arg("-t").env_clear().stdin(Stdio::null()).output();
    let said = said.map_err(|error| EnableTrouble::Sshd(error.to_string()))?;
    let why = String::from_utf8_lossy(&said.stderr);
    let why = why.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no word").trim();
    // What its unit makes before each start says nothing of its settings.
    match said.status.success() || why.contains("privilege separation directory") {
        true => Ok(()),
        false => Err(EnableTrouble::Sshd(why.to_owned())),
    }
}

fn value_of<'a>(told: &'a str, keyword: &str) -> &'a str {
    let line = |line: &'a str| {
        let (name, value) = line.split_once(' ')?;
        name.eq_ignore_ascii_case(keyword).then_some(value.trim())
    };
    told.lines().find_map(line).unwrap_or_default()
}

fn why_not(host: &Host, keyword: &'static str, value: &str) -> EnableTrouble {
    let views = sshd::views(&host.ground).unwrap_or_default();
    let everybody = views.first();
    let is_read = everybody.is_some_and(|view| {
        settings(With::Password).iter().any(|(keyword, _)| {
            view.get(&keyword.to_ascii_lowercase()).is_some_and(|setting| {
                setting.place.iter().chain(&setting.late).any(|place| place.file == DROP_IN)
            })
        })
    });
    if !is_read {
        return EnableTrouble::NotIncluded;
    }
    let setting = everybody.and_then(|view| view.get(&keyword.to_ascii_lowercase()));
    let place = setting.and_then(|setting| setting.place.clone());
    EnableTrouble::NotInForce { keyword, value: value.to_owned(), place }
}

/// Asks the doctor. What is no mistake of the services that were changed is told, and no more.
pub(super) async fn of_services(host: &Host, plan: &Plan) -> Result<(), EnableTrouble> {
    let (clock, (daemon, exempts)) = (doctor::clock().await, doctor::said().await);
    let live = Live { clock, daemon, exempts, sshd: &doctor::sshd };
    let mut notes: Vec<Finding> = Vec::new();
    for service in &plan.named {
        for finding in examine(&host.ground, &live, Some(service)).findings {
            if is_grave(&finding, service) {
                return Err(EnableTrouble::Found(Box::new(finding)));
            }
            // What is wrong with the host and no service, "fobctl doctor" tells.
            if !finding.services.is_empty() && !notes.contains(&finding) {
                notes.push(finding);
            }
        }
    }
    for note in notes {
        let place = note.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
        remark(&render::printable(&format!("{}{place}", note.happens)));
    }
    Ok(())
}

/// Tells whether somebody would get in or be locked out. That a Match block lets some in with the key
/// alone is its writer's wish: what holds for everybody else was asked of sshd itself.
fn is_grave(finding: &Finding, service: &str) -> bool {
    let concerns =
        finding.services.is_empty() || finding.services.iter().any(|name| name == service);
    concerns && finding.severity != Severity::Warns && finding.kind != Kind::KeyAlone
}

#[cfg(test)]
mod tests {
    use super::{Finding, Kind, Severity, is_grave};

    #[test]
    fn only_what_locks_out_or_opens_the_service_or_the_host_is_grave() {
        for (kind, severity, services, grave) in [
            (Kind::WrongCodeOpens, Severity::FailsOpen, &["sshd"][..], true),
            (Kind::DaemonSilent, Severity::LocksOut, &[], true),
            (Kind::NoLine, Severity::FailsOpen, &["polkit-1"], false),
            (Kind::RootRefused, Severity::Warns, &["sshd"], false),
            // A Match block, in which somebody lets a program in with its key alone.
            (Kind::KeyAlone, Severity::FailsOpen, &["sshd"], false),
        ] {
            let services = services.iter().map(|name| (*name).to_owned()).collect();
            let (happens, place, fix) = (String::new(), None, String::new());
            let finding = Finding { kind, severity, services, happens, place, fix };
            assert_eq!(is_grave(&finding, "sshd"), grave, "{finding:?}");
        }
    }
}
