//! fobd: owns the tokens and decides.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use fobd::{
    account::Account,
    audit::{Audit, Event, Field, Name},
    clock::Clock,
    config::{self, Config, Loaded, Settings, Task},
    decide::policy::Mode,
    engine::{Engine, Surroundings},
    harden,
    open::{self, Opened},
    serve::{self, Door},
    store::{
        Store as _,
        sled::{Left, SledStore},
    },
    users::Users,
    watchdog,
    witness::Witness,
};
use nix::sys::signal::SigSet;
use sd_notify::NotifyState;
use tokio::{runtime::Handle, sync::oneshot, task::spawn_blocking};

/// The log's folder in the state folder.
const LOG: &str = "log";

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
    let config = Config::from_arguments(std::env::args().skip(1))?.with_credentials(credentials());
    if config.task == Task::CheckConfig {
        // As the daemon, which may not read what root may.
        Account::of(&config.state)?.enter()?;
        let table = config::in_force(&config::read(&config.file)?);
        return Ok(std::io::stdout().lock().write_all(table.as_bytes())?);
    }
    let signals = harden::harden()?;
    if config.task == Task::Initialize {
        let account = Account::of_new(&config.state)?;
        open::make_room(&config.state)?;
        account.give(&config.state)?;
        account.enter()?;
        return Ok(open::initialize(&config.state, config.credentials.as_deref())?);
    }
    let account = Account::of(&config.state)?;
    let numbers = config::read(&config.file)?;
    let door = Door::open(&config.socket)
        .map_err(|error| format!("cannot listen at {}: {error}.", config.socket.display()))?;
    account.enter()?;
    let witness = Witness::in_directory(runtime_directory());
    let testimony = witness.hear(&open::database(&config.state));
    let opened = open::open(&config.state, config.credentials.as_deref())?;
    match testimony.speaks_against(opened.store.freshness()) {
        true => opened.store.distrust(),
        // The store is not as it was closed from now on, and the witness is to know that: an end
        // before the fence is durable that a testimony asks for must not make it forget.
        // Whether it could be told is logged when it is told again.
        false => drop(witness.see_running()),
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(run((config, numbers), (signals, door, witness), opened));
    // Nothing is lost: whatever was answered is on the disk.
    runtime.shutdown_background();
    ended
}

/// Returns the folder that the service manager made for credentials (systemd.exec(5)).
#[allow(clippy::disallowed_methods, reason = "the service manager tells it in no other way")]
fn credentials() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

/// Returns the folder that the service manager made for this host's uptime (systemd.exec(5)).
#[allow(clippy::disallowed_methods, reason = "the service manager tells it in no other way")]
fn runtime_directory() -> Option<PathBuf> {
    std::env::var_os("RUNTIME_DIRECTORY").map(PathBuf::from)
}

async fn run(
    (config, numbers): (Config, Loaded),
    (signals, door, witness): (SigSet, Door, Witness),
    Opened { store, vault, migrated }: Opened,
) -> Result<(), Box<dyn std::error::Error>> {
    let settings = numbers.found.unwrap_or_default();
    let clock = Clock::host(config.bus.clone(), settings.policy.clock);
    let audit = Audit::host(config.state.join(LOG), clock.clone());
    if let Some(done) = migrated {
        audit.record(&done.event());
    }
    told_of(&audit, &settings, &numbers.path);
    let around =
        Surroundings { audit: audit.clone(), clock, policy: settings.policy, users: Users::host() };
    let engine = Engine::new(store.clone(), vault, around).with_rules(settings.rules);
    let engine = Arc::new(engine);
    engine.start().await?;
    let database = open::database(&config.state);
    told(&audit, witness.see_running());
    tokio::spawn(Arc::clone(&engine).live());
    let (serving, stop) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let doorkeeper = runtime.handle().clone();
    let (runtimes, means) = ((runtime, Handle::current()), (Arc::clone(&engine), audit.clone()));
    let closing = store.clone();
    let close = async move { closing.close().await };
    let mut peers = spawn_blocking(move || serve::at_the_door(runtimes, door, means, stop, close));
    if let Some(address) = config.bus {
        tokio::spawn(serve::bus(address, Arc::clone(&engine), audit.clone()));
    }
    let poisoned = store.poisoned();
    keep_told(&store, &doorkeeper);
    tell(NotifyState::Ready);
    audit.record(&Event::new(Name::Ready).with(Field::Version, env!("CARGO_PKG_VERSION")));
    let signal = spawn_blocking(move || signals.wait());
    tokio::select! {
        arrived = signal => { arrived??; }
        broken = &mut peers => { let _left = broken??; return Err("the peer socket was left.".into()) }
        outage = poisoned => return Err(format!("the store failed: {outage}").into()),
    }
    audit.record(&Event::new(Name::Stopping));
    // Who connects from now on waits for the next daemon; who did before gets his answer.
    drop(serving);
    let (_door, stopped, left) = peers.await??;
    if left? == Left::Closed {
        told(&audit, witness.see_closed(&database));
    }
    Ok(stopped?)
}

/// Tells the service manager that the daemon works, if it wants to know: as long as this runtime, the
/// one at the door and the store's writer do.
fn keep_told(store: &SledStore, doorkeeper: &Handle) {
    let Some(interval) = sd_notify::watchdog_enabled() else { return };
    let (store, doorkeeper) = (store.clone(), doorkeeper.clone());
    let works = move || {
        let (store, doorkeeper) = (store.clone(), doorkeeper.clone());
        async move {
            doorkeeper.spawn(async {}).await.ok()?;
            store.answers().await
        }
    };
    tokio::spawn(watchdog::watch(interval, works, || tell(NotifyState::Watchdog)));
}

/// Logs what the configuration file sets.
fn told_of(audit: &Audit, settings: &Settings, file: &Path) {
    let event = || Event::new(Name::Config).with(Field::File, file.display());
    if settings.policy.mode == Mode::Observe {
        audit.record(&Event::new(Name::Observing).with(Field::File, file.display()));
    }
    for change in settings.changes() {
        audit.record(&event().with(Field::Set, change));
    }
    for (number, rule) in (1_u32..).zip(&settings.rules.0) {
        let event = event().with(Field::Rule, number).with(Field::Line, rule.line);
        audit.record(&event.with(Field::Set, rule));
    }
}

/// Logs that the witness could not be told: it costs a fence at the next start, and no more.
fn told(audit: &Audit, outcome: std::io::Result<()>) {
    if let Err(error) = outcome {
        let event = Event::new(Name::Trouble).with(Field::What, "witness");
        audit.record(&event.with(Field::Error, error));
    }
}

/// Tells the service manager something, if there is one (sd_notify(3)).
fn tell(state: NotifyState<'_>) {
    let _ = sd_notify::notify(&[state]);
}
