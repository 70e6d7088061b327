//! The two roads to the daemon: its own socket for root, the system bus for everybody else.
#![allow(clippy::unwrap_used)] // clippy knows only functions marked as tests: helpers are, too

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use fob_api::VerifyDetails;
use fob_tests::bus_bytes::{Reply, Request};
use fob_tests::fake_daemon::{Act, FakeDaemon};
use fob_tests::needs::{self, Need};
use fob_tests::pam_host::{Seen, Stage, pam};

/// An ordinary user: `nobody`.
const SOMEBODY: u32 = 65534;
const BUS: &str = "org.freedesktop.DBus";
const OWNER: &str = ":1.7";

/// What a bus says about the owner of the daemon's name.
#[derive(Clone, Copy)]
struct Owner {
    /// Runs before it is asked for.
    runs: bool,
    /// Can be started.
    starts: bool,
    uid: u32,
}

const ROOT: Owner = Owner { runs: true, starts: true, uid: 0 };

/// Answers a sign-in's two connections as a bus would, `Prompt` with a code, and `Verify` with
/// what the last argument makes.
fn bus(owner: Owner, verify: impl Fn(&Request) -> Vec<u8> + Clone + Send + 'static) -> Vec<Act> {
    let runs = Arc::new(AtomicBool::new(owner.runs));
    vec![connection(owner, Arc::clone(&runs), verify.clone()), connection(owner, runs, verify)]
}

fn connection(
    owner: Owner,
    runs: Arc<AtomicBool>,
    verify: impl Fn(&Request) -> Vec<u8> + Send + 'static,
) -> Act {
    Act::AnswerAll(Box::new(move |request| {
        let error = |name| Reply::error(request.serial, name).from(BUS).bytes();
        match request.member.as_str() {
            "Hello" => {
                let hello = Reply::to(request.serial, "s", &":1.99").from(BUS).bytes();
                [hello, Reply::signal().from(BUS).bytes()].concat()
            }
            "GetNameOwner" if runs.load(Relaxed) => {
                assert_eq!(request.text(), "org.fobd.Fob1");
                Reply::to(request.serial, "s", &OWNER).from(BUS).bytes()
            }
            "GetNameOwner" => error("org.freedesktop.DBus.Error.NameHasNoOwner"),
            "StartServiceByName" if owner.starts => {
                runs.store(true, Relaxed);
                Reply::to(request.serial, "u", &1_u32).from(BUS).bytes()
            }
            "StartServiceByName" => error("org.freedesktop.DBus.Error.ServiceUnknown"),
            "GetConnectionUnixUser" => {
                assert_eq!(request.text(), OWNER);
                Reply::to(request.serial, "u", &owner.uid).from(BUS).bytes()
            }
            "Prompt" => {
                let values = ("code", fob_api::PromptDetails { digits: Some(6) });
                Reply::to(request.serial, "sa{sv}", &values).from(OWNER).bytes()
            }
            _ => verify(request),
        }
    }))
}

fn answer(request: &Request, word: &str, sender: &str) -> Vec<u8> {
    let (user, _, _) = request.verify();
    let values = (word, user, VerifyDetails::default());
    Reply::to(request.serial, "ssa{sv}", &values).from(sender).bytes()
}

fn accept(request: &Request) -> Vec<u8> {
    answer(request, "accept", OWNER)
}

fn sign_in(stage: &Stage) -> Seen {
    stage.host("timeout=1").uid(SOMEBODY).sign_in("123456")
}

fn members(bus: &FakeDaemon) -> Vec<String> {
    bus.requests().into_iter().map(|request| request.member).collect()
}

