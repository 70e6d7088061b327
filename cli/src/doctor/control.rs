//! The control field of a PAM line, as libpam reads it (pam.conf(5); Linux-PAM 1.5,
//! `libpam/pam_misc.c` and `pam_handlers.c`).

/// A PAM result, by the name that control fields have for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Return(pub(crate) &'static str);

impl Return {
    pub(crate) const AUTHINFO_UNAVAIL: Self = Self("authinfo_unavail");
    pub(crate) const AUTH_ERR: Self = Self("auth_err");
    pub(crate) const CONV_ERR: Self = Self("conv_err");
    pub(crate) const IGNORE: Self = Self("ignore");
    pub(crate) const MODULE_UNKNOWN: Self = Self("module_unknown");
    pub(crate) const PERM_DENIED: Self = Self("perm_denied");
    pub(crate) const SERVICE_ERR: Self = Self("service_err");
    pub(crate) const SUCCESS: Self = Self("success");
    pub(crate) const SYSTEM_ERR: Self = Self("system_err");
    /// What libpam takes where it cannot call a module (`PAM_MUST_FAIL_CODE`).
    pub(crate) const MUST_FAIL: Self = Self::PERM_DENIED;
}

/// All names that a control field may have, in libpam's order (`_pam_types.h`).
const RETURNS: [&str; 32] = [
    "success",
    "open_err",
    "symbol_err",
    "service_err",
    "system_err",
    "buf_err",
    "perm_denied",
    "auth_err",
    "cred_insufficient",
    "authinfo_unavail",
    "user_unknown",
    "maxtries",
    "new_authtok_reqd",
    "acct_expired",
    "session_err",
    "cred_unavail",
    "cred_expired",
    "cred_err",
    "no_module_data",
    "conv_err",
    "authtok_err",
    "authtok_recover_err",
    "authtok_lock_busy",
    "authtok_disable_aging",
    "try_again",
    "ignore",
    "abort",
    "authtok_expired",
    "module_unknown",
    "bad_item",
    "conv_again",
    "incomplete",
];

/// What libpam does with a result.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Action {
    Bad,
    Die,
    Done,
    Ignore,
    /// Skips so many modules, one at least.
    Jump(u32),
    Ok,
    Reset,
}

/// What is done with each result of a module.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Control {
    named: Vec<(&'static str, Action)>,
    default: Action,
}

impl Control {
    /// Reads a control field: a word, or what stands between brackets. A word that libpam does not
    /// know makes every result a failure there, and so here.
    pub(crate) fn parse(text: &str) -> Self {
        let of = |success, default| Self {
            named: vec![("success", success), ("new_authtok_reqd", success)],
            default,
        };
        match text.to_ascii_lowercase().as_str() {
            "required" => of(Action::Ok, Action::Bad).with("ignore", Action::Ignore),
            "requisite" => of(Action::Ok, Action::Die).with("ignore", Action::Ignore),
            "optional" => of(Action::Ok, Action::Ignore),
            "sufficient" => of(Action::Done, Action::Ignore),
            _ => pairs(text).unwrap_or_else(Self::bad),
        }
    }

    /// Returns the control that makes every result a failure.
    pub(crate) fn bad() -> Self {
        Self { named: Vec::new(), default: Action::Bad }
    }

    /// Tells whether every result is a failure: the field is wrong, or might as well be.
    pub(crate) fn is_bad(&self) -> bool {
        self.default == Action::Bad && self.named.iter().all(|(_, action)| *action == Action::Bad)
    }

    /// Tells whether PAM refuses where the module does.
    pub(crate) fn refuses(&self) -> bool {
        matches!(self.action(Return::AUTH_ERR), Action::Bad | Action::Die)
    }

    /// Returns what is done with a result.
    pub(crate) fn action(&self, result: Return) -> Action {
        let named = self.named.iter().rev().find(|(name, _)| *name == result.0);
        named.map_or(self.default, |(_, action)| *action)
    }

    /// Returns the most modules that it skips with any result; 0 if it skips none.
    pub(crate) fn longest_jump(&self) -> u32 {
        let actions = self.named.iter().map(|(_, action)| action);
        let jumps = actions.chain([&self.default]).map(|action| match action {
            Action::Jump(count) => *count,
            _ => 0,
        });
        jumps.max().unwrap_or_default()
    }

    fn with(mut self, name: &'static str, action: Action) -> Self {
        self.named.push((name, action));
        self
    }
}

/// Reads `success=ok default=bad`. The first `default` counts: libpam gives it to all results
/// that have no action by then, and a second one finds none left.
fn pairs(text: &str) -> Option<Control> {
    let mut control = Control::bad();
    let mut default = None;
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (name, behind) = rest.split_once('=')?;
        let behind = behind.trim_start();
        let end = behind.find(char::is_whitespace).unwrap_or(behind.len());
        let (word, next) = behind.split_at_checked(end)?;
        let action = action(word)?;
        match name.trim_end() {
            "default" => default = default.or(Some(action)),
            name => {
                let known = RETURNS.into_iter().find(|known| *known == name)?;
                control.named.push((known, action));
            }
        }
        rest = next.trim_start();
    }
    Some(Control { default: default.unwrap_or(Action::Bad), ..control })
}

fn action(word: &str) -> Option<Action> {
    Some(match word {
        "bad" => Action::Bad,
        "die" => Action::Die,
        "done" => Action::Done,
        "ignore" => Action::Ignore,
        "ok" => Action::Ok,
        "reset" => Action::Reset,
        number if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            Action::Jump(number.parse().ok().filter(|count| *count > 0)?)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Action, Control, Return};

    fn action(control: &str, name: &'static str) -> Action {
        Control::parse(control).action(Return(name))
    }

    #[test]
    fn the_four_words_are_what_the_manual_says() {
        for (word, success, ignore, other) in [
            ("required", Action::Ok, Action::Ignore, Action::Bad),
            ("Requisite", Action::Ok, Action::Ignore, Action::Die),
            ("sufficient", Action::Done, Action::Ignore, Action::Ignore),
            ("optional", Action::Ok, Action::Ignore, Action::Ignore),
        ] {
            assert_eq!(action(word, "success"), success, "{word}");
            assert_eq!(action(word, "new_authtok_reqd"), success, "{word}");
            assert_eq!(action(word, "ignore"), ignore, "{word}");
            assert_eq!(action(word, "auth_err"), other, "{word}");
        }
    }

    #[test]
    fn brackets_name_an_action_for_each_result() {
        let control = "success=2 new_authtok_reqd = done  auth_err=die default=ignore ignore=reset";
        for (name, expected) in [
            ("success", Action::Jump(2)),
            ("new_authtok_reqd", Action::Done),
            ("auth_err", Action::Die),
            ("ignore", Action::Reset),
            ("module_unknown", Action::Ignore),
        ] {
            assert_eq!(action(control, name), expected, "{name}");
        }
    }

    #[test]
    fn what_brackets_do_not_name_is_a_failure() {
        assert_eq!(action("success=ok", "ignore"), Action::Bad);
        assert_eq!(action("", "success"), Action::Bad);
    }

    #[test]
    fn a_control_that_cannot_be_read_fails_whatever_comes() {
        for control in
            ["requird", "success=okay", "success=0", "succes=ok", "success", "default=-1"]
        {
            assert!(Control::parse(control).is_bad(), "{control}");
        }
        assert!(!Control::parse("required").is_bad());
    }
}
