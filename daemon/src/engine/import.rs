//! A seed file into stock: all of it or nothing.

mod file;
mod progress;

use std::{borrow::Borrow, future::pending, mem::take, sync::Arc};

use fob_api::{Batch, Error, ImportReject, ImportReport, Password, Serial};

use crate::{
    access::{Action, Caller, Target},
    audit::{Event, Field, Name},
    decide::{
        Now,
        import::{self, Admission, Candidate, Expiry, Known},
    },
    engine::{Applied, Engine, Marker, ROUNDS, events::About},
    record::{KeyId, Standing, Token, Trace},
    seed::{
        self, Encryption, Flaw, Hints, MOST, Notice, Place, Reading, Reject, SeedError, VendorToken,
    },
    store::{Gauge, Guard, Key, Store, Write},
    wipe,
};
pub use file::{ReadError, SeedFile, read_seed_file};
use progress::Progress;
pub use progress::ProgressFile;

/// Tokens after which others get their turn on the thread: about a millisecond's work.
const BREATHER: usize = 64;

/// Tokens of an import that the journal is told one by one: a tenth of what it takes of a unit in
/// 30 s (journald.conf(5), RateLimitBurst=).
const MANY: usize = 1000;

/// Tokens after which the room of those that are sealed is given back: some 2 MiB.
const GIVEN_BACK: usize = 8192;

/// Guards and writes of a token that comes in.
const GUARDS: usize = 3;
/// The same.
const WRITES: usize = 3;

/// What a seed file says, and which of its rows are set aside; or its first flaw.
type Parsed = Result<(Reading, Vec<Reject>), SeedError>;

/// Reads tokens, and wipes what the reading has left on the stack: decoders take many characters of
/// a seed into registers at once, and some of those come to lie there; so do keys that are derived.
fn parse(file: &SeedFile, how: (Hints, BadRows), password: Option<&Password>) -> Parsed {
    let parsed = parse_in_a_frame(file, how, password);
    wipe::stack_of_parser();
    parsed
}

/// A frame of its own, so that [`wipe::stack_of_parser`] reaches it.
#[inline(never)]
fn parse_in_a_frame(
    file: &SeedFile,
    (hints, bad): (Hints, BadRows),
    password: Option<&Password>,
) -> Parsed {
    match bad {
        BadRows::Refuse => seed::open(file.bytes(), hints, password).map(|read| (read, Vec::new())),
        BadRows::SetAside => seed::open_partly(file.bytes(), hints, password),
    }
}

/// Says on the bus why a file is refused, or asks for what opens it.
pub(super) fn refusal(error: &SeedError) -> Error {
    let (fact, hint) = (error.to_string(), error.hint().unwrap_or_default().to_owned());
    match error.flaw() {
        Flaw::Encrypted(Encryption::Password) => Error::PassphraseNeeded { fact, hint },
        Flaw::Encrypted(Encryption::SharedKey) => Error::KeyNeeded { fact, hint },
        _ => Error::BadSeedFile { fact, hint },
    }
}

/// Returns the words of notices; `None` if there are none.
fn told(notices: &[Notice]) -> Option<Vec<String>> {
    let words = notices.iter().map(|notice| notice.word().to_owned()).collect::<Vec<_>>();
    (!words.is_empty()).then_some(words)
}

/// Begins an event of an import.
fn event_of(batch: Option<&Batch>) -> Event {
    Event::new(Name::Import).with_some(Field::Batch, batch)
}

/// Returns what is told of a row that is set aside.
fn told_row(reject: &Reject) -> ImportReject {
    let error = &reject.error;
    let place = error.place().unwrap_or(Place { line: 1, column: 1 });
    let hint = error.hint().unwrap_or_default().to_owned();
    rejected(place, reject.serial.as_ref(), error.to_string(), hint)
}

