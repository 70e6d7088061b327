//! The Debian package: what it changes and what it leaves alone, from the first installation to the
//! purge. `./tests/run` makes it.

mod steps;

use fob_tests::host::{Host, Person};
use fob_tests::soft_token::SoftToken;

/// Installs without a network, and asks nothing.
const INSTALL: &str = "export DEBIAN_FRONTEND=noninteractive; apt-get -qq -y install";

/// The checksums of all that decides on who is asked for what: all but the service that Fob asks itself.
const PAM_FILES: &str = "find /etc/pam.d /etc/pam.conf /usr/lib/pam.d /etc/security -type f \
    ! -name fob-password -exec sha256sum {} + 2>/dev/null | sort";

/// The package's state in dpkg's words, and its version.
const STATE: &str = "dpkg-query -W -f '${db:Status-Status} ${Version}' fob";

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
         pam-auth-update --disable fob --enable fob-nullok",
    );
    let seen = host.sudo(&bob).password(bob.password).run();
    assert!(!seen.asked_for_a_code(), "{seen:?}");
    seen.assert_runs_as("root");
    let seen = host.sudo(&alice).password(alice.password).code(&token.next_code()).run();
    seen.assert_signed_in_as("root");
    // Who asks for both gets the strict one, in whichever order.
    host.shell("DEBIAN_FRONTEND=noninteractive pam-auth-update --enable fob");
    host.sudo(&bob).password(bob.password).code("123456").run().assert_refused_at_the_code("root");
    host.shell("DEBIAN_FRONTEND=noninteractive pam-auth-update --enable fob-nullok");
    host.sudo(&bob).password(bob.password).code("123456").run().assert_refused_at_the_code("root");
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
    let said = host.refuse("DEBIAN_FRONTEND=noninteractive apt-get -y remove fob");
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
    let said = host.shell("DEBIAN_FRONTEND=noninteractive apt-get -qq -y remove fob 2>&1");
    assert!(said.contains("nobody is asked for a code any more"), "{said}");
    assert!(said.contains("\"pam-auth-update --enable fob\""), "{said}");
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

