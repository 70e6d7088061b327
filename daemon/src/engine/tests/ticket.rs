//! Tickets: who is not asked again, where, and what ends that.

use fob_api::{Error, Fate, LoginSession, PromptKind, UserName, Verdict, VerifyContext};

use super::bench::{ALICE, Bench, ROOT};
use crate::{access::Caller, decide::verify::Typed, engine::SignIn};

const HERE: &str = "1000:3:1204:88217:34816";
/// Alice's login, other terminal.
const THERE: &str = "1000:3:1304:90000:34817";

fn context(service: &str, session: &str) -> VerifyContext {
    VerifyContext {
        service: Some(service.to_owned()),
        tty: Some("/dev/pts/0".to_owned()),
        session: LoginSession::parse(session),
        ..VerifyContext::default()
    }
}

impl Bench {
    /// Tickets are good for ten minutes, and alice has the token A1.
    async fn with_tickets() -> Self {
        let mut bench = Self::new().await;
        bench.engine.around.policy.ticket_minutes = 10;
        bench.assign("alice", "A1").await.unwrap();
        bench.advance(30);
        bench
    }

    async fn kind(&self, caller: Caller, user: &str, context: &VerifyContext) -> PromptKind {
        let user = UserName::parse(user).unwrap();
        self.engine.prompt(&SignIn { caller, user: &user, context }).await.unwrap().0
    }

    async fn types(&self, caller: Caller, context: &VerifyContext) -> Verdict {
        let (user, code) = (UserName::parse("alice").unwrap(), self.code("A1", 0));
        let sign_in = SignIn { caller, user: &user, context };
        self.engine.verify(&sign_in, Typed::Code(&code)).await.unwrap().0
    }

    /// What sudo asks alice for at a terminal.
    async fn sudo(&self, session: &str) -> PromptKind {
        self.kind(ROOT, "alice", &context("sudo", session)).await
    }

    /// Alice's code is accepted by sudo at the first terminal.
    async fn with_a_ticket() -> Self {
        let bench = Self::with_tickets().await;
        assert_eq!(bench.types(ROOT, &context("sudo", HERE)).await, Verdict::Accept);
        assert_eq!(bench.sudo(HERE).await, PromptKind::Ticket);
        bench
    }
}

#[tokio::test]
async fn after_an_accepted_code_sudo_and_polkit_do_not_ask_for_ten_minutes() {
    let bench = Bench::with_tickets().await;
    assert_eq!(bench.sudo(HERE).await, PromptKind::Code);
    assert_eq!(bench.types(ROOT, &context("sudo", HERE)).await, Verdict::Accept);
    for service in ["sudo", "sudo-i", "polkit-1"] {
        assert_eq!(bench.kind(ROOT, "alice", &context(service, HERE)).await, PromptKind::Ticket);
    }
    bench.advance(599);
    assert_eq!(bench.sudo(HERE).await, PromptKind::Ticket);
    bench.advance(1);
    assert_eq!(bench.sudo(HERE).await, PromptKind::Code);
}

#[tokio::test]
async fn using_a_ticket_makes_it_no_younger() {
    let bench = Bench::with_a_ticket().await;
    bench.advance(500);
    assert_eq!(bench.sudo(HERE).await, PromptKind::Ticket);
    bench.advance(100);
    assert_eq!(bench.sudo(HERE).await, PromptKind::Code);
}

#[tokio::test]
async fn another_terminal_login_service_or_user_is_asked() {
    let bench = Bench::with_a_ticket().await;
    let later = "1000:3:1204:88218:34816";
    for session in [
        THERE,
        later,
        "1000:4:1204:88217:34816",
        "1000:3:1205:88217:34816",
        "1000:3:1204:88217:34817",
    ] {
        assert_eq!(bench.sudo(session).await, PromptKind::Code, "{session}");
    }
    assert_eq!(bench.sudo("none").await, PromptKind::Code, "without a session");
    let bobs = HERE.replacen("1000", "1001", 1);
    assert_eq!(bench.sudo(&bobs).await, PromptKind::Code, "as alice in bob's login");
    for service in ["su", "sshd", "login"] {
        let kind = bench.kind(ROOT, "alice", &context(service, HERE)).await;
        assert_eq!(kind, PromptKind::Code, "{service}");
    }
    for user in ["bob", "root", "nobody-here"] {
        let kind = bench.kind(ROOT, user, &context("sudo", HERE)).await;
        assert_eq!(kind, PromptKind::Code, "{user}");
    }
}

#[tokio::test]
async fn a_refused_code_and_one_of_a_sign_in_give_no_ticket() {
    let bench = Bench::with_tickets().await;
    assert_eq!(bench.types(ROOT, &context("sshd", HERE)).await, Verdict::Accept);
    assert_eq!(bench.sudo(HERE).await, PromptKind::Code);
    assert_eq!(bench.types(ROOT, &context("sudo", HERE)).await, Verdict::Replay);
    assert_eq!(bench.sudo(HERE).await, PromptKind::Next);
}

