//! `enable` and its opposites, on a host whose `/etc` is a temporary one. systemd and sshd are those
//! of the machine tests (`tests/tests/machine/enable.rs`).

use std::{fs, process::Command};

use fob_api::StatusReport;

use crate::doctor::Over;
use crate::fake::{Ended, Fake, Reply, Terminal, assigned, can_run, run, user};

const SUDO: &str = "#%PAM-1.0\n@include common-auth\n";
const WITH_CODE: &str = "#%PAM-1.0\n@include common-auth\n\
    # The code of the user's token: see pam_fob(8).\nauth required pam_fob.so\n";
const DIFFERENCE: &str = "--- /etc/pam.d/sudo\n+++ /etc/pam.d/sudo\n@@ -1,2 +1,4 @@\n #%PAM-1.0\n \
    @include common-auth\n+# The code of the user's token: see pam_fob(8).\n+auth required pam_fob.so\n";

/// A host with one service, and root, who has a token or none.
struct Host(Over);

impl Host {
    fn new() -> Self {
        let over = Over::debian();
        over.file("etc/passwd", "root:x:0:0::/root:/bin/sh\n");
        over.file("etc/group", "root:x:0:\n");
        for service in ["sudo-i", "su", "login", "polkit-1", "sshd"] {
            fs::remove_file(over.path(&format!("etc/pam.d/{service}"))).unwrap();
        }
        Self(over)
    }

    fn sudo(&self) -> String {
        fs::read_to_string(self.0.path("etc/pam.d/sudo")).unwrap()
    }

    fn command(&self, fake: &Fake, args: &[&str]) -> Command {
        let inner = fake.command(args);
        let mut command = self.0.command();
        command.arg(inner.get_program());
        for word in inner.get_args() {
            if word == "--" && self.0.path("systemctl").exists() {
                command.args(["--dir", "/run/systemd/system"]); // as systemd does (sd_booted(3))
            }
            command.arg(word);
        }
        command
    }

