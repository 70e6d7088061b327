//! `fobctl doctor`: what a sign-in would do on this host, by its files and by what runs on it.
//!
//! The readers take the host's files from a [`Ground`]; what only a running host can tell comes as
//! [`Live`]. So mistakes are planted in a temporary folder, and found there.

mod catalog;
mod control;
mod finding;
mod ground;
mod judge;
mod options;
mod pam;
mod stack;

use catalog::is_fob;
pub(crate) use finding::{Finding, Kind, Place, Report, Severity};
pub(crate) use ground::Ground;
use judge::{Before, Bench};

/// Services that make the protection of another one worthless if they ask for no code, and the
/// program without which nobody reaches them.
const COMPANIONS: [(&str, &str, &str); 3] = [
    ("sudo", "sudo-i", "/usr/bin/sudo"),
    ("sudo", "polkit-1", "/usr/bin/pkexec"),
    ("su", "su-l", "/usr/bin/su"),
];

/// Looks at a service, or at all that ask for codes.
pub(crate) fn examine(ground: &Ground, service: Option<&str>) -> Report {
    let mut report = Report::default();
    let folders = module_folders(ground);
    let is_missing = |module: &pam::Module| match module.path.starts_with('/') {
        true => !ground.has(&module.path),
        // Without a folder to look in, nothing is known.
        false => {
            let path = |folder: &String| ground.has(&format!("{folder}/{}", module.path));
            !folders.is_empty() && !folders.iter().any(path)
        }
    };
    let asked: Vec<String> = match service {
        Some(service) => vec![service.to_ascii_lowercase()],
        None => pam::services(ground),
    };
    let mut protected = Vec::new();
    for name in asked {
        let Some(stack) = pam::stack(ground, &name).filter(|_| !name.contains('/')) else {
            report.add(no_service(&name));
            continue;
        };
        let bench = Bench::new(&name, &stack, Before::Nothing, &is_missing);
        if service.is_some() || bench.has_fob() || !stack.elsewhere.is_empty() {
            bench.findings().into_iter().for_each(|finding| report.add(finding));
            protected.push(name);
        }
    }
    report.services = protected;
    companions(ground, &mut report);
    report.sort();
    report
}

fn no_service(name: &str) -> Finding {
    Finding {
        kind: Kind::NoService,
        severity: Severity::Warns,
        services: vec![name.to_owned()],
        happens: format!(
            "There is no PAM service {name:?}: a program that asks for it gets the lines of \"other\"."
        ),
        place: None,
        fix: "name a file of /etc/pam.d.".to_owned(),
    }
}

/// Looks for ways around a service that asks for codes.
fn companions(ground: &Ground, report: &mut Report) {
    for (service, companion, program) in COMPANIONS {
        let protected = |name: &str| report.services.iter().any(|known| known == name);
        if !protected(service) || protected(companion) || !ground.has(program) {
            continue;
        }
        let Some(stack) = pam::stack(ground, companion) else { continue };
        let bench = Bench::new(companion, &stack, Before::Nothing, &|_| false);
        if bench.has_fob() {
            continue;
        }
        report.add(Finding {
            kind: Kind::NoLine,
            severity: Severity::FailsOpen,
            services: vec![companion.to_owned()],
            happens: format!(
                "{companion} is a service of its own: it asks for no code, though {service} does."
            ),
            place: Some(Place::of(stack.file)),
            fix: "put \"auth required pam_fob.so\" behind the line that asks for the password, in /etc/pam.d.".to_owned(),
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
