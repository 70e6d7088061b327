//! The daemon is away, slow, broken or false: refused, in time, with one sentence.
//!
//! Honest limits: times are bounded from above generously, because the machine is shared.

use std::os::unix::net::UnixStream;
use std::time::Duration;

use fob_tests::bus_bytes::Reply;
use fob_tests::fake_daemon::{Act, verdict};
use fob_tests::pam_host::{Seen, Stage, pam};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket,
};

const SENTENCE: &str = "3 Codes cannot be checked at the moment. Ask your administrator.";
/// A deadline of one second, and the time a busy machine may add.
const IN_TIME: Duration = Duration::from_secs(3);

#[track_caller]
fn assert_refused(seen: &Seen, stage: &Stage) {
    assert_eq!((seen.code(), seen.texts()), (pam::AUTH_ERR, vec![SENTENCE]));
    assert!(seen.took() < IN_TIME, "took {:?}", seen.took());
    let log = stage.log();
    assert!(matches!(&log[..], [line] if line.starts_with("<83>pam_fob[")), "{log:?}");
}

#[test]
fn without_a_daemon_nobody_signs_in() {
    let stage = Stage::new();
    let seen = stage.host("timeout=1").sign_in("123456");
    assert_refused(&seen, &stage);
}

#[test]
fn a_socket_that_nobody_listens_on_refuses() {
    let stage = Stage::new();
    drop(std::os::unix::net::UnixListener::bind(stage.daemon_socket()).unwrap());
    let seen = stage.host("timeout=1").sign_in("123456");
    assert_refused(&seen, &stage);
}

#[test]
fn trouble_is_unavailable_where_the_pam_file_asks_for_that() {
    let stage = Stage::new();
    let seen = stage.host("unavail=authinfo_unavail").sign_in("123456");
    assert_eq!((seen.code(), seen.texts()), (pam::AUTHINFO_UNAVAIL, vec![SENTENCE]));
}

#[test]
fn nullok_without_a_daemon_exempts_nobody() {
    let stage = Stage::new();
    let seen = stage.host("nullok timeout=1").sign_in("123456");
    assert_refused(&seen, &stage);
    assert_eq!(seen.prompts().len(), 1);
}

#[test]
fn a_daemon_that_does_not_accept_is_given_up_in_time() {
    let stage = Stage::new();
    let address = UnixAddr::new(&stage.daemon_socket()).unwrap();
    let hung = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
    bind(std::os::fd::AsRawFd::as_raw_fd(&hung), &address).unwrap();
    listen(&hung, Backlog::new(0).unwrap()).unwrap();
    let _first_in_the_queue = UnixStream::connect(stage.daemon_socket()).unwrap();
    let seen = stage.host("timeout=1").sign_in("123456");
    assert_refused(&seen, &stage);
}

#[test]
fn a_daemon_that_never_answers_is_given_up_in_time() {
    let stage = Stage::new();
    let _daemon = stage.decider(vec![Act::Hang]);
    let seen = stage.host("timeout=1").sign_in("123456");
    // The question before the prompt has used a little of the second.
    assert!(seen.took() >= Duration::from_millis(900), "did not wait: {:?}", seen.took());
    assert_refused(&seen, &stage);
}

#[test]
fn a_daemon_that_dribbles_is_given_up_in_time() {
    let stage = Stage::new();
    let _daemon = stage.decider(vec![Act::Dribble(verdict("accept", Default::default()))]);
    let seen = stage.host("timeout=1").sign_in("123456");
    assert_refused(&seen, &stage);
}

#[test]
fn the_default_deadline_is_five_seconds() {
    let stage = Stage::new();
    let _daemon = stage.decider(vec![Act::Hang]);
    let took = stage.host("").sign_in("123456").took();
    assert!((4500..8000).contains(&took.as_millis()), "took {took:?}");
}

#[test]
fn two_calls_share_one_deadline() {
    let stage = Stage::new();
    let _daemon = stage.daemon(vec![Act::Hang]);
    let seen = stage.host("nullok timeout=1").sign_in("123456");
    assert_refused(&seen, &stage);
}

