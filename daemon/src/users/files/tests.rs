use std::{
    fs::{self, File},
    io::Write as _,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
};

use super::{COARSEST, Files, Index, LARGEST, LARGEST_UNKEPT, is_asked_first, steadily};
use crate::{clock, decide::Now};

const FIRST: &str = "passwd: files\n";

/// A host's two files, in a folder.
struct Etc {
    folder: tempfile::TempDir,
    files: Files,
}

impl Etc {
    fn with(passwd: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [switch, at] = ["nsswitch.conf", "passwd"].map(|name| folder.path().join(name));
        fs::write(&switch, FIRST).unwrap();
        fs::write(&at, passwd).unwrap();
        let files = Files { switch, passwd: at, ..Files::of_host() };
        Self { folder, files }
    }

    /// Puts another file in the place of the users', as useradd(8) and vipw(8) do.
    fn replace(&self, passwd: &str) {
        let other = self.folder.path().join("passwd+");
        fs::write(&other, passwd).unwrap();
        fs::rename(other, &self.files.passwd).unwrap();
    }

    /// Returns so many seconds after the last change, the fractions cut off as by the clock.
    fn after(&self, seconds: i64) -> Option<Now> {
        let stamps = self.files.stamps().unwrap();
        let last = stamps.map(|stamp| stamp.changed.0).into_iter().max().unwrap();
        Some(Now((last + seconds).try_into().unwrap()))
    }

    /// Returns a time at which what the files say is kept.
    fn settled(&self) -> Option<Now> {
        self.after(COARSEST + 1)
    }

    fn uid_of(&self, name: &str, now: Option<Now>) -> Option<u32> {
        self.files.find(name, now).map(|owner| owner.uid)
    }

    fn name_of(&self, uid: u32, now: Option<Now>) -> Option<String> {
        self.files.find_uid(uid, now).map(|owner| owner.name)
    }

    fn is_kept(&self) -> bool {
        self.files.kept().is_some()
    }
}

fn line(name: &str, uid: u32) -> String {
    format!("{name}:x:{uid}:{uid}::/:/bin/sh\n")
}

/// Returns a file of at least so many bytes, with bob at its end.
fn long(bytes: u64) -> String {
    let mut text = String::new();
    for uid in 2000.. {
        if text.len() as u64 >= bytes {
            break;
        }
        text += &line(&format!("user-{uid}"), uid);
    }
    text + &line("bob", 1001)
}

#[test]
fn a_user_who_was_added_renamed_or_removed_is_seen_at_once() {
    let (root, alice, bob) = (line("root", 0), line("alice", 1000), line("bob", 1001));
    let etc = Etc::with(&(root.clone() + &alice));
    let now = etc.settled();
    assert_eq!((etc.uid_of("alice", now), etc.uid_of("bob", now)), (Some(1000), None));
    assert!(etc.is_kept());
    etc.replace(&(root.clone() + &alice + &bob));
    let now = etc.settled();
    assert_eq!((etc.uid_of("alice", now), etc.uid_of("bob", now)), (Some(1000), Some(1001)));
    etc.replace(&(root.clone() + &line("alina", 1000) + &bob));
    let now = etc.settled();
    assert_eq!((etc.uid_of("alice", now), etc.uid_of("alina", now)), (None, Some(1000)));
    assert_eq!(etc.name_of(1000, now).as_deref(), Some("alina"));
    etc.replace(&(root + &bob));
    let now = etc.settled();
    assert_eq!((etc.uid_of("alina", now), etc.name_of(1000, now)), (None, None));
    assert_eq!(etc.uid_of("bob", now), Some(1001));
}

#[test]
fn a_change_in_place_is_seen_at_once() {
    let etc = Etc::with(&line("alice", 1000));
    assert_eq!(etc.uid_of("alice", etc.settled()), Some(1000));
    let mut file = File::options().append(true).open(&etc.files.passwd).unwrap();
    file.write_all(line("bob", 1001).as_bytes()).unwrap();
    assert_eq!(etc.uid_of("bob", etc.settled()), Some(1001));
}

