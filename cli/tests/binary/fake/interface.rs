//! The interface, each method as one line of text that is compared with the script.

use std::{
    fs::File,
    io::{Read, Seek, Write},
    os::fd::OwnedFd,
    sync::{Arc, Mutex},
};

use fob_api::{
    AdoptOptions, AdoptReport, AssignOptions, BackupReport, BypassOptions, Error, ExplainReport,
    IdentifyOptions, IdentifyReport, ImportOptions, ImportReport, LogEntry, LogOptions, LogReport,
    PageOptions, RecoveryCode, RekeyReport, RemoveOptions, RestoreOptions, RestoreReport,
    RevokeOptions, StatusReport, TicketReport, TokenReport, UnlockOptions, UserReport,
    VerifyContext,
};
use zbus::wire::OwnedFd as WireFd;

use super::{Reply, Script};

pub(crate) struct Daemon {
    pub(crate) script: Arc<Mutex<Script>>,
}

/// Takes the value out of the reply that this method's script step must hold.
macro_rules! reply {
    ($reply:expr, $shape:pat => $value:expr) => {
        match $reply {
            $shape => Ok($value),
            Reply::Refuse(error) => Err(error),
            other => panic!("the script has {other:?} for this call"),
        }
    };
}

impl Daemon {
    fn play(&self, call: &str) -> Reply {
        self.script.lock().unwrap().play(call)
    }
}

fn optional(key: &str, value: Option<&str>) -> String {
    value.map_or_else(String::new, |value| format!(" {key}={value}"))
}

fn flag(key: &str, value: Option<bool>) -> String {
    value.map_or_else(String::new, |value| format!(" {key}={value}"))
}

/// `elapsed` is told apart only as present or absent: it is the machine's speed.
fn assign_options(options: &AssignOptions) -> String {
    let elapsed = if options.elapsed.is_some() { "" } else { " without elapsed" };
    let fate = optional("fate", options.fate.as_deref());
    let far = flag("accept_clock", options.accept_clock);
    format!("{elapsed}{fate}{far}{}", optional("again", options.serial_again.as_deref()))
}

fn recovery_code(text: &str) -> RecoveryCode {
    RecoveryCode::parse(text).unwrap()
}

#[zbus::interface(name = "org.fobd.Fob1")]
impl Daemon {
    fn adopt(
        &self,
        file: WireFd,
        source: &str,
        options: AdoptOptions,
    ) -> Result<AdoptReport, Error> {
        let (mut file, mut text) = (File::from(OwnedFd::from(file)), String::new());
        file.read_to_string(&mut text).unwrap();
        let sealed = if file.write_all(b"x").is_err() { "" } else { " open to changes" };
        let dry = flag("dry_run", options.dry_run);
        let user = optional("user", options.user.as_deref());
        let reply = self.play(&format!("Adopt \"{text}\" {source}{sealed}{user}{dry}"));
        reply!(reply, Reply::Adopt(report) => report)
    }

    fn assign(
        &self,
        user: &str,
        serial: &str,
        codes: Vec<String>,
        options: AssignOptions,
    ) -> Result<TokenReport, Error> {
        let rest = assign_options(&options);
        let reply = self.play(&format!("Assign {user} {serial} {}{rest}", codes.join(",")));
        reply!(reply, Reply::Token(token) => token)
    }

    fn backup(&self, key: Vec<u8>, file: WireFd) -> Result<BackupReport, Error> {
        let reply = self.play(&format!("Backup with {} bytes of key", key.len()));
        let mut file = File::from(OwnedFd::from(file));
        reply!(reply, Reply::Backup(stream, report) => {
            file.write_all(stream.as_bytes()).unwrap();
            // The test's stand-in for a seed: a restore shows that the key came back.
            file.write_all(&key).unwrap();
            report
        })
    }

    fn bypass(&self, user: &str, options: BypassOptions) -> Result<(RecoveryCode, u64), Error> {
        let seconds = options.seconds.unwrap_or_default();
        let reason = optional("reason", options.reason.as_deref());
        let reply = self.play(&format!("Bypass {user} {seconds}{reason}"));
        reply!(reply, Reply::Temporary(code, expires) => (recovery_code(code), expires))
    }

