//! The words after `pam_fob.so` in a PAM file.
//!
//! A word that is not known, stands twice or has a value out of range is an error, never
//! skipped: whoever wrote it meant something (`pam_fob(8)`).

use std::ffi::CStr;
use std::fmt;
use std::time::Duration;

/// Seconds that the daemon may take in all, besides the person's typing.
const DEFAULT_TIMEOUT: u64 = 5;
/// Most seconds that can be given: well below sshd's `LoginGraceTime` of 120 (`sshd_config(5)`).
const MAX_TIMEOUT: u64 = 30;
/// Most bytes of a prompt: it must stay on one line of an 80-column terminal.
const MAX_PROMPT: usize = 64;
const DEFAULT_PROMPT: &str = "Token code: ";
/// The same where password and code are typed together.
const ONE_FIELD_PROMPT: &str = "Password and code: ";

/// What is typed into the one field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Field {
    /// The code; other modules ask for the password.
    Code,
    /// The password, and the code directly behind it (`one_field`).
    PasswordAndCode,
}

/// Whether what is typed is seen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Echo {
    /// Hidden, as a password.
    Hidden,
    /// Seen: a code works once, and typing errors are noticed.
    Shown,
}

/// Where the answer is taken from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Source {
    /// Only from the module before (`PAM_AUTHTOK`).
    Earlier,
    /// From the module before if that can be a code, else from a prompt.
    EarlierOrPrompt,
    /// From a prompt.
    Prompt,
}

/// What becomes of a user without a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tokenless {
    /// The daemon is asked whether he is exempt (`nullok`).
    MayBeExempt,
    /// Refused like everybody with a wrong code.
    Refused,
}

/// Whether a person is told of the sign-in before his.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Notice {
    /// Never (`nonotice`).
    Off,
    /// In the services that show it before a shell.
    On,
}

/// The PAM result for trouble.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unavailable {
    /// `PAM_AUTH_ERR`: no host treats it differently from a wrong code.
    AuthErr,
    /// `PAM_AUTHINFO_UNAVAIL`, for stacks that map it.
    AuthinfoUnavail,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Detail {
    /// Verdicts too.
    Debug,
    /// Trouble only: the daemon logs the verdicts.
    Trouble,
}

/// What the PAM file asks for.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Options {
    pub(crate) prompt: String,
    pub(crate) timeout: Duration,
    pub(crate) echo: Echo,
    pub(crate) field: Field,
    pub(crate) source: Source,
    pub(crate) tokenless: Tokenless,
    pub(crate) notice: Notice,
    pub(crate) unavailable: Unavailable,
    pub(crate) detail: Detail,
}

