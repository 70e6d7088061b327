//! `fobctl doctor`: what a sign-in would do on this host, by its files and by what runs on it.
//!
//! The readers take the host's files from a [`Ground`]; what only a running host can tell comes as
//! [`Live`]. So mistakes are planted in a temporary folder, and found there.

mod catalog;
mod control;
mod finding;
mod ground;
mod host;
mod judge;
mod methods;
mod options;
pub(crate) mod pam;
mod reach;
pub(crate) mod sshd;
mod stack;

use std::collections::BTreeSet;

pub(crate) use catalog::is_fob;
pub(crate) use control::Control;
pub(crate) use finding::{Finding, Kind, Place, Report, Severity};
use fob_api::{PASSWORD_SERVICE, TICKET_SERVICES, owner::STATE_FOLDER};
pub(crate) use ground::Ground;
use judge::{Before, Bench};
pub(crate) use reach::{Line, Tokenless, lines, services as asking};

/// Services that make the protection of another one worthless if they ask for no code, and the
/// program without which nobody reaches them. Cockpit is another door from afar and not the same one,
/// so it only warns.
const COMPANIONS: [(&str, &str, &str, Severity); 5] = [
    ("sudo", "sudo-i", "/usr/bin/sudo", Severity::FailsOpen),
    ("sudo", "polkit-1", "/usr/bin/pkexec", Severity::FailsOpen),
    ("su", "su-l", "/usr/bin/su", Severity::FailsOpen),
    ("sshd", "cockpit", "/usr/lib/cockpit/cockpit-session", Severity::Warns),
    ("sshd", "cockpit", "/usr/libexec/cockpit-session", Severity::Warns),
];

/// What only a running host can tell.
pub(crate) struct Live<'a> {
    /// Whether the host's clock is synchronised; `None` if nobody could be asked.
    pub(crate) clock: Option<bool>,
    /// What is wrong with fobd's answer; `None` if it was right.
    pub(crate) daemon: Option<String>,
    /// Whom fobd lets past without a code, whatever a PAM file says.
    pub(crate) exempts: Exempts,
    /// What `sshd -T` says, with this for `-C`.
    pub(crate) sshd: &'a dyn Fn(&str) -> Effective,
}

/// Whom fobd lets past without a code by its own settings.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Exempts {
    /// Everybody: it only observes.
    Everybody,
    /// Nobody, or it did not say.
    Nobody,
    /// Whom its rules name.
    Some,
    /// Who has a ticket.
    Tickets,
}

impl Exempts {
    /// Returns whom it lets past in a service.
    fn at(self, service: &str) -> Self {
        match self {
            Self::Tickets if !TICKET_SERVICES.contains(&service) => Self::Nobody,
            other => other,
        }
    }
}

/// What sshd says of its settings.
pub(crate) enum Effective {
    /// It would not start with them. Why.
    Refused(String),
    /// Each setting in a line.
    Settings(String),
    /// It cannot be asked. Why.
    Unknown(String),
}

