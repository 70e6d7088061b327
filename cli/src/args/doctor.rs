//! The arguments of `doctor`.

use clap::Args;

/// What `fobctl doctor --help` says beside the options.
pub(super) const HELP: &str = "\
Nothing is changed. Each finding says what would happen at a sign-in, where it stands, and how to
mend it. The exit status is 1 if something was found. Run it as root: others cannot see all.

Examples:
  fobctl doctor
  fobctl doctor sshd
  fobctl doctor --json | jq -r '.findings[] | select(.severity == \"fails-open\") | .fix'";

/// `fobctl doctor`.
#[derive(Args, Debug)]
pub(crate) struct Doctor {
    /// Look at this PAM service only, such as sshd or sudo; without it, at all that ask for a code
    pub(crate) service: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
