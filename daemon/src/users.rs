//! The host's user database. A token is bound to a uid, not to a spelling of a name.

use std::sync::Arc;

use fob_api::UserName;
use nix::{
    errno::Errno,
    unistd::{Uid, User},
};

use crate::record::Owner;

/// Where users are looked up.
#[derive(Clone, Debug)]
pub enum Users {
    /// A fixed list, for tests: name and uid.
    Fixed(Arc<Vec<(String, u32)>>),
    /// The host's name service (getpwnam(3)).
    Host,
}

/// The user database did not answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Unavailable;

impl Users {
    /// Looks a name up; `None` if there is no such user. The returned name is the database's own
    /// for that uid, so that two names of one uid are one user.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] if the database did not answer.
    pub async fn find(&self, name: &UserName) -> Result<Option<Owner>, Unavailable> {
        match self {
            Self::Fixed(list) => Ok(list
                .iter()
                .find(|(known, _)| known == name.as_str())
                .and_then(|(_, uid)| list.iter().find(|(_, other)| other == uid))
                .map(|(name, uid)| Owner { uid: *uid, name: name.clone() })),
            Self::Host => {
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
            Self::Fixed(list) => Ok(list
                .iter()
                .find(|(_, known)| *known == uid)
                .map(|(name, uid)| Owner { uid: *uid, name: name.clone() })),
            Self::Host => aside(move || host_uid(uid)).await,
        }
    }
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

/// Tells "there is no such user" from trouble: some name services say it by an error
/// (getpwnam(3), "Errors").
fn answer(found: Result<Option<User>, Errno>) -> Result<Option<User>, Unavailable> {
    match found {
        Ok(user) => Ok(user),
        Err(Errno::ENOENT | Errno::ESRCH | Errno::EBADF | Errno::EPERM) => Ok(None),
        Err(_) => Err(Unavailable),
    }
}

#[cfg(test)]
mod tests {
    use fob_api::UserName;

    use super::Users;

    async fn uid_of(users: &Users, name: &str) -> Option<u32> {
        users.find(&UserName::parse(name).unwrap()).await.unwrap().map(|owner| owner.uid)
    }

    #[tokio::test]
    async fn root_has_uid_0_and_a_made_up_name_is_nobody() {
        assert_eq!(uid_of(&Users::Host, "root").await, Some(0));
        assert_eq!(uid_of(&Users::Host, "no-such-user-here").await, None);
    }

    #[tokio::test]
    async fn two_names_of_one_uid_are_one_user() {
        let list = vec![("root".to_owned(), 0), ("toor".to_owned(), 0)];
        let users = Users::Fixed(list.into());
        let toor = users.find(&UserName::parse("toor").unwrap()).await.unwrap().unwrap();
        assert_eq!((toor.uid, toor.name.as_str()), (0, "root"));
    }
}
