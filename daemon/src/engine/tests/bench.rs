//! An engine over a store that fails on demand, with a clock to advance and tokens in the hand.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use fob_api::{Code, CodePair, Error, Fate, PromptKind, Serial, UserName, Verdict, VerifyContext};
use tokio::sync::Barrier;

use crate::{
    access::Caller,
    audit::Audit,
    clock::{Clock, Manual},
    decide::{
        Policy,
        import::Expiry,
        pair::{FarClock, TimedPair},
        remove::Safeguards,
        verify::Typed,
    },
    engine::{
        BadRows, Engine, Extent, Holder, Import, Notice, Pairing, SignIn, Surroundings,
        read_seed_file,
    },
    record::{self, Algorithm, Host, Moving, Parameters, Seed},
    seed::Choice,
    store::{
        Committed, Entry, Freshness, Guard, Key, Kind, Store, StoreError, Watch, Write,
        memory::MemoryStore,
    },
    totp::Generator,
    users::Users,
    vault::Vault,
};

const START: u64 = 1_800_000_000;
pub(super) const ROOT: Caller = Caller::of(0);
pub(super) const ALICE: Caller = Caller::of(1000);

/// What an injected fault does to the next commits of a store.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Fault {
    None,
    /// It is applied, and the reply is lost.
    ReplyLost,
    /// It is not applied, and the reply is lost.
    NotApplied,
    /// The store is away.
    Away,
    /// The store goes away after so many commits, and stays away: what is there then is what a
    /// kill leaves.
    AwayAfter(usize),
}

/// A store whose commits fail on demand.
#[derive(Clone)]
pub(super) struct Faulty {
    pub(super) inner: MemoryStore,
    pub(super) fault: Arc<Mutex<Fault>>,
    pub(super) commits: Arc<AtomicUsize>,
    /// Commits that are carried out before the fault comes.
    pub(super) grace: Arc<AtomicUsize>,
    /// Where the next commits wait for each other, one entry for each.
    meetings: Arc<Mutex<Vec<Arc<Barrier>>>>,
    /// What the store says of itself.
    pub(super) freshness: Arc<Mutex<Freshness>>,
}

impl Store for Faulty {
    async fn get(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>, StoreError> {
        self.inner.get(keys).await
    }

    async fn list(
        &self,
        kind: Kind,
        shard: u8,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.inner.list(kind, shard, after, limit).await
    }

    async fn commit(
        &self,
        guards: Vec<Guard>,
        writes: Vec<Write>,
    ) -> Result<Committed, StoreError> {
        let fault = match self.grace.load(Ordering::SeqCst) {
            0 => {
                let mut next = self.fault.lock().unwrap();
                let fault = *next;
                *next = match fault {
                    Fault::AwayAfter(left) => Fault::AwayAfter(left.saturating_sub(1)),
                    _ => Fault::None,
                };
                fault
            }
            left => {
                self.grace.store(left - 1, Ordering::SeqCst);
                Fault::None
            }
        };
        self.commits.fetch_add(1, Ordering::SeqCst);
        let meeting = self.meetings.lock().unwrap().pop();
        if let Some(meeting) = meeting {
            meeting.wait().await;
        }
        match fault {
            Fault::None | Fault::AwayAfter(1..) => self.inner.commit(guards, writes).await,
            Fault::ReplyLost => {
                let _ = self.inner.commit(guards, writes).await?;
                Err(StoreError::Indeterminate)
            }
            Fault::NotApplied => Err(StoreError::Indeterminate),
            Fault::Away | Fault::AwayAfter(0) => Err(StoreError::Unavailable),
        }
    }

    fn watch(&self, kind: Kind) -> Watch {
        self.inner.watch(kind)
    }

    fn freshness(&self) -> Freshness {
        *self.freshness.lock().unwrap()
    }
}

/// An engine over a faulty store, with a clock to advance and a token in the hand.
pub(super) struct Bench {
    pub(super) engine: Engine<Faulty>,
    pub(super) store: Faulty,
    pub(super) clock: Manual,
    pub(super) lines: Arc<Mutex<Vec<String>>>,
}

fn fixed(users: &[(&str, u32)]) -> Users {
    Users::Fixed {
        users: Arc::new(users.iter().map(|(name, uid)| ((*name).to_owned(), *uid)).collect()),
        administrators: Arc::default(),
    }
}

pub(super) const TOKENS: &str = "A1, 3132333435363738393031323334353637383930, totp, 6, 30\n\
                      B2, 4132333435363738393031323334353637383930, totp, 6, 30\n";

/// The seed of H1, which has a button.
const BUTTON: &[u8] = b"H2345678901234567890";
pub(super) const BUTTON_TOKEN: &str = "H1, 4832333435363738393031323334353637383930, hotp, 6\n";

/// Writes what `--initialize` does about the host and the vault.
async fn initialize(store: &MemoryStore, vault: &Vault) {
    let (host, house) = (Key::host(), Key::vault());
    let record = record::encode(host.as_bytes(), &Host::default()).unwrap();
    let sealed = vault.seal_house(vault.keys()[0], 1).unwrap();
    let sealed = record::encode(house.as_bytes(), &sealed).unwrap();
    let writes = vec![Write::Put(host, record), Write::Put(house, sealed)];
    assert_eq!(store.commit(Vec::new(), writes).await, Ok(Committed::Done));
}

impl Bench {
    pub(super) async fn new() -> Self {
        Self::with_users(&[("root", 0), ("alice", 1000), ("bob", 1001), ("carol", 1002)]).await
    }

