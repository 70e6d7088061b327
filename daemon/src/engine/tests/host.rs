//! The daemon's starts and ends, and the host's clocks.

use std::time::Duration;

use fob_api::{Error, PromptKind, UserName, Verdict, VerifyContext};
use tokio::time::timeout;

use super::bench::{BUTTON_TOKEN, Bench, Fault, ROOT};
use crate::{
    decide::{HostClock, Uptime},
    engine::SignIn,
    record::{self, Ending, Host},
    store::{Freshness, Key, Store},
};

/// A house in which alice has signed in a while ago.
async fn house() -> Bench {
    let bench = Bench::new().await;
    bench.assign("alice", "A1").await.unwrap();
    bench.advance(300);
    bench
}

async fn prompt(bench: &Bench, user: &str, nullok: Option<bool>) -> Result<PromptKind, Error> {
    let context = VerifyContext { nullok, ..VerifyContext::default() };
    let user = UserName::parse(user).unwrap();
    let sign_in = SignIn { caller: ROOT, user: &user, context: &context };
    bench.engine.prompt(&sign_in).await.map(|(kind, _)| kind)
}

/// Tries the code that alice's token shows so many steps from now.
async fn verify(bench: &Bench, ahead: i64) -> Result<Verdict, Error> {
    bench.verify("alice", &bench.code("A1", ahead)).await
}

/// Returns what the store has about the host.
async fn kept(bench: &Bench) -> Host {
    let entry = bench.store.get(&[Key::host()]).await.unwrap().remove(0).unwrap();
    record::decode(entry.key.as_bytes(), &entry.value).unwrap()
}

/// Returns the lines of the log that begin so.
fn said(bench: &Bench, name: &str) -> Vec<String> {
    let lines = bench.lines.lock().unwrap();
    lines.iter().filter(|line| line.starts_with(name)).cloned().collect()
}

#[tokio::test]
async fn after_a_clean_stop_a_fresh_code_works_at_once_and_the_old_one_does_not() {
    let bench = house().await;
    assert_eq!(verify(&bench, 0).await, Ok(Verdict::Accept));
    bench.engine.stop().await.unwrap();
    let bench = bench.restarted();
    bench.engine.start().await.unwrap();
    assert_eq!(prompt(&bench, "alice", None).await, Ok(PromptKind::Code));
    assert_eq!(verify(&bench, 0).await, Ok(Verdict::Replay));
    assert_eq!(verify(&bench, 1).await, Ok(Verdict::Accept));
    assert_eq!(said(&bench, "fence"), [""; 0]);
}

#[tokio::test]
async fn after_an_unclean_stop_the_shown_code_is_refused_and_a_later_one_works() {
    let bench = house().await;
    assert_eq!(verify(&bench, -1).await, Ok(Verdict::Accept));
    let bench = bench.restarted();
    bench.engine.start().await.unwrap();
    assert_eq!(said(&bench, "fence"), ["fence reason=\"unclean_stop\""]);
    assert_eq!(verify(&bench, 0).await, Ok(Verdict::Replay));
    assert_eq!(verify(&bench, 1).await, Ok(Verdict::Replay));
    bench.advance(60);
    assert_eq!(verify(&bench, 0).await, Ok(Verdict::Accept));
}

#[tokio::test]
async fn while_the_fence_is_up_everybody_is_asked_for_the_next_code() {
    let bench = house().await.restarted();
    for seconds in [0, 179] {
        bench.advance(seconds);
        for user in ["alice", "bob", "nobody-of-this-name"] {
            assert_eq!(prompt(&bench, user, None).await, Ok(PromptKind::Next), "{user}");
        }
        assert_eq!(prompt(&bench, "bob", Some(true)).await, Ok(PromptKind::Exempt));
    }
    bench.advance(1);
    assert_eq!(prompt(&bench, "alice", None).await, Ok(PromptKind::Code));
}

