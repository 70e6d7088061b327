use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use fob_api::{Code, CodePair, Error, Fate, PromptKind, Serial, UserName, Verdict, VerifyContext};

use super::{Engine, Extent, Holder, Import, Pairing, SignIn, Surroundings, read_seed_file};
use crate::{
    access::Caller,
    audit::Audit,
    clock::Clock,
    decide::{Policy, import::Expiry, pair::TimedPair, remove::RootGuard},
    record::{Algorithm, Moving, Parameters, Seed},
    seed::Choice,
    store::{
        Committed, Entry, Guard, Key, Kind, Store, StoreError, Watch, Write, memory::MemoryStore,
    },
    totp::Generator,
    users::Users,
    vault::Vault,
};

const START: u64 = 1_700_000_010;
const ROOT: Caller = Caller { uid: 0 };
const ALICE: Caller = Caller { uid: 1000 };

/// What an injected fault does to the next commits of a store.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// It is applied, and the reply is lost.
    ReplyLost,
    /// It is not applied, and the reply is lost.
    NotApplied,
    /// The store is away.
    Away,
}

/// A store whose commits fail on demand.
#[derive(Clone)]
struct Faulty {
    inner: MemoryStore,
    fault: Arc<Mutex<Fault>>,
    commits: Arc<AtomicUsize>,
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
        let fault = std::mem::replace(&mut *self.fault.lock().unwrap(), Fault::None);
        self.commits.fetch_add(1, Ordering::SeqCst);
        match fault {
            Fault::None => self.inner.commit(guards, writes).await,
            Fault::ReplyLost => {
                let _ = self.inner.commit(guards, writes).await?;
                Err(StoreError::Indeterminate)
            }
            Fault::NotApplied => Err(StoreError::Indeterminate),
            Fault::Away => Err(StoreError::Unavailable),
        }
    }

    fn watch(&self, kind: Kind) -> Watch {
        self.inner.watch(kind)
    }
}

/// An engine over a faulty store, with a clock to advance and a token in the hand.
struct Bench {
    engine: Engine<Faulty>,
    store: Faulty,
    clock: Arc<AtomicU64>,
    lines: Arc<Mutex<Vec<String>>>,
}

fn fixed(users: &[(&str, u32)]) -> Users {
    Users::Fixed(Arc::new(users.iter().map(|(name, uid)| ((*name).to_owned(), *uid)).collect()))
}

const TOKENS: &str = "A1, 3132333435363738393031323334353637383930, totp, 6, 30\n\
                      B2, 4132333435363738393031323334353637383930, totp, 6, 30\n";

impl Bench {
    async fn new() -> Self {
        Self::with_users(&[("root", 0), ("alice", 1000), ("bob", 1001)]).await
    }

    async fn with_users(users: &[(&str, u32)]) -> Self {
        let clock = Arc::new(AtomicU64::new(START));
        let lines = Arc::new(Mutex::new(Vec::new()));
        let around = Surroundings {
            audit: Audit::Kept(Arc::clone(&lines)),
            clock: Clock::Manual(Arc::clone(&clock)),
            policy: Policy::default(),
            users: fixed(users),
        };
        let store = Faulty {
            inner: MemoryStore::default(),
            fault: Arc::new(Mutex::new(Fault::None)),
            commits: Arc::default(),
        };
        let engine = Engine::new(store.clone(), Vault::with_key(&[9; 32]), around);
        let bench = Self { engine, store, clock, lines };
        bench.import(TOKENS).await.unwrap();
        bench
    }

    /// The same house on a host whose user database has changed.
    fn with_other_users(mut self, users: &[(&str, u32)]) -> Self {
        self.engine.around.users = fixed(users);
        self
    }

