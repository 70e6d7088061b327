//! The unit, the socket and the user that the service manager runs the daemon with.

use fob_tests::host::Host;

#[test]
fn nobody_is_refused_while_the_daemon_is_restarted() {
    let host = Host::start();
    let report = host.shell(
        "for _ in 1 2 3; do
           systemctl restart --no-block fobd
           for _ in 1 2 3 4 5; do fobctl status >/dev/null || echo refused; done
         done
         systemctl stop fobd
         fobctl status >/dev/null && echo started again by who asked",
    );
    assert_eq!(report, "started again by who asked\n");
}

#[test]
fn a_hung_daemon_is_ended_and_started_again() {
    let host = Host::start();
    // The shipped interval is looked at in tests/process.rs; this one is for impatient tests.
    host.shell(
        "mkdir /etc/systemd/system/fobd.service.d
         printf '[Service]\\nWatchdogSec=5\\n' >/etc/systemd/system/fobd.service.d/short.conf
         systemctl daemon-reload && systemctl restart fobd",
    );
    let report = host.shell(
        "old=$(systemctl show --value -p MainPID fobd)
         kill -STOP $old
         until [ \"$(systemctl show --value -p NRestarts fobd)\" = 1 ] &&
           systemctl is-active --quiet fobd; do sleep 0.1; done
         [ $(systemctl show --value -p MainPID fobd) != $old ] && echo another process
         fobctl status >/dev/null && echo answers
         sleep 12 # twice the interval: one that works is left alone
         systemctl show --value -p NRestarts fobd
         find / -xdev -name 'core*' -type f -newer /etc/systemd/system/fobd.service.d/short.conf \\
           -not -path '/proc/*' -not -path '/sys/*' | wc -l",
    );
    assert_eq!(report, "another process\nanswers\n1\n0\n");
    assert!(!host.journal("Watchdog timeout").is_empty());
}

#[test]
fn an_installation_takes_no_person_and_no_service_of_the_moment_for_its_user() {
    let host = Host::start();
    let install = "/opt/fob/packaging/install --binaries /opt/fob";
    host.shell("systemctl stop fobd.socket fobd && cp -a /etc/passwd /root/passwd");
    for uid in [0, 1000, 61_184, 65_519] {
        host.shell(&format!(
            "sed 's/^fob:[^:]*:[0-9]*:/fob:x:{uid}:/' /root/passwd >/etc/passwd
             rm -f /usr/sbin/fobd"
        ));
        let output = host.try_feed(install, b"");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(&format!("has uid {uid}, which ")), "{said}");
        assert!(said.contains("\nhint: "), "{said}");
        host.shell("! test -e /usr/sbin/fobd");
    }
    host.shell("cp -a /root/passwd /etc/passwd");
    host.shell(install);
}

#[test]
fn a_state_of_roots_from_before_there_was_the_user_is_taken_over() {
    let host = Host::start();
    host.shell(
        "systemctl stop fobd.socket fobd
         chown -R root:root /var/lib/fobd
         /opt/fob/packaging/install --binaries /opt/fob
         fobctl status",
    );
    assert_eq!(host.shell("find /var/lib/fobd ! -user fob | wc -l").trim(), "0");
    // The same without a service manager: root starts it, and it gives root's rights up.
    let report = host.shell(
        "systemctl stop fobd.socket fobd && mkdir -p /run/fobd
         /usr/sbin/fobd 2>/root/log &
         until grep -q '^ready' /root/log; do sleep 0.05; done
         fobctl status >/dev/null && echo answers
         sed -n 's/^Uid:\\s*\\([0-9]*\\).*/\\1/p' /proc/$!/status | grep -qx $(id -u fob) && echo as fob
         stat -c '%a %U' /run/fobd/bus
         until grep -q 'bus state=\"connected\"' /root/log; do sleep 0.05; done
         kill $! && wait $!",
    );
    assert_eq!(report, "answers\nas fob\n600 root\n");
}

/// Has nobody call the daemon by its name on the bus a hundred times; returns for how many seconds,
/// and how often systemd has started the daemon again so far.
fn storm(host: &Host) -> [u64; 2] {
    let report = host.shell(
        "began=$(date +%s)
         for _ in $(seq 100); do
           setpriv --reuid=65534 --regid=65534 --clear-groups busctl --timeout=5 call \\
             org.fobd.Fob1 /org/fobd/Fob1 org.fobd.Fob1 Status >/dev/null 2>&1 &
         done
         wait
         echo $(($(date +%s) - began)) $(systemctl show --value -p NRestarts fobd)",
    );
    let numbers: Vec<u64> =
        report.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    assert_eq!(numbers.len(), 2, "{report}");
    numbers.try_into().unwrap_or_default()
}

/// With a limit of starts, whoever calls often enough would keep everybody out.
#[test]
fn a_storm_of_callers_cannot_keep_the_daemon_from_being_started() {
    let host = Host::start();
    let works = "until fobctl status >/dev/null 2>&1; do sleep 0.1; done; systemctl is-active fobd";

    host.shell("systemctl stop fobd.socket fobd");
    let [_, restarts] = storm(&host);
    assert_eq!(restarts, 0);
    assert_eq!(host.shell("systemctl is-active fobd"), "active\n", "the first call starts it");

    host.shell(
        "systemctl stop fobd.socket fobd && mv /var/lib/fobd/master.key /root
         systemctl start fobd.socket",
    );
    let [seconds, restarts] = storm(&host);
    assert!(restarts > 0, "it does not fail");
    assert!(
        restarts <= seconds + 2,
        "{restarts} starts in {seconds} s: more than RestartSec= says"
    );
    host.shell("mv /root/master.key /var/lib/fobd");
    assert_eq!(host.shell(works), "active\n", "nobody has to reset a failed unit");

    host.shell(
        "systemctl stop fobd.socket fobd
         mv /etc/systemd/system/fobd.service /root && systemctl mask fobd",
    );
    storm(&host);
    host.shell("! pidof fobd");
    host.shell(
        "systemctl unmask fobd && mv /root/fobd.service /etc/systemd/system
         systemctl daemon-reload && systemctl start fobd.socket",
    );
    assert_eq!(host.shell(works), "active\n");
}
