//! A user who is not root comes over the system bus, whatever his environment says.

use crate::fake::{Bus, Fake, Reply, run, user};

#[test]
fn a_user_reaches_roots_daemon_on_the_system_bus() {
    let Some(bus) = Bus::start() else { return };
    let nobody = Reply::User(user("nobody", 65534, &[]));
    let _fake = Fake::on_bus(&bus, 0, &[("ShowUser nobody", nobody)]);
    run(bus.as_nobody(&["show"]), "").printed("user    nobody\nuid     65534\ntokens  none\n");
}

#[test]
fn the_environment_cannot_choose_the_daemon() {
    let (Some(bus), Some(other)) = (Bus::start(), Bus::start()) else { return };
    let nobody = Reply::User(user("nobody", 65534, &[]));
    let _fake = Fake::on_bus(&bus, 0, &[("ShowUser nobody", nobody)]);
    // An empty script: a call that reaches it fails the test.
    let _hostile = Fake::on_bus(&other, 0, &[]);
    let mut command = bus.as_nobody(&["show"]);
    command.env("DBUS_SYSTEM_BUS_ADDRESS", other.address());
    command.env("DBUS_STARTER_ADDRESS", other.address());
    run(command, "").printed("user    nobody\nuid     65534\ntokens  none\n");
}

#[test]
fn a_daemon_that_is_not_roots_is_not_asked() {
    let Some(bus) = Bus::start_seeing_root_as(5) else { return };
    let _fake = Fake::on_bus(&bus, 5, &[]);
    run(bus.as_nobody(&["show"]), "").failed(
        4,
        "fobctl: org.fobd.Fob1 on the system bus belongs to uid 5, neither root's nor fobd's own.\n\
         hint: tell the administrator: a program poses as fobd.\n",
    );
}

#[test]
fn a_daemon_that_owns_its_state_folder_is_asked() {
    let Some(bus) = Bus::start_seeing_root_as(5) else { return };
    let nobody = Reply::User(user("nobody", 65534, &[]));
    let _fake = Fake::on_bus(&bus, 5, &[("ShowUser nobody", nobody)]);
    let state = tempfile::tempdir().unwrap();
    let folder = state.path().join("fobd");
    std::fs::create_dir(&folder).unwrap();
    std::os::unix::fs::chown(&folder, Some(5), Some(5)).unwrap();
    run(bus.as_nobody_with_state(state.path(), &["show"]), "")
        .printed("user    nobody\nuid     65534\ntokens  none\n");
    std::fs::rename(&folder, state.path().join("real")).unwrap();
    std::os::unix::fs::symlink("real", &folder).unwrap();
    std::os::unix::fs::lchown(&folder, Some(5), Some(5)).unwrap();
    let seen = run(bus.as_nobody_with_state(state.path(), &["show"]), "");
    seen.failed(
        4,
        "fobctl: org.fobd.Fob1 on the system bus belongs to uid 5, neither root's nor fobd's own.\n\
         hint: tell the administrator: a program poses as fobd.\n",
    );
}

#[test]
fn a_bus_without_the_daemon_does_not_answer() {
    let Some(bus) = Bus::start() else { return };
    run(bus.as_nobody(&["show"]), "")
        .failed(4, "fobctl: fobd does not answer.\nhint: run \"systemctl status fobd\".\n");
}

#[test]
fn the_bus_policys_refusal_is_a_missing_right() {
    let Some(bus) = Bus::start_denying("Deactivate") else { return };
    let _fake = Fake::on_bus(&bus, 0, &[]);
    run(bus.as_nobody(&["deactivate", "bob"]), "").failed(
        3,
        "fobctl: deactivate is not yours to do.\nhint: run \"sudo fobctl deactivate\".\n",
    );
}