#[test]
fn a_daemon_that_goes_away_is_a_refusal() {
    for act in [Act::CloseAtOnce, Act::CloseMidCall] {
        let stage = Stage::new();
        let _daemon = stage.decider(vec![act]);
        let seen = stage.host("timeout=1").sign_in("123456");
        assert_refused(&seen, &stage);
    }
}

#[test]
fn a_daemon_that_does_not_believe_the_caller_is_a_refusal() {
    for line in ["REJECTED EXTERNAL\r\n", "ERROR\r\n", "OKAY\r\n", "\r\n"] {
        let stage = Stage::new();
        let _daemon = stage.decider(vec![Act::Line(line)]);
        let seen = stage.host("timeout=1").sign_in("123456");
        assert_refused(&seen, &stage);
    }
}

#[test]
fn noise_in_place_of_an_answer_is_a_refusal() {
    let endless = vec![b'A'; 1 << 16];
    let mut message_of_zeros = b"OK 0123\r\n".to_vec();
    message_of_zeros.extend([0; 4096]);
    for noise in [endless, message_of_zeros] {
        let stage = Stage::new();
        let _daemon = stage.decider(vec![Act::Noise(noise)]);
        let seen = stage.host("timeout=1").sign_in("123456");
        assert_refused(&seen, &stage);
    }
}

type Damage = fn(&mut Vec<u8>);

#[test]
fn a_daemon_that_fails_before_the_prompt_is_a_refusal_after_it() {
    let acts: [fn() -> Act; 4] = [
        || Act::CloseMidCall,
        || Act::error("org.fobd.Fob1.Error.StoreUnavailable"),
        || Act::prompt("password"),
        || Act::Line("REJECTED EXTERNAL\r\n"),
    ];
    for act in acts {
        for answer in ["123456", "12345", ""] {
            let stage = Stage::new();
            let again = (answer == "123456").then_some(Act::CloseMidCall);
            let _daemon = stage.daemon([act()].into_iter().chain(again).collect());
            let seen = stage.host("timeout=1").sign_in(answer);
            assert_eq!(seen.prompts(), ["2 Emergency code: "]);
            assert_eq!((seen.code(), seen.texts()), (pam::AUTH_ERR, vec![SENTENCE]), "{answer}");
        }
    }
}

#[test]
fn a_daemon_that_is_back_while_a_person_types_decides_on_the_code() {
    let stage = Stage::new();
    let _daemon = stage.daemon(vec![Act::CloseAtOnce, Act::verdict("accept")]);
    let seen = stage.host("timeout=1").sign_in("123456");
    assert_eq!((seen.code(), seen.texts().len()), (pam::SUCCESS, 0));
    assert!(stage.log()[0].contains("without the daemon's word"));
}

/// One change each to the bytes of an accept.
#[test]
fn a_damaged_accept_is_a_refusal() {
    let damages: [(&str, Damage); 9] = [
        ("no byte order", |bytes| bytes[0] = b'x'),
        ("the other byte order", |bytes| bytes[0] = b'B'),
        ("a signal", |bytes| bytes[1] = 4),
        ("an error without a name", |bytes| bytes[1] = 3),
        ("another protocol", |bytes| bytes[3] = 2),
        ("a body of 4 GiB", |bytes| bytes[4..8].fill(0xff)),
        ("a body that is too short", |bytes| bytes[4] -= 1),
        ("fields of 64 KiB", |bytes| bytes[12..16].copy_from_slice(&65536_u32.to_le_bytes())),
        ("half of it", |bytes| bytes.truncate(bytes.len() / 2)),
    ];
    for (name, damage) in damages {
        let stage = Stage::new();
        let _daemon = stage.decider(vec![Act::damaged(damage)]);
        let seen = stage.host("timeout=1").sign_in("123456");
        assert_eq!(seen.code(), pam::AUTH_ERR, "{name}");
        assert!(seen.took() < IN_TIME, "{name} took {:?}", seen.took());
    }
}

