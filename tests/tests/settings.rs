//! The configuration file and the real daemon: what it takes, and that it starts with nothing else.

#![allow(clippy::unwrap_used, reason = "a failure here is the test's failure")]

use std::{
    path::Path,
    process::{Command, Output},
};

use fob_tests::{
    daemon::{Daemon, Ground, write_settings},
    needs,
};

fn fobd(arguments: &[&str], settings: &Path) -> Output {
    Command::new(needs::built("fobd"))
        .args(arguments)
        .arg(format!("--config={}", settings.display()))
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_daemon_starts_with_the_settings_of_its_file_and_says_which() {
    let ground = Ground::new();
    write_settings(&ground.path().join("fobd.conf"), "pair_own_seconds = 600\n");
    let daemon = Daemon::start(ground.path(), None);
    daemon.wait_for("set=\"pair_own_seconds = 600\"");
}

#[test]
fn the_daemon_says_its_rules_and_that_nothing_is_enforced_when_it_starts() {
    let ground = Ground::new();
    let settings = "mode = \"observe\"\n[[rule]]\nuser = \"alice\"\nask = \"ignore\"\n";
    write_settings(&ground.path().join("fobd.conf"), settings);
    let daemon = Daemon::start(ground.path(), None);
    daemon.wait_for("observing file=");
    daemon.wait_for("rule=\"1\" line=\"2\" set=\"user alice: ignore\"");
}

#[test]
fn a_rule_that_is_never_reached_keeps_the_daemon_from_starting() {
    let ground = Ground::new();
    let settings = ground.path().join("fobd.conf");
    write_settings(&settings, "[[rule]]\nask = \"ignore\"\n[[rule]]\nask = \"require\"\n");
    let ended = fobd(&["--check-config"], &settings);
    assert_eq!((ended.status.code(), text(&ended.stdout)), (Some(1), String::new()));
    let told = text(&ended.stderr);
    assert!(told.contains(", line 3, column 1: rule 1 has no selector"), "{told}");
}

#[test]
fn a_mistake_in_the_configuration_keeps_the_daemon_from_starting() {
    let ground = Ground::new();
    drop(Daemon::start(ground.path(), None));
    let (state, socket) = (ground.path().join("state"), ground.path().join("other"));
    let settings = ground.path().join("fobd.conf");
    write_settings(&settings, "window_steps = 2\nwindow_step = 2\n");
    let places = [format!("--state={}", state.display()), format!("--socket={}", socket.display())];
    let arguments = [places[0].as_str(), places[1].as_str(), "--no-bus"];
    let ended = fobd(&arguments, &settings);
    assert_eq!(ended.status.code(), Some(1));
    let expected = format!(
        "fobd: {}, line 2, column 1: there is no setting \"window_step\".\n\
         hint: did you mean window_steps? The README lists all settings.\n",
        settings.display()
    );
    assert_eq!(text(&ended.stderr), expected);
    assert!(!socket.exists(), "it listened");
}

#[test]
fn check_config_prints_the_numbers_in_force_and_touches_nothing() {
    let ground = Ground::new();
    let settings = ground.path().join("fobd.conf");
    write_settings(&settings, "\nwindow_steps = 2\n");
    let shown = fobd(&["--check-config", "--state=/nowhere/at/all"], &settings);
    assert!(shown.status.success(), "{}", text(&shown.stderr));
    let table = text(&shown.stdout);
    let line = table.lines().find(|line| line.starts_with("window_steps")).unwrap();
    let cells: Vec<&str> = line.split_whitespace().collect();
    let path = format!("{},", settings.display());
    assert_eq!(cells, ["window_steps", "2", "steps", "1", "to", "4", &path, "line", "2"]);
    assert_eq!(std::fs::read_dir(ground.path()).unwrap().count(), 1);
}

#[test]
fn check_config_fails_on_a_mistake() {
    let ground = Ground::new();
    let settings = ground.path().join("fobd.conf");
    write_settings(&settings, "window_steps = 9\n");
    let ended = fobd(&["--check-config"], &settings);
    assert_eq!((ended.status.code(), text(&ended.stdout)), (Some(1), String::new()));
    assert!(text(&ended.stderr).contains("window_steps must be a whole number, 1 to 4.\nhint: "));
}
