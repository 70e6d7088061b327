//! The arguments of `report-lost`.

use clap::Args;
use fob_api::UserName;

/// What `fobctl report-lost --help` says beside the options.
pub(super) const HELP: &str = "\
fobctl asks for one of your recovery codes, which is used up. Whoever has none tells an
administrator. The codes that are left stay good; only an administrator gives you another token.
Administrators need no code: \"fobctl rotate alice SERIAL --lost\" or \"fobctl deactivate alice --lost\".

Examples:
  fobctl report-lost                 your own token";

/// `fobctl report-lost`.
#[derive(Args, Debug)]
pub(crate) struct ReportLost {
    /// Report the token of this user; without it, your own
    #[arg(value_parser = UserName::parse)]
    pub(crate) user: Option<UserName>,
}
