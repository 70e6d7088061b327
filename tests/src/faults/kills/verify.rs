//! After the restart: is everything that was answered still so?

use std::{collections::BTreeMap, fmt, sync::Arc};

use fob_api::{PageOptions, TokenReport, UnlockOptions, VerifyContext, proxy::FobProxy};

use super::books::{Books, Desk, Token};
use crate::daemon::Daemon;

/// What was counted over all rounds.
#[derive(Default)]
pub struct Tally {
    /// Kills that met a request on its way.
    pub hits: u32,
    /// Codes that were accepted before a kill.
    pub accepts: u64,
    /// Accepted codes that were sent again after the restart: none is accepted.
    pub again: u64,
    /// Of them and of those in `spent`, those that the daemon recognized as replays.
    pub replays: u64,
    /// Codes whose answer was lost and which were spent.
    pub spent: u64,
    /// Codes whose answer was lost and which were not: accepted once, after the restart.
    pub unspent: u64,
    /// Confirmed assignments, rotations and deactivations.
    pub changes: u64,
    /// Changes whose answer was lost and which were done.
    pub done: u64,
    /// Changes whose answer was lost and which were not.
    pub undone: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} met a request; {} accepts, {} of them sent again, 0 accepted twice, {} replays \
             recognized; of lost answers {} codes spent, {} not; {} changes confirmed, 0 undone; \
             of lost answers {} done, {} not",
            self.hits,
            self.accepts,
            self.again,
            self.replays,
            self.spent,
            self.unspent,
            self.changes,
            self.done,
            self.undone
        )
    }
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.hits += other.hits;
        self.accepts += other.accepts;
        self.again += other.again;
        self.replays += other.replays;
        self.spent += other.spent;
        self.unspent += other.unspent;
        self.changes += other.changes;
        self.done += other.done;
        self.undone += other.undone;
    }
}

/// Compares the daemon with the books; several people at a time, so that they share syncs.
pub(super) async fn check(books: Books, daemon: &Daemon, tally: &mut Tally) -> Books {
    let fob = daemon.proxy().await;
    let listed = Arc::new(list(&fob).await);
    let mut tasks = Vec::new();
    for mut holders in books.holders {
        let (fob, listed) = (daemon.proxy().await, Arc::clone(&listed));
        tasks.push(tokio::spawn(async move {
            let mut tally = Tally::default();
            for holder in &mut holders {
                check_holding(&fob, &holder.user, Some(holder.token.serial()), &listed).await;
                check_codes(&fob, &holder.user, &mut holder.token, &mut tally).await;
            }
            (holders, tally)
        }));
    }
    let mut desk = books.desk;
    check_desk(&mut desk, &fob, &listed, tally).await;
    let mut holders = Vec::new();
    for task in tasks {
        let (theirs, counted) = task.await.unwrap();
        tally.add(&counted);
        holders.push(theirs);
    }
    Books { holders, desk }
}

/// Returns all tokens by serial. No serial is there twice.
async fn list(fob: &FobProxy<'_>) -> BTreeMap<String, TokenReport> {
    let mut all = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let (tokens, next) = fob.list(&cursor, 500, PageOptions::default()).await.unwrap();
        for token in tokens {
            let serial = token.serial.clone().unwrap();
            assert!(all.insert(serial.clone(), token).is_none(), "{serial} is listed twice");
        }
        if next.is_empty() {
            return all;
        }
        cursor = next;
    }
}

/// Compares a user's token, as he is shown and as the tokens are listed, with the books.
async fn check_holding(
    fob: &FobProxy<'_>,
    user: &str,
    serial: Option<&str>,
    listed: &BTreeMap<String, TokenReport>,
) {
    let shown = fob.show_user(user).await.unwrap().tokens.unwrap_or_default();
    let shown: Vec<&str> = shown.iter().filter_map(|token| token.serial.as_deref()).collect();
    assert_eq!(shown, serial.into_iter().collect::<Vec<_>>(), "tokens of {user}");
    let his: Vec<&str> = listed
        .iter()
        .filter(|(_, token)| token.user.as_deref() == Some(user))
        .map(|(serial, token)| {
            assert_eq!(token.state.as_deref(), Some("assigned"), "{serial}");
            serial.as_str()
        })
        .collect();
    assert_eq!(his, shown, "tokens that are listed as {user}'s");
}

