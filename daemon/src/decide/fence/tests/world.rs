//! Whole lives of a host: clocks that are set, daemons that end well or badly, disks that forget.
//!
//! A badly ended daemon finds its disk as it was at any earlier moment of a run.

use fob_api::Verdict;
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_oneof, proptest};

use super::{BOOT, WALL};
use crate::{
    decide::{
        At, HostClock, Now, Policy,
        fence::{Observed, Reading, Run, start},
        testing::{SoftToken, typed},
        verify::{self, Typed},
    },
    record::{ClockState, Host, State},
};

/// Something that happens.
#[derive(Clone, Copy, Debug)]
enum Deed {
    /// The daemon ends badly, and its disk is as it was that many changes ago.
    Crash { back: usize },
    /// The record of the host is written.
    Keep,
    /// The daemon is started anew, well.
    Restart,
    /// The wall clock is set to be so far ahead of the true time.
    SetClock { ahead: i64 },
    /// Somebody types the code that was shown so many steps ago, a few seconds later.
    SignIn { back: u64, typing: u64 },
    /// Time passes.
    Wait { seconds: u64 },
}

/// Whether the token's clock is learned from accepted codes.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Learning {
    On,
    /// What was known at first stays: the room of the clock model has tests of its own.
    Off,
}

/// What the disk has.
#[derive(Clone)]
struct Disk {
    state: State,
    host: Host,
}

/// A step that was accepted.
#[derive(Clone, Copy, Debug)]
struct Accepted {
    step: u64,
    /// The wall clock then.
    wall: u64,
    /// The disk has forgotten it.
    lost: bool,
}

struct World {
    token: SoftToken,
    learning: Learning,
    /// True Unix seconds; the token's clock shows them.
    time: u64,
    ahead: i64,
    run: Run,
    /// What the disk had after each change, the latest last; while a daemon ran.
    disks: Vec<Disk>,
    accepted: Vec<Accepted>,
}

impl World {
    fn new(learning: Learning, known: i64) -> Self {
        let mut token = SoftToken::clock().ahead(known as f64);
        token.state.clock = token.state.clock.map(|clock| ClockState { seen: WALL, ..clock });
        let clocks =
            Reading { wall: Some(Now(WALL)), boot: BOOT, host_clock: HostClock::Synchronised };
        let run = start(Some(&Host::default()), &clocks).run;
        let disk = Disk { state: token.state.clone(), host: run.record.clone() };
        let (disks, accepted) = (vec![disk], Vec::new());
        Self { token, learning, time: WALL, ahead: 0, run, disks, accepted }
    }

    fn clocks(&self) -> Reading {
        let wall = self.time.checked_add_signed(self.ahead).unwrap();
        let boot = BOOT + (self.time - WALL);
        Reading { wall: Some(Now(wall)), boot, host_clock: HostClock::Synchronised }
    }

    fn happens(&mut self, deed: Deed) {
        match deed {
            Deed::Crash { back } => {
                let index = self.disks.len().saturating_sub(1 + back);
                self.disks.truncate(index + 1);
                self.begin(self.disks[index].clone());
            }
            Deed::Keep => {
                self.look();
                self.write();
            }
            Deed::Restart => {
                self.look();
                let host = self.run.stop(&self.clocks());
                self.begin(Disk { state: self.token.state.clone(), host });
            }
            Deed::SetClock { ahead } => self.ahead = ahead,
            Deed::SignIn { back, typing } => self.sign_in(back, typing),
            Deed::Wait { seconds } => self.time += seconds,
        }
        self.look();
        self.check();
    }

    /// Starts a daemon on what the disk has.
    fn begin(&mut self, disk: Disk) {
        for accepted in &mut self.accepted {
            accepted.lost |= disk.state.last_step < Some(accepted.step);
        }
        self.token.state = disk.state;
        let Observed { run, .. } = start(Some(&disk.host), &self.clocks());
        self.run = run;
        self.write();
    }

    /// Looks at the clocks, as each decision does.
    fn look(&mut self) {
        let Observed { run, raised } = self.run.observe(&self.clocks());
        self.run = run;
        if raised.is_some() {
            self.write();
        }
    }