    async fn import(&self, text: &str) -> Result<fob_api::ImportReport, Error> {
        let file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut &file, text.as_bytes()).unwrap();
        std::io::Seek::rewind(&mut &file).unwrap();
        let import = Import {
            caller: ROOT,
            file: read_seed_file(file.into()).unwrap(),
            format: Choice::Detect,
            expiry: Expiry::Heed,
            extent: Extent::Full,
        };
        self.engine.import(import).await
    }

    fn now(&self) -> u64 {
        self.clock.load(Ordering::SeqCst)
    }

    fn advance(&self, seconds: u64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    fn fail_next(&self, fault: Fault) {
        *self.store.fault.lock().unwrap() = fault;
    }

    /// The code that the token shows so many steps from now.
    fn code(&self, serial: &str, ahead: i64) -> Code {
        let seed: &[u8] = match serial {
            "A1" => b"12345678901234567890",
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

    fn pair(&self, serial: &str) -> TimedPair {
        let pair = CodePair::new(self.code(serial, -1), self.code(serial, 0)).unwrap();
        TimedPair { pair, elapsed: 30 }
    }

    async fn assign(&self, user: &str, serial: &str) -> Result<fob_api::TokenReport, Error> {
        let timed = self.pair(serial);
        let (user, serial) = (UserName::parse(user).unwrap(), Serial::parse(serial).unwrap());
        let pairing = Pairing {
            caller: ROOT,
            user: &user,
            serial: &serial,
            timed: &timed,
            serial_again: None,
        };
        self.engine.assign(&pairing).await
    }

    async fn rotate(&self, user: &str, serial: &str, fate: Fate) -> Result<(), Error> {
        let timed = self.pair(serial);
        let (user, serial) = (UserName::parse(user).unwrap(), Serial::parse(serial).unwrap());
        let pairing = Pairing {
            caller: ROOT,
            user: &user,
            serial: &serial,
            timed: &timed,
            serial_again: None,
        };
        self.engine.rotate(&pairing, fate).await.map(drop)
    }

    async fn verify(&self, user: &str, code: &Code) -> Result<Verdict, Error> {
        self.verify_as(ROOT, user, code).await
    }

    async fn verify_as(&self, caller: Caller, user: &str, code: &Code) -> Result<Verdict, Error> {
        let user = UserName::parse(user).unwrap();
        let sign_in = SignIn { caller, user: &user, context: &VerifyContext::default() };
        self.engine.verify(&sign_in, code).await
    }
}

#[tokio::test]
async fn a_token_is_imported_assigned_and_signs_in_once_per_code() {
    let bench = Bench::new().await;
    let report = bench.assign("alice", "A1").await.unwrap();
    assert_eq!(
        (report.state.as_deref(), report.user.as_deref()),
        (Some("assigned"), Some("alice"))
    );
    bench.advance(30);
    let code = bench.code("A1", 0);
    assert_eq!(bench.verify("alice", &code).await, Ok(Verdict::Accept));
    assert_eq!(bench.verify("alice", &code).await, Ok(Verdict::Replay));
}

#[tokio::test]
async fn the_codes_of_an_assignment_are_spent_by_it() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    for ahead in [-1, 0] {
        let verdict = bench.verify("alice", &bench.code("A1", ahead)).await;
        assert_eq!(verdict, Ok(Verdict::Replay));
    }
}

#[tokio::test]
async fn another_users_token_does_not_sign_in() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.assign("bob", "B2").await.unwrap();
    bench.advance(30);
    assert_eq!(bench.verify("alice", &bench.code("B2", 0)).await, Ok(Verdict::Reject));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_sign_ins_at_once_with_one_code_exactly_one_wins() {
    let bench = Arc::new(Bench::new().await);
    bench.assign("alice", "A1").await.unwrap();
    bench.advance(30);
    let code = bench.code("A1", 0);
    let tries: Vec<_> = (0..64)
        .map(|_| {
            let (bench, code) = (Arc::clone(&bench), code.clone());
            tokio::spawn(async move { bench.verify("alice", &code).await })
        })
        .collect();
    let mut accepted = 0;
    for verdict in tries {
        accepted += usize::from(verdict.await.unwrap() == Ok(Verdict::Accept));
    }
    assert_eq!(accepted, 1);
}

#[tokio::test]
async fn a_lost_reply_of_the_store_burns_no_good_code_and_accepts_none_twice() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    for fault in [Fault::ReplyLost, Fault::NotApplied] {
        bench.advance(30);
        let code = bench.code("A1", 0);
        bench.fail_next(fault);
        assert_eq!(bench.verify("alice", &code).await, Ok(Verdict::Accept));
        assert_eq!(bench.verify("alice", &code).await, Ok(Verdict::Replay));
    }
}