/// The folder is a mount point, and another one lies in it, so that the first deletion fails.
#[test]
fn a_yes_to_the_deletion_is_good_once() {
    let host = packaged();
    host.shell(
        "systemctl stop fobd.socket fobd
         mkdir -p /srv/fob /srv/other && cp -a /var/lib/fobd/. /srv/fob && rm -r /var/lib/fobd/*
         mount --bind /srv/fob /var/lib/fobd
         mkdir /var/lib/fobd/other && mount --bind /srv/other /var/lib/fobd/other",
    );
    host.shell("echo fob fob/purge-tokens boolean true | debconf-set-selections");
    let purge = "DEBIAN_FRONTEND=noninteractive dpkg --purge fob 2>&1";
    host.refuse(purge);
    host.shell(&format!("umount /var/lib/fobd/other && {INSTALL} /root/fob.deb"));
    host.shell("rm -rf /var/lib/fobd/* && fobd --initialize && test -e /srv/fob/tokens");
    let said = host.shell(purge);
    assert!(said.contains("the tokens in /var/lib/fobd were kept"), "{said}");
    host.shell(&format!("test -e /srv/fob/tokens && {INSTALL} /root/fob.deb"));
    // The second yes: what is in the folder goes, and the mount point cannot.
    host.shell("echo fob fob/purge-tokens boolean true | debconf-set-selections");
    host.shell(purge);
    assert_eq!(host.shell("ls -A /srv/fob"), "");
}

#[test]
fn a_purge_leaves_what_an_installation_by_hand_needs() {
    let host = packaged();
    host.shell(
        "echo fob fob/purge-tokens boolean true | debconf-set-selections
         DEBIAN_FRONTEND=noninteractive apt-get -qq -y remove fob
         echo '[Service]' >/etc/systemd/system/fobd.service",
    );
    let said = host.shell("DEBIAN_FRONTEND=noninteractive dpkg --purge fob 2>&1");
    assert!(
        said.contains("/etc/systemd/system/fobd.service is of an installation by hand"),
        "{said}"
    );
    host.shell("test -e /var/lib/fobd/tokens");
}

#[test]
fn the_installation_by_hand_leaves_dpkgs_files_to_dpkg() {
    let host = packaged();
    host.feed("cat >/root/install", include_bytes!("../../../packaging/install"));
    let by_hand = "bash /root/install --binaries /root";
    host.shell("echo 'window_step = 1' >>/etc/fob/fobd.conf");
    host.refuse(&format!("{INSTALL} /root/next.deb"));
    assert!(host.shell(STATE).starts_with("half-configured "));
    let said = host.refuse(by_hand);
    assert!(said.contains("installed as a package here"), "{said}");
    // Taken out by dpkg as well.
    host.shell("bash /root/install --remove");
    assert!(host.shell(STATE).starts_with("config-files "));
    let said = host.refuse(by_hand);
    assert!(said.contains("\nhint: run \"apt-get purge fob\" first"), "{said}");
}

#[test]
fn the_package_is_not_installed_or_removed_from_outside_of_its_root() {
    let host = packaged();
    for script in ["preinst install", "postinst configure", "prerm remove", "postrm purge"] {
        let said = host.refuse(&format!("DPKG_ROOT=/srv /var/lib/dpkg/info/fob.{script}"));
        assert!(said.contains("from outside of /srv"), "{said}");
    }
    host.shell("fobctl status");
}

#[test]
fn a_host_that_lost_its_tokens_is_not_set_up_again() {
    let host = packaged();
    host.shell("systemctl stop fobd.socket fobd && mv /var/lib/fobd /root/lost");
    let said = host.shell(&format!("{INSTALL} --reinstall /root/next.deb 2>&1"));
    assert!(said.contains("/var/lib/fobd is missing, and this host is not new"), "{said}");
    // Not even an empty folder, which would tell the next installation that nothing is missing.
    let idle = "! test -e /var/lib/fobd && ! systemctl is-active --quiet fobd \
         && ! systemctl is-active --quiet fobd.socket";
    host.shell(idle);
    // Neither is one whose files of PAM expect Fob, though the package is new to it.
    // A copy that no program reads expects nothing.
    let said = host.shell(
        "export DEBIAN_FRONTEND=noninteractive
         apt-get -qq -y purge fob && rm -rf /var/lib/fobd
         printf 'auth required pam_fob.so nullok\\n' | tee /etc/pam.d/a~ >/etc/pam.d/own
         apt-get -qq -y install /root/fob.deb 2>&1",
    );
    assert!(said.contains("not new (/etc/pam.d/own:1 names pam_fob.so)"), "{said}");
    host.shell(idle);
}

#[test]
fn units_of_an_installation_by_hand_are_named() {
    let host = Host::without_fob();
    host.bring_packages();
    host.shell(
        "dpkg-deb --fsys-tarfile /root/fob.deb | tar -xf - -C /etc/systemd/system \
           --strip-components=5 ./usr/lib/systemd/system/fobd.socket",
    );
    let said = host.shell(&format!("{INSTALL} /root/fob.deb 2>&1"));
    assert!(said.contains("hint: rm /etc/systemd/system/fobd.socket && "), "{said}");
    let hint = said.lines().find_map(|line| line.strip_prefix("hint: ")).expect("a hint");
    host.shell(&format!("{hint} && fobctl status && test -e /usr/lib/systemd/system/fobd.socket"));
}

#[test]
fn a_mistake_in_the_settings_leaves_the_daemon_that_runs_alone() {
    let host = packaged();
    host.shell("echo 'window_step = 1' >>/etc/fob/fobd.conf");
    let old = host.shell("systemctl show --value -p MainPID fobd");
    let said = host.refuse(&format!("{INSTALL} /root/next.deb"));
    assert!(said.contains("there is no setting \"window_step\""), "{said}");
    assert_eq!(host.shell("systemctl show --value -p MainPID fobd"), old);
    host.shell(
        "fobctl status && sed -i '$d' /etc/fob/fobd.conf && dpkg --configure fob && fobctl status",
    );
    assert_ne!(host.shell("systemctl show --value -p MainPID fobd"), old);
}

/// An older Fob, as far as dpkg can tell, with scripts of the same kind.
#[test]
fn an_older_version_that_could_not_read_the_database_does_not_replace_this_one() {
    let (host, alice, mut token) = enabled();
    host.shell(
        "cd /root && dpkg-deb -R fob.deb old && sed -i 's/^Version: .*/Version: 0.0.9/' old/DEBIAN/control
         dpkg-deb -b old old.deb",
    );
    let files = "sha256sum /usr/sbin/fobd /usr/bin/fobctl && systemctl show -p MainPID fobd";
    let (state, before) = (host.shell(STATE), host.shell(files));
    let said = host.refuse("DEBIAN_FRONTEND=noninteractive dpkg -i /root/old.deb");
    assert!(said.contains("fob: version 0.0.9 cannot read the token database"), "{said}");
    assert!(said.contains("hint: to go back all the same, see"), "{said}");
    assert_eq!((host.shell(STATE), host.shell(files)), (state, before));
    let seen = host.sudo(&alice).password(alice.password).code(&token.next_code()).run();
    seen.assert_signed_in_as("root");
    // As the README says.
    host.shell(
        "systemctl stop fobd.socket fobd && DEBIAN_FRONTEND=noninteractive dpkg -i /root/old.deb",
    );
    assert!(host.shell(STATE).ends_with(" 0.0.9"));
    let seen = host.sudo(&alice).password(alice.password).code(&token.next_code()).run();
    seen.assert_signed_in_as("root");
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
    let old = env!("CARGO_PKG_VERSION");
    let next = format!("{old}+next");
    let state_is = |words: &str, version: &str| format!("[ \"$({STATE})\" = '{words} {version}' ]");
    for moment in [
        state_is("half-installed", old),
        // The new files lie beside the old ones.
        "[ -e /usr/sbin/fobd.dpkg-new ]".to_owned(),
        state_is("half-configured", &next),
    ] {
        // With all that it has started: the package's scripts too.
        let state = host.shell(&format!(
            "export DEBIAN_FRONTEND=noninteractive
             setsid dpkg -i /root/next.deb >/dev/null 2>&1 &
             until {moment} || ! kill -0 $! 2>/dev/null; do sleep 0.01; done
             kill -KILL -- -$! 2>/dev/null
             wait
             {STATE}"
        ));
        assert_ne!(state, format!("installed {next}"), "dpkg was through: nothing was shown");
        let seen = host.sudo(&alice).password(alice.password).code(&token.next_code()).run();
        seen.assert_signed_in_as("root");
        host.shell("DEBIAN_FRONTEND=noninteractive dpkg -i /root/fob.deb && fobctl status");
    }
}

/// As after a power cut between the two steps: dpkg then runs no prerm.
#[test]
fn people_sign_in_after_the_removal_of_a_package_that_was_only_unpacked() {
    let (host, alice, mut token) = enabled();
    host.shell(
        "export DEBIAN_FRONTEND=noninteractive
         dpkg --unpack /root/next.deb
         printf 'auth required pam_fob.so\\n' >/etc/pam.d/own",
    );
    assert!(host.shell(STATE).starts_with("unpacked "));
    let seen = host.sudo(&alice).password(alice.password).code(&token.next_code()).run();
    seen.assert_signed_in_as("root");
    let said = host.shell("DEBIAN_FRONTEND=noninteractive apt-get -qq -y remove fob 2>&1");
    assert!(said.contains("/etc/pam.d/own:1:auth required pam_fob.so"), "{said}");
    let seen = host.sudo(&alice).password(alice.password).run();
    assert!(!seen.asked_for_a_code(), "{seen:?}");
    seen.assert_runs_as("root");
    host.shell("! grep pam_fob /etc/pam.d/common-auth && ! systemctl is-active --quiet fobd");
}