#[tokio::test]
async fn a_users_own_program_gets_no_ticket_and_uses_none() {
    let bench = Bench::with_tickets().await;
    assert_eq!(bench.types(ALICE, &context("sudo", HERE)).await, Verdict::Accept);
    assert_eq!(bench.sudo(HERE).await, PromptKind::Code);
    let bench = Bench::with_a_ticket().await;
    assert_eq!(bench.kind(ALICE, "alice", &context("sudo", HERE)).await, PromptKind::Code);
}

#[tokio::test]
async fn without_the_setting_nobody_has_a_ticket() {
    let mut bench = Bench::with_tickets().await;
    bench.engine.around.policy.ticket_minutes = 0;
    assert_eq!(bench.types(ROOT, &context("sudo", HERE)).await, Verdict::Accept);
    assert_eq!(bench.sudo(HERE).await, PromptKind::Code);
}

#[tokio::test]
async fn a_token_that_was_lost_taken_or_replaced_ends_the_tickets_of_its_codes() {
    let bench = Bench::with_a_ticket().await;
    bench.assign("bob", "B2").await.unwrap();
    bench.deactivate("alice", Fate::Lost).await.unwrap();
    assert_eq!(bench.sudo(HERE).await, PromptKind::Code);

    let bench = Bench::with_a_ticket().await;
    bench.deactivate("alice", Fate::Stock).await.unwrap();
    bench.advance(60);
    bench.assign("alice", "A1").await.unwrap();
    assert_eq!(bench.sudo(HERE).await, PromptKind::Code);

    let bench = Bench::with_a_ticket().await;
    bench.rotate("alice", "B2", Fate::Stock).await.unwrap();
    assert_eq!(bench.sudo(HERE).await, PromptKind::Code);
}

#[tokio::test]
async fn tickets_end_with_the_daemon() {
    let bench = Bench::with_a_ticket().await.restarted();
    assert_ne!(bench.sudo(HERE).await, PromptKind::Ticket);
}

#[tokio::test]
async fn tickets_are_listed_and_revoked_by_user_and_all_at_once() {
    let bench = Bench::with_a_ticket().await;
    bench.advance(30);
    assert_eq!(bench.types(ROOT, &context("sudo-i", THERE)).await, Verdict::Accept);
    let listed = bench.engine.tickets(ROOT).await.unwrap();
    let seen: Vec<_> = listed
        .iter()
        .map(|ticket| {
            (ticket.user.as_deref(), ticket.session, ticket.service.as_deref(), ticket.left)
        })
        .collect();
    let (alice, here) = (Some("alice"), Some(3));
    let mut expected =
        [(alice, here, Some("sudo"), Some(570)), (alice, here, Some("sudo-i"), Some(600))].to_vec();
    expected.sort_by_key(|row| seen.iter().position(|other| other == row));
    assert_eq!(seen, expected);

    let bob = UserName::parse("bob").unwrap();
    assert_eq!(bench.engine.revoke_tickets(ROOT, Some(&bob)).await, Ok(0));
    assert_eq!(bench.sudo(HERE).await, PromptKind::Ticket);
    let alice = UserName::parse("alice").unwrap();
    assert_eq!(bench.engine.revoke_tickets(ROOT, Some(&alice)).await, Ok(2));
    assert_eq!(bench.sudo(HERE).await, PromptKind::Code);
    assert!(bench.engine.tickets(ROOT).await.unwrap().is_empty());

    bench.advance(30);
    assert_eq!(bench.types(ROOT, &context("sudo", HERE)).await, Verdict::Accept);
    assert_eq!(bench.engine.revoke_tickets(ROOT, None).await, Ok(1));
    assert_eq!(bench.sudo(HERE).await, PromptKind::Code);
}

#[tokio::test]
async fn revoking_is_an_administrators_and_is_told() {
    let bench = Bench::with_a_ticket().await;
    assert_eq!(
        bench.engine.revoke_tickets(ALICE, None).await,
        Err(Error::NotAuthorized { verb: "tickets" })
    );
    let nobody = UserName::parse("nobody-here").unwrap();
    let refused = bench.engine.revoke_tickets(ROOT, Some(&nobody)).await;
    assert_eq!(refused, Err(Error::NoSuchUser { user: nobody }));
    assert_eq!(bench.sudo(HERE).await, PromptKind::Ticket);
    bench.engine.revoke_tickets(ROOT, None).await.unwrap();
    let lines = bench.lines.lock().unwrap();
    assert!(lines.iter().any(|line| line.starts_with("tickets count=\"1\"")), "{lines:?}");
    let used = lines.iter().find(|line| line.contains("reason=\"ticket\"")).unwrap();
    assert!(used.contains("verdict=\"exempt\"") && used.contains("user=\"alice\""), "{used}");
}
