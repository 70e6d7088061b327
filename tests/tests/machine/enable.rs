//! `fobctl enable`, `confirm`, `disable` and what is taken back, with the package, sshd and systemd.
#![allow(clippy::expect_used)] // clippy knows only functions marked as tests: helpers are, too

use fob_tests::host::{Door, Host, Person};
use fob_tests::soft_token::SoftToken;

/// All files that decide on who is asked for what, by their contents and rights.
const FILES: &str =
    "find /etc/pam.d /etc/ssh -type f -exec sha256sum {} + -exec stat -c '%n %a %u %g' {} + | sort";

/// The same, with fobd's settings.
const FILES_AND_RULES: &str = "{ find /etc/pam.d /etc/ssh /etc/fob -type f -exec sha256sum {} + -exec stat -c '%n %a %u %g' {} +; } | sort";

const ENABLE_SSHD: &str = "fobctl enable --yes sshd --with publickey";

/// A machine with the package, no settings for codes in sshd, and alice, an administrator with a token,
/// who may run fobctl as root without her password.
fn machine() -> (Host, Person, SoftToken) {
    let host = Host::that_reboots();
    host.bring_packages();
    plain_sshd(&host);
    host.shell("DEBIAN_FRONTEND=noninteractive dpkg -i /root/fob.deb >/dev/null");
    let (alice, token) = host.person_with_button_token("alice");
    host.shell(&format!(
        "usermod -aG sudo {0} && echo '{0} ALL=(root) NOPASSWD: /usr/bin/fobctl' >/etc/sudoers.d/own",
        alice.name
    ));
    (host, alice, token)
}

/// Takes out what the image says of codes; what the tests need of sshd otherwise stays.
fn plain_sshd(host: &Host) {
    host.shell(
        "cd /etc/ssh/sshd_config.d
         grep -vE 'UsePAM|Kbd|PasswordAuth|AuthenticationMethods' 10-fob.conf >50-test.conf
         rm 10-fob.conf && systemctl reload ssh",
    );
}

/// Runs a command on a terminal. Answers the questions for codes with the next of the lines of its
/// input, those for a password, and those for a yes.
const ON_A_TERMINAL: &str = r#"#!/usr/bin/expect -f
set timeout 60
log_user 1
set codes [split [string trim [read stdin]] "\n"]
proc next {} { global codes; set code [lindex $codes 0]; set codes [lrange $codes 1 end]; return $code }
spawn -noecho bash -c [lindex $argv 0]
expect {
  -re {Code [12]: $} { send -- "[next]\r"; exp_continue }
  -re {Token code: $} { send -- "[next]\r"; exp_continue }
  -re {[Pp]assword[^\n]*: $} { send -- "correct horse\r"; exp_continue }
  -re {\[y/N\] $} { send -- "y\r"; exp_continue }
  timeout { exit 124 }
  eof
}
exit [lindex [wait] 3]
"#;

/// Returns the commands of the README's way from a fresh Debian to a confirmed sign-in.
fn commands_of_the_readme() -> Vec<String> {
    let readme = include_str!("../../../README.md");
    let (_, behind) = readme.split_once("\n```console\n").expect("the README has a transcript");
    let (block, _) = behind.split_once("\n```\n").expect("it ends");
    let command = |line: &str| {
        let command = line.strip_prefix("# ").or_else(|| line.strip_prefix("$ "));
        command.expect("each line is a command").to_owned()
    };
    block.lines().map(command).collect()
}

#[test]
fn the_commands_of_the_readme_lead_to_a_confirmed_sign_in() {
    let host = Host::without_fob();
    host.bring_packages();
    plain_sshd(&host);
    let mut token = SoftToken::with_button("2300512345");
    host.shell(
        "mv /root/fob.deb /root/fob_0_amd64.deb && rm /root/next.deb
         useradd --create-home --groups sudo --shell /bin/bash alice
         echo 'alice:correct horse' | chpasswd
         echo '127.0.0.1 server' >>/etc/hosts
         sed -n 's/^127.0.0.1 /server /p' /etc/ssh/ssh_known_hosts >>/etc/ssh/ssh_known_hosts",
    );
    host.feed("cat >/root/seeds.xml", token.pskc_file().as_bytes());
    host.feed("install -m 755 /dev/stdin /root/on-a-terminal", ON_A_TERMINAL.as_bytes());
    let commands = commands_of_the_readme();
    assert!((5..=10).contains(&commands.len()), "{commands:?}");
    let mut said = String::new();
    for command in &commands {
        let codes = match command.split(' ').next() {
            Some("ssh") => token.next_code(),
            _ if command.contains("assign") => token.show_pair(host.now()).join("\n"),
            _ => String::new(),
        };
        let run = format!(
            "cd /root && export DEBIAN_FRONTEND=noninteractive && ./on-a-terminal '{command}'"
        );
        said = host.feed(&run, codes.as_bytes());
    }
    assert!(said.contains("Confirmed: these ask for the code from now on: sshd."), "{said}");
    host.shell(
        "! test -e /var/lib/fob-enable/pending && ! systemctl is-active --quiet fob-revert.timer",
    );
    assert_eq!(host.verdicts("alice"), ["accept"]);
}

