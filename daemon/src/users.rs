//! The host's user database. A token is bound to a uid, not to a spelling of a name.

use std::sync::Arc;

use fob_api::UserName;
use nix::unistd::{Uid, User};

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
                // A name service may go to the network: it must not hold up other sign-ins.
                tokio::task::spawn_blocking(move || host_user(&name))
                    .await
                    .map_err(|_| Unavailable)?
            }
        }
    }
}

/// Looks a name up in the host's name service.
fn host_user(name: &str) -> Result<Option<Owner>, Unavailable> {
    let Some(named) = User::from_name(name).map_err(|_| Unavailable)? else { return Ok(None) };
    let uid = named.uid;
    let canonical = User::from_uid(Uid::from_raw(uid.as_raw())).map_err(|_| Unavailable)?;
    let name = canonical.map_or(named.name, |user| user.name);
    Ok(Some(Owner { uid: uid.as_raw(), name }))
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
