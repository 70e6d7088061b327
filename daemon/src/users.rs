//! The host's user database. A token is bound to a uid, not to a spelling of a name.

mod files;

use std::{ffi::CString, sync::Arc, time::Duration};

use fob_api::UserName;
use nix::{
    errno::Errno,
    unistd::{Gid, Group, Uid, User, getgrouplist},
};

pub use self::files::Files;
use crate::{
    clock,
    decide::rule::{Groups, Membership},
    record::Owner,
};

/// The groups whose members administer the host, by sudo or su: `sudo` on Debian and Ubuntu,
/// `wheel` on Fedora, SUSE and Arch, `admin` on older Ubuntu.
const ADMINISTRATORS: [&str; 3] = ["sudo", "wheel", "admin"];
/// The uid that administers the host without being in a group.
const ROOT: u32 = 0;
/// The longest that groups are looked up: the module waits five seconds for the whole answer
/// (pam_fob(8), `timeout`), and is to hear that it is the groups.
const PATIENCE: Duration = Duration::from_secs(3);
/// The primary group that stands in for one whom the host does not know: nobody's (Debian's
/// base-passwd). What it finds counts for nothing.
const NOGROUP: u32 = 65_534;

/// Where users are looked up.
#[derive(Clone, Debug)]
pub enum Users {
    /// A fixed list, for tests.
    Fixed {
        /// Name and uid of each.
        users: Arc<Vec<(String, u32)>>,
        /// The names of those who are in a group of administrators.
        administrators: Arc<Vec<String>>,
    },
    /// The host's own file of users, where that is asked first, and its name service (getpwnam(3)).
    Host(Arc<Files>),
}

/// The user database did not answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Unavailable;

impl Users {
    /// Returns the users of this host. Clones share what they know of its files.
    #[must_use]
    pub fn host() -> Self {
        Self::Host(Arc::new(Files::of_host()))
    }

    /// Looks a name up; `None` if there is no such user. The returned name is the database's own
    /// for that uid, so that two names of one uid are one user.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the database did not answer.
    pub async fn find(&self, name: &UserName) -> Result<Option<Owner>, Unavailable> {
        match self {
            Self::Fixed { users, .. } => {
                let named = users.iter().find(|(known, _)| known == name.as_str());
                Ok(named.and_then(|(_, uid)| listed(users, *uid)))
            }
            Self::Host(files) => {
                if let Some(found) = files.find(name.as_str(), clock::wall()) {
                    return Ok(Some(found));
                }
                let name = name.as_str().to_owned();
                aside(move || host_user(&name)).await
            }
        }
    }

    /// Looks a uid up; `None` if there is no such user.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the database did not answer.
    pub async fn find_uid(&self, uid: u32) -> Result<Option<Owner>, Unavailable> {
        match self {
            Self::Fixed { users, .. } => Ok(listed(users, uid)),
            Self::Host(files) => match files.find_uid(uid, clock::wall()) {
                Some(found) => Ok(Some(found)),
                None => aside(move || host_uid(uid)).await,
            },
        }
    }

    /// Tells in which of these groups a user is, also by his primary group. The same is done for a
    /// name that nobody has; nothing counts of what is found then.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the database did not answer, or not in time.
    pub async fn groups_of(&self, name: &str, groups: &[&str]) -> Result<Groups, Unavailable> {
        if groups.iter().any(|group| group.contains('\0')) {
            return Err(Unavailable);
        }
        let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
        match self {
            Self::Fixed { administrators, .. } => {
                let of = |group: &String| match ADMINISTRATORS.contains(&group.as_str()) {
                    true if administrators.iter().any(|known| known == name) => Membership::Member,
                    true => Membership::Other,
                    false => Membership::Unknown,
                };
                Ok(Groups(groups.into_iter().map(|group| (group.clone(), of(&group))).collect()))
            }
            Self::Host(_) => {
                let name = name.to_owned();
                let asked = aside(move || host_groups_of(&name, groups));
                tokio::time::timeout(PATIENCE, asked).await.map_err(|_| Unavailable)?
            }
        }
    }

