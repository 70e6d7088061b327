//! The package's scripts, each ended at each of its steps; and whom they refuse as the daemon's user.

use fob_tests::{
    host::{Host, Person},
    soft_token::SoftToken,
};

use super::{INSTALL, PAM_FILES, STATE, enabled};

/// What the scripts call: each call is a step.
const STEPS: &str = "deb-systemd-helper deb-systemd-invoke fobd id pam-auth-update rm rmdir \
    systemctl systemd-sysusers";

/// Puts programs before those: at the step whose number is in `/root/stop`, all that dpkg has started is
/// killed, dpkg with it.
fn bring_stops(host: &Host) {
    host.feed(
        &format!(
            "mkdir /root/stops && cd /root/stops && cat >id && chmod +x id
             for name in {STEPS}; do [ $name = id ] || ln id $name; done"
        ),
        b"#!/bin/sh
name=${0##*/}
echo \"$name $*\" >>/root/steps
[ \"$(wc -l </root/steps)\" != \"$(cat /root/stop)\" ] || kill -KILL 0
PATH=${PATH#/root/stops:} exec \"$name\" \"$@\"
",
    );
}

/// Runs dpkg up to a step and kills it there; tells at which one, or nothing if there are fewer.
fn ended_at(host: &Host, step: usize, dpkg: &str) -> Option<String> {
    let report = host.shell(&format!(
        "echo {step} >/root/stop; : >/root/steps
         DEBIAN_FRONTEND=noninteractive PATH=/root/stops:$PATH setsid --wait dpkg {dpkg} >/root/said 2>&1
         echo $?; tail -n 1 /root/steps"
    ));
    assert!(report.contains('\n'), "no code and no step: {report}");
    let (code, last) = report.split_once('\n').unwrap_or_default();
    (code != "0").then(|| last.trim().to_owned())
}

/// alice is asked for her code and gets in with it, or nobody is asked any more.
fn signs_in(host: &Host, alice: &Person, token: &mut SoftToken, step: &str) {
    let is_asked = host.try_feed("grep -q pam_fob /etc/pam.d/common-auth", b"").status.success();
    if is_asked {
        let seen = host.sudo(alice).password(alice.password).code(&token.next_code()).run();
        assert!(seen.asked_for_a_code(), "{step}: {seen:?}");
        seen.assert_signed_in_as("root");
    } else {
        let seen = host.sudo(alice).password(alice.password).run();
        assert!(!seen.asked_for_a_code(), "{step}: {seen:?}");
        seen.assert_runs_as("root");
    }
}

// U7 of threats.md.
#[test]
fn an_upgrade_that_was_killed_at_any_step_of_its_scripts_is_taken_up_again() {
    let (host, alice, mut token) = enabled();
    let before = host.shell(PAM_FILES);
    bring_stops(&host);
    let mut steps = 0;
    while let Some(step) = ended_at(&host, steps + 1, "-i /root/next.deb") {
        steps += 1;
        signs_in(&host, &alice, &mut token, &step);
        // What was not unpacked to its end is not configured, and dpkg says so: it is installed again.
        host.shell(&format!(
            "export DEBIAN_FRONTEND=noninteractive
             dpkg --configure -a || true
             [ \"$({STATE} | cut -d' ' -f1)\" = installed ] || dpkg -i /root/next.deb
             dpkg --audit | wc -l | grep -qx 0"
        ));
        host.shell("fobctl status && systemctl is-active fobd.socket fobd");
        signs_in(&host, &alice, &mut token, &step);
        assert_eq!(host.shell(PAM_FILES), before, "{step}");
        // From here on it is upgraded to itself, by the same steps.
    }
    assert!(steps > 8, "only {steps} steps: this test sees nothing");
}

#[test]
fn a_removal_that_was_killed_at_any_step_of_its_scripts_refuses_nobody() {
    let (host, alice, mut token) = enabled();
    bring_stops(&host);
    let mut steps = 0;
    while let Some(step) = ended_at(&host, steps + 1, "--remove fob") {
        steps += 1;
        signs_in(&host, &alice, &mut token, &step);
        // It is finished, or begun anew.
        host.shell(
            "export DEBIAN_FRONTEND=noninteractive
             dpkg --configure -a || true
             dpkg --remove fob
             ! grep -r pam_fob /etc/pam.d && ! systemctl is-active --quiet fobd",
        );
        signs_in(&host, &alice, &mut token, &step);
        host.shell(&format!("{INSTALL} /root/fob.deb && pam-auth-update --enable fob"));
        signs_in(&host, &alice, &mut token, &step);
    }
    assert!(steps > 3, "only {steps} steps: this test sees nothing");
}

// U13.
#[test]
fn the_package_takes_no_person_and_no_service_of_the_moment_for_its_user() {
    let host = Host::without_fob();
    host.bring_packages();
    for (uid, why) in [(1234, "is not a system account"), (61_200, "may be given to another")] {
        host.shell(&format!("useradd --uid {uid} --no-create-home fob"));
        let said = host.refuse(&format!("{INSTALL} /root/fob.deb 2>&1"));
        assert!(said.contains(&format!("the user fob has uid {uid}, which {why}")), "{said}");
        assert!(said.contains("hint: rename that user"), "{said}");
        host.shell(
            "! test -e /usr/sbin/fobd && ! test -e /var/lib/fobd && ! ls /usr/lib/*/security/pam_fob.so \
             && userdel fob",
        );
    }
    host.shell(&format!("{INSTALL} /root/fob.deb && fobctl status"));
}
