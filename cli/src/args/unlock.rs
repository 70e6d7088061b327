//! The arguments of `unlock`.

use clap::Args;
use fob_api::UserName;

/// What `fobctl unlock --help` says beside the options.
pub(super) const HELP: &str = "\
After too many wrong codes fob asks for two codes in a row until some time has passed;
\"fobctl show alice\" says where and until when.

Examples:
  fobctl unlock alice
  fobctl unlock alice --share unknown";

/// `fobctl unlock`.
#[derive(Args, Debug)]
pub(crate) struct Unlock {
    /// Unlock this user
    #[arg(value_parser = UserName::parse)]
    pub(crate) user: UserName,
    /// Only for codes from there
    #[arg(long, value_parser = ["console", "escalation", "known", "own", "unknown"])]
    pub(crate) share: Option<String>,
}
