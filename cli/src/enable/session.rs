//! From which sign-in this process comes. It is a belt against one's own mistake, not against an
//! attacker: who is root could write anything.

use std::{fs, path::Path};

use nix::unistd::getsid;
use serde_json::{Value, json};

/// A sign-in, by what the host knows of it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Session {
    /// The number that the kernel's audit gave it; it stays through sudo and su (proc(5)).
    audit: Option<u32>,
    /// logind's scope.
    scope: Option<String>,
    /// The kernel's session: the process that leads it (setsid(2)).
    leader: Option<i32>,
}

impl Session {
    /// Returns that of this process.
    pub(crate) fn own() -> Self {
        let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        Self {
            audit: audit(Path::new("/proc/self")),
            scope: scope(&groups),
            leader: getsid(None).ok().map(nix::unistd::Pid::as_raw),
        }
    }

    /// Tells whether both are the same sign-in, by the best mark that one of them has.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        if self.audit.is_some() || other.audit.is_some() {
            self.audit == other.audit
        } else if self.scope.is_some() || other.scope.is_some() {
            self.scope == other.scope
        } else {
            self.leader == other.leader
        }
    }

    /// Returns the highest number that the kernel's audit has given to a process of the host; it counts
    /// up. `None` if it numbers nobody.
    pub(crate) fn newest(proc: &Path) -> Option<u32> {
        let processes = fs::read_dir(proc).ok()?;
        processes.filter_map(|entry| audit(&entry.ok()?.path())).max()
    }

    /// Tells whether it was open when this number was the highest one. One without a number may be
    /// newer.
    pub(crate) fn was_open(&self, newest: Option<u32>) -> bool {
        matches!((self.audit, newest), (Some(own), Some(newest)) if own <= newest)
    }

    pub(super) fn to_json(&self) -> Value {
        json!({ "audit": self.audit, "scope": self.scope, "leader": self.leader })
    }

    pub(super) fn of_json(value: &Value) -> Option<Self> {
        let number = |name: &str| value.get(name).and_then(Value::as_i64);
        value.is_object().then(|| Self {
            audit: number("audit").and_then(|number| number.try_into().ok()),
            scope: value.get("scope").and_then(Value::as_str).map(str::to_owned),
            leader: number("leader").and_then(|number| number.try_into().ok()),
        })
    }
}

/// Returns the number of a process, by its folder in `/proc`; `None` if it comes from no sign-in.
fn audit(process: &Path) -> Option<u32> {
    let text = fs::read_to_string(process.join("sessionid")).ok()?;
    text.trim().parse().ok().filter(|id| *id != u32::MAX) // (unsigned) -1
}

/// Returns the name of logind's scope in `/proc/self/cgroup` (cgroups(7)).
fn scope(groups: &str) -> Option<String> {
    let mut parts = groups.lines().flat_map(|line| line.split('/'));
    let is_scope = |part: &&str| part.starts_with("session-") && part.ends_with(".scope");
    parts.find(is_scope).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Session, scope};

    fn session(audit: Option<u32>, scope: Option<&str>, leader: i32) -> Session {
        Session { audit, scope: scope.map(str::to_owned), leader: Some(leader) }
    }

    #[test]
    fn one_sign_in_is_one_through_sudo_and_another_terminal() {
        let first = session(Some(3), Some("session-3.scope"), 100);
        assert!(first.is_same(&session(Some(3), None, 200)));
        for other in [session(Some(4), Some("session-3.scope"), 100), session(None, None, 100)] {
            assert!(!first.is_same(&other), "{other:?}");
        }
        assert!(session(None, Some("a"), 1).is_same(&session(None, Some("a"), 2)));
        assert!(!session(None, Some("a"), 1).is_same(&session(None, Some("b"), 1)));
        assert!(session(None, None, 1).is_same(&session(None, None, 1)));
        assert!(!session(None, None, 1).is_same(&session(None, None, 2)));
    }

    #[test]
    fn a_session_that_was_open_already_is_known_by_its_number() {
        let proc = tempfile::tempdir().unwrap();
        assert_eq!(Session::newest(proc.path()), None);
        for (process, id) in [("1", "4294967295"), ("20", "4"), ("30", "12\n"), ("self", "9")] {
            fs::create_dir(proc.path().join(process)).unwrap();
            fs::write(proc.path().join(process).join("sessionid"), id).unwrap();
        }
        fs::create_dir(proc.path().join("sys")).unwrap();
        let newest = Session::newest(proc.path());
        assert_eq!(newest, Some(12));
        let was_open = |audit| session(audit, None, 1).was_open(newest);
        assert_eq!([Some(3), Some(12), Some(13), None].map(was_open), [true, true, false, false]);
        assert!(!session(Some(3), None, 1).was_open(None));
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        for session in [session(Some(u32::MAX - 1), Some("x"), -1), Session::default()] {
            assert_eq!(Session::of_json(&session.to_json()), Some(session));
        }
        assert_eq!(Session::of_json(&serde_json::Value::Null), None);
    }

    #[test]
    fn the_scope_is_found_in_either_kind_of_groups() {
        let new = "0::/user.slice/user-1000.slice/session-12.scope\n";
        let old = "3:memory:/x\n1:name=systemd:/user.slice/user-0.slice/session-c1.scope/a\n";
        assert_eq!(scope(new).as_deref(), Some("session-12.scope"));
        assert_eq!(scope(old).as_deref(), Some("session-c1.scope"));
        assert_eq!(scope("0::/system.slice/ssh.service\n"), None);
    }
}
