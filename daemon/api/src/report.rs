//! What the daemon tells about tokens, and what a caller may add to a request.
//!
//! All are dictionaries on the bus, so that they can grow: unknown keys are ignored, missing
//! ones are `None`.

use serde::{Deserialize, Serialize};
use zbus::{DeserializeDict, SerializeDict, Type, wire::OwnedFd};

/// Where a token stands in its life.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum TokenState {
    /// A user signs in with it.
    Assigned,
    /// Reported lost: never signs in again, and cannot be assigned.
    Lost,
    /// Taken out of use.
    Retired,
    /// Nobody has it.
    Stock,
}

impl TokenState {
    /// Returns the word for it on the bus, in JSON and in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Lost => "lost",
            Self::Retired => "retired",
            Self::Stock => "stock",
        }
    }

    /// Returns the state for a word from the bus.
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "assigned" => Self::Assigned,
            "lost" => Self::Lost,
            "retired" => Self::Retired,
            "stock" => Self::Stock,
            _ => return None,
        })
    }
}

/// What becomes of a token that is taken from its user.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Fate {
    /// It never signs in again.
    Lost,
    /// It is taken out of use.
    Retire,
    /// It goes back to stock.
    #[default]
    Stock,
}

impl Fate {
    /// Returns the word for it on the bus.
    pub fn word(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Retire => "retire",
            Self::Stock => "stock",
        }
    }

    /// Returns the fate for a word from the bus.
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "lost" => Self::Lost,
            "retire" => Self::Retire,
            "stock" => Self::Stock,
            _ => return None,
        })
    }
}

/// Highest rate of a clock that is believed, in ppm: tokens are sold with 3 to 12, the worst bound
/// that a vendor names is 23 (clock-and-throttle.md section 1). Beyond it is a fault.
pub const MAX_RATE: f64 = 50.0;

/// One token, without its seed.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct TokenReport {
    /// The serial as it was imported.
    pub serial: Option<String>,
    /// `assigned`, `lost`, `retired` or `stock`.
    pub state: Option<String>,
    /// Whose it is, while it is assigned.
    pub user: Option<String>,
    /// `totp` or `hotp`.
    pub kind: Option<String>,
    /// `SHA1`, `SHA256` or `SHA512`.
    pub algorithm: Option<String>,
    /// Digits of a code: 6, 7 or 8.
    pub digits: Option<u32>,
    /// Seconds per step; absent for HOTP.
    pub period: Option<u32>,
    /// How far the token's clock is ahead of the host's, in seconds; absent until it is known.
    pub drift: Option<i64>,
    /// How much faster it runs than the host's, in ppm; absent until it is known.
    pub rate: Option<f64>,
    /// Unix time until which its next code is expected to be accepted at the first try; absent if
    /// that time has passed or nothing is known.
    pub in_sync_until: Option<u64>,
    /// Unix time of the last accepted code.
    pub last_used: Option<u64>,
    /// Unix time of the import.
    pub imported: Option<u64>,
    /// The vendor, as the seed file says.
    pub manufacturer: Option<String>,
    /// The model, as the seed file says.
    pub model: Option<String>,
    /// What its import was called ([`crate::Batch`]).
    pub batch: Option<String>,
}

/// Who makes virtual tokens, as [`TokenReport::manufacturer`] says it.
pub const VIRTUAL_MAKER: &str = "Fob";
/// What [`TokenReport::model`] says of a virtual token.
pub const VIRTUAL_MODEL: &str = "virtual";

/// What [`TokenReport::model`] says of tokens that came with their users from an app.
pub const APP_MODELS: [&str; 2] = ["google-authenticator", "authenticator app"];

impl TokenReport {
    /// Tells whether it is a program on somebody's phone, made by Fob or taken over.
    #[must_use]
    pub fn is_on_a_phone(&self) -> bool {
        let model = self.model.as_deref();
        let is_virtual =
            self.manufacturer.as_deref() == Some(VIRTUAL_MAKER) && model == Some(VIRTUAL_MODEL);
        is_virtual || model.is_some_and(|model| APP_MODELS.contains(&model))
    }
}

/// One user and his tokens.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct UserReport {
    /// The name, as the host's user database spells it.
    pub user: Option<String>,
    /// His uid.
    pub uid: Option<u32>,
    /// His tokens; empty if he has none.
    pub tokens: Option<Vec<TokenReport>>,
    /// What each share of his is asked for, and what wrong codes have cost it.
    pub shares: Option<Vec<ShareReport>>,
    /// Unused recovery codes; absent if he was never given any.
    pub recovery_left: Option<u32>,
    /// Unix time at which his temporary code expires; absent, as the next two, if he has none.
    pub temporary_until: Option<u64>,
    /// Why it was given out.
    pub temporary_reason: Option<String>,
    /// The uid that gave it out.
    pub temporary_by: Option<u32>,
}

