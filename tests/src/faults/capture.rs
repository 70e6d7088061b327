//! Root's capture of everything that a bus carries (org.freedesktop.DBus.Monitoring).

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use zbus::connection::Builder;

use super::failed;
use crate::{conformance::Failure, daemon::Ground, private_bus::PrivateBus};

/// How long the capture may take to begin, and to be complete.
const PATIENCE: Duration = Duration::from_secs(30);

/// A capture under way. It ends when it is dropped.
pub(super) struct Capture {
    monitor: Child,
    file: PathBuf,
}

impl Capture {
    /// Begins one.
    pub(super) fn start(bus: &PrivateBus, ground: &Ground) -> Result<Self, Failure> {
        let file = ground.path().join("capture");
        let output = File::create(&file).map_err(failed)?;
        let monitor = Command::new("dbus-monitor")
            .args(["--address", &bus.address(), "--binary"])
            .stdin(Stdio::null())
            .stdout(output)
            .spawn()
            .map_err(failed)?;
        Ok(Self { monitor, file })
    }

    /// Returns what was captured so far: up to a mark that is sent now.
    pub(super) async fn bytes(&self, address: &str) -> Result<Vec<u8>, Failure> {
        let connection = Builder::address(address).build().await.map_err(failed)?;
        let until = Instant::now() + PATIENCE;
        for number in 0_u32.. {
            // A name that nobody has: the bus answers, and the capture holds the question.
            let mark = format!("org.fobd.Mark{}.N{number}", std::process::id());
            let bus = Some("org.freedesktop.DBus");
            let path = "/org/freedesktop/DBus";
            let name = (mark.as_str(),);
            connection.call_method(bus, path, bus, "NameHasOwner", &name).await.map_err(failed)?;
            let bytes = fs::read(&self.file).map_err(failed)?;
            if bytes.windows(mark.len()).any(|part| part == mark.as_bytes()) {
                return Ok(bytes);
            }
            if Instant::now() > until {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(Failure::new("dbus-monitor captures nothing."))
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = self.monitor.kill();
        let _ = self.monitor.wait();
    }
}