/// Puts together what is told of a token that cannot come in.
fn rejected(place: Place, serial: Option<&Serial>, fact: String, hint: String) -> ImportReject {
    ImportReject {
        line: Some(place.line),
        column: Some(place.column),
        serial: serial.map(Serial::to_string),
        fact: Some(fact),
        hint: Some(hint).filter(|hint| !hint.is_empty()),
    }
}

/// A request to import.
pub struct Import {
    /// Who asks the daemon.
    pub caller: Caller,
    /// The file.
    pub file: SeedFile,
    /// What is said about it.
    pub hints: Hints,
    /// What opens it, if it is encrypted.
    pub password: Option<Password>,
    /// Whether expired keys are taken.
    pub expiry: Expiry,
    /// Whether anything is written.
    pub extent: Extent,
    /// What becomes of tokens that cannot come in.
    pub bad: BadRows,
    /// What the tokens that come in are called.
    pub batch: Option<Batch>,
    /// Where the caller wants to read how far it is.
    pub progress: Option<ProgressFile>,
}

/// What becomes of tokens of a file that cannot come in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BadRows {
    /// The whole file is refused for the first of them.
    Refuse,
    /// They are told, and the others come in.
    SetAside,
}

/// Whether an import is carried out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Extent {
    /// Only say what would be done.
    DryRun,
    /// Do it.
    Full,
}

/// The one commit of an import.
#[derive(Default)]
pub(super) struct Plan {
    /// What its seeds are sealed by. The first guard holds as long as that is right.
    key: KeyId,
    /// What its tokens are called.
    batch: Option<String>,
    report: ImportReport,
    pub(super) guards: Vec<Guard>,
    pub(super) writes: Vec<Write>,
    /// Tells whether it was carried out; `None` if there is nothing to do.
    pub(super) marker: Option<Marker>,
    /// Tokens that may not come in, if that does not refuse the file.
    rejects: Vec<ImportReject>,
}

impl<S: Store> Engine<S> {
    /// Allows or refuses an import before the descriptor is touched.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`.
    pub fn permit_import(&self, caller: Caller) -> Result<(), Error> {
        self.permit(Action::Import, caller, Target::House).map(drop)
    }

    /// Reads a seed file into stock.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`, `BadSeedFile` with line and column, `PassphraseNeeded`, `KeyNeeded`,
    /// `StoreUnavailable`; nothing of the file is imported then.
    pub async fn import(&self, import: Import) -> Result<ImportReport, Error> {
        let about = About::of_house(import.caller);
        let done = self.try_to_import(import).await;
        done.inspect_err(|error| {
            // Asking for what opens the file refuses nothing.
            let asks = matches!(error, Error::PassphraseNeeded { .. } | Error::KeyNeeded { .. });
            if !asks {
                self.refused(Name::Import, &about, error);
            }
        })
    }

    async fn try_to_import(&self, mut import: Import) -> Result<ImportReport, Error> {
        self.permit(Action::Import, import.caller, Target::House)?;
        let (file, progress) = (import.progress.take(), Progress::default());
        let telling = async {
            if let Some(file) = &file {
                file.tell(&progress).await;
            }
            pending().await
        };
        tokio::select! {
            done = self.carry_out(import, &progress) => done,
            never = telling => never,
        }
    }

