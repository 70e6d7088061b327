//! A new virtual token into stock, and its seed to whoever will scan it.

use fob_api::{Error, TokenReport, UserName};
use zeroize::Zeroizing;

use crate::{
    access::{Action, Caller, Target},
    audit::{Event, Field, Name},
    decide::{import::Expiry, virtual_token},
    engine::{Applied, Engine, ROUNDS, backup::Sink, events::About},
    key_uri::key_uri,
    record::Seed,
    store::{Gauge, Store},
    vault::random,
};

/// A request for a virtual token.
pub struct NewVirtualToken<'a> {
    /// Who asks the daemon.
    pub caller: Caller,
    /// Who is to have it.
    pub user: &'a UserName,
    /// Where what his phone reads goes.
    pub sink: Sink,
    /// The host's name.
    pub host: String,
}

impl<S: Store> Engine<S> {
    /// Allows or refuses a virtual token before the descriptor is touched.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`.
    pub fn permit_virtual_token(&self, caller: Caller) -> Result<(), Error> {
        self.permit(Action::NewVirtualToken, caller, Target::House).map(drop)
    }

    /// Makes a token for a user, and writes its key URI into the file. It is in stock then: two
    /// codes bind it, as every other.
    ///
    /// # Errors
    ///
    /// `NotAuthorized`, `NoSuchUser`, `VirtualTokensOff`, `InvalidArgument` if the file cannot be
    /// written, `StoreUnavailable`.
    pub async fn new_virtual_token(
        &self,
        request: NewVirtualToken<'_>,
    ) -> Result<TokenReport, Error> {
        let about = About::of_user(request.caller, request.user);
        let done = self.try_to_make(request).await;
        done.inspect_err(|error| self.refused(Name::NewVirtual, &about, error))
    }

    async fn try_to_make(&self, request: NewVirtualToken<'_>) -> Result<TokenReport, Error> {
        let NewVirtualToken { caller, user, sink, host } = request;
        self.permit(Action::NewVirtualToken, caller, Target::House)?;
        virtual_token::permit(&self.around.policy)?;
        let owner = self.existing(user).await?;
        let seed = self.fresh_seed()?;
        let uri = key_uri(&seed, &owner.name, &host);
        let fingerprint = self.vault.fingerprint(&seed);
        let tokens = [virtual_token::new(seed, &fingerprint)?];
        let [token] = &tokens;
        // Before the commit: a token whose seed nobody has would stay in stock for nothing.
        sink.write_secret(uri).await?;
        for _ in 0..ROUNDS {
            let how = (Expiry::Heed, 0);
            let plan = self.plan(vec![token], how, (None, &Gauge::default())).await?;
            let marker = plan.marker.ok_or_else(|| self.give_up())?;
            if let Applied::Yes = self.apply(plan.guards, plan.writes, &marker).await? {
                let event = Event::new(Name::NewVirtual)
                    .with(Field::User, &owner.name)
                    .with(Field::Serial, &token.serial)
                    .by(caller);
                self.around.audit.record(&event);
                return self.show_token(caller, &token.serial).await;
            }
        }
        Err(self.give_up())
    }

    fn fresh_seed(&self) -> Result<Seed, Error> {
        let drawn = random::<{ virtual_token::SEED }>();
        let bytes = Zeroizing::new(drawn.map_err(|error| self.trouble("vault", error))?);
        Seed::new(bytes.to_vec()).ok_or_else(|| self.give_up())
    }
}
