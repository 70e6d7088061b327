//! accept-all: a false daemon that accepts every code, for tests of who is asked.
//!
//! `accept-all ADDRESS FILE` takes the daemon's name on the bus at ADDRESS and writes one line to
//! FILE for every call.

#![allow(clippy::print_stderr, reason = "a program")]

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::process::ExitCode;

use fob_api::address::{BUS_NAME, OBJECT_PATH};
use zbus::{connection::Builder, wire::OwnedVariant};

struct AcceptAll {
    calls: File,
}

#[zbus::interface(name = "org.fobd.Fob1")]
impl AcceptAll {
    #[zbus(out_args("verdict", "user", "details"))]
    fn verify(
        &mut self,
        user: String,
        _code: &str,
        _context: HashMap<String, OwnedVariant>,
    ) -> (String, String, HashMap<String, OwnedVariant>) {
        let _ = writeln!(self.calls, "verify {user}");
        ("accept".to_owned(), user, HashMap::new())
    }

    #[zbus(out_args("kind", "details"))]
    fn prompt(
        &mut self,
        user: &str,
        _context: HashMap<String, OwnedVariant>,
    ) -> (String, HashMap<String, OwnedVariant>) {
        let _ = writeln!(self.calls, "prompt {user}");
        ("exempt".to_owned(), HashMap::new())
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("accept-all: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let [address, file]: [String; 2] = std::env::args()
        .skip(1)
        .collect::<Vec<_>>()
        .try_into()
        .map_err(|_| "usage: accept-all ADDRESS FILE")?;
    let connection = Builder::address(address.as_str()).build().await?;
    connection.request_name(BUS_NAME).await?;
    // The file's appearance says that calls are taken.
    let calls = OpenOptions::new().create(true).append(true).open(file)?;
    connection.object_server().at(OBJECT_PATH, AcceptAll { calls }).await?;
    connection.closed().await;
    Ok(())
}