    fn write(&mut self) {
        let host = self.run.record.clone();
        self.disks.push(Disk { state: self.token.state.clone(), host });
    }

    fn at(&self) -> At<'static> {
        let clocks = self.clocks();
        At {
            now: clocks.wall.unwrap(),
            uptime: self.run.uptime(&clocks),
            host_clock: clocks.host_clock,
            fence: self.run.record.fence.map(Now),
            doubt: None,
            policy: &Policy::DEFAULT,
        }
    }

    fn sign_in(&mut self, back: u64, typing: u64) {
        let code = self.token.code(self.time / 30 - back);
        self.time += typing;
        self.look();
        let at = self.at();
        let decision = self.token.attempt(&typed(Typed::Code(&code)), &at);
        let Some(mut state) = decision.change else { return };
        if self.learning == Learning::Off {
            state.clock = self.token.state.clock;
        }
        self.token.state = state;
        self.write();
        if decision.verdict == Verdict::Accept {
            let step = self.token.state.last_step.unwrap();
            assert!(self.accepted.iter().all(|other| other.step != step), "{step} twice");
            self.accepted.push(Accepted { step, wall: at.now.0, lost: false });
        }
    }

    /// Checks that what was accepted never is again. A clock that was set back behind a code
    /// which the disk has forgotten leaves nothing that could tell of it.
    fn check(&mut self) {
        let at = self.at();
        let fence = at.fence.map_or(0, |fence| fence.0);
        self.accepted.retain(|accepted| !accepted.lost || accepted.wall <= fence);
        let floor = verify::floor(&self.token.opened(), &at);
        for accepted in &self.accepted {
            assert!(accepted.step < floor, "{accepted:?} could be accepted again, from {floor}");
        }
    }
}

/// Lives in which the clocks are right or set by `ahead`.
fn lives(ahead: impl Strategy<Value = i64> + 'static) -> impl Strategy<Value = Vec<Deed>> {
    let sign_in = (0..3_u64, 0..12_u64).prop_map(|(back, typing)| Deed::SignIn { back, typing });
    let deed = prop_oneof![
        4 => sign_in,
        3 => (0..70_u64).prop_map(|seconds| Deed::Wait { seconds }),
        1 => (100..40_000_u64).prop_map(|seconds| Deed::Wait { seconds }),
        2 => (0..6_usize).prop_map(|back| Deed::Crash { back }),
        1 => Just(Deed::Restart),
        1 => Just(Deed::Keep),
        2 => ahead.prop_map(|ahead| Deed::SetClock { ahead }),
    ];
    proptest::collection::vec(deed, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn whatever_the_disk_forgets_and_the_clocks_do_no_step_is_accepted_twice(
        deeds in lives(prop_oneof![-90..90_i64, -100_000..100_000_i64]),
        known in -10..10_i64,
    ) {
        let mut world = World::new(Learning::Off, known);
        deeds.into_iter().for_each(|deed| world.happens(deed));
    }

    #[test]
    fn what_the_disk_forgets_of_a_tokens_clock_lets_no_step_in_twice(
        deeds in lives(Just(0)),
        known in -10..10_i64,
    ) {
        let mut world = World::new(Learning::On, known);
        deeds.into_iter().for_each(|deed| world.happens(deed));
    }
}

#[test]
fn the_worlds_of_these_tests_lose_steps_and_sign_people_in() {
    let mut world = World::new(Learning::On, 0);
    let sign_in = Deed::SignIn { back: 0, typing: 5 };
    for deed in [sign_in, Deed::Wait { seconds: 40 }, sign_in, Deed::Crash { back: 2 }, sign_in] {
        world.happens(deed);
    }
    let lost: Vec<bool> = world.accepted.iter().map(|accepted| accepted.lost).collect();
    assert_eq!(lost, [true, true]);
    world.happens(Deed::Wait { seconds: 90 });
    world.happens(sign_in);
    assert_eq!(world.accepted.len(), 3);
}