#[test]
fn who_is_not_root_asks_the_owner_of_the_name_over_the_system_bus() {
    let stage = Stage::new();
    let bus = stage.bus(bus(ROOT, accept));
    assert_eq!(sign_in(&stage).code(), pam::SUCCESS);
    assert_eq!(bus.callers(), ["65534", "65534"]);
    let road = ["Hello", "GetNameOwner", "GetConnectionUnixUser"];
    assert_eq!(members(&bus), [&road[..], &["Prompt"], &road, &["Verify"]].concat());
    let requests = bus.requests();
    assert_eq!(requests.last().unwrap().destination, OWNER);
}

#[test]
fn a_daemon_that_does_not_run_is_started() {
    let stage = Stage::new();
    let bus = stage.bus(bus(Owner { runs: false, ..ROOT }, accept));
    assert_eq!(sign_in(&stage).code(), pam::SUCCESS);
    assert_eq!(
        members(&bus),
        [
            "Hello",
            "GetNameOwner",
            "StartServiceByName",
            "GetNameOwner",
            "GetConnectionUnixUser",
            "Prompt",
            "Hello",
            "GetNameOwner",
            "GetConnectionUnixUser",
            "Verify"
        ]
    );
}

#[test]
fn a_daemon_that_cannot_be_started_is_a_refusal() {
    let stage = Stage::new();
    let _bus = stage.bus(bus(Owner { runs: false, starts: false, uid: 0 }, accept));
    assert_eq!(sign_in(&stage).code(), pam::AUTH_ERR);
    assert!(stage.log()[0].contains("not on the system bus"));
}

#[test]
fn a_name_that_root_does_not_own_gets_no_code() {
    let stage = Stage::new();
    let bus = stage.bus(bus(Owner { uid: SOMEBODY, ..ROOT }, accept));
    assert_eq!(sign_in(&stage).code(), pam::AUTH_ERR);
    assert_eq!(members(&bus).last().unwrap(), "GetConnectionUnixUser");
    assert!(stage.log()[0].contains("uid 65534"));
}

/// The daemon's own user, in these tests.
const OWN: u32 = 990;

/// Makes the daemon's state folder, with this owner.
fn state_of(stage: &Stage, owner: u32) -> PathBuf {
    let folder = stage.state_folder();
    std::fs::create_dir(&folder).unwrap();
    std::os::unix::fs::chown(&folder, Some(owner), Some(owner)).unwrap();
    folder
}

#[test]
fn a_name_that_the_owner_of_the_state_owns_gets_the_code() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let stage = Stage::new();
    let bus = stage.bus(bus(Owner { uid: OWN, ..ROOT }, accept));
    state_of(&stage, OWN);
    assert_eq!(sign_in(&stage).code(), pam::SUCCESS);
    assert_eq!(members(&bus).last().unwrap(), "Verify");
}

#[test]
fn a_state_folder_makes_a_daemon_of_its_owner_alone() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let refused = |stage: &Stage, uid: u32| {
        let bus = stage.bus(bus(Owner { uid, ..ROOT }, accept));
        assert_eq!(sign_in(stage).code(), pam::AUTH_ERR, "uid {uid}");
        assert_eq!(members(&bus).last().unwrap(), "GetConnectionUnixUser");
        assert!(stage.log().concat().contains(&format!("uid {uid}")));
    };
    let stage = Stage::new();
    state_of(&stage, OWN);
    refused(&stage, OWN + 1);
    // The uid that the kernel shows for whoever it cannot name is nobody's.
    let stage = Stage::new();
    state_of(&stage, SOMEBODY);
    refused(&stage, SOMEBODY);
    // The owner of a link is whoever made it, and a file is no state.
    let stage = Stage::new();
    let other = Stage::new();
    std::os::unix::fs::symlink(state_of(&other, OWN), stage.state_folder()).unwrap();
    std::os::unix::fs::lchown(stage.state_folder(), Some(OWN), None).unwrap();
    refused(&stage, OWN);
    let stage = Stage::new();
    std::fs::write(stage.state_folder(), "").unwrap();
    std::os::unix::fs::chown(stage.state_folder(), Some(OWN), None).unwrap();
    refused(&stage, OWN);
}

