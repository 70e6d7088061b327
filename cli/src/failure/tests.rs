use clap::error::ErrorKind as ClapKind;
use fob_api::{Error, ErrorKind, Serial};
use zbus::fdo;

use super::{Failure, FileTrouble, InputTrouble, Refusal, Road};

fn refused(kind: Option<ErrorKind>) -> Failure {
    Failure::Refused(Refusal { kind, fact: "line 1: no.".to_owned(), hint: String::new() })
}

#[test]
fn every_error_of_the_daemon_has_its_exit_status() {
    let table = [
        (ErrorKind::AlreadyAssigned, 1),
        (ErrorKind::AmbiguousCodePair, 1),
        (ErrorKind::AmbiguousSerial, 1),
        (ErrorKind::BadBackup, 5),
        (ErrorKind::BadSeedFile, 5),
        (ErrorKind::Busy, 1),
        (ErrorKind::ClockFarOff, 1),
        (ErrorKind::ClockNotTrusted, 4),
        (ErrorKind::InvalidArgument, 2),
        (ErrorKind::InvalidCode, 1),
        (ErrorKind::InvalidCodePair, 1),
        (ErrorKind::KeyNeeded, 2),
        (ErrorKind::LastAdministrator, 1),
        (ErrorKind::LimitExceeded, 1),
        (ErrorKind::NotAssignable, 1),
        (ErrorKind::NotAssigned, 1),
        (ErrorKind::NotAuthorized, 3),
        (ErrorKind::NoSuchToken, 1),
        (ErrorKind::NoSuchUser, 1),
        (ErrorKind::PassphraseNeeded, 2),
        (ErrorKind::RootOnly, 1),
        (ErrorKind::StoreUnavailable, 4),
        (ErrorKind::TemporarilyUnmodifiable, 1),
        (ErrorKind::VirtualTokensOff, 1),
    ];
    assert_eq!(table.map(|row| row.0), ErrorKind::ALL, "a kind is missing here");
    for (kind, status) in table {
        assert_eq!(refused(Some(kind)).exit_status(), status, "{kind:?}");
    }
}

#[test]
fn an_error_of_a_later_daemon_is_a_refusal() {
    assert_eq!(refused(None).exit_status(), 1);
}

#[test]
fn trouble_of_fobctl_itself_has_its_exit_status() {
    let io = |kind| std::io::Error::from(kind);
    let missing = FileTrouble::Io(io(std::io::ErrorKind::NotFound));
    for (failure, status) in [
        (Failure::File { name: String::new(), trouble: missing }, 5),
        (Failure::File { name: String::new(), trouble: FileTrouble::TooLong }, 5),
        (Failure::Impostor { road: Road::SystemBus, uid: 1000 }, 4),
        (Failure::Input(InputTrouble::Ended), 1),
        (Failure::Input(InputTrouble::TooManyTries), 1),
        (Failure::Input(InputTrouble::SerialDiffers), 1),
        (Failure::Input(InputTrouble::NoConfirmation), 2),
        (Failure::Input(InputTrouble::NotACode(1)), 2),
        (Failure::Input(InputTrouble::SameCode), 2),
        (Failure::Input(InputTrouble::TooFewLines), 2),
        (Failure::Input(InputTrouble::Unreadable), 2),
        (Failure::NameOfSelf { uid: 1000 }, 1),
        (Failure::Output(io(std::io::ErrorKind::BrokenPipe)), 0),
        (Failure::Output(io(std::io::ErrorKind::StorageFull)), 4),
        (Failure::Silence, 4),
        (Failure::Strange, 4),
        (clap::Error::new(ClapKind::UnknownArgument).into(), 2),
        (clap::Error::new(ClapKind::DisplayHelp).into(), 0),
        (clap::Error::new(ClapKind::DisplayVersion).into(), 0),
    ] {
        assert_eq!(failure.exit_status(), status, "{failure:?}");
    }
}

#[test]
fn the_bus_saying_no_is_a_missing_right_and_its_silence_is_not() {
    let status = |error: fdo::Error| Failure::from(zbus::Error::from(error)).exit_status();
    assert_eq!(status(fdo::Error::AccessDenied(String::new())), 3);
    assert_eq!(status(fdo::Error::ServiceUnknown(String::new())), 4);
    assert_eq!(status(fdo::Error::NoReply(String::new())), 4);
    assert_eq!(status(fdo::Error::UnknownMethod(String::new())), 4);
}

#[test]
fn a_reply_error_keeps_its_fact_and_its_hint() {
    let serial = Serial::parse("8A1172").unwrap();
    let failure = Failure::from(wire_error(&Error::NoSuchToken { serial: serial.clone() }));
    assert_eq!(failure.fact(), Error::NoSuchToken { serial: serial.clone() }.to_string());
    assert_eq!(failure.hint(), Error::NoSuchToken { serial }.hint());
    assert_eq!(failure.exit_status(), 1);
}

#[test]
fn a_hostile_fact_cannot_steer_the_terminal() {
    let fact = "line 1: \u{1b}[2J".to_owned();
    let failure = Failure::from(wire_error(&Error::BadSeedFile { fact, hint: String::new() }));
    assert_eq!(failure.of_file("a\nb").fact(), "a\u{fffd}b: line 1: \u{fffd}[2J");
}

#[test]
fn only_a_bad_seed_file_is_named_in_front_of_the_fact() {
    assert_eq!(refused(Some(ErrorKind::BadSeedFile)).of_file("x.csv").fact(), "x.csv: line 1: no.");
    assert_eq!(refused(Some(ErrorKind::RootOnly)).of_file("x.csv").fact(), "line 1: no.");
}

#[test]
fn a_missing_right_is_told_with_the_verb_that_was_typed() {
    let failure = Failure::from(Error::NotAuthorized { verb: "show" }).of_verb("rotate");
    assert_eq!(failure.fact(), "rotate is not yours to do.");
}

/// Returns what a client's call ends with when the daemon replies this error.
fn wire_error(error: &Error) -> zbus::Error {
    let call = zbus::Message::method_call("/", "Call").build(&()).unwrap();
    let name = zbus::names::OwnedErrorName::try_from(error.kind().name()).unwrap();
    let reply = zbus::DBusError::create_reply(error, &call.header()).unwrap();
    zbus::Error::MethodError(name, None, reply)
}
