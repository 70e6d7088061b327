//! Is the host's clock synchronised? systemd-timedated's answer, asked on a bus of the test's own.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test and its helpers: a failure here is the test's failure"
)]

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use fob_tests::{
    daemon::Ground,
    needs::{self, Need},
    private_bus::PrivateBus,
};
use fobd::{
    clock::Clock,
    decide::{
        HostClock::{self, Synchronised, Unsynchronised},
        policy::Belief,
    },
};
use zbus::{Connection, connection::Builder, interface};

/// What systemd's own policy file says, in short: root has the name, everybody may read.
const POLICY: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <policy user="root"><allow own="org.freedesktop.timedate1"/></policy>
  <policy context="default">
    <allow send_destination="org.freedesktop.timedate1"
           send_interface="org.freedesktop.DBus.Properties"/>
  </policy>
</busconfig>
"#;

/// Answers for timedated.
struct Timedated(Arc<AtomicBool>);

#[interface(name = "org.freedesktop.timedate1")]
impl Timedated {
    #[zbus(property, name = "NTPSynchronized")]
    fn synchronised(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

async fn timedated(bus: &PrivateBus, says: &Arc<AtomicBool>) -> Connection {
    Builder::address(bus.address().as_str())
        .serve_at("/org/freedesktop/timedate1", Timedated(Arc::clone(says)))
        .name("org.freedesktop.timedate1")
        .build()
        .await
        .unwrap()
}

/// Asks until the answer is this one: a busy machine may take longer than a sign-in waits.
async fn becomes(clock: &Clock, expected: HostClock) -> bool {
    for _ in 0..30 {
        clock.doubt().await;
        if clock.read().unwrap().host_clock == expected {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn the_clock_is_synchronised_while_timedated_says_so() {
    if !needs::met(&[Need::Root, Need::Program("dbus-daemon")]) {
        return;
    }
    let ground = Ground::new();
    let policies = ground.path().join("system.d");
    fs::create_dir_all(&policies).unwrap();
    fs::write(policies.join("org.freedesktop.timedate1.conf"), POLICY).unwrap();
    let bus = PrivateBus::start(ground.path());
    let clock = Clock::host(Some(bus.address()), Belief::Synchronised);
    let follower = clock.clone();
    let following = tokio::spawn(async move { follower.follow().await });
    clock.doubt().await;
    assert_eq!(clock.read().unwrap().host_clock, Unsynchronised, "nobody answers");
    let says = Arc::new(AtomicBool::new(true));
    let timedated = timedated(&bus, &says).await;
    assert!(becomes(&clock, Synchronised).await);
    says.store(false, Ordering::SeqCst);
    assert!(becomes(&clock, Unsynchronised).await);
    says.store(true, Ordering::SeqCst);
    assert!(becomes(&clock, Synchronised).await);
    drop(timedated);
    drop(bus);
    assert!(becomes(&clock, Unsynchronised).await);
    following.abort();
}
