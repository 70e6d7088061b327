//! The module's hand-written messages against other implementations: a zbus server, as the daemon
//! is one, and a real dbus-daemon.
//!
//! Honest limits: both compare the caller's uid with what it says, so they need a real root.
#![allow(clippy::unwrap_used)] // clippy knows only functions marked as tests: helpers are, too

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, Stdio};

use fob_api::VerifyDetails;
use fob_api::address::{BUS_NAME, OBJECT_PATH};
use fob_tests::needs::{self, Need};
use fob_tests::pam_host::{Stage, pam};
use tokio::runtime::Runtime;
use zbus::connection::Builder;

struct Fob;

#[zbus::interface(name = "org.fobd.Fob1")]
impl Fob {
    /// Accepts 123456 of everybody.
    fn verify(
        &self,
        user: &str,
        code: &str,
        context: fob_api::VerifyContext,
    ) -> (String, String, VerifyDetails) {
        assert_eq!(context.service.as_deref(), Some("probe"));
        let word = if code == "123456" { "accept" } else { "reject" };
        (word.to_owned(), user.to_owned(), VerifyDetails::default())
    }

    fn prompt(
        &self,
        user: &str,
        context: HashMap<String, zbus::OwnedVariant>,
    ) -> (String, fob_api::PromptDetails) {
        assert!(context.contains_key("service"));
        let kind = if user == "alice" { "code" } else { "exempt" };
        (kind.to_owned(), fob_api::PromptDetails { digits: Some(6) })
    }
}

#[test]
fn a_zbus_server_on_a_peer_connection_understands_the_module() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let stage = Stage::new();
    let listener = UnixListener::bind(stage.daemon_socket()).unwrap();
    let runtime = Runtime::new().unwrap();
    let server = runtime.spawn(async move {
        let guid = zbus::Guid::generate();
        let mut held = Vec::new();
        for _ in 0..2 {
            let (stream, _) = tokio::task::block_in_place(|| listener.accept()).unwrap();
            let builder = Builder::unix_stream(stream).server(guid.clone()).p2p();
            held.push(builder.serve_at(OBJECT_PATH, Fob).build().await.unwrap());
        }
        held
    });
    let seen = stage.host("nullok").sign_in("123456");
    assert_eq!((seen.code(), seen.prompts().len()), (pam::SUCCESS, 1));
    assert_eq!(stage.host("").sign_in("654321").code(), pam::AUTH_ERR);
    runtime.block_on(server).unwrap();
}

#[test]
fn a_real_system_bus_carries_the_call_to_the_daemon() {
    if !needs::met(&[Need::Root, Need::Program("dbus-daemon")]) {
        return;
    }
    let stage = Stage::new();
    let _bus = Bus::start(&stage);
    let runtime = Runtime::new().unwrap();
    let address = format!("unix:path={}", stage.bus_socket().display());
    let _daemon = runtime.block_on(async {
        let builder = Builder::address(address.as_str()).name(BUS_NAME);
        builder.serve_at(OBJECT_PATH, Fob).build().await.unwrap()
    });
    let code = stage.host("").uid(65534).sign_in("123456").code();
    assert_eq!(code, pam::SUCCESS, "{:?}", stage.log());
    assert_eq!(stage.host("").uid(65534).sign_in("654321").code(), pam::AUTH_ERR);
}

#[test]
fn a_real_system_bus_without_the_daemon_is_a_refusal() {
    if !needs::met(&[Need::Root, Need::Program("dbus-daemon")]) {
        return;
    }
    let stage = Stage::new();
    let _bus = Bus::start(&stage);
    let seen = stage.host("").uid(65534).sign_in("123456");
    assert_eq!((seen.code(), seen.texts().len()), (pam::AUTH_ERR, 1));
    let log = stage.log();
    assert!(log[0].contains("not on the system bus"), "{log:?}");
}

/// A dbus-daemon at the place of the system bus of one stage.
struct Bus(Child);

impl Bus {
    fn start(stage: &Stage) -> Self {
        let socket = stage.bus_socket();
        let config = socket.with_file_name("bus.conf");
        let text = format!(
            "<busconfig><type>system</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>\
             <policy context=\"default\"><allow user=\"*\"/><allow send_destination=\"*\"/><allow own=\"*\"/>\
             <allow receive_type=\"method_call\"/><allow receive_type=\"method_return\"/>\
             <allow receive_type=\"error\"/><allow receive_type=\"signal\"/></policy></busconfig>",
            socket.display()
        );
        fs::write(&config, text).unwrap();
        let mut daemon = Command::new("dbus-daemon");
        daemon.arg("--config-file").arg(&config).args(["--nofork", "--print-address"]);
        let mut bus = Self(daemon.stdout(Stdio::piped()).spawn().unwrap());
        // It prints its address when it listens.
        let mut ready = [0; 1];
        std::io::Read::read_exact(bus.0.stdout.as_mut().unwrap(), &mut ready).unwrap();
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).unwrap();
        bus
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