#[tokio::test]
async fn an_assignment_whose_reply_is_lost_is_confirmed_once() {
    let bench = Bench::new().await;
    bench.fail_next(Fault::ReplyLost);
    assert!(bench.assign("alice", "A1").await.is_ok());
    bench.fail_next(Fault::NotApplied);
    assert!(bench.assign("bob", "B2").await.is_ok());
}

#[tokio::test]
async fn trouble_of_the_store_is_an_error_and_never_a_verdict() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.advance(30);
    let code = bench.code("A1", 0);
    bench.fail_next(Fault::Away);
    assert_eq!(bench.verify("alice", &code).await, Err(Error::StoreUnavailable));
    assert_eq!(bench.verify("alice", &code).await, Ok(Verdict::Accept));
}

#[tokio::test]
async fn a_rotation_ends_the_old_token_at_once() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.rotate("alice", "B2", Fate::Lost).await.unwrap();
    bench.advance(30);
    assert_eq!(bench.verify("alice", &bench.code("A1", 0)).await, Ok(Verdict::Reject));
    assert_eq!(bench.verify("alice", &bench.code("B2", 0)).await, Ok(Verdict::Accept));
    assert_eq!(
        bench.assign("bob", "A1").await.unwrap_err(),
        Error::NotAssignable { serial: Serial::parse("A1").unwrap(), state: "lost" }
    );
}

#[tokio::test]
async fn a_user_without_a_token_costs_the_same_commit_as_a_wrong_code() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let wrong = Code::parse("00000000").unwrap();
    for user in ["alice", "bob", "nobody-of-this-name"] {
        let before = bench.store.commits.load(Ordering::SeqCst);
        let verdict = bench.verify(user, &wrong).await.unwrap();
        assert!(matches!(verdict, Verdict::Reject | Verdict::Unassigned), "{user}: {verdict:?}");
        assert_eq!(bench.store.commits.load(Ordering::SeqCst) - before, 1, "{user}");
    }
}

#[tokio::test]
async fn wrong_codes_slow_down_users_with_and_without_a_token_alike() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let wrong = Code::parse("00000000").unwrap();
    for user in ["alice", "bob", "nobody-of-this-name"] {
        for _ in 0..3 {
            let _ = bench.verify(user, &wrong).await.unwrap();
        }
        assert_eq!(bench.verify(user, &wrong).await, Ok(Verdict::Wait(1)), "{user}");
    }
}

#[tokio::test]
async fn a_program_of_the_user_cannot_spend_his_remote_tries() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.advance(30);
    let wrong = Code::parse("00000000").unwrap();
    for _ in 0..4 {
        let _ = bench.verify_as(ALICE, "alice", &wrong).await.unwrap();
    }
    assert!(matches!(bench.verify_as(ALICE, "alice", &wrong).await, Ok(Verdict::Wait(_))));
    assert_eq!(bench.verify("alice", &bench.code("A1", 0)).await, Ok(Verdict::Accept));
}

