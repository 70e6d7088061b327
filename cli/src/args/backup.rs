//! The arguments of `backup` and `restore`. A passphrase is none of them.

use std::path::PathBuf;

use clap::Args;

use crate::sealed::Recipient;

/// `fobctl backup`.
#[derive(Args, Debug)]
pub(crate) struct Backup {
    /// Write this file; - is standard output
    pub(crate) file: PathBuf,
    /// Seal it for this public key of age; may be given several times
    #[arg(long, value_name = "AGE1…", value_parser = Recipient::parse)]
    pub(crate) recipient: Vec<Recipient>,
    /// Seal it by the passphrase in the first line of standard input
    #[arg(long, conflicts_with = "recipient")]
    pub(crate) passphrase_stdin: bool,
    /// Replace the file if it is there
    #[arg(long)]
    pub(crate) force: bool,
}

/// `fobctl restore`.
#[derive(Args, Debug)]
pub(crate) struct Restore {
    /// Read this file; - is standard input
    pub(crate) file: PathBuf,
    /// Open it by a private key of age in this file
    #[arg(long, value_name = "FILE")]
    pub(crate) identity: Option<PathBuf>,
    /// Open it by the passphrase in the first line of standard input
    #[arg(long, conflicts_with = "identity")]
    pub(crate) passphrase_stdin: bool,
    /// Say what would be done, without doing it
    #[arg(long)]
    pub(crate) dry_run: bool,
}
