//! A random walk over the interface: every method, with arguments of all kinds (threats.md D22).

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    time::{Duration, Instant},
};

use fob_tests::simulation::random::Random;
use zbus::{Message, Variant, wire::Fd};

use super::{Caller, name};

/// The methods of the interface, and two that it does not have.
const METHODS: [&str; 17] = [
    "Assign",
    "Bypass",
    "Deactivate",
    "Export",
    "Forget",
    "Import",
    "List",
    "NewRecoveryCodes",
    "Prompt",
    "Resync",
    "Rotate",
    "ShowToken",
    "ShowUser",
    "Status",
    "Unlock",
    "Verify",
    "",
];
/// The keys of all options.
const KEYS: [&str; 18] = [
    "accept_clock",
    "dry_run",
    "elapsed",
    "fate",
    "ignore_expiry",
    "leave_no_administrator",
    "leave_root_without_mfa",
    "nullok",
    "reason",
    "rhost",
    "seconds",
    "serial",
    "serial_again",
    "service",
    "share",
    "tty",
    "within",
    "no-such-key",
];
/// Texts that mean something, or nearly.
const TEXTS: [&str; 20] = [
    "",
    "root",
    "daemon",
    "nobody",
    "no-such-user",
    "123456",
    " 123-456",
    "123456654321",
    "12345678",
    "abcde-fghjk",
    "WALK-1",
    "lost",
    "stock",
    "unknown",
    "sshd",
    "192.0.2.1",
    "fe80::1%eth0",
    "oath-csv",
    "\u{1b}[2J\n\"\\",
    "\u{661}\u{662}\u{663}\u{664}\u{665}\u{666}",
];

/// Calls on one connection: fobd ends one of root's after 3 072.
const MOST: u64 = 3_000;

type Outcome = zbus::Result<Message>;

/// Walks by `SEED:SECONDS`, and says how far it came.
pub(crate) async fn walk(caller: &Caller, how: &str) -> String {
    let (seed, seconds) = how.split_once(':').expect("a seed and seconds");
    let mut step = Step(Random::new(seed.parse().expect("a seed"), 0));
    let until = Duration::from_secs(seconds.parse().expect("seconds"));
    let (begun, mut calls) = (Instant::now(), 0);
    let mut outcomes: BTreeMap<String, u64> = BTreeMap::new();
    while begun.elapsed() < until && calls < MOST {
        let outcome = name(step.take(caller).await);
        *outcomes.entry(outcome).or_default() += 1;
        calls += 1;
    }
    format!("{calls} calls: {outcomes:?}")
}

struct Step(Random);

impl Step {
    async fn take(&mut self, caller: &Caller) -> Outcome {
        let method = match METHODS[self.below(METHODS.len())] {
            "" => "NoSuchMethod",
            method => method,
        };
        let texts: Vec<String> = (0..self.below(5)).map(|_| self.text()).collect();
        let (first, second) = (self.text(), self.text());
        let options: HashMap<&str, Variant<'_>> =
            (0..self.below(6)).map(|_| (KEYS[self.below(KEYS.len())], self.value())).collect();
        let number = self.0.number() as u32 % 2_000;
        let file = File::open(["/dev/null", "/dev/zero", "/etc/passwd", "/"][self.below(4)]);
        let file = file.expect("these files open");
        match self.below(11) {
            0 => caller.call(method, &()).await,
            1 => caller.call(method, &(first,)).await,
            2 => caller.call(method, &(first, options)).await,
            3 | 4 => caller.call(method, &(first, second, options)).await,
            5 => caller.call(method, &(first, texts, options)).await,
            6 => caller.call(method, &(first, second, texts, options)).await,
            7 => caller.call(method, &(first, number, options)).await,
            8 => caller.call(method, &(Fd::from(&file), second, options)).await,
            9 => caller.call(method, &(self.value(), vec![(number, texts)])).await,
            _ => caller.call(method, &(u64::MAX, true, first.into_bytes())).await,
        }
    }

    fn value(&mut self) -> Variant<'static> {
        let number = self.0.number();
        match self.below(8) {
            0 => Variant::from(number as u32),
            1 => Variant::from(number as u32 % 100_000),
            2 => Variant::from(number.is_multiple_of(2)),
            3 => Variant::from(number.cast_signed()),
            4 => Variant::from(f64::from_bits(number)),
            5 => Variant::from(vec![self.text()]),
            _ => Variant::from(self.text()),
        }
    }

    fn text(&mut self) -> String {
        match self.below(24) {
            0 => "x".repeat(self.below(60_000)),
            1 => (0..self.below(300))
                .filter_map(|_| char::from_u32(self.below(0x3000) as u32 + 1))
                .collect(),
            2 => format!("{:06}", self.below(1_000_000)),
            _ => TEXTS[self.below(TEXTS.len())].to_owned(),
        }
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.0.number() % limit as u64).unwrap_or_default()
    }
}
