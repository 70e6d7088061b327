//! `doctor`: what a sign-in would do on this host.

use std::{path::Path, process::Command};

use nix::unistd::Uid;

use crate::{
    args::Doctor,
    doctor::{Effective, Ground, Live, examine},
    failure::Failure,
    render,
};

pub(super) async fn doctor(args: Doctor) -> Result<(), Failure> {
    let ground = Ground::below(Path::new("/"), 0);
    let live = Live { sshd: &sshd };
    let report = examine(&ground, &live, args.service.as_deref());
    render::print(&if args.json {
        render::doctor_json(&report)
    } else {
        render::doctor_text(&report)
    })?;
    match report.findings.len() {
        0 => Ok(()),
        count => Err(Failure::Found { count }),
    }
}

/// Where distributions keep sshd. Named in full: root's search path is not taken.
const SSHD: &str = "/usr/sbin/sshd";

/// Asks sshd which settings hold for a connection (sshd(8), `-T`). It reads its host keys for that,
/// which root alone can.
fn sshd(connection: &str) -> Effective {
    if !Uid::effective().is_root() {
        return Effective::Unknown("only root can ask it".to_owned());
    }
    let mut sshd = Command::new(SSHD);
    let said = match sshd.args(["-T", "-C", connection]).env_clear().output() {
        Ok(said) => said,
        Err(error) => return Effective::Unknown(format!("{SSHD}: {error}")),
    };
    if said.status.success() {
        return Effective::Settings(String::from_utf8_lossy(&said.stdout).into_owned());
    }
    let why = String::from_utf8_lossy(&said.stderr);
    let last =
        why.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it ended without a word");
    Effective::Refused(last.trim().to_owned())
}
