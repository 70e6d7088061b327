//! A user who brings his own bus and his own daemon, one that accepts every code.

use fob_tests::host::{Host, Person};

/// What points a D-Bus client of the usual kind at another bus, even in a setuid program.
const VARIABLE: &str = "DBUS_SYSTEM_BUS_ADDRESS";

/// The daemon that accepts every code.
const ACCEPT_ALL: &str = env!("CARGO_BIN_EXE_accept-all");

/// Alice's bus, with a daemon on it that accepts every code of everybody.
struct OwnBus<'a> {
    host: &'a Host,
    alice: Person,
    address: String,
}

impl<'a> OwnBus<'a> {
    fn start(host: &'a Host) -> Self {
        let alice = host.person("alice");
        host.install_helper(ACCEPT_ALL);
        let folder = format!("/home/{}", alice.name);
        let address = format!("unix:path={folder}/bus");
        host.feed(
            &format!("cat >{folder}/bus.conf"),
            format!(
                "<busconfig><type>system</type><listen>{address}</listen><auth>EXTERNAL</auth>\
                 <policy context='default'><allow user='*'/><allow own='*'/>\
                 <allow send_destination='*'/><allow receive_sender='*'/></policy></busconfig>"
            )
            .as_bytes(),
        );
        host.shell(&format!(
            "cd {folder}
             run() {{ systemd-run --quiet --uid={0} --unit=$1-{0} \"${{@:2}}\"; }}
             run bus dbus-daemon --config-file={folder}/bus.conf --nofork --nopidfile
             until [ -S {folder}/bus ]; do sleep 0.05; done
             run daemon accept-all {address} {folder}/calls
             until [ -e {folder}/calls ]; do sleep 0.05; done",
            alice.name
        ));
        Self { host, alice, address }
    }

    /// Returns how many calls reached the daemon on this bus.
    fn calls(&self) -> usize {
        self.host.shell(&format!("cat /home/{}/calls", self.alice.name)).lines().count()
    }

    /// Calls the daemon on this bus as a client does that believes the variable.
    fn fool(&self) {
        self.host.shell(&format!(
            "runuser -u {} -- env {VARIABLE}={} busctl call org.fobd.Fob1 /org/fobd/Fob1 \
             org.fobd.Fob1 Verify 'ssa{{sv}}' root 123456 0",
            self.alice.name, self.address
        ));
    }
}

#[test]
fn su_does_not_ask_a_daemon_of_the_callers_choice() {
    let host = Host::shared();
    let own = OwnBus::start(host);
    let (bob, _) = host.person_with_clock_token("bob");
    own.fool();
    assert_eq!(own.calls(), 1, "the trap works for a client that believes the variable");
    let seen = host
        .on_a_terminal_as(
            &own.alice.name,
            &["env", &format!("{VARIABLE}={}", own.address), "su", &bob.name, "-c", "id -un"],
        )
        .password(bob.password)
        .code("123456")
        .run();
    seen.assert_refused_at_the_code(&bob.name);
    assert_eq!(own.calls(), 1, "su called the daemon of alice");
    assert_eq!(host.verdicts(&bob.name), ["reject"], "the real daemon decided");
}

#[test]
fn a_setuid_program_does_not_ask_a_daemon_of_the_callers_choice() {
    let host = Host::shared();
    let own = OwnBus::start(host);
    let (bob, _) = host.person_with_clock_token("bob");
    own.fool();
    let output = host.try_feed(
        &format!(
            "runuser -u {} -- env {VARIABLE}={} setuid-pamtester fob {} authenticate",
            own.alice.name, own.address, bob.name
        ),
        b"123456\n",
    );
    let text = String::from_utf8_lossy(&output.stderr);
    assert_ne!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("Token code: "), "{text}");
    assert_eq!(own.calls(), 1, "the setuid program called the daemon of alice");
    assert_eq!(host.verdicts(&bob.name), ["reject"]);
}

#[test]
fn a_screen_locker_does_not_ask_a_daemon_of_the_environments_choice() {
    let host = Host::shared();
    let own = OwnBus::start(host);
    own.fool();
    let output = host.try_feed(
        &format!(
            "runuser -u {0} -- env {VARIABLE}={1} pamtester fob {0} authenticate",
            own.alice.name, own.address
        ),
        b"123456\n",
    );
    assert_ne!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(own.calls(), 1, "the module called the daemon of alice");
    assert_eq!(host.verdicts(&own.alice.name), ["unassigned"]);
}

#[test]
fn nobody_but_root_can_own_the_name_on_the_system_bus() {
    let host = Host::shared();
    host.install_helper(ACCEPT_ALL);
    let mallory = host.person("mallory");
    let output = host.try_feed(
        &format!(
            "runuser -u {0} -- timeout 20 accept-all unix:path=/run/dbus/system_bus_socket /home/{0}/calls",
            mallory.name
        ),
        b"",
    );
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("not allowed to own"), "{text}");
}
