//! fobd: owns the tokens and decides.

use std::{io::Write as _, process::ExitCode, sync::Arc};

use fobd::{
    audit::{Audit, Event},
    clock::Clock,
    config::{Config, Task},
    decide::Policy,
    engine::{Engine, Surroundings},
    harden, open, serve,
    users::Users,
};
use nix::sys::signal::SigSet;

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr().lock(), "fobd: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::from_arguments(std::env::args().skip(1))?;
    let signals = harden::harden()?;
    if config.task == Task::Initialize {
        return Ok(open::initialize(&config.state)?);
    }
    let (store, vault) = open::open(&config.state)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(run(config, signals, store, vault));
    // Nothing is lost: whatever was answered is on the disk.
    runtime.shutdown_background();
    ended
}

async fn run(
    config: Config,
    signals: SigSet,
    store: fobd::store::sled::SledStore,
    vault: fobd::vault::Vault,
) -> Result<(), Box<dyn std::error::Error>> {
    let audit = Audit::Stderr;
    let poisoned = store.poisoned();
    let around = Surroundings {
        audit: audit.clone(),
        clock: Clock::Host,
        policy: Policy::default(),
        users: Users::Host,
    };
    let engine = Arc::new(Engine::new(store, vault, around));
    let listener = serve::listen(&config.socket)
        .map_err(|error| format!("cannot listen at {}: {error}.", config.socket.display()))?;
    tokio::spawn(serve::peers(listener, Arc::clone(&engine), audit.clone()));
    if let Some(address) = config.bus {
        tokio::spawn(serve::bus(address, engine, audit.clone()));
    }
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    audit.record(&Event::new("ready").with("version", env!("CARGO_PKG_VERSION")));
    let signal = tokio::task::spawn_blocking(move || signals.wait());
    tokio::select! {
        arrived = signal => { arrived??; }
        outage = poisoned => return Err(format!("the store failed: {outage}").into()),
    }
    audit.record(&Event::new("stopping"));
    Ok(())
}
