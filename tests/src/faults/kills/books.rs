//! What the clients know: which codes were accepted, whose token is whose, and what they do not
//! know because the answer was lost.

use crate::soft_token::SoftToken;

/// Clients that only sign in.
pub(super) const SIGNERS: usize = 7;
/// People whose tokens are given, taken and replaced.
const MOVED: usize = 3;
/// Tokens that go round among them.
const SPARE: usize = 8;
/// How far ahead of a counter the daemon may find a code: its look-ahead of 10
/// (clock-and-throttle.md section 2), and one for a lost answer.
const AHEAD: u64 = 12;

/// A token and what is known of its codes.
pub(super) struct Token {
    soft: SoftToken,
    /// The next counter that was never sent.
    next: u64,
    /// Counters whose codes were answered with accept since the last check.
    pub(super) accepted: Vec<u64>,
    /// A counter whose code was sent and whose answer was lost.
    pub(super) lost: Option<u64>,
}

impl Token {
    fn new(serial: &str) -> Self {
        Self { soft: SoftToken::with_button(serial), next: 0, accepted: Vec::new(), lost: None }
    }

    pub(super) fn serial(&self) -> &str {
        self.soft.serial()
    }

    pub(super) fn code(&self, counter: u64) -> String {
        self.soft.code_of(counter)
    }

    /// Tells whether one of the next codes of the token looks like this counter's: one in 10 000
    /// does, and then the daemon is right to take it for that one.
    pub(super) fn looks_like_a_later_one(&self, counter: u64) -> bool {
        let code = self.code(counter);
        let last = self.next.max(counter) + AHEAD;
        (counter + 1..=last).any(|later| self.code(later) == code)
    }

    /// Presses the button until the code is unlike the following ones. Returns the counter.
    pub(super) fn press(&mut self) -> u64 {
        loop {
            let counter = self.next;
            self.next += 1;
            if !self.looks_like_a_later_one(counter) {
                return counter;
            }
        }
    }

    /// Presses the button twice for two codes that follow each other.
    pub(super) fn pair(&mut self) -> [String; 2] {
        loop {
            let (first, second) = (self.press(), self.press());
            if first + 1 == second {
                return [self.code(first), self.code(second)];
            }
        }
    }
}

/// A person who signs in with one token for good.
pub(super) struct Holder {
    pub(super) user: String,
    pub(super) token: Token,
}

/// A person whose token changes.
pub(super) struct Mover {
    pub(super) user: String,
    /// The index of the token that he has.
    pub(super) has: Option<usize>,
    /// A change was asked for and the answer was lost: he has that token now, or not.
    pub(super) perhaps: Option<Option<usize>>,
}

/// The people and tokens of the administrator.
pub(super) struct Desk {
    pub(super) people: Vec<Mover>,
    pub(super) tokens: Vec<Token>,
    /// Changes that were confirmed since the last check.
    pub(super) changes: u64,
}

/// All books: one part for each client.
pub(super) struct Books {
    pub(super) holders: Vec<Vec<Holder>>,
    pub(super) desk: Desk,
}

impl Books {
    pub(super) fn new(mut people: Vec<String>) -> Self {
        let moved = people.split_off(people.len() - MOVED).into_iter();
        let moved = moved.map(|user| Mover { user, has: None, perhaps: None }).collect();
        let tokens = (0..SPARE).map(|number| Token::new(&format!("SPARE-{number}"))).collect();
        let mut holders: Vec<Vec<Holder>> = (0..SIGNERS).map(|_| Vec::new()).collect();
        for (number, user) in people.into_iter().enumerate() {
            let token = Token::new(&format!("HOLDER-{number}"));
            holders[number % SIGNERS].push(Holder { user, token });
        }
        Self { holders, desk: Desk { people: moved, tokens, changes: 0 } }
    }

    /// Returns the vendor's file of all tokens.
    pub(super) fn seed_file(&self) -> String {
        let held = self.holders.iter().flatten().map(|holder| &holder.token);
        held.chain(&self.desk.tokens).map(|token| token.soft.oath_line()).collect()
    }
}

impl Desk {
    /// Returns a token that nobody has or perhaps has, from `start` on.
    pub(super) fn free(&self, start: usize) -> usize {
        let taken = |index: &usize| {
            self.people
                .iter()
                .any(|mover| mover.has == Some(*index) || mover.perhaps == Some(Some(*index)))
        };
        let count = self.tokens.len();
        (0..count).map(|number| (start + number) % count).find(|index| !taken(index)).unwrap()
    }
}