/// One share of a user's budget of wrong codes.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct ShareReport {
    /// `console`, `escalation`, `known`, `own` or `unknown`.
    pub share: Option<String>,
    /// What it is asked for: `code` or `pair`.
    pub asks: Option<String>,
    /// Wrong codes that still count.
    pub wrong: Option<u32>,
    /// Wrong codes and pairs since the last right one.
    pub in_a_row: Option<u32>,
    /// Unix time from which one code is enough again, as far as this user's budget goes; absent
    /// if it is enough now, or a right pair is needed first.
    pub until: Option<u64>,
}

/// What a caller may add to unlock.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct UnlockOptions {
    /// Only this share.
    pub share: Option<String>,
    /// The uid with which the caller signed in before he became root (proc_pid_loginuid(5)): for the
    /// log only.
    pub login_uid: Option<u32>,
}

/// What an import did.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct ImportReport {
    /// The format that was read ([`crate::SeedFormat::word`]).
    pub format: Option<String>,
    /// Serials that are new in stock.
    pub added: Option<Vec<String>>,
    /// Serials that were known already, with the same seed and parameters.
    pub unchanged: Option<Vec<String>>,
    /// Tokens and rows that were set aside; present if that was asked for.
    pub rejected: Option<Vec<ImportReject>>,
    /// What the importer should know about the file: `mac-over-plaintext`, `no-mac`,
    /// `signature-unchecked`; absent if there is nothing.
    pub notices: Option<Vec<String>>,
}

/// A token, or a row, of a seed file that did not come in.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct ImportReject {
    /// The line in which it stands, or begins; LF, CR LF and a single CR each end one.
    pub line: Option<u32>,
    /// The column of what is wrong.
    pub column: Option<u32>,
    /// Its serial, where it could be read.
    pub serial: Option<String>,
    /// What is wrong, with the place in front.
    pub fact: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

/// The daemon's state.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct StatusReport {
    /// The daemon's version.
    pub version: Option<String>,
    /// The host's clock as the daemon sees it, Unix time.
    pub now: Option<u64>,
    /// Tokens that nobody has.
    pub stock: Option<u32>,
    /// Tokens that are assigned.
    pub assigned: Option<u32>,
    /// Tokens that were reported lost.
    pub lost: Option<u32>,
    /// Tokens that are out of use.
    pub retired: Option<u32>,
    /// The master key by which seeds are sealed: its id in hexadecimal.
    pub key: Option<String>,
    /// Where that key comes from: `credential` or `file`.
    pub key_from: Option<String>,
    /// `unfinished` if there is another key beside it.
    pub rekey: Option<String>,
    /// `observe` while nobody is asked for a code, and `enforce` otherwise.
    pub mode: Option<String>,
    /// Rules of fobd.conf by which somebody is not asked today.
    pub exempting: Option<u32>,
    /// Minutes for which a ticket stands for a code in sudo and polkit; 0 if there are none.
    pub ticket_minutes: Option<u32>,
}

/// What a rekey has done.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct RekeyReport {
    /// The master key by which everything is sealed now: its id in hexadecimal.
    pub key: Option<String>,
    /// Where that key comes from: `credential` or `file`.
    pub key_from: Option<String>,
    /// Secrets that were sealed by it before.
    pub already: Option<u32>,
    /// Secrets that were sealed anew; the house secret is one of them.
    pub resealed: Option<u32>,
    /// Seeds that cannot be read.
    pub unreadable: Option<u32>,
    /// Whether the key before it is not needed any more.
    pub ended: Option<bool>,
}

/// What a caller may add to an import.
#[derive(Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct ImportOptions {
    /// Only say what would be done.
    pub dry_run: Option<bool>,
    /// Take keys whose file says that they have expired, or may not be used yet.
    pub ignore_expiry: Option<bool>,
    /// Take the good tokens and tell which are not, instead of refusing the file.
    pub partial: Option<bool>,
    /// How the seeds are written ([`crate::SeedEncoding::word`]), where that is not certain.
    pub encoding: Option<String>,
    /// What the tokens are ([`crate::TokenKind::word`]), where the file does not say it.
    pub kind: Option<String>,
    /// What the tokens that come in are called ([`crate::Batch`]).
    pub batch: Option<String>,
    /// The uid with which the caller signed in before he became root (proc_pid_loginuid(5)): for the
    /// log only.
    pub login_uid: Option<u32>,
    /// A regular file, such as a memfd, with what opens an encrypted seed file: its passphrase, or
    /// its key in hexadecimal or base64, in 1 to 1024 bytes. Not in the message itself, whose
    /// buffers nobody wipes.
    pub password: Option<OwnedFd>,
    /// An empty regular file, such as a memfd, in which the daemon keeps how far it is, from its start
    /// and in 64 bytes: `reading`, `sealing` or `storing`, the tokens that are done and all of them,
    /// with blanks between and behind.
    pub progress: Option<OwnedFd>,
}

