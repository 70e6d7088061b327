//! The users' own files. A home belongs to its user, who may put anything there: no link in a file's
//! place is followed, none on the way to it leads to another's file, and nothing is waited for or
//! quoted.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::PathBuf,
};

use fob_api::{AdoptRow, Adopted};
use nix::{errno::Errno, fcntl::OFlag, unistd::User};

use super::copy;
use crate::{
    failure::{Failure, FileTrouble},
    render::printable,
};

/// The local users (passwd(5)).
const PASSWD: &str = "/etc/passwd";
/// Where pam_google_authenticator has a user's file, unless its option `secret=` says otherwise.
const USUAL: &str = "~/.google_authenticator";
/// Longest file in bytes: the module's own limit, above which it refuses a file.
const LONGEST: u64 = 64 * 1024;
/// Whose files outside the homes are taken too: the administrator made them.
const ROOT: u32 = 0;
/// Mode bits that let somebody else than the owner write (chmod(1)).
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// A user and his home.
pub(super) struct Home {
    /// His name, as he was named or as the user database says.
    pub(super) user: String,
    /// His uid and folder; `None` if there is no such user.
    found: Option<(u32, PathBuf)>,
}

/// Why a user's file is not read.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The daemon cannot read what is in it, and says why, and what to do.
    Damaged {
        /// The fact.
        fact: String,
        /// The remedy; empty if it has none.
        hint: String,
    },
    /// The system says why.
    Io(io::Error),
    /// It is a link.
    Link,
    /// There is none.
    Missing,
    /// There is no such user.
    Nobody,
    /// It is no regular file.
    NotAFile,
    /// It is somebody else's.
    NotHis,
    /// It has more than one name: the other may be in a place where it means something else.
    SeveralNames,
    /// It is longer than the module takes.
    TooLong,
    /// Others may write it.
    Writable,
}

impl Trouble {
    fn reason(&self) -> &'static str {
        match self {
            Self::Damaged { .. } => "damaged",
            Self::Missing => "no_file",
            Self::Nobody => "no_such_user",
            Self::Io(_) => "unreadable",
            Self::Link
            | Self::NotAFile
            | Self::NotHis
            | Self::SeveralNames
            | Self::TooLong
            | Self::Writable => "unsafe_file",
        }
    }

    fn fact(&self) -> String {
        match self {
            Self::Damaged { fact, .. } => fact.clone(),
            Self::Io(error) => format!("the file cannot be read: {error}."),
            other => other.fixed().to_owned(),
        }
    }

    fn fixed(&self) -> &'static str {
        match self {
            Self::Link => "the file is a link.",
            Self::Missing => "there is no such file in his home.",
            Self::Nobody => "there is no such user on this host.",
            Self::NotAFile => "this is not a regular file.",
            Self::NotHis => "the file belongs to somebody else.",
            Self::SeveralNames => "the file has another name somewhere.",
            Self::TooLong => "the file is longer than 64 KiB.",
            Self::Writable => "others may write the file.",
            Self::Damaged { .. } | Self::Io(_) => "the file cannot be read.",
        }
    }

    /// Returns what to do about it.
    fn hint(&self) -> &str {
        match self {
            Self::Damaged { hint, .. } if !hint.is_empty() => hint,
            Self::Damaged { .. } | Self::TooLong => {
                "give the user another token with \"fobctl assign\"."
            }
            Self::Io(_) => {
                "root has to be able to read it; a home on another host may not allow that."
            }
            Self::Link | Self::NotAFile => {
                "have the user put the file itself there; \"--secret PATH\" says where else it is."
            }
            Self::Missing => "\"--secret PATH\" says where else it is; or leave the user out.",
            Self::Nobody => "correct the name; \"getent passwd\" lists the users.",
            Self::NotHis => "find out who put it there; chown it to the user if the seed is his.",
            Self::SeveralNames => "have the user remove the other name, or copy the file anew.",
            Self::Writable => {
                "somebody may have changed it: run chmod 400 on it if the seed is the user's."
            }
        }
    }
}

/// Where the users' files are: a path with `~`, `${HOME}` or `%h` for the home, and `${USER}` or
/// `%u` for the name, as the module's option `secret=` has them.
pub(super) struct Secret(String);

impl Secret {
    pub(super) fn parse(pattern: Option<&str>) -> Self {
        Self(pattern.unwrap_or(USUAL).to_owned())
    }

    /// Tells whether the files are in the users' homes, where they can put links to anything that
    /// somebody else has.
    fn is_in_homes(&self) -> bool {
        self.0.starts_with('~') || ["${HOME}", "%h"].iter().any(|mark| self.0.contains(mark))
    }

