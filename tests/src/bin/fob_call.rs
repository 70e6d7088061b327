//! Asks a daemon for things as whoever started it, and prints one outcome for each line of
//! standard output: `ok`, or the name of the error. The tests start it as other users.
//!
//! ```text
//! fob_call bus=ADDRESS|peer=PATH REQUEST...
//! fob_call hold=PATH COUNT
//! ```
//! A request is `METHOD:USER` with sample arguments, or one of the words of `odd`.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a program of the tests: what it prints is its purpose"
)]

#[path = "fob_call/walk.rs"]
mod walk;

use std::{
    collections::HashMap,
    fs::File,
    io::{Read as _, Write as _},
    path::Path,
    pin::Pin,
    sync::Arc,
};

use fob_api::address::{BUS_NAME, INTERFACE, OBJECT_PATH};
use nix::unistd::geteuid;
use zbus::{
    Connection, DBusError as _, Message, MessageStream, Variant,
    connection::Builder,
    export::{futures_core::Stream as _, serde::Serialize},
    wire::{DynamicType, Fd},
};

/// Where the daemon is.
#[derive(Clone, Copy)]
enum Route<'a> {
    Bus(&'a str),
    /// On its own socket: as itself, or telling the daemon to be this uid.
    Peer(&'a str, Option<u32>),
}

/// A connection, and the name to call on it.
struct Caller {
    connection: Connection,
    destination: Option<&'static str>,
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (route, requests) = arguments.split_first().expect("a route");
    if let Some(path) = route.strip_prefix("hold=") {
        return hold(Path::new(path), requests.concat().parse().expect("a number"));
    }
    let route = match route.split_once('=') {
        Some(("bus", address)) => Route::Bus(address),
        Some(("peer", path)) => Route::Peer(path, None),
        Some(("peer-as-root", path)) => Route::Peer(path, Some(0)),
        _ => panic!("{route} is no route"),
    };
    match connect(route).await {
        Ok(caller) => {
            for request in requests {
                println!("{}", caller.ask(request).await);
            }
        }
        Err(error) => {
            let outcome = name(Err(error));
            requests.iter().for_each(|_| println!("connect: {outcome}"));
        }
    }
}

/// Holds so many connections of which nothing is known yet, until standard input ends. Says how
/// many there are.
fn hold(path: &Path, count: usize) {
    let connect = |_| std::os::unix::net::UnixStream::connect(path).ok();
    let mut held: Vec<_> = (0..count).filter_map(connect).collect();
    for stream in &mut held {
        // The first byte of a client, and nothing after it.
        let _ = stream.write_all(b"\0");
    }
    println!("held {}", held.len());
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

async fn connect(route: Route<'_>) -> zbus::Result<Caller> {
    match route {
        Route::Bus(address) => {
            let connection = Builder::address(address).build().await?;
            Ok(Caller { connection, destination: Some(BUS_NAME) })
        }
        Route::Peer(path, claimed) => {
            let stream = std::os::unix::net::UnixStream::connect(Path::new(path))
                .map_err(|error| zbus::Error::InputOutput(Arc::new(error)))?;
            let mut builder = Builder::unix_stream(stream).p2p();
            if let Some(uid) = claimed {
                builder = builder.user_id(uid);
            }
            Ok(Caller { connection: builder.build().await?, destination: None })
        }
    }
}

/// Returns memory that nobody can change, with nothing in it.
fn sealed_memory() -> File {
    use nix::{
        fcntl::{FcntlArg, SealFlag, fcntl},
        sys::memfd::{MFdFlags, memfd_create},
    };
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let memory = File::from(memfd_create("test", flags).expect("memory"));
    let seals = SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW;
    fcntl(&memory, FcntlArg::F_ADD_SEALS(seals)).expect("memory takes seals");
    memory
}

/// Returns what a person calls the outcome.
fn name(outcome: zbus::Result<Message>) -> String {
    match outcome {
        Ok(_) => "ok".to_owned(),
        Err(zbus::Error::MethodError(name, ..)) => name.to_string(),
        Err(zbus::Error::FDO(error)) => error.name().to_string(),
        Err(zbus::Error::InputOutput(error)) => format!("{:?}", error.kind()),
        Err(error) => error.to_string(),
    }
}

impl Caller {
    async fn ask(&self, request: &str) -> String {
        match request.split_once(':') {
            Some(("wrong", method)) => name(self.call(method, &(7_u64, false)).await),
            Some(("large", count)) => self.large(count.parse().expect("a number")).await,
            Some(("verify-own", sign_in)) => {
                let (user, code) = sign_in.split_once('=').expect("a user and a code");
                let none = HashMap::<&str, Variant<'_>>::new();
                name(self.call("Verify", &(user, code, none)).await)
            }
            Some(("walk", how)) => walk::walk(self, how).await,
            Some(("bare", method)) => name(self.call(method, &()).await),
            Some((method, user)) => match self.sample(method, user).await {
                Some(outcome) => name(outcome),
                None => format!("no sample arguments for {method}"),
            },
            None => self.odd(request).await,
        }
    }

    /// Calls a method with arguments that it takes.
    async fn sample(&self, method: &str, user: &str) -> Option<zbus::Result<Message>> {
        let serial = "NO-SUCH-TOKEN";
        let codes = ["123456", "654321"];
        let none = HashMap::<&str, Variant<'_>>::new();
        Some(match method {
            "Assign" | "Rotate" => {
                let options = HashMap::from([("serial_again", Variant::from(serial))]);
                self.call(method, &(user, serial, &codes[..], options)).await
            }
            "Backup" => {
                let file = tempfile::tempfile().expect("a temporary file");
                self.call(method, &(&[1_u8; 32][..], Fd::from(&file))).await
            }
            "Bypass" => {
                let options = HashMap::from([("reason", Variant::from("a test"))]);
                self.call(method, &(user, options)).await
            }
            "Forget" => self.call(method, &(serial, none)).await,
            "Identify" => self.call(method, &("123456", "654321", none)).await,
            "Adopt" | "Import" => {
                let word = if method == "Adopt" { "users.oath" } else { "" };
                let file = File::open("/dev/null").expect("/dev/null opens");
                self.call(method, &(Fd::from(&file), word, none)).await
            }
            "List" => self.call(method, &("", 10_u32, none)).await,
            "Log" | "RevokeTickets" => self.call(method, &(none,)).await,
            "NewRecoveryCodes" => {
                // Root proves nothing; everybody else has to.
                let proof = if geteuid().is_root() { &[][..] } else { &codes[..] };
                self.call(method, &(user, proof, none)).await
            }
            "NewVirtualToken" => {
                let file = tempfile::tempfile().expect("a temporary file");
                self.call(method, &(user, Fd::from(&file), none)).await
            }
            "ReportLost" => self.call(method, &(user, "abcde-fghjk", none)).await,
            "Deactivate" | "Explain" | "Prompt" | "Unlock" => {
                self.call(method, &(user, none)).await
            }
            "Restore" => {
                let file = sealed_memory();
                self.call(method, &(&[1_u8; 32][..], Fd::from(&file), none)).await
            }
            "Resync" => self.call(method, &(user, &codes[..], none)).await,
            "ShowToken" => self.call(method, &(serial,)).await,
            "ShowUser" => self.call(method, &(user,)).await,
            "Rekey" | "Status" | "Tickets" | "VerifyLog" => self.call(method, &()).await,
            "Verify" => self.call(method, &(user, "123456", none)).await,
            _ => return None,
        })
    }

    /// Sends so many calls with a name of 30 MiB and waits for no answer. dbus-daemon takes 32 MiB.
    async fn large(&self, count: u32) -> String {
        let none = HashMap::<&str, Variant<'_>>::new();
        let name = "x".repeat(30 << 20);
        for _ in 0..count {
            let message = Message::method_call(OBJECT_PATH, "Verify")
                .interface(INTERFACE)
                .destination(BUS_NAME)
                .build(&(&name, "123456", &none))
                .expect("a message");
            let sent = self.connection.send(&message).await;
            if let Err(error) = sent {
                return error.to_string();
            }
        }
        "sent".to_owned()
    }

    async fn call<B>(&self, method: &str, body: &B) -> zbus::Result<Message>
    where
        B: Serialize + DynamicType,
    {
        let path = OBJECT_PATH;
        self.connection.call_method(self.destination, path, Some(INTERFACE), method, body).await
    }

    /// Does what is not a method of the daemon's interface.
    async fn odd(&self, request: &str) -> String {
        let none = None::<&str>;
        let properties = Some("org.freedesktop.DBus.Properties");
        let (to, at, connection) = (self.destination, OBJECT_PATH, &self.connection);
        name(match request {
            "get" => {
                connection.call_method(to, at, properties, "Get", &(INTERFACE, "Version")).await
            }
            "get-all" => connection.call_method(to, at, properties, "GetAll", &(INTERFACE,)).await,
            "set" => {
                let body = (INTERFACE, "Version", Variant::from(1_u32));
                connection.call_method(to, at, properties, "Set", &body).await
            }
            "introspect" => {
                let interface = Some("org.freedesktop.DBus.Introspectable");
                connection.call_method(to, at, interface, "Introspect", &()).await
            }
            "ping" => {
                let interface = Some("org.freedesktop.DBus.Peer");
                connection.call_method(to, at, interface, "Ping", &()).await
            }
            "no-interface" => connection.call_method(to, at, none, "Status", &()).await,
            "no-such-method" => self.call("ExportSeeds", &()).await,
            // Replacing an owner is asked for too (D-Bus specification, RequestName, flag 2).
            "own" => self.of_the_bus("", "RequestName", &(BUS_NAME, 2_u32)).await,
            "own-below" => {
                self.of_the_bus("", "RequestName", &("org.fobd.Fob1.Other", 0_u32)).await
            }
            "monitor" => {
                let rules: [&str; 0] = [];
                self.of_the_bus(".Monitoring", "BecomeMonitor", &(&rules[..], 0_u32)).await
            }
            "eavesdrop" => {
                let rule = "type='method_call',eavesdrop='true'";
                self.of_the_bus("", "AddMatch", &(rule,)).await
            }
            "hear" => return self.hear().await,
            "rules" => return self.rules().await,
            _ => panic!("{request} is no request"),
        })
    }

    async fn of_the_bus<B>(&self, part: &str, method: &str, body: &B) -> zbus::Result<Message>
    where
        B: Serialize + DynamicType,
    {
        let interface = format!("org.freedesktop.DBus{part}");
        let bus = "org.freedesktop.DBus";
        let path = "/org/freedesktop/DBus";
        self.connection.call_method(Some(bus), path, Some(interface.as_str()), method, body).await
    }

    /// Adds rules of what to hear until the bus takes no more, and says how many it took.
    async fn rules(&self) -> String {
        for number in 0..100_000 {
            let rule = format!("type='signal',path='/test/n{number}'");
            if let Err(error) = self.of_the_bus("", "AddMatch", &(rule.as_str(),)).await {
                return format!("{number} {}", name(Err(error)));
            }
        }
        "no end".to_owned()
    }

    /// Says `listening`, then returns the names of the signals of `/test` and of the daemon, up to one
    /// called End. It asks for all that the bus lets it ask for.
    async fn hear(&self) -> String {
        let mut stream = MessageStream::from(&self.connection);
        let daemon = format!("type='signal',interface='{INTERFACE}'");
        let mut is_deaf = false;
        for rule in ["type='signal',path='/test'", daemon.as_str()] {
            is_deaf |= self.of_the_bus("", "AddMatch", &(rule,)).await.is_err();
        }
        // The bus may refuse this.
        let all = format!("{daemon},eavesdrop='true'");
        let _ = self.of_the_bus("", "AddMatch", &(all.as_str(),)).await;
        println!("{}", if is_deaf { "deaf" } else { "listening" });
        let mut heard = Vec::new();
        while let Some(Ok(message)) =
            std::future::poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await
        {
            let header = message.header();
            let at = |place: &str| header.path().is_some_and(|path| path.as_str() == place);
            let is_signal = header.message_type() == zbus::message::Type::Signal;
            if !is_signal || !(at("/test") || at(OBJECT_PATH)) {
                continue;
            }
            heard.push(header.member().map(ToString::to_string).unwrap_or_default());
            if heard.last().is_some_and(|name| name == "End") {
                break;
            }
        }
        heard.join(" ")
    }
}
