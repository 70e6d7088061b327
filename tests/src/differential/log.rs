//! Reads the log socket of a stage all the time: whoever writes to a full one waits, and a module
//! that does would look as if it hung.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, net::UnixDatagram},
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread,
};

const END: &str = "end of the log";
const MARK: &str = "mark in the log";

/// A log with a reader.
pub struct Log {
    path: PathBuf,
    socket: Arc<UnixDatagram>,
    lines: mpsc::Receiver<String>,
}

impl Log {
    /// Puts a socket of its own at the place of the stage's.
    pub fn read(folder: &Path) -> Self {
        let path = folder.join("log");
        fs::remove_file(&path).unwrap();
        let socket = Arc::new(UnixDatagram::bind(&path).unwrap());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        let (sender, lines) = mpsc::channel();
        let ours = Arc::clone(&socket);
        let read = move || {
            let mut buffer = [0; 1 << 16];
            while let Ok(length) = ours.recv(&mut buffer) {
                let line = String::from_utf8_lossy(&buffer[..length]).into_owned();
                if line == END || sender.send(line).is_err() {
                    break;
                }
            }
        };
        thread::Builder::new().name("log".to_owned()).spawn(read).unwrap();
        Self { path, socket, lines }
    }

    /// Returns the lines since the last call.
    pub fn lines(&self) -> Vec<String> {
        self.send(MARK);
        self.lines.iter().take_while(|line| line != MARK).collect()
    }

    /// Stops reading; the socket stays, as that of a log daemon that hangs.
    pub fn stop(&self) {
        self.send(END);
    }

    fn send(&self, line: &str) {
        let sender = UnixDatagram::unbound().unwrap();
        // A log that is gone has no reader to tell.
        let _ = sender.send_to(line.as_bytes(), &self.path);
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // A full log has no reader any more.
        let _ = self.socket.set_nonblocking(true);
        let sender = UnixDatagram::unbound().unwrap();
        let _ = sender.set_nonblocking(true);
        let _ = sender.send_to(END.as_bytes(), &self.path);
    }
}