    fn deactivate(&self, user: &str, options: RemoveOptions) -> Result<TokenReport, Error> {
        let fate = optional("fate", options.fate.as_deref());
        let leave = flag("leave", options.leave_root_without_mfa);
        let nobody = flag("nobody", options.leave_no_administrator);
        let again = optional("again", options.serial_again.as_deref());
        let of = optional("serial", options.serial.as_deref());
        let call = format!("Deactivate {user}{fate}{leave}{nobody}{again}{of}");
        reply!(self.play(&call), Reply::Token(token) => token)
    }

    fn explain(
        &self,
        user: &str,
        context: VerifyContext,
    ) -> Result<(String, ExplainReport), Error> {
        let service = optional("service", context.service.as_deref());
        let rhost = optional("rhost", context.rhost.as_deref());
        let nullok = flag("nullok", context.nullok);
        let reply = self.play(&format!("Explain {user}{service}{rhost}{nullok}"));
        reply!(reply, Reply::Explained(word, report) => (word.to_owned(), report))
    }

    fn forget(&self, serial: &str, _options: RemoveOptions) -> Result<(), Error> {
        reply!(self.play(&format!("Forget {serial}")), Reply::Done => ())
    }

    fn identify(
        &self,
        code1: &str,
        code2: &str,
        options: IdentifyOptions,
    ) -> Result<IdentifyReport, Error> {
        let elapsed = if options.elapsed.is_some() { " with elapsed" } else { "" };
        let cursor = optional("cursor", options.cursor.as_deref());
        let wide = flag("wide", options.wide);
        let reply = self.play(&format!("Identify {code1},{code2}{elapsed}{wide}{cursor}"));
        reply!(reply, Reply::Identified(report) => report)
    }

    async fn import(
        &self,
        file: WireFd,
        format: &str,
        options: ImportOptions,
        #[zbus(connection)] connection: &zbus::Connection,
    ) -> Result<ImportReport, Error> {
        let mut text = String::new();
        File::from(OwnedFd::from(file)).read_to_string(&mut text).unwrap();
        let dry = flag("dry_run", options.dry_run);
        let expiry = flag("ignore_expiry", options.ignore_expiry);
        let encoding = optional("encoding", options.encoding.as_deref());
        let kind = optional("kind", options.kind.as_deref());
        let password = options.password.map(|file| {
            let mut text = String::new();
            File::from(OwnedFd::from(file)).read_to_string(&mut text).unwrap();
            text
        });
        let password = optional("password", password.as_deref());
        let partial = flag("partial", options.partial);
        let batch = optional("batch", options.batch.as_deref());
        let said = format!("{dry}{expiry}{partial}{encoding}{kind}{password}{batch}");
        let reply = self.play(&format!("Import \"{text}\" \"{format}\"{said}"));
        if matches!(reply, Reply::Hangup) {
            connection.clone().close().await.unwrap();
            return Err(Error::StoreUnavailable);
        }
        reply!(reply, Reply::Import(report) => report)
    }

    fn list(
        &self,
        cursor: &str,
        limit: u32,
        options: PageOptions,
    ) -> Result<(Vec<TokenReport>, String), Error> {
        let state = optional("state", options.state.as_deref());
        let batch = optional("batch", options.batch.as_deref());
        let reply = self.play(&format!("List \"{cursor}\" {limit}{state}{batch}"));
        reply!(reply, Reply::Page(tokens, next) => (tokens, next.to_owned()))
    }

    fn log(&self, options: LogOptions) -> Result<(Vec<LogEntry>, u64), Error> {
        let number = |key: &str, value: Option<u64>| {
            value.map_or_else(String::new, |value| format!(" {key}={value}"))
        };
        let call = [
            number("after", options.after),
            number("before", options.before),
            number("limit", options.limit.map(u64::from)),
            flag("newest", options.newest),
            optional("user", options.user.as_deref()),
            optional("serial", options.serial.as_deref()),
            optional("event", options.event.as_deref()),
            number("since", options.since),
            number("until", options.until),
        ];
        let reply = self.play(&format!("Log{}", call.concat()));
        reply!(reply, Reply::Events(events, reached) => (events, reached))
    }

