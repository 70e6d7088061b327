//! The interface on the bus. Every method has five beats: parse, authorize, engine, map the
//! error, reply. The engine authorizes, so that no way around it exists.

mod after;
mod object;
mod parse;
mod sign_in;
mod visitors;

use fob_api::{
    AdoptOptions, AdoptReport, AssignOptions, BackupReport, BypassOptions, Error, ExplainReport,
    IdentifyOptions, IdentifyReport, ImportOptions, ImportReport, LogEntry, LogOptions, LogReport,
    PageOptions, PromptDetails, RecoveryCode, RekeyReport, RemoveOptions, RestoreOptions,
    RestoreReport, RevokeOptions, StatusReport, TicketReport, TokenReport, UnlockOptions,
    UserReport, VerifyContext, VerifyDetails,
};
use zbus::{Connection, message::Header, object_server::SignalEmitter, wire::OwnedFd};

use self::parse::{
    adopt_source, backup_key, bad_rows, batch, bounded, breadth, expiry, extent, far_clock, fate,
    host_name, log_query, log_report, pairing, progress_file, proof, recovery_code, safeguards,
    sealed_memory, seed_file, seed_file_password, seed_hints, serial_name, share, shown, terms,
    timed_pair, user_name, writable_file,
};
pub use self::{
    object::{CallerSource, Fob},
    sign_in::Call,
};
use crate::{
    access::Action,
    engine::{Adopt, Backup, Holder, Identify, Import, NewVirtualToken, Only, Restore, SignIn},
    store::Store,
};

/// Hardware-token sign-in. Every method may also return Busy to callers who are not root. Codes
/// are two consecutive ones in the order in which the token showed them. Dictionaries may get new
/// keys; unknown ones are ignored. Options of changes may have login_uid (u), the uid with which
/// the caller signed in before he became root, for the log. A serial may be typed in another case,
/// with spaces, and without its dashes or with others: one that is typed exactly means that token,
/// else AmbiguousSerial names those that differ in dashes alone, if there are several.
#[allow(
    clippy::too_many_arguments,
    reason = "the contract's arguments, and the two that zbus adds"
)]
#[zbus::interface(name = "org.fobd.Fob1")]
impl<S: Store> Fob<S> {
    /// Brings tokens of another program in with their users: each at once with its user, or not
    /// at all. What was used there, or may have been, is not accepted here.
    ///
    /// The file is a descriptor of a regular file of at most 2 MiB. The source is
    /// google-authenticator, the file of one user; users.oath; or otpauth, URIs of apps, one a
    /// line. Options: dry_run (b); user (s), whose token it is, in place of whom the file names:
    /// the file has one token then. Returns people (aa{sv}) in the file's order: user (s); serial
    /// (s); outcome (s), moved, already_moved or not_moved; of what was not moved reason (s), a
    /// word, fact (s) and hint (s); of what was moved wait (u), seconds until a code is accepted,
    /// recovery (u), scratch codes that are recovery codes now, scratch (u), those that are not,
    /// for he was given codes before, malformed (u), lines that are none, dropped (s), pin if the
    /// other program asked for one. Callers: uid 0.
    ///
    /// Errors: BadSeedFile, Busy, ClockNotTrusted, InvalidArgument, NotAuthorized,
    /// StoreUnavailable.
    #[zbus(out_args("report"))]
    async fn adopt(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        file: OwnedFd,
        source: &str,
        options: AdoptOptions,
    ) -> Result<AdoptReport, Error> {
        let visitor = self.visitor(&header, connection).await?;
        let caller = visitor.caller.signed_in_as(options.login_uid);
        self.engine.permit_adopt(caller)?;
        let (source, user) = (adopt_source(source)?, options.user.as_deref());
        let (user, file) = (user.map(user_name).transpose()?, seed_file(file).await?);
        let (host, extent) = (host_name(), extent(options.dry_run));
        self.engine.adopt(Adopt { caller, file, source, user, host, extent }).await
    }

