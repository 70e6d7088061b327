//! What of the host's files makes a sign-in fail or opens it: owners, rights, the store, the way
//! back in.

use std::collections::BTreeSet;

use fob_api::{emergency, owner::STATE_FOLDER};

use super::{
    finding::{Finding, Kind, Place, Report, Severity},
    ground::Ground,
};

const SETTINGS: &str = "/etc/fob/fobd.conf";
const AUDIT_LOG: &str = "/var/log/audit/audit.log";
/// Where pam-auth-update keeps what it wrote into common-auth, and where the profiles are.
const PROFILES_ON: &str = "/var/lib/pam/auth";
const PROFILES: &str = "/usr/share/pam-configs";
const COMMON_AUTH: &str = "/etc/pam.d/common-auth";
/// Where a D-Bus policy may be: the package's place, and the administrator's.
const POLICIES: [&str; 2] =
    ["/usr/share/dbus-1/system.d/org.fobd.Fob1.conf", "/etc/dbus-1/system.d/org.fobd.Fob1.conf"];

/// Looks at the files. `pam_files` are those that make up stacks with the code in them, `folders`
/// those in which PAM may look for modules.
pub(super) fn look(
    ground: &Ground,
    pam_files: &BTreeSet<String>,
    folders: &[String],
    report: &mut Report,
) {
    pam_files.iter().filter_map(|file| pam_file(ground, file)).for_each(|one| report.add(one));
    module_file(ground, folders, report);
    state(ground, report);
    settings(ground, report);
    bus(ground, report);
    profiles(ground, report);
    way_back(ground, report);
    denials(ground, report);
}

fn add(report: &mut Report, kind: Kind, severity: Severity, file: &str, texts: (String, String)) {
    let ((happens, fix), place) = (texts, Some(Place::of(file)));
    report.add(Finding { kind, severity, services: Vec::new(), happens, place, fix });
}

/// Tells whether somebody else than root can change a file.
fn is_open(ground: &Ground, path: &str) -> bool {
    ground.facts(path).is_some_and(|facts| facts.uid != ground.root_uid || facts.others_write())
}

fn pam_file(ground: &Ground, file: &str) -> Option<Finding> {
    is_open(ground, file).then(|| Finding {
        kind: Kind::Permissions,
        severity: Severity::FailsOpen,
        services: Vec::new(),
        happens: "Others than root can change this file, and take the code out of it.".to_owned(),
        place: Some(Place::of(file)),
        fix: format!("chown root:root {file}; chmod 644 {file}."),
    })
}

fn module_file(ground: &Ground, folders: &[String], report: &mut Report) {
    let paths: Vec<String> = folders.iter().map(|folder| format!("{folder}/pam_fob.so")).collect();
    let (there, missing): (Vec<&String>, Vec<&String>) =
        paths.iter().partition(|path| ground.has(path));
    for path in &there {
        if is_open(ground, path) {
            let happens = "Others than root can change the module: it runs as root in sshd and \
                sudo, and they can sign in as anybody.";
            let fix = format!(
                "install it again from the package; chown root:root {path}; chmod 644 {path}."
            );
            let texts = (happens.to_owned(), fix);
            add(report, Kind::Permissions, Severity::FailsOpen, path, texts);
        }
    }
    if !there.is_empty() {
        for path in missing {
            let happens = "Programs of a second architecture look for the module here, and refuse \
                everybody without it.";
            let fix = "nothing, if no such program signs people in; else install Fob for that \
                architecture.";
            let texts = (happens.to_owned(), fix.to_owned());
            add(report, Kind::OtherArchitecture, Severity::Warns, path, texts);
        }
    }
}

fn state(ground: &Ground, report: &mut Report) {
    let Some(folder) = ground.facts(STATE_FOLDER).filter(|facts| facts.is_folder) else {
        return no_store(report, STATE_FOLDER);
    };
    let seeds = "Others than fobd can look into this: whoever has the seeds and their key shows \
        everybody's codes.";
    let private = |path: &str, mode: &str| (seeds.to_owned(), format!("chmod {mode} {path}."));
    if folder.others_touch() {
        let texts = private(STATE_FOLDER, "700");
        add(report, Kind::Permissions, Severity::FailsOpen, STATE_FOLDER, texts);
    }
    if !ground.opens(STATE_FOLDER) {
        let unseen = format!("what is in {STATE_FOLDER}: only root can look into it.");
        return report.unseen.push(unseen);
    }
    let tokens = format!("{STATE_FOLDER}/tokens");
    if !ground.has(&tokens) {
        no_store(report, &tokens);
    }
    let key = format!("{STATE_FOLDER}/master.key");
    if let Some(facts) = ground.facts(&key) {
        if facts.others_touch() {
            add(report, Kind::Permissions, Severity::FailsOpen, &key, private(&key, "600"));
        }
        if facts.uid != folder.uid {
            let happens = "The master key is not the user's that fobd runs as: fobd cannot read \
                it, does not start, and everybody is refused.";
            let fix = format!("chown --reference={STATE_FOLDER} {key}.");
            let texts = (happens.to_owned(), fix);
            add(report, Kind::Permissions, Severity::LocksOut, &key, texts);
        }
    }
}