#[test]
fn a_reply_to_another_call_is_a_refusal() {
    let stage = Stage::new();
    let _daemon = stage.decider(vec![Act::Answer(Box::new(|request| {
        let (user, _, _) = request.verify();
        let values = ("accept", user, fob_api::VerifyDetails::default());
        Reply::to(request.serial + 1, "ssa{sv}", &values).bytes()
    }))]);
    let seen = stage.host("timeout=1").sign_in("123456");
    assert_refused(&seen, &stage);
}

#[test]
fn a_reply_of_another_type_is_a_refusal() {
    let answers: [fn(u32) -> Reply; 5] = [
        |to| Reply::to(to, "s", &"accept"),
        |to| Reply::to(to, "ss", &("accept", "alice")),
        |to| Reply::to(to, "ssa{sv}", &"accept"),
        |to| Reply::to(to, "b", &true),
        |to| Reply::to(to, "ssas", &("accept", "alice", vec!["x"])),
    ];
    for answer in answers {
        let stage = Stage::new();
        let act = Act::Answer(Box::new(move |request| answer(request.serial).bytes()));
        let _daemon = stage.decider(vec![act]);
        let seen = stage.host("timeout=1").sign_in("123456");
        assert_refused(&seen, &stage);
    }
}

#[test]
fn a_verdict_that_does_not_exist_is_a_refusal() {
    for word in ["", "accepted", "ACCEPT", "success"] {
        let stage = Stage::new();
        let _daemon = stage.decider(vec![Act::verdict(word)]);
        let seen = stage.host("timeout=1").sign_in("123456");
        assert_refused(&seen, &stage);
    }
}

#[test]
fn an_error_of_the_daemon_is_a_refusal_and_its_name_is_logged() {
    let stage = Stage::new();
    let _daemon = stage.decider(vec![Act::error("org.fobd.Fob1.Error.StoreUnavailable")]);
    let seen = stage.host("timeout=1").sign_in("123456");
    assert_eq!((seen.code(), seen.texts()), (pam::AUTH_ERR, vec![SENTENCE]));
    assert!(stage.log()[0].contains("org.fobd.Fob1.Error.StoreUnavailable"));
}

#[test]
fn an_oversize_reply_is_refused_at_its_first_bytes() {
    let stage = Stage::new();
    let _daemon = stage.decider(vec![Act::Answer(Box::new(|request| {
        let (user, _, _) = request.verify();
        let ballast = "x".repeat(70_000);
        let values = (
            "accept",
            user,
            std::collections::HashMap::from([("more", zbus::Variant::from(ballast))]),
        );
        Reply::to(request.serial, "ssa{sv}", &values).bytes()
    }))]);
    let seen = stage.host("timeout=1").sign_in("123456");
    assert_refused(&seen, &stage);
}

#[test]
fn a_reply_that_has_grown_within_the_limit_is_understood() {
    let stage = Stage::new();
    let _daemon = stage.decider(vec![Act::Answer(Box::new(|request| {
        let (user, _, _) = request.verify();
        let more =
            std::collections::HashMap::from([("new", zbus::Variant::from("x".repeat(40_000)))]);
        let reply = Reply::to(request.serial, "ssa{sv}", &("accept", user, more));
        [Reply::signal().bytes(), reply.bytes()].concat()
    }))]);
    assert_eq!(stage.host("").sign_in("123456").code(), pam::SUCCESS);
}

#[test]
fn a_big_endian_reply_is_understood() {
    let stage = Stage::new();
    let _daemon = stage.decider(vec![Act::Answer(Box::new(|request| {
        let (user, _, _) = request.verify();
        let values = ("accept", user, fob_api::VerifyDetails::default());
        Reply::in_order(zbus::wire::Endian::Big, request.serial, "ssa{sv}", &values).bytes()
    }))]);
    assert_eq!(stage.host("").sign_in("123456").code(), pam::SUCCESS);
}

#[test]
fn endless_other_messages_are_a_refusal() {
    let stage = Stage::new();
    let _daemon =
        stage.decider(vec![Act::Answer(Box::new(|_| Reply::signal().bytes().repeat(100)))]);
    let seen = stage.host("timeout=1").sign_in("123456");
    assert_refused(&seen, &stage);
}
