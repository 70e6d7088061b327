//! What is wrong: what would happen at a sign-in, where it stands, how to mend it.

use std::fmt;

/// How bad it is. The worst first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Severity {
    /// Somebody gets in without a factor that should be asked for.
    FailsOpen,
    /// Somebody who should get in does not.
    LocksOut,
    /// Neither, or only some day.
    Warns,
}

impl Severity {
    /// Returns the word in `--json`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::FailsOpen => "fails-open",
            Self::LocksOut => "locks-out",
            Self::Warns => "warns",
        }
    }
}

/// A place in a file.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Place {
    pub(crate) file: String,
    /// Counted from 1; `None` if it is the file itself, or something that it lacks.
    pub(crate) line: Option<u32>,
}

impl Place {
    /// Returns the place of a file as a whole.
    pub(crate) fn of(file: impl Into<String>) -> Self {
        Self { file: file.into(), line: None }
    }

    /// Returns a line of a file.
    pub(crate) fn line(file: impl Into<String>, line: u32) -> Self {
        Self { file: file.into(), line: Some(line) }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.file),
            None => f.write_str(&self.file),
        }
    }
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident => $word:literal,)+) => {
        /// Which mistake it is: part of the interface of `--json`.
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        pub(crate) enum Kind { $($(#[doc = $doc])+ $kind,)+ }

        impl Kind {
            /// Returns the word in `--json`.
            pub(crate) fn word(self) -> &'static str {
                match self { $(Self::$kind => $word,)+ }
            }
        }
    };
}

kinds! {
    /// The same code would be asked for twice.
    AskedTwice => "asked-twice",
    /// The module refuses its options.
    BadOption => "bad-option",
    /// PAM cannot read a line of the stack.
    BrokenLine => "broken-line",
    /// The host's clock is not synchronised.
    ClockNotSynchronised => "clock-not-synchronised",
    /// A right code signs in without any other factor.
    CodeAlone => "code-alone",
    /// The code is asked for before the password.
    CodeFirst => "code-first",
    /// fobd does not answer.
    DaemonSilent => "daemon-silent",
    /// A security module stopped Fob.
    Denied => "denied",
    /// Who passes another module is not asked for a code.
    Exempted => "exempted",
    /// Whom fobd's rules do not ask is refused in spite of them.
    ExemptionLocksOut => "exemption-locks-out",
    /// Whom fobd's rules do not ask gets in without any factor.
    ExemptionOpens => "exemption-opens",
    /// Cockpit's login page would answer the prompt for the code with the password.
    HiddenPrompt => "hidden-prompt",
    /// The key alone signs in over ssh.
    KeyAlone => "key-alone",
    /// AuthenticationMethods names a method that is switched off.
    MethodDisabled => "method-disabled",
    /// A missing module file, or trouble of the module, lets people in.
    MissingOpens => "missing-opens",
    /// PAM's folder lacks the module file.
    ModuleMissing => "module-missing",
    /// The system bus does not know Fob.
    NoBus => "no-bus",
    /// The service asks for no code.
    NoLine => "no-line",
    /// There is no such service.
    NoService => "no-service",
    /// The token store is missing.
    NoStore => "no-store",
    /// Nobody passes the stack.
    NobodyPasses => "nobody-passes",
    /// The code is not asked for, although the module stands in the stack.
    NotAsked => "not-asked",
    /// Users without a token are refused in spite of `nullok`.
    NullokLocksOut => "nullok-locks-out",
    /// Users without a token get in without any factor.
    NullokOpens => "nullok-opens",
    /// fobd asks nobody for a code.
    Observing => "observing",
    /// No folder of a second architecture's PAM holds the module.
    OtherArchitecture => "other-architecture",
    /// sshd answers the prompt with the password.
    PasswordMethod => "password-method",
    /// The password of one-field sign-ins is checked by nothing, or not as it should be.
    PasswordService => "password-service",
    /// Key, password and code are asked for.
    PasswordToo => "password-too",
    /// sshd slows down everybody behind an address.
    Penalties => "penalties",
    /// Others can write or read what they must not.
    Permissions => "permissions",
    /// A profile of pam-auth-update is on, and its file is gone; or it is on, and has no line.
    ProfileStale => "profile-stale",
    /// sshd refuses root whatever he types.
    RootRefused => "root-refused",
    /// A missing module file would not be logged.
    Silent => "silent",
    /// sshd refuses its configuration.
    SshdRefuses => "sshd-refuses",
    /// sshd does not ask PAM.
    UsePamNo => "use-pam-no",
    /// There is no way in when Fob and the disk are broken.
    WithoutWayBack => "without-way-back",
    /// A wrong code lets people in.
    WrongCodeOpens => "wrong-code-opens",
}

/// One mistake.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Finding {
    pub(crate) kind: Kind,
    pub(crate) severity: Severity,
    /// The services that it concerns; none if it is the host's.
    pub(crate) services: Vec<String>,
    /// What would happen at a sign-in, as a sentence or two.
    pub(crate) happens: String,
    pub(crate) place: Option<Place>,
    /// What to do, as a sentence.
    pub(crate) fix: String,
}

/// What was found, and what nobody could look at.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) findings: Vec<Finding>,
    /// The services that were looked at.
    pub(crate) services: Vec<String>,
    /// What was not looked at, and why, as sentences.
    pub(crate) unseen: Vec<String>,
}

impl Report {
    /// Adds a finding; one that is the same but for its service is joined to it, since many
    /// services may include one file.
    pub(crate) fn add(&mut self, finding: Finding) {
        let same = |known: &&mut Finding| {
            known.kind == finding.kind
                && known.place == finding.place
                && known.happens == finding.happens
        };
        match self.findings.iter_mut().find(same) {
            Some(known) => {
                for service in finding.services {
                    if !known.services.contains(&service) {
                        known.services.push(service);
                    }
                }
            }
            None => self.findings.push(finding),
        }
    }

    /// Puts the worst first.
    pub(crate) fn sort(&mut self) {
        self.findings
            .sort_by(|a, b| (a.severity, &a.place, a.kind).cmp(&(b.severity, &b.place, b.kind)));
    }
}

#[cfg(test)]
mod tests {
    use super::{Finding, Kind, Place, Report, Severity};

    fn finding(service: &str, happens: &str) -> Finding {
        Finding {
            kind: Kind::NotAsked,
            severity: Severity::FailsOpen,
            services: vec![service.to_owned()],
            happens: happens.to_owned(),
            place: Some(Place::line("/etc/pam.d/common-auth", 3)),
            fix: String::new(),
        }
    }

    #[test]
    fn what_is_the_same_in_two_services_is_told_once() {
        let mut report = Report::default();
        for service in ["login", "sudo", "login"] {
            report.add(finding(service, "one"));
        }
        report.add(finding("su", "another"));
        let services: Vec<&[String]> =
            report.findings.iter().map(|finding| finding.services.as_slice()).collect();
        assert_eq!(services, [&["login".to_owned(), "sudo".to_owned()][..], &["su".to_owned()]]);
    }
}