    /// Tells whether a user administers the host: uid 0, or in a group of administrators, also by
    /// his primary group. Whoever is not in the database any more, or under another name, does not.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the database did not answer.
    pub async fn is_administrator(&self, owner: &Owner) -> Result<bool, Unavailable> {
        if self.find_uid(owner.uid).await?.as_ref() != Some(owner) {
            return Ok(false);
        }
        if self.administrators().await?.iter().any(|other| other.uid == owner.uid) {
            return Ok(true);
        }
        let uid = Uid::from_raw(owner.uid);
        match self {
            Self::Fixed { .. } => Ok(false),
            Self::Host(_) => aside(move || host_administers_by_primary_group(uid)).await,
        }
    }

    /// Lists the administrators of the host: uid 0, and the listed members of their groups. Those
    /// who are in one by their primary group alone are missing: that would take a walk through all
    /// users of a name service that may be large.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the database did not answer.
    pub async fn administrators(&self) -> Result<Vec<Owner>, Unavailable> {
        match self {
            Self::Fixed { users, administrators } => Ok(users
                .iter()
                .filter(|(name, uid)| *uid == ROOT || administrators.contains(name))
                .filter_map(|(_, uid)| listed(users, *uid))
                .collect()),
            Self::Host(_) => aside(host_administrators).await,
        }
    }
}

/// Looks a uid up in a fixed list.
fn listed(users: &[(String, u32)], uid: u32) -> Option<Owner> {
    let (name, uid) = users.iter().find(|(_, known)| *known == uid)?;
    Some(Owner { uid: *uid, name: name.clone() })
}

/// Carries a look-up out where it holds nobody up: a name service may go to the network.
async fn aside<T: Send + 'static>(
    look_up: impl FnOnce() -> Result<T, Unavailable> + Send + 'static,
) -> Result<T, Unavailable> {
    tokio::task::spawn_blocking(look_up).await.map_err(|_| Unavailable)?
}

/// Looks a name up in the host's name service.
fn host_user(name: &str) -> Result<Option<Owner>, Unavailable> {
    let Some(named) = answer(User::from_name(name))? else { return Ok(None) };
    let found = host_uid(named.uid.as_raw())?;
    Ok(Some(found.unwrap_or(Owner { uid: named.uid.as_raw(), name: named.name })))
}

/// Looks a uid up in the host's name service.
fn host_uid(uid: u32) -> Result<Option<Owner>, Unavailable> {
    let found = answer(User::from_uid(Uid::from_raw(uid)))?;
    Ok(found.map(|user| Owner { uid, name: user.name }))
}

/// Tells in which of these groups somebody is.
fn host_groups_of(name: &str, groups: Vec<String>) -> Result<Groups, Unavailable> {
    let plain = CString::new(name).map_err(|_| Unavailable)?;
    let primary = answer(User::from_name(name))?.map_or(Gid::from_raw(NOGROUP), |user| user.gid);
    let gids = getgrouplist(&plain, primary).map_err(|_| Unavailable)?;
    let mut found = Groups::default();
    for group in groups {
        // A name service that is half away may know the one list and not the other.
        let membership = match answer(Group::from_name(&group))? {
            None => Membership::Unknown,
            Some(known) if gids.contains(&known.gid) => Membership::Member,
            Some(known) if known.mem.iter().any(|member| member == name) => Membership::Member,
            Some(_) => Membership::Other,
        };
        found.0.insert(group, membership);
    }
    Ok(found)
}

/// Looks the groups of administrators up.
fn host_groups() -> Result<Vec<Group>, Unavailable> {
    let groups = ADMINISTRATORS.into_iter().map(|name| answer(Group::from_name(name)));
    groups.filter_map(Result::transpose).collect()
}

/// Lists the administrators of the host.
fn host_administrators() -> Result<Vec<Owner>, Unavailable> {
    let mut found: Vec<Owner> = host_uid(ROOT)?.into_iter().collect();
    for name in host_groups()?.into_iter().flat_map(|group| group.mem) {
        let Some(owner) = host_user(&name)? else { continue };
        if !found.contains(&owner) {
            found.push(owner);
        }
    }
    Ok(found)
}