/// Signs in without a code: a key is enough.
#[track_caller]
fn a_key_is_enough(host: &Host, user: &Person) {
    let seen = host.ssh(Door::KeyThenCode, &user.name).run();
    assert!(!seen.asked_for_a_code(), "{seen:?}");
    seen.assert_runs_as(&user.name);
}

#[test]
fn what_is_confirmed_from_a_new_session_that_was_asked_stays() {
    let (mut host, alice, mut token) = machine();
    a_key_is_enough(&host, &alice);
    let said = host.refuse(&format!("{ENABLE_SSHD} && fobctl confirm"));
    assert!(said.contains("+AuthenticationMethods publickey,keyboard-interactive:pam\n"), "{said}");
    assert!(said.contains("-@include common-auth\n"), "{said}");
    assert!(said.contains("this is the session that made the change"), "{said}");
    host.shell("systemctl is-active fob-revert.timer");
    // Another session of the host, and nobody's sign-in.
    let said = host.refuse("fobctl confirm");
    assert!(said.contains("nobody signed in to this session"), "{said}");
    let confirm = host
        .ssh_running(Door::KeyThenCode, &alice.name, "sudo fobctl confirm && id -un")
        .code(&token.next_code())
        .run();
    assert!(confirm.says("Confirmed:"), "{confirm:?}");
    confirm.assert_signed_in_as(&alice.name);
    host.shell(
        "! systemctl is-active --quiet fob-revert.timer && ! test -e /var/lib/fob-enable/pending",
    );
    let files = host.shell(FILES);
    host.shell("systemctl start fob-revert.service");
    host.reboot();
    assert_eq!(host.shell(FILES), files);
    let seen = host.ssh(Door::KeyThenCode, &alice.name).code(&token.next_code()).run();
    seen.assert_signed_in_as(&alice.name);
    // Again: nothing is changed, and nothing waits.
    let said = host.shell(ENABLE_SSHD);
    assert!(said.ends_with("Nothing is changed.\n"), "{said}");
    let said = host.refuse("fobctl confirm");
    assert!(said.contains("no change waits for a confirmation"), "{said}");
    host.shell("fobctl disable --yes sshd");
    a_key_is_enough(&host, &alice);
}

