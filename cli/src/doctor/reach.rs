//! Which services ask for codes, and the lines by which they do.

use super::{
    catalog::is_fob,
    finding::Place,
    ground::Ground,
    pam::{self, Origin, Stack, What},
};

/// A line that calls the module of Fob.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Line {
    pub(crate) place: Place,
    pub(crate) tokenless: Tokenless,
}

/// What a line says about users without a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tokenless {
    /// They are asked.
    Asked,
    /// `nullok`.
    Exempt,
}

/// Returns the lines of a service that call the module; programs without a service of their own get
/// those of `other`.
pub(crate) fn lines(ground: &Ground, service: &str) -> Vec<Line> {
    let plain = service.to_ascii_lowercase();
    let own = Some(plain).filter(|name| !name.contains('/'));
    let stack = own.and_then(|name| pam::stack(ground, &name));
    stack.or_else(|| pam::stack(ground, "other")).map(|stack| of(&stack)).unwrap_or_default()
}

/// Returns the services that have a line of the module, their own or one that they include.
pub(crate) fn services(ground: &Ground) -> Vec<(String, Vec<Line>)> {
    let names = pam::services(ground).into_iter();
    let asking = names.filter_map(|name| {
        let stack = pam::stack(ground, &name).filter(|stack| stack.origin == Origin::Own)?;
        Some((name, of(&stack)))
    });
    asking.filter(|(_, lines)| !lines.is_empty()).collect()
}

fn of(stack: &Stack) -> Vec<Line> {
    let lines = stack.entries.iter().filter_map(|entry| match &entry.what {
        What::Module(module) if is_fob(module) => {
            let tokenless = match module.options.iter().any(|option| option == "nullok") {
                true => Tokenless::Exempt,
                false => Tokenless::Asked,
            };
            Some(Line { place: entry.place.clone(), tokenless })
        }
        _ => None,
    });
    lines.collect()
}
