//! The arguments of `report`.

use clap::Args;

use super::log::When;

/// What `fobctl report --help` says beside the options.
pub(super) const HELP: &str = "\
It reads what fobd observed with mode = \"observe\" in fobd.conf: who signed in and would have been
asked for a code, where, and whether he had a token then. Old events may be gone from the log.

Examples:
  fobctl report
  fobctl report --since 30d --json";

/// `fobctl report`.
#[derive(Args, Debug)]
pub(crate) struct Report {
    /// Look at sign-ins from then on
    #[arg(long, value_name = "WHEN", default_value = "7d")]
    pub(crate) since: When,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