#[test]
fn a_new_session_that_was_not_asked_for_a_code_does_not_confirm() {
    let (host, alice, mut token) = machine();
    host.shell("fobctl enable --yes su");
    let ssh = |command| host.ssh_running(Door::KeyThenCode, &alice.name, command).run();
    let seen = ssh("sudo fobctl confirm");
    assert!(
        seen.says(&format!("no code of {} was accepted since the change", alice.name)),
        "{seen:?}"
    );
    // A code that was accepted at another service, or before, does not count either.
    host.feed(
        &format!("printf 'auth required pam_fob.so\\naccount required pam_permit.so\\n' >/etc/pam.d/probe
                  pamtester probe {} authenticate", alice.name),
        format!("{}\n", token.next_code()).as_bytes(),
    );
    assert!(ssh("sudo fobctl confirm").says("was accepted since the change"));
    host.shell("test -e /var/lib/fob-enable/pending");
}

#[test]
fn what_nobody_confirms_is_taken_back_when_the_time_is_over() {
    let (host, alice, _) = machine();
    let before = host.shell(FILES);
    host.shell(
        "mkdir /etc/systemd/system/fob-revert.timer.d
         printf '[Timer]\\nOnActiveSec=\\nOnActiveSec=3s\\n' >/etc/systemd/system/fob-revert.timer.d/short.conf
         systemctl daemon-reload",
    );
    host.shell("fobctl enable --yes sshd sudo --with publickey");
    host.shell("timeout 60 bash -c 'while [ -e /var/lib/fob-enable/pending ]; do sleep 0.1; done'");
    assert_eq!(host.shell(FILES), before);
    host.shell("timeout 20 bash -c 'while systemctl is-active --quiet fob-revert.service; do sleep 0.1; done'");
    a_key_is_enough(&host, &alice);
    assert!(!host.journal("was not confirmed, and was taken back").is_empty());
}

#[test]
fn a_change_is_taken_back_by_the_next_boot_and_by_the_timer_ten_times_of_ten() {
    let (mut host, alice, mut token) = machine();
    let before = host.shell(FILES);
    for round in 0..10 {
        host.shell("fobctl enable --yes sshd sudo su login --with publickey");
        let changed = host.shell(FILES);
        assert_ne!(changed, before);
        if round == 0 {
            let seen = host.ssh(Door::KeyThenCode, &alice.name).code(&token.next_code()).run();
            seen.assert_signed_in_as(&alice.name);
        }
        if round % 2 == 0 {
            host.reboot();
        } else {
            host.shell("systemctl start fob-revert.service");
        }
        assert_eq!(host.shell(FILES), before, "round {round}");
        host.shell(
            "! test -e /var/lib/fob-enable/pending && ls /var/lib/fob-enable | grep -qx lock",
        );
    }
    a_key_is_enough(&host, &alice);
}

#[test]
fn whenever_it_is_killed_everything_is_taken_back() {
    let (host, alice, _) = machine();
    let before = host.shell(FILES);
    // It takes some tenths of a second.
    let report = host.shell(&format!(
        "for time in $(seq 0.01 0.02 0.5); do
           timeout -s KILL $time fobctl enable --yes sshd sudo su login --with publickey >/dev/null 2>&1
           [ $? = 137 ] && {{ [ -e /var/lib/fob-enable/pending ] && echo late || echo early; }}
           systemctl start fob-revert.service
           [ \"$({FILES})\" = \"{}\" ] || echo broken
         done | sort | uniq -c; find /etc -name '.*.fob'",
        before.trim_end()
    ));
    assert!(report.contains("late") && !report.contains("broken"), "{report}");
    assert!(!report.contains(".fob"), "{report}");
    a_key_is_enough(&host, &alice);
}

#[test]
fn an_edit_in_between_stays_when_the_change_is_taken_back() {
    let (host, ..) = machine();
    host.shell(ENABLE_SSHD);
    host.shell(
        "echo '# mine' >>/etc/pam.d/sshd
         echo 'MaxAuthTries 4' >>/etc/ssh/sshd_config.d/10-fob.conf",
    );
    let said = host.shell("fobctl revert");
    assert!(said.contains("/etc/pam.d/sshd was edited since"), "{said}");
    let left = host.shell(
        "tail -n 1 /etc/pam.d/sshd; grep -c '^@include common-auth' /etc/pam.d/sshd
         grep -c pam_fob /etc/pam.d/sshd; cat /etc/ssh/sshd_config.d/10-fob.conf; true",
    );
    assert_eq!(left, "# mine\n1\n0\nMaxAuthTries 4\n");
}

#[test]
fn what_sshd_does_not_go_by_is_taken_back_at_once() {
    let (host, alice, _) = machine();
    for (plant, heal, said) in [
        (
            "sed -i 's/^Include/#Include/' /etc/ssh/sshd_config",
            "sed -i 's/^#Include/Include/' /etc/ssh/sshd_config",
            "sshd does not read /etc/ssh/sshd_config.d/10-fob.conf",
        ),
        (
            "echo 'UsePAM no' >/etc/ssh/sshd_config.d/05-own.conf",
            "rm /etc/ssh/sshd_config.d/05-own.conf",
            "sshd has UsePAM no by /etc/ssh/sshd_config.d/05-own.conf:1",
        ),
        (
            "echo 'PubkeyAuthentication no' >/etc/ssh/sshd_config.d/05-own.conf",
            "rm /etc/ssh/sshd_config.d/05-own.conf",
            "sshd would not start: ",
        ),
        (
            "echo 'Nonsense yes' >/etc/ssh/sshd_config.d/60-own.conf",
            "rm /etc/ssh/sshd_config.d/60-own.conf",
            "sshd would not start: ",
        ),
        (
            "sed -i '/common-auth/i auth sufficient pam_permit.so' /etc/pam.d/sudo",
            "sed -i '/sufficient pam_permit/d' /etc/pam.d/sudo",
            "/etc/pam.d/sudo:",
        ),
    ] {
        host.shell(plant);
        let before = host.shell(FILES);
        let told = host.refuse("fobctl enable --yes sshd sudo --with publickey");
        assert!(told.contains(said), "{told}");
        assert_eq!(host.shell(FILES), before, "{plant}");
        host.shell("! test -e /var/lib/fob-enable/pending && ! systemctl is-active --quiet fob-revert.timer");
        host.shell(heal);
    }
    a_key_is_enough(&host, &alice);
    host.shell("systemctl is-active ssh");
}

#[test]
fn a_change_that_would_leave_no_administrator_is_refused() {
    let (host, alice, _) = machine();
    host.shell(&format!("gpasswd -d {} sudo", alice.name));
    let before = host.shell(FILES);
    let said = host.refuse(ENABLE_SSHD);
    assert!(said.contains("no administrator has a token or an unused emergency code"), "{said}");
    assert!(host.refuse(&format!("{ENABLE_SSHD} --i-will-be-locked-out=other")).contains("hint: "));
    assert_eq!(host.shell(FILES), before);
    host.shell(&format!(
        "{ENABLE_SSHD} --i-will-be-locked-out=$(cat /proc/sys/kernel/hostname) && fobctl revert"
    ));
    host.shell(&format!("fobctl emergency root && {ENABLE_SSHD} && fobctl revert"));
    assert_eq!(host.shell(FILES), before);
}

/// A revert that waits for the lock comes before sshd, and so would the reload of sshd wait for it.
#[test]
fn a_revert_that_waits_is_stopped_by_a_new_change() {
    let (host, alice, mut token) = machine();
    host.shell(
        "mkdir /etc/systemd/system/fob-revert.service.d
         printf '[Service]\\nTimeoutStartSec=infinity\\n' >/etc/systemd/system/fob-revert.service.d/patient.conf
         systemctl daemon-reload && fobctl enable --yes su",
    );
    let waits =
        "timeout 30 bash -c 'until grep -q -- \"-> FLOCK\" /proc/locks; do sleep 0.1; done'";
    host.shell(&format!(
        "exec 9>/var/lib/fob-enable/lock && flock 9
         systemctl start --no-block fob-revert.service 9>&-
         {waits} 9>&-
         # It stands still, so that the other one gets the lock.
         revert=$(systemctl show --value -p MainPID fob-revert.service)
         kill -STOP $revert
         timeout 30 bash -c \"until grep -q '^State:.T' /proc/$revert/status; do sleep 0.1; done\" 9>&-
         timeout 45 {ENABLE_SSHD} >/root/said 2>&1 9>&- &
         {waits} 9>&-
         exec 9>&-
         wait $! || {{ cat /root/said; exit 1; }}
         systemctl is-active fob-revert.timer && test -e /var/lib/fob-enable/pending"
    ));
    let seen = host.ssh(Door::KeyThenCode, &alice.name).code(&token.next_code()).run();
    seen.assert_signed_in_as(&alice.name);
}

#[test]
fn members_of_a_group_are_asked_and_others_are_not_until_it_is_taken_back() {
    let (mut host, alice, mut token) = machine();
    let (bob, _) = host.person_with_button_token("bob");
    let before = host.shell(FILES_AND_RULES);
    let enable = "fobctl enable --yes sshd --with publickey --group sudo";
    for (round, back) in
        ["fobctl revert", "systemctl start fob-revert.service", ""].iter().enumerate()
    {
        let said = host.shell(enable);
        assert!(said.contains("+group = \"sudo\"\n"), "{said}");
        let ssh = |person: &Person| host.ssh(Door::KeyThenCode, &person.name);
        ssh(&alice).code(&token.next_code()).run().assert_signed_in_as(&alice.name);
        a_key_is_enough(&host, &bob);
        if back.is_empty() {
            host.reboot();
        } else {
            host.shell(back);
        }
        assert_eq!(host.shell(FILES_AND_RULES), before, "round {round}");
        host.shell("! test -e /var/lib/fob-enable/pending && fobd --check-config >/dev/null");
        a_key_is_enough(&host, &alice);
        // fobd goes by no rule any more.
        host.shell("timeout 20 bash -c 'while fobctl status | grep -q \"of the rules\"; do sleep 0.1; done'");
    }
}

#[test]
fn whenever_a_change_with_a_rule_is_killed_everything_is_taken_back() {
    let (host, alice, _) = machine();
    let before = host.shell(FILES_AND_RULES);
    let report = host.shell(&format!(
        "for time in $(seq 0.02 0.05 1); do
           timeout -s KILL $time fobctl enable --yes sshd sudo --with publickey --group sudo >/dev/null 2>&1
           [ $? = 137 ] && {{ [ -e /var/lib/fob-enable/pending ] && echo late || echo early; }}
           systemctl start fob-revert.service
           [ \"$({FILES_AND_RULES})\" = \"{}\" ] || echo broken
         done | sort | uniq -c; find /etc -name '.*.fob'",
        before.trim_end()
    ));
    assert!(report.contains("late") && !report.contains("broken"), "{report}");
    assert!(!report.contains(".fob"), "{report}");
    host.shell("timeout 20 bash -c 'until systemctl is-active --quiet fobd; do sleep 0.1; done'");
    a_key_is_enough(&host, &alice);
}

#[test]
fn until_the_day_who_has_no_token_is_not_asked_and_a_confirmed_rule_stays_until_it_is_disabled() {
    let (host, alice, mut token) = machine();
    let carol = host.person("carol");
    let before = host.shell(FILES_AND_RULES);
    host.shell("fobctl enable --yes sshd --with publickey --from 2100-01-01");
    a_key_is_enough(&host, &carol);
    let confirm = host
        .ssh_running(Door::KeyThenCode, &alice.name, "sudo fobctl confirm")
        .code(&token.next_code())
        .run();
    assert!(confirm.says("Confirmed:"), "{confirm:?}");
    a_key_is_enough(&host, &carol);
    let rule = "ask = \"enrol-by 2099-12-31\"";
    assert!(host.shell("cat /etc/fob/fobd.conf").contains(rule));
    host.shell("fobctl enable --yes sshd --everybody");
    assert!(!host.shell("cat /etc/fob/fobd.conf").contains(rule));
    let seen = host.ssh(Door::KeyThenCode, &carol.name).code("123456").run();
    seen.assert_refused_at_the_code(&carol.name);
    host.shell("fobctl revert && fobctl disable --yes sshd");
    assert_eq!(host.shell(FILES_AND_RULES), before);
}

#[test]
fn a_rule_that_fobd_would_not_start_with_is_refused_before_it_is_written() {
    let (host, ..) = machine();
    host.shell(
        "printf '[[rule]]\\nask = \"require\"\\n' >>/etc/fob/fobd.conf && systemctl restart fobd",
    );
    let (before, pid) = (host.shell(FILES_AND_RULES), host.shell("systemctl show -p MainPID fobd"));
    let said = host.refuse("fobctl enable --yes sudo --group sudo");
    assert!(said.contains("fobd would not start with this: /etc/fob/fobd.conf, line "), "{said}");
    assert!(said.contains("hint: put the rule without a selector last."), "{said}");
    assert_eq!(host.shell(FILES_AND_RULES), before);
    host.shell("! test -e /var/lib/fob-enable/pending");
    // It was never started with it. Afterwards it is, with what was there before.
    assert!(!pid.is_empty() && host.shell("systemctl is-active fobd").contains("active"));
}

#[test]
fn the_parts_of_a_change_go_one_by_one() {
    let (host, alice, mut token) = machine();
    let before = host.shell(FILES);
    host.shell("fobctl enable --yes sudo login");
    let seen = host.sudo(&alice).password(alice.password).code(&token.next_code()).run();
    seen.assert_signed_in_as("root");
    host.shell("fobctl disable --yes login && systemctl is-active fob-revert.timer");
    let table = host.shell("fobctl enable --json");
    let of = |service: &str| {
        let start = table.find(&format!("\"service\": \"{service}\"")).expect("a row");
        let row = &table[table[..start].rfind('{').unwrap()..];
        row[..row.find('}').unwrap()].contains("\"asks\": true")
    };
    assert_eq!(["sudo", "sudo-i", "login", "sshd"].map(of), [true, true, false, false], "{table}");
    host.shell("fobctl disable --yes sudo && ! systemctl is-active --quiet fob-revert.timer");
    assert_eq!(host.shell(FILES), before);
}