#[tokio::test]
async fn the_start_is_on_the_disk_before_anybody_is_answered() {
    let bench = Bench::new().await;
    assert_eq!(kept(&bench).await.ending, Ending::Clean);
    bench.fail_next(Fault::Away);
    assert_eq!(verify(&bench, 0).await, Err(Error::StoreUnavailable));
    let _ = verify(&bench, 0).await.unwrap();
    assert_eq!(kept(&bench).await.ending, Ending::Unclean);
}

#[tokio::test]
async fn after_the_stop_nobody_is_answered() {
    let bench = house().await;
    bench.engine.stop().await.unwrap();
    assert_eq!(kept(&bench).await.ending, Ending::Clean);
    assert_eq!(verify(&bench, 0).await, Err(Error::StoreUnavailable));
    assert_eq!(kept(&bench).await.ending, Ending::Clean);
}

#[tokio::test]
async fn a_jump_of_the_clock_refuses_the_shown_code_and_is_on_the_disk_first() {
    for jump in [-40_i64, 3_600] {
        let bench = house().await;
        let _ = verify(&bench, -3).await.unwrap();
        bench.clock.set_wall(bench.now().checked_add_signed(jump));
        bench.fail_next(Fault::Away);
        assert_eq!(verify(&bench, 0).await, Err(Error::StoreUnavailable), "{jump}");
        bench.fail_next(Fault::ReplyLost);
        assert_eq!(verify(&bench, 0).await, Ok(Verdict::Replay), "{jump}");
        assert_eq!(kept(&bench).await.fence, Some(bench.now()), "{jump}");
        let line = format!("fence reason=\"clock_jump\" jump=\"{jump}\"");
        assert_eq!(said(&bench, "fence"), [line]);
        bench.advance(90);
        assert_eq!(verify(&bench, 0).await, Ok(Verdict::Accept), "{jump}");
    }
}

#[tokio::test]
async fn a_clock_that_was_far_ahead_for_a_while_locks_nobody_out() {
    let bench = house().await;
    let right = bench.now();
    bench.clock.set_wall(Some(right + 315_360_000));
    assert_ne!(verify(&bench, -3).await, Ok(Verdict::Accept));
    bench.clock.set_wall(Some(right));
    let _ = verify(&bench, 0).await.unwrap();
    bench.advance(90);
    assert_eq!(verify(&bench, 0).await, Ok(Verdict::Accept));
}

#[tokio::test]
async fn a_suspended_host_needs_no_fence() {
    let bench = house().await;
    bench.advance(8 * 3_600);
    assert_eq!(verify(&bench, 0).await, Ok(Verdict::Accept));
    assert_eq!(said(&bench, "fence"), [""; 0]);
}

#[tokio::test]
async fn a_second_that_is_repeated_accepts_no_code_twice_and_raises_no_fence() {
    let bench = house().await;
    bench.clock.set_boot(3_600 + 300 + 1);
    assert_eq!(verify(&bench, 0).await, Ok(Verdict::Accept));
    assert_eq!(verify(&bench, 0).await, Ok(Verdict::Replay));
    assert_eq!(said(&bench, "fence"), [""; 0]);
}

#[tokio::test]
async fn a_clock_that_cannot_be_right_is_trouble_and_never_a_verdict() {
    let bench = house().await;
    let _ = verify(&bench, -3).await.unwrap();
    bench.clock.set_host_clock(HostClock::Unsynchronised);
    let right = bench.now();
    for wall in [None, Some(0), Some(1_767_225_599), Some(right - 3_600)] {
        bench.clock.set_wall(wall);
        assert_eq!(verify(&bench, 0).await, Err(Error::ClockNotTrusted), "{wall:?}");
        assert_eq!(prompt(&bench, "alice", None).await, Err(Error::ClockNotTrusted));
        assert_eq!(prompt(&bench, "bob", Some(true)).await, Ok(PromptKind::Exempt));
    }
    bench.clock.set_wall(Some(right));
    bench.advance(90);
    let _ = verify(&bench, -3).await.unwrap();
    bench.advance(90);
    assert_eq!(verify(&bench, 0).await, Ok(Verdict::Accept));
}

