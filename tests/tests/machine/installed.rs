//! What the installation leaves on the machine, and what the service manager makes of it.

use fob_api::address::{BUS_NAME, INTERFACE, OBJECT_PATH};
use fob_tests::{
    host::Host,
    markup,
    needs::{self, Need},
};

const CONTRACT: &str = include_str!("../../../packaging/dbus/org.fobd.Fob1.xml");

#[test]
fn the_daemon_runs_in_its_sandbox() {
    let host = Host::shared();
    // Some engines give a container no right to mount: systemd skips the sandbox there.
    if !needs::met(&[Need::That(host.may_sandbox(), "a container that may mount")]) {
        return;
    }
    let report = host.shell(
        "pid=$(systemctl show --value -p MainPID fobd)
         [ \"$(readlink /proc/$pid/ns/mnt)\" != \"$(readlink /proc/1/ns/mnt)\" ] && echo own mounts
         [ \"$(readlink /proc/$pid/ns/net)\" != \"$(readlink /proc/1/ns/net)\" ] && echo own network
         sed -n 's/^NoNewPrivs:\\s*//p; s/^Seccomp:\\s*//p; s/^CapEff:\\s*//p; s/^CapBnd:\\s*//p' /proc/$pid/status",
    );
    let lines: Vec<&str> = report.lines().collect();
    let none = "0000000000000000";
    assert_eq!(lines, ["own mounts", "own network", none, none, "1", "2"]);
}

#[test]
fn busctl_shows_the_documented_methods() {
    let host = Host::shared();
    let command = format!("busctl --no-legend introspect {BUS_NAME} {OBJECT_PATH} {INTERFACE}");
    let shown = host.shell(&command);
    // A row: `.NAME method INPUT OUTPUT -`, or `.NAME signal TYPES - -`; a dash stands for nothing.
    let mut shown: Vec<Vec<&str>> =
        shown.lines().map(|line| line.split_whitespace().collect()).collect();
    shown.sort();
    let or_dash = |types: String| if types.is_empty() { "-".to_owned() } else { types };
    let signals = markup::signals(CONTRACT, INTERFACE);
    let signal = |name| [format!(".{name}").as_str(), "signal", "-", "-", "-"].map(str::to_owned);
    let mut documented: Vec<Vec<String>> = markup::methods(CONTRACT, INTERFACE)
        .into_iter()
        .map(|method| {
            let name = format!(".{}", method.name);
            let [input, output] = [method.input, method.output].map(or_dash);
            vec![name, "method".to_owned(), input, output, "-".to_owned()]
        })
        .collect();
    documented.extend(signals.into_iter().map(|name| signal(name).to_vec()));
    documented.sort();
    assert!(!documented.is_empty());
    assert_eq!(shown, documented);
}

#[test]
fn the_daemon_and_its_files_are_its_own_users_and_the_socket_is_roots() {
    let host = Host::shared();
    let report = host.shell("stat -c '%a %U:%G %n' /var/lib/fobd /run/fobd /run/fobd/bus");
    assert_eq!(
        report,
        "700 fob:fob /var/lib/fobd\n755 root:root /run/fobd\n600 root:root /run/fobd/bus\n"
    );
    let open = host.shell("find /var/lib/fobd -perm /077 -o ! -user fob -o ! -group fob | wc -l");
    assert_eq!(open.trim(), "0", "a file of the state is open to others, or another's");
    let runs_as = host.shell(
        "sed -n 's/^Uid:\\s*//p' /proc/$(systemctl show --value -p MainPID fobd)/status
         echo $(id -u fob) $(getent passwd fob | cut -d: -f6-)",
    );
    let lines: Vec<&str> = runs_as.lines().collect();
    let (uid, shell) = lines.last().and_then(|line| line.split_once(' ')).expect("uid and shell");
    assert!((1..1000).contains(&uid.parse::<u32>().expect("a uid")), "{uid}");
    assert_eq!(lines.first(), Some(&format!("{uid}\t{uid}\t{uid}\t{uid}").as_str()));
    assert_eq!(shell, "/:/usr/sbin/nologin");
}

#[test]
fn the_installed_settings_are_the_defaults_and_only_root_may_write_them() {
    let host = Host::shared();
    let report = host.shell("stat -c '%a %U:%G %n' /etc/fob /etc/fob/fobd.conf");
    assert_eq!(report, "755 root:root /etc/fob\n644 root:root /etc/fob/fobd.conf\n");
    let table = host.shell("/usr/sbin/fobd --check-config");
    assert!(table.starts_with("/etc/fob/fobd.conf is as it should be.\n"), "{table}");
    assert!(!table.contains("fobd.conf, line"), "{table}");
}

#[test]
fn the_unit_keeps_sync_file_range_from_the_database() {
    let host = Host::shared();
    // sync_file_range(2) is call 277 on x86-64, 84 on arm64; ENOSYS is 38.
    let report = host.shell(
        "filter=$(sed -n 's/^SystemCallFilter=/-p SystemCallFilter=/p' /opt/fob/packaging/systemd/fobd.service | head -n 1)
         number=$([ $(uname -m) = x86_64 ] && echo 277 || echo 84)
         systemd-run --quiet --wait --pipe $filter -p SystemCallErrorNumber=EPERM \\
           -p 'SystemCallFilter=~sync_file_range:ENOSYS' \\
           perl -e \"print syscall($number, 1, 0, 0, 0), q( ), 0 + \\$!\"",
    );
    assert_eq!(report, "-1 38");
}

#[test]
fn a_second_installation_changes_nothing_and_keeps_the_tokens() {
    let host = Host::start();
    let (alice, _) = host.person_with_clock_token("alice");
    let tokens = host.shell("fobctl list --json");
    host.shell("/opt/fob/packaging/install --binaries /opt/fob");
    assert_eq!(host.shell("fobctl list --json"), tokens);
    assert!(tokens.contains(&alice.name), "{tokens}");
}

/// It knows such a host by its unit, and without that by the lines of PAM.
#[test]
fn another_installation_does_not_set_a_host_up_that_lost_its_tokens() {
    let host = Host::start();
    host.shell("systemctl stop fobd.socket fobd && mv /var/lib/fobd /root/lost");
    for (before, shown) in [
        ("true", "not new (/etc/systemd/system/fobd.service is there)"),
        ("rm /etc/systemd/system/fobd.*", " names pam_fob.so)"),
    ] {
        let install = format!("{before}; /opt/fob/packaging/install --binaries /opt/fob");
        let output = host.try_feed(&install, b"");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(shown) && said.contains("\nhint: bring that folder back"), "{said}");
        host.shell("! test -e /var/lib/fobd && ! systemctl is-active --quiet fobd fobd.socket");
    }
    host.shell(
        "mv /root/lost /var/lib/fobd
         /opt/fob/packaging/install --binaries /opt/fob && fobctl status",
    );
}

#[test]
fn fob_is_not_removed_while_a_service_still_asks_for_codes() {
    let host = Host::start();
    let output = host.try_feed("/opt/fob/packaging/install --remove", b"");
    assert_eq!(output.status.code(), Some(1));
    host.shell("systemctl is-active fobd");
    host.shell(
        "rm /etc/pam.d/fob /etc/pam.d/fob-nullok
         /opt/fob/packaging/pam/enable --remove sudo sudo-i su login sshd sshd-password sshd-nullok
         /opt/fob/packaging/install --remove
         ! systemctl is-active --quiet fobd
         test -d /var/lib/fobd",
    );
    let left = host
        .shell("find /usr /etc \\( -name '*fobd*' -o -name '*pam_fob*' \\) -not -path '/opt/*'");
    assert_eq!(left, "/etc/fob/fobd.conf\n", "the settings stay, as the tokens do");
}

#[test]
fn a_daemon_that_somebody_ended_by_hand_comes_back() {
    let host = Host::start();
    host.shell(
        "set -e
         old=$(systemctl show --value -p MainPID fobd)
         kill -TERM $old
         timeout 30 bash -c 'until systemctl is-active --quiet fobd &&
           [ $(systemctl show --value -p MainPID fobd) != '$old' ]; do sleep 0.1; done'
         fobctl status
         systemctl stop fobd.socket fobd
         ! systemctl is-active --quiet fobd",
    );
}

#[test]
fn a_pam_file_is_as_before_after_enable_and_remove() {
    let host = Host::shared();
    // su's file ends in empty lines.
    let report = host.shell(
        "enable=/opt/fob/packaging/pam/enable
         printf 'auth required pam_env.so\\n@include common-auth\\n\\n\\n' >/etc/pam.d/probe
         before=$(md5sum /etc/pam.d/probe)
         $enable probe && $enable --options nullok probe
         grep -c pam_fob.so /etc/pam.d/probe
         grep -A2 '^@include common-auth' /etc/pam.d/probe | tail -n 1
         $enable --remove probe && $enable --remove probe
         [ \"$(md5sum /etc/pam.d/probe)\" = \"$before\" ] && echo as before
         rm /etc/pam.d/probe",
    );
    assert_eq!(report, "1\nauth required pam_fob.so nullok\nas before\n");
}

#[test]
fn the_passwords_line_comes_back_when_the_code_goes() {
    let host = Host::shared();
    let report = host.shell(
        "enable=/opt/fob/packaging/pam/enable
         printf 'auth required pam_env.so\\n@include common-auth \\n' >/etc/pam.d/instead
         before=$(md5sum /etc/pam.d/instead)
         $enable --instead-of-password instead && $enable --instead-of-password instead
         grep -c '^@include common-auth' /etc/pam.d/instead || true
         $enable instead && $enable --instead-of-password instead
         grep '^auth' /etc/pam.d/instead
         $enable --instead-of-password --options nullok instead
         grep '^auth' /etc/pam.d/instead
         $enable --remove instead
         [ \"$(md5sum /etc/pam.d/instead)\" = \"$before\" ] && echo as before
         rm /etc/pam.d/instead",
    );
    assert_eq!(
        report,
        "0\nauth required pam_env.so\nauth required pam_fob.so\n\
         auth required pam_env.so\nauth required pam_fob.so nullok\nauth required pam_permit.so\n\
         as before\n"
    );
}

#[test]
fn an_edit_between_enable_and_remove_stays() {
    let host = Host::shared();
    let report = host.shell(
        "enable=/opt/fob/packaging/pam/enable
         printf '@include common-auth\\n' >/etc/pam.d/edited
         $enable --instead-of-password edited
         printf 'account required pam_access.so\\n' >>/etc/pam.d/edited
         $enable --instead-of-password --options noecho edited
         grep -c pam_access /etc/pam.d/edited
         sed -i 's/noecho/debug/' /etc/pam.d/edited
         $enable --remove edited
         cat /etc/pam.d/edited
         rm /etc/pam.d/edited",
    );
    assert_eq!(report, "1\n@include common-auth\naccount required pam_access.so\n");
}

#[test]
fn a_line_of_the_administrators_own_is_not_touched() {
    let host = Host::shared();
    let output = host.try_feed(
        "printf '@include common-auth\\nauth required pam_fob.so\\n' >/etc/pam.d/own
         for words in '' --remove; do
           /opt/fob/packaging/pam/enable $words own; echo $?
         done
         cat /etc/pam.d/own
         rm /etc/pam.d/own",
        b"",
    );
    let report = String::from_utf8_lossy(&output.stdout);
    assert_eq!(report, "1\n1\n@include common-auth\nauth required pam_fob.so\n");
}

/// On a host without Fob, as far as PAM can tell: what the tests put in is taken out before.
#[test]
fn no_pam_file_is_changed_by_an_installation_or_a_removal() {
    let host = Host::start();
    let report = host.shell(
        "files() {
           find /etc/pam.d /etc/pam.conf /usr/lib/pam.d /usr/share/pam-configs /etc/security \\
             /var/lib/pam -type f ! -name fob-password -exec sha256sum {} + 2>/dev/null | sort
         }
         install='/opt/fob/packaging/install'
         rm $(grep -l pam_fob /etc/pam.d/*)
         $install --remove && mv /var/lib/fobd /root
         files >/root/before && wc -l </root/before
         $install --binaries /opt/fob
         [ -e /var/lib/fobd ] && fobctl status >/dev/null && echo installed
         files | cmp - /root/before && echo the same
         $install --remove
         files | cmp - /root/before && echo the same
         grep -c pam_fob /root/before || true",
    );
    let lines: Vec<&str> = report.lines().filter(|line| !line.starts_with("install: ")).collect();
    let [files, rest @ ..] = lines.as_slice() else { panic!("{report}") };
    assert!(files.parse::<u32>().is_ok_and(|files| files > 10), "{report}");
    assert_eq!(rest, ["installed", "the same", "the same", "0"]);
}