    fn of(&self, user: &str, folder: &str) -> PathBuf {
        let pattern = match self.0.strip_prefix('~') {
            Some(rest) => format!("${{HOME}}{rest}"),
            None => self.0.clone(),
        };
        // In one pass, so that a name which looks like a mark is a name.
        let marks = [("${HOME}", folder), ("%h", folder), ("${USER}", user), ("%u", user)];
        let (mut path, mut rest) = (String::new(), pattern.as_str());
        while let Some(character) = rest.chars().next() {
            let mark = marks.iter().find(|(mark, _)| rest.starts_with(mark));
            let length = match mark {
                Some((mark, value)) => {
                    path.push_str(value);
                    mark.len()
                }
                None => {
                    path.push(character);
                    character.len_utf8()
                }
            };
            rest = rest.get(length..).unwrap_or_default();
        }
        PathBuf::from(path)
    }
}

/// Returns all local users.
pub(super) fn all() -> Result<Vec<Home>, Failure> {
    let text = fs::read_to_string(PASSWD).map_err(|error| Failure::File {
        name: PASSWD.to_owned(),
        trouble: FileTrouble::Io(error),
    })?;
    Ok(text.lines().filter_map(line).collect())
}

/// Reads a line of the user database; `None` if it is no user's.
fn line(line: &str) -> Option<Home> {
    let fields: Vec<&str> = line.split(':').collect();
    let [user, _, uid, _, _, folder, ..] = fields.as_slice() else { return None };
    let uid = uid.parse().ok()?;
    let is_name = !user.is_empty() && !user.starts_with(['+', '-', '#']);
    let found = Some((uid, PathBuf::from(folder))).filter(|_| folder.starts_with('/'))?;
    is_name.then(|| Home { user: (*user).to_owned(), found: Some(found) })
}

/// Looks users up who were named.
pub(super) fn named(names: &[String]) -> Vec<Home> {
    let home = |name: &String| {
        let found = User::from_name(name).ok().flatten();
        Home { user: name.clone(), found: found.map(|user| (user.uid.as_raw(), user.dir)) }
    };
    names.iter().map(home).collect()
}

impl Home {
    /// Copies the user's file into sealed memory; `None` if he has none.
    pub(super) fn open(&self, secret: &Secret) -> Result<Option<File>, Trouble> {
        let (uid, folder) = self.found.as_ref().ok_or(Trouble::Nobody)?;
        let path = secret.of(&self.user, &folder.to_string_lossy());
        // A link in the last part is not followed, a pipe not waited for.
        let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let opened = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path);
        let file = match opened {
            Ok(file) => file,
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) if error.raw_os_error() == Some(Errno::ELOOP as i32) => {
                return Err(Trouble::Link);
            }
            // What open(2) says of a socket.
            Err(error) if error.raw_os_error() == Some(Errno::ENXIO as i32) => {
                return Err(Trouble::NotAFile);
            }
            Err(error) => return Err(Trouble::Io(error)),
        };
        // Root's own file in a home may be one that a link of the user's leads to.
        let owners: &[u32] = if secret.is_in_homes() { &[*uid] } else { &[*uid, ROOT] };
        check(&file, owners)?;
        match copy(file) {
            Ok(memory) => Ok(Some(memory)),
            Err(FileTrouble::Io(error) | FileTrouble::NotWritten(error)) => Err(Trouble::Io(error)),
            Err(FileTrouble::Folder | FileTrouble::Left) => Err(Trouble::NotAFile),
            Err(FileTrouble::TooLong) => Err(Trouble::TooLong),
        }
    }

    /// Returns the row of a user whose file was not handed over.
    pub(super) fn refused(&self, trouble: &Trouble) -> AdoptRow {
        AdoptRow {
            user: Some(self.user.clone()),
            outcome: Some(Adopted::Not.word().to_owned()),
            reason: Some(trouble.reason().to_owned()),
            fact: Some(printable(&trouble.fact())),
            hint: Some(printable(trouble.hint())),
            ..AdoptRow::default()
        }
    }
}