#[tokio::test]
async fn a_clock_that_is_not_trusted_is_logged_once_a_minute() {
    let bench = house().await;
    bench.clock.set_wall(None);
    for _ in 0..3 {
        let _ = verify(&bench, 0).await;
    }
    assert_eq!(said(&bench, "clock"), ["clock_not_trusted floor=\"1767225600\""]);
    bench.advance(59);
    let _ = verify(&bench, 0).await;
    assert_eq!(said(&bench, "clock").len(), 1);
    bench.advance(1);
    let _ = verify(&bench, 0).await;
    assert_eq!(said(&bench, "clock").len(), 2);
}

#[tokio::test]
async fn the_uptime_outlives_restarts_and_no_setting_of_the_clock_moves_it() {
    let bench = house().await;
    let _ = verify(&bench, -3).await.unwrap();
    assert_eq!(bench.engine.at().await.unwrap().uptime, Uptime(300));
    bench.clock.set_wall(Some(bench.now() + 30 * 86_400));
    assert_eq!(bench.engine.at().await.unwrap().uptime, Uptime(300));
    bench.advance(100);
    bench.engine.stop().await.unwrap();
    bench.advance(5_000);
    let bench = bench.restarted();
    bench.engine.start().await.unwrap();
    bench.advance(7);
    assert_eq!(bench.engine.at().await.unwrap().uptime, Uptime(407));
}

#[tokio::test]
async fn a_crash_loses_of_the_uptime_what_was_not_kept() {
    let bench = house().await;
    bench.engine.keep().await.unwrap();
    bench.advance(599);
    let bench = bench.restarted();
    assert_eq!(bench.engine.at().await.unwrap().uptime, Uptime(300));
}

/// What a decision may take here, where nothing waits for a disk.
const SOON: Duration = Duration::from_secs(10);

/// Begins to write the record of the host on a disk that hangs, and does something meanwhile.
async fn while_the_record_hangs<T>(bench: &Bench, deed: impl Future<Output = T>) -> T {
    let hung = bench.hang_next_commit();
    let both = async {
        let keep = async {
            let _ = bench.engine.keep().await;
        };
        let deed = async {
            let done = timeout(SOON, deed).await.expect("it waited for the record of the host");
            hung.wait().await;
            done
        };
        // Polled in this order: the record is on its way when the deed begins.
        tokio::join!(biased; keep, deed).1
    };
    timeout(SOON * 2, both).await.expect("the record of the host was never written")
}

#[tokio::test]
async fn a_sign_in_is_decided_while_the_record_of_the_host_is_being_written() {
    let bench = house().await;
    assert_eq!(verify(&bench, -3).await, Ok(Verdict::Reject));
    bench.advance(90);
    let verdict = while_the_record_hangs(&bench, verify(&bench, 0)).await;
    assert_eq!(verdict, Ok(Verdict::Accept));
}

#[tokio::test]
async fn a_record_of_the_host_that_comes_late_takes_no_fence_back() {
    let bench = house().await;
    let _ = verify(&bench, -3).await.unwrap();
    bench.advance(90);
    let jump = async {
        bench.clock.set_wall(Some(bench.now() + 3_600));
        verify(&bench, 0).await
    };
    assert_eq!(while_the_record_hangs(&bench, jump).await, Ok(Verdict::Replay));
    assert_eq!(kept(&bench).await.fence, Some(bench.now()));
}

