//! Arguments of the bus as values of the daemon: parsed once, at the edge.

use std::{
    fs::File,
    io::{self, Read},
};

use fob_api::{
    AdoptSource, Answer, AssignOptions, Batch, BypassOptions, Code, CodePair, Error, Fate,
    IdentifyOptions, ImportOptions, LONGEST_PASSWORD, LogBreak, LogEntry, LogOptions, LogReport,
    Password, RecoveryCode, RemoveOptions, Serial, Share, UserName, Verdict, VerifyContext,
    VerifyDetails,
};
use zbus::wire::OwnedFd;
use zeroize::Zeroizing;

use crate::{
    access::Caller,
    audit::{self, Query},
    decide::{
        identify::{Breadth, Shown},
        import::Expiry,
        pair::{FarClock, TimedPair},
        recovery::Terms,
        remove::{AdminGuard, RootGuard, Safeguards},
    },
    engine::{
        BadRows, Extent, Notice, Pairing, ProgressFile, SeedFile, Sink, Source, read_seed_file,
    },
    seed::{Choice, Encoding, Format, Hints, TokenKind},
    vault::backup::BackupKey,
};

/// Parses a user's name.
pub(super) fn user_name(text: &str) -> Result<UserName, Error> {
    UserName::parse(text).map_err(|_| Error::InvalidArgument {
        fact: "user must be 1 to 255 bytes without control characters.",
    })
}

/// Parses a serial that somebody has typed.
pub(super) fn serial_name(text: &str) -> Result<Serial, Error> {
    Serial::typed(text).map_err(|_| Error::InvalidArgument {
        fact: "serial must be 1 to 64 letters, digits, dots, dashes, slashes or underscores.",
    })
}

/// Parses a code.
pub(super) fn parse_code(text: &str) -> Result<Code, Error> {
    Code::parse(text).map_err(|_| Error::InvalidArgument { fact: "a code has 6 to 8 digits." })
}

/// Parses what a person typed at the prompt.
pub(super) fn parse_answer(text: &str) -> Result<Answer, Error> {
    Answer::parse(text).map_err(|_| Error::InvalidArgument {
        fact: "an answer is a code of 6 to 8 digits, two of them in a row, or a recovery code.",
    })
}

/// Parses a recovery code.
pub(super) fn recovery_code(text: &str) -> Result<RecoveryCode, Error> {
    RecoveryCode::parse(text).map_err(|_| Error::InvalidArgument {
        fact: "a recovery code has ten letters and digits, with a letter among them.",
    })
}

/// Puts together what goes with a verdict.
pub(super) fn details(verdict: Verdict, notice: Notice) -> VerifyDetails {
    match verdict {
        Verdict::Accept => VerifyDetails {
            last_used: notice.last_used,
            last_from: notice.last_from,
            wrong_since: Some(notice.wrong_since),
            wait: None,
        },
        Verdict::Wait(seconds) => VerifyDetails { wait: Some(seconds), ..VerifyDetails::default() },
        _ => VerifyDetails::default(),
    }
}

/// Parses a share; `None` if none is named.
pub(super) fn share(word: Option<&str>) -> Result<Option<Share>, Error> {
    const FACT: &str = "share must be console, escalation, known, own or unknown.";
    word.map(|word| Share::from_word(word).ok_or(Error::InvalidArgument { fact: FACT })).transpose()
}

/// Seconds for which a temporary code is good, unless the administrator says otherwise: an hour,
/// for one errand.
const USUAL: u32 = 60 * 60;
/// A minute, to type it in, to a week, until the new token has come by mail.
const SECONDS: std::ops::RangeInclusive<u32> = 60..=7 * 24 * 60 * 60;
/// Longest reason in bytes: it fits a line of the log beside the rest.
const REASON: usize = 200;