    pub(super) async fn with_users(users: &[(&str, u32)]) -> Self {
        Self::with_vault(users, Vault::with_key(&[9; 32]).unwrap()).await
    }

    pub(super) async fn with_vault(users: &[(&str, u32)], vault: Vault) -> Self {
        let bench = Self::empty(users, vault).await;
        bench.import(TOKENS).await.unwrap();
        bench
    }

    /// A house in which nothing happened yet, with a master key made of this byte.
    pub(super) async fn without_tokens(users: &[(&str, u32)], key: u8) -> Self {
        Self::empty(users, Vault::with_key(&[key; 32]).unwrap()).await
    }

    async fn empty(users: &[(&str, u32)], vault: Vault) -> Self {
        let clock = Manual::new(START);
        let lines = Arc::new(Mutex::new(Vec::new()));
        let around = Surroundings {
            audit: Audit::Kept(Arc::clone(&lines)),
            clock: Clock::Manual(clock.clone()),
            policy: Policy::default(),
            users: fixed(users),
        };
        let store = Faulty {
            inner: MemoryStore::default(),
            fault: Arc::new(Mutex::new(Fault::None)),
            commits: Arc::default(),
            grace: Arc::default(),
            meetings: Arc::default(),
            freshness: Arc::new(Mutex::new(Freshness::Fresh)),
        };
        initialize(&store.inner, &vault).await;
        let engine = Engine::new(store.clone(), vault, around);
        Self { engine, store, clock, lines }
    }

    /// The same house on a host whose user database has changed.
    pub(super) fn with_other_users(mut self, users: &[(&str, u32)]) -> Self {
        self.engine.around.users = fixed(users);
        self
    }

    /// The same house with administrators besides root.
    pub(super) fn with_administrators(mut self, names: &[&str]) -> Self {
        if let Users::Fixed { administrators, .. } = &mut self.engine.around.users {
            *administrators = Arc::new(names.iter().map(|name| (*name).to_owned()).collect());
        }
        self
    }

    /// The same house after the daemon has ended, well or badly.
    pub(super) fn restarted(self) -> Self {
        let Engine { store, vault, around, .. } = self.engine;
        Self { engine: Engine::new(store, vault, around), ..self }
    }

    /// The same house after a kill, with the keys that are there now.
    pub(super) fn restarted_with(self, vault: Vault) -> Self {
        *self.store.fault.lock().unwrap() = Fault::None;
        let Engine { store, around, .. } = self.engine;
        Self { engine: Engine::new(store, vault, around), ..self }
    }

    pub(super) async fn import(&self, text: &str) -> Result<fob_api::ImportReport, Error> {
        self.import_opened(text, None).await
    }

    pub(super) async fn import_opened(
        &self,
        text: &str,
        password: Option<fob_api::Password>,
    ) -> Result<fob_api::ImportReport, Error> {
        self.import_as(text, |import| import.password = password).await
    }

    /// Imports a file, otherwise than fobctl does without options.
    pub(super) async fn import_as(
        &self,
        text: &str,
        otherwise: impl FnOnce(&mut Import),
    ) -> Result<fob_api::ImportReport, Error> {
        let file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut &file, text.as_bytes()).unwrap();
        std::io::Seek::rewind(&mut &file).unwrap();
        let mut import = Import {
            caller: ROOT,
            file: read_seed_file(file.into()).unwrap(),
            hints: Choice::Detect.into(),
            password: None,
            expiry: Expiry::Heed,
            extent: Extent::Full,
            bad: BadRows::Refuse,
            batch: None,
            progress: None,
        };
        otherwise(&mut import);
        self.engine.import(import).await
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.wall()
    }

    pub(super) fn advance(&self, seconds: u64) {
        self.clock.advance(seconds);
    }

    pub(super) fn fail_next(&self, fault: Fault) {
        *self.store.fault.lock().unwrap() = fault;
    }

    /// Lets so many commits through before one fails.
    pub(super) fn fail_after(&self, commits: usize, fault: Fault) {
        self.store.grace.store(commits, Ordering::SeqCst);
        self.fail_next(fault);
    }

    /// Lets the next two commits begin when both requests have been decided.
    pub(super) fn let_two_commits_meet(&self) {
        let meeting = Arc::new(Barrier::new(2));
        *self.store.meetings.lock().unwrap() = vec![Arc::clone(&meeting), meeting];
    }

