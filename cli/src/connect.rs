//! The way to the daemon: its peer socket for root, the system bus for everybody else.
//!
//! Both addresses are compiled in. zbus's own idea of the system bus is not used: it follows an
//! environment variable, which would let the caller of a sudo rule choose who plays the daemon.

use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt,
    time::Duration,
};

use fob_api::{
    address,
    owner::{STATE_FOLDER, may_be_daemon},
    proxy::FobProxy,
};
use nix::unistd::Uid;
use tokio::{net::UnixStream, time};
use zbus::{
    Connection,
    connection::Builder,
    fdo::DBusProxy,
    names::{BusName, WellKnownName},
    proxy::CacheProperties,
};

use crate::failure::{Failure, Road};

/// Longest time until the connection stands, the daemon's start included. As long as the PAM
/// module's deadline (design: one deadline of 5 s).
const CONNECT: Duration = Duration::from_secs(5);
/// Pause before the next try when the socket's queue is full.
const QUEUE_FULL: Duration = Duration::from_millis(50);

/// How long a call may take.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Patience {
    /// One token or one page: a pair search of the widest range takes milliseconds, a busy disk
    /// some seconds.
    Short,
    /// A whole seed file.
    Long,
}

impl Patience {
    fn limit(self) -> Duration {
        match self {
            Self::Short => Duration::from_secs(10),
            Self::Long => Duration::from_secs(600),
        }
    }
}

/// Connects to the daemon.
///
/// A dialogue connects again after its questions: no connection is kept while a person thinks.
///
/// # Errors
///
/// [`Failure::Silence`] if nobody answers in time, [`Failure::Impostor`] if who answers is neither
/// root's nor the daemon's own user's.
pub(crate) async fn daemon(patience: Patience) -> Result<FobProxy<'static>, Failure> {
    let connect = async {
        if Uid::effective().is_root() {
            on_peer_socket(patience).await
        } else {
            on_system_bus(patience).await
        }
    };
    time::timeout(CONNECT, connect).await.unwrap_or(Err(Failure::Silence))
}

async fn on_peer_socket(patience: Patience) -> Result<FobProxy<'static>, Failure> {
    let stream = loop {
        match UnixStream::connect(address::PEER_SOCKET).await {
            Ok(stream) => break stream,
            // connect(2): EAGAIN, the queue of a non-blocking unix socket is full.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                time::sleep(QUEUE_FULL).await
            }
            Err(_) => return Err(Failure::Silence),
        }
    };
    may_answer(stream.peer_cred().map_err(|_| Failure::Silence)?.uid(), Road::PeerSocket)?;
    let stream = stream.into_std().map_err(|_| Failure::Silence)?;
    let connection =
        Builder::unix_stream(stream).p2p().method_timeout(patience.limit()).build().await?;
    Ok(FobProxy::builder(&connection).cache_properties(CacheProperties::No).build().await?)
}

async fn on_system_bus(patience: Patience) -> Result<FobProxy<'static>, Failure> {
    let address = format!("unix:path={}", address::SYSTEM_BUS_SOCKET);
    let connection =
        Builder::address(address.as_str()).method_timeout(patience.limit()).build().await?;
    let owner = daemons_own(&connection).await?;
    let proxy = FobProxy::builder(&connection)
        .destination(owner)
        .cache_properties(CacheProperties::No)
        .build()
        .await?;
    Ok(proxy)
}

/// Returns the unique name of the daemon, once the bus has attested that it is root's or the
/// daemon's own user's; starts it if need be. A unique name is never given to another process.
async fn daemons_own(connection: &Connection) -> Result<BusName<'static>, Failure> {
    let bus = DBusProxy::builder(connection).cache_properties(CacheProperties::No).build().await?;
    let name = WellKnownName::from_static_str(address::BUS_NAME).map_err(|_| Failure::Silence)?;
    let owner = match bus.get_name_owner(BusName::from(name.clone())).await {
        Ok(owner) => owner,
        Err(_) => {
            bus.start_service_by_name(name.clone(), 0).await.map_err(|_| Failure::Silence)?;
            bus.get_name_owner(BusName::from(name)).await?
        }
    };
    let uid = bus.get_connection_unix_user(BusName::from(owner.clone())).await?;
    may_answer(uid, Road::SystemBus)?;
    Ok(BusName::from(owner).into_owned())
}

/// Refuses somebody who cannot be the daemon.
fn may_answer(uid: u32, road: Road) -> Result<(), Failure> {
    if may_be_daemon(uid, None) {
        return Ok(());
    }
    let facts = fs::symlink_metadata(STATE_FOLDER).ok();
    let owner = facts.filter(Metadata::is_dir).map(|folder| folder.uid());
    if may_be_daemon(uid, owner) { Ok(()) } else { Err(Failure::Impostor { road, uid }) }
}
