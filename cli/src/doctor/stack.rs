//! What libpam makes of a stack, if each module returns a given result. Pure
//! (Linux-PAM 1.5, `_pam_dispatch_aux` in `libpam/pam_dispatch.c`; pam.conf(5)).

use super::{
    control::{Action, Return},
    pam::{Entry, What},
};

/// How a run of a stack ends.
#[derive(Debug)]
pub(crate) struct Run {
    /// What the program gets; it lets the user in on success alone.
    pub(crate) result: Return,
    /// The lines that were reached, by their place in the stack.
    pub(crate) reached: Vec<usize>,
    /// For each line that was passed over, the one that did it.
    pub(crate) skipped: Vec<(usize, usize)>,
}

impl Run {
    /// Tells whether the user is in.
    pub(crate) fn lets_in(&self) -> bool {
        self.result == Return::SUCCESS
    }

    /// Returns the line that kept another one from being reached.
    pub(crate) fn skipper(&self, entry: usize) -> Option<usize> {
        self.skipped.iter().find(|(skipped, _)| *skipped == entry).map(|(_, by)| *by)
    }
}

/// What the modules so far amount to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Impression {
    Negative,
    Positive,
    Undefined,
}

/// Impression and result, as libpam keeps them.
#[derive(Clone, Copy)]
struct State {
    impression: Impression,
    result: Return,
}

impl State {
    const START: Self = Self { impression: Impression::Undefined, result: Return::MUST_FAIL };

    /// Takes a result; `before` is the state before this substack.
    fn take(&mut self, action: Action, result: Return, before: Option<&Self>) -> After {
        match action {
            Action::Ok | Action::Done => self.agree(result),
            Action::Bad | Action::Die => self.refuse(result),
            Action::Reset => *self = before.copied().unwrap_or(Self::START),
            Action::Ignore | Action::Jump(_) => {}
        }
        let is_agreed = self.impression == Impression::Positive;
        match action {
            Action::Die => After::Decided,
            Action::Done if is_agreed => After::Decided,
            _ => After::GoOn,
        }
    }

    fn agree(&mut self, result: Return) {
        if self.impression == Impression::Undefined
            || (self.impression == Impression::Positive && self.result == Return::SUCCESS)
        {
            self.impression = Impression::Positive;
            self.result = result;
        }
    }

    fn refuse(&mut self, result: Return) {
        if self.impression != Impression::Negative {
            self.impression = Impression::Negative;
            self.result = if result == Return::IGNORE { Return::MUST_FAIL } else { result };
        }
    }
}

/// Whether the rest of a substack, or of the stack, is reached.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum After {
    Decided,
    GoOn,
}

/// Runs a stack; `returned` tells what the module at a place returns.
pub(crate) fn run(stack: &[Entry], returned: &dyn Fn(usize) -> Return) -> Run {
    let mut run = Run { result: Return::MUST_FAIL, reached: Vec::new(), skipped: Vec::new() };
    let mut state = State::START;
    let mut before: Vec<State> = vec![State::START]; // of each substack that is open
    let mut at = 0;
    while let Some(entry) = stack.get(at) {
        let level = usize::try_from(entry.level).unwrap_or(usize::MAX);
        before.truncate(level.saturating_add(1));
        while before.len() <= level {
            before.push(state);
        }
        let result = match &entry.what {
            What::Substack => {
                at += 1;
                continue;
            }
            What::Broken(_) => Return::MUST_FAIL,
            What::Module(_) => returned(at),
        };
        run.reached.push(at);
        let next = match entry.control.action(result) {
            Action::Jump(count) => jump(stack, at, count).unwrap_or_else(|| {
                // Over the end: "bad jump in stack".
                state = State { impression: Impression::Negative, result: Return::MUST_FAIL };
                end_of_level(stack, at)
            }),
            action if state.take(action, result, before.last()) == After::Decided => {
                end_of_level(stack, at)
            }
            _ => at + 1,
        };
        run.skipped.extend((at + 1..next).map(|skipped| (skipped, at)));
        at = next;
    }
    run.result = match state {
        State { impression: Impression::Positive, result } => result,
        State { result: Return::SUCCESS, .. } => Return::MUST_FAIL,
        State { result, .. } => result,
    };
    run
}

/// Returns the first line behind a substack, or behind the stack: where a decision ends.
fn end_of_level(stack: &[Entry], at: usize) -> usize {
    let level = stack.get(at).map_or(0, |entry| entry.level);
    let behind = stack.iter().skip(at + 1).take_while(|entry| entry.level >= level);
    at + 1 + behind.count()
}

/// Returns the line behind so many others of this level, substacks being one each; `None` if there
/// are not as many.
fn jump(stack: &[Entry], at: usize, count: u32) -> Option<usize> {
    let level = stack.get(at)?.level;
    let mut last = at;
    for _ in 0..count {
        let next = last + 1;
        if stack.get(next)?.level < level {
            return None;
        }
        let inside = stack.iter().skip(next + 1).take_while(|entry| entry.level > level);
        last = next + inside.count();
    }
    Some(last + 1)
}
