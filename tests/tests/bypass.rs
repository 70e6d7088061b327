//! The environment cannot choose who plays the daemon. An attacker has a bus and a fobd of his
//! own, with a token of his own for the victim, and sets the variables that D-Bus libraries read
//! (libdbus and zbus follow DBUS_SYSTEM_BUS_ADDRESS even in setuid programs, zbus issue 1275).
//!
//! The real module and the real fobctl run in a mount namespace with an /etc/pam.d and a /run of
//! their own. Honest limits: the programs are started as root and as a user, not by a setuid
//! program; su and sudo are tested on whole machines.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test and its helpers: a failure here is the test's failure"
)]

use std::{
    fs,
    io::{ErrorKind, Write as _},
    os::unix::{fs::PermissionsExt as _, net::UnixListener},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use fob_tests::{
    daemon::{Daemon, Ground},
    needs::{self, Need},
    private_bus::PrivateBus,
    soft_token::SoftToken,
};

/// A user whom every Debian has: the victim, and the one who starts programs.
const USER: &str = "daemon";
/// Where the module and fobctl look (`fob_api::address`).
const PEER_SOCKET: &str = "/run/fobd/bus";
const SYSTEM_BUS: &str = "/run/dbus/system_bus_socket";

/// A bus and a daemon with a token for the victim.
struct House {
    daemon: Daemon,
    bus: PrivateBus,
    token: SoftToken,
}

impl House {
    async fn build(ground: &Ground, name: &str) -> Self {
        let folder = ground.path().join(name);
        fs::create_dir(&folder).expect("a folder");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("its mode");
        let bus = PrivateBus::start(&folder);
        let daemon = Daemon::start(&folder, Some(&bus));
        let mut token = SoftToken::with_button(&format!("{name}-token"));
        let seeds = folder.join("seeds.csv");
        fs::write(&seeds, token.oath_line()).expect("a seed file");
        let fob = daemon.proxy().await;
        let file = fs::File::open(seeds).expect("a seed file");
        fob.import((&file).into(), "oath-csv", Default::default()).await.expect("an import");
        let codes = token.show_pair(0);
        let codes = codes.each_ref().map(String::as_str);
        fob.assign(USER, token.serial(), &codes, Default::default()).await.expect("a token");
        Self { daemon, bus, token }
    }

    /// Returns what it decided, as logged: words such as `accept`. A decision of our own is asked
    /// for first and waited for, so that none before it is missed.
    async fn verdicts(&self) -> Vec<String> {
        const OWN: &str = "user=\"who-ends-the-list\"";
        let asked = self.daemon.proxy().await;
        asked.verify("who-ends-the-list", "000000", Default::default()).await.unwrap();
        self.daemon.wait_for(OWN);
        let word = |line: &String| {
            let (_, after) = line.split_once("verify verdict=\"")?;
            after.split_once('"').map(|(word, _)| word.to_owned())
        };
        self.daemon.log().iter().filter(|line| !line.contains(OWN)).filter_map(word).collect()
    }

    /// Returns the bind mounts that put it where the daemon is looked for.
    fn mounts(&self) -> Vec<String> {
        let peer = self.daemon.socket().display().to_string();
        let bus = self.bus.socket().display().to_string();
        ["--bind", &peer, PEER_SOCKET, "--bind", &bus, SYSTEM_BUS].map(str::to_owned).to_vec()
    }
}

/// Programs in a namespace of their own.
struct Sandbox {
    ground: Ground,
    fobctl: PathBuf,
}

impl Sandbox {
    #[track_caller]
    fn build() -> Option<Self> {
        let programs = ["bwrap", "dbus-daemon", "pamtester", "setpriv"].map(Need::Program);
        let needs: Vec<Need> = [Need::Root].into_iter().chain(programs).collect();
        needs::met(&needs).then(|| {
            let ground = Ground::new();
            let module = ground.program(&needs::built("libpam_fob.so"));
            let fobctl = ground.program(&needs::built("fobctl"));
            let services = ground.path().join("pam.d");
            fs::create_dir(&services).expect("a folder");
            let service =
                format!("auth required {}\naccount required pam_permit.so\n", module.display());
            fs::write(services.join("fob-bypass"), service).expect("a PAM file");
            Self { ground, fobctl }
        })
    }

    /// Runs a program as somebody, with the attacker's address in the environment.
    fn run(&self, who: &str, hostile: &Path, mounts: &[String], program: &[&str]) -> Command {
        let services = self.ground.path().join("pam.d");
        let mut command = Command::new("bwrap");
        command.args(["--dev-bind", "/", "/", "--tmpfs", "/run"]);
        command.args(["--dir", "/run/fobd", "--dir", "/run/dbus", "--bind"]);
        command.arg(services).arg("/etc/pam.d").args(mounts);
        command.args(["setpriv", &format!("--reuid={who}"), &format!("--regid={who}")]);
        command.args(["--clear-groups", "--"]).args(program);
        command.env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
        let address = format!("unix:path={}", hostile.display());
        for variable in
            ["DBUS_SYSTEM_BUS_ADDRESS", "DBUS_SESSION_BUS_ADDRESS", "DBUS_STARTER_ADDRESS"]
        {
            command.env(variable, &address);
        }
        command.env("DBUS_STARTER_BUS_TYPE", "system");
        command
    }

    /// Signs the victim in with a code.
    fn sign_in(&self, who: &str, hostile: &Path, mounts: &[String], code: &str) -> Signed {
        let program = ["pamtester", "fob-bypass", USER, "authenticate"];
        let mut child = self
            .run(who, hostile, mounts, &program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("bwrap starts");
        let mut keyboard = child.stdin.take().expect("its input is piped");
        // A module that refuses before it asks reads nothing.
        let _ = keyboard.write_all(format!("{code}\n").as_bytes());
        drop(keyboard);
        Signed::read(&child.wait_with_output().expect("pamtester runs"))
    }
}

/// How a sign-in ended.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Signed {
    In,
    Refused,
}

impl Signed {
    #[track_caller]
    fn read(output: &Output) -> Self {
        let said = String::from_utf8_lossy(&output.stderr).into_owned()
            + &String::from_utf8_lossy(&output.stdout);
        match (output.status.success(), said.contains("successfully authenticated")) {
            (true, true) => Self::In,
            (false, false) if said.contains("pamtester: ") => Self::Refused,
            _ => panic!("pamtester: {}: {said}", output.status),
        }
    }
}

#[tokio::test]
async fn the_attackers_daemon_accepts_his_code_when_it_stands_in_the_daemons_place() {
    // The control: without it, a refusal in the other tests would prove nothing.
    let Some(stage) = Sandbox::build() else { return };
    let mut hostile = House::build(&stage.ground, "hostile").await;
    for who in ["root", USER] {
        let (mounts, code) = (hostile.mounts(), hostile.token.next_code());
        let signed = stage.sign_in(who, hostile.bus.socket(), &mounts, &code);
        assert_eq!(signed, Signed::In, "as {who}");
    }
    assert_eq!(hostile.verdicts().await, ["accept", "accept"]);
}

#[tokio::test]
async fn a_bus_in_the_environment_is_not_asked_when_there_is_no_daemon() {
    let Some(stage) = Sandbox::build() else { return };
    let mut hostile = House::build(&stage.ground, "hostile").await;
    for who in ["root", USER] {
        let code = hostile.token.next_code();
        let signed = stage.sign_in(who, hostile.bus.socket(), &[], &code);
        assert_eq!(signed, Signed::Refused, "as {who}");
    }
    assert_eq!(hostile.verdicts().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_bus_in_the_environment_changes_nothing_for_the_real_daemon() {
    let Some(stage) = Sandbox::build() else { return };
    let mut hostile = House::build(&stage.ground, "hostile").await;
    let mut real = House::build(&stage.ground, "real").await;
    let mounts = real.mounts();
    for who in ["root", USER] {
        let (his, right) = (hostile.token.next_code(), real.token.next_code());
        let signed = stage.sign_in(who, hostile.bus.socket(), &mounts, &his);
        assert_eq!(signed, Signed::Refused, "the attacker's code as {who}");
        let signed = stage.sign_in(who, hostile.bus.socket(), &mounts, &right);
        assert_eq!(signed, Signed::In, "the right code as {who}");
    }
    assert_eq!(hostile.verdicts().await, Vec::<String>::new());
    assert_eq!(real.verdicts().await, ["reject", "accept", "reject", "accept"]);
}

#[test]
fn nobody_even_connects_to_an_address_in_the_environment() {
    let Some(stage) = Sandbox::build() else { return };
    let trap = stage.ground.path().join("trap");
    let listener = UnixListener::bind(&trap).unwrap();
    listener.set_nonblocking(true).unwrap();
    fs::set_permissions(&trap, fs::Permissions::from_mode(0o666)).unwrap();
    for who in ["root", USER] {
        assert_eq!(stage.sign_in(who, &trap, &[], "123456"), Signed::Refused, "as {who}");
        let fobctl = stage.fobctl.display().to_string();
        for verb in [&["show", USER][..], &["list"], &["status"], &["resync", USER]] {
            let program: Vec<&str> = [fobctl.as_str()].into_iter().chain(verb.to_vec()).collect();
            let output = stage.run(who, &trap, &[], &program).stdin(Stdio::null()).output();
            let output = output.unwrap();
            assert!(!output.status.success(), "{verb:?} as {who}: {output:?}");
        }
    }
    let met = listener.accept().map(|_| ()).map_err(|error| error.kind());
    assert_eq!(met, Err(ErrorKind::WouldBlock), "somebody connected");
}

#[tokio::test]
async fn fobctl_does_not_ask_a_daemon_in_the_environment() {
    let Some(stage) = Sandbox::build() else { return };
    let hostile = House::build(&stage.ground, "hostile").await;
    let fobctl = stage.fobctl.display().to_string();
    for who in ["root", USER] {
        let show = [fobctl.as_str(), "show", USER];
        let run = |mounts: &[String]| {
            let output = stage.run(who, hostile.bus.socket(), mounts, &show).output().unwrap();
            (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
        };
        // Exit code 4: the daemon cannot be reached (design.md section 9).
        assert_eq!(run(&[]), (Some(4), String::new()), "as {who}");
        let (code, said) = run(&hostile.mounts());
        assert_eq!(code, Some(0), "the control as {who}");
        assert!(said.contains("hostile-token"), "the control as {who}: {said}");
    }
}