#[tokio::test]
async fn nullok_exempts_only_an_existing_user_without_a_token() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let nullok = VerifyContext { nullok: Some(true), ..VerifyContext::default() };
    for (user, context, kind) in [
        ("bob", &nullok, PromptKind::Exempt),
        ("bob", &VerifyContext::default(), PromptKind::Code),
        ("alice", &nullok, PromptKind::Code),
        ("nobody-of-this-name", &nullok, PromptKind::Code),
    ] {
        let name = UserName::parse(user).unwrap();
        let sign_in = SignIn { caller: ROOT, user: &name, context };
        assert_eq!(bench.engine.prompt(&sign_in).await, Ok((kind, 6)), "{user}");
    }
}

#[tokio::test]
async fn a_second_import_of_the_same_file_changes_nothing() {
    let bench = Bench::new().await;
    let before = bench.store.commits.load(Ordering::SeqCst);
    let report = bench.import(TOKENS).await.unwrap();
    assert_eq!(report.added.unwrap().len(), 0);
    assert_eq!(report.unchanged.unwrap(), ["A1", "B2"]);
    assert_eq!(bench.store.commits.load(Ordering::SeqCst), before);
}

#[tokio::test]
async fn a_file_with_one_bad_token_imports_none() {
    let bench = Bench::new().await;
    let text = "C3, 5132333435363738393031323334353637383930, totp, 6, 30\n\
                D4, 3132333435363738393031323334353637383930, totp, 6, 30\n";
    let error = bench.import(text).await.unwrap_err();
    assert!(error.to_string().contains("same seed as token A1"), "{error}");
    let serial = Serial::parse("C3").unwrap();
    assert!(bench.engine.show_token(ROOT, &serial).await.is_err());
}

#[tokio::test]
async fn a_forgotten_token_comes_back_with_its_spent_codes_spent() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let alice = UserName::parse("alice").unwrap();
    bench
        .engine
        .deactivate(ROOT, &Holder::User(&alice), Fate::Stock, RootGuard::Keep)
        .await
        .unwrap();
    bench.engine.forget(ROOT, &Serial::parse("A1").unwrap()).await.unwrap();
    bench.import(TOKENS).await.unwrap();
    assert!(matches!(bench.assign("bob", "A1").await, Err(Error::InvalidCodePair { .. })));
    bench.advance(60);
    assert!(bench.assign("bob", "A1").await.is_ok());
}

#[tokio::test]
async fn a_forgotten_lost_token_never_comes_back() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let alice = UserName::parse("alice").unwrap();
    bench
        .engine
        .deactivate(ROOT, &Holder::User(&alice), Fate::Lost, RootGuard::Keep)
        .await
        .unwrap();
    bench.engine.forget(ROOT, &Serial::parse("A1").unwrap()).await.unwrap();
    let error = bench.import(TOKENS).await.unwrap_err();
    assert!(error.to_string().contains("reported lost"), "{error}");
    let renamed = TOKENS.replace("A1", "A9");
    assert!(bench.import(&renamed).await.is_err(), "its seed came back under another serial");
}

#[tokio::test]
async fn spent_codes_stay_spent_when_the_seed_comes_back_under_another_serial() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let spent = bench.pair("A1");
    let alice = UserName::parse("alice").unwrap();
    bench
        .engine
        .deactivate(ROOT, &Holder::User(&alice), Fate::Stock, RootGuard::Keep)
        .await
        .unwrap();
    bench.engine.forget(ROOT, &Serial::parse("A1").unwrap()).await.unwrap();
    bench.import(&TOKENS.replace("A1", "A9")).await.unwrap();
    let (bob, serial) = (UserName::parse("bob").unwrap(), Serial::parse("A9").unwrap());
    let pairing =
        Pairing { caller: ROOT, user: &bob, serial: &serial, timed: &spent, serial_again: None };
    assert!(matches!(bench.engine.assign(&pairing).await, Err(Error::InvalidCodePair { .. })));
}

