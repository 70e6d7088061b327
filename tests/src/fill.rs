//! A state folder with any number of tokens, each with a user: what is measured at a million.
//!
//! The records are those that import and assign leave, in the daemon's own form, sealed by the
//! folder's own key. Only the search of the pairs is left out, which would take an hour.

use std::{
    collections::HashSet,
    error::Error,
    fs,
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use fob_api::Serial;
use fobd::{
    decide::{Now, clock_model},
    open::{self, Opened},
    record::{
        Algorithm, Moving, Owner, Parameters, Seed, Standing, State, Token, Trace, UserTokens,
        encode,
    },
    store::{Committed, Entry, Key, Kind, Store as _, StoreError, Write, sled::SledStore},
    vault::Vault,
};
use tokio::task::{JoinSet, spawn_blocking};

use crate::soft_token::SoftToken;

/// What goes wrong.
type Trouble = Box<dyn Error + Send + Sync>;

/// Seconds per step of a token with a clock.
const PERIOD: u32 = 30;
/// The uid of the first user who is only made up: far above those of people (systemd's
/// "Users, Groups, UIDs and GIDs" leaves 524288 to 1879048191 to nobody in particular).
const MADE_UP: u32 = 1_000_000_000;
/// Tokens whose records are sorted together: neighbours share pages, as in an import.
const STRETCH: u32 = 65_536;
/// Records of a page that is read.
const PAGE: usize = 1000;
/// Records of a commit: as many as the store applies at once.
const PIECE: usize = 256;
/// Commits that share a sync.
const AT_ONCE: usize = 16;

/// How a token counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Counts {
    /// By a button (HOTP): codes can be made as fast as they are asked for. The next is that of
    /// counter 2: an assignment has spent 0 and 1.
    Button,
    /// By a clock (TOTP), which is right: the code of the moment of filling is good, and each later
    /// one.
    Clock,
}

/// Which tokens are made.
#[derive(Clone)]
pub struct Filling {
    /// How many.
    pub count: u32,
    /// How they count.
    pub counts: Counts,
    /// Who has the first of them.
    pub owners: Arc<Vec<Owner>>,
}

impl Filling {
    /// Returns token `number`: the first is 0.
    #[must_use]
    pub fn token(&self, number: u32) -> SoftToken {
        match self.counts {
            Counts::Button => SoftToken::with_button(&serial(number)),
            Counts::Clock => SoftToken::with_clock(&serial(number)),
        }
    }

    /// Returns who has token `number`: one of the given owners as far as they reach, then `fillN`,
    /// whom no host knows.
    #[must_use]
    pub fn owner(&self, number: u32) -> Owner {
        let made_up = || Owner { uid: MADE_UP + number, name: format!("fill{number}") };
        self.owners.get(number as usize).cloned().unwrap_or_else(made_up)
    }

    /// Returns the four records of a token, as import and assign leave them.
    fn records(&self, number: u32, vault: &Vault, now: u64) -> Result<[Write; 4], Trouble> {
        let (hand, owner) = (self.token(number), self.owner(number));
        let serial = Serial::parse(hand.serial())?;
        let seed = Seed::new(hand.seed().to_vec()).ok_or("a seed of a wrong length")?;
        let key = *vault.keys().first().ok_or("a vault without a key")?;
        let step = now / u64::from(PERIOD);
        let (moving, last_step, clock) = match self.counts {
            Counts::Button => (Moving::Counter { next: 0 }, 1, None),
            Counts::Clock => {
                let clock = clock_model::first(step, PERIOD, Now(now));
                (Moving::Time { period: PERIOD }, step.saturating_sub(1), Some(clock))
            }
        };
        let token = Token {
            serial: serial.as_str().to_owned(),
            standing: Standing::Assigned(owner.clone()),
            epoch: 1,
            parameters: Parameters { algorithm: Algorithm::Sha1, digits: 6, moving },
            seed: vault.seal(key, &serial.folded(), 1, &seed)?,
            fingerprint: vault.fingerprint(&seed),
            imported: now,
            manufacturer: None,
            model: None,
            batch: None,
        };
        let state = State {
            last_step: Some(last_step),
            clock,
            last_used: Some(now),
            attempt: [1; 16],
            writes: 2,
            ..State::default()
        };
        let trace = Trace { serial: serial.folded(), left: None };
        let user = UserTokens { serials: vec![serial.folded()], former: Vec::new() };
        Ok([
            put(Key::fingerprint(&token.fingerprint), &trace)?,
            put(Key::seed(&serial), &token)?,
            put(Key::state(&serial), &state)?,
            put(Key::user(owner.uid), &user)?,
        ])
    }

