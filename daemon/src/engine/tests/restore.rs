//! Backup and restore with whole engines: R7, F16, S9 and I8 of threats.md.

use std::{
    fs::File,
    io::{Read as _, Seek as _, Write as _},
    os::fd::OwnedFd,
    sync::Arc,
};

use fob_api::{Error, Fate, RestoreReport, Serial, UserName, Verdict};
use nix::{
    fcntl::{FcntlArg, SealFlag, fcntl},
    sys::memfd::{MFdFlags, memfd_create},
};

use super::bench::{Bench, Fault, ROOT, TOKENS};
use crate::{
    backup::{Item, stream::Decoder},
    engine::{Backup, Extent, Restore, Sink, Source},
    record::{Standing, State, Token, decode},
    store::{Entry, Key, Kind, Store},
    vault::backup::BackupKey,
};

const USERS: [(&str, u32); 4] = [("root", 0), ("alice", 1000), ("bob", 1001), ("carol", 1002)];

fn key(byte: u8) -> BackupKey {
    BackupKey::new(vec![byte; 32]).unwrap()
}

/// Returns memory with this content, sealed or not.
fn memory(content: &[u8], seals: SealFlag) -> OwnedFd {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let mut file = File::from(memfd_create("test", flags).unwrap());
    file.write_all(content).unwrap();
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals)).unwrap();
    file.into()
}

fn source(content: &[u8]) -> Source {
    let whole = SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW;
    Source::new(memory(content, whole)).unwrap()
}

/// Returns the items of a stream.
fn items(stream: &[u8]) -> Vec<Item> {
    let mut decoder = Decoder::new(stream).unwrap();
    std::iter::from_fn(|| decoder.next_item().unwrap()).collect()
}

impl Bench {
    /// A house with the same users in which nothing happened, at the same time.
    pub(super) async fn new_host(&self) -> Self {
        let bench = Self::without_tokens(&USERS, 7).await;
        bench.advance(self.now() - bench.now());
        bench
    }

    pub(super) async fn backup(&self) -> Result<Vec<u8>, Error> {
        let mut file = tempfile::tempfile().unwrap();
        let sink = Sink::new(file.try_clone().unwrap().into()).unwrap();
        let backup = Backup { caller: ROOT, key: key(3), sink, host: "alpha".to_owned() };
        self.engine.backup(backup).await?;
        let mut bytes = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut bytes).unwrap();
        Ok(bytes)
    }

    pub(super) async fn restore(&self, stream: &[u8]) -> Result<RestoreReport, Error> {
        self.restore_with(key(3), stream, Extent::Full).await
    }

    async fn restore_with(
        &self,
        key: BackupKey,
        stream: &[u8],
        extent: Extent,
    ) -> Result<RestoreReport, Error> {
        let restore = Restore { caller: ROOT, key, source: source(stream), extent };
        self.engine.restore(restore).await
    }

    /// Everything that the store has but the records of the house and of its clocks.
    async fn everything(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        for kind in Kind::ALL {
            for shard in 0..=u8::MAX {
                entries.extend(self.store.list(kind, shard, None, 1000).await.unwrap());
            }
        }
        let house = [Key::doubt(), Key::host(), Key::vault()];
        entries.retain(|entry| !house.contains(&entry.key));
        entries
    }

    async fn token(&self, serial: &str) -> Option<(Token, State)> {
        let serial = Serial::parse(serial).unwrap();
        let keys = [Key::seed(&serial), Key::state(&serial)];
        let found = self.store.get(&keys).await.unwrap();
        let [Some(seed), Some(state)] = found.as_slice() else { return None };
        let token = decode(seed.key.as_bytes(), &seed.value).unwrap();
        Some((token, decode(state.key.as_bytes(), &state.value).unwrap()))
    }

    fn said(&self, part: &str) -> usize {
        self.lines.lock().unwrap().iter().filter(|line| line.contains(part)).count()
    }

    async fn sign_in(&self, user: &str, serial: &str, ahead: i64) -> Verdict {
        self.verify(user, &self.code(serial, ahead)).await.unwrap()
    }
}

/// Returns the words of a report's notes, with their tokens.
fn notes(report: &RestoreReport) -> Vec<(String, String)> {
    let notes = report.notes.iter().flatten();
    let mut words: Vec<_> =
        notes.map(|note| (note.serial.clone().unwrap(), note.what.clone().unwrap())).collect();
    words.sort();
    words
}

fn note(serial: &str, what: &str) -> (String, String) {
    (serial.to_owned(), what.to_owned())
}