    async fn carry_out(&self, import: Import, progress: &Progress) -> Result<ImportReport, Error> {
        let sources = Arc::new((import.file, import.password));
        let how = (import.hints, import.bad);
        let batch = import.batch.as_ref();
        for _ in 0..ROUNDS {
            progress.begin();
            let (reading, rejects) = self.parsed(Arc::clone(&sources), how).await?;
            let Reading { format, tokens, notices } = reading;
            let room = match import.bad {
                BadRows::Refuse => 0,
                BadRows::SetAside => MOST.saturating_sub(rejects.len()),
            };
            let by = (batch, &progress.sealed);
            let mut plan = self.plan(tokens, (import.expiry, room), by).await?;
            plan.report.format = Some(format.word().to_owned());
            plan.report.notices = told(&notices);
            if import.bad == BadRows::SetAside {
                plan.rejects.extend(rejects.iter().map(told_row));
                plan.rejects.sort_by_key(|reject| (reject.line, reject.column));
                plan.report.rejected = Some(take(&mut plan.rejects));
            }
            let Some(marker) = plan.marker else { return Ok(plan.report) };
            if import.extent == Extent::DryRun {
                return Ok(plan.report);
            }
            let (gauge, writes) = (Arc::clone(&progress.stored), self.sorted(plan.writes).await?);
            let applied = self.apply_watched((plan.guards, writes), &marker, gauge).await?;
            if applied == Applied::Yes {
                self.imported(import.caller, &plan.report, batch).await;
                return Ok(plan.report);
            }
        }
        Err(self.give_up())
    }

    /// Sorts writes by their keys, each of which is there once: in place, where the store, which cannot
    /// know that, would need room for half of them once more.
    async fn sorted(&self, mut writes: Vec<Write>) -> Result<Vec<Write>, Error> {
        let sort = move || {
            writes.sort_unstable_by(|a, b| a.key().cmp(b.key()));
            writes
        };
        tokio::task::spawn_blocking(sort).await.map_err(|error| self.trouble("commit", error))
    }

    /// Reads the file: again, where the stock has changed meanwhile. To keep its tokens for that would
    /// cost as much memory as what is sealed of them.
    async fn parsed(
        &self,
        sources: Arc<(SeedFile, Option<Password>)>,
        how: (Hints, BadRows),
    ) -> Result<(Reading, Vec<Reject>), Error> {
        // Seconds of work for a large file or a passphrase: not on a thread that others' sign-ins
        // wait for.
        let parse = move || parse(&sources.0, how, sources.1.as_ref());
        let parsed = tokio::task::spawn_blocking(parse).await;
        let parsed = parsed.map_err(|error| self.trouble("seed", error))?;
        parsed.map_err(|error| refusal(&error))
    }

    /// Logs tokens that came into stock: each by itself, but in the journal many as one, for it
    /// would drop what else there is to say; and how many were set aside.
    async fn imported(&self, caller: Caller, report: &ImportReport, batch: Option<&Batch>) {
        let added = report.added.as_deref().unwrap_or_default();
        let event = || event_of(batch).by(caller);
        let audit = &self.around.audit;
        let are_many = added.len() > MANY;
        if are_many {
            audit.record(&event().with(Field::Tokens, added.len()));
        }
        for some in added.chunks(MANY) {
            audit.room(some.len()).await;
            for serial in some {
                let event = event().with(Field::Serial, serial);
                if are_many { audit.keep(&event) } else { audit.record(&event) }
            }
        }
        let skipped = report.rejected.as_ref().map_or(0, Vec::len);
        if skipped > 0 {
            audit.record(&event().with(Field::Skipped, skipped));
        }
    }

    /// Plans the commit of all tokens of a file, and drops each once it is sealed. So many of them may
    /// be set aside; one more refuses the file.
    pub(super) async fn plan<T: Borrow<VendorToken> + Send + Sync>(
        &self,
        mut tokens: Vec<T>,
        (expiry, room): (Expiry, usize),
        (batch, gauge): (Option<&Batch>, &Gauge),
    ) -> Result<Plan, Error> {
        let now = self.now()?;
        let (key, guard) = self.sealing().await?;
        // All of it at once: what grows by doubling has up to half its room for nothing.
        let mut guards = Vec::with_capacity(1 + GUARDS * tokens.len());
        guards.push(guard);
        let writes = Vec::with_capacity(WRITES * tokens.len());
        let batch = batch.map(Batch::to_string);
        let mut plan = Plan { key, batch, guards, writes, ..Plan::default() };
        let (mut added, mut unchanged) = (Vec::new(), Vec::new());
        gauge.begin(tokens.len());
        tokens.reverse();
        while let Some(token) = tokens.pop() {
            if tokens.len().is_multiple_of(BREATHER) {
                tokio::task::yield_now().await;
            }
            if tokens.len().is_multiple_of(GIVEN_BACK) {
                tokens.shrink_to_fit();
            }
            let token = token.borrow();
            match self.admit(token, expiry, now, &mut plan).await {
                Ok(Admission::Add(_)) => added.push(token.serial.as_str().to_owned()),
                Ok(Admission::Unchanged) => unchanged.push(token.serial.as_str().to_owned()),
                Err(Error::BadSeedFile { fact, hint }) if plan.rejects.len() < room => {
                    plan.rejects.push(rejected(token.place, Some(&token.serial), fact, hint));
                }
                Err(error) => return Err(error),
            }
            gauge.advance(1);
        }
        plan.report.added = Some(added);
        plan.report.unchanged = Some(unchanged);
        Ok(plan)
    }

