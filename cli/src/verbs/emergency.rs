//! `emergency`: codes with which an administrator signs in while the daemon cannot be asked. It
//! does not ask the daemon either.

use std::io;

use argon2::{Algorithm, Argon2, Params, Version};
use fob_api::{
    Error, UserName,
    emergency::{EMERGENCY_LETTERS, EmergencyCode, HASH, Recipe, SALT, SLOTS, Slot},
};
use nix::unistd::{Group, Uid, User};
use zeroize::Zeroizing;

use crate::{
    args::Emergency,
    failure::{EmergencyTrouble, Failure},
    journal, render, slots,
};

/// The groups whose members administer a host: Debian's, Fedora's and SUSE's, and Ubuntu's old one.
pub(super) const ADMINISTRATORS: [&str; 3] = ["sudo", "wheel", "admin"];

pub(super) fn emergency(args: &Emergency) -> Result<(), Failure> {
    if !Uid::effective().is_root() {
        return Err(Error::NotAuthorized { verb: "emergency" }.into());
    }
    let nobody = || Error::NoSuchUser { user: args.user.clone() };
    let user = User::from_name(args.user.as_str()).ok().flatten().ok_or_else(nobody)?;
    // As the host spells it: codes are bound to that name.
    let name = UserName::parse(&user.name).map_err(|_| nobody())?;
    if args.remove { remove(&user, &name) } else { make(&user, name) }
}

fn remove(user: &User, name: &UserName) -> Result<(), Failure> {
    if !slots::remove(user.uid).map_err(EmergencyTrouble::Disk)? {
        return Err(EmergencyTrouble::None { user: name.clone() }.into());
    }
    journal::write(&format!("emergency codes of {:?} removed", name.as_str()));
    render::print(&format!("{name} has no emergency codes now."))
}

fn make(user: &User, name: UserName) -> Result<(), Failure> {
    if !administers(user) {
        return Err(EmergencyTrouble::NotAdministrator { user: name }.into());
    }
    let codes = (0..SLOTS).map(|_| code()).collect::<io::Result<Vec<_>>>();
    let codes = codes.map_err(EmergencyTrouble::Random)?;
    let recipe = Recipe::of_salt(random::<SALT>().map_err(EmergencyTrouble::Random)?);
    let slots = codes.iter().map(|code| slot(recipe, code, &name)).collect::<Option<Vec<_>>>();
    slots::replace(user.uid, &slots.ok_or(EmergencyTrouble::Memory)?)
        .map_err(EmergencyTrouble::Disk)?;
    journal::write(&format!("{SLOTS} emergency codes of {:?} made", name.as_str()));
    render::print(&page(&name, &codes))
}

/// Tells whether a user administers this host: root, and the members of the groups that do.
fn administers(user: &User) -> bool {
    let groups = ADMINISTRATORS.iter().filter_map(|name| Group::from_name(name).ok().flatten());
    let is_member = |group: Group| group.gid == user.gid || group.mem.contains(&user.name);
    user.uid.is_root() || groups.into_iter().any(is_member)
}

fn code() -> io::Result<EmergencyCode> {
    loop {
        let bytes = Zeroizing::new(random::<EMERGENCY_LETTERS>()?);
        if let Some(code) = EmergencyCode::of_random(&bytes) {
            return Ok(code);
        }
    }
}

fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

/// Hashes a code; `None` if there is not enough memory.
fn slot(recipe: Recipe, code: &EmergencyCode, user: &UserName) -> Option<Slot> {
    let params = Params::new(recipe.memory, recipe.passes, 1, Some(HASH)).ok()?;
    let mut hash = [0; HASH];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(&code.secret(user), &recipe.salt, &mut hash)
        .ok()?;
    Some(Slot { recipe, hash })
}

/// Returns what is printed, once. Wiped on drop.
fn page(user: &UserName, codes: &[EmergencyCode]) -> Zeroizing<String> {
    let head = format!(
        "Emergency codes of {user}. Each signs in once, and only while codes cannot be checked.\n\
         Write them down and lock them away: they are not shown again, and older ones are void.\n\n"
    );
    // With room for all of it: a string that grew would leave codes behind.
    let mut text = Zeroizing::new(String::with_capacity(head.len() + 64 * codes.len()));
    text.push_str(&head);
    for (code, number) in codes.iter().zip(1..) {
        text.push_str(&format!("{number:4}  "));
        text.push_str(&code.grouped());
        text.push('\n');
    }
    text
}