fn no_store(report: &mut Report, path: &str) {
    let happens = "The token store is not here: fobd does not start, and everybody is refused who \
        has no emergency code.";
    let fix = "mount or restore /var/lib/fobd; on a new host, fobd --initialize.";
    let texts = (happens.to_owned(), fix.to_owned());
    add(report, Kind::NoStore, Severity::LocksOut, path, texts);
}

fn settings(ground: &Ground, report: &mut Report) {
    if is_open(ground, SETTINGS) {
        let happens = "Others than root can change fobd's settings: fobd does not start with such \
            a file, and everybody is refused from its next start on.";
        let fix = format!("chown root:root {SETTINGS}; chmod 644 {SETTINGS}; fobd --check-config.");
        let texts = (happens.to_owned(), fix);
        add(report, Kind::Permissions, Severity::LocksOut, SETTINGS, texts);
    }
}

fn bus(ground: &Ground, report: &mut Report) {
    if !POLICIES.iter().any(|policy| ground.has(policy)) {
        let happens = "The system bus does not know Fob: screen lockers, which do not run as \
            root, refuse everybody, and users cannot run fobctl.";
        let fix = "install Fob again, then systemctl reload dbus.";
        let [policy, _] = POLICIES;
        let texts = (happens.to_owned(), fix.to_owned());
        add(report, Kind::NoBus, Severity::Warns, policy, texts);
    }
}

/// pam-auth-update writes common-auth anew from the profiles that are on and have a file.
fn profiles(ground: &Ground, report: &mut Report) {
    let Some(on) = ground.read(PROFILES_ON) else { return };
    let named = ground.read(COMMON_AUTH).is_some_and(|text| {
        text.lines()
            .any(|line| line.split('#').next().is_some_and(|said| said.contains("pam_fob.so")))
    });
    let names = on.lines().filter_map(|line| line.strip_prefix("Module:")).map(str::trim);
    for name in names.filter(|name| name.starts_with("fob")) {
        let file = format!("{PROFILES}/{name}");
        let happens = if !ground.has(&file) {
            "This profile of pam-auth-update is on, and its file is gone: the next run takes the \
            code out of common-auth, and nobody is asked any more."
        } else if !named {
            "This profile of pam-auth-update is on, and common-auth lacks its line: somebody took \
            it out, and no code is asked for there."
        } else {
            continue;
        };
        let fix = "install the package again, then pam-auth-update; to do without, \
            pam-auth-update --remove and that name.";
        let texts = (happens.to_owned(), fix.to_owned());
        add(report, Kind::ProfileStale, Severity::Warns, &file, texts);
    }
}

/// sulogin and the rescue target ask for root's password and do not use PAM (sulogin(8)).
fn way_back(ground: &Ground, report: &mut Report) {
    let (Some(shadow), true) = (ground.read("/etc/shadow"), ground.opens("/var/lib")) else {
        return report.unseen.push("root's password: only root can read /etc/shadow.".to_owned());
    };
    let mut lines = shadow.lines().filter_map(|line| line.strip_prefix("root:"));
    let hash = lines.next().and_then(|rest| rest.split(':').next()).unwrap_or("*");
    let is_uid = |name: &String| name.bytes().all(|byte| byte.is_ascii_digit());
    let folders = ground.names(emergency::FOLDER).into_iter().filter(is_uid);
    let has_codes = folders
        .map(|uid| format!("{}/{uid}", emergency::FOLDER))
        .any(|folder| !ground.names(&folder).is_empty());
    if hash.starts_with(['!', '*']) && !has_codes {
        let happens = "root has no password and no administrator has emergency codes: if fobd or \
            its disk breaks, nobody gets in, not even at the console.";
        let fix = "fobctl emergency root, or give root a password for the rescue target.";
        let texts = (happens.to_owned(), fix.to_owned());
        add(report, Kind::WithoutWayBack, Severity::Warns, "/etc/shadow", texts);
    }
}

/// Only what auditd has written: the journal is not read.
fn denials(ground: &Ground, report: &mut Report) {
    let Some(log) = ground.end(AUDIT_LOG) else {
        let unseen = "denials by AppArmor or SELinux: there is no audit log that can be read; \
            look with journalctl -g 'DENIED|denied'.";
        return report.unseen.push(unseen.to_owned());
    };
    let is_denial = |line: &&str| {
        (line.contains("apparmor=\"DENIED\"") || line.contains("avc:") && line.contains("denied"))
            && ["fobd", "pam_fob", "fob_t"].iter().any(|name| line.contains(name))
    };
    let lines: Vec<&str> = log.lines().filter(is_denial).collect();
    let Some(last) = lines.last() else { return };
    let said: String = last.chars().take(200).collect();
    let happens = format!(
        "A security module has stopped Fob {} times: what it needs there fails, mostly as a \
        refusal. The last: {said}",
        lines.len()
    );
    let fix = "install the profile or policy of Fob's package, or allow what the line names.";
    add(report, Kind::Denied, Severity::Warns, AUDIT_LOG, (happens, fix.to_owned()));
}