    /// Returns the records of a stretch of tokens, in the order of their keys.
    fn stretch(&self, first: u32, vault: &Vault, now: u64) -> Result<Vec<Write>, Trouble> {
        let end = self.count.min(first.saturating_add(STRETCH));
        let mut writes = Vec::with_capacity(4 * (end - first) as usize);
        for number in first..end {
            writes.extend(self.records(number, vault, now)?);
        }
        writes.sort_by(|a, b| a.key().cmp(b.key()));
        Ok(writes)
    }
}

/// Returns the serial of token `number`; its seed follows from it ([`SoftToken`]).
#[must_use]
pub fn serial(number: u32) -> String {
    format!("FILL-{number:07}")
}

/// Returns the users of a file in the form of passwd(5), in its order, each uid once, without
/// root, whose token has rules of its own.
///
/// # Errors
///
/// The file cannot be read.
pub fn owners(passwd: &Path) -> std::io::Result<Vec<Owner>> {
    let text = fs::read_to_string(passwd)?;
    let mut seen = HashSet::from([0]);
    let owner = |line: &str| {
        let mut fields = line.split(':');
        let (name, uid) = (fields.next()?, fields.nth(1)?.parse().ok()?);
        seen.insert(uid).then(|| Owner { uid, name: name.to_owned() })
    };
    Ok(text.lines().filter_map(owner).collect())
}

/// Sets a state folder up and fills it. It belongs to whoever runs this, and so does the daemon
/// that is started on it.
///
/// # Errors
///
/// The folder was set up before, or what else stands in the way.
pub fn fill(folder: &Path, filling: &Filling) -> Result<(), Trouble> {
    open::initialize(folder, None).map_err(|error| error.to_string())?;
    let Opened { store, vault, .. } =
        open::open(folder, None).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build()?;
    runtime.block_on(async {
        write_all(&store, Arc::new(vault), filling).await?;
        store.close().await?;
        Ok(())
    })
}

/// What a state folder holds, and what it takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sizes {
    /// Records.
    pub records: u64,
    /// Bytes of their keys and values.
    pub data: u64,
    /// Bytes that the folder takes on the disk.
    pub disk: u64,
}

/// Reads all records of a folder that nobody serves.
///
/// # Errors
///
/// The folder cannot be opened or read.
pub fn sizes(folder: &Path) -> Result<Sizes, Trouble> {
    let opened = open::open(folder, None).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build()?;
    let mut sizes = Sizes::default();
    runtime.block_on(async {
        for (kind, shard) in
            Kind::ALL.into_iter().flat_map(|kind| (0..=255).map(move |s| (kind, s)))
        {
            let mut after: Option<Key> = None;
            loop {
                let page = opened.store.list(kind, shard, after.as_ref(), PAGE).await?;
                let size = |entry: &Entry| entry.key.as_bytes().len() + entry.value.len();
                sizes.records += page.len() as u64;
                sizes.data += page.iter().map(size).sum::<usize>() as u64;
                let Some(last) = page.into_iter().last() else { break };
                after = Some(last.key);
            }
        }
        opened.store.close().await
    })?;
    sizes.disk = on_disk(folder)?;
    Ok(sizes)
}

/// Returns what a folder takes on the disk: blocks of 512 bytes (stat(2)).
fn on_disk(folder: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let (path, meta) = entry.and_then(|entry| Ok((entry.path(), entry.metadata()?)))?;
        bytes += if meta.is_dir() { on_disk(&path)? } else { meta.blocks() * 512 };
    }
    Ok(bytes)
}

