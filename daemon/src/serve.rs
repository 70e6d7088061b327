//! The two kinds of connection that the object is served on: fobd's own socket and the bus.

mod door;
mod lean;
mod news;

use std::{
    collections::VecDeque,
    convert::Infallible,
    future::{Future, poll_fn},
    io,
    net::Shutdown,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use fob_api::{
    Error,
    address::{BUS_NAME, OBJECT_PATH},
};
use tokio::{
    net::{UnixListener, UnixStream},
    runtime::{Handle, Runtime},
    sync::{oneshot, watch},
    task::{JoinHandle, JoinSet},
    time::{sleep, timeout},
};
use zbus::{
    Connection, Guid, MessageStream, connection::Builder, export::futures_core::Stream as _,
    object_server::SignalEmitter,
};

pub use self::door::Door;
use self::lean::Served;
use crate::{
    access::Caller,
    audit::{Audit, Event, Field, Name},
    bus::{CallerSource, Fob},
    engine::Engine,
    store::Store,
};

/// How long a caller may take to say who it is (threats.md D11).
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Most connections at once on the peer socket. The oldest that waits for its next call gives way to a
/// new one: somebody types, and makes another one then. If there is none, the oldest does: programs
/// of root connect for one request, so it is one that somebody forgot.
const CONNECTIONS: usize = 256;
/// Messages that one peer may send on one connection. The D-Bus library keeps every reply until it
/// is read, however many there are: so many are what a peer who never reads can hold (threats.md
/// D11). Programs of root connect for one request; the largest, the list of a million tokens, is
/// about 2 300 calls.
const MESSAGES: u32 = 3_072;
/// Messages of the bus that wait for their turn. Anybody may send one of 32 MiB (dbus-daemon's
/// limit); few of them fit into the queue.
const WAITING: NonZeroUsize = NonZeroUsize::MIN;
/// How long a stop waits for those who are connected. A request takes milliseconds; who waits for the
/// next daemon gives up after 5 s (design: one deadline), and the stop of the store comes on top.
const LAST: Duration = Duration::from_secs(1);
/// First and longest pause before the bus is tried again.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Serves the peer socket until `stop` ends, by this thread and a runtime that has no other; then
/// stops the engine, and waits for `end`. Returns the door, whether the engine could be stopped, and
/// what came of the end: until then whoever is still served gets on.
///
/// A sign-in is handed to no second thread but the store's and waits behind no other work: that is
/// done by the runtime `rest`, on which all other calls are served. (Waking a thread takes as long as
/// the whole decision.)
///
/// # Errors
///
/// The runtime does not take the socket; nobody was served.
pub fn at_the_door<S: Store, T>(
    (runtime, rest): (Runtime, Handle),
    door: Door,
    (engine, audit): (Arc<Engine<S>>, Audit),
    stop: oneshot::Receiver<Infallible>,
    end: impl Future<Output = T>,
) -> io::Result<(Door, Result<(), Error>, T)> {
    let served = runtime.block_on(async {
        let door = peers(door, (Arc::clone(&engine), audit), stop, &rest).await?;
        let stopped = engine.stop().await;
        Ok((door, stopped, end.await))
    });
    // A look-up in a name service that hangs is not waited for.
    runtime.shutdown_background();
    served
}

/// Serves the peer socket until the other end of `stop` is dropped, and then those who are connected
/// already, for a second at most. Returns the door, where those wait who come later: the service
/// manager keeps it open for the next daemon.
async fn peers<S: Store>(
    door: Door,
    (engine, audit): (Arc<Engine<S>>, Audit),
    mut stop: oneshot::Receiver<Infallible>,
    rest: &Handle,
) -> io::Result<Door> {
    let Door { listener, _lock } = door;
    let listener = UnixListener::from_std(listener)?;
    let mut served: VecDeque<Guest> = VecDeque::new();
    // It names the server, not a connection ("UUIDs", D-Bus Specification).
    let guid: Arc<str> = Guid::generate().as_str().into();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                served.retain(|guest| !guest.task.is_finished());
                if served.len() >= CONNECTIONS {
                    give_way(&mut served);
                }
                let (engine, guid, rest) = (Arc::clone(&engine), Arc::clone(&guid), rest.clone());
                let (stop, going_on) = watch::channel(());
                let is_idle = Arc::new(AtomicBool::new(false));
                let seat = Seat { going_on, is_idle: Arc::clone(&is_idle) };
                // Boxed: a task is moved several times, and this one has thousands of bytes.
                let serving = Box::pin(async move {
                    // A caller that breaks the protocol harms only its own connection.
                    let _ = peer(stream, guid, engine, &rest, seat).await;
                });
                if let Some(serving) = begun(serving).await {
                    served.push_back(Guest { task: tokio::spawn(serving), is_idle, _stop: stop });
                }
            }
            Err(error) => {
                // Out of descriptors, most likely: let some connections end first.
                audit.record(
                    &Event::new(Name::Trouble)
                        .with(Field::What, "accept")
                        .with(Field::Error, error),
                );
                tokio::select! {
                    biased;
                    _ = &mut stop => break,
                    () = sleep(PAUSES.0) => {}
                }
            }
        }
    }
    all_gone(served).await;
    Ok(Door { listener: listener.into_std()?, _lock })
}

/// Tells all that there is a stop, and waits until they are gone, for a second at most: who is not
/// served by then holds a connection that is of no use to him.
async fn all_gone(served: VecDeque<Guest>) {
    let tasks: Vec<_> = served.into_iter().map(|guest| guest.task).collect();
    let all = async {
        for task in tasks {
            // One that was ended, or has panicked, is over too.
            let _ = task.await;
        }
    };
    let _ = timeout(LAST, all).await;
}