/// Looks at a service, or at all that ask for codes.
pub(crate) fn examine(ground: &Ground, live: &Live<'_>, service: Option<&str>) -> Report {
    let mut report = Report::default();
    let asked: Vec<String> = match service {
        Some(service) => vec![service.to_ascii_lowercase()],
        None => pam::services(ground),
    };
    let (views, refusal) = sshd_views(ground, live, &asked, &mut report);
    let folders = module_folders(ground);
    let is_missing = |module: &pam::Module| lacks(ground, &folders, module);
    let (mut looked_at, mut asking, mut files) = (Vec::new(), Vec::new(), BTreeSet::new());
    let mut one_field = service == Some(PASSWORD_SERVICE);
    for name in asked.into_iter().filter(|name| name != PASSWORD_SERVICE) {
        let Some(stack) = pam::stack(ground, &name).filter(|_| !name.contains('/')) else {
            report.add(no_service(&name));
            continue;
        };
        let of_sshd = sshd_service(&views) == name;
        let before = match of_sshd && methods::key_comes_first(&views) && !views.is_empty() {
            true => Before::Key,
            false => Before::Nothing,
        };
        let bench =
            Bench::new(&name, &stack, before, &is_missing).exempting(live.exempts.at(&name));
        // What "other" has is told once, for itself.
        let asks_by_itself = bench.has_fob() && stack.origin == pam::Origin::Own;
        if service.is_none() && !asks_by_itself && stack.elsewhere.is_empty() {
            continue;
        }
        let asks = !of_sshd || methods::somebody_is_asked(&views);
        let fits = |finding: &Finding| asks || finding.kind != Kind::PasswordToo;
        bench.findings().into_iter().filter(fits).for_each(|finding| report.add(finding));
        if of_sshd && bench.has_fob() {
            of_sshd_itself(&name, &views, refusal.as_deref(), &mut report);
        }
        one_field |= bench.has_one_field();
        if bench.has_fob() {
            asking.push(name.clone());
            files.extend(stack.entries.iter().map(|entry| entry.place.file.clone()));
        }
        looked_at.push(name);
    }
    if one_field {
        password_service(ground, &is_missing, &mut files, &mut report);
    }
    companions(ground, &asking, &mut report);
    if !asking.is_empty() || ground.has(STATE_FOLDER) {
        host::look(ground, &files, &folders, &mut report);
        running(ground, live, &mut report);
    }
    report.services.splice(..0, looked_at);
    report.sort();
    report
}

/// Looks at the service that checks the password where it is taken together with the code.
fn password_service(
    ground: &Ground,
    is_missing: &dyn Fn(&pam::Module) -> bool,
    files: &mut BTreeSet<String>,
    report: &mut Report,
) {
    report.services.push(PASSWORD_SERVICE.to_owned());
    let own = pam::stack(ground, PASSWORD_SERVICE).filter(|stack| stack.origin == pam::Origin::Own);
    let Some(stack) = own else { return report.add(judge::missing()) };
    let bench = Bench::new(PASSWORD_SERVICE, &stack, Before::Nothing, is_missing);
    if !bench.is_in_its_place() {
        return report.add(judge::missing());
    }
    bench.password_findings().into_iter().for_each(|finding| report.add(finding));
    files.extend(stack.entries.iter().map(|entry| entry.place.file.clone()));
}

/// Whether a stack names a module that libpam would not find. Without a folder to look in, nothing is
/// known.
fn lacks(ground: &Ground, folders: &[String], module: &pam::Module) -> bool {
    if module.path.starts_with('/') {
        return !ground.has(&module.path);
    }
    !folders.is_empty()
        && !folders.iter().any(|folder| ground.has(&format!("{folder}/{}", module.path)))
}

/// Says what the running host tells.
fn running(ground: &Ground, live: &Live<'_>, report: &mut Report) {
    let mut add = |kind, severity, happens: String, place: Option<Place>, fix: &str| {
        let (services, fix) = (Vec::new(), fix.to_owned());
        report.add(Finding { kind, severity, services, happens, place, fix });
    };
    if let Some(trouble) = &live.daemon {
        let happens = format!("{trouble} Everybody is refused who has no emergency code.");
        let fix = "systemctl status fobd; journalctl -u fobd says why it did not start.";
        add(Kind::DaemonSilent, Severity::LocksOut, happens, None, fix);
    }
    if live.exempts == Exempts::Everybody {
        let happens = "Nobody is asked for a code anywhere: fobd only observes.";
        let fix =
            "when \"fobctl report\" is content, take mode = \"observe\" out, and restart fobd.";
        let place = Some(Place::of("/etc/fob/fobd.conf"));
        add(Kind::Observing, Severity::Warns, happens.to_owned(), place, fix);
    }
    let is_trusted = ground.read("/etc/fob/fobd.conf").is_some_and(|text| {
        let line = |line: &str| line.split_whitespace().collect::<String>();
        text.lines().any(|said| line(said).starts_with("clock=\"trusted\""))
    });
    match live.clock {
        Some(false) if !is_trusted => {
            let happens = "The host's clock is not synchronised: when it drifts, right codes are \
                refused; and Fob learns nothing of the tokens' own clocks.";
            let fix = "switch a time service on (timedatectl set-ntp true).";
            add(Kind::ClockNotSynchronised, Severity::Warns, happens.to_owned(), None, fix);
        }
        None => report.unseen.push(
            "whether the clock is synchronised: org.freedesktop.timedate1 does not answer."
                .to_owned(),
        ),
        Some(_) => {}
    }
}