/// Parses what is said about a temporary code.
pub(super) fn terms(caller: Caller, options: BypassOptions) -> Result<Terms, Error> {
    let seconds = options.seconds.unwrap_or(USUAL);
    if !SECONDS.contains(&seconds) {
        return Err(Error::InvalidArgument { fact: "seconds must be 60 to 604800 (7 days)." });
    }
    let reason = options.reason.unwrap_or_default();
    if reason.is_empty() || reason.len() > REASON || reason.contains(char::is_control) {
        return Err(Error::InvalidArgument {
            fact: "reason must be 1 to 200 bytes without control characters.",
        });
    }
    Ok(Terms { seconds, reason, by: caller.uid })
}

/// Parses the fate of a token; stock if none is named.
pub(super) fn fate(word: Option<&str>) -> Result<Fate, Error> {
    word.map_or(Some(Fate::default()), Fate::from_word)
        .ok_or(Error::InvalidArgument { fact: "fate must be stock, lost or retire." })
}

/// Reads what is to be taken from whom against the usual: nothing, unless it is said.
pub(super) fn safeguards(options: &RemoveOptions) -> Safeguards<'_> {
    let root = match options.leave_root_without_mfa {
        Some(true) => RootGuard::LeaveWithoutMfa,
        _ => RootGuard::Keep,
    };
    let administrators = match options.leave_no_administrator {
        Some(true) => AdminGuard::LeaveNone,
        _ => AdminGuard::Keep,
    };
    Safeguards { root, administrators, serial_again: options.serial_again.as_deref() }
}

/// Reads what becomes of tokens whose file says that they have expired: refused, unless it is said.
pub(super) fn expiry(options: &ImportOptions) -> Expiry {
    match options.ignore_expiry {
        Some(true) => Expiry::Ignore,
        _ => Expiry::Heed,
    }
}

/// Reads how far a request goes: to its end, unless it is said.
pub(super) fn extent(dry_run: Option<bool>) -> Extent {
    match dry_run {
        Some(true) => Extent::DryRun,
        _ => Extent::Full,
    }
}

/// Parses two codes.
pub(super) fn timed_pair(codes: &[&str], options: &AssignOptions) -> Result<TimedPair, Error> {
    let [first, second] = codes else {
        return Err(Error::InvalidArgument { fact: "codes must be two codes." });
    };
    let pair = CodePair::new(parse_code(first)?, parse_code(second)?).map_err(|_| {
        Error::InvalidArgument { fact: "that is the same code twice; wait for the next one." }
    })?;
    Ok(TimedPair { pair, elapsed: options.elapsed.unwrap_or_default() })
}

/// Parses the two codes that prove a right, or none.
pub(super) fn proof(codes: &[&str], options: &AssignOptions) -> Result<Option<TimedPair>, Error> {
    if codes.is_empty() { Ok(None) } else { timed_pair(codes, options).map(Some) }
}

/// Parses what a token without a label has shown: one code, or two.
pub(super) fn shown(first: &str, second: &str, options: &IdentifyOptions) -> Result<Shown, Error> {
    if second.is_empty() {
        return parse_code(first).map(Shown::Code);
    }
    let elapsed = options.elapsed;
    let options = AssignOptions { elapsed, ..AssignOptions::default() };
    timed_pair(&[first, second], &options).map(Shown::Pair)
}

/// Returns how far a token is searched.
pub(super) fn breadth(options: &IdentifyOptions) -> Breadth {
    match options.wide {
        Some(true) => Breadth::Wide,
        _ => Breadth::Near,
    }
}

/// Puts a request for a token together.
pub(super) fn pairing<'a>(
    caller: Caller,
    who: (&'a UserName, &'a Serial),
    timed: &'a TimedPair,
    options: &'a AssignOptions,
) -> Pairing<'a> {
    let (user, serial) = who;
    let (far, serial_again) = (far_clock(options), options.serial_again.as_deref());
    Pairing { caller, user, serial, timed, far, serial_again }
}

/// Events of a page of the log, unless the caller says otherwise: a screen full; and the most,
/// whose fields together stay far below what a message may have.
const PAGE: (u32, u32) = (50, 500);