#[tokio::test]
async fn a_token_signs_in_on_a_new_host_with_later_codes_and_no_earlier_ones() {
    let old = Bench::new().await;
    old.assign("alice", "A1").await.unwrap();
    let stream = old.backup().await.unwrap();
    old.advance(24 * 60 * 60);
    assert_eq!(old.sign_in("alice", "A1", 0).await, Verdict::Accept);
    let new = old.new_host().await;
    let report = new.restore(&stream).await.unwrap();
    assert_eq!((report.added, report.merged, report.skipped), (Some(2), Some(0), Some(0)));
    assert_eq!((report.host.as_deref(), notes(&report)), (Some("alpha"), Vec::new()));
    assert_eq!(new.said("fence reason=\"restore\""), 1);
    for ahead in [-1, 0, 1] {
        assert_eq!(new.sign_in("alice", "A1", ahead).await, Verdict::Replay, "{ahead}");
    }
    new.advance(180);
    assert_eq!(new.sign_in("alice", "A1", 0).await, Verdict::Accept);
    assert_eq!(new.sign_in("alice", "A1", 0).await, Verdict::Replay);
}

#[tokio::test]
async fn the_fence_is_on_the_disk_before_any_record_of_the_backup() {
    let old = Bench::new().await;
    old.assign("alice", "A1").await.unwrap();
    let stream = old.backup().await.unwrap();
    let new = old.new_host().await;
    new.engine.start().await.unwrap();
    let before = new.everything().await;
    new.fail_next(Fault::Away);
    assert!(matches!(new.restore(&stream).await, Err(Error::StoreUnavailable)));
    assert_eq!(new.everything().await, before);
    assert_eq!(new.said("restored "), 0);
}

#[tokio::test]
async fn a_token_that_was_lost_since_the_backup_stays_lost() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let stream = bench.backup().await.unwrap();
    bench.deactivate("alice", Fate::Lost).await.unwrap();
    let report = bench.restore(&stream).await.unwrap();
    assert_eq!(notes(&report), [note("A1", "lost")]);
    assert_eq!(bench.token("A1").await.unwrap().0.standing, Standing::Lost);
    bench.advance(300);
    assert_eq!(bench.sign_in("alice", "A1", 0).await, Verdict::Unassigned);
    bench.engine.forget(ROOT, &Serial::parse("A1").unwrap()).await.unwrap();
    let report = bench.restore(&stream).await.unwrap();
    assert_eq!(notes(&report), [note("A1", "lost")]);
    assert!(bench.token("A1").await.is_none());
    assert_eq!(bench.sign_in("alice", "A1", 1).await, Verdict::Unassigned);
}

#[tokio::test]
async fn a_mark_is_never_lowered_by_a_restore() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let stream = bench.backup().await.unwrap();
    bench.advance(600);
    let used = bench.code("A1", 0);
    assert_eq!(bench.verify("alice", &used).await, Ok(Verdict::Accept));
    let before = bench.token("A1").await;
    let report = bench.restore(&stream).await.unwrap();
    assert_eq!((report.added, report.unchanged), (Some(0), Some(2)));
    assert_eq!(bench.token("A1").await, before);
    assert_eq!(bench.verify("alice", &used).await, Ok(Verdict::Replay));
}

#[tokio::test]
async fn a_second_restore_changes_nothing_more() {
    let old = Bench::new().await;
    old.assign("alice", "A1").await.unwrap();
    let stream = old.backup().await.unwrap();
    let new = old.new_host().await;
    new.restore(&stream).await.unwrap();
    let once = new.everything().await;
    let report = new.restore(&stream).await.unwrap();
    assert_eq!((report.added, report.unchanged), (Some(0), Some(2)));
    assert_eq!(new.everything().await, once);
}

#[tokio::test]
async fn a_restore_that_is_cut_off_and_run_again_ends_the_same() {
    let old = Bench::new().await;
    old.assign("alice", "A1").await.unwrap();
    old.assign("bob", "B2").await.unwrap();
    let stream = old.backup().await.unwrap();
    let (cut, whole) = (old.new_host().await, old.new_host().await);
    whole.restore(&stream).await.unwrap();
    cut.engine.start().await.unwrap();
    // The fence, one token, the other one: each restore gets a commit further.
    for commits in [0, 1, 1] {
        cut.fail_after(commits, Fault::Away);
        assert!(cut.restore(&stream).await.is_err(), "{commits}");
        for (user, serial) in [("alice", "A1"), ("bob", "B2")] {
            // Whole or absent.
            if let Some((token, _)) = cut.token(serial).await {
                let Standing::Assigned(owner) = token.standing else { panic!("half a token") };
                let tokens = cut.engine.tokens_of(owner.uid).await.unwrap().record;
                assert_eq!((owner.name.as_str(), tokens.serials), (user, vec![serial.to_owned()]));
            }
        }
    }
    cut.restore(&stream).await.unwrap();
    for serial in ["A1", "B2"] {
        let mut one = cut.token(serial).await.unwrap();
        let other = whole.token(serial).await.unwrap();
        // Drawn at random each time.
        one.1.attempt = other.1.attempt;
        one.0.seed = other.0.seed.clone();
        assert_eq!(one, other);
    }
}