    /// Binds a token of the stock and a user; two codes prove that the token is at hand.
    ///
    /// Options: elapsed (u), seconds between the two inputs; accept_clock (b), take a token whose
    /// clock is more than two hours off, up to 26 (without it: ClockFarOff, and the codes stay
    /// unused); serial_again (s), for root's token. Returns the token. Callers: uid 0.
    ///
    /// Errors: AlreadyAssigned, AmbiguousCodePair (by chance the codes fit at two places; the next
    /// two will tell), AmbiguousSerial, ClockFarOff, ClockNotTrusted, InvalidArgument,
    /// InvalidCodePair, LimitExceeded, NoSuchToken, NoSuchUser, NotAssignable, NotAuthorized,
    /// RootOnly, StoreUnavailable.
    #[zbus(out_args("token"))]
    async fn assign(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        user: &str,
        serial: &str,
        codes: Vec<&str>,
        options: AssignOptions,
    ) -> Result<TokenReport, Error> {
        let visitor = self.visitor(&header, connection).await?;
        let caller = visitor.caller.signed_in_as(options.login_uid);
        let (user, serial) = (user_name(user)?, serial_name(serial)?);
        let timed = timed_pair(&codes, &options)?;
        self.engine.assign(&pairing(caller, (&user, &serial), &timed, &options)).await
    }

    /// Writes all tokens into a file, while sign-ins go on: seeds are sealed by the key, of 32
    /// bytes, that is made for this backup and kept apart from it. Recovery codes and the master
    /// key are not in it.
    ///
    /// The file is a descriptor of an empty regular file. Returns taken (t, Unix time), tokens
    /// (u), forgotten (u), of which only what they spent is kept. Callers: uid 0.
    ///
    /// Errors: BadBackup, Busy (tokens change all the time), ClockNotTrusted, InvalidArgument,
    /// NotAuthorized, StoreUnavailable.
    #[zbus(out_args("report"))]
    async fn backup(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        key: Vec<u8>,
        file: OwnedFd,
    ) -> Result<BackupReport, Error> {
        let visitor = self.visitor(&header, connection).await?;
        let caller = visitor.caller;
        self.engine.permit_backup(Action::Backup, caller)?;
        let (key, sink, host) = (backup_key(key)?, writable_file(file)?, host_name());
        self.engine.backup(Backup { caller, key, sink, host }).await
    }

