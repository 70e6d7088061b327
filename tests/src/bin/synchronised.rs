//! synchronised: stands in for systemd-timedated and says that the clock is synchronised, whatever
//! the kernel of the machine that runs the tests says.
//!
//! `synchronised ADDRESS` takes timedated's name on the bus at ADDRESS.

#![allow(clippy::print_stderr, reason = "a program")]

use std::process::ExitCode;

use zbus::connection::Builder;

struct Synchronised;

#[zbus::interface(name = "org.freedesktop.timedate1")]
impl Synchronised {
    #[zbus(property, name = "NTPSynchronized")]
    fn synchronised(&self) -> bool {
        true
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("synchronised: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).ok_or("usage: synchronised ADDRESS")?;
    let connection = Builder::address(address.as_str())
        .serve_at("/org/freedesktop/timedate1", Synchronised)
        .name("org.freedesktop.timedate1")
        .build()
        .await?;
    connection.closed().await;
    Ok(())
}
