//! What a stack does with right and wrong codes and passwords: it is run in every case that there
//! may be, and a finding says in which of them somebody gets in, or does not. Pure.

mod open;
mod other;
mod page;
mod password;

pub(crate) use password::missing;

use super::{
    Exempts,
    catalog::{Behaviour, behaviour},
    control::Return,
    finding::{Finding, Kind, Place, Severity},
    options,
    pam::{Entry, Module, Stack, What},
    stack::{Run, run},
};

/// Most modules whose result depends on user, host or time, and is tried both ways: 256 cases.
/// Those above fail in every case.
const MAX_TESTS: usize = 8;

/// What has been asked for before PAM is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Before {
    /// sshd has checked a key.
    Key,
    Nothing,
}

/// The right password, or none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Factors {
    /// Every factor of the stack is given.
    All,
    None,
    /// That one alone: somebody whose password only one of the modules knows.
    One(usize),
}

/// One case.
#[derive(Clone, Copy, Debug)]
struct World {
    factors: Factors,
    /// Which tests succeed, a bit for each.
    tests: usize,
    /// What Fob returns.
    fob: Return,
}

/// A stack with what is known of its lines.
pub(crate) struct Bench<'a> {
    service: &'a str,
    entries: &'a [Entry],
    file: &'a str,
    elsewhere: &'a [Place],
    before: Before,
    /// Modules whose file is not there, and what that means for all who call them.
    missing: Vec<bool>,
    kinds: Vec<Behaviour>,
    factors: Vec<usize>,
    tests: Vec<usize>,
    fobs: Vec<usize>,
    exempts: Exempts,
}

impl<'a> Bench<'a> {
    /// Takes a service's stack. `is_missing` tells whether PAM would not find a module.
    pub(crate) fn new(
        service: &'a str,
        stack: &'a Stack,
        before: Before,
        is_missing: &dyn Fn(&Module) -> bool,
    ) -> Self {
        let entries = &stack.entries;
        let kinds: Vec<_> = entries.iter().map(|entry| behaviour(&entry.what)).collect();
        let missing = entries
            .iter()
            .map(|entry| matches!(&entry.what, What::Module(module) if is_missing(module)))
            .collect();
        let all = |wanted: Behaviour| {
            let found = kinds.iter().enumerate().filter(move |(_, kind)| **kind == wanted);
            found.map(|(at, _)| at).collect::<Vec<_>>()
        };
        let fobs = all(Behaviour::Fob);
        let is_both = |at: &usize| entries.get(*at).is_some_and(is_one_field);
        let one_fields = fobs.iter().copied().filter(is_both);
        let mut factors: Vec<usize> =
            all(Behaviour::Factor).into_iter().chain(one_fields).collect();
        factors.sort_unstable();
        let mut tests = all(Behaviour::Test);
        tests.truncate(MAX_TESTS);
        let (file, elsewhere) = (stack.file.as_str(), stack.elsewhere.as_slice());
        let exempts = Exempts::Nobody;
        Self {
            service,
            entries,
            file,
            elsewhere,
            before,
            missing,
            kinds,
            factors,
            tests,
            fobs,
            exempts,
        }
    }

    /// Takes into account whom fobd exempts, whatever the lines say.
    pub(crate) fn exempting(self, exempts: Exempts) -> Self {
        Self { exempts, ..self }
    }

    /// Tells whether the module of Fob stands in the stack.
    pub(crate) fn has_fob(&self) -> bool {
        !self.fobs.is_empty()
    }