#[tokio::test]
async fn a_record_of_the_host_that_comes_late_does_not_take_the_clean_end_back() {
    let bench = house().await;
    let _ = verify(&bench, -3).await.unwrap();
    bench.advance(90);
    let ended = while_the_record_hangs(&bench, bench.engine.stop());
    // The record is given up: after the end there is none to write.
    assert_eq!(ended.await, Ok(()));
    assert_eq!(kept(&bench).await.ending, Ending::Clean);
}

#[tokio::test]
async fn codes_work_once_around_the_days_that_break_calendars_and_counters() {
    // 2038-01-19 03:14:07, 2100-03-01, 2106-02-07 06:28:15 and the year 2603 of RFC 6238.
    for day in [2_147_483_647, 4_107_542_400, 4_294_967_295, 20_000_000_000] {
        let bench = Bench::new().await;
        bench.clock.set_wall(Some(day - 200));
        bench.assign("alice", "A1").await.unwrap();
        for _ in 0..8 {
            bench.advance(60);
            assert_eq!(verify(&bench, 0).await, Ok(Verdict::Accept), "about {day}");
            assert_eq!(verify(&bench, 0).await, Ok(Verdict::Replay), "about {day}");
            let alice = UserName::parse("alice").unwrap();
            bench.engine.unlock(ROOT, &alice, None).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_store_that_was_not_closed_raises_a_fence_though_the_daemon_ended_well() {
    let bench = house().await;
    bench.engine.stop().await.unwrap();
    *bench.store.freshness.lock().unwrap() = Freshness::Unclosed;
    let bench = bench.restarted();
    bench.engine.start().await.unwrap();
    assert_eq!(said(&bench, "fence"), ["fence reason=\"unclean_stop\""]);
    assert_eq!(verify(&bench, 0).await, Ok(Verdict::Replay));
}

#[tokio::test]
async fn a_doubtful_store_raises_a_fence_and_asks_a_button_for_two_codes_until_they_came() {
    let bench = house().await;
    bench.import(BUTTON_TOKEN).await.unwrap();
    bench.assign("bob", "H1").await.unwrap();
    assert_eq!(bench.verify("bob", &bench.button(2)).await, Ok(Verdict::Accept));
    bench.engine.stop().await.unwrap();
    *bench.store.freshness.lock().unwrap() = Freshness::Doubtful;
    bench.advance(5);
    let bench = bench.restarted();
    bench.engine.start().await.unwrap();
    assert_eq!(said(&bench, "fence"), ["fence reason=\"doubtful_store\""]);
    assert_eq!(verify(&bench, 0).await, Ok(Verdict::Replay));
    // A good end makes nothing of it undone.
    bench.engine.stop().await.unwrap();
    *bench.store.freshness.lock().unwrap() = Freshness::Fresh;
    let bench = bench.restarted();
    bench.engine.start().await.unwrap();
    bench.advance(5);
    assert_eq!(bench.verify("bob", &bench.button(3)).await, Ok(Verdict::Locked));
    bench.advance(15);
    assert_eq!(bench.verify("bob", &bench.button(4)).await, Ok(Verdict::Accept));
    assert_eq!(bench.verify("bob", &bench.button(5)).await, Ok(Verdict::Accept));
    assert_eq!(bench.verify("bob", &bench.button(3)).await, Ok(Verdict::Reject));
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_no_doubt_last_for_ever() {
    let bench = house().await;
    bench.import(BUTTON_TOKEN).await.unwrap();
    bench.assign("bob", "H1").await.unwrap();
    *bench.store.freshness.lock().unwrap() = Freshness::Doubtful;
    let bench = bench.restarted();
    bench.engine.start().await.unwrap();
    bench.clock.set_wall(bench.now().checked_sub(3_600));
    assert_eq!(bench.verify("bob", &bench.button(2)).await, Ok(Verdict::Locked));
    bench.advance(15);
    assert_eq!(bench.verify("bob", &bench.button(3)).await, Ok(Verdict::Accept));
    assert_eq!(bench.verify("bob", &bench.button(4)).await, Ok(Verdict::Accept));
}