/// Tells whether there is no file: also where a part of the path is none, as for users whose home
/// is `/dev/null`.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Refuses what is not a regular file of these owners.
fn check(file: &File, owners: &[u32]) -> Result<(), Trouble> {
    let metadata = file.metadata().map_err(Trouble::Io)?;
    if !metadata.is_file() {
        return Err(Trouble::NotAFile);
    }
    if !owners.contains(&metadata.uid()) {
        return Err(Trouble::NotHis);
    }
    if metadata.mode() & WRITABLE_BY_OTHERS != 0 {
        return Err(Trouble::Writable);
    }
    if metadata.nlink() != 1 {
        return Err(Trouble::SeveralNames);
    }
    if metadata.len() > LONGEST {
        return Err(Trouble::TooLong);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File, Permissions},
        io::{Read, Write},
        os::unix::fs::{PermissionsExt, symlink},
        path::Path,
    };

    use nix::{
        sys::stat::Mode,
        unistd::{Uid, mkfifo},
    };

    use super::{Home, LONGEST, Secret, Trouble, line};

    fn home(folder: &Path, uid: u32) -> Home {
        Home { user: "alice".to_owned(), found: Some((uid, folder.to_owned())) }
    }

    fn reason(folder: &Path, uid: u32) -> &'static str {
        let opened = home(folder, uid).open(&Secret::parse(None));
        opened.err().map_or("opened", |trouble| trouble.reason())
    }

    fn own() -> u32 {
        Uid::effective().as_raw()
    }

    #[test]
    fn a_file_of_the_user_is_handed_over_as_it_was_in_memory_that_nobody_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".google_authenticator");
        fs::write(&path, "THE SEED\n").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        let mut memory = home(folder.path(), own()).open(&Secret::parse(None)).unwrap().unwrap();
        fs::remove_file(&path).unwrap();
        let mut text = String::new();
        memory.read_to_string(&mut text).unwrap();
        assert_eq!(text, "THE SEED\n");
        assert!(memory.write_all(b"x").is_err());
    }

    #[test]
    fn what_a_user_puts_in_the_files_place_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".google_authenticator");
        let put = |put: &dyn Fn()| {
            let _ = fs::remove_file(&path);
            put();
            let reason = reason(folder.path(), own());
            let _ = fs::remove_dir(&path);
            reason
        };
        let other = folder.path().join("other");
        fs::write(&other, "x").unwrap();
        assert_eq!(put(&|| symlink(&other, &path).unwrap()), "unsafe_file");
        assert_eq!(put(&|| fs::hard_link(&other, &path).unwrap()), "unsafe_file");
        assert_eq!(put(&|| mkfifo(&path, Mode::S_IRWXU).unwrap()), "unsafe_file");
        assert_eq!(put(&|| fs::create_dir(&path).unwrap()), "unsafe_file");
        let listen = || drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert_eq!(put(&listen), "unsafe_file");
        let large = || File::create(&path).unwrap().set_len(LONGEST + 1).unwrap();
        assert_eq!(put(&large), "unsafe_file");
        let open_to_all = || {
            fs::write(&path, "x").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o620)).unwrap();
        };
        assert_eq!(put(&open_to_all), "unsafe_file");
    }

    #[test]
    fn a_file_of_somebody_else_is_not_read_and_of_root_only_outside_of_the_homes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".google_authenticator");
        fs::write(&path, "x").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        assert_eq!(reason(folder.path(), own()), "opened");
        assert_eq!(reason(folder.path(), own() + 1), "unsafe_file");
        let outside = Secret::parse(path.to_str());
        let is_roots = own() == 0;
        assert_eq!(home(folder.path(), own() + 1).open(&outside).is_ok(), is_roots);
        if std::os::unix::fs::chown(&path, Some(1001), None).is_ok() {
            assert_eq!(reason(folder.path(), 1000), "unsafe_file");
        }
    }

    #[test]
    fn a_user_without_a_file_or_a_home_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let none =
            |folder: &Path| home(folder, own()).open(&Secret::parse(None)).unwrap().is_none();
        assert!(none(folder.path()));
        assert!(none(Path::new("/nonexistent")));
        assert!(none(Path::new("/dev/null")));
        let nobody = Home { user: "nobody-here".to_owned(), found: None };
        assert!(matches!(nobody.open(&Secret::parse(None)), Err(Trouble::Nobody)));
    }

    #[test]
    fn the_path_has_the_marks_of_the_modules_option() {
        let path = |pattern: &str| Secret::parse(Some(pattern)).of("alice", "/home/al");
        assert_eq!(path("~/.config/ga"), Path::new("/home/al/.config/ga"));
        assert_eq!(path("${HOME}/${USER}"), Path::new("/home/al/alice"));
        assert_eq!(path("/var/lib/%u/%h"), Path::new("/var/lib/alice//home/al"));
        assert_eq!(Secret::parse(None).of("a", "/b"), Path::new("/b/.google_authenticator"));
        assert_eq!(Secret::parse(Some("/x/%u")).of("%h", "/b"), Path::new("/x/%h"));
    }

    #[test]
    fn a_line_of_the_user_database_is_a_user_or_nothing() {
        let found = |text: &str| line(text).map(|home| (home.user, home.found.unwrap()));
        let alice = found("alice:x:1000:1000:Alice,,,:/home/alice:/bin/bash").unwrap();
        assert_eq!(alice, ("alice".to_owned(), (1000, "/home/alice".into())));
        for text in ["", "+::::::", "alice:x:", "a:x:y:0::/h:", ":x:1:1::/h:", "a:x:1:1:::"] {
            assert!(found(text).is_none(), "{text}");
        }
    }
}