    /// Returns what is wrong with a service that asks for codes, or should.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        let Some(&first) = self.fobs.first() else { return vec![self.no_line()] };
        let mut found: Vec<Finding> = Vec::new();
        found.extend(self.nobody_passes());
        for &fob in &self.fobs {
            let opens = self.opens(fob);
            let is_open = opens.is_some();
            found.extend(opens);
            found.extend(self.not_asked(fob));
            found.extend(self.silent(fob));
            if !is_open {
                found.extend(self.code_alone(fob));
                found.extend(self.exempt(fob));
            }
        }
        found.extend(self.twice());
        found.extend(self.hidden());
        if found.iter().all(|finding| finding.severity == Severity::Warns) {
            found.extend(self.order(first));
        }
        found
    }

    /// Runs the stack in a case.
    fn case(&self, world: World) -> Run {
        run(self.entries, &|at| self.returned(at, world))
    }

    fn returned(&self, at: usize, world: World) -> Return {
        if self.missing.get(at).copied().unwrap_or_default() {
            return Return::MODULE_UNKNOWN;
        }
        let given = |yes| if yes { Return::SUCCESS } else { Return::AUTH_ERR };
        let has_factor = match world.factors {
            Factors::All => true,
            Factors::None => false,
            Factors::One(only) => only == at,
        };
        match self.kinds.get(at) {
            Some(Behaviour::Always(result)) => *result,
            Some(Behaviour::Factor) => given(has_factor),
            Some(Behaviour::Fob) if self.flaw(at).is_some() => Return::SERVICE_ERR,
            // It lets nobody past without the password, exempt or not.
            Some(Behaviour::Fob)
                if self.is_one_field(at)
                    && !has_factor
                    && matches!(world.fob, Return::SUCCESS | Return::IGNORE) =>
            {
                Return::AUTH_ERR
            }
            Some(Behaviour::Fob) => world.fob,
            Some(Behaviour::Test) => {
                let bit = self.tests.iter().position(|test| *test == at);
                given(bit.is_some_and(|bit| world.tests >> bit & 1 == 1))
            }
            None => Return::MUST_FAIL,
        }
    }

    /// Returns what the module has against its options.
    fn flaw(&self, at: usize) -> Option<String> {
        self.module(at).and_then(|module| options::flaw(&module.options))
    }

    /// Tells whether some line takes password and code in one field.
    pub(crate) fn has_one_field(&self) -> bool {
        self.fobs.iter().any(|fob| self.is_one_field(*fob))
    }

    fn is_one_field(&self, at: usize) -> bool {
        self.entries.get(at).is_some_and(is_one_field)
    }

    fn module(&self, at: usize) -> Option<&Module> {
        match &self.entries.get(at)?.what {
            What::Module(module) => Some(module),
            _ => None,
        }
    }

    fn place(&self, at: usize) -> Option<Place> {
        self.entries.get(at).map(|entry| entry.place.clone())
    }

    fn name(&self, at: usize) -> &str {
        self.module(at).map_or("this line", Module::name)
    }

    /// Returns the cases with the given factors, all tests failing first.
    fn worlds(&self, factors: &[Factors], fob: Return) -> Vec<World> {
        let count = 1_usize << self.tests.len();
        let tests = |factors: Factors| (0..count).map(move |tests| World { factors, tests, fob });
        factors.iter().copied().flat_map(tests).collect()
    }

    /// Returns who has a right factor, in all ways.
    fn right(&self) -> Vec<Factors> {
        let one = self.factors.iter().map(|factor| Factors::One(*factor));
        std::iter::once(Factors::All).chain(one).collect()
    }

    /// Returns the first case that reaches a line and lets somebody in.
    fn in_through(&self, at: usize, factors: &[Factors], fob: Return) -> Option<World> {
        let passes = |world: &World| {
            let run = self.case(*world);
            run.lets_in() && run.reached.contains(&at)
        };
        self.worlds(factors, fob).into_iter().find(passes)
    }

    fn finding(
        &self,
        (kind, severity): (Kind, Severity),
        place: Option<Place>,
        happens: String,
        fix: &str,
    ) -> Finding {
        let (services, fix) = (vec![self.service.to_owned()], fix.to_owned());
        Finding { kind, severity, services, happens, place, fix }
    }

    fn is_missing(&self, at: usize) -> bool {
        self.missing.get(at).copied().unwrap_or_default()
    }

    fn everything_right(&self) -> Run {
        self.case(World { factors: Factors::All, tests: usize::MAX, fob: Return::SUCCESS })
    }
}

fn is_one_field(entry: &Entry) -> bool {
    let has = |module: &Module| module.options.iter().any(|word| word == options::ONE_FIELD);
    matches!(&entry.what, What::Module(module) if has(module))
}

/// The module's file name.
const FOB: &str = "pam_fob.so";