#[tokio::test]
async fn what_cannot_be_read_to_its_end_changes_nothing() {
    let old = Bench::new().await;
    old.assign("alice", "A1").await.unwrap();
    let stream = old.backup().await.unwrap();
    let new = old.new_host().await;
    new.engine.start().await.unwrap();
    let before = new.everything().await;
    let bad = |ended: Result<RestoreReport, Error>| matches!(ended, Err(Error::BadBackup { .. }));
    assert!(bad(new.restore_with(key(4), &stream, Extent::Full).await), "another key");
    for at in (0..stream.len()).step_by(7) {
        let mut flipped = stream.clone();
        flipped[at] ^= 0x10;
        assert!(bad(new.restore(&flipped).await), "byte {at}");
        assert!(bad(new.restore(&stream[..at]).await), "cut at {at}");
    }
    assert!(bad(new.restore(&[stream, vec![0]].concat()).await), "lengthened");
    assert_eq!(new.everything().await, before);
    assert_eq!(new.said("fence"), 0);
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_and_changes_nothing() {
    let old = Bench::new().await;
    old.assign("alice", "A1").await.unwrap();
    let stream = old.backup().await.unwrap();
    let new = old.new_host().await;
    let before = new.everything().await;
    let report = new.restore_with(key(3), &stream, Extent::DryRun).await.unwrap();
    assert_eq!(report.added, Some(2));
    assert_eq!((new.everything().await, new.said("fence")), (before, 0));
}

#[tokio::test]
async fn only_memory_that_nobody_can_change_is_read() {
    for seals in
        [SealFlag::empty(), SealFlag::F_SEAL_WRITE, SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW]
    {
        assert!(Source::new(memory(b"x", seals)).is_none(), "{seals:?}");
    }
    assert!(Source::new(tempfile::tempfile().unwrap().into()).is_none());
    assert!(Source::new(std::io::pipe().unwrap().0.into()).is_none());
    assert!(Sink::new(std::io::pipe().unwrap().1.into()).is_none());
    assert!(Sink::new(memory(b"x", SealFlag::empty())).is_none());
}

#[tokio::test]
async fn recovery_codes_do_not_come_back_and_their_user_stays_asked() {
    let old = Bench::new().await;
    old.assign("alice", "A1").await.unwrap();
    let alice = UserName::parse("alice").unwrap();
    old.engine.new_recovery_codes(ROOT, &alice, None).await.unwrap();
    old.deactivate("alice", Fate::Lost).await.unwrap();
    let stream = old.backup().await.unwrap();
    let new = old.new_host().await;
    let report = new.restore(&stream).await.unwrap();
    assert_eq!(report.recovery, Some(vec!["alice".to_owned()]));
    let seen = new.engine.show_user(ROOT, &alice).await.unwrap();
    assert_eq!(seen.recovery_left, Some(0));
    let again = new.restore(&stream).await.unwrap();
    assert_eq!(again.recovery, Some(Vec::new()));
    // On the host itself they are as good as they were.
    old.restore(&stream).await.unwrap();
    let seen = old.engine.show_user(ROOT, &alice).await.unwrap();
    assert_eq!(seen.recovery_left, Some(10));
}

#[tokio::test]
async fn what_was_forgotten_as_lost_comes_back_to_its_house_as_lost() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.deactivate("alice", Fate::Lost).await.unwrap();
    let before = bench.everything().await;
    bench.engine.forget(ROOT, &Serial::parse("A1").unwrap()).await.unwrap();
    let stream = bench.backup().await.unwrap();
    // The same house, from a copy of before: the token is there again, but not for long.
    let copy = Bench::without_tokens(&USERS, 9).await;
    copy.advance(bench.now() - copy.now());
    let writes =
        before.into_iter().map(|entry| crate::store::Write::Put(entry.key, entry.value.to_vec()));
    let _ = copy.store.commit(Vec::new(), writes.collect()).await.unwrap();
    copy.engine.forget(ROOT, &Serial::parse("B2").unwrap()).await.unwrap();
    copy.restore(&stream).await.unwrap();
    assert_eq!(copy.token("A1").await.unwrap().0.standing, Standing::Lost);
    assert_eq!(copy.token("B2").await.unwrap().0.standing, Standing::Stock);
}

