//! `doctor`: what a sign-in would do on this host.

use std::{path::Path, process::Command, time::Duration};

use fob_api::address;
use nix::unistd::Uid;
use tokio::time;
use zbus::{OwnedVariant, Variant, connection::Builder};

use crate::{
    args::Doctor,
    connect::{Patience, daemon},
    doctor::{Effective, Exempts, Ground, Live, examine},
    failure::Failure,
    render,
};

pub(super) async fn doctor(args: Doctor) -> Result<(), Failure> {
    let ground = Ground::below(Path::new("/"), 0);
    let (daemon, exempts) = said().await;
    let live = Live { clock: clock().await, daemon, exempts, sshd: &sshd };
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

/// Longest wait for the service that knows whether the clock is synchronised: systemd starts it for
/// that, which takes some tenths of a second.
const PATIENCE: Duration = Duration::from_secs(5);

/// Returns what is wrong with the daemon, `None` if it answers, whatever it answers; and whom it
/// exempts.
pub(super) async fn said() -> (Option<String>, Exempts) {
    let answer = async { Ok(daemon(Patience::Short).await?.status().await?) };
    let status: Result<_, Failure> = answer.await;
    match status {
        Ok(status) if status.mode.as_deref() == Some("observe") => (None, Exempts::Everybody),
        Ok(status) if status.exempting.is_some_and(|rules| rules > 0) => (None, Exempts::Some),
        Ok(status) if status.ticket_minutes.is_some_and(|minutes| minutes > 0) => {
            (None, Exempts::Tickets)
        }
        Ok(_) => (None, Exempts::Nobody),
        Err(failure) => (failure.is_silence().then(|| failure.sentence()), Exempts::Nobody),
    }
}

/// Asks timedated whether the host's clock is synchronised (org.freedesktop.timedate1(5)), as fobd
/// does; `None` if it does not answer.
pub(super) async fn clock() -> Option<bool> {
    const NAME: &str = "org.freedesktop.timedate1";
    let ask = async {
        let address = format!("unix:path={}", address::SYSTEM_BUS_SOCKET);
        let bus = Builder::address(address.as_str()).build().await?;
        let (path, properties) = ("/org/freedesktop/timedate1", "org.freedesktop.DBus.Properties");
        let what = &(NAME, "NTPSynchronized");
        let reply = bus.call_method(Some(NAME), path, Some(properties), "Get", what).await?;
        let value: OwnedVariant = reply.body().deserialize()?;
        Ok::<bool, zbus::Error>(matches!(*value, Variant::Bool(true)))
    };
    time::timeout(PATIENCE, ask).await.ok()?.ok()
}

/// Where distributions keep sshd. Named in full: root's search path is not taken.
pub(super) const SSHD: &str = "/usr/sbin/sshd";

/// Asks sshd which settings hold for a connection (sshd(8), `-T`). It reads its host keys for that,
/// which root alone can.
pub(super) fn sshd(connection: &str) -> Effective {
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
    let last = last.trim().to_owned();
    // What its unit makes before each start says nothing of its settings.
    match last.contains("privilege separation directory") {
        true => Effective::Unknown(last),
        false => Effective::Refused(last),
    }
}
