//! What the daemon tells about tokens and users.

use fob_api::{
    Batch, Error, PromptKind, Serial, Share, ShareReport, StatusReport, TokenReport, TokenState,
    UserName, UserReport,
};

use crate::{
    access::{Action, Caller, Role, Target},
    decide::{
        At, clock_model, recovery, remove,
        throttle::{self, Demand, Left, Rank},
    },
    engine::Engine,
    record::{Budgets, Moving, Spray, Standing, State, Token},
    store::{Entry, Key, Kind, Store},
};

/// Most tokens of one page.
const LONGEST_PAGE: usize = 500;
/// Tokens that a page looks at, at most, where only some are wanted: some ten milliseconds of work.
/// A million tokens are 250 pages then, whichever of them are wanted: far below the calls that one
/// connection may make (`serve.rs`).
const LOOKED_AT: usize = 4_000;
/// Fewest tokens that are read at once where only some are wanted: the last of a page may be far off.
const READ: usize = 100;

/// Which tokens are wanted.
#[derive(Clone, Copy, Default)]
pub struct Only<'a> {
    /// Those in this state, as the bus says it.
    pub state: Option<&'a str>,
    /// Those of this import.
    pub batch: Option<&'a Batch>,
}

impl Only<'_> {
    fn is_all(&self) -> bool {
        self.state.is_none() && self.batch.is_none()
    }

    fn wants(&self, token: &Token) -> bool {
        self.state.is_none_or(|state| standing(token).word() == state)
            && self.batch.is_none_or(|batch| token.batch.as_deref() == Some(batch.as_str()))
    }
}

/// One page of tokens, and where the next one begins; empty after the last.
pub struct Page {
    /// The tokens.
    pub tokens: Vec<TokenReport>,
    /// The cursor of the next page.
    pub next: String,
}

/// Where a page begins: a shard, and the last key that was seen in it.
pub(super) struct Cursor {
    pub(super) shard: u8,
    pub(super) after: Option<Key>,
}

impl<S: Store> Engine<S> {
    /// Lists tokens in pages. One of which only some are wanted may end before it is full.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`, `InvalidArgument` for a cursor that no page returned, `StoreUnavailable`.
    pub async fn list(
        &self,
        caller: Caller,
        cursor: &str,
        limit: u32,
        only: &Only<'_>,
    ) -> Result<Page, Error> {
        self.permit(Action::List, caller, Target::House)?;
        let cursor = Cursor::parse(cursor)?;
        if only.state.is_some_and(|word| TokenState::from_word(word).is_none()) {
            return Err(Error::InvalidArgument {
                fact: "state must be stock, assigned, lost or retired.",
            });
        }
        let limit = usize::try_from(limit).unwrap_or(LONGEST_PAGE).clamp(1, LONGEST_PAGE);
        self.page(cursor, limit, only).await
    }

    /// Shows one token.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`, `NoSuchToken`, `AmbiguousSerial`, `StoreUnavailable`.
    pub async fn show_token(&self, caller: Caller, serial: &Serial) -> Result<TokenReport, Error> {
        self.permit(Action::ShowToken, caller, Target::House)?;
        let serial = &self.meant(serial).await?;
        let (token, state) = self
            .look_at(serial)
            .await?
            .ok_or_else(|| Error::NoSuchToken { serial: serial.clone() })?;
        Ok(self::token(&token, &state, &self.moment().await?))
    }

    /// Shows one user and his tokens.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`, `NoSuchUser`, `StoreUnavailable`.
    pub async fn show_user(&self, caller: Caller, user: &UserName) -> Result<UserReport, Error> {
        let (found, role) = self.about(Action::ShowUser, caller, user).await?;
        let owner = found.ok_or_else(|| Error::NoSuchUser { user: user.clone() })?;
        let held = self.tokens_of(owner.uid).await?.record;
        let mut tokens = Vec::new();
        for serial in &held.serials {
            let serial = Serial::parse(serial).map_err(|error| self.trouble("record", error))?;
            let Some((token, state)) = self.look_at(&serial).await? else { continue };
            if role == Role::Own && !remove::is_owned_by(&token, &owner) {
                // It was given to somebody who had this uid before.
                continue;
            }
            tokens.push(self::token(&token, &state, &self.moment().await?));
        }
        let (budgets, spray) = self.budgets(user, &owner).await?;
        let codes = self.codes_of(owner.uid).await?.0;
        let codes = codes.filter(|codes| recovery::is_of(codes, &owner)).unwrap_or_default();
        let left = u32::try_from(codes.hashes.len()).unwrap_or(u32::MAX);
        let at = self.moment().await?;
        let temporary = recovery::open_temporary(&codes, &at);
        let rank = Rank::of(owner.uid);
        let share = |share| share_report(&budgets, &spray, share, rank, &at);
        Ok(UserReport {
            user: Some(owner.name),
            uid: Some(owner.uid),
            tokens: Some(tokens),
            shares: Some(Share::ALL.into_iter().map(share).collect()),
            recovery_left: codes.issued.map(|_| left),
            temporary_until: temporary.map(|temporary| temporary.expires),
            temporary_reason: temporary.map(|temporary| temporary.reason.clone()),
            temporary_by: temporary.map(|temporary| temporary.by),
        })
    }

