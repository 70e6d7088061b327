//! Where the daemon is found. Compiled in: nothing here is taken from the environment.

/// The well-known name on the system bus.
pub const BUS_NAME: &str = "org.fobd.Fob1";
/// The one object.
pub const OBJECT_PATH: &str = "/org/fobd/Fob1";
/// Its interface.
pub const INTERFACE: &str = "org.fobd.Fob1";
/// What every error name of the interface starts with.
pub const ERROR_PREFIX: &str = "org.fobd.Fob1.Error.";
/// The daemon's own D-Bus peer socket, for callers with uid 0.
pub const PEER_SOCKET: &str = "/run/fobd/bus";
/// The system bus: the path that the D-Bus specification fixes ("System message bus"), at the
/// place where Linux distributions keep it.
pub const SYSTEM_BUS_SOCKET: &str = "/run/dbus/system_bus_socket";