/// The class of CVE-2013-0292: an answer counts only from whom it was asked.
#[test]
fn an_accept_from_somebody_else_is_passed_over() {
    for forger in [":1.8", "org.fobd.Fob1", BUS, ""] {
        let stage = Stage::new();
        let _bus = stage.bus(bus(ROOT, move |request| {
            [answer(request, "accept", forger), answer(request, "reject", OWNER)].concat()
        }));
        let seen = sign_in(&stage);
        assert_eq!((seen.code(), seen.texts().len()), (pam::AUTH_ERR, 0), "{forger}");
    }
}

/// The harness has the default action for SIGPIPE, which would end it.
#[test]
fn a_bus_that_goes_away_between_two_calls_does_not_end_the_host() {
    let stage = Stage::new();
    let leave = || {
        Act::StopReading(Box::new(|request| {
            Reply::to(request.serial, "s", &":1.99").from(BUS).bytes()
        }))
    };
    let _bus = stage.bus(vec![leave(), leave()]);
    assert_eq!(sign_in(&stage).code(), pam::AUTH_ERR);
    assert!(stage.log()[0].contains("closed"));
}

#[test]
fn without_a_system_bus_nobody_else_signs_in() {
    let stage = Stage::new();
    let _daemon = stage.daemon(vec![]); // only for root
    let seen = sign_in(&stage);
    assert_eq!((seen.code(), seen.texts().len()), (pam::AUTH_ERR, 1));
}

#[test]
fn root_never_takes_the_system_bus() {
    let stage = Stage::new();
    let _bus = stage.bus(vec![]);
    assert_eq!(stage.host("timeout=1").sign_in("123456").code(), pam::AUTH_ERR);
}

/// A socket that another user made, at the daemon's place.
#[test]
fn a_socket_that_root_did_not_make_gets_no_code() {
    // It needs two uids.
    if !needs::met(&[Need::Root]) {
        return;
    }
    for state in [None, Some(0), Some(OWN + 1)] {
        let stage = Stage::new();
        if let Some(owner) = state {
            state_of(&stage, owner);
        }
        let mut squatter = Squatter::listen(&stage, OWN);
        let seen = stage.host("timeout=1").sign_in("123456");
        assert_eq!((seen.code(), seen.texts().len()), (pam::AUTH_ERR, 1));
        assert!(stage.log()[0].contains("uid 990"), "{state:?}");
        assert_eq!(squatter.read(6), "got 0\n");
    }
}

/// What comes is the question what to prompt for; whoever gets that gets the code after it.
#[test]
fn a_socket_that_the_owner_of_the_state_made_is_asked() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let stage = Stage::new();
    state_of(&stage, OWN);
    let mut squatter = Squatter::listen(&stage, OWN);
    stage.host("timeout=1").sign_in("123456");
    let got = squatter.read(6);
    assert!(got.starts_with("got ") && got != "got 0\n", "{got}");
}

/// A listener that runs as somebody else.
struct Squatter(Child);

impl Squatter {
    fn listen(stage: &Stage, uid: u32) -> Self {
        let path = stage.daemon_socket();
        std::os::unix::fs::chown(path.parent().unwrap(), Some(uid), None).unwrap();
        let mut host = Command::new("setpriv");
        let id = uid.to_string();
        host.args(["--clear-groups", "--reuid", &id, "--regid", &id]);
        host.arg(stage.harness()).args(["-", "-"]).arg(format!("call-squat={}", path.display()));
        let mut squatter = Self(host.stdout(Stdio::piped()).spawn().unwrap());
        assert_eq!(squatter.read(6), "ready\n");
        squatter
    }

    /// Returns so many bytes of what it says.
    fn read(&mut self, length: usize) -> String {
        let mut bytes = vec![0; length];
        self.0.stdout.as_mut().unwrap().read_exact(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }
}

impl Drop for Squatter {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
