//! Prints the interface as introspection XML:
//! `cargo run -p fobd --example contract > packaging/dbus/org.fobd.Fob1.xml`.
#![allow(clippy::print_stdout, reason = "printing is what it does")]

use std::sync::{Arc, Mutex};

use fobd::{
    access::Caller,
    audit::Audit,
    bus::{CallerSource, Fob},
    clock::Clock,
    decide::{Policy, policy::Belief},
    engine::{Engine, Surroundings},
    store::memory::MemoryStore,
    users::Users,
    vault::{Vault, VaultError},
};

fn main() -> Result<(), VaultError> {
    let around = Surroundings {
        audit: Audit::Kept(Arc::new(Mutex::default())),
        clock: Clock::host(None, Belief::Synchronised),
        policy: Policy::default(),
        users: Users::host(),
    };
    let engine = Engine::new(MemoryStore::default(), Vault::with_key(&[0; 32])?, around);
    let source = CallerSource::Peer(Caller::of(0));
    print!("{}", Fob::new(Arc::new(engine), source).contract());
    Ok(())
}
