//! A bus, a daemon, and three callers: root, a user, another user.

use std::{
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use fob_tests::{
    daemon::{Daemon, Ground},
    needs::{self, Need},
    private_bus::PrivateBus,
};
use nix::unistd::User;

/// Two users whom every Debian has with these names (base-passwd): they stand for the person who
/// signs in and for another one.
pub(crate) const USER: &str = "daemon";
pub(crate) const OTHER: &str = "bin";
/// A third one, who stands for the daemon's own user.
pub(crate) const OWN: &str = "games";
/// A name that nobody has.
pub(crate) const NOBODY: &str = "no-such-user-here";

/// How the daemon is reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Transport {
    Bus,
    Peer,
    /// The caller tells the peer socket that he is root.
    PeerAsRoot,
}

/// The parts end in this order.
pub(crate) struct Stage {
    pub(crate) daemon: Daemon,
    pub(crate) bus: PrivateBus,
    program: PathBuf,
    ground: Ground,
}

impl Stage {
    /// Sets a stage; `None` if this machine does not allow it.
    #[track_caller]
    pub(crate) fn set() -> Option<Self> {
        needs::met(&[Need::Root, Need::Program("dbus-daemon")]).then(|| {
            let ground = Ground::new();
            let program = ground.program(Path::new(env!("CARGO_BIN_EXE_fob_call")));
            let bus = PrivateBus::start(ground.path());
            let daemon = Daemon::start(ground.path(), Some(&bus));
            Self { daemon, bus, program, ground }
        })
    }

    /// Sets a stage whose daemon was started by root and runs as OWN.
    #[track_caller]
    pub(crate) fn set_with_own_user() -> Option<Self> {
        needs::met(&[Need::Root, Need::Program("dbus-daemon")]).then(|| {
            let ground = Ground::new();
            let program = ground.program(Path::new(env!("CARGO_BIN_EXE_fob_call")));
            let bus = PrivateBus::start_for(ground.path(), OWN);
            ground.set_up_for(OWN);
            let daemon = Daemon::start(ground.path(), Some(&bus));
            Self { daemon, bus, program, ground }
        })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.ground.path()
    }

    /// Lets everybody connect to the peer socket, so that the daemon itself has to refuse.
    pub(crate) fn open_the_peer_socket(&self) {
        use std::os::unix::fs::PermissionsExt as _;
        let everybody = std::fs::Permissions::from_mode(0o666);
        std::fs::set_permissions(self.daemon.socket(), everybody).expect("its mode");
    }

    /// Makes requests as somebody and returns the outcomes.
    #[track_caller]
    pub(crate) fn ask(&self, who: &str, by: Transport, requests: &[String]) -> Vec<String> {
        let child = self.start(who, by, requests);
        let output = child.wait_with_output().expect("fob_call runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let outcomes: Vec<String> = said.lines().map(str::to_owned).collect();
        assert_eq!(outcomes.len(), requests.len(), "fob_call as {who}: {said}");
        outcomes
    }

    /// Starts making requests as somebody.
    pub(crate) fn start(&self, who: &str, by: Transport, requests: &[String]) -> Child {
        let socket = self.daemon.socket().display();
        let route = match by {
            Transport::Bus => format!("bus={}", self.bus.address()),
            Transport::Peer => format!("peer={socket}"),
            Transport::PeerAsRoot => format!("peer-as-root={socket}"),
        };
        let user = User::from_name(who).expect("the user database").expect("a known user");
        Command::new(&self.program)
            .arg(route)
            .args(requests)
            .uid(user.uid.as_raw())
            .gid(user.gid.as_raw())
            .current_dir("/")
            .stdout(Stdio::piped())
            .spawn()
            .expect("fob_call starts")
    }
}

/// Makes one request as somebody.
#[track_caller]
pub(crate) fn one(stage: &Stage, who: &str, by: Transport, request: &str) -> String {
    stage.ask(who, by, &[request.to_owned()]).concat()
}