#[test]
fn a_change_within_the_same_tick_and_of_the_same_size_is_seen() {
    // A tick cannot be forced: some tries may lie in two. Newer kernels give each change its own.
    for uid in 1000..1050 {
        let etc = Etc::with(&line("alice", uid));
        assert_eq!(etc.uid_of("alice", etc.after(1)), Some(uid));
        fs::write(&etc.files.passwd, line("alice", uid + 1000)).unwrap();
        assert_eq!(etc.uid_of("alice", etc.after(1)), Some(uid + 1000));
    }
}

#[test]
fn what_changed_just_now_or_in_the_future_or_at_an_unknown_time_is_used_and_not_kept() {
    let etc = Etc::with(&line("alice", 1000));
    for unsettled in [etc.after(0), etc.after(COARSEST), etc.after(-1), etc.after(-86_400), None] {
        assert_eq!(etc.uid_of("alice", unsettled), Some(1000), "{unsettled:?}");
        assert!(!etc.is_kept(), "{unsettled:?}");
    }
    assert_eq!(etc.uid_of("alice", etc.settled()), Some(1000));
    assert!(etc.is_kept());
}

#[test]
fn files_that_stay_the_same_are_not_read_again() {
    let etc = Etc::with(&line("alice", 1000));
    let first = etc.files.known(etc.settled()).unwrap();
    for now in [etc.settled(), etc.after(86_400), etc.after(0), None] {
        assert!(Arc::ptr_eq(&first, &etc.files.known(now).unwrap()), "{now:?}");
    }
}

#[test]
fn a_look_up_that_panicked_hinders_no_other() {
    let etc = Etc::with(&line("alice", 1000));
    let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
        let _kept = etc.files.kept();
        panic!("with the lock held");
    }));
    assert!(panicked.is_err() && etc.files.kept.is_poisoned());
    assert_eq!(etc.uid_of("alice", etc.settled()), Some(1000));
    assert!(etc.is_kept());
}

#[test]
fn a_change_of_the_order_of_services_is_seen_at_once() {
    let etc = Etc::with(&line("alice", 1000));
    assert_eq!(etc.uid_of("alice", etc.settled()), Some(1000));
    fs::write(&etc.files.switch, "passwd: sss files\n").unwrap();
    assert_eq!(etc.uid_of("alice", etc.settled()), None);
    fs::write(&etc.files.switch, FIRST).unwrap();
    assert_eq!(etc.uid_of("alice", etc.settled()), Some(1000));
}

#[test]
fn a_missing_file_says_nothing_whatever_it_said_before() {
    for missing in ["nsswitch.conf", "passwd"] {
        let etc = Etc::with(&line("alice", 1000));
        let now = etc.settled();
        assert_eq!(etc.uid_of("alice", now), Some(1000));
        fs::remove_file(etc.folder.path().join(missing)).unwrap();
        assert_eq!((etc.uid_of("alice", now), etc.name_of(1000, now)), (None, None), "{missing}");
    }
}

#[test]
fn a_file_that_changes_while_it_is_read_says_nothing() {
    let etc = Etc::with(&line("alice", 1000));
    let file = File::options().append(true).open(&etc.files.passwd).unwrap();
    let change = |_| (&file).write_all(line("bob", 1001).as_bytes()).ok();
    assert!(steadily(&file, change).is_none());
    assert!(steadily(&file, |_| Some(())).is_some());
}

#[test]
fn a_file_whose_size_is_not_that_of_its_text_says_nothing() {
    // The kernel says 0 of those that it makes up (proc(5)).
    let etc = Etc::with("");
    let files = Files { passwd: "/proc/self/status".into(), ..etc.files };
    assert!(files.known(None).is_none());
}

