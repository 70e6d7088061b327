//! The words that the PAM module, the daemon and the command line share.
//!
//! Types here are parsed once, at the edge, and are correct from then on. Nothing in this
//! crate does I/O or reads a clock. Codes and passwords have no `Debug` and are wiped when they are
//! dropped.

pub mod address;
mod adopt;
mod answer;
mod batch;
mod code;
pub mod emergency;
mod error;
mod explain;
mod identify;
mod log;
pub mod message;
mod name;
pub mod owner;
mod password;
#[cfg(feature = "proxy")]
pub mod proxy;
mod report;
mod seed_file;
mod session;
mod share;
mod ticket;
mod utc;
mod verdict;

pub use adopt::{AdoptOptions, AdoptReport, AdoptRow, AdoptSource, Adopted};
pub use answer::{Answer, RECOVERY_ALPHABET, RECOVERY_LETTERS, RecoveryCode};
pub use batch::{Batch, BatchError};
pub use code::{Code, CodeError, CodePair};
pub use error::{Error, ErrorKind, RootRule};
pub use explain::ExplainReport;
pub use identify::{IdentifyOptions, IdentifyReport};
pub use log::{LogBreak, LogEntry, LogOptions, LogReport};
pub use name::{NameError, Serial, UserName};
pub use password::{LONGEST_PASSWORD, Password};
pub use report::{
    APP_MODELS, AssignOptions, BackupReport, BypassOptions, Fate, ImportOptions, ImportReject,
    ImportReport, MAX_RATE, PageOptions, RekeyReport, RemoveOptions, RestoreNote, RestoreOptions,
    RestoreReport, ShareReport, StatusReport, TokenReport, TokenState, UnlockOptions, UserReport,
    VIRTUAL_MAKER, VIRTUAL_MODEL,
};
pub use seed_file::{
    FormatSheet, SHEETS, SeedEncoding, SeedFormat, SeedScript, TokenKind, text_lines,
};
pub use session::{LoginSession, PASSWORD_SERVICE, TICKET_SERVICES};
pub use share::Share;
pub use ticket::{RevokeOptions, TicketReport};
pub use utc::Utc;
pub use verdict::{PromptDetails, PromptKind, Verdict, VerifyContext, VerifyDetails};