    /// Something that List, ShowToken or ShowUser show has changed, and is on the disk: whoever shows it
    /// asks again. It says no more. One comes after each change, but at most one a second; on the
    /// system bus alone, where root alone receives it.
    #[zbus(signal)]
    pub async fn changed(emitter: &SignalEmitter<'_>) -> zbus::Result<()>;

    /// Gives a user a temporary code, good once at his prompt, and returns when it expires (Unix
    /// time). An older one is void.
    ///
    /// Options: seconds (u), 60 to 604800, 3600 by default; reason (s), required, 1 to 200 bytes
    /// without control characters. Callers: uid 0.
    ///
    /// Errors: Busy, InvalidArgument, NoSuchUser, NotAuthorized, StoreUnavailable.
    #[zbus(out_args("code", "expires"))]
    async fn bypass(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        user: &str,
        options: BypassOptions,
    ) -> Result<(RecoveryCode, u64), Error> {
        let visitor = self.visitor(&header, connection).await?;
        let caller = visitor.caller.signed_in_as(options.login_uid);
        let (user, terms) = (user_name(user)?, terms(caller, options)?);
        self.engine.bypass(caller, &user, &terms).await
    }

    /// Takes a user's token from him.
    ///
    /// Options: fate (s), stock (default), lost or retire; serial (s), with an empty user: from
    /// whoever has that token, also if he is no user here any more; for root's token
    /// leave_root_without_mfa (b) and serial_again (s); leave_no_administrator (b), also from the
    /// last administrator who has a token. Returns the token. Callers: uid 0.
    ///
    /// Errors: AmbiguousSerial, InvalidArgument, LastAdministrator, NoSuchToken, NoSuchUser,
    /// NotAssigned, NotAuthorized, RootOnly, StoreUnavailable.
    #[zbus(out_args("token"))]
    async fn deactivate(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        user: &str,
        options: RemoveOptions,
    ) -> Result<TokenReport, Error> {
        let visitor = self.visitor(&header, connection).await?;
        let caller = visitor.caller.signed_in_as(options.login_uid);
        let fate = fate(options.fate.as_deref())?;
        let safe = safeguards(&options);
        match options.serial.as_deref() {
            Some(serial) if user.is_empty() => {
                let serial = serial_name(serial)?;
                self.engine.deactivate(caller, &Holder::Token(&serial), fate, &safe).await
            }
            Some(_) => Err(Error::InvalidArgument { fact: "user must be empty beside serial." }),
            None => {
                let user = user_name(user)?;
                self.engine.deactivate(caller, &Holder::User(&user), fate, &safe).await
            }
        }
    }

    /// Tells whether a user would be asked for a code, and why: word is code, exempt or ignored, as
    /// Prompt would say with this context while the mode is enforce. The report has reason (s):
    /// require or ignore, a rule says so; enrol, a rule lets him enrol until a day; nullok;
    /// has_token and had_token, both would exempt him but for that; no_such_user; default. And rule
    /// (u), line (u) and ask (s) of the rule that matches, ready (b), he has a token, mode (s),
    /// enforce or observe. Nothing is changed, and nothing logged.
    ///
    /// Callers: uid 0.
    ///
    /// Errors: InvalidArgument, NotAuthorized, StoreUnavailable.
    #[zbus(out_args("word", "report"))]
    async fn explain(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        user: &str,
        context: VerifyContext,
    ) -> Result<(String, ExplainReport), Error> {
        let visitor = self.visitor(&header, connection).await?;
        let (user, context) = (&user_name(user)?, &bounded(context)?);
        let sign_in = SignIn { caller: visitor.caller, user, context };
        let (word, report) = self.engine.explain(&sign_in).await?;
        Ok((word.word().to_owned(), report))
    }

    /// Removes the seed of a token that nobody has. Its used codes stay used, a lost one stays
    /// lost.
    ///
    /// Callers: uid 0.
    ///
    /// Errors: AlreadyAssigned, InvalidArgument, NoSuchToken, NotAuthorized, StoreUnavailable.
    async fn forget(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        serial: &str,
        options: RemoveOptions,
    ) -> Result<(), Error> {
        let visitor = self.visitor(&header, connection).await?;
        let caller = visitor.caller.signed_in_as(options.login_uid);
        self.engine.forget(caller, &serial_name(serial)?).await
    }

    /// Tells which of the tokens that nobody has could have shown a code, or two in a row: a token
    /// whose label is gone. Nothing is changed and no code is used up. A token that a user has is
    /// not searched, so nobody learns here whether a code of his is right.
    ///
    /// code2 is empty if there is only one code; one fits other tokens by chance as well. A call
    /// searches a part of the tokens. Options: cursor (s), empty or missing for the first part,
    /// then what the part before returned; elapsed (u); wide (b), two hours either way instead of
    /// ten minutes, and a thousand counters instead of ten. Returns tokens (aa{sv}), at most 20;
    /// more (u), how many beyond those; searched (u); unreadable (u), seeds that do not open;
    /// percent (u) of the whole search; next (s), empty at the end. Callers: uid 0.
    ///
    /// Errors: ClockNotTrusted, InvalidArgument, NotAuthorized, StoreUnavailable.
    #[zbus(out_args("report"))]
    async fn identify(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        code1: &str,
        code2: &str,
        options: IdentifyOptions,
    ) -> Result<IdentifyReport, Error> {
        let visitor = self.visitor(&header, connection).await?;
        let caller = visitor.caller.signed_in_as(options.login_uid);
        let (shown, breadth) = (shown(code1, code2, &options)?, breadth(&options));
        let cursor = options.cursor.as_deref().unwrap_or_default();
        self.engine.identify(Identify { caller, shown, breadth, cursor }).await
    }

    /// Reads a vendor's seed file into stock: all of it or nothing.
    ///
    /// The file is a descriptor of a regular file of at most 16 MiB. The format is pskc,
    /// oath-csv, privacyidea-csv, linotp-csv, plain-csv, entra-csv, safeid-csv, multiotp-csv,
    /// yubico-csv, feitian-text, nexus-text, safenet-xml, safeword-dat, or empty to find it out.
    /// Options: dry_run (b), ignore_expiry (b); encoding (s) of the seeds, hex, base32 or base64,
    /// where it is not certain; kind (s) of the tokens, hotp-6, hotp-8, totp-6-30, totp-6-60,
    /// totp-8-30 or totp-8-60, where the file does not say it; password (h), a regular file with
    /// the passphrase of an encrypted file, or its key in hexadecimal or base64, in 1 to 1024
    /// bytes; partial (b), tokens that cannot come in, and rows of lists that cannot be read, are
    /// told and the others come in; batch (s), 1 to 64 printable characters, what the tokens that
    /// come in are called; progress (h), an empty regular file in which it keeps 64 bytes
    /// meanwhile: reading, sealing or storing, the tokens that are done and all of them, with
    /// blanks. Returns format (s), added (as), unchanged (as), notices (as): mac-over-plaintext,
    /// no-mac, signature-unchecked; with partial, rejected (aa{sv}), at most 10000, with line (u),
    /// column (u), serial (s), fact (s), hint (s), and no seed. Callers: uid 0.
    ///
    /// Errors: BadSeedFile, InvalidArgument, KeyNeeded and PassphraseNeeded (the file is encrypted
    /// with that; call again with a password), NotAuthorized, StoreUnavailable.
    #[zbus(out_args("report"))]
    async fn import(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        file: OwnedFd,
        format: &str,
        options: ImportOptions,
    ) -> Result<ImportReport, Error> {
        let visitor = self.visitor(&header, connection).await?;
        let caller = visitor.caller.signed_in_as(options.login_uid);
        self.engine.permit_import(caller)?;
        let (hints, file) = (seed_hints(format, &options)?, seed_file(file).await?);
        let (expiry, extent) = (expiry(&options), extent(options.dry_run));
        let (bad, batch) = (bad_rows(&options), batch(options.batch.as_deref())?);
        let progress = progress_file(options.progress)?;
        let password = seed_file_password(options.password).await?;
        let import = Import { caller, file, hints, password, expiry, extent, bad, batch, progress };
        self.engine.import(import).await
    }

    /// Lists tokens in pages of at most 500. The cursor is empty for the first page, then what
    /// the page before returned; an empty one ends the list. The order is fixed but not by serial.
    ///
    /// Options: state (s), only tokens in stock, assigned, lost or retired; batch (s), only tokens
    /// of that import. A page of some may end before it is full, or be empty. Callers: uid 0.
    ///
    /// Errors: InvalidArgument, NotAuthorized, StoreUnavailable.
    #[zbus(out_args("tokens", "next"))]
    async fn list(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        cursor: &str,
        limit: u32,
        options: PageOptions,
    ) -> Result<(Vec<TokenReport>, String), Error> {
        let visitor = self.visitor(&header, connection).await?;
        let batch = batch(options.batch.as_deref())?;
        let only = Only { state: options.state.as_deref(), batch: batch.as_ref() };
        let page = self.engine.list(visitor.caller, cursor, limit, &only).await?;
        Ok((page.tokens, page.next))
    }

    /// Reads the log of decisions and changes, a bounded part at a time: events as line number,
    /// Unix time, name and fields, the oldest first, and the number of the last line that was
    /// looked at.
    ///
    /// Options: after (t), only lines after this one; limit (u), 1 to 500, 50 by default; newest
    /// (b), the newest instead of the oldest; before (t), only lines before this one; user (s);
    /// serial (s); event (s), a name or a verdict; since (t) and until (t), Unix time. To go on,
    /// ask for what is after the last line; with newest, for what is before it, until it is 0.
    /// Callers: uid 0.
    ///
    /// Errors: InvalidArgument, NotAuthorized, StoreUnavailable.
    #[zbus(out_args("events", "reached"))]
    async fn log(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        options: LogOptions,
    ) -> Result<(Vec<LogEntry>, u64), Error> {
        let visitor = self.visitor(&header, connection).await?;
        let found = self.engine.log(visitor.caller, log_query(options)?).await?;
        let entries = found.entries.into_iter().map(LogEntry::from).collect();
        Ok((entries, found.reached))
    }

    /// Gives a user ten new recovery codes, each good once at his prompt; the older ones are void.
    ///
    /// Codes are empty for uid 0, else two of his token, which are used up. Options: elapsed (u).
    /// Callers: uid 0; others for themselves.
    ///
    /// Errors: Busy, ClockNotTrusted, InvalidArgument, InvalidCodePair, NoSuchUser, NotAssigned,
    /// NotAuthorized, StoreUnavailable, TemporarilyUnmodifiable.
    #[zbus(out_args("recovery_codes"))]
    async fn new_recovery_codes(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        user: &str,
        codes: Vec<&str>,
        options: AssignOptions,
    ) -> Result<Vec<RecoveryCode>, Error> {
        let visitor = self.visitor(&header, connection).await?;
        let caller = visitor.caller.signed_in_as(options.login_uid);
        let (user, proof) = (user_name(user)?, proof(&codes, &options)?);
        self.engine.new_recovery_codes(caller, &user, proof.as_ref()).await
    }

    /// Makes a virtual token, one that is a program on a phone, for a user. It is in stock then,
    /// and assigned by two codes as every other; taken from him, it is retired.
    ///
    /// File is an empty regular one or a memfd: what the phone reads is written into it, one
    /// otpauth URI, which no message has. Options: none yet. Returns the token. Callers: uid 0.
    ///
    /// Errors: ClockNotTrusted, InvalidArgument, NoSuchUser, NotAuthorized, StoreUnavailable,
    /// VirtualTokensOff.
    #[zbus(out_args("report"))]
    async fn new_virtual_token(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        user: &str,
        file: OwnedFd,
        options: AssignOptions,
    ) -> Result<TokenReport, Error> {
        let visitor = self.visitor(&header, connection).await?;
        let caller = visitor.caller.signed_in_as(options.login_uid);
        self.engine.permit_virtual_token(caller)?;
        let (user, sink, host) = (&user_name(user)?, writable_file(file)?, host_name());
        self.engine.new_virtual_token(NewVirtualToken { caller, user, sink, host }).await
    }

    /// Tells what to ask a user for: code; next, a code that is not shown yet; pair, two codes in
    /// a row; exempt if he has neither token nor recovery codes, the context has nullok (b), and no
    /// rule of fobd.conf is about him; ignored if such a rule does not ask him, or the mode is
    /// observe; or ticket: after a code in this session, polkit-1, sudo and sudo-i do not ask for
    /// another one. The context may have service, rhost and tty (s); and session (s), the login and
    /// the terminal as numbers of the kernel's. Only uid 0's programs are believed about rhost and
    /// session. The details have digits (u) of a code.
    ///
    /// Callers: uid 0; others for themselves.
    ///
    /// Errors: ClockNotTrusted, InvalidArgument, NotAuthorized, StoreUnavailable.
    #[zbus(out_args("kind", "details"))]
    async fn prompt(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        user: &str,
        context: VerifyContext,
    ) -> Result<(String, PromptDetails), Error> {
        let visitor = self.visitor(&header, connection).await?;
        let (kind, details) = self.prompt_for(visitor.caller, user, context).await?;
        Ok((kind.word().to_owned(), details))
    }

    /// Seals everything by another master key, while sign-ins go on: with a key file by a new key,
    /// with credentials by their master.key. One that was cut off is gone on with.
    ///
    /// Returns key (s), the id of that key, key_from (s), file or credential, and how many secrets
    /// were sealed by it already (u), were resealed (u), and were unreadable (u); ended (b), the
    /// key before it is not needed any more. Callers: uid 0.
    ///
    /// Errors: Busy (another one runs), NotAuthorized, StoreUnavailable.
    #[zbus(out_args("report"))]
    async fn rekey(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<RekeyReport, Error> {
        let visitor = self.visitor(&header, connection).await?;
        self.engine.rekey(visitor.caller).await
    }

    /// Takes a user's token from him as a lost one, proven by one of his recovery codes, which is used
    /// up with it: no code of the token is accepted any more. A temporary code proves nothing here.
    ///
    /// Options: none yet. Returns the token. Callers: uid 0; others for themselves.
    ///
    /// Errors: Busy, InvalidArgument, InvalidCode, LastAdministrator, NoSuchUser, NotAssigned,
    /// NotAuthorized, RootOnly, StoreUnavailable, TemporarilyUnmodifiable.
    #[zbus(out_args("token"))]
    async fn report_lost(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        user: &str,
        code: &str,
        options: RemoveOptions,
    ) -> Result<TokenReport, Error> {
        let visitor = self.visitor(&header, connection).await?;
        let caller = visitor.caller.signed_in_as(options.login_uid);
        self.engine.report_lost(caller, &user_name(user)?, &recovery_code(code)?).await
    }

    /// Brings the tokens of a backup in. A fence is raised first: no code of that moment or before
    /// is accepted any more. What is here wins: a lost token stays lost, a mark never sinks, an
    /// assignment of this host stays. Nothing is changed unless all of the backup can be read.
    ///
    /// The file is a memfd that is sealed against writing, growing and shrinking, of at most 1 GiB;
    /// the key is the one that Backup was given. Options: dry_run (b). Returns host (s), taken (t),
    /// added (u), merged (u), unchanged (u), lost (u), skipped (u), foreign (u), notes (aa{sv})
    /// with serial (s), user (s), what (s), other (s); more (u), recovery (as). Callers: uid 0.
    ///
    /// Errors: BadBackup, ClockNotTrusted, InvalidArgument, NotAuthorized, StoreUnavailable.
    #[zbus(out_args("report"))]
    async fn restore(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        key: Vec<u8>,
        file: OwnedFd,
        options: RestoreOptions,
    ) -> Result<RestoreReport, Error> {
        let visitor = self.visitor(&header, connection).await?;
        let caller = visitor.caller.signed_in_as(options.login_uid);
        self.engine.permit_backup(Action::Restore, caller)?;
        let (key, source, extent) =
            (backup_key(key)?, sealed_memory(file)?, extent(options.dry_run));
        self.engine.restore(Restore { caller, key, source, extent }).await
    }

    /// Finds the clock of a user's token again: two consecutive unused codes in a range of two
    /// hours. Both are used up.
    ///
    /// Options: elapsed (u); accept_clock (b), of uid 0 only, as in Assign; serial_again (s), for
    /// root's token. Returns the token. Callers: uid 0; others for themselves.
    ///
    /// Errors: AmbiguousCodePair, ClockFarOff (uid 0 only), ClockNotTrusted, InvalidArgument,
    /// InvalidCodePair, NoSuchUser, NotAssigned, NotAuthorized, RootOnly, StoreUnavailable,
    /// TemporarilyUnmodifiable.
    #[zbus(out_args("token"))]
    async fn resync(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        user: &str,
        codes: Vec<&str>,
        options: AssignOptions,
    ) -> Result<TokenReport, Error> {
        let visitor = self.visitor(&header, connection).await?;
        let caller = visitor.caller.signed_in_as(options.login_uid);
        let user = user_name(user)?;
        let timed = timed_pair(&codes, &options)?;
        let codes = (&timed, far_clock(&options));
        self.engine.resync(caller, &user, codes, options.serial_again.as_deref()).await
    }

    /// Ends tickets before their time, and returns how many: the next code is asked for.
    ///
    /// Options: user (s), only his. Callers: uid 0.
    ///
    /// Errors: InvalidArgument, NoSuchUser, NotAuthorized, StoreUnavailable.
    #[zbus(out_args("revoked"))]
    async fn revoke_tickets(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        options: RevokeOptions,
    ) -> Result<u32, Error> {
        let visitor = self.visitor(&header, connection).await?;
        let caller = visitor.caller.signed_in_as(options.login_uid);
        let user = options.user.as_deref().map(user_name).transpose()?;
        self.engine.revoke_tickets(caller, user.as_ref()).await
    }

    /// Replaces a user's token by one of the stock, in one step; the codes are the new one's.
    ///
    /// Options: fate (s) of the old one, stock (default), lost or retire; accept_clock (b), as in
    /// Assign; elapsed (u); serial_again (s), for root's token. Returns the new token. Callers:
    /// uid 0.
    ///
    /// Errors: AlreadyAssigned, AmbiguousCodePair, AmbiguousSerial, ClockFarOff, ClockNotTrusted,
    /// InvalidArgument, InvalidCodePair, NoSuchToken, NoSuchUser, NotAssignable, NotAssigned,
    /// NotAuthorized, RootOnly, StoreUnavailable.
    #[zbus(out_args("token"))]
    async fn rotate(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        user: &str,
        serial: &str,
        codes: Vec<&str>,
        options: AssignOptions,
    ) -> Result<TokenReport, Error> {
        let visitor = self.visitor(&header, connection).await?;
        let caller = visitor.caller.signed_in_as(options.login_uid);
        let (user, serial) = (user_name(user)?, serial_name(serial)?);
        let timed = timed_pair(&codes, &options)?;
        let fate = fate(options.fate.as_deref())?;
        self.engine.rotate(&pairing(caller, (&user, &serial), &timed, &options), fate).await
    }

    /// Shows one token: serial (s), state (s), user (s), kind (s), algorithm (s), digits (u),
    /// period (u), drift (x, seconds ahead now), rate (d, ppm faster), in_sync_until (t, Unix time
    /// until which the next code is expected to be accepted at the first try; missing once it has
    /// passed), last_used (t) and imported (t, Unix time), manufacturer (s), model (s); without
    /// those that are not known.
    ///
    /// Callers: uid 0.
    ///
    /// Errors: AmbiguousSerial, InvalidArgument, NoSuchToken, NotAuthorized, StoreUnavailable.
    #[zbus(out_args("token"))]
    async fn show_token(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        serial: &str,
    ) -> Result<TokenReport, Error> {
        let visitor = self.visitor(&header, connection).await?;
        self.engine.show_token(visitor.caller, &serial_name(serial)?).await
    }

    /// Shows one user: user (s), uid (u), tokens (aa{sv}), and shares (aa{sv}) of his budget of
    /// wrong codes: share (s), asks (s) code or pair, wrong (u), in_a_row (u), until (t);
    /// recovery_left (u), unused recovery codes; of a temporary code that can still be used
    /// temporary_until (t), temporary_reason (s), temporary_by (u).
    ///
    /// Callers: uid 0; others for themselves.
    ///
    /// Errors: InvalidArgument, NoSuchUser, NotAuthorized, StoreUnavailable.
    #[zbus(out_args("report"))]
    async fn show_user(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        user: &str,
    ) -> Result<UserReport, Error> {
        let visitor = self.visitor(&header, connection).await?;
        self.engine.show_user(visitor.caller, &user_name(user)?).await
    }

    /// Shows the daemon's state: version (s), now (t), and how many tokens are stock (u),
    /// assigned (u), lost (u), retired (u); key (s), the id of the master key, key_from (s), file
    /// or credential, and rekey (s), unfinished if there is a second key; mode (s), enforce or
    /// observe, exempting (u), the rules of fobd.conf by which somebody is not asked today, and
    /// ticket_minutes (u) of that file.
    ///
    /// Callers: uid 0.
    ///
    /// Errors: NotAuthorized, StoreUnavailable.
    #[zbus(out_args("report"))]
    async fn status(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<StatusReport, Error> {
        let visitor = self.visitor(&header, connection).await?;
        self.engine.status(visitor.caller).await
    }

    /// Lists the tickets that have not run out: user (s), session (u), the kernel's audit session,
    /// tty (s), service (s) that asked for the code, left (u) seconds. Callers: uid 0.
    ///
    /// Errors: NotAuthorized, StoreUnavailable.
    #[zbus(out_args("tickets"))]
    async fn tickets(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<Vec<TicketReport>, Error> {
        let visitor = self.visitor(&header, connection).await?;
        self.engine.tickets(visitor.caller).await
    }

    /// Refills a user's budget of wrong codes.
    ///
    /// Options: share (s), only console, escalation, known, own or unknown. Callers: uid 0.
    ///
    /// Errors: InvalidArgument, NoSuchUser, NotAuthorized, StoreUnavailable.
    async fn unlock(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        user: &str,
        options: UnlockOptions,
    ) -> Result<(), Error> {
        let visitor = self.visitor(&header, connection).await?;
        let caller = visitor.caller.signed_in_as(options.login_uid);
        let (user, share) = (user_name(user)?, share(options.share.as_deref())?);
        self.engine.unlock(caller, &user, share).await
    }

    /// Decides on an answer: a code, two codes in a row (the digits of both), a recovery code, one
    /// of eight digits that Adopt has kept, or a temporary one. The verdict is accept, reject,
    /// replay, wait, locked, unassigned or exempt; only accept lets anybody in. It is sent after
    /// its cost is on the disk. Locked: this share is asked for pairs.
    ///
    /// The context may have service (s), rhost (s), tty (s), nullok (b), session (s). Returns the
    /// verdict, the user it is about, and details: with wait, wait (u), seconds until another pair or recovery
    /// code is tried; with accept, last_used (t), last_from (s) and wrong_since (u) of the sign-in
    /// before. Callers: uid 0; others for themselves, with a budget of their own.
    ///
    /// Errors: Busy (too many recovery codes, or sign-ins of this user, at once; nothing was spent,
    /// except that eight digits may have been counted as a wrong code), ClockNotTrusted,
    /// InvalidArgument, NotAuthorized, StoreUnavailable.
    #[zbus(out_args("verdict", "about", "details"))]
    async fn verify(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
        user: &str,
        code: &str,
        context: VerifyContext,
    ) -> Result<(String, String, VerifyDetails), Error> {
        let visitor = self.visitor(&header, connection).await?;
        let (verdict, details, untold) =
            self.verify_for(visitor.caller, user, code, context).await?;
        self.tell(untold.as_ref());
        Ok((verdict.word().to_owned(), user.to_owned(), details))
    }

    /// Checks whether every line of the log is there, and as it was written: files (u), lines (t),
    /// first (t) and last (t) line number; if not, wrong (s), altered, file_missing, lines_missing
    /// or truncated, with file (s) and line (t) of the first place; breaks (aa{sv}), all of them up
    /// to 100 with wrong, file, line and seq (t), the number that the line says; more (t), how many
    /// more.
    ///
    /// Callers: uid 0.
    ///
    /// Errors: NotAuthorized, StoreUnavailable.
    #[zbus(out_args("report"))]
    async fn verify_log(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] connection: &Connection,
    ) -> Result<LogReport, Error> {
        let visitor = self.visitor(&header, connection).await?;
        self.engine.verify_log(visitor.caller).await.map(log_report)
    }
}

#[cfg(test)]
mod tests;