    /// Shows the daemon's state.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`, `StoreUnavailable`.
    pub async fn status(&self, caller: Caller) -> Result<StatusReport, Error> {
        self.permit(Action::Status, caller, Target::House)?;
        let mut counts = [0_u32; 4];
        for shard in 0..=u8::MAX {
            tokio::task::yield_now().await;
            let mut after = None;
            loop {
                let entries = self.entries(shard, after.as_ref(), LONGEST_PAGE).await?;
                for entry in &entries {
                    let Some(token) = self.decode::<Token>(Some(entry))? else { continue };
                    let [stock, assigned, lost, retired] = &mut counts;
                    *match token.standing {
                        Standing::Stock => stock,
                        Standing::Assigned(_) => assigned,
                        Standing::Lost => lost,
                        Standing::Retired => retired,
                    } += 1;
                }
                if entries.len() < LONGEST_PAGE {
                    break;
                }
                after = entries.last().map(|entry| entry.key.clone());
            }
        }
        let [stock, assigned, lost, retired] = counts;
        let several = self.vault.keys().len() > 1;
        Ok(StatusReport {
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            now: Some(self.now()?.0),
            stock: Some(stock),
            assigned: Some(assigned),
            lost: Some(lost),
            retired: Some(retired),
            key: Some(self.sealing().await?.0.to_string()),
            key_from: Some(self.vault.keys_from().word().to_owned()),
            rekey: several.then(|| "unfinished".to_owned()),
            mode: Some(self.around.policy.mode.word().to_owned()),
            exempting: Some(self.exempting()?),
            ticket_minutes: Some(self.around.policy.ticket_minutes),
        })
    }

    /// Collects one page.
    async fn page(&self, mut cursor: Cursor, limit: usize, only: &Only<'_>) -> Result<Page, Error> {
        let (mut tokens, mut looked_at) = (Vec::new(), 0);
        let at = self.moment().await?;
        loop {
            tokio::task::yield_now().await;
            let left = limit - tokens.len();
            let room = if only.is_all() { left } else { left.max(READ) };
            let entries = self.entries(cursor.shard, cursor.after.as_ref(), room).await?;
            let mut next = cursor.behind(&entries, room);
            looked_at += entries.len();
            for entry in entries {
                let Some(record) = self.decode::<Token>(Some(&entry))? else { continue };
                if !only.wants(&record) {
                    continue;
                }
                tokens.push(self::token(&record, &self.state_of(&record).await?, &at));
                if tokens.len() == limit {
                    next = Some(Cursor { shard: cursor.shard, after: Some(entry.key) });
                    break;
                }
            }
            match next {
                None => return Ok(Page { tokens, next: String::new() }),
                Some(next) if tokens.len() == limit || looked_at >= LOOKED_AT => {
                    return Ok(Page { tokens, next: next.to_text() });
                }
                Some(next) => cursor = next,
            }
        }
    }

