//! The floors: what no sign-in with a durable count can be faster than.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use tokio::runtime::Runtime;
use zbus::{Connection, Message, connection::Builder};

use super::host::{Host, INSIDE, Span};

/// A cost that is measured by itself.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Floor {
    /// 4 KiB overwritten, and fdatasync.
    Sync,
    /// Connect, ask, be answered, by a unix socket.
    Socket,
    /// The same by a D-Bus daemon, from a service that does nothing.
    Bus,
}

impl Floor {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Sync, Self::Socket, Self::Bus];

    /// Returns its name in tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sync => "4 KiB overwrite and fdatasync",
            Self::Socket => "unix socket round trip",
            Self::Bus => "D-Bus call through dbus-daemon",
        }
    }

    /// Measures it once, in a fresh process.
    pub(super) fn once(self, host: &mut Host) -> Span {
        let command = match self {
            Self::Sync => format!("floor sync {INSIDE}/block\n"),
            Self::Socket => format!("floor socket {INSIDE}/echo\n"),
            Self::Bus => format!("floor bus {INSIDE}/bus {INSIDE}/bus-call\n"),
        };
        let span = host.ask_span(&command);
        assert_eq!(span.code, 0, "{} does not work", self.name());
        span
    }
}

/// A bus of its own with a service on it that does nothing.
pub(super) struct Bus {
    process: Child,
    service: Connection,
    _runtime: Runtime,
}

struct Nothing;

#[zbus::interface(name = "org.fobd.Bench")]
impl Nothing {
    #[allow(clippy::unused_self, reason = "the shape that the macro wants")]
    fn nothing(&self) {}
}

impl Bus {
    /// Starts both; the socket is `bus` in the folder.
    pub(super) fn start(folder: &Path) -> Self {
        let (socket, config) = (folder.join("bus"), folder.join("bus.conf"));
        let address = format!("unix:path={}", socket.display());
        fs::write(&config, configuration(&address)).unwrap();
        // In a sandbox only so that it ends with this program, whatever ends that.
        let mut process = Command::new("bwrap")
            .args(["--die-with-parent", "--dev-bind", "/", "/", "dbus-daemon"])
            .arg(format!("--config-file={}", config.display()))
            .args(["--nofork", "--nopidfile", "--nosyslog", "--print-address"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let service = runtime.block_on(async {
            let bus = Builder::address(address.as_str()).serve_at("/org/fobd/Bench", Nothing);
            bus.build().await.unwrap()
        });
        Self { process, service, _runtime: runtime }
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns what a cold caller writes at once: who it is, Hello, and the call.
pub(super) fn call_bytes(bus: &Bus) -> Vec<u8> {
    let hello = Message::method_call("/org/freedesktop/DBus", "Hello")
        .destination("org.freedesktop.DBus")
        .interface("org.freedesktop.DBus")
        .build(&())
        .unwrap();
    let call = Message::method_call("/org/fobd/Bench", "Nothing")
        .destination(bus.service.unique_name().unwrap())
        .interface("org.fobd.Bench")
        .build(&())
        .unwrap();
    let greeting = b"\0AUTH EXTERNAL 30\r\nBEGIN\r\n".as_slice(); // uid 0 in decimal, in hex
    [greeting, hello.data().bytes(), call.data().bytes()].concat()
}

fn configuration(address: &str) -> String {
    format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>{address}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
"#
    )
}