impl Options {
    /// Parses the words in any order.
    ///
    /// # Errors
    ///
    /// [`OptionError`] for the first word that is not accepted.
    pub(crate) fn parse(words: &[&CStr]) -> Result<Self, OptionError> {
        let mut options = Self {
            prompt: DEFAULT_PROMPT.to_owned(),
            timeout: Duration::from_secs(DEFAULT_TIMEOUT),
            echo: Echo::Shown,
            field: Field::Code,
            source: Source::Prompt,
            tokenless: Tokenless::Refused,
            notice: Notice::On,
            unavailable: Unavailable::AuthErr,
            detail: Detail::Trouble,
        };
        let mut seen: Vec<&str> = Vec::new();
        for word in words {
            let word = word.to_str().map_err(|_| OptionError::NotText)?;
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (word, None),
            };
            if seen.contains(&name) {
                return Err(OptionError::Twice(name.to_owned()));
            }
            options.set(name, value)?;
            seen.push(name);
        }
        if options.field == Field::PasswordAndCode {
            options.fit_one_field(&seen)?;
        }
        Ok(options)
    }

    /// A password is hidden, and comes from nowhere but the prompt.
    fn fit_one_field(&mut self, seen: &[&str]) -> Result<(), OptionError> {
        if self.source != Source::Prompt {
            return Err(OptionError::OneField);
        }
        self.echo = Echo::Hidden;
        if !seen.contains(&"prompt") {
            ONE_FIELD_PROMPT.clone_into(&mut self.prompt);
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), OptionError> {
        match (name, value) {
            ("debug", None) => self.detail = Detail::Debug,
            ("forward_pass", None) => return Err(OptionError::ForwardPass),
            ("noecho", None) => self.echo = Echo::Hidden,
            ("nonotice", None) => self.notice = Notice::Off,
            ("nullok", None) => self.tokenless = Tokenless::MayBeExempt,
            ("one_field", None) => self.field = Field::PasswordAndCode,
            ("prompt", Some(text)) => self.prompt = prompt(text)?,
            ("timeout", Some(text)) => self.timeout = timeout(text)?,
            ("try_first_pass", None) => self.take_from(Source::EarlierOrPrompt)?,
            ("unavail", Some("authinfo_unavail")) => {
                self.unavailable = Unavailable::AuthinfoUnavail;
            }
            ("use_first_pass", None) => self.take_from(Source::Earlier)?,
            ("prompt" | "timeout" | "unavail", _) => {
                return Err(OptionError::Value(name.to_owned()));
            }
            (
                "debug" | "forward_pass" | "noecho" | "nonotice" | "nullok" | "one_field"
                | "try_first_pass" | "use_first_pass",
                Some(_),
            ) => return Err(OptionError::Value(name.to_owned())),
            _ => return Err(OptionError::Unknown(name.to_owned())),
        }
        Ok(())
    }

    fn take_from(&mut self, source: Source) -> Result<(), OptionError> {
        if self.source != Source::Prompt {
            return Err(OptionError::Contradiction);
        }
        self.source = source;
        Ok(())
    }
}

fn prompt(text: &str) -> Result<String, OptionError> {
    if text.is_empty() || text.len() > MAX_PROMPT || text.chars().any(char::is_control) {
        return Err(OptionError::Value("prompt".to_owned()));
    }
    Ok(text.to_owned())
}

fn timeout(text: &str) -> Result<Duration, OptionError> {
    let wrong = || OptionError::Value("timeout".to_owned());
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(wrong()); // u64's parser would take a plus sign
    }
    match text.parse() {
        Ok(seconds @ 1..=MAX_TIMEOUT) => Ok(Duration::from_secs(seconds)),
        _ => Err(wrong()),
    }
}

