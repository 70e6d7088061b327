//! Decay: one thing is wrong in the files of a database that was left. Whatever sled makes of it,
//! nobody may be answered from an older state without being told (threats.md F6, F7). Every second
//! database is taken for a large one, which is served while it is read.
//!
//! Honest limits: what a disk forgets while fobd runs is not tried; the sums are compared when the
//! database is opened.

use std::{
    collections::hash_map::DefaultHasher,
    fs,
    future::ready,
    hash::{Hash as _, Hasher as _},
    io::Read as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use fob_api::Serial;
use fobd::store::{Committed, Freshness, Heat, Key, Kind, Store, Write, sled::SledStore};

use super::{Call, Random, Report, failed, go_on};
use crate::conformance::Failure;

/// How long an opening may stand still (threats.md F6).
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a judge may take, on a machine that does other things too: the check of a large database
/// gives up when it stands still for 30 s, which it looks at every 30 s.
const LONGEST: Duration = Duration::from_secs(120);
/// Cold records from which on a database is large: more than there are, or none.
const LIMITS: [u64; 2] = [50_000, 0];
/// What sled reads and writes at once, at least.
const PAGE: u64 = 4096;
/// Tokens and sign-ins of the two histories: one that fits into sled's first segment, and one that
/// fills several of them, with snapshots between.
const HISTORIES: [(u32, u32); 2] = [(3, 30), (300, 2_500)];

/// A database that was left, and what is in it.
struct Left {
    dir: PathBuf,
    what: String,
    /// Cold records from which on it is opened as a large one.
    large: u64,
    contents: Contents,
}

/// What is in a database: a hash over the cold records, one over the hot ones.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Contents {
    cold: u64,
    hot: u64,
}

/// Runs the program.
pub(super) fn run(call: &Call) -> Result<Report, Failure> {
    let home = folder()?;
    let lefts = leave_all(home.path())?;
    let mut random = Random::new();
    let seeds: Vec<u64> = (0..call.count).map(|_| random.next()).collect();
    let (next, report) =
        (AtomicU64::new(0), Mutex::new(Report::new("decay of a database's files")));
    let work = || -> Result<(), Failure> {
        loop {
            go_on()?;
            let trial = next.fetch_add(1, Ordering::Relaxed);
            let Some(seed) = seeds.get(trial as usize) else { return Ok(()) };
            let left = &lefts[trial as usize % lefts.len()];
            let copy = home.path().join(format!("trial {trial}"));
            copy_folder(&left.dir, &copy)?;
            let what = damage(&copy, &mut Random::with(*seed))?;
            let outcome = see(call, &copy, left)?;
            let mut report = report.lock().unwrap();
            match outcome {
                Ok(good) => report.good(good),
                Err(bad) => report.bad(bad, format!("{what} of a {}, seed {seed}", left.what)),
            }
            fs::remove_dir_all(&copy).map_err(failed)?;
        }
    };
    // As many as a small machine has cores.
    thread::scope(|scope| {
        let both = [scope.spawn(work), scope.spawn(work)];
        both.into_iter().try_for_each(|one| one.join().unwrap())
    })?;
    Ok(report.into_inner().unwrap())
}

/// Returns a folder in memory where there is one: nothing here is about the disk.
fn folder() -> Result<tempfile::TempDir, Failure> {
    let memory = Path::new("/dev/shm");
    let made = tempfile::Builder::new().prefix("fob-corruptions").tempdir_in(memory);
    made.or_else(|_| tempfile::tempdir()).map_err(failed)
}

/// Lives through the histories; each ends once well and once by a kill.
fn leave_all(home: &Path) -> Result<Vec<Left>, Failure> {
    let runtime = tokio::runtime::Runtime::new().map_err(failed)?;
    let mut lefts = Vec::new();
    for history in HISTORIES {
        let both = LIMITS.map(|large| runtime.block_on(leave(home, history, large)));
        let [small, large] = both;
        // By turns a small and a large one.
        lefts.extend(small?.into_iter().zip(large?).flat_map(|(small, large)| [small, large]));
    }
    Ok(lefts)
}