    fn run(&self, calls: &[(&'static str, Reply)], args: &[&str]) -> Ended {
        let fake = Fake::new(calls);
        run(self.command(&fake, args), "")
    }
}

fn status() -> (&'static str, Reply) {
    ("Status", Reply::Status(StatusReport::default()))
}

/// root, with so many tokens.
fn root(tokens: usize) -> (&'static str, Reply) {
    let tokens = vec![assigned("2300512345", "root"); tokens];
    ("ShowUser root", Reply::User(user("root", 0, &tokens)))
}

const ENABLE: [&str; 4] = ["enable", "--yes", "--without-revert", "sudo"];

#[test]
fn a_dry_run_shows_the_difference_and_asks_nobody() {
    if !can_run() {
        return;
    }
    let host = Host::new();
    host.run(&[], &["enable", "--dry-run", "sudo"]).printed(DIFFERENCE);
    assert_eq!(host.sudo(), SUDO);
}

#[test]
fn the_line_is_written_listed_left_as_it_is_and_taken_out() {
    if !can_run() {
        return;
    }
    let host = Host::new();
    let said = format!("{DIFFERENCE}These ask for the code now: sudo.\n");
    host.run(&[status(), root(1), status()], &ENABLE).printed(&said);
    assert_eq!(host.sudo(), WITH_CODE);
    // Beside it stands what the machine itself has in /usr/lib/pam.d.
    let table = host.run(&[], &["enable"]).stdout;
    let row = table.lines().find(|line| line.starts_with("sudo "));
    let cells: Vec<&str> = row.unwrap().split_whitespace().collect();
    assert_eq!(cells, ["sudo", "behind", "the", "password", "fobctl", "-", "/etc/pam.d/sudo:4"]);
    let json = host.run(&[], &["enable", "--json"]).stdout;
    let rows: serde_json::Value = serde_json::from_str(&json).unwrap();
    let rows = rows.as_array().unwrap();
    let sudo = rows.iter().find(|row| row["service"] == "sudo").unwrap();
    assert_eq!(
        (&sudo["asks"], &sudo["with"], &sudo["line"]),
        (&true.into(), &"password".into(), &4.into())
    );
    let same = "/etc/pam.d/sudo has the code's line already.\nNothing is changed.\n";
    host.run(&[status()], &ENABLE).printed(same);
    let ended = host.run(&[], &["disable", "--yes", "sudo"]);
    assert!(ended.stdout.contains("-auth required pam_fob.so\n"), "{ended:?}");
    assert_eq!((ended.status, host.sudo().as_str()), (0, SUDO));
}

#[test]
fn a_rule_about_who_is_asked_is_a_part_of_the_difference_and_needs_a_fobd_that_is_restarted() {
    if !can_run() {
        return;
    }
    let host = Host::new();
    let args = ["enable", "--dry-run", "sudo", "--group", "root", "--from", "2100-01-01"];
    let difference = host.run(&[], &args).stdout;
    let rules = "+[[rule]]\n+group = \"root\"\n+service = \"sudo\"\n+ask = \"enrol-by 2099-12-31\"\n\
        +[[rule]]\n+service = \"sudo\"\n+ask = \"ignore\"\n";
    assert!(difference.contains(rules) && difference.ends_with(DIFFERENCE), "{difference}");
    let args = ["enable", "--yes", "--without-revert", "sudo", "--from", "2100-01-01"];
    let ended = host.run(&[status(), root(1)], &args);
    assert!(ended.stderr.starts_with("fobctl: no systemd runs here that could start"), "{ended:?}");
    assert_eq!((ended.status, host.sudo().as_str()), (1, SUDO));
}

#[test]
fn without_a_terminal_and_without_yes_nothing_is_written() {
    if !can_run() {
        return;
    }
    let host = Host::new();
    let ended = host.run(&[status(), root(1)], &["enable", "--without-revert", "sudo"]);
    let refused = "fobctl: it asks before it writes, and there is no terminal.\n\
        hint: add --yes, or run it in a terminal.\n";
    assert_eq!((ended.status, ended.stderr.as_str()), (2, refused));
    assert_eq!(host.sudo(), SUDO);
}

#[test]
fn while_fobd_observes_nothing_is_written_that_nobody_could_confirm() {
    if !can_run() {
        return;
    }
    let host = Host::new();
    let observes = StatusReport { mode: Some("observe".to_owned()), ..StatusReport::default() };
    let observes = || ("Status", Reply::Status(observes.clone()));
    let ended = host.run(&[observes()], &["enable", "--yes", "sudo"]);
    let said = "fobctl: fobd only observes: it accepts no code by which this could be confirmed.\n";
    assert!(ended.status == 1 && ended.stderr.starts_with(said), "{ended:?}");
    assert_eq!(host.sudo(), SUDO);
    host.run(&[observes(), root(1), observes()], &ENABLE);
    assert_eq!(host.sudo(), WITH_CODE);
}

#[test]
fn a_person_is_asked_before_anything_is_written() {
    if !can_run() {
        return;
    }
    let host = Host::new();
    for (answer, calls, text) in [
        ("", vec![status(), root(1)], SUDO),
        ("n", vec![status(), root(1)], SUDO),
        ("y", vec![status(), root(1), status()], WITH_CODE),
    ] {
        let fake = Fake::new(&calls);
        let mut terminal =
            Terminal::start(host.command(&fake, &["enable", "--without-revert", "sudo"]));
        terminal.shows("Write this? [y/N] ");
        terminal.types(answer);
        let ended = terminal.ends();
        assert_eq!(ended.status, i32::from(text == SUDO), "{ended:?}");
        assert_eq!(host.sudo(), text);
    }
}

#[test]
fn it_refuses_where_nothing_would_take_it_back_or_nobody_could() {
    if !can_run() {
        return;
    }
    let host = Host::new();
    let ended = host.run(&[status(), root(1)], &["enable", "--yes", "sudo"]);
    assert!(ended.stderr.starts_with("fobctl: no systemd runs here"), "{ended:?}");
    let ended = host.run(&[status(), root(0)], &ENABLE);
    assert!(ended.stderr.starts_with("fobctl: no administrator has a token"), "{ended:?}");
    assert!(ended.stderr.contains("--i-will-be-locked-out="), "{ended:?}");
    assert_eq!((ended.status, host.sudo().as_str()), (1, SUDO));
}

#[test]
fn what_the_doctor_finds_is_taken_back_at_once() {
    if !can_run() {
        return;
    }
    let host = Host::new();
    let text = format!("auth sufficient pam_permit.so\n{SUDO}");
    host.0.file("etc/pam.d/sudo", &text);
    let ended = host.run(&[status(), root(1), status()], &ENABLE);
    assert!(ended.stderr.contains("So it was taken back"), "{ended:?}");
    assert!(ended.stderr.contains("/etc/pam.d/sudo:1"), "{ended:?}");
    assert_eq!((ended.status, host.sudo()), (1, text));
}

#[test]
fn a_line_that_is_there_and_asks_nobody_is_told() {
    if !can_run() {
        return;
    }
    let host = Host::new();
    let edited = WITH_CODE.replace("auth required pam_fob", "auth optional pam_fob");
    host.0.file("etc/pam.d/sudo", &edited);
    let ended = host.run(&[status()], &ENABLE);
    assert!(ended.stdout.ends_with("Nothing is changed.\n"), "{ended:?}");
    assert!(ended.stderr.contains("/etc/pam.d/sudo:4"), "{ended:?}");
    assert!(!ended.stderr.contains("taken back"), "{ended:?}");
    assert_eq!((ended.status, host.sudo()), (1, edited));
}

#[test]
fn what_it_cannot_do_is_refused_with_what_can() {
    if !can_run() {
        return;
    }
    let host = Host::new();
    let link = host.0.path("etc/pam.d/linked");
    std::os::unix::fs::symlink("sudo", link).unwrap();
    for (args, status, said) in [
        (&["enable", "--with", "publickey", "sudo"][..], 2, "only sshd checks a key"),
        (&["enable", "--with", "one-field", "sshd"], 2, "it needs no one field"),
        (&["enable", "--group", "strangers", "sudo"], 1, "the host knows no group \"strangers\"."),
        (&["enable", "--from", "2020-01-01", "sudo"], 2, "2020-01-01 is no day to come (UTC)."),
        (&["enable", "--from", "1.1.2030", "sudo"], 2, "it is no day; write one as 2027-01-01"),
        (&["enable", "--from", "2030-01-01"], 2, "required arguments were not provided"),
        (&["enable", "--everybody", "--group", "root", "sudo"], 2, "cannot be used with"),
        (&["enable", "nothing"], 1, "there is no PAM service \"nothing\""),
        (&["enable", "linked"], 1, "/etc/pam.d/linked: it is a link to sudo."),
        (&["disable", "nothing"], 1, "there is no PAM service \"nothing\""),
        (&["confirm"], 1, "no change waits for a confirmation"),
    ] {
        let ended = host.run(&[], args);
        assert_eq!(ended.status, status, "{ended:?}");
        assert!(ended.stderr.contains(said), "{ended:?}");
    }
    host.run(&[], &["revert"]).printed("There is nothing to take back.\n");
}

#[test]
fn of_a_change_in_another_form_what_can_be_read_is_taken_back_and_the_rest_is_kept() {
    use std::os::unix::fs::PermissionsExt as _;
    if !can_run() {
        return;
    }
    let host = Host::new();
    host.0.file("etc/pam.d/sudo", WITH_CODE);
    let of = |path: &str| serde_json::json!({ "path": path, "before": SUDO, "after": WITH_CODE });
    let (whole, other) = (of("/etc/pam.d/sudo"), of("/var/lib/fobd/tokens/db"));
    let files = [serde_json::json!({ "path": "/etc/pam.d/su" }), whole, other];
    let odd = serde_json::json!({ "version": 9, "services": ["sudo", 3], "files": files });
    let put = |text: &str| {
        host.0.file("var/lib/fob-enable/pending", text);
        let folder = host.0.path("var/lib/fob-enable");
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
    };
    let refused = "fobctl: /var/lib/fob-enable/pending: it has a form that this fobctl does not know.\n\
        hint: \"fobctl revert\" takes back what it can read";
    put(&odd.to_string());
    for args in [&["confirm"][..], &["disable", "--yes", "sudo"], &["enable"]] {
        let ended = host.run(&[], args);
        assert!(ended.stderr.contains(refused), "{ended:?}");
    }
    assert_eq!(host.sudo(), WITH_CODE);
    let ended = host.run(&[], &["revert"]);
    assert_eq!(ended.stdout, "/etc/pam.d/sudo is as it was.\n", "{ended:?}");
    assert!(
        ended.stderr.contains("there may be more.\nhint: look at what it was in "),
        "{ended:?}"
    );
    assert_eq!((ended.status, host.sudo().as_str()), (1, SUDO));
    let kept = |name: &str| fs::read_to_string(host.0.path(&format!("var/lib/fob-enable/{name}")));
    assert_eq!(kept("pending.unread").unwrap(), odd.to_string());
    assert!(kept("pending").is_err());
    // Of what is no JSON nothing can be read: it stays where it is.
    put("half of a fi");
    let ended = host.run(&[], &["revert"]);
    assert!(ended.stderr.contains(refused), "{ended:?}");
    assert_eq!(kept("pending").unwrap(), "half of a fi");
}

/// Notes what it is asked, and how many lines ask for the code then.
const SYSTEMCTL: &str = "#!/bin/sh\n\
    echo \"$* $(grep -c pam_fob.so /etc/pam.d/sudo)\" >>/var/lib/asked\n";

#[test]
fn while_a_change_for_good_is_written_the_time_runs_and_no_revert_that_waits_is_at_work() {
    if !can_run() {
        return;
    }
    let host = Host::new();
    if !host.0.systemctl(SYSTEMCTL) {
        return;
    }
    let ended = host.run(&[status(), root(1), status()], &ENABLE);
    assert_eq!((ended.status, host.sudo().as_str()), (0, WITH_CODE), "{ended:?}");
    let asked = || fs::read_to_string(host.0.path("var/lib/asked")).unwrap();
    let armed = "is-enabled --quiet fob-revert.service LINE\nrestart fob-revert.timer LINE\n\
        stop fob-revert.service LINE\n";
    assert_eq!(asked(), armed.replace("LINE", "0") + "stop fob-revert.timer 1\n");
    fs::remove_file(host.0.path("var/lib/asked")).unwrap();
    host.run(&[], &["disable", "--yes", "sudo"]);
    assert_eq!(asked(), armed.replace("LINE", "1") + "stop fob-revert.timer 0\n");
}
