//! What `fobctl identify` is told.

use clap::Args;

/// `fobctl identify`.
#[derive(Args, Debug)]
pub(crate) struct Identify {
    /// Ask for two codes in a row at once, also if one is enough
    #[arg(long)]
    pub(crate) two: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
