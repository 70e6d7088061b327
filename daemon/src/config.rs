//! Where things are, and the numbers in force. Taken from the command line, which only whoever
//! starts fobd writes, and from a file of root's; never from the environment, but for the folder
//! of the service manager's credentials.

mod file;
mod page;
mod read;
mod rules;
mod table;

pub use file::{BadFile, Mistake, Settings, parse};
pub use page::man_page;
pub use read::{Loaded, NotTaken, read};
pub use rules::RuleMistake;
pub use table::{in_force, markdown, sample};

use std::{
    fmt,
    path::{Path, PathBuf},
};

use fob_api::{
    address::{PEER_SOCKET, SYSTEM_BUS_SOCKET},
    owner::STATE_FOLDER,
};

/// Where the numbers are (hier(7)).
const FILE: &str = "/etc/fob/fobd.conf";

/// What fobd is started for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Task {
    /// Show the numbers in force, and end.
    CheckConfig,
    /// Set the state folder up, once, and end.
    Initialize,
    /// Serve.
    Serve,
}

/// Which file has the numbers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Source {
    /// This one, which must be there: a mistyped name is no reason to fall back to the defaults.
    Named(PathBuf),
    /// The one in /etc, if there is one.
    Usual,
}

impl Source {
    /// Returns the file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Named(path) => path,
            Self::Usual => Path::new(FILE),
        }
    }
}

/// The daemon's configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    /// The folder of the service manager's credentials, if it made one.
    pub credentials: Option<PathBuf>,
    /// The file that has the numbers.
    pub file: Source,
    /// The folder of the database and the key.
    pub state: PathBuf,
    /// The peer socket.
    pub socket: PathBuf,
    /// The system bus's address; `None` to serve the peer socket alone.
    pub bus: Option<String>,
    /// What to do.
    pub task: Task,
}

/// An argument is not one of fobd's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BadArgument(String);

impl fmt::Display for BadArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "argument {:?} is not --initialize, --check-config, --config=PATH, --state=DIR, \
             --socket=PATH, --bus=ADDRESS or --no-bus.",
            self.0
        )
    }
}

impl std::error::Error for BadArgument {}

impl Default for Config {
    fn default() -> Self {
        Self {
            credentials: None,
            file: Source::Usual,
            state: STATE_FOLDER.into(),
            socket: PEER_SOCKET.into(),
            bus: Some(format!("unix:path={SYSTEM_BUS_SOCKET}")),
            task: Task::Serve,
        }
    }
}

impl Config {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    ///
    /// [`BadArgument`] for an unknown or an empty one.
    pub fn from_arguments(
        arguments: impl IntoIterator<Item = String>,
    ) -> Result<Self, BadArgument> {
        let mut config = Self::default();
        for argument in arguments {
            match argument.split_once('=') {
                Some(("--config", path)) if !path.is_empty() => {
                    config.file = Source::Named(path.into());
                }
                Some(("--state", path)) if !path.is_empty() => config.state = path.into(),
                Some(("--socket", path)) if !path.is_empty() => config.socket = path.into(),
                Some(("--bus", address)) if !address.is_empty() => {
                    config.bus = Some(address.to_owned());
                }
                None if argument == "--check-config" => config.task = Task::CheckConfig,
                None if argument == "--initialize" => config.task = Task::Initialize,
                None if argument == "--no-bus" => config.bus = None,
                _ => return Err(BadArgument(argument)),
            }
        }
        Ok(config)
    }

    /// Takes the folder of the service manager's credentials; only an absolute path is one
    /// (systemd.exec(5)).
    #[must_use]
    pub fn with_credentials(self, folder: Option<PathBuf>) -> Self {
        Self { credentials: folder.filter(|folder| folder.is_absolute()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::Config;

    fn read(arguments: &[&str]) -> Option<Config> {
        Config::from_arguments(arguments.iter().map(|text| (*text).to_owned())).ok()
    }

    #[test]
    fn without_arguments_the_host_is_served() {
        let config = read(&[]).unwrap();
        assert_eq!(config.socket.to_str(), Some("/run/fobd/bus"));
        assert_eq!(config.bus.as_deref(), Some("unix:path=/run/dbus/system_bus_socket"));
    }

    #[test]
    fn an_unknown_or_empty_argument_is_refused() {
        for argument in
            ["--stat=/x", "--state=", "--state", "--config=", "--config", "-v", "", "--no-bus=1"]
        {
            assert_eq!(read(&[argument]), None, "{argument:?} was taken");
        }
    }
}
