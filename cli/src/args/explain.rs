//! The arguments of `explain`.

use clap::Args;
use fob_api::UserName;

/// What `fobctl explain --help` says beside the options.
pub(super) const HELP: &str = "\
Nothing is changed, and no event written. It tells what the rules of fobd.conf and the lines of
/etc/pam.d make of a sign-in; \"fobctl doctor\" says whether a line does what it should.

Examples:
  fobctl explain --user alice --service sshd
  fobctl explain --user alice --service sshd --rhost 192.0.2.7
  fobctl explain --all                     everybody known here, in all services that ask";

/// `fobctl explain`.
#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// Who signs in
    #[arg(long, value_parser = UserName::parse, required_unless_present = "all")]
    pub(crate) user: Option<UserName>,
    /// Where: the PAM service, such as sshd or sudo
    #[arg(long, required_unless_present = "all")]
    pub(crate) service: Option<String>,
    /// From where, as the service says it: an address, or a name
    #[arg(long, value_name = "HOST")]
    pub(crate) rhost: Option<String>,
    /// All who have a token, root, administrators and users of /etc/passwd, in all services that ask
    #[arg(long, conflicts_with_all = ["user", "service"])]
    pub(crate) all: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
