//! Whether anybody who could mend a mistake would still get in.

use std::{collections::BTreeSet, fs};

use fob_api::{
    ErrorKind,
    emergency::{FOLDER, SLOTS, Slot},
};
use nix::unistd::{Group, User};

use crate::{
    connect::{Patience, daemon},
    failure::{EnableTrouble, Failure},
    verbs::emergency::ADMINISTRATORS,
};

/// Refuses, if no administrator has a token or an unused emergency code, unless the host's name says
/// that it is meant.
pub(super) async fn remain(said: Option<&str>) -> Result<(), Failure> {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim().to_owned();
    if said.is_some_and(|said| said == host) {
        return Ok(());
    }
    let users = administrators();
    if users.iter().any(has_emergency_code) {
        return Ok(());
    }
    let daemon = daemon(Patience::Short).await?;
    for user in users {
        match daemon.show_user(&user.name).await {
            Ok(report) if report.tokens.as_ref().is_some_and(|held| !held.is_empty()) => {
                return Ok(());
            }
            Ok(_) => {}
            Err(error) => {
                let failure = Failure::from(error);
                if !failure.is(ErrorKind::NoSuchUser) {
                    return Err(failure);
                }
            }
        }
    }
    Err(EnableTrouble::NoAdministrator { host }.into())
}

/// Returns root and the members of the groups that administer a host.
fn administrators() -> Vec<User> {
    let groups = ADMINISTRATORS.iter().filter_map(|name| Group::from_name(name).ok().flatten());
    let mut names: BTreeSet<String> = BTreeSet::from(["root".to_owned()]);
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    for group in groups {
        let gid = group.gid.to_string();
        let primary = passwd.lines().filter_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            (fields.get(3) == Some(&gid.as_str())).then(|| fields.first().copied())?
        });
        names.extend(primary.map(str::to_owned));
        names.extend(group.mem);
    }
    names.iter().filter_map(|name| User::from_name(name).ok().flatten()).collect()
}

fn has_emergency_code(user: &User) -> bool {
    let slot = |number| format!("{FOLDER}/{}/{}", user.uid, Slot::file(number));
    (1..=SLOTS).any(|number| fs::symlink_metadata(slot(number)).is_ok())
}