/// What a caller may add to a list.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct PageOptions {
    /// Only tokens in this state.
    pub state: Option<String>,
    /// Only tokens of this import ([`crate::Batch`]).
    pub batch: Option<String>,
}

/// What a caller may add to assign, resync, rotate and new recovery codes.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct AssignOptions {
    /// Take a token whose clock is more than two hours off, up to 26.
    pub accept_clock: Option<bool>,
    /// Seconds between the two codes' inputs; the second may be two steps on if it is long.
    pub elapsed: Option<u32>,
    /// For rotate: `lost`, `retire` or `stock`, what becomes of the old token.
    pub fate: Option<String>,
    /// For root's token: the serial once more, typed in full.
    pub serial_again: Option<String>,
    /// The uid with which the caller signed in before he became root (proc_pid_loginuid(5)): for the
    /// log only.
    pub login_uid: Option<u32>,
}

/// What a backup holds.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct BackupReport {
    /// Unix time of its beginning.
    pub taken: Option<u64>,
    /// Tokens in it.
    pub tokens: Option<u32>,
    /// Forgotten tokens of which it holds what they spent.
    pub forgotten: Option<u32>,
}

/// What a caller may add to a restore.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct RestoreOptions {
    /// Only say what would be done.
    pub dry_run: Option<bool>,
    /// The uid with which the caller signed in before he became root (proc_pid_loginuid(5)): for the
    /// log only.
    pub login_uid: Option<u32>,
}

/// What a restore did.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct RestoreReport {
    /// The name of the host that was backed up.
    pub host: Option<String>,
    /// Unix time of the backup.
    pub taken: Option<u64>,
    /// Tokens that were not here.
    pub added: Option<u32>,
    /// Tokens that were here, and of which the backup knew worse: a higher mark, a loss.
    pub merged: Option<u32>,
    /// Tokens that were here, and of which it knew nothing worse.
    pub unchanged: Option<u32>,
    /// Tokens that are lost, here or in the backup, and stay so; they are counted above as well.
    pub lost: Option<u32>,
    /// Tokens about which nothing could be done; the notes say why.
    pub skipped: Option<u32>,
    /// Forgotten tokens of another host whose serials are in use here: nothing of them is kept.
    pub foreign: Option<u32>,
    /// What an administrator should know of single tokens.
    pub notes: Option<Vec<RestoreNote>>,
    /// How many notes there are beyond those.
    pub more: Option<u32>,
    /// Users whose recovery codes did not come back: they need new ones.
    pub recovery: Option<Vec<String>>,
}

/// What became of one token of a backup.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct RestoreNote {
    /// The token.
    pub serial: Option<String>,
    /// Who had it in the backup.
    pub user: Option<String>,
    /// `forgotten`, `has_another`, `lost`, `no_such_user`, `other_seed`, `same_seed` or
    /// `unfenced`.
    pub what: Option<String>,
    /// With `has_another` and `same_seed`: the other token.
    pub other: Option<String>,
}

/// What an administrator says about a temporary code.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct BypassOptions {
    /// For how many seconds it is good: 60 to 604800 (7 days); 3600 if absent.
    pub seconds: Option<u32>,
    /// Why it is given out: 1 to 200 bytes without control characters. Required.
    pub reason: Option<String>,
    /// The uid with which the caller signed in before he became root (proc_pid_loginuid(5)): for the
    /// log only.
    pub login_uid: Option<u32>,
}

/// What a caller may add to deactivate and forget.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct RemoveOptions {
    /// `lost`, `retire` or `stock`, what becomes of the token.
    pub fate: Option<String>,
    /// Leave the host without an administrator who has a way in.
    pub leave_no_administrator: Option<bool>,
    /// For root's token: leave root without one.
    pub leave_root_without_mfa: Option<bool>,
    /// For root's token: its serial, typed in full.
    pub serial_again: Option<String>,
    /// For deactivate, with an empty user: the token of whoever has it.
    pub serial: Option<String>,
    /// The uid with which the caller signed in before he became root (proc_pid_loginuid(5)): for the
    /// log only.
    pub login_uid: Option<u32>,
}
