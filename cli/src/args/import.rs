//! What `fobctl import` is told.

use std::path::PathBuf;

use clap::Args;
use fob_api::{Batch, SeedEncoding, SeedFormat, TokenKind};

use super::From;

/// `fobctl import`.
#[derive(Args, Debug)]
pub(crate) struct Import {
    /// Read this seed file; - is standard input
    #[arg(required_unless_present_any = ["list_formats", "program"])]
    pub(crate) file: Option<PathBuf>,
    /// Read it as this format instead of recognizing it
    #[arg(long, value_parser = SeedFormat::ALL.map(SeedFormat::word))]
    pub(crate) format: Option<String>,
    /// Take the seeds as written in this encoding, where the format leaves it open
    #[arg(long, value_parser = SeedEncoding::ALL.map(SeedEncoding::word))]
    pub(crate) encoding: Option<String>,
    /// Say what the tokens are (digits, seconds), where the file does not
    #[arg(long, value_parser = TokenKind::ALL.map(|kind| kind.word))]
    pub(crate) kind: Option<String>,
    /// Explain each format with an example, and import nothing
    #[arg(long, exclusive = true)]
    pub(crate) list_formats: bool,
    /// Check the file and say what would be added, without adding it
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Take the good tokens, and write the rows of the others into this new file, with the reasons
    #[arg(long, value_name = "REJECTS")]
    pub(crate) partial: Option<PathBuf>,
    /// Call the tokens that come in this, such as "2026-11 Feitian"
    #[arg(long, value_name = "TAG", value_parser = Batch::parse)]
    pub(crate) batch: Option<Batch>,
    /// Take tokens whose file says that they have expired, or may not be used yet
    #[arg(long)]
    pub(crate) ignore_expiry: bool,
    /// Read the passphrase or key of an encrypted file from this descriptor, up to the end of its line
    #[arg(long, value_name = "FD", value_parser = clap::value_parser!(i32).range(0..))]
    pub(crate) password_fd: Option<i32>,
    #[command(flatten)]
    pub(crate) receipt: Receipt,
    #[command(flatten)]
    pub(crate) from: From,
}

/// How the receipt is printed.
#[derive(Args, Debug)]
pub(crate) struct Receipt {
    /// Print the receipt, or what became of each user, as JSON
    #[arg(long)]
    pub(crate) json: bool,
}
