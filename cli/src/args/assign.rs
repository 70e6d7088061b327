//! What `fobctl assign` is told.

use clap::Args;
use fob_api::{Serial, UserName};

use super::FarClock;

/// `fobctl assign`.
#[derive(Args, Debug)]
pub(crate) struct Assign {
    /// Give the token to this user
    #[arg(value_parser = UserName::parse)]
    pub(crate) user: UserName,
    /// Take the token with this serial, printed on its back
    #[arg(value_parser = Serial::typed, required_unless_present = "virtual")]
    pub(crate) serial: Option<Serial>,
    /// Make a token for an app on a phone, and show the picture that it scans
    #[arg(long = "virtual", id = "virtual", conflicts_with_all = ["serial", "accept_clock"])]
    pub(crate) is_virtual: bool,
    #[command(flatten)]
    pub(crate) far: FarClock,
}