    /// Decides on one token, and adds its writes to the plan.
    async fn admit(
        &self,
        vendor: &VendorToken,
        expiry: Expiry,
        now: Now,
        plan: &mut Plan,
    ) -> Result<Admission, Error> {
        let serial = &vendor.serial;
        let fingerprint = self.vault.fingerprint(&vendor.seed);
        // The state is written with the seed and by whoever guards the seed: it needs no guard.
        let keys = [Key::seed(serial), Key::fingerprint(&fingerprint), Key::former(serial)];
        let [seed, same, former] = self.get(keys.clone()).await?;
        let token: Option<Token> = self.decode(seed.as_ref())?;
        let (own, elsewhere) = (self.decode(same.as_ref())?, self.decode(former.as_ref())?);
        let trace: Option<Trace> = import::combined(own, elsewhere);
        let candidate = Candidate {
            serial,
            fingerprint,
            parameters: &vendor.parameters,
            not_before: vendor.not_before,
            not_after: vendor.not_after,
            place: vendor.place,
        };
        let known = Known { token: token.as_ref(), trace: trace.as_ref() };
        let admission = import::admit(&candidate, &known, expiry, now)?;
        if let Admission::Add(fresh) = &admission {
            let [seed_key, same_key, former_key] = keys;
            let mut record = self.stock_record(vendor, fingerprint, (plan.key, now))?;
            record.batch.clone_from(&plan.batch);
            let mut fresh = fresh.clone();
            fresh.writes = fresh.writes.wrapping_add(1);
            fresh.attempt = self.attempt()?;
            let (write, marker) = self.mark(Key::state(serial), &fresh)?;
            plan.writes.push(self.put(seed_key.clone(), &record)?);
            let trace = Trace { serial: serial.folded(), left: None };
            plan.writes.push(self.put(same_key.clone(), &trace)?);
            plan.writes.push(write);
            plan.guards.push(Guard::unchanged(&seed_key, seed.as_ref()));
            plan.guards.push(Guard::unchanged(&same_key, same.as_ref()));
            plan.guards.push(Guard::unchanged(&former_key, former.as_ref()));
            plan.marker = Some(marker);
        }
        Ok(admission)
    }

    /// Returns the record of a token that comes into stock.
    fn stock_record(
        &self,
        vendor: &VendorToken,
        fingerprint: [u8; 32],
        (key, now): (KeyId, Now),
    ) -> Result<Token, Error> {
        let seed = self
            .vault
            .seal(key, &vendor.serial.folded(), 1, &vendor.seed)
            .map_err(|error| self.trouble("vault", error))?;
        Ok(Token {
            serial: vendor.serial.as_str().to_owned(),
            standing: Standing::Stock,
            epoch: 0,
            parameters: vendor.parameters,
            seed,
            fingerprint,
            imported: now.0,
            manufacturer: vendor.manufacturer.clone(),
            model: vendor.model.clone(),
            batch: None,
        })
    }
}