    /// Reads some token records of a shard.
    pub(super) async fn entries(
        &self,
        shard: u8,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Entry>, Error> {
        self.store
            .list(Kind::Seed, shard, after, limit)
            .await
            .map_err(|error| self.trouble("list", error))
    }

    /// Reads a token and its state, without opening the seed.
    async fn look_at(&self, serial: &Serial) -> Result<Option<(Token, State)>, Error> {
        let [seed, state] = self.get([Key::seed(serial), Key::state(serial)]).await?;
        let Some(token) = self.decode(seed.as_ref())? else { return Ok(None) };
        Ok(Some((token, self.decode(state.as_ref())?.unwrap_or_default())))
    }

    /// Reads the state of a token.
    async fn state_of(&self, token: &Token) -> Result<State, Error> {
        let serial = Serial::parse(&token.serial).map_err(|error| self.trouble("record", error))?;
        let [state] = self.get([Key::state(&serial)]).await?;
        Ok(self.decode(state.as_ref())?.unwrap_or_default())
    }
}

impl Cursor {
    /// Reads `SHARD` or `SHARD:SERIAL`, the shard as a number; empty is the beginning.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        const BAD: Error =
            Error::InvalidArgument { fact: "cursor is not one that a page returned." };
        if text.is_empty() {
            return Ok(Self { shard: 0, after: None });
        }
        let (shard, serial) = text.split_once(':').unwrap_or((text, ""));
        let shard = shard.parse().map_err(|_| BAD)?;
        if serial.is_empty() {
            return Ok(Self { shard, after: None });
        }
        let after = Key::seed(&Serial::parse(serial).map_err(|_| BAD)?);
        if after.shard() == shard { Ok(Self { shard, after: Some(after) }) } else { Err(BAD) }
    }

    /// Returns where the next page begins behind these entries, of which there were to be so many;
    /// `None` behind the last.
    pub(super) fn behind(&self, entries: &[Entry], wanted: usize) -> Option<Self> {
        match entries.last() {
            Some(entry) if entries.len() == wanted => {
                Some(Self { shard: self.shard, after: Some(entry.key.clone()) })
            }
            _ => Some(Self { shard: self.shard.checked_add(1)?, after: None }),
        }
    }

    /// Tells whether it is the beginning of everything.
    pub(super) fn is_start(&self) -> bool {
        self.shard == 0 && self.after.is_none()
    }

    pub(super) fn to_text(&self) -> String {
        let serial = self.after.as_ref().map(|key| String::from_utf8_lossy(key.name()));
        format!("{}:{}", self.shard, serial.unwrap_or_default())
    }
}

/// Returns where a token stands.
fn standing(token: &Token) -> TokenState {
    match token.standing {
        Standing::Assigned(_) => TokenState::Assigned,
        Standing::Lost => TokenState::Lost,
        Standing::Retired => TokenState::Retired,
        Standing::Stock => TokenState::Stock,
    }
}

/// Returns what is told about a share.
fn share_report(
    budgets: &Budgets,
    spray: &Spray,
    share: Share,
    rank: Rank,
    at: &At<'_>,
) -> ShareReport {
    let budget = throttle::of(budgets, share);
    let asks = match throttle::demand(budgets, spray, share, rank, at) {
        Demand::Code => PromptKind::Code,
        Demand::Pair => PromptKind::Pair,
    };
    let until = match throttle::left(budget, rank, at) {
        Left::NothingFor(seconds) => Some(at.now.0.saturating_add(seconds)),
        Left::NothingUntilPair | Left::Some => None,
    };
    ShareReport {
        share: Some(share.word().to_owned()),
        asks: Some(asks.word().to_owned()),
        wrong: Some(throttle::counted(budget, at)),
        in_a_row: Some(budget.in_a_row),
        until,
    }
}

/// Returns what is told about a token: everything but its seed.
pub(super) fn token(token: &Token, state: &State, at: &At<'_>) -> TokenReport {
    let (kind, period) = match token.parameters.moving {
        Moving::Counter { .. } => ("hotp", None),
        Moving::Time { period } => ("totp", Some(period)),
    };
    let clock = state.clock.map(|clock| clock_model::predict(&clock, at.now));
    let in_sync_until = state
        .clock
        .zip(period)
        .and_then(|(clock, period)| clock_model::in_sync_until(&clock, period, at.now, at.policy));
    let user = match &token.standing {
        Standing::Assigned(owner) => Some(owner.name.clone()),
        _ => None,
    };
    TokenReport {
        serial: Some(token.serial.clone()),
        state: Some(standing(token).word().to_owned()),
        user,
        kind: Some(kind.to_owned()),
        algorithm: Some(token.parameters.algorithm.word().to_owned()),
        digits: Some(u32::from(token.parameters.digits)),
        period,
        // Within ±26 h, so within i64.
        drift: clock.map(|clock| clock.drift.round() as i64),
        rate: clock.map(|clock| clock.rate),
        in_sync_until,
        last_used: state.last_used,
        imported: Some(token.imported),
        manufacturer: token.manufacturer.clone(),
        model: token.model.clone(),
        batch: token.batch.clone(),
    }
}