    fn new_recovery_codes(
        &self,
        user: &str,
        codes: Vec<String>,
        options: AssignOptions,
    ) -> Result<Vec<RecoveryCode>, Error> {
        let elapsed = if options.elapsed.is_some() { " with elapsed" } else { "" };
        let reply = self.play(&format!("NewRecoveryCodes {user} {}{elapsed}", codes.join(",")));
        reply!(reply, Reply::Codes(codes) => codes.iter().map(|code| recovery_code(code)).collect())
    }

    fn new_virtual_token(
        &self,
        user: &str,
        file: WireFd,
        _options: AssignOptions,
    ) -> Result<TokenReport, Error> {
        let reply = self.play(&format!("NewVirtualToken {user}"));
        let mut file = File::from(OwnedFd::from(file));
        reply!(reply, Reply::Virtual(uri, token) => {
            file.write_all(uri.as_bytes()).unwrap();
            token
        })
    }

    fn rekey(&self) -> Result<RekeyReport, Error> {
        reply!(self.play("Rekey"), Reply::Rekey(report) => report)
    }

    fn report_lost(
        &self,
        user: &str,
        code: &str,
        _options: RemoveOptions,
    ) -> Result<TokenReport, Error> {
        let reply = self.play(&format!("ReportLost {user} {code}"));
        reply!(reply, Reply::Token(token) => token)
    }

    fn restore(
        &self,
        key: Vec<u8>,
        file: WireFd,
        options: RestoreOptions,
    ) -> Result<RestoreReport, Error> {
        let mut file = File::from(OwnedFd::from(file));
        let mut stream = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut stream).unwrap();
        let sealed = if file.write_all(b"x").is_err() { "" } else { " open to changes" };
        let text = stream.strip_suffix(key.as_slice()).map(String::from_utf8_lossy);
        let text = text.unwrap_or("another key".into());
        let dry = flag("dry_run", options.dry_run);
        let reply = self.play(&format!("Restore \"{text}\"{sealed}{dry}"));
        reply!(reply, Reply::Restore(report) => report)
    }

    fn resync(
        &self,
        user: &str,
        codes: Vec<String>,
        options: AssignOptions,
    ) -> Result<TokenReport, Error> {
        let rest = assign_options(&options);
        let reply = self.play(&format!("Resync {user} {}{rest}", codes.join(",")));
        reply!(reply, Reply::Token(token) => token)
    }

    fn revoke_tickets(&self, options: RevokeOptions) -> Result<u32, Error> {
        let user = optional("user", options.user.as_deref());
        reply!(self.play(&format!("RevokeTickets{user}")), Reply::Count(count) => count)
    }

    fn rotate(
        &self,
        user: &str,
        serial: &str,
        codes: Vec<String>,
        options: AssignOptions,
    ) -> Result<TokenReport, Error> {
        let rest = assign_options(&options);
        let reply = self.play(&format!("Rotate {user} {serial} {}{rest}", codes.join(",")));
        reply!(reply, Reply::Token(token) => token)
    }

    fn show_token(&self, serial: &str) -> Result<TokenReport, Error> {
        reply!(self.play(&format!("ShowToken {serial}")), Reply::Token(token) => token)
    }

    fn show_user(&self, user: &str) -> Result<UserReport, Error> {
        reply!(self.play(&format!("ShowUser {user}")), Reply::User(user) => user)
    }

    fn status(&self) -> Result<StatusReport, Error> {
        reply!(self.play("Status"), Reply::Status(status) => status)
    }

    fn tickets(&self) -> Result<Vec<TicketReport>, Error> {
        reply!(self.play("Tickets"), Reply::Tickets(tickets) => tickets)
    }

    fn verify_log(&self) -> Result<LogReport, Error> {
        reply!(self.play("VerifyLog"), Reply::Log(report) => report)
    }

    fn unlock(&self, user: &str, options: UnlockOptions) -> Result<(), Error> {
        let share = optional("share", options.share.as_deref());
        reply!(self.play(&format!("Unlock {user}{share}")), Reply::Done => ())
    }
}