/// Makes the records of the next stretch while those of the last are written.
#[allow(clippy::disallowed_methods, reason = "the tokens are made as they are today")]
async fn write_all(store: &SledStore, vault: Arc<Vault>, filling: &Filling) -> Result<(), Trouble> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let make = |first| {
        let (filling, vault) = (filling.clone(), Arc::clone(&vault));
        spawn_blocking(move || filling.stretch(first, &vault, now))
    };
    let mut next = make(0);
    for first in (0..filling.count).step_by(STRETCH as usize) {
        let writes = next.await??;
        next = make(first.saturating_add(STRETCH).min(filling.count));
        write(store, writes).await?;
    }
    Ok(())
}

/// Writes records that nobody else writes, some commits at a time.
async fn write(store: &SledStore, writes: Vec<Write>) -> Result<(), Trouble> {
    let mut commits = JoinSet::new();
    let mut writes = writes.into_iter().peekable();
    while writes.peek().is_some() {
        if commits.len() == AT_ONCE
            && let Some(done) = commits.join_next().await
        {
            check(done?)?;
        }
        let (store, piece) = (store.clone(), writes.by_ref().take(PIECE).collect());
        commits.spawn(async move { store.commit(Vec::new(), piece).await });
    }
    while let Some(done) = commits.join_next().await {
        check(done?)?;
    }
    Ok(())
}

fn check(done: Result<Committed, StoreError>) -> Result<(), Trouble> {
    match done? {
        Committed::Done => Ok(()),
        Committed::Conflict(_) => Err("a conflict without a guard".into()),
    }
}

fn put<T: serde::Serialize>(key: Key, record: &T) -> Result<Write, Trouble> {
    let value = encode(key.as_bytes(), record)?;
    Ok(Write::Put(key, value))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fob_api::{Code, UserName, VerifyContext};
    use fobd::{
        access::Caller,
        audit::Audit,
        clock::{Clock, Manual},
        decide::{Policy, verify::Typed},
        engine::{Engine, SignIn, Surroundings},
        open::{self, Opened},
        users::Users,
    };

    use super::{Counts, Filling, fill};

    /// What is measured is worth nothing if the daemon would not take it for its own.
    #[allow(clippy::disallowed_methods, reason = "the tokens are made as they are today")]
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn everybody_in_a_filled_folder_signs_in() {
        for counts in [Counts::Button, Counts::Clock] {
            let home = tempfile::tempdir().unwrap();
            let folder = home.path().join("state");
            let filling = Filling { count: 100, counts, owners: Arc::default() };
            let (to, what) = (folder.clone(), filling.clone());
            tokio::task::spawn_blocking(move || fill(&to, &what).unwrap()).await.unwrap();
            let Opened { store, vault, .. } =
                tokio::task::spawn_blocking(move || open::open(&folder, None).unwrap())
                    .await
                    .unwrap();
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            let owner = |number| (filling.owner(number).name, filling.owner(number).uid);
            let around = Surroundings {
                audit: Audit::Kept(Arc::default()),
                clock: Clock::Manual(Manual::new(now.as_secs())),
                policy: Policy::DEFAULT,
                users: Users::Fixed {
                    users: Arc::new((0..filling.count).map(owner).collect()),
                    administrators: Arc::default(),
                },
            };
            let engine = Engine::new(store, vault, around);
            engine.start().await.unwrap();
            for number in 0..filling.count {
                let token = filling.token(number);
                let code = match counts {
                    Counts::Button => token.code_of(2),
                    Counts::Clock => token.code_at(now.as_secs()),
                };
                let user = UserName::parse(&filling.owner(number).name).unwrap();
                let context = VerifyContext::default();
                let sign_in = SignIn { caller: Caller::of(0), user: &user, context: &context };
                let code = Code::parse(&code).unwrap();
                let (verdict, _) = engine.verify(&sign_in, Typed::Code(&code)).await.unwrap();
                assert_eq!(verdict, fob_api::Verdict::Accept, "{counts:?} {number}");
            }
        }
    }
}
