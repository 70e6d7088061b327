//! The quick look into the host's own file of users.
//!
//! Where the host asks that file first (nsswitch.conf(5)), what stands there is the name service's
//! answer, and a sign-in need not wait for a thread that asks it. What is not plain here, absence
//! among it, says nothing: then the name service is asked.

use std::{
    fs::File,
    io::{self, Read as _},
};

use crate::record::Owner;

const SWITCH: &str = "/etc/nsswitch.conf";
const PASSWD: &str = "/etc/passwd";
/// Most bytes of such a file: some three hundred users. A larger one takes longer to read than a
/// thread to wake up, and holds others up meanwhile.
const LARGEST: u64 = 16 << 10;

/// Looks a name up, and how the file calls its uid.
pub(super) fn find(name: &str) -> Option<Owner> {
    with_passwd(|passwd| of_uid(passwd, uid_of(passwd, name)?))
}

/// Looks a uid up.
pub(super) fn find_uid(uid: u32) -> Option<Owner> {
    with_passwd(|passwd| of_uid(passwd, uid))
}

fn with_passwd(look: impl FnOnce(&str) -> Option<Owner>) -> Option<Owner> {
    is_asked_first(&read(SWITCH).ok()?).then_some(())?;
    look(&read(PASSWD).ok()?)
}

fn read(path: &str) -> io::Result<String> {
    let mut text = String::with_capacity(4096);
    let read = File::open(path)?.take(LARGEST + 1).read_to_string(&mut text)?;
    if read as u64 > LARGEST { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(text) }
}

/// Tells whether users are looked for in the file first, and taken from there if they are found.
fn is_asked_first(switch: &str) -> bool {
    let lines = switch.lines().map(|line| line.split('#').next().unwrap_or_default());
    let mut services = lines.filter_map(|line| {
        line.trim_start().strip_prefix("passwd")?.trim_start().strip_prefix(':')
    });
    let (Some(services), None) = (services.next(), services.next()) else { return false };
    let mut words = services.split_ascii_whitespace();
    // An action in brackets may say to go on, or to merge.
    words.next() == Some("files") && words.next().is_none_or(|word| !word.starts_with('['))
}

/// Returns the uid of a name.
fn uid_of(passwd: &str, name: &str) -> Option<u32> {
    users(passwd).find(|user| user.is_none_or(|user| user.name == name))?.map(|user| user.uid)
}

/// Returns the first user of a uid.
fn of_uid(passwd: &str, uid: u32) -> Option<Owner> {
    let user = users(passwd).find(|user| user.is_none_or(|user| user.uid == uid))?;
    user.map(|user| Owner { uid, name: user.name.to_owned() })
}

/// What a line says of a user (passwd(5)).
#[derive(Clone, Copy)]
struct User<'a> {
    name: &'a str,
    uid: u32,
}

/// Lists the lines; `None` for one that is not plain. What the name service makes of such a line is
/// its own business (it skips blanks and takes a sign, say), and it may be the user who is looked
/// for: nothing behind it counts.
fn users(passwd: &str) -> impl Iterator<Item = Option<User<'_>>> {
    passwd.lines().map(user)
}

/// Reads one line; `None` if it is not plain.
fn user(line: &str) -> Option<User<'_>> {
    let mut fields = line.splitn(4, ':');
    let (name, _, uid, rest) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let gid = rest.split(':').next()?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let first = name.bytes().next()?;
    let is_plain = is_number(uid)
        && is_number(gid)
        && rest.bytes().filter(|byte| *byte == b':').count() == 3
        && (first.is_ascii_alphanumeric() || first == b'_');
    is_plain.then_some(User { name, uid: uid.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::{find, find_uid, is_asked_first, of_uid, uid_of};

    #[test]
    fn the_file_counts_only_where_it_is_asked_first_and_its_answer_is_taken() {
        for asked in
            ["passwd: files systemd\n", "group: x\n passwd :files # first\n", "passwd:\tfiles"]
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

    #[test]
    fn the_first_name_of_a_uid_is_its_name() {
        let passwd = "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:/bin/sh\nbob:x:1001:1001:B:/:\n";
        assert_eq!((uid_of(passwd, "toor"), uid_of(passwd, "bob")), (Some(0), Some(1001)));
        assert_eq!(of_uid(passwd, 0).map(|owner| owner.name).as_deref(), Some("root"));
        assert_eq!((uid_of(passwd, "bo"), uid_of(passwd, "")), (None, None));
        assert_eq!(of_uid(passwd, 1002), None);
    }

    fn bob(passwd: &str) -> Option<u32> {
        of_uid(passwd, uid_of(passwd, "bob")?).map(|bob| bob.uid)
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
            assert_eq!((uid_of(&passwd, "root"), bob(&passwd)), (Some(0), None), "{odd:?}");
            assert_eq!(of_uid(&passwd, 1001), None, "{odd:?}");
        }
    }

    #[test]
    fn root_is_found_on_this_host_if_anybody_is_and_somebody_made_up_is_not() {
        assert!(find("root").is_none_or(|root| root.uid == 0));
        assert_eq!(find("root"), find_uid(0));
        assert_eq!(find("no-such-user-here"), None);
    }
}
