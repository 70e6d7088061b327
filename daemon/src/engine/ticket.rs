//! Tickets: kept in memory while the daemon runs, listed and revoked by administrators. Losing
//! them costs each user one more code.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use fob_api::{Error, LoginSession, TicketReport, UserName, Verdict};

use crate::{
    access::{Action, Caller, Target},
    audit::{Event, Field, Name},
    decide::{
        At,
        throttle::Demand,
        ticket::{self, Bearer, Ticket},
    },
    engine::{Engine, SignIn, events::About, subject::Subject},
    record::{Owner, Token},
    store::Store,
};

/// Most tickets that are kept. With one an hour for each of so many terminals, a full table asks
/// somebody once more.
const MOST: usize = 4096;

/// A ticket, and what an administrator is told about it.
struct Held {
    ticket: Ticket,
    user: String,
    tty: Option<String>,
    service: String,
}

/// The tickets of all users, each by the uid and the session that it is bound to.
#[derive(Default)]
pub(super) struct Tickets {
    held: Mutex<HashMap<(u32, LoginSession), Held>>,
}

impl Tickets {
    fn with<T>(&self, work: impl FnOnce(&mut HashMap<(u32, LoginSession), Held>) -> T) -> T {
        // No work of this file leaves a ticket half done.
        work(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps a ticket; of too many the one that ends first goes.
    fn keep(&self, place: (u32, LoginSession), held: Held, at: &At<'_>) {
        self.with(|tickets| {
            tickets.retain(|_, held| ticket::left(&held.ticket, at) > 0);
            if tickets.len() >= MOST && !tickets.contains_key(&place) {
                let first = tickets.iter().min_by_key(|(_, held)| ticket::left(&held.ticket, at));
                if let Some(first) = first.map(|(place, _)| *place) {
                    tickets.remove(&first);
                }
            }
            tickets.insert(place, held);
        });
    }
}

/// Returns who could have a ticket here. Only root's programs are believed about the session: a
/// user's own could name another one's.
fn bearer<'a>(sign_in: &SignIn<'a>, owner: Option<&Owner>) -> Option<Bearer<'a>> {
    let service = sign_in.context.service.as_deref()?;
    let session = sign_in.context.session.filter(|_| sign_in.caller.uid == 0)?;
    Some(Bearer { uid: owner?.uid, service, session })
}

impl<S: Store> Engine<S> {
    /// Gives a ticket for a code that was decided on, if there is to be one.
    pub(super) fn grant_ticket(
        &self,
        sign_in: &SignIn<'_>,
        owner: Option<&Owner>,
        (verdict, token): (Verdict, &Token),
        at: &At<'_>,
    ) {
        let Some((bearer, owner)) = bearer(sign_in, owner).zip(owner) else { return };
        let Some(ticket) = ticket::grant(verdict, &bearer, token, at) else { return };
        let held = Held {
            ticket,
            user: owner.name.clone(),
            tty: sign_in.context.tty.clone(),
            service: bearer.service.to_owned(),
        };
        self.tickets.keep((owner.uid, bearer.session), held, at);
    }

    /// Tells whether a ticket stands for the code that would be asked for.
    pub(super) fn has_ticket(
        &self,
        sign_in: &SignIn<'_>,
        owner: Option<&Owner>,
        (subject, demand): (&Subject, Demand),
        at: &At<'_>,
    ) -> bool {
        let Some(bearer) = bearer(sign_in, owner) else { return false };
        let whose = (&subject.token, subject.claim);
        self.tickets.with(|tickets| {
            let held = tickets.get(&(bearer.uid, bearer.session));
            held.is_some_and(|held| ticket::holds(&held.ticket, &bearer, whose, demand, at))
        })
    }

    /// Lists the tickets that have not run out, by user and session.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`, `StoreUnavailable`.
    pub async fn tickets(&self, caller: Caller) -> Result<Vec<TicketReport>, Error> {
        self.permit(Action::Tickets, caller, Target::House)?;
        let at = self.moment().await?;
        let mut tickets: Vec<TicketReport> = self.tickets.with(|tickets| {
            let reports = tickets.iter().map(|((_, session), held)| TicketReport {
                user: Some(held.user.clone()),
                session: Some(session.audit()),
                tty: held.tty.clone(),
                service: Some(held.service.clone()),
                left: Some(u32::try_from(ticket::left(&held.ticket, &at)).unwrap_or(u32::MAX)),
            });
            reports.filter(|report| report.left > Some(0)).collect()
        });
        tickets.sort_by(|a, b| (&a.user, a.session, &a.tty).cmp(&(&b.user, b.session, &b.tty)));
        Ok(tickets)
    }

    /// Revokes a user's tickets, or all of them; returns how many.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`, `NoSuchUser`, `StoreUnavailable`.
    pub async fn revoke_tickets(
        &self,
        caller: Caller,
        user: Option<&UserName>,
    ) -> Result<u32, Error> {
        let done = self.try_to_revoke(caller, user).await;
        let about = user.map_or(About::of_house(caller), |user| About::of_user(caller, user));
        done.inspect_err(|error| self.refused(Name::Tickets, &about, error))
    }

    async fn try_to_revoke(&self, caller: Caller, user: Option<&UserName>) -> Result<u32, Error> {
        self.permit(Action::RevokeTickets, caller, Target::House)?;
        let owner = match user {
            Some(user) => Some(self.existing(user).await?),
            None => None,
        };
        let at = self.moment().await?;
        let revoked = self.tickets.with(|tickets| {
            tickets.retain(|_, held| ticket::left(&held.ticket, &at) > 0);
            let before = tickets.len();
            tickets.retain(|(uid, _), _| owner.as_ref().is_some_and(|owner| owner.uid != *uid));
            before.saturating_sub(tickets.len())
        });
        let event = Event::new(Name::Tickets)
            .with_some(Field::User, user)
            .with(Field::Count, revoked)
            .by(caller);
        self.around.audit.record(&event);
        Ok(u32::try_from(revoked).unwrap_or(u32::MAX))
    }
}
