//! The arguments of `enable`, `disable`, `confirm` and `revert`.

use clap::{Args, Subcommand, ValueEnum};

use crate::enable::{self, FirstDay};

/// What `fobctl enable --help` says beside the options.
const HELP: &str = "\
The change is shown as a difference and written when you say so; sshd's settings go into
/etc/ssh/sshd_config.d/10-fob.conf. If sshd or \"fobctl doctor\" has something against it, it is taken
back at once. So it is after 10 minutes, or when the host restarts, unless \"fobctl confirm\" is run
from a new session that was asked for a code. Without a service, what is asked where is listed.

With --group or --from, rules about the service go to the end of /etc/fob/fobd.conf, and fobd is
restarted: they are a part of the change, and go with it. Rules that you have written there stand in
front, and the first that matches decides. root is always asked.

Examples:
  fobctl enable
  fobctl enable sshd --with publickey
  fobctl enable --dry-run sudo login
  fobctl enable sddm --with one-field    password and code in one answer
  fobctl enable sudo --group staff
  fobctl enable sshd --from 2027-01-01   until then, who has no token signs in without
  fobctl enable sshd --everybody
  fobctl enable --yes sudo           in a script";

/// What `fobctl confirm --help` says beside the options.
const CONFIRM_HELP: &str = "\
Sign in anew, with a code, to a service that was enabled, and run it there: to sshd, if that is one of
them. It refuses in a session that made the change or was open before, and if no code of yours was
accepted since.

Examples:
  sudo fobctl confirm";

/// What `fobctl disable --help` says beside the options.
const DISABLE_HELP: &str = "\
What \"fobctl enable\" has put in is taken out, its rules as well; other changes to the files stay.

Examples:
  fobctl disable sudo
  fobctl disable --dry-run sshd";

/// The verbs that change where codes are asked for.
#[derive(Debug, Subcommand)]
pub(crate) enum Asking {
    /// Let services ask for the code, until it is taken back or confirmed
    #[command(after_help = HELP)]
    Enable(Enable),
    /// Keep what enable has changed, from a new session that was asked for a code
    #[command(after_help = CONFIRM_HELP)]
    Confirm,
    /// Let services ask for no code any more
    #[command(after_help = DISABLE_HELP)]
    Disable(Disable),
    /// Take back what enable has changed and nobody has confirmed
    #[command(hide = true)]
    Revert,
}

impl Asking {
    /// Returns the verb as it is typed.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Enable(_) => "enable",
            Self::Confirm => "confirm",
            Self::Disable(_) => "disable",
            Self::Revert => "revert",
        }
    }
}

/// `fobctl enable`.
#[derive(Args, Debug)]
pub(crate) struct Enable {
    /// Let these PAM services ask, such as sshd or sudo; without one, list what is asked where
    #[arg(value_name = "SERVICE")]
    pub(crate) services: Vec<String>,
    /// What comes before the code; a key is for sshd alone, one field for all others
    #[arg(long, value_name = "FACTOR", value_enum, requires = "services")]
    pub(crate) with: Option<With>,
    #[command(flatten)]
    pub(crate) who: Who,
    #[command(flatten)]
    pub(crate) how: How,
    /// Do it where nothing takes it back by itself
    #[arg(long, requires = "services")]
    pub(crate) without_revert: bool,
    /// Do it though no administrator could sign in
    #[arg(long, value_name = "HOSTNAME", requires = "services")]
    pub(crate) i_will_be_locked_out: Option<String>,
    /// Print the list as JSON
    #[arg(long, conflicts_with = "services")]
    pub(crate) json: bool,
}

/// Who is asked.
#[derive(Args, Debug)]
pub(crate) struct Who {
    /// Ask the members of this group only, and root
    #[arg(long, value_name = "GROUP", requires = "services")]
    pub(crate) group: Option<String>,
    /// Until this day (UTC) do not ask those who never had a token, but for root
    #[arg(long, value_name = "DATE", requires = "services")]
    pub(crate) from: Option<FirstDay>,
    /// Ask everybody again, whatever --group or --from said before
    #[arg(long, requires = "services", conflicts_with_all = ["group", "from"])]
    pub(crate) everybody: bool,
}

/// `fobctl disable`.
#[derive(Args, Debug)]
pub(crate) struct Disable {
    /// Let these PAM services ask for no code any more
    #[arg(value_name = "SERVICE", required = true)]
    pub(crate) services: Vec<String>,
    #[command(flatten)]
    pub(crate) how: How,
}

/// Whether files are written, and whether somebody is asked before.
#[derive(Args, Debug)]
pub(crate) struct How {
    /// Show the difference, and change nothing
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    /// Do not ask before writing
    #[arg(long)]
    pub(crate) yes: bool,
}

/// What comes before the code.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum With {
    /// A key, and no password
    Publickey,
    /// The password
    Password,
    /// The password, in one answer with the code: for programs with a single field
    OneField,
}

impl From<With> for enable::With {
    fn from(with: With) -> Self {
        match with {
            With::OneField => Self::OneField,
            With::Password => Self::Password,
            With::Publickey => Self::PublicKey,
        }
    }
}