    /// Lets the next commit hang until somebody waits at the barrier that is returned.
    pub(super) fn hang_next_commit(&self) -> Arc<Barrier> {
        let meeting = Arc::new(Barrier::new(2));
        *self.store.meetings.lock().unwrap() = vec![Arc::clone(&meeting)];
        meeting
    }

    /// The code that the token shows so many steps from now.
    pub(super) fn code(&self, serial: &str, ahead: i64) -> Code {
        let seed: &[u8] = match serial {
            "A1" => b"12345678901234567890",
            "C3" => b"B2345678901234567890",
            _ => b"A2345678901234567890",
        };
        let parameters = Parameters {
            algorithm: Algorithm::Sha1,
            digits: 6,
            moving: Moving::Time { period: 30 },
        };
        let token = Generator::new(&Seed::new(seed.to_vec()).unwrap(), &parameters).unwrap();
        token.code((self.now() / 30).checked_add_signed(ahead).unwrap())
    }

    /// The code that H1, which has a button, shows at a counter.
    pub(super) fn button(&self, counter: u64) -> Code {
        let parameters = Parameters {
            algorithm: Algorithm::Sha1,
            digits: 6,
            moving: Moving::Counter { next: 0 },
        };
        let seed = Seed::new(BUTTON.to_vec()).unwrap();
        Generator::new(&seed, &parameters).unwrap().code(counter)
    }

    pub(super) fn pair(&self, serial: &str) -> TimedPair {
        let pair = match serial {
            "H1" => CodePair::new(self.button(0), self.button(1)).unwrap(),
            _ => CodePair::new(self.code(serial, -1), self.code(serial, 0)).unwrap(),
        };
        TimedPair { pair, elapsed: 30 }
    }

    pub(super) async fn assign(
        &self,
        user: &str,
        serial: &str,
    ) -> Result<fob_api::TokenReport, Error> {
        let timed = self.pair(serial);
        let (user, serial) = (UserName::parse(user).unwrap(), Serial::parse(serial).unwrap());
        let pairing = Pairing {
            caller: ROOT,
            user: &user,
            serial: &serial,
            timed: &timed,
            far: FarClock::Ask,
            serial_again: None,
        };
        self.engine.assign(&pairing).await
    }

    pub(super) async fn rotate(&self, user: &str, serial: &str, fate: Fate) -> Result<(), Error> {
        let timed = self.pair(serial);
        let (user, serial) = (UserName::parse(user).unwrap(), Serial::parse(serial).unwrap());
        let pairing = Pairing {
            caller: ROOT,
            user: &user,
            serial: &serial,
            timed: &timed,
            far: FarClock::Ask,
            serial_again: None,
        };
        self.engine.rotate(&pairing, fate).await.map(drop)
    }

    /// Takes a user's token, with nothing spelled out.
    pub(super) async fn deactivate(&self, user: &str, fate: Fate) -> Result<(), Error> {
        self.deactivate_safely(user, fate, &Safeguards::default()).await
    }

    pub(super) async fn deactivate_safely(
        &self,
        user: &str,
        fate: Fate,
        safe: &Safeguards<'_>,
    ) -> Result<(), Error> {
        let user = UserName::parse(user).unwrap();
        self.engine.deactivate(ROOT, &Holder::User(&user), fate, safe).await.map(drop)
    }

    pub(super) async fn verify(&self, user: &str, code: &Code) -> Result<Verdict, Error> {
        self.verify_as(ROOT, user, code).await
    }

    pub(super) async fn verify_as(
        &self,
        caller: Caller,
        user: &str,
        code: &Code,
    ) -> Result<Verdict, Error> {
        let user = UserName::parse(user).unwrap();
        let sign_in = SignIn { caller, user: &user, context: &VerifyContext::default() };
        self.engine.verify(&sign_in, Typed::Code(code)).await.map(|(verdict, _)| verdict)
    }

    /// Signs in over ssh from an address.
    pub(super) async fn from(
        &self,
        rhost: &str,
        user: &str,
        typed: Typed<'_>,
    ) -> Result<(Verdict, Notice), Error> {
        let (user, context) = (UserName::parse(user).unwrap(), over_ssh(rhost));
        let sign_in = SignIn { caller: ROOT, user: &user, context: &context };
        self.engine.verify(&sign_in, typed).await
    }

    /// What is asked for over ssh from an address.
    pub(super) async fn asked(&self, rhost: &str, user: &str) -> PromptKind {
        let (user, context) = (UserName::parse(user).unwrap(), over_ssh(rhost));
        let sign_in = SignIn { caller: ROOT, user: &user, context: &context };
        self.engine.prompt(&sign_in).await.unwrap().0
    }
}

pub(super) fn over_ssh(rhost: &str) -> VerifyContext {
    VerifyContext {
        service: Some("sshd".to_owned()),
        rhost: Some(rhost.to_owned()),
        ..VerifyContext::default()
    }
}
