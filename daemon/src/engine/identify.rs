//! Which token is this? A search of all that nobody has, page by page, that changes nothing.
//!
//! The caller asks for one page after the other: so no call takes long, and he sees how far the
//! search is. Every seed of a page is opened, which is done on a thread of its own.

use std::sync::Arc;

use fob_api::{Error, IdentifyReport, Serial};

use crate::{
    access::{Action, Caller, Target},
    audit::{Event, Field, Name},
    decide::{
        At, Opened,
        identify::{self, Breadth, Shown},
    },
    engine::{
        Engine,
        events::About,
        report::{self, Cursor},
    },
    record::{State, Token},
    store::{Entry, Key, Store},
    totp::Generator,
    vault::Vault,
};

/// Tokens of a page, near and wide: some tenths of a second of work. A million tokens stay below the
/// calls that one connection may make (`serve.rs`).
const PAGE: (usize, usize) = (2000, 500);
/// Tokens that are told of a page: more of them tell nobody which it is.
const TOLD: usize = 20;
/// Entries whose states are read at once.
const READ: usize = 250;
/// Shards of the store.
const SHARDS: u32 = 256;

/// A page of a search.
pub struct Identify<'a> {
    /// Who asks the daemon.
    pub caller: Caller,
    /// What the token has shown.
    pub shown: Shown,
    /// How far its clock may be off.
    pub breadth: Breadth,
    /// Where the page begins: empty, or what the page before returned.
    pub cursor: &'a str,
}

/// A token that may be looked at.
struct Candidate {
    folded: String,
    token: Token,
    state: State,
}

/// Some of them, and where the next ones begin.
struct Page {
    candidates: Vec<Candidate>,
    next: Option<Cursor>,
}

/// What became of a page.
#[derive(Default)]
struct Found {
    tokens: Vec<(Token, State)>,
    unreadable: u32,
}

impl<S: Store> Engine<S> {
    /// Searches a page of the tokens that nobody has for those that could have shown the codes.
    ///
    /// # Errors
    ///
    /// `ClockNotTrusted`, `InvalidArgument` for a cursor that no page returned, `NotAuthorized`,
    /// `StoreUnavailable`.
    pub async fn identify(&self, search: Identify<'_>) -> Result<IdentifyReport, Error> {
        let about = About::of_house(search.caller);
        let done = self.try_to_identify(search).await;
        done.inspect_err(|error| self.refused(Name::Identify, &about, error))
    }

    async fn try_to_identify(&self, search: Identify<'_>) -> Result<IdentifyReport, Error> {
        let Identify { caller, shown, breadth, cursor } = search;
        self.permit(Action::Identify, caller, Target::House)?;
        let cursor = Cursor::parse(cursor)?;
        // One search at a time: it keeps a core busy.
        let _turn = self.looking.lock().await;
        let at = self.at().await?;
        if cursor.is_start() {
            let codes = match shown {
                Shown::Code(_) => 1,
                Shown::Pair(_) => 2,
            };
            let event = Event::new(Name::Identify).with(Field::Count, codes);
            self.around.audit.record(&event.by(caller));
        }
        let limit = match breadth {
            Breadth::Near => PAGE.0,
            Breadth::Wide => PAGE.1,
        };
        let Page { candidates, next } = self.candidates(cursor, limit).await?;
        let searched = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
        let found = self.search(candidates, shown, breadth, &at).await?;
        for (token, _) in &found.tokens {
            let event = Event::new(Name::Identify).with(Field::Serial, &token.serial);
            self.around.audit.record(&event.by(caller));
        }
        let more = found.tokens.len().saturating_sub(TOLD);
        let told = found.tokens.iter().take(TOLD);
        Ok(IdentifyReport {
            tokens: Some(told.map(|(token, state)| report::token(token, state, &at)).collect()),
            more: Some(u32::try_from(more).unwrap_or(u32::MAX)),
            searched: Some(searched),
            unreadable: Some(found.unreadable),
            percent: Some(next.as_ref().map_or(100, |next| u32::from(next.shard) * 100 / SHARDS)),
            next: Some(next.map(|next| next.to_text()).unwrap_or_default()),
        })
    }

    /// Reads the tokens of a page that nobody has, with their states.
    async fn candidates(&self, mut cursor: Cursor, limit: usize) -> Result<Page, Error> {
        let (mut candidates, mut read) = (Vec::new(), 0);
        loop {
            tokio::task::yield_now().await;
            let room = READ.min(limit - read);
            let entries = self.entries(cursor.shard, cursor.after.as_ref(), room).await?;
            let next = cursor.behind(&entries, room);
            read += entries.len();
            candidates.extend(self.with_states(&entries).await?);
            match next {
                Some(next) if read < limit => cursor = next,
                next => return Ok(Page { candidates, next }),
            }
        }
    }

    /// Returns those of some tokens that nobody has, with their states.
    async fn with_states(&self, entries: &[Entry]) -> Result<Vec<Candidate>, Error> {
        let (mut tokens, mut keys) = (Vec::new(), Vec::new());
        for entry in entries {
            let Some(token) = self.decode::<Token>(Some(entry))? else { continue };
            if identify::is_nobodys(&token) {
                let serial = Serial::parse(&token.serial);
                let serial = serial.map_err(|error| self.trouble("record", error))?;
                keys.push(Key::state(&serial));
                tokens.push((serial.folded(), token));
            }
        }
        let states = self.store.get(&keys).await.map_err(|error| self.trouble("get", error))?;
        let candidate = |((folded, token), state): ((String, Token), Option<Entry>)| {
            let state = self.decode(state.as_ref())?.unwrap_or_default();
            Ok(Candidate { folded, token, state })
        };
        tokens.into_iter().zip(states).map(candidate).collect()
    }

    /// Opens the seeds of a page, on a thread on which nobody's sign-in waits.
    async fn search(
        &self,
        candidates: Vec<Candidate>,
        shown: Shown,
        breadth: Breadth,
        at: &At<'_>,
    ) -> Result<Found, Error> {
        let At { now, uptime, host_clock, fence, doubt, policy } = *at;
        let (vault, policy) = (Arc::clone(&self.vault), *policy);
        let found = tokio::task::spawn_blocking(move || {
            let at = At { now, uptime, host_clock, fence, doubt, policy: &policy };
            those_that_show(&vault, candidates, (&shown, breadth), &at)
        });
        found.await.map_err(|error| self.trouble("identify", error))
    }
}

/// Returns the tokens that could have shown that. Each seed is wiped before the next one is opened;
/// one that does not open is counted.
fn those_that_show(
    vault: &Vault,
    candidates: Vec<Candidate>,
    (shown, breadth): (&Shown, Breadth),
    at: &At<'_>,
) -> Found {
    let mut found = Found::default();
    for Candidate { folded, token, state } in candidates {
        let generator = vault.open_seed(&folded, &token.seed).ok();
        let generator = generator.and_then(|seed| Generator::new(&seed, &token.parameters).ok());
        let Some(generator) = generator else {
            found.unreadable += 1;
            continue;
        };
        let opened = Opened { token: &token, state: &state, generator: &generator };
        if identify::could_show(&opened, shown, breadth, at) {
            found.tokens.push((token, state));
        }
    }
    found
}