/// Lives through a history with a database that is large from so many cold records on.
async fn leave(
    home: &Path,
    (tokens, sign_ins): (u32, u32),
    large: u64,
) -> Result<[Left; 2], Failure> {
    let dir = home.join(format!("left {tokens} {large}"));
    let killed = home.join(format!("killed {tokens} {large}"));
    let open = || SledStore::open_large_from(&dir, large, PATIENCE).map_err(failed);
    let store = open()?;
    live(&store, tokens, sign_ins).await?;
    // One restart between, for a snapshot.
    store.close().await?;
    drop(store);
    let store = open()?;
    // Else the killed one would be read first: nobody knows what the kill came from.
    store.was_read().await;
    live(&store, tokens, sign_ins / 5).await?;
    copy_folder(&dir, &killed)?;
    let contents = read(&store).await?;
    store.close().await?;
    drop(store);
    let size = if large == 0 { "large" } else { "small" };
    let left = |dir, how| Left { dir, what: format!("{size} database {how}"), large, contents };
    Ok([left(dir, "that was closed"), left(killed, "whose daemon was killed")])
}

/// Imports tokens, gives them to people and lets those sign in.
async fn live(store: &SledStore, tokens: u32, sign_ins: u32) -> Result<(), Failure> {
    let serial = |number| Serial::parse(&format!("T{number:06}")).map_err(failed);
    for number in 0..tokens {
        let owner = vec![Write::Put(Key::user(number), vec![1; 20])];
        let serial = serial(number)?;
        let seed = Write::Put(Key::seed(&serial), vec![number as u8; 250]);
        let state = Write::Put(Key::state(&serial), vec![0; 100]);
        write(store, vec![seed, state]).await?;
        write(store, owner).await?;
    }
    for sign_in in 0..sign_ins {
        let state = Key::state(&serial(sign_in.wrapping_mul(7) % tokens)?);
        write(store, vec![Write::Put(state, sign_in.to_be_bytes().repeat(25))]).await?;
    }
    Ok(())
}

async fn write(store: &SledStore, writes: Vec<Write>) -> Result<(), Failure> {
    match store.commit(Vec::new(), writes).await? {
        Committed::Done => Ok(()),
        Committed::Conflict(_) => Err(Failure::new("a commit without guards was refused")),
    }
}

/// Reads everything.
async fn read(store: &SledStore) -> Result<Contents, Failure> {
    let mut hashes = [DefaultHasher::new(), DefaultHasher::new()];
    for kind in Kind::ALL {
        for shard in 0..=u8::MAX {
            for entry in store.list(kind, shard, None, usize::MAX).await? {
                let hot = Heat::of(entry.key.as_bytes()) == Heat::Hot;
                (entry.key.as_bytes(), &*entry.value).hash(&mut hashes[usize::from(hot)]);
            }
        }
    }
    let [cold, hot] = hashes.map(|hash| hash.finish());
    Ok(Contents { cold, hot })
}

/// Opens a database as fobd does and says what is in it: the other half of this program, in a
/// process of its own because sled may hang, panic or take all memory. It reads while the database
/// is checked, and judges when that has ended; if it ended the service, by the next start.
///
/// # Errors
///
/// [`Failure`] if the runtime cannot be made.
pub fn judge(dir: &Path, large: u64) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Runtime::new().map_err(failed)?;
    let _inside = runtime.enter();
    let seen = runtime.block_on(async {
        match look(dir, large).await {
            Seen::Ended => match look(dir, large).await {
                Seen::Told(told) => format!("again {told}"),
                Seen::Ended => "again refused: it ended twice".to_owned(),
            },
            Seen::Told(told) => format!("once {told}"),
        }
    });
    println!("{seen}");
    // Threads that sled lets wait for ever are not waited for.
    std::process::exit(0)
}

/// What a start has come to.
enum Seen {
    /// The service ended by itself: the next start is what counts.
    Ended,
    /// This.
    Told(String),
}

/// Starts once.
async fn look(dir: &Path, large: u64) -> Seen {
    let store = match SledStore::open_large_from(dir, large, PATIENCE) {
        Ok(store) => store,
        Err(error) => return Seen::Told(format!("refused {error}")),
    };
    let freshness = store.freshness();
    let all = async {
        let contents = read(&store).await;
        if contents.is_ok() {
            store.was_read().await;
        }
        contents
    };
    tokio::select! {
        biased;
        _ = store.poisoned() => Seen::Ended,
        contents = all => match contents {
            Ok(Contents { cold, hot }) => Seen::Told(format!("opened {freshness:?} {cold} {hot}")),
            Err(error) => tokio::select! {
                biased;
                _ = store.poisoned() => Seen::Ended,
                () = ready(()) => Seen::Told(format!("refused {error}")),
            },
        },
    }
}