/// Parses what is asked of the log.
pub(super) fn log_query(options: LogOptions) -> Result<Query, Error> {
    let limit = options.limit.unwrap_or(PAGE.0);
    if !(1..=PAGE.1).contains(&limit) {
        return Err(Error::InvalidArgument { fact: "limit must be 1 to 500." });
    }
    let texts = [&options.user, &options.serial, &options.event];
    if texts.into_iter().flatten().any(|text| text.len() > LONGEST) {
        return Err(Error::InvalidArgument {
            fact: "user, serial and event have at most 255 bytes.",
        });
    }
    Ok(Query {
        from: match options.newest {
            Some(true) => audit::From::Newest,
            _ => audit::From::Oldest,
        },
        after: options.after.unwrap_or_default(),
        before: options.before.unwrap_or(u64::MAX),
        limit: usize::try_from(limit).unwrap_or_default(),
        user: options.user,
        serial: options.serial,
        event: options.event,
        since: options.since,
        until: options.until,
    })
}

impl From<audit::Entry> for LogEntry {
    fn from(entry: audit::Entry) -> Self {
        let audit::Entry { seq, time, event, fields, .. } = entry;
        Self { seq, time, event, fields }
    }
}

/// Puts together what a check of the log has found.
pub(super) fn log_report(report: audit::Report) -> LogReport {
    let audit::Report { files, lines, first, last, wrong, more } = report;
    let breaks: Vec<LogBreak> = wrong.into_iter().map(LogBreak::from).collect();
    let place = breaks.first().cloned().unwrap_or_default();
    LogReport {
        files: Some(files),
        lines: Some(lines),
        first: Some(first),
        last: Some(last),
        wrong: place.wrong,
        line: place.line,
        file: place.file,
        more: (!breaks.is_empty()).then_some(more),
        breaks: (!breaks.is_empty()).then_some(breaks),
    }
}

impl From<audit::Wrong> for LogBreak {
    fn from(place: audit::Wrong) -> Self {
        let audit::Wrong { kind, file, line, seq } = place;
        Self { wrong: Some(kind.word().to_owned()), file: Some(file), line: Some(line), seq }
    }
}

/// Returns what becomes of tokens that cannot come in.
pub(super) fn bad_rows(options: &ImportOptions) -> BadRows {
    match options.partial {
        Some(true) => BadRows::SetAside,
        _ => BadRows::Refuse,
    }
}

/// Parses what the tokens of an import are called.
pub(super) fn batch(text: Option<&str>) -> Result<Option<Batch>, Error> {
    const FACT: &str = "batch must be 1 to 64 printable characters.";
    let batch = text.map(Batch::parse).transpose();
    batch.map_err(|_| Error::InvalidArgument { fact: FACT })
}

/// Returns what is said about a clock that is far off.
pub(super) fn far_clock(options: &AssignOptions) -> FarClock {
    match options.accept_clock {
        Some(true) => FarClock::Accept,
        _ => FarClock::Ask,
    }
}

/// Parses what is said about a seed file; an empty format is to find it out.
pub(super) fn seed_hints(format: &str, options: &ImportOptions) -> Result<Hints, Error> {
    const FORMAT: &str = "format must be one of those that Import names, or empty.";
    const ENCODING: &str = "encoding must be hex, base32 or base64.";
    const KIND: &str = "kind must be hotp-6, hotp-8, totp-6-30, totp-6-60, totp-8-30 or totp-8-60.";
    let or = |fact| Error::InvalidArgument { fact };
    let format = match format {
        "" => Choice::Detect,
        word => Choice::Is(Format::from_word(word).ok_or(or(FORMAT))?),
    };
    let encoding = options.encoding.as_deref();
    let encoding = encoding.map(|word| Encoding::from_word(word).ok_or(or(ENCODING)));
    let kind = options.kind.as_deref().map(|word| TokenKind::from_word(word).ok_or(or(KIND)));
    Ok(Hints { format, encoding: encoding.transpose()?, kind: kind.transpose()? })
}

