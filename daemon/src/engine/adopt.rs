//! Tokens with their users from another program: each in one commit, or named with the reason.

mod person;
mod scratch;

use std::collections::HashMap;

use fob_api::{AdoptReport, AdoptRow, AdoptSource, Adopted, Error, UserName};

use self::{person::Task, scratch::Fate};
use crate::{
    access::{Action, Caller, Target},
    audit::{Event, Field, Name},
    decide::adopt::Refusal,
    engine::{
        Engine, Extent,
        events::About,
        import::{SeedFile, refusal},
    },
    record::Owner,
    seed::{
        Flaw, SeedError,
        moved::{self, Moved, MovedFlaw, Person, Scratch},
    },
    store::Store,
    wipe,
};

/// A request to adopt.
pub struct Adopt {
    /// Who asks the daemon.
    pub caller: Caller,
    /// The file.
    pub file: SeedFile,
    /// Whose file it is.
    pub source: AdoptSource,
    /// Whose token it is, in place of whom the file names.
    pub user: Option<UserName>,
    /// This host's name: an account `alice@host` is alice's here.
    pub host: String,
    /// Whether anything is written.
    pub extent: Extent,
}

/// Who says whose a token is.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Whose {
    Callers,
    Files,
}

/// What became of a token.
enum Outcome {
    Already { serial: String },
    Moved { serial: String, wait: u32, scratch: Told },
    Refused { serial: Option<String>, refusal: Refusal },
}

/// What is told of scratch codes: how many became recovery codes, how many did not because the user
/// has some, and how many lines are none.
struct Told {
    kept: usize,
    not_kept: usize,
    malformed: u32,
}

impl Told {
    fn of(scratch: &Scratch, fate: &Fate) -> Self {
        let (count, malformed) = (scratch.codes.len(), scratch.malformed);
        match fate {
            Fate::Kept(_) => Self { kept: count, not_kept: 0, malformed },
            Fate::NoCodes | Fate::NotKept => Self { kept: 0, not_kept: count, malformed },
        }
    }

    fn write(&self, row: &mut AdoptRow) {
        let told = |count: usize| u32::try_from(count).ok().filter(|count| *count > 0);
        row.recovery = told(self.kept);
        row.scratch = told(self.not_kept);
        row.malformed = Some(self.malformed).filter(|count| *count > 0);
    }
}

/// Reads people, and wipes what the reading has left on the stack, as an import does.
fn parse(file: &SeedFile, source: AdoptSource) -> Result<Vec<Person>, SeedError> {
    let parsed = parse_in_a_frame(file, source);
    wipe::stack_of_parser();
    parsed
}

/// A frame of its own, so that [`wipe::stack_of_parser`] reaches it.
#[inline(never)]
fn parse_in_a_frame(file: &SeedFile, source: AdoptSource) -> Result<Vec<Person>, SeedError> {
    moved::read(file.bytes(), source)
}

impl<S: Store> Engine<S> {
    /// Allows or refuses an adoption before the descriptor is touched.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`.
    pub fn permit_adopt(&self, caller: Caller) -> Result<(), Error> {
        self.permit(Action::Adopt, caller, Target::House).map(drop)
    }

    /// Brings the tokens of a file in, each with its user. Everything that can be moved is moved,
    /// the rest is in the report.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`, `BadSeedFile` if the file as a whole cannot be read, `Busy` if too many
    /// codes are hashed at once, `ClockNotTrusted`, `StoreUnavailable`; what was moved before stays
    /// so, and is told the next time.
    pub async fn adopt(&self, request: Adopt) -> Result<AdoptReport, Error> {
        let about = About::of_house(request.caller);
        let done = self.try_to_adopt(request).await;
        done.inspect_err(|error| self.refused(Name::Adopt, &about, error))
    }

    async fn try_to_adopt(&self, request: Adopt) -> Result<AdoptReport, Error> {
        self.permit(Action::Adopt, request.caller, Target::House)?;
        let Adopt { caller, file, source, user, host, extent } = request;
        let parsed = tokio::task::spawn_blocking(move || parse(&file, source));
        let parsed = parsed.await.map_err(|error| self.trouble("seed", error))?;
        let people = parsed.map_err(|error| refusal(&error))?;
        if user.is_some() {
            refuse_several(&people)?;
        }
        let (tokens, users) = (HashMap::new(), HashMap::new());
        let (mut rows, mut task) = (Vec::new(), Task { source, extent, tokens, users });
        let whose = if user.is_some() { Whose::Callers } else { Whose::Files };
        for person in people {
            let named = user.as_ref().map(|user| user.as_str().to_owned()).or(person.user);
            let row = self.adopt_row((named, whose, &host), person.token, &mut task).await?;
            if extent == Extent::Full {
                self.adopted(caller, source, &row).await;
            }
            rows.push(row);
        }
        Ok(AdoptReport { people: Some(rows) })
    }

    /// Gives one token to its user, and says what became of it.
    async fn adopt_row(
        &self,
        (named, whose, host): (Option<String>, Whose, &str),
        token: Result<Moved, SeedError>,
        task: &mut Task,
    ) -> Result<AdoptRow, Error> {
        let mut row = AdoptRow { user: named.clone(), ..AdoptRow::default() };
        let token = match token {
            Ok(token) => token,
            Err(error) => {
                refuse_row(&mut row, &error);
                return Ok(row);
            }
        };
        if whose == Whose::Files && !is_of_host(task.source, named.as_deref(), &token, host) {
            elsewhere(&mut row);
            return Ok(row);
        }
        let Some(owner) = self.owner_of(named.as_deref(), host).await? else {
            nobody(&mut row);
            return Ok(row);
        };
        row.user = Some(owner.name.clone());
        row.dropped = token.dropped.map(|dropped| dropped.word().to_owned());
        tell(&mut row, self.adopt_one(&owner, &token, task).await?, &owner.name);
        Ok(row)
    }