/// Lets a judge open a damaged copy. `Err` is what must not be.
fn see(
    call: &Call,
    dir: &Path,
    left: &Left,
) -> Result<Result<&'static str, &'static str>, Failure> {
    let mut judge = Command::new(&call.faults)
        .arg("judge")
        .arg(dir)
        .arg(left.large.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    if !ends(&mut judge)? {
        return Ok(Err("HUNG"));
    }
    let mut said = String::new();
    judge.stdout.take().unwrap().read_to_string(&mut said).map_err(failed)?;
    let words: Vec<&str> = said.split_whitespace().collect();
    Ok(match words.as_slice() {
        [start, "opened", freshness, cold, hot] => {
            let number = |text: &str| text.parse().map_err(failed);
            let found = Contents { cold: number(cold)?, hot: number(hot)? };
            let told = *freshness != format!("{:?}", Freshness::Fresh);
            match (found == left.contents, found.cold == left.contents.cold, told, *start) {
                (true, .., "once") => Ok("opened with nothing lost"),
                (true, ..) => Ok("ended by the check, then opened with nothing lost"),
                (false, true, true, "once") => Ok("opened behind a fence, sign-ins lost"),
                (false, true, true, _) => Ok("ended by the check, then behind a fence"),
                _ => Err("SILENT ROLL-BACK"),
            }
        }
        ["again", "refused", ..] => Ok("ended by the check, then refused"),
        ["once", "refused", ..] if said.contains("could not be opened: nothing was read") => {
            Ok("given up after 5 s")
        }
        ["once", "refused", ..] if said.contains("is not as it was left") => {
            Ok("refused by the anchor")
        }
        ["once", "refused", ..] => Ok("refused by sled"),
        // It died, as fobd would: nobody is answered.
        _ => Ok("died"),
    })
}

/// Waits for a process; ends it if it takes too long.
fn ends(process: &mut Child) -> Result<bool, Failure> {
    let began = Instant::now();
    while process.try_wait().map_err(failed)?.is_none() {
        if began.elapsed() > LONGEST {
            process.kill().and_then(|()| process.wait()).map_err(failed)?;
            return Ok(false);
        }
        thread::sleep(Duration::from_millis(2));
    }
    Ok(true)
}

/// Copies the files of a database.
fn copy_folder(from: &Path, to: &Path) -> Result<(), Failure> {
    fs::create_dir(to).map_err(failed)?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o700)).map_err(failed)?;
    for entry in fs::read_dir(from).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_file() {
            fs::copy(&path, to.join(path.file_name().unwrap())).map_err(failed)?;
        }
    }
    Ok(())
}

/// Damages one file, and says how.
fn damage(dir: &Path, random: &mut Random) -> Result<String, Failure> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if fs::metadata(&path).map_err(failed)?.len() > 0 {
            files.push(path);
        }
    }
    files.sort();
    let of = |part: &str| {
        files.iter().find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(part))
    };
    // Most of the bytes are those of sled's log.
    let path = match random.below(24) {
        0..=13 => of("db"),
        14..=16 => of("snap."),
        17..=18 => of("anchor"),
        19..=22 => of("redo"),
        _ => of("conf"),
    };
    let path = path.or_else(|| of("db")).unwrap();
    let mut bytes = fs::read(path).map_err(failed)?;
    // The log is longer than what is written in it.
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(1, |last| last as u64 + 1);
    let how = spoil(&mut bytes, used, random);
    fs::write(path, bytes).map_err(failed)?;
    Ok(format!("{how} in {}", path.file_name().unwrap().display()))
}

/// Spoils bytes, of which the first `used` hold something.
fn spoil(bytes: &mut Vec<u8>, used: u64, random: &mut Random) -> String {
    let pages = used.div_ceil(PAGE);
    let length = bytes.len();
    let page = |number: u64| {
        let start = (number * PAGE) as usize;
        start..(start + PAGE as usize).min(length)
    };
    match random.below(10) {
        0..=5 => {
            let (at, bit) = (random.below(used), random.below(8));
            bytes[at as usize] ^= 1 << bit;
            format!("bit {bit} of byte {at} flipped")
        }
        6 => {
            let number = random.below(pages);
            bytes[page(number)].fill(0);
            format!("page {number} zeroed")
        }
        7 => {
            let (one, other) = (random.below(pages), random.below(pages));
            let (first, second) = (page(one), page(other));
            let kept = bytes[first.clone()].to_vec();
            let same = first.len().min(second.len());
            bytes.copy_within(second.start..second.start + same, first.start);
            bytes[second.start..second.start + same].copy_from_slice(&kept[..same]);
            format!("pages {one} and {other} swapped")
        }
        8 => {
            let at = random.below(used);
            bytes.truncate(at as usize);
            format!("cut off at byte {at}")
        }
        _ => {
            let at = random.below(used) as usize;
            let tail = bytes[at..].to_vec();
            bytes.extend(tail);
            format!("tail from byte {at} doubled")
        }
    }
}
