use fob_api::{LoginSession, Verdict};

use super::{Bearer, Ticket, grant, holds, left};
use crate::{
    decide::{
        At, Policy, Uptime,
        testing::{CLOCK, NOW, SEED, SoftToken, under},
        throttle::Demand,
        verify::Claim,
    },
    record::Token,
};

const UID: u32 = 1000;
const TEN: Policy = Policy { ticket_minutes: 10, ..Policy::DEFAULT };

fn at(policy: &Policy, uptime: u64) -> At<'_> {
    At { uptime: Uptime(uptime), ..under(NOW, policy) }
}

fn token() -> Token {
    SoftToken::new("A1", SEED, CLOCK).token
}

fn bearer(uid: u32, service: &str) -> Bearer<'_> {
    let session = LoginSession::parse(&format!("{uid}:3:1204:88217:34816")).unwrap();
    Bearer { uid, service, session }
}

fn granted() -> Ticket {
    grant(Verdict::Accept, &bearer(UID, "sudo"), &token(), &at(&TEN, 1_000)).unwrap()
}

/// Whether alice's ticket of second 1000 stands for a code.
fn stands(bearer: &Bearer<'_>, token: &Token, claim: Claim, demand: Demand, at: &At<'_>) -> bool {
    holds(&granted(), bearer, (token, claim), demand, at)
}

#[test]
fn by_default_there_are_no_tickets() {
    let policy = Policy::DEFAULT;
    let at = at(&policy, 1_000);
    assert_eq!(grant(Verdict::Accept, &bearer(UID, "sudo"), &token(), &at), None);
    assert!(!stands(&bearer(UID, "sudo"), &token(), Claim::Owner, Demand::Code, &at));
}

#[test]
fn only_an_accepted_code_gives_a_ticket() {
    use Verdict::{Accept, Exempt, Locked, Reject, Replay, Unassigned, Wait};
    for verdict in [Accept, Exempt, Locked, Reject, Replay, Unassigned, Wait(1)] {
        let ticket = grant(verdict, &bearer(UID, "sudo"), &token(), &at(&TEN, 1_000));
        assert_eq!(ticket.is_some(), verdict == Accept, "{verdict:?}");
    }
}

#[test]
fn a_ticket_ends_after_its_minutes_and_not_before() {
    for (uptime, stands_still) in [(1_000, true), (1_599, true), (1_600, false), (u64::MAX, false)]
    {
        let at = at(&TEN, uptime);
        let stands = stands(&bearer(UID, "sudo"), &token(), Claim::Owner, Demand::Code, &at);
        assert_eq!(stands, stands_still, "at {uptime}");
    }
    assert_eq!(left(&granted(), &at(&TEN, 1_001)), 599);
}

#[test]
fn a_ticket_of_a_time_to_come_is_none() {
    let at = at(&TEN, 999);
    assert!(!stands(&bearer(UID, "sudo"), &token(), Claim::Owner, Demand::Code, &at));
}

#[test]
fn sudo_and_polkit_share_tickets_and_no_other_service_has_any() {
    let at = at(&TEN, 1_001);
    let services =
        ["sudo", "sudo-i", "polkit-1", "su", "su-l", "sshd", "login", "cockpit", "", "?"];
    for (n, service) in services.into_iter().enumerate() {
        let bearer = bearer(UID, service);
        let stands = stands(&bearer, &token(), Claim::Owner, Demand::Code, &at);
        assert_eq!(stands, n < 3, "{service}");
        assert_eq!(grant(Verdict::Accept, &bearer, &token(), &at).is_some(), n < 3, "{service}");
    }
}

#[test]
fn root_has_no_ticket() {
    let at = at(&TEN, 1_001);
    assert_eq!(grant(Verdict::Accept, &bearer(0, "sudo"), &token(), &at), None);
    assert!(!stands(&bearer(0, "sudo"), &token(), Claim::Owner, Demand::Code, &at));
}

#[test]
fn who_became_somebody_else_on_a_terminal_has_no_ticket_there() {
    let at = at(&TEN, 1_001);
    let became = Bearer { uid: UID, ..bearer(UID + 1, "sudo") };
    assert_eq!(grant(Verdict::Accept, &became, &token(), &at), None);
    assert!(!stands(&became, &token(), Claim::Owner, Demand::Code, &at));
}

#[test]
fn a_ticket_ends_when_its_token_is_given_taken_or_another_one() {
    let at = at(&TEN, 1_001);
    let changed = Token { epoch: token().epoch + 1, ..token() };
    let other = Token { serial: "B2".to_owned(), ..token() };
    for token in [changed, other] {
        assert!(!stands(&bearer(UID, "sudo"), &token, Claim::Owner, Demand::Code, &at));
    }
}

#[test]
fn a_ticket_is_nothing_to_who_does_not_own_the_token_any_more() {
    let at = at(&TEN, 1_001);
    assert!(!stands(&bearer(UID, "sudo"), &token(), Claim::Nobody, Demand::Code, &at));
}

#[test]
fn while_two_codes_in_a_row_are_asked_for_no_ticket_stands_for_them() {
    let at = at(&TEN, 1_001);
    assert!(!stands(&bearer(UID, "sudo"), &token(), Claim::Owner, Demand::Pair, &at));
}
