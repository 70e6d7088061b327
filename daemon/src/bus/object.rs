//! The object that carries the interface, and who calls it.

use std::sync::Arc;

use fob_api::Error;
use tokio::runtime::Handle;
use zbus::{Connection, message::Header};

use super::visitors::{Visitor, Visitors};
use crate::{access::Caller, engine::Engine, store::Store};

/// How the caller of a method is known.
#[derive(Clone, Copy, Debug)]
pub enum CallerSource {
    /// The bus attests the sender's uid.
    Bus,
    /// The kernel attested the peer's uid when it connected (SO_PEERCRED, unix(7)).
    Peer(Caller),
}

/// Largest call in bytes. Codes and names are short, and a seed file comes as a descriptor; the
/// bus itself would let anybody send 32 MiB (dbus-daemon(1), max_message_size).
const LARGEST: u32 = 64 << 10;

/// The object at `/org/fobd/Fob1`.
pub struct Fob<S: Store> {
    pub(super) engine: Arc<Engine<S>>,
    pub(super) source: CallerSource,
    pub(super) visitors: Visitors,
    pub(super) rest: Option<Handle>,
}

impl<S: Store> Fob<S> {
    /// Makes the object for one connection.
    pub fn new(engine: Arc<Engine<S>>, source: CallerSource) -> Self {
        Self { engine, source, visitors: Visitors::default(), rest: None }
    }

    /// Has what is done after a reply done on another runtime than the calls.
    #[must_use]
    pub fn with_rest_on(self, rest: &Handle) -> Self {
        Self { rest: Some(rest.clone()), ..self }
    }

    /// Returns the interface as introspection XML, the form in which
    /// `packaging/dbus/org.fobd.Fob1.xml` publishes it.
    #[must_use]
    pub fn contract(&self) -> String {
        use zbus::object_server::Interface as _;
        let mut xml = String::from(
            "<!DOCTYPE node PUBLIC \"-//freedesktop//DTD D-BUS Object Introspection 1.0//EN\"\n \
             \"http://www.freedesktop.org/standards/dbus/1.0/introspect.dtd\">\n\
             <node name=\"/org/fobd/Fob1\">\n",
        );
        self.introspect_to_writer(&mut xml, 2);
        xml.push_str("</node>\n");
        xml
    }

    /// Returns who calls. Whoever cannot be told is nobody; who is not root may be turned away
    /// while too many others call.
    pub(super) async fn visitor(
        &self,
        header: &Header<'_>,
        connection: &Connection,
    ) -> Result<Visitor, Error> {
        if header.primary().body_len() > LARGEST {
            return Err(Error::InvalidArgument { fact: "a call has at most 64 KiB." });
        }
        match self.source {
            CallerSource::Peer(caller) => self.visitors.known(caller),
            CallerSource::Bus => {
                // Before the bus is asked: whoever floods it must not make us wait for it.
                let place = self.visitors.place();
                self.visitors.seat(attested(header, connection).await?, place)
            }
        }
    }
}

/// Returns the sender's uid as the bus attests it.
async fn attested(header: &Header<'_>, connection: &Connection) -> Result<Caller, Error> {
    const UNKNOWN: Error = Error::NotAuthorized { verb: "call" };
    let sender = header.sender().ok_or(UNKNOWN)?;
    let reply = connection
        .call_method(
            Some("org.freedesktop.DBus"),
            "/org/freedesktop/DBus",
            Some("org.freedesktop.DBus"),
            "GetConnectionUnixUser",
            &sender,
        )
        .await
        .map_err(|_| UNKNOWN)?;
    Ok(Caller::of(reply.body().deserialize().map_err(|_| UNKNOWN)?))
}
