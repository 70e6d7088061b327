use super::{Error, ErrorKind};
use crate::{Serial, UserName};

#[test]
fn a_name_leads_back_to_its_kind() {
    for kind in ErrorKind::ALL {
        assert_eq!(ErrorKind::from_name(&kind.name()), Some(kind));
    }
    assert_eq!(ErrorKind::from_name("org.freedesktop.DBus.Error.NoReply"), None);
}

#[test]
fn a_clock_that_is_far_off_is_told_in_hours_and_minutes() {
    let serial = Serial::parse("8A1172").unwrap();
    for (ahead, text) in [(21_599, "5 h 59 min ahead"), (-7_260, "2 h 1 min behind")] {
        let error = Error::ClockFarOff { serial: serial.clone(), ahead };
        assert_eq!(error.to_string(), format!("the clock of token 8A1172 is {text}."));
        assert!(error.hint().unwrap().contains("--accept-clock"));
    }
}

#[test]
fn a_refusal_is_a_fact_and_a_remedy() {
    let error = Error::AlreadyAssigned {
        serial: Serial::parse("8A1172").unwrap(),
        user: UserName::parse("bob").unwrap(),
    };
    assert_eq!(error.to_string(), "token 8A1172 is already assigned to bob.");
    assert!(error.hint().unwrap().contains("fobctl rotate bob"));
}

#[test]
fn a_serial_that_may_be_several_tokens_names_ten_of_them() {
    let serial = |number: usize| Serial::parse(&format!("A-{number}")).unwrap();
    let error = |count: usize| Error::AmbiguousSerial {
        serial: Serial::parse("A1").unwrap(),
        candidates: (0..count).map(serial).collect(),
    };
    assert_eq!(error(2).to_string(), "several tokens read as A1: A-0, A-1.");
    assert!(error(10).to_string().ends_with(", A-9."));
    assert!(error(13).to_string().ends_with(", A-9 and 3 more."));
}