/// Settles the changes whose answer was lost, and compares the rest.
async fn check_desk(
    desk: &mut Desk,
    fob: &FobProxy<'_>,
    listed: &BTreeMap<String, TokenReport>,
    tally: &mut Tally,
) {
    tally.changes += std::mem::take(&mut desk.changes);
    for mover in &mut desk.people {
        if let Some(perhaps) = mover.perhaps.take() {
            let shown = fob.show_user(&mover.user).await.unwrap().tokens.unwrap_or_default();
            let now = shown.first().and_then(|token| token.serial.clone());
            let meant = perhaps.map(|index| desk.tokens[index].serial().to_owned());
            if now == meant {
                mover.has = perhaps;
                tally.done += 1;
            } else {
                tally.undone += 1;
            }
        }
        let serial = mover.has.map(|index| desk.tokens[index].serial());
        check_holding(fob, &mover.user, serial, listed).await;
        if let Some(index) = mover.has {
            check_codes(fob, &mover.user, &mut desk.tokens[index], tally).await;
        }
    }
    for token in &mut desk.tokens {
        // Nobody's now: no code of it can be sent.
        token.accepted.clear();
        token.lost = None;
    }
}

/// Spent codes that are sent again before the budget of wrong ones is refilled: the daemon asks
/// for a pair after the fifth (clock-and-throttle.md section 5).
const REFUSALS: usize = 4;

/// Sends the codes of a token again.
async fn check_codes(fob: &FobProxy<'_>, user: &str, token: &mut Token, tally: &mut Tally) {
    let accepted = std::mem::take(&mut token.accepted);
    tally.accepts += accepted.len() as u64;
    let older = match accepted.split_last() {
        None => &[],
        Some((newest, older)) => {
            // First of all: nothing that is accepted later hides that it was forgotten.
            let expected = if token.lost.is_none() { Some("replay") } else { None };
            again(fob, user, (token, *newest, expected), tally).await;
            older
        }
    };
    settle(fob, user, token, tally).await;
    refill(fob, user).await;
    for some in older.chunks(REFUSALS) {
        fresh(fob, user, token).await;
        for counter in some {
            again(fob, user, (token, *counter, None), tally).await;
        }
        refill(fob, user).await;
    }
    fresh(fob, user, token).await;
}

/// Refills the budget that the codes of this test have spent.
async fn refill(fob: &FobProxy<'_>, user: &str) {
    fob.unlock(user, UnlockOptions::default()).await.unwrap();
}

/// Sends a code again whose answer was lost: it was spent, or it is accepted now, once.
async fn settle(fob: &FobProxy<'_>, user: &str, token: &mut Token, tally: &mut Tally) {
    let Some(counter) = token.lost.take() else { return };
    match verdict(fob, user, &token.code(counter)).await.as_str() {
        "accept" => {
            tally.unspent += 1;
            again(fob, user, (token, counter, Some("replay")), tally).await;
        }
        "replay" => {
            tally.spent += 1;
            tally.replays += 1;
        }
        other => panic!("{user}'s code {counter}, whose answer was lost: {other}"),
    }
}

/// Sends an accepted code again.
async fn again(
    fob: &FobProxy<'_>,
    user: &str,
    (token, counter, expected): (&Token, u64, Option<&str>),
    tally: &mut Tally,
) {
    if token.looks_like_a_later_one(counter) {
        return;
    }
    let verdict = verdict(fob, user, &token.code(counter)).await;
    let right = match expected {
        Some(expected) => verdict == expected,
        None => matches!(verdict.as_str(), "replay" | "reject"),
    };
    assert!(right, "{user}'s code {counter}, which was accepted: {verdict}");
    tally.again += 1;
    tally.replays += u64::from(verdict == "replay");
}

/// Signs in with a new code: no good code was burned.
async fn fresh(fob: &FobProxy<'_>, user: &str, token: &mut Token) {
    let counter = token.press();
    let verdict = verdict(fob, user, &token.code(counter)).await;
    assert_eq!(verdict, "accept", "{user}'s new code {counter}");
}

async fn verdict(fob: &FobProxy<'_>, user: &str, code: &str) -> String {
    fob.verify(user, code, VerifyContext::default()).await.unwrap().0
}
