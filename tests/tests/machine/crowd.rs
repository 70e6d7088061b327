//! Many sign-ins at once with one code.

use fob_tests::host::{Door, Host, Transcript};

/// A way in, with its prompts answered.
type Way<'a> = &'a (dyn Fn() -> Transcript + Sync);

#[test]
fn of_64_sign_ins_with_one_code_exactly_one_wins() {
    let host = Host::shared();
    let (alice, mut token) = host.person_with_button_token("alice");
    let report = host.feed(
        &format!(
            "read -r code
             folder=$(mktemp -d)
             for n in $(seq 64); do
               {{ pamtester fob {} authenticate <<<\"$code\" >$folder/$n.out 2>&1; echo $? >$folder/$n.status; }} &
             done
             wait
             cat $folder/*.status | sort | uniq -c | tr -s ' '
             grep -lE '(code|space): ' $folder/*.out | wc -l",
            alice.name
        ),
        format!("{}\n", token.next_code()).as_bytes(),
    );
    let lines: Vec<&str> = report.lines().map(str::trim).collect();
    assert_eq!(lines, ["1 0", "63 1", "64"], "one success, 63 refusals, 64 prompts");
    let verdicts = host.verdicts(&alice.name);
    assert_eq!(verdicts.len(), 64, "every attempt was decided: {verdicts:?}");
    assert_eq!(verdicts.iter().filter(|verdict| *verdict == "accept").count(), 1);
}

#[test]
fn of_eight_ssh_sign_ins_with_one_code_exactly_one_wins() {
    let host = Host::shared();
    let (alice, mut token) = host.person_with_clock_token("alice");
    let code = token.next_code();
    let seen: Vec<_> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| host.ssh(Door::KeyThenCode, &alice.name).code(&code).run()))
            .collect();
        all.into_iter().map(|one| one.join().expect("a sign-in ends")).collect()
    });
    assert!(seen.iter().all(|seen| seen.asked_for_a_code()), "{seen:?}");
    assert_eq!(seen.iter().filter(|seen| seen.status == 0).count(), 1, "{seen:?}");
}

/// The daemon stands still until all four ask it, and then it answers them within milliseconds.
#[test]
fn of_ssh_sudo_su_and_login_at_once_with_one_code_exactly_one_wins() {
    let host = Host::start();
    let (alice, mut token) = host.person_with_button_token("alice");
    let bob = host.person("bob");
    for round in 1..=3 {
        let code = token.next_code();
        let ways: [(&str, Way<'_>); 4] = [
            (&alice.name, &|| host.ssh(Door::KeyThenCode, &alice.name).code(&code).run()),
            ("root", &|| host.sudo(&alice).password(alice.password).code(&code).run()),
            (&alice.name, &|| {
                host.su(&bob, &alice.name).password(alice.password).code(&code).run()
            }),
            (&alice.name, &|| host.login(&alice.name).password(alice.password).code(&code).run()),
        ];
        host.shell("kill -STOP $(systemctl show --value -p MainPID fobd)");
        let won: Vec<bool> = std::thread::scope(|scope| {
            let all: Vec<_> = ways
                .iter()
                .map(|(becomes, way)| {
                    scope.spawn(move || {
                        let seen = way();
                        assert!(seen.asked_for_a_code(), "{seen:?}");
                        seen.text.iter().any(|line| line == becomes)
                    })
                })
                .collect();
            // The socket that listens, and those of four who wait there (unix(7)); no longer than
            // the module's deadline leaves room for.
            host.shell(
                "for _ in $(seq 60); do
                   [ $(grep -c ' /run/fobd/bus$' /proc/net/unix) -lt 5 ] || break
                   sleep 0.05
                 done
                 kill -CONT $(systemctl show --value -p MainPID fobd)",
            );
            all.into_iter().map(|one| one.join().expect("a sign-in ends")).collect()
        });
        assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
        let verdicts = host.verdicts(&alice.name);
        assert_eq!(verdicts.len(), 4 * round, "every attempt was decided: {verdicts:?}");
        assert_eq!(verdicts.iter().filter(|verdict| *verdict == "accept").count(), round);
    }
}
