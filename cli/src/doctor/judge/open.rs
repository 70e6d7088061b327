//! Who gets in although he should not, by the module's line or past it.

use super::{Before, Behaviour, Bench, FOB, Factors, Finding, Kind, Return, Severity, World};

/// What the module may return to refuse, and libpam in its place (design: return codes); and when.
const REFUSALS: [(Return, &str); 6] = [
    (Return::AUTH_ERR, "With a wrong code"),
    (Return::MODULE_UNKNOWN, "If the module file goes missing, as in a failed upgrade,"),
    (Return::AUTHINFO_UNAVAIL, "While fobd does not answer (with unavail=authinfo_unavail),"),
    (Return::SYSTEM_ERR, "If the module fails (system_err),"),
    (Return::SERVICE_ERR, "If the module refuses its options (service_err),"),
    (Return::CONV_ERR, "If the program cannot ask for the code (conv_err),"),
];

fn when(result: Return) -> &'static str {
    REFUSALS.iter().find(|(refusal, _)| *refusal == result).map_or("", |(_, when)| when)
}

impl Bench<'_> {
    /// Looks for somebody who gets in although Fob says no.
    pub(super) fn opens(&self, fob: usize) -> Option<Finding> {
        let says_unavailable = |option: &String| option == "unavail=authinfo_unavail";
        let may_be = |result| {
            result != Return::AUTHINFO_UNAVAIL
                || self
                    .module(fob)
                    .is_some_and(|module| module.options.iter().any(says_unavailable))
        };
        let refusals = REFUSALS.into_iter().filter(|(result, _)| may_be(*result));
        let (result, world) = refusals.into_iter().find_map(|(result, _)| {
            let nothing = self.in_through(fob, &[Factors::None], result);
            let world = nothing.or_else(|| self.in_through(fob, &self.right(), result));
            world.map(|world| (result, world))
        })?;
        let with = match (world.factors, self.before) {
            (Factors::None, Before::Nothing) => "without a password",
            (Factors::None, Before::Key) => "with the key alone",
            _ => "with the right password alone",
        };
        let fix = "use \"required\" as the control field of pam_fob.so, behind the password.";
        let is_gone = self.is_missing(fob);
        if is_gone || result != Return::AUTH_ERR || self.flaw(fob).is_some() {
            let when = match (is_gone, self.flaw(fob)) {
                (true, _) => "The module file is missing, and".to_owned(),
                (false, Some(flaw)) => format!("The module refuses its line ({flaw}), and"),
                (false, None) => when(result).to_owned(),
            };
            let happens = format!("{when} the user is in {with}.");
            let what = (Kind::MissingOpens, Severity::FailsOpen);
            return Some(self.finding(what, self.place(fob), happens, fix));
        }
        let mut happens = format!("With a wrong code the user is in {with}.");
        if self.before == Before::Nothing && self.is_enough(fob) {
            happens.push_str(" A right code alone is enough, too.");
        }
        let what = (Kind::WrongCodeOpens, Severity::FailsOpen);
        Some(self.finding(what, self.place(fob), happens, fix))
    }

    pub(super) fn is_enough(&self, fob: usize) -> bool {
        self.in_through(fob, &[Factors::None], Return::SUCCESS).is_some()
    }

    /// Looks for somebody who gets in past the line.
    pub(super) fn not_asked(&self, fob: usize) -> Option<Finding> {
        let factors: Vec<Factors> = std::iter::once(Factors::None).chain(self.right()).collect();
        let mut exempted = None;
        for world in self.worlds(&factors, Return::AUTH_ERR) {
            let run = self.case(world);
            let Some(skipper) = run.skipper(fob).filter(|_| run.lets_in()) else { continue };
            if self.fobs.contains(&skipper) || run.reached.iter().any(|at| self.fobs.contains(at)) {
                continue; // asked by another line; its own findings say what comes of that
            }
            match self.kinds.get(skipper) {
                Some(Behaviour::Test) => exempted = exempted.or(Some(skipper)),
                _ => return Some(self.passed_over(fob, skipper, world)),
            }
        }
        exempted.map(|skipper| {
            let happens =
                format!("Who passes {} is in without a code: it skips {FOB}.", self.name(skipper));
            let fix = "if that is not meant, let the line only skip others than pam_fob.so.";
            self.finding((Kind::Exempted, Severity::Warns), self.place(skipper), happens, fix)
        })
    }

    fn passed_over(&self, fob: usize, skipper: usize, world: World) -> Finding {
        let who = match world.factors {
            Factors::None => "everybody is in",
            _ => "the right password is enough",
        };
        let line = self.place(fob).map(|place| place.to_string()).unwrap_or_default();
        let happens = format!(
            "No code is asked for: {} ends the stack, {who}, and {FOB} ({line}) is never reached.",
            self.name(skipper)
        );
        let fix = "take the file in by \"substack\" or \"@include\" instead of \"include\", or \
            use \"required\" in the line that ends the stack; pam_fob.so stands behind it.";
        self.finding((Kind::NotAsked, Severity::FailsOpen), self.place(skipper), happens, fix)
    }
}