    /// Looks up whose account it is: by its name, or by what stands before this host's own name.
    async fn owner_of(&self, named: Option<&str>, host: &str) -> Result<Option<Owner>, Error> {
        let Some(named) = named else { return Ok(None) };
        let local = named.rsplit_once('@').filter(|(_, at)| is_host(at, host));
        for name in [Some(named), local.map(|(name, _)| name)].into_iter().flatten() {
            let Ok(name) = UserName::parse(name) else { continue };
            if let Some(owner) = self.find(&name).await? {
                return Ok(Some(owner));
            }
        }
        Ok(None)
    }

    /// Logs what became of a token.
    async fn adopted(&self, caller: Caller, source: AdoptSource, row: &AdoptRow) {
        let event = match row.outcome.as_deref().and_then(Adopted::from_word) {
            Some(Adopted::Moved) => Event::new(Name::Adopt),
            Some(Adopted::Not) => Event::new(Name::Refused).with(Field::Verb, Name::Adopt.word()),
            Some(Adopted::Already) | None => return,
        };
        let event = event
            .with_some(Field::User, row.user.as_ref())
            .with_some(Field::Serial, row.serial.as_ref())
            .with_some(Field::Reason, row.reason.as_ref())
            .with_some(Field::Left, row.recovery)
            .with(Field::Origin, source.word())
            .by(caller);
        self.around.audit.room(1).await;
        self.around.audit.record(&event);
    }
}

/// Refuses several tokens for the one user whom the caller has named: nobody says which of them is
/// his for signing in here, and the first would win. A part that is missing is no token.
fn refuse_several(people: &[Person]) -> Result<(), Error> {
    let is_part = |error: &SeedError| *error.flaw() == Flaw::Moved(MovedFlaw::NoPart);
    let tokens = people.iter().filter(|person| !person.token.as_ref().is_err_and(is_part)).count();
    if tokens <= 1 {
        return Ok(());
    }
    Err(Error::BadSeedFile {
        fact: format!("the file describes {tokens} tokens, and one user was named."),
        hint: "put the one that is his into a file by itself.".to_owned(),
    })
}

/// Says of a row that its token cannot be read.
fn refuse_row(row: &mut AdoptRow, error: &SeedError) {
    not_moved(row, moved::reason(error), error.to_string(), Some(moved::hint(error).to_owned()));
}

/// Tells whether a name is this host's, in full or its first part.
fn is_host(name: &str, host: &str) -> bool {
    let short = host.split('.').next().unwrap_or_default();
    !host.is_empty() && (name.eq_ignore_ascii_case(host) || name.eq_ignore_ascii_case(short))
}

/// Tells whether a token is one for signing in here. An app has those of many services, and alice's
/// elsewhere is not alice's here: the label has to name this host, as issuer or behind an `@`.
fn is_of_host(source: AdoptSource, named: Option<&str>, token: &Moved, host: &str) -> bool {
    let account =
        named.and_then(|named| named.rsplit_once('@')).is_some_and(|(_, at)| is_host(at, host));
    let issuer = token.issuer.as_deref().is_some_and(|issuer| is_host(issuer, host));
    source != AdoptSource::Otpauth || account || issuer
}

/// Says of a row that its label does not name this host.
fn elsewhere(row: &mut AdoptRow) {
    let fact = "its label names another service than this host, or none.".to_owned();
    let hint =
        "if it is for this host, put it into a file by itself, and add \"--user NAME\".".to_owned();
    not_moved(row, "other_host", fact, Some(hint));
}

/// Says of a row that its user is nobody here.
fn nobody(row: &mut AdoptRow) {
    match &row.user {
        Some(user) => {
            let fact = format!("there is no user {user} on this host.");
            let hint = "if the user has another name here, put it into a file by itself, and add \"--user NAME\".".to_owned();
            not_moved(row, "no_such_user", fact, Some(hint));
        }
        None => {
            let fact = "it does not say whose it is.".to_owned();
            let hint = "put it into a file by itself, and add \"--user NAME\".";
            not_moved(row, "no_such_user", fact, Some(hint.to_owned()));
        }
    }
}

fn not_moved(row: &mut AdoptRow, reason: &str, fact: String, hint: Option<String>) {
    row.outcome = Some(Adopted::Not.word().to_owned());
    row.reason = Some(reason.to_owned());
    row.fact = Some(fact);
    row.hint = hint;
    row.dropped = None;
}

/// Says what became of a token.
fn tell(row: &mut AdoptRow, outcome: Outcome, user: &str) {
    match outcome {
        Outcome::Already { serial } => {
            row.serial = Some(serial);
            row.outcome = Some(Adopted::Already.word().to_owned());
            row.dropped = None;
        }
        Outcome::Moved { serial, wait, scratch } => {
            scratch.write(row);
            row.serial = Some(serial);
            row.outcome = Some(Adopted::Moved.word().to_owned());
            row.wait = Some(wait).filter(|wait| *wait > 0);
        }
        Outcome::Refused { serial, refusal } => {
            row.serial = serial;
            let (fact, hint) = refusal.words(user);
            not_moved(row, refusal.word(), fact, Some(hint));
        }
    }
}