#[tokio::test]
async fn what_was_forgotten_as_lost_is_never_imported_on_another_host() {
    let old = Bench::new().await;
    old.assign("alice", "A1").await.unwrap();
    old.deactivate("alice", Fate::Lost).await.unwrap();
    let early = old.backup().await.unwrap();
    for serial in ["A1", "B2"] {
        old.engine.forget(ROOT, &Serial::parse(serial).unwrap()).await.unwrap();
    }
    let late = old.backup().await.unwrap();
    let new = old.new_host().await;
    for _ in 0..2 {
        let report = new.restore(&late).await.unwrap();
        assert_eq!((report.added, report.foreign), (Some(0), Some(0)));
    }
    let refused = new.import(TOKENS).await.unwrap_err();
    assert!(refused.to_string().contains("token A1 was reported lost"), "{refused}");
    assert_eq!(
        notes(&new.restore(&early).await.unwrap()),
        [note("A1", "lost"), note("B2", "forgotten")]
    );
    assert!(new.token("A1").await.is_none());
    // A serial that is in use is not spoken for by another house.
    let other = old.new_host().await;
    other.import(TOKENS).await.unwrap();
    assert_eq!(other.restore(&late).await.unwrap().foreign, Some(2));
}

#[tokio::test]
async fn no_seed_stands_in_a_backup_in_any_form() {
    let bench = Bench::new().await;
    let stream = bench.backup().await.unwrap();
    let seed = b"12345678901234567890";
    let forms: [Vec<u8>; 5] = [
        seed.to_vec(),
        data_encoding::HEXLOWER.encode(seed).into_bytes(),
        data_encoding::HEXUPPER.encode(seed).into_bytes(),
        data_encoding::BASE32_NOPAD.encode(seed).into_bytes(),
        data_encoding::BASE64_NOPAD.encode(seed).into_bytes(),
    ];
    for form in &forms {
        assert!(!stream.windows(form.len()).any(|part| part == form), "{form:?}");
    }
    let serial = b"A1";
    assert!(stream.windows(2).any(|part| part == serial), "it is no backup at all");
}

#[tokio::test]
async fn a_backup_under_changes_has_every_assignment_whole_and_no_mark_too_high() {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    let (mut other, mut again) = ("B2", 0);
    for round in 0..24 {
        bench.advance(90);
        // On one thread both go on in turn, so each round meets the backup at another place.
        let turn = async {
            for _ in 0..round * 24 {
                tokio::task::yield_now().await;
            }
            bench.rotate("alice", other, Fate::Stock).await.unwrap();
        };
        let (stream, ()) = tokio::join!(bench.backup(), turn);
        let stream = stream.unwrap();
        other = if other == "B2" { "A1" } else { "B2" };
        let items = items(&stream);
        again += items.iter().filter(|item| matches!(item, Item::Again(_))).count();
        let new = Bench::without_tokens(&USERS, 7).await;
        let report = new.restore(&stream).await.unwrap();
        assert_eq!((report.added, notes(&report)), (Some(2), Vec::new()), "round {round}");
        let mut held = 0;
        for serial in ["A1", "B2"] {
            let (token, state) = new.token(serial).await.unwrap();
            held += usize::from(matches!(token.standing, Standing::Assigned(_)));
            assert!(state.last_step <= bench.token(serial).await.unwrap().1.last_step);
        }
        assert_eq!(held, 1, "round {round}");
    }
    assert!(again > 0, "no change ever came in between");
}

#[tokio::test]
async fn sign_ins_during_a_restore_are_accepted_once_or_refused() {
    let bench = Arc::new(Bench::new().await);
    bench.assign("alice", "A1").await.unwrap();
    let stream = bench.backup().await.unwrap();
    for _ in 0..8 {
        bench.advance(400);
        let code = bench.code("A1", 0);
        let ask = |bench: Arc<Bench>, code| async move { bench.verify("alice", &code).await };
        let (first, restored, second) = tokio::join!(
            ask(Arc::clone(&bench), code.clone()),
            bench.restore(&stream),
            ask(Arc::clone(&bench), code.clone()),
        );
        restored.unwrap();
        let accepted = [first, second].iter().filter(|v| **v == Ok(Verdict::Accept)).count();
        assert!(accepted <= 1);
        assert_ne!(bench.verify("alice", &code).await, Ok(Verdict::Accept));
    }
}