#[tokio::test]
async fn the_token_of_a_user_who_is_gone_is_taken_back_by_its_serial() {
    let bench = Bench::with_users(&[("root", 0), ("alice", 1000)]).await;
    bench.assign("alice", "A1").await.unwrap();
    let bench = bench.with_other_users(&[("root", 0), ("mallory", 1000)]);
    bench.advance(30);
    let code = bench.code("A1", 0);
    assert_eq!(bench.verify("mallory", &code).await, Ok(Verdict::Unassigned));
    let serial = Serial::parse("A1").unwrap();
    let holder = Holder::Token(&serial);
    let report = bench.engine.deactivate(ROOT, &holder, Fate::Stock, RootGuard::Keep).await;
    assert_eq!(report.unwrap().state.as_deref(), Some("stock"));
    bench.advance(60);
    assert!(bench.assign("mallory", "A1").await.is_ok());
}

#[tokio::test]
async fn a_user_does_not_see_the_token_of_who_had_his_uid_before() {
    let bench = Bench::with_users(&[("alice", 1000)]).await;
    bench.assign("alice", "A1").await.unwrap();
    let bench = bench.with_other_users(&[("mallory", 1000)]);
    let mallory = UserName::parse("mallory").unwrap();
    let seen = bench.engine.show_user(ALICE, &mallory).await.unwrap();
    assert_eq!(seen.tokens.unwrap().len(), 0);
    assert_eq!(bench.engine.show_user(ROOT, &mallory).await.unwrap().tokens.unwrap().len(), 1);
}

#[tokio::test]
async fn wrong_codes_from_the_network_slow_nobody_down_at_the_console_and_no_administrator() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let alice = UserName::parse("alice").unwrap();
    let remote = VerifyContext {
        service: Some("sshd".to_owned()),
        rhost: Some("203.0.113.7".to_owned()),
        ..VerifyContext::default()
    };
    let wrong = Code::parse("00000000").unwrap();
    for _ in 0..4 {
        let sign_in = SignIn { caller: ROOT, user: &alice, context: &remote };
        let _ = bench.engine.verify(&sign_in, &wrong).await.unwrap();
    }
    bench.advance(0);
    let sign_in = SignIn { caller: ROOT, user: &alice, context: &remote };
    assert!(matches!(bench.engine.verify(&sign_in, &wrong).await, Ok(Verdict::Wait(_))));
    assert_eq!(bench.verify("alice", &bench.code("A1", 1)).await, Ok(Verdict::Accept));
    bench.advance(90);
    assert!(bench.engine.resync(ROOT, &alice, &bench.pair("A1")).await.is_ok());
}

#[tokio::test]
async fn pages_show_every_token_once() {
    let bench = Bench::new().await;
    let many: String = (0..40).map(|n| format!("T{n:03}, {n:040x}1, totp, 6\n")).collect();
    let many = many.replace("1, totp", ", totp");
    let many = many.lines().skip(1).collect::<Vec<_>>().join("\n");
    bench.import(&many).await.unwrap();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = bench.engine.list(ROOT, &cursor, 7, None).await.unwrap();
        assert!(page.tokens.len() <= 7);
        seen.extend(page.tokens.into_iter().filter_map(|token| token.serial));
        cursor = page.next;
        if cursor.is_empty() {
            break;
        }
    }
    seen.sort();
    let mut expected: Vec<String> = (1..40).map(|n| format!("T{n:03}")).collect();
    expected.extend(["A1".to_owned(), "B2".to_owned()]);
    expected.sort();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn no_code_and_no_seed_stands_in_the_log() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.advance(30);
    let code = bench.code("A1", 0);
    let _ = bench.verify("alice", &code).await.unwrap();
    let _ = bench.verify("alice", &code).await.unwrap();
    let log = bench.lines.lock().unwrap().join("\n");
    assert!(log.contains("verdict=\"accept\"") && log.contains("verdict=\"replay\""), "{log}");
    assert!(!log.contains(code.as_str()) && !log.contains("31323334"), "{log}");
}
