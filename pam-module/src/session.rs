//! The login and the terminal in which the host process runs, as the kernel tells them: what a
//! step-up ticket is bound to. Nothing in the environment and no item of PAM's is believed.

use std::fs::File;
use std::io::Read;

use fob_api::LoginSession;

/// Most bytes of a file of these: 52 numbers of at most 20 digits, and a name of 64 bytes
/// (proc_pid_stat(5)).
const LONGEST: u64 = 2048;
/// Where the fields are behind the command's name; `session`, `tty_nr` and `starttime` are the 6th,
/// 7th and 22nd of the line, the first of these the 3rd (proc_pid_stat(5)).
const SESSION: usize = 6 - 3;
const TTY: usize = 7 - 3;
const START_TIME: usize = 22 - 3;

/// Returns the session of this process; `None` if it has no login, no terminal, or the leader of
/// its terminal's session has ended.
pub(crate) fn own() -> Option<LoginSession> {
    let login = read("/proc/self/loginuid")?.parse().ok()?;
    let audit = read("/proc/self/sessionid")?.parse().ok()?;
    let own = read("/proc/self/stat")?;
    let leader = field(&own, SESSION)?.parse().ok()?;
    // The kernel prints it as a signed number.
    let terminal = field(&own, TTY)?.parse::<i32>().ok()?.cast_unsigned();
    let started = field(&read(&format!("/proc/{leader}/stat"))?, START_TIME)?.parse().ok()?;
    LoginSession::new((login, audit), (leader, started), terminal)
}

fn read(path: &str) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(LONGEST).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Returns a field of a line of `stat`. The command's name, in parentheses, may hold anything.
fn field(stat: &str, place: usize) -> Option<&str> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(place)
}

#[cfg(test)]
mod tests {
    use super::{SESSION, START_TIME, TTY, field, read};

    const LINE: &str = "1204 (a) R 1 2 (b) S 1188 1204 1190 34816 1300 4194304 98 0 0 0 \
        0 0 0 0 20 0 1 0 88217 3133440 396\n";

    #[test]
    fn a_command_name_that_looks_like_fields_is_passed_over() {
        assert_eq!(field(LINE, SESSION), Some("1190"));
        assert_eq!(field(LINE, TTY), Some("34816"));
        assert_eq!(field(LINE, START_TIME), Some("88217"));
    }

    #[test]
    fn the_kernel_writes_the_line_as_it_is_read() {
        let own = read("/proc/self/stat").unwrap();
        let parent = std::os::unix::process::parent_id().to_string();
        assert_eq!(field(&own, SESSION - 2), Some(parent.as_str()));
        assert!(field(&own, START_TIME).unwrap().parse::<u64>().unwrap() > 0);
    }

    #[test]
    fn what_is_not_there_is_no_session() {
        assert!(read("/proc/self/no-such-file").is_none());
        assert!(field("1204 (sh", SESSION).is_none());
        assert!(field("1204 (sh) S 1", SESSION).is_none());
    }
}
