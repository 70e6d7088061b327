//! The benchmarks of whole sign-ins: the real module and daemon beside google-authenticator,
//! `pam_oath`, `pam_permit` and the floors, all in one run (`tests/bench/README.md`).
//!
//! Never a timed test: nothing here passes or fails by how long something took.

#![allow(
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program of the tests: what fails ends it"
)]

mod bursts;
mod clock;
mod costs;
mod counts;
mod fill;
mod floors;
mod goals;
mod host;
mod house;
mod load;
mod machine;
mod page;
mod people;
mod profile;
mod programs;
mod rounds;
mod series;
mod table;

use std::{fs, path::PathBuf, time::Duration};

use self::{
    bursts::{Burst, OneCode},
    costs::{Hosted, Served},
    house::House,
    profile::Profile,
    programs::Programs,
    series::Sheet,
};
pub use self::{
    counts::{Counts, count},
    page::{bounds, write},
};

/// The house in which everything but growth is measured.
const USUAL: usize = 1000;

/// What a run measures.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The folder of the release build.
    pub built: PathBuf,
    /// Numbers of tokens, each with its sign-ins of each kind.
    pub sizes: Vec<(usize, usize)>,
    /// Bursts of each contender.
    pub bursts: usize,
    /// Rounds of one code from 64 processes.
    pub one_code: usize,
    /// How long a flood of calls lasts.
    pub flood: Duration,
}

impl Plan {
    /// A minute's worth.
    #[must_use]
    pub fn short(built: PathBuf) -> Self {
        let sizes = vec![(1, 100), (USUAL, 200), (10_000, 60)];
        Self { built, sizes, bursts: 10, one_code: 20, flood: Duration::from_secs(1) }
    }

    /// All that the goals ask for, with a tenth of the sign-ins.
    #[must_use]
    pub fn tenth(built: PathBuf) -> Self {
        let full = Self::full(built);
        let sizes = full.sizes.iter().map(|(tokens, rounds)| (*tokens, (rounds / 10).max(40)));
        Self { sizes: sizes.collect(), bursts: full.bursts / 10, ..full }
    }

    /// All that the goals ask for.
    #[must_use]
    pub fn full(built: PathBuf) -> Self {
        let sizes = [(1, 1000), (USUAL, 2000), (10_000, 1000), (100_000, 400), (1_000_000, 100)];
        let flood = Duration::from_secs(3);
        Self { built, sizes: sizes.to_vec(), bursts: 100, one_code: 1000, flood }
    }
}

/// Verdicts, and commits of the store alone, per second.
#[derive(Clone, Copy, Debug)]
struct Load {
    peer: f64,
    store: f64,
}

/// All that a run has measured.
#[derive(Default)]
struct Results {
    sheets: Vec<Sheet>,
    bursts: Vec<Burst>,
    one_code: OneCode,
    hosted: Vec<Hosted>,
    served: Served,
    profile: Profile,
    load: Option<Load>,
    module_size: u64,
    counts: Counts,
}

/// Measures, and returns the tables.
#[must_use]
pub fn run(plan: &Plan) -> String {
    let programs = Programs::new(&plan.built);
    let about = machine::about(&programs.ground);
    let module_size = fs::metadata(&programs.module).unwrap().len();
    let counts = count(&plan.built);
    let mut results = Results { module_size, counts, ..Results::default() };
    for (tokens, rounds) in &plan.sizes {
        eprintln!("{tokens} tokens: laying them down");
        let mut house = House::open(&programs, *tokens, &[]);
        eprintln!("{tokens} tokens: measuring");
        let mut sheet = Sheet::new(*tokens);
        rounds::right(&mut house, &mut sheet, *rounds);
        rounds::wrong(&mut house, &mut sheet, rounds / 4);
        if *tokens == USUAL {
            usual(plan, &mut house, &mut sheet, &mut results);
        }
        results.sheets.push(sheet);
    }
    page::tables(&about, &results)
}

/// Measures what does not depend on the number of tokens.
fn usual(plan: &Plan, house: &mut House, sheet: &mut Sheet, results: &mut Results) {
    for at_once in [1, 8, 64] {
        results.bursts.extend(bursts::measure(house, at_once, plan.bursts));
    }
    costs::same(house, sheet, plan.bursts.div_ceil(30));
    results.hosted = costs::hosted(house);
    results.served = costs::served(house);
    results.profile = profile::measure(house);
    let mut pressed = load::Pressed::new();
    let mut loads: Vec<Load> = (0..3)
        .map(|_| Load {
            peer: load::peer(house, &mut pressed, plan.flood),
            store: load::store_alone(house.folder(), plan.flood),
        })
        .collect();
    loads.sort_by(|one, other| (one.peer / one.store).total_cmp(&(other.peer / other.store)));
    results.load = loads.get(1).copied();
    results.one_code = bursts::one_code(house, plan.one_code);
}
