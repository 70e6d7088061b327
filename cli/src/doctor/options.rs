//! The words behind `pam_fob.so`, as the module takes them: one that it does not know makes it
//! refuse everybody (pam-module/src/options.rs). Pure.

/// The words without a value.
const WORDS: [&str; 7] =
    ["debug", "noecho", "nonotice", "nullok", ONE_FIELD, "try_first_pass", "use_first_pass"];
/// Password and code come in one answer, and the module has the password checked itself.
pub(crate) const ONE_FIELD: &str = "one_field";
/// Most seconds of `timeout`.
const MAX_TIMEOUT: u64 = 30;
/// Most bytes of `prompt`.
const MAX_PROMPT: usize = 64;

/// Returns why the module would refuse its line; `None` if it takes it.
pub(crate) fn flaw(options: &[String]) -> Option<String> {
    let mut seen: Vec<&str> = Vec::new();
    for option in options {
        let name = option.split_once('=').map_or(option.as_str(), |(name, _)| name);
        if seen.contains(&name) {
            return Some(format!("the option {name} stands twice"));
        }
        if let Some(flaw) = flaw_of(option) {
            return Some(flaw);
        }
        seen.push(name);
    }
    let has = |name: &str| seen.contains(&name);
    match (has("try_first_pass"), has("use_first_pass"), has(ONE_FIELD)) {
        (true, true, _) => {
            Some("the options try_first_pass and use_first_pass exclude each other".to_owned())
        }
        (true, _, true) | (_, true, true) => {
            Some("the option one_field takes nothing from the module before".to_owned())
        }
        _ => None,
    }
}

fn flaw_of(option: &str) -> Option<String> {
    let value = |name| Some(format!("the option {name} does not take this value"));
    let (name, given) = match option.split_once('=') {
        Some((name, given)) => (name, Some(given)),
        None => (option, None),
    };
    match (name, given) {
        ("forward_pass", None) => Some("the option forward_pass is not available".to_owned()),
        (name, None) if WORDS.contains(&name) => None,
        ("prompt", Some(text)) if is_prompt(text) => None,
        ("timeout", Some(text)) if is_timeout(text) => None,
        ("unavail", Some("authinfo_unavail")) => None,
        ("prompt" | "timeout" | "unavail" | "forward_pass", _) => value(name),
        (name, Some(_)) if WORDS.contains(&name) => value(name),
        _ => Some(format!("there is no option {name:?}")),
    }
}

fn is_prompt(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_PROMPT && !text.chars().any(char::is_control)
}

fn is_timeout(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && matches!(text.parse(), Ok(1..=MAX_TIMEOUT))
}

#[cfg(test)]
mod tests {
    use super::{MAX_PROMPT, MAX_TIMEOUT, WORDS, flaw};

    fn refused(words: &[&str]) -> bool {
        flaw(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()).is_some()
    }

    /// Its source, up to its tests.
    fn module() -> &'static str {
        let source = include_str!("../../../pam-module/src/options.rs");
        source.split("#[cfg(test)]").next().unwrap()
    }

    #[test]
    fn the_words_and_bounds_are_those_of_the_module() {
        let arms = module().lines().filter_map(|line| {
            let (word, rest) = line.trim().strip_prefix("(\"")?.split_once('"')?;
            rest.starts_with(", None) =>").then_some(word)
        });
        let mut arms: Vec<&str> = arms.filter(|word| *word != "forward_pass").collect();
        arms.sort_unstable();
        assert_eq!(arms, WORDS);
        assert!(module().contains(&format!("MAX_TIMEOUT: u64 = {MAX_TIMEOUT};")));
        assert!(module().contains(&format!("MAX_PROMPT: usize = {MAX_PROMPT};")));
    }

    #[test]
    fn what_the_module_takes_is_taken() {
        for words in [
            &[][..],
            &["prompt=Code of your token: ", "timeout=30", "noecho", "nonotice", "nullok"],
            &["try_first_pass", "unavail=authinfo_unavail", "debug"],
            &["one_field", "nullok", "prompt=Both: "],
        ] {
            assert!(!refused(words), "{words:?}");
        }
    }

    #[test]
    fn what_the_module_refuses_is_refused() {
        for words in [
            &["nul_ok"][..],
            &["nullok=yes"],
            &["timeout=0"],
            &["timeout=31"],
            &["timeout=+5"],
            &["timeout"],
            &["prompt="],
            &["unavail=success"],
            &["forward_pass"],
            &["debug", "debug"],
            &["use_first_pass", "try_first_pass"],
            &["use_first_pass", "one_field"],
            &["one_field", "try_first_pass"],
            &["one_field=6"],
        ] {
            assert!(refused(words), "{words:?}");
        }
    }
}