/// Reads sshd's settings, if its service is looked at, and what sshd itself says against them.
fn sshd_views(
    ground: &Ground,
    live: &Live<'_>,
    asked: &[String],
    report: &mut Report,
) -> (Vec<sshd::View>, Option<String>) {
    let mut views = sshd::views(ground).unwrap_or_default();
    if !asked.contains(&sshd_service(&views)) {
        return (Vec::new(), None);
    }
    let mut refusal = None;
    for view in &mut views {
        let Some(example) = sshd::example(view.matching.as_ref()) else { continue };
        match (live.sshd)(&example) {
            Effective::Settings(text) => view.correct(&text),
            Effective::Refused(why) => refusal = refusal.or(Some(why)),
            Effective::Unknown(why) => {
                let unseen =
                    format!("what sshd makes of its files ({why}); they were read instead.");
                if !report.unseen.contains(&unseen) {
                    report.unseen.push(unseen);
                }
            }
        }
    }
    (views, refusal)
}

/// Returns the PAM service that sshd asks.
fn sshd_service(views: &[sshd::View]) -> String {
    let named = views.first().and_then(|view| view.get("pamservicename"));
    named.map_or_else(|| "sshd".to_owned(), |setting| setting.value.to_ascii_lowercase())
}

fn of_sshd_itself(name: &str, views: &[sshd::View], refusal: Option<&str>, report: &mut Report) {
    let found = methods::findings(name, views);
    let explained = found.iter().any(|finding| finding.kind == Kind::MethodDisabled);
    found.into_iter().for_each(|finding| report.add(finding));
    if let Some(why) = refusal.filter(|_| !explained) {
        report.add(Finding {
            kind: Kind::SshdRefuses,
            severity: Severity::LocksOut,
            services: vec![name.to_owned()],
            happens: format!(
                "sshd does not start with its settings, and nobody gets in over ssh: {why}"
            ),
            place: Some(Place::of(sshd::FILE)),
            fix: "correct what \"sshd -t\" says, before sshd is started again.".to_owned(),
        });
    }
}

fn no_service(name: &str) -> Finding {
    Finding {
        kind: Kind::NoService,
        severity: Severity::Warns,
        services: vec![name.to_owned()],
        happens: format!(
            "There is no PAM service {name:?}: a program that asks for it gets the lines of \
            \"other\"."
        ),
        place: None,
        fix: "name a file of /etc/pam.d.".to_owned(),
    }
}

/// Looks for ways around a service that asks for codes.
fn companions(ground: &Ground, asking: &[String], report: &mut Report) {
    for (service, companion, program, severity) in COMPANIONS {
        let asks = |name: &str| asking.iter().any(|known| known == name);
        if !asks(service) || asks(companion) || !ground.has(program) {
            continue;
        }
        let Some(stack) = pam::stack(ground, companion) else { continue };
        let bench = Bench::new(companion, &stack, Before::Nothing, &|_| false);
        if bench.has_fob() {
            continue;
        }
        report.add(Finding {
            kind: Kind::NoLine,
            severity,
            services: vec![companion.to_owned()],
            happens: format!(
                "{companion} is a service of its own: it asks for no code, though {service} does."
            ),
            place: Some(Place::of(stack.file)),
            fix: "put \"auth required pam_fob.so\" behind the line that asks for the password, in \
                /etc/pam.d."
                .to_owned(),
        });
    }
}

/// Returns the folders in which this host's PAM may look for modules: those that have some.
fn module_folders(ground: &Ground) -> Vec<String> {
    const FIXED: [&str; 2] = ["/usr/lib64/security", "/usr/lib/security"];
    let architectures = ground.names("/usr/lib");
    let folders = architectures
        .iter()
        .filter(|name| name.contains("-linux-"))
        .map(|name| format!("/usr/lib/{name}/security"))
        .chain(FIXED.map(str::to_owned));
    folders.filter(|folder| ground.has(&format!("{folder}/pam_permit.so"))).collect()
}

#[cfg(test)]
mod tests;