/// Tells whether a user's primary group is one of administrators.
fn host_administers_by_primary_group(uid: Uid) -> Result<bool, Unavailable> {
    let Some(user) = answer(User::from_uid(uid))? else { return Ok(false) };
    let groups: Vec<Gid> = host_groups()?.into_iter().map(|group| group.gid).collect();
    Ok(groups.contains(&user.gid))
}

/// Tells "there is no such user" (or group) from trouble: some name services say it by an error
/// (getpwnam(3), "Errors").
fn answer<T>(found: Result<Option<T>, Errno>) -> Result<Option<T>, Unavailable> {
    match found {
        Ok(found) => Ok(found),
        Err(Errno::ENOENT | Errno::ESRCH | Errno::EBADF | Errno::EPERM) => Ok(None),
        Err(_) => Err(Unavailable),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use fob_api::UserName;

    use super::{Unavailable, Users};
    use crate::{decide::rule::Membership, record::Owner};

    async fn uid_of(users: &Users, name: &str) -> Option<u32> {
        users.find(&UserName::parse(name).unwrap()).await.unwrap().map(|owner| owner.uid)
    }

    #[tokio::test]
    async fn root_has_uid_0_and_a_made_up_name_is_nobody() {
        assert_eq!(uid_of(&Users::host(), "root").await, Some(0));
        assert_eq!(uid_of(&Users::host(), "no-such-user-here").await, None);
    }

    #[tokio::test]
    async fn two_names_of_one_uid_are_one_user() {
        let list = vec![("root".to_owned(), 0), ("toor".to_owned(), 0)];
        let users = Users::Fixed { users: list.into(), administrators: Arc::default() };
        let toor = users.find(&UserName::parse("toor").unwrap()).await.unwrap().unwrap();
        assert_eq!((toor.uid, toor.name.as_str()), (0, "root"));
    }

    #[tokio::test]
    async fn uid_0_and_members_of_the_groups_administer_the_host() {
        let list = [("root", 0), ("alice", 1000), ("bob", 1001)];
        let users = Users::Fixed {
            users: Arc::new(list.map(|(name, uid)| (name.to_owned(), uid)).to_vec()),
            administrators: Arc::new(vec!["alice".to_owned(), "gone".to_owned()]),
        };
        let owner = |name: &str, uid| Owner { uid, name: name.to_owned() };
        let (root, alice) = (owner("root", 0), owner("alice", 1000));
        assert_eq!(users.administrators().await, Ok(vec![root.clone(), alice.clone()]));
        for (who, expected) in [
            (root, true),
            (alice, true),
            (owner("bob", 1001), false),
            (owner("alicia", 1000), false),
            (owner("gone", 1002), false),
        ] {
            assert_eq!(users.is_administrator(&who).await, Ok(expected), "{}", who.name);
        }
    }

    #[tokio::test]
    async fn groups_of_this_host_are_looked_up_for_anybody_and_one_that_is_not_there_is_unknown() {
        let groups = ["root", "no-such-group-here"];
        let root = Users::host().groups_of("root", &groups).await.unwrap();
        assert_eq!(root.of("root"), Membership::Member);
        let nobody = Users::host().groups_of("no-such-user-here", &groups).await.unwrap();
        assert_eq!(nobody.of("root"), Membership::Other);
        for found in [root, nobody] {
            assert_eq!(found.of("no-such-group-here"), Membership::Unknown);
            assert_eq!(found.of("not-asked-for"), Membership::Unknown);
        }
    }

    #[tokio::test]
    async fn a_group_that_cannot_be_looked_up_is_trouble() {
        assert_eq!(Users::host().groups_of("root", &["a\0b"]).await, Err(Unavailable));
    }

    #[tokio::test]
    async fn root_administers_this_host_and_somebody_made_up_does_not() {
        let root = Users::host().find_uid(0).await.unwrap().unwrap();
        assert!(Users::host().administrators().await.unwrap().contains(&root));
        assert_eq!(Users::host().is_administrator(&root).await, Ok(true));
        let made_up = Owner { uid: 0, name: "no-such-user-here".to_owned() };
        assert_eq!(Users::host().is_administrator(&made_up).await, Ok(false));
    }
}
