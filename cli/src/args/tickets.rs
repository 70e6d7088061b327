//! The arguments of `tickets`.

use clap::Args;
use fob_api::UserName;

/// What `fobctl tickets --help` says beside the options.
pub(super) const HELP: &str = "\
There are none unless \"ticket_minutes\" is set in fobd.conf: so long after an accepted code, sudo and
polkit do not ask for another one in the same login and on the same terminal.

Examples:
  fobctl tickets
  fobctl tickets --revoke alice
  fobctl tickets --revoke-all";

/// `fobctl tickets`.
#[derive(Args, Debug)]
pub(crate) struct Tickets {
    /// End this user's tickets
    #[arg(long, value_name = "USER", value_parser = UserName::parse)]
    pub(crate) revoke: Option<UserName>,
    /// End all tickets
    #[arg(long, conflicts_with = "revoke")]
    pub(crate) revoke_all: bool,
    /// Print JSON
    #[arg(long, conflicts_with_all = ["revoke", "revoke_all"])]
    pub(crate) json: bool,
}