/// Why a word is not accepted.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum OptionError {
    /// `try_first_pass` and `use_first_pass` together.
    Contradiction,
    /// `forward_pass` is known, and cannot be kept.
    ForwardPass,
    /// Not UTF-8.
    NotText,
    /// `one_field` with a word that takes the code from the module before.
    OneField,
    /// The same word twice.
    Twice(String),
    /// No such word.
    Unknown(String),
    /// The word is known, its value is not.
    Value(String),
}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contradiction => {
                f.write_str("the options try_first_pass and use_first_pass exclude each other")
            }
            Self::ForwardPass => f.write_str(
                "the option forward_pass is not available: pam-bindings 0.4 has no safe call \
                 that sets PAM_AUTHTOK, so the password could not be handed on; one_field checks \
                 it here",
            ),
            Self::OneField => f.write_str(
                "the option one_field asks by itself: take try_first_pass or use_first_pass out",
            ),
            Self::NotText => f.write_str("an option is not UTF-8"),
            Self::Twice(name) => write!(f, "the option {name:?} stands twice"),
            Self::Unknown(name) => write!(f, "there is no option {name:?}"),
            Self::Value(name) => write!(f, "the option {name:?} does not take this value"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;
    use std::time::Duration;

    use super::{Echo, Field, Notice, OptionError, Options, Source, Tokenless, Unavailable};

    fn parse(words: &[&str]) -> Result<Options, OptionError> {
        let words: Vec<CString> = words.iter().map(|w| CString::new(*w).unwrap()).collect();
        Options::parse(&words.iter().map(CString::as_c_str).collect::<Vec<_>>())
    }

    #[test]
    fn without_options_the_prompt_is_shown_and_five_seconds_are_waited() {
        let options = parse(&[]).unwrap();
        assert_eq!(options.prompt, "Token code: ");
        assert_eq!(options.timeout, Duration::from_secs(5));
        assert_eq!(options.echo, Echo::Shown);
        assert_eq!(options.source, Source::Prompt);
        assert_eq!(options.tokenless, Tokenless::Refused);
        assert_eq!(options.notice, Notice::On);
        assert_eq!(options.unavailable, Unavailable::AuthErr);
    }

    #[test]
    fn every_option_is_taken() {
        let options = parse(&[
            "prompt=Code of your token: ",
            "timeout=30",
            "noecho",
            "nonotice",
            "nullok",
            "try_first_pass",
            "unavail=authinfo_unavail",
            "debug",
        ])
        .unwrap();
        assert_eq!(options.prompt, "Code of your token: ");
        assert_eq!(options.timeout, Duration::from_secs(30));
        assert_eq!(options.echo, Echo::Hidden);
        assert_eq!(options.source, Source::EarlierOrPrompt);
        assert_eq!(options.tokenless, Tokenless::MayBeExempt);
        assert_eq!(options.notice, Notice::Off);
        assert_eq!(options.unavailable, Unavailable::AuthinfoUnavail);
    }

    #[test]
    fn one_field_hides_what_is_typed_and_asks_for_both() {
        let options = parse(&["one_field"]).unwrap();
        assert_eq!(options.field, Field::PasswordAndCode);
        assert_eq!((options.echo, options.prompt.as_str()), (Echo::Hidden, "Password and code: "));
        let options = parse(&["prompt=Both: ", "one_field"]).unwrap();
        assert_eq!((options.echo, options.prompt.as_str()), (Echo::Hidden, "Both: "));
    }

    #[test]
    fn one_field_takes_nothing_from_the_module_before() {
        for word in ["use_first_pass", "try_first_pass"] {
            assert_eq!(parse(&["one_field", word]), Err(OptionError::OneField), "{word}");
        }
    }

    #[test]
    fn a_value_out_of_range_is_refused_and_named() {
        let long = format!("prompt={}", "x".repeat(65));
        for word in [
            "timeout",
            "timeout=",
            "timeout=0",
            "timeout=31",
            "timeout=-1",
            "timeout=+5",
            "timeout=5s",
            "timeout=18446744073709551616",
            "prompt",
            "prompt=",
            "prompt=a\nb",
            "prompt=\u{1b}[2J",
            &long,
            "unavail",
            "unavail=",
            "unavail=success",
            "nullok=",
            "nullok=yes",
            "debug=1",
            "noecho=0",
            "nonotice=1",
            "one_field=6",
            "use_first_pass=1",
            "forward_pass=1",
        ] {
            let name = word.split('=').next().unwrap().to_owned();
            assert_eq!(parse(&[word]), Err(OptionError::Value(name)), "{word}");
        }
    }

    #[test]
    fn an_unknown_word_is_refused_and_named() {
        for word in ["", "=", "Debug", "nul_ok", "no_warn", " debug"] {
            let name = word.split('=').next().unwrap().to_owned();
            assert_eq!(parse(&[word]), Err(OptionError::Unknown(name)), "{word}");
        }
    }

    #[test]
    fn a_word_that_stands_twice_is_refused() {
        let twice = |word: &str| Err(OptionError::Twice(word.to_owned()));
        assert_eq!(parse(&["debug", "debug"]), twice("debug"));
        assert_eq!(parse(&["timeout=1", "nullok", "timeout=2"]), twice("timeout"));
    }

    #[test]
    fn options_that_exclude_each_other_are_refused() {
        let words = ["use_first_pass", "try_first_pass"];
        assert_eq!(parse(&words), Err(OptionError::Contradiction));
    }

    #[test]
    fn forward_pass_is_refused_with_the_reason() {
        let error = parse(&["forward_pass"]).unwrap_err();
        assert!(error.to_string().contains("PAM_AUTHTOK"));
    }

    #[test]
    fn a_word_that_is_not_text_is_refused() {
        let word = CString::new(b"prompt=\xff".to_vec()).unwrap();
        assert_eq!(Options::parse(&[&word]), Err(OptionError::NotText));
    }
}