/// Parses where tokens come from with their users.
pub(super) fn adopt_source(word: &str) -> Result<AdoptSource, Error> {
    const FACT: &str = "source must be google-authenticator, users.oath or otpauth.";
    AdoptSource::from_word(word).ok_or(Error::InvalidArgument { fact: FACT })
}

/// Reads a seed file from its descriptor.
pub(super) async fn seed_file(file: OwnedFd) -> Result<SeedFile, Error> {
    tokio::task::spawn_blocking(move || read_seed_file(file.into()))
        .await
        .map_err(|_| Error::StoreUnavailable)?
        .map_err(|error| Error::BadSeedFile {
            fact: error.to_string(),
            hint: "give a regular file of at most 16 MiB; split a larger one.".to_owned(),
        })
}

/// Reads what opens an encrypted seed file, if it is given.
pub(super) async fn seed_file_password(file: Option<OwnedFd>) -> Result<Option<Password>, Error> {
    const FACT: &str = "password must be a regular file of 1 to 1024 bytes of UTF-8 text.";
    let Some(file) = file else { return Ok(None) };
    let read = tokio::task::spawn_blocking(move || read_password(file.into()));
    let password = read.await.map_err(|_| Error::StoreUnavailable)?;
    password.map(Some).ok_or(Error::InvalidArgument { fact: FACT })
}

/// Takes the file in which is kept how far an import is, if it is given.
pub(super) fn progress_file(file: Option<OwnedFd>) -> Result<Option<ProgressFile>, Error> {
    const FACT: &str = "progress must be an empty regular file.";
    let take = |file: OwnedFd| ProgressFile::new(file.into());
    file.map(|file| take(file).ok_or(Error::InvalidArgument { fact: FACT })).transpose()
}

/// Reads a password; `None` if there is none in the file.
fn read_password(file: std::os::fd::OwnedFd) -> Option<Password> {
    let mut file = File::from(file);
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    // The room is never outgrown: no copy is left behind.
    let mut bytes = Zeroizing::new(vec![0; LONGEST_PASSWORD + 1]);
    let mut length = 0;
    while let Some(room) = bytes.get_mut(length..).filter(|room| !room.is_empty()) {
        match file.read(room) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
    let text = str::from_utf8(bytes.get(..length)?).ok()?;
    Password::new(Zeroizing::new(text.to_owned()))
}

/// Parses the key of a backup; its bytes are wiped.
pub(super) fn backup_key(bytes: Vec<u8>) -> Result<BackupKey, Error> {
    BackupKey::new(bytes).ok_or(Error::InvalidArgument { fact: "key must be 32 bytes." })
}

/// Takes the file that a backup is written to.
pub(super) fn writable_file(file: OwnedFd) -> Result<Sink, Error> {
    const FACT: &str = "file must be an empty regular file.";
    Sink::new(file.into()).ok_or(Error::InvalidArgument { fact: FACT })
}

/// Takes the memory that holds a backup.
pub(super) fn sealed_memory(file: OwnedFd) -> Result<Source, Error> {
    const FACT: &str = "file must be a memfd of at most 1 GiB, sealed against every change.";
    Source::new(file.into()).ok_or(Error::InvalidArgument { fact: FACT })
}

/// Returns this host's name, for people; empty if it has none that is text.
pub(super) fn host_name() -> String {
    let name = nix::unistd::gethostname().unwrap_or_default();
    name.into_string().unwrap_or_default()
}

/// Longest service, remote host or terminal: a host name has at most 253 bytes (RFC 1035
/// section 2.3.4), a terminal less.
const LONGEST: usize = 255;

/// Returns a context of bounded size: it is written into the log.
pub(super) fn bounded(context: VerifyContext) -> Result<VerifyContext, Error> {
    let texts = [&context.service, &context.rhost, &context.tty];
    if texts.into_iter().flatten().any(|text| text.len() > LONGEST) {
        return Err(Error::InvalidArgument {
            fact: "service, rhost and tty have at most 255 bytes.",
        });
    }
    Ok(context)
}