/// A connection as the door knows it.
struct Guest {
    task: JoinHandle<()>,
    /// It was answered, and waits for its next call.
    is_idle: Arc<AtomicBool>,
    /// Told to stop when this is dropped.
    _stop: watch::Sender<()>,
}

/// Makes room for a new connection. Who is idle is told to stop, and not cut off: what he has sent just
/// now is answered.
fn give_way(served: &mut VecDeque<Guest>) {
    match served.iter().position(|guest| guest.is_idle.load(Ordering::Relaxed)) {
        Some(place) => drop(served.remove(place)),
        None => {
            if let Some(oldest) = served.pop_front() {
                oldest.task.abort();
            }
        }
    }
}

/// A connection's place among those who are served.
struct Seat {
    /// Nothing is ever sent: a stop is that nobody is there any more who could.
    going_on: watch::Receiver<()>,
    is_idle: Arc<AtomicBool>,
}

impl Seat {
    /// Waits for a stop.
    async fn stop(&mut self) {
        while self.going_on.changed().await.is_ok() {}
    }
}

/// Does what can be done at once; returns what then waits for something. Most prompts wait for nothing
/// and need no task. A panic ends what panics, as that of a task does.
async fn begun<F: Future<Output = ()> + Unpin>(mut work: F) -> Option<F> {
    let polled = poll_fn(|context| {
        let poll = AssertUnwindSafe(|| Pin::new(&mut work).poll(context));
        Poll::Ready(catch_unwind(poll).unwrap_or(Poll::Ready(())))
    });
    polled.await.is_pending().then_some(work)
}

/// Serves one peer until it hangs up, or has sent too much. Who it is was attested when it
/// connected.
async fn peer<S: Store>(
    stream: UnixStream,
    guid: Arc<str>,
    engine: Arc<Engine<S>>,
    rest: &Handle,
    mut seat: Seat,
) -> io::Result<()> {
    let uid = stream.peer_cred()?.uid();
    let caller = Caller::of(uid);
    let fob = Fob::new(Arc::clone(&engine), CallerSource::Peer(caller)).with_rest_on(rest);
    let fob = Arc::new(fob);
    let stream = match lean::sign_ins(stream, uid, &guid, &fob, &mut seat).await? {
        Served::All => return Ok(()),
        Served::Nothing(stream) => stream.into_std()?,
    };
    // It ends with this task.
    let mut library = JoinSet::new();
    library.spawn_on(by_the_library(stream, guid, engine, caller), rest);
    match library.join_next().await {
        Some(served) => served.map_err(io::Error::other)?.map_err(io::Error::other),
        None => Ok(()),
    }
}

/// Serves a peer who does not begin with a sign-in.
async fn by_the_library<S: Store>(
    stream: std::os::unix::net::UnixStream,
    guid: Arc<str>,
    engine: Arc<Engine<S>>,
    caller: Caller,
) -> zbus::Result<()> {
    let _line = Line(stream.try_clone().map_err(io_error)?);
    let built = Builder::unix_stream(stream)
        .server(&*guid)
        .p2p()
        .serve_at(OBJECT_PATH, Fob::new(engine, CallerSource::Peer(caller)))
        .build();
    let connection =
        timeout(HANDSHAKE, built).await.map_err(|_| io_error(io::ErrorKind::TimedOut.into()))??;
    let mut messages = MessageStream::from(&connection);
    for _ in 0..MESSAGES {
        let next = poll_fn(|context| Pin::new(&mut messages).poll_next(context)).await;
        if !matches!(next, Some(Ok(_))) {
            break;
        }
    }
    Ok(())
}

/// A peer's connection, which ends when this is dropped: the replies that wait for a peer who never
/// reads would keep it open.
struct Line(std::os::unix::net::UnixStream);

impl Drop for Line {
    fn drop(&mut self) {
        // The peer may have hung up already.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// Serves the bus for ever: connects, and again when it went away. The peer socket needs no bus.
pub async fn bus<S: Store>(address: String, engine: Arc<Engine<S>>, audit: Audit) {
    let mut pause = PAUSES.0;
    loop {
        let object = Fob::new(Arc::clone(&engine), CallerSource::Bus);
        let built = Builder::address(address.as_str())
            .serve_at(OBJECT_PATH, object)
            .max_queued(WAITING)
            .name(BUS_NAME)
            .build();
        match timeout(HANDSHAKE, built).await {
            Ok(Ok(connection)) => {
                audit.record(&Event::new(Name::Bus).with(Field::State, "connected"));
                pause = PAUSES.0;
                tokio::select! {
                    () = connection.closed() => {}
                    () = tell_news(&connection, &engine) => {}
                }
                audit.record(&Event::new(Name::Bus).with(Field::State, "gone"));
            }
            Ok(Err(error)) => {
                audit.record(
                    &Event::new(Name::Bus).with(Field::State, "refused").with(Field::Error, error),
                );
            }
            Err(_) => audit.record(&Event::new(Name::Bus).with(Field::State, "silent")),
        }
        sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Tells the bus what is new until it goes away. On the peer socket nothing is told: those who connect
/// there ask for one thing.
async fn tell_news<S: Store>(connection: &Connection, engine: &Engine<S>) {
    if let Ok(emitter) = SignalEmitter::new(connection, OBJECT_PATH) {
        // It ends when the bus takes no notice any more, or with the store, after which there is none.
        let _ = news::tell(|| engine.news().first(), || Fob::<S>::changed(&emitter)).await;
    }
    connection.closed().await;
}

/// Wraps an I/O error for zbus.
fn io_error(error: io::Error) -> zbus::Error {
    zbus::Error::InputOutput(Arc::new(error))
}

#[cfg(test)]
mod tests;
