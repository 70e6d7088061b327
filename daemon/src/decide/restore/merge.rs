//! Two states of one token: the worse of both.

use crate::{
    backup::SavedState,
    decide::{Uptime, restore::Times},
    record::{Budget, Budgets, Source, State},
};

/// Returns the state of a token that is here after what a backup knows of it; `None` if the
/// backup knows nothing that counts more.
pub(super) fn state(here: &State, saved: &SavedState, times: Times) -> Option<State> {
    let mut state = here.clone();
    state.last_step = here.last_step.max(saved.last_step);
    state.clock = here.clock.or(saved.clock);
    if saved.last_used > here.last_used {
        state.last_used = saved.last_used;
        state.last_from.clone_from(&saved.last_from);
    }
    state.budgets = budgets(&here.budgets, &saved.budgets, times);
    if state == *here {
        return None;
    }
    state.writes = here.writes.wrapping_add(1);
    Some(state)
}

/// Returns the state of a token that comes here. `before` is what this host knows of its seed.
pub(super) fn arrived(before: State, saved: &SavedState, times: Times) -> State {
    let writes = before.writes.wrapping_add(1);
    let state = state(&before, saved, times).unwrap_or(before);
    State { writes, ..state }
}

/// Returns for each share the budget of which less is left. The sources from which somebody
/// signed in stay this host's: they are keyed hashes, and those of another house match nothing.
fn budgets(here: &Budgets, saved: &Budgets, times: Times) -> Budgets {
    let sources: Vec<Source> = here.sources.clone();
    Budgets {
        console: worse(&here.console, &saved.console, times),
        escalation: worse(&here.escalation, &saved.escalation, times),
        known: worse(&here.known, &saved.known, times),
        own: worse(&here.own, &saved.own, times),
        unknown: worse(&here.unknown, &saved.unknown, times),
        sources,
        pairs: here.pairs,
        resync: here.resync,
        wrong_since: here.wrong_since.max(saved.wrong_since),
    }
}

fn worse(here: &Budget, saved: &Budget, times: Times) -> Budget {
    let wrong = if saved.wrong.len() > here.wrong.len() {
        saved.wrong.iter().map(|then| moved(*then, times)).collect()
    } else {
        here.wrong.clone()
    };
    Budget { wrong, in_a_row: here.in_a_row.max(saved.in_a_row) }
}

/// Returns a time of the backup on this host's uptime. How long it lay about nobody knows, so it
/// counts as if it were made now: no budget is refilled by a restore.
fn moved(then: u64, times: Times) -> u64 {
    let Times { then: Uptime(taken), now: Uptime(now) } = times;
    now.saturating_sub(taken.saturating_sub(then))
}
