//! A token as fobd has it in stock, and its codes.

use fobd::{
    decide::Opened,
    record::{Algorithm, Moving, Parameters, SealedSeed, Seed, Standing, State, Token},
    totp::Generator,
};

use crate::soft_token::SoftToken;

/// A token of 30 s and six digits that nobody has, without a store or a vault.
pub(super) struct Stocked {
    /// Its record.
    pub(super) token: Token,
    generator: Generator,
}

impl Stocked {
    /// Puts a token in stock.
    #[must_use]
    pub(super) fn of(hand: &SoftToken) -> Option<Self> {
        let moving = Moving::Time { period: 30 };
        let parameters = Parameters { algorithm: Algorithm::Sha1, digits: 6, moving };
        let generator = Generator::new(&Seed::new(hand.seed().to_vec())?, &parameters).ok()?;
        let token = Token {
            serial: hand.serial().to_owned(),
            standing: Standing::Stock,
            epoch: 0,
            parameters,
            seed: SealedSeed::default(),
            fingerprint: [0; 32],
            imported: 0,
            manufacturer: None,
            model: None,
            batch: None,
        };
        Some(Self { token, generator })
    }

    /// Returns what a decision needs of records of this token.
    pub(super) fn opened<'a>(&'a self, token: &'a Token, state: &'a State) -> Opened<'a> {
        Opened { token, state, generator: &self.generator }
    }
}
