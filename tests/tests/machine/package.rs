//! The Debian package: what it changes and what it leaves alone, from the first installation to the
//! purge. `./tests/run` makes it.

use fob_tests::host::{Host, Person};
use fob_tests::soft_token::SoftToken;

/// Installs without a network, and asks nothing.
const INSTALL: &str = "export DEBIAN_FRONTEND=noninteractive; apt-get -qq -y install";

/// The checksums of all that decides on who is asked for what.
const PAM_FILES: &str = "find /etc/pam.d /etc/pam.conf /usr/lib/pam.d /etc/security -type f \
    -exec sha256sum {} + 2>/dev/null | sort";

/// A machine with the package.
fn packaged() -> Host {
    let host = Host::without_fob();
    host.bring_packages();
    host.shell(&format!("{INSTALL} /root/fob.deb"));
    host
}

/// A machine with the package, alice with her token, and the code asked for behind every password.
fn enabled() -> (Host, Person, SoftToken) {
    let host = packaged();
    let (alice, token) = host.person_with_button_token("alice");
    host.shell("DEBIAN_FRONTEND=noninteractive pam-auth-update --enable fob");
    (host, alice, token)
}

#[test]
fn the_package_changes_no_pam_file_and_its_daemon_runs() {
    let host = Host::without_fob();
    host.bring_packages();
    let before = host.shell(PAM_FILES);
    assert!(before.lines().count() > 10, "{before}");
    host.shell(&format!("{INSTALL} /root/fob.deb"));
    assert_eq!(host.shell(PAM_FILES), before);
    let report = host.shell(
        "systemctl is-active fobd.socket fobd.service
         systemctl is-enabled fobd.socket fobd.service
         fobctl status >/dev/null && echo answers
         busctl --no-legend introspect org.fobd.Fob1 /org/fobd/Fob1 org.fobd.Fob1 | grep -c method
         stat -c '%a %U %n' /var/lib/fobd /etc/fob/fobd.conf /usr/lib/*/security/pam_fob.so
         grep -c pam_fob /etc/pam.d/common-auth || true",
    );
    let lines: Vec<&str> = report.lines().collect();
    assert_eq!(lines[..5], ["active", "active", "enabled", "enabled", "answers"], "{report}");
    assert!(lines[5].parse::<u32>().is_ok_and(|methods| methods > 20), "{report}");
    assert_eq!(lines[6..8], ["700 fob /var/lib/fobd", "644 root /etc/fob/fobd.conf"]);
    assert!(lines[8].starts_with("644 root /usr/lib/"), "{report}");
    assert_eq!(lines[9], "0");
}

#[test]
fn with_the_profile_on_the_code_is_asked_for_behind_the_right_password_alone() {
    let (host, alice, mut token) = enabled();
    let wrong = host.sudo(&alice).password("not that").run();
    assert!(!wrong.asked_for_a_code(), "{wrong:?}");
    wrong.assert_did_not_run_as("root");
    let seen = host.sudo(&alice).password(alice.password).code(&token.next_code()).run();
    seen.assert_signed_in_as("root");
    let code = token.wrong_code(token.step_at(host.now()), 100);
    let seen = host.sudo(&alice).password(alice.password).code(&code).run();
    seen.assert_refused_at_the_code("root");
}

#[test]
fn with_the_other_profile_on_who_has_no_token_is_not_asked() {
    let (host, alice, mut token) = enabled();
    let bob = host.person("bob");
    host.sudo(&bob).password(bob.password).code("123456").run().assert_refused_at_the_code("root");
    host.shell(
        "export DEBIAN_FRONTEND=noninteractive
         pam-auth-update --disable fob && pam-auth-update --enable fob-nullok",
    );
    let seen = host.sudo(&bob).password(bob.password).run();
    assert!(!seen.asked_for_a_code(), "{seen:?}");
    seen.assert_runs_as("root");
    let seen = host.sudo(&alice).password(alice.password).code(&token.next_code()).run();
    seen.assert_signed_in_as("root");
}

#[test]
fn the_package_is_not_removed_while_a_line_of_pam_names_the_module() {
    let (host, alice, mut token) = enabled();
    host.shell(
        "printf '# pam_fob.so\\n\\nauth required pam_fob.so\\n' >/etc/pam.d/own
         sed -i 's/^auth.*pam_fob.so/& noecho/' /etc/pam.d/common-auth
         echo 'account optional pam_fob.so' >>/etc/pam.d/common-auth",
    );
    let before = host.shell(PAM_FILES);
    let refused = host.try_feed("DEBIAN_FRONTEND=noninteractive apt-get -y remove fob", b"");
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr) + String::from_utf8_lossy(&refused.stdout);
    assert!(said.contains("/etc/pam.d/own:3:auth required pam_fob.so"), "{said}");
    assert!(said.contains(":account optional pam_fob.so"), "{said}");
    // Neither the comment nor the profile's own line.
    assert!(!said.contains("/etc/pam.d/own:1:") && !said.contains("noecho"), "{said}");
    // Nothing was taken out, and nobody noticed.
    assert_eq!(host.shell(PAM_FILES), before);
    host.shell("systemctl is-active fobd && dpkg-query -W -f '${db:Status-Status}' fob | grep -qx installed");
    let seen = host.sudo(&alice).password(alice.password).code(&token.next_code()).run();
    seen.assert_signed_in_as("root");
}

#[test]
fn a_removal_takes_the_profile_out_and_leaves_the_tokens() {
    let host = Host::without_fob();
    host.bring_packages();
    let before = host.shell(PAM_FILES);
    host.shell(&format!("{INSTALL} /root/fob.deb"));
    let (alice, mut token) = host.person_with_button_token("alice");
    let tokens = host.shell("fobctl list --json");
    host.shell("DEBIAN_FRONTEND=noninteractive pam-auth-update --enable fob");
    host.shell("grep -q pam_fob /etc/pam.d/common-auth");
    host.shell("DEBIAN_FRONTEND=noninteractive apt-get -qq -y remove fob");
    assert_eq!(host.shell(PAM_FILES), before);
    host.shell(
        "! systemctl is-active --quiet fobd.service && ! systemctl is-active --quiet fobd.socket",
    );
    let seen = host.sudo(&alice).password(alice.password).run();
    assert!(!seen.asked_for_a_code(), "{seen:?}");
    seen.assert_runs_as("root");
    // Installed again, it goes on with them.
    host.shell(&format!("{INSTALL} /root/fob.deb && pam-auth-update --enable fob"));
    assert_eq!(host.shell("fobctl list --json"), tokens);
    let seen = host.sudo(&alice).password(alice.password).code(&token.next_code()).run();
    seen.assert_signed_in_as("root");
}

#[test]
fn a_purge_keeps_the_tokens_unless_it_was_told_otherwise() {
    let host = packaged();
    host.button_token("B");
    let purge = "export DEBIAN_FRONTEND=noninteractive; apt-get -qq -y purge fob 2>&1";
    let said = host.shell(purge);
    assert!(said.contains("the tokens in /var/lib/fobd were kept"), "{said}");
    host.shell("test -e /var/lib/fobd/tokens && ! test -e /etc/fob");
    host.shell(&format!("{INSTALL} /root/fob.deb && fobctl list | grep -q B-"));
    host.shell("echo fob fob/purge-tokens boolean true | debconf-set-selections");
    host.shell(purge);
    let left = host.shell(
        "find / -xdev \\( -iname '*fobd*' -o -name '*fobctl*' -o -name '*pam_fob*' -o -name fob \\) \\
           -not -path '/proc/*' -not -path '/sys/*' -not -path '/root/*' -not -path '/var/log/*'",
    );
    assert_eq!(left, "");
}

#[test]
fn a_purge_asks_whether_the_tokens_go() {
    let host = packaged();
    for (answer, left) in [("no", "kept\n"), ("yes", "deleted\n")] {
        let report = host.shell(&format!(
            "echo {answer} | DEBIAN_FRONTEND=teletype dpkg --purge fob >/root/said 2>&1
             grep -q 'Delete the tokens of all users?' /root/said
             test -e /var/lib/fobd/tokens && echo kept || echo deleted
             {INSTALL} /root/fob.deb >/dev/null"
        ));
        assert_eq!(report, left);
    }
}

#[test]
fn a_host_that_lost_its_tokens_is_not_set_up_again() {
    let host = packaged();
    host.shell("systemctl stop fobd.socket fobd && mv /var/lib/fobd /root/lost");
    let said = host.shell(&format!("{INSTALL} --reinstall /root/next.deb 2>&1"));
    assert!(said.contains("/var/lib/fobd is missing, and this host is not new"), "{said}");
    host.shell("! test -e /var/lib/fobd/tokens && ! systemctl is-active --quiet fobd");
    // Neither is one whose files of PAM expect Fob, though the package is new to it.
    host.shell(
        "export DEBIAN_FRONTEND=noninteractive
         apt-get -qq -y purge fob && rm -rf /var/lib/fobd
         printf 'auth required pam_fob.so nullok\\n' >/etc/pam.d/own
         apt-get -qq -y install /root/fob.deb",
    );
    host.shell("! test -e /var/lib/fobd/tokens && ! systemctl is-active --quiet fobd");
}

#[test]
fn a_mistake_in_the_settings_leaves_the_daemon_that_runs_alone() {
    let host = packaged();
    host.shell("echo 'window_step = 1' >>/etc/fob/fobd.conf");
    let old = host.shell("systemctl show --value -p MainPID fobd");
    let upgrade = host.try_feed(&format!("{INSTALL} /root/next.deb"), b"");
    assert!(!upgrade.status.success());
    let said = String::from_utf8_lossy(&upgrade.stderr) + String::from_utf8_lossy(&upgrade.stdout);
    assert!(said.contains("there is no setting \"window_step\""), "{said}");
    assert_eq!(host.shell("systemctl show --value -p MainPID fobd"), old);
    host.shell(
        "fobctl status && sed -i '$d' /etc/fob/fobd.conf && dpkg --configure fob && fobctl status",
    );
    assert_ne!(host.shell("systemctl show --value -p MainPID fobd"), old);
}

/// Eight people sign in, each again and again with the codes of a token of his own, while the package
/// is replaced four times.
#[test]
fn nobody_is_refused_during_an_upgrade() {
    let (host, ..) = enabled();
    let before = host.shell("sha256sum /etc/pam.d/common-auth");
    host.shell(
        "printf 'auth required pam_fob.so\\naccount required pam_permit.so\\n' >/etc/pam.d/probe",
    );
    let mut codes = String::new();
    for _ in 0..8 {
        let (person, mut token) = host.person_with_button_token("alice");
        let shown: Vec<String> = (0..3000).map(|_| token.next_code()).collect();
        codes.push_str(&format!("{} {}\n", person.name, shown.join(" ")));
    }
    let report = host.feed(
        "folder=$(mktemp -d)
         while read -r user codes; do
           {
             for code in $codes; do
               [ ! -e $folder/stop ] || break
               pamtester probe $user authenticate <<<$code >>$folder/$user.out 2>&1 &&
                 echo accepted || echo refused
             done
           } >$folder/$user.seen &
         done
         export DEBIAN_FRONTEND=noninteractive
         for package in next fob next fob; do
           dpkg -i /root/$package.deb >$folder/dpkg 2>&1 || { cat $folder/dpkg; echo broken; }
           sleep 1
         done
         touch $folder/stop
         wait
         cat $folder/*.seen | sort | uniq -c | tr -s ' '
         for user in $folder/*.seen; do tail -n 1 $user; done | grep -c accepted",
        codes.as_bytes(),
    );
    let lines: Vec<&str> = report.lines().map(str::trim).collect();
    let [counts, last] = lines.as_slice() else { panic!("somebody was refused:\n{report}") };
    let (count, word) = counts.split_once(' ').expect("a count and a word");
    assert_eq!((word, *last), ("accepted", "8"), "{report}");
    assert!(count.parse::<u32>().is_ok_and(|count| count > 100), "{report}");
    assert_eq!(host.shell("sha256sum /etc/pam.d/common-auth"), before);
    let version = host.shell("dpkg-query -W -f '${Version}' fob");
    assert!(!version.ends_with("+next"), "{version}");
    host.shell("! readlink /proc/$(systemctl show --value -p MainPID fobd)/exe | grep deleted");
}

#[test]
fn people_sign_in_whenever_dpkg_was_killed() {
    let (host, alice, mut token) = enabled();
    let mut unfinished = 0;
    for tenths in [1, 2, 3, 4, 6, 8, 11, 15] {
        // With all that it has started: the package's scripts too.
        let state = host.shell(&format!(
            "export DEBIAN_FRONTEND=noninteractive
             setsid dpkg -i /root/next.deb >/dev/null 2>&1 &
             sleep {}.{}
             kill -KILL -- -$! 2>/dev/null || true
             wait
             dpkg-query -W -f '${{db:Status-Status}} ${{Version}}' fob",
            tenths / 10,
            tenths % 10,
        ));
        unfinished += u32::from(state != "installed 0.1.0+next");
        let seen = host.sudo(&alice).password(alice.password).code(&token.next_code()).run();
        seen.assert_signed_in_as("root");
        host.shell("DEBIAN_FRONTEND=noninteractive dpkg -i /root/fob.deb && fobctl status");
    }
    assert!(unfinished > 1, "dpkg was through each time: nothing was shown");
}