#[test]
fn a_larger_file_counts_where_it_can_be_kept_and_one_that_is_too_large_does_not() {
    let etc = Etc::with(&long(LARGEST_UNKEPT));
    assert_eq!(etc.uid_of("bob", etc.after(0)), None);
    assert_eq!(etc.uid_of("bob", etc.settled()), Some(1001));
    etc.replace(&long(LARGEST));
    assert_eq!(etc.uid_of("bob", etc.settled()), None);
}

#[test]
fn a_file_that_is_no_text_says_nothing() {
    let etc = Etc::with("");
    let passwd = [line("alice", 1000).as_bytes(), b"\xff"].concat();
    fs::write(&etc.files.passwd, passwd).unwrap();
    assert_eq!(etc.uid_of("alice", etc.settled()), None);
}

#[test]
fn the_file_counts_only_where_it_is_asked_first_and_its_answer_is_taken() {
    for asked in ["passwd: files systemd\n", "group: x\n passwd :files # first\n", "passwd:\tfiles"]
    {
        assert!(is_asked_first(asked), "{asked:?}");
    }
    for other in [
        "",
        "passwd: sss files",
        "passwd: compat",
        "passwd: files [SUCCESS=continue] sss",
        "passwd: files [SUCCESS=merge] sss",
        "#passwd: files",
        "passwd_compat: files",
        "passwd: files\npasswd: sss files",
    ] {
        assert!(!is_asked_first(other), "{other:?}");
    }
}

/// Returns the uid of a name, and how that uid is called.
fn found(passwd: &str, name: &str) -> Option<(u32, String)> {
    Index::of(passwd).find(name).map(|owner| (owner.uid, owner.name))
}

#[test]
fn the_first_name_of_a_uid_is_its_name() {
    let passwd = "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\nbob:x:1001:1001:B:/:\n";
    assert_eq!(found(passwd, "toor"), Some((0, "root".to_owned())));
    assert_eq!(found(passwd, "bob"), Some((1001, "bob".to_owned())));
    assert_eq!(Index::of(passwd).find_uid(0).map(|owner| owner.name).as_deref(), Some("root"));
    assert_eq!((found(passwd, "bo"), found(passwd, "")), (None, None));
    assert_eq!(Index::of(passwd).find_uid(1002), None);
}

#[test]
fn the_first_uid_of_a_name_is_its_uid() {
    let passwd = line("bob", 1001) + &line("bob", 0);
    assert_eq!(found(&passwd, "bob"), Some((1001, "bob".to_owned())));
}

#[test]
fn nothing_behind_a_line_that_is_not_plain_counts() {
    for odd in [
        "+bob::1001:0:::",
        " bob:x:0:0:::",
        "bob:x:+0:0:::",
        "bob:x: 0:0:::",
        "bob:x::0:::",
        "bob:x:-1:0:::",
        "bob:x:4294967296:0:::",
        "bob:x:1001:",
        "bob:x:1001:0::::",
        "bob:x:1001::::",
        "bob:x:1001:x:::",
        ":x:1001:0:::",
        "#",
        "",
    ] {
        let passwd = format!("root:x:0:0:::\n{odd}\nbob:x:1001:1001:::\n");
        assert_eq!(found(&passwd, "root"), Some((0, "root".to_owned())), "{odd:?}");
        assert_eq!(found(&passwd, "bob"), None, "{odd:?}");
        assert_eq!(Index::of(&passwd).find_uid(1001), None, "{odd:?}");
    }
}

#[test]
fn root_is_found_on_this_host_if_anybody_is_and_somebody_made_up_is_not() {
    let (files, now) = (Files::of_host(), clock::wall());
    assert!(files.find("root", now).is_none_or(|root| root.uid == 0));
    assert_eq!(files.find("root", now), files.find_uid(0, now));
    assert_eq!(files.find("no-such-user-here", now), None);
}
