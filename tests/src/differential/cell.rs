//! What a module did in a scenario: one cell of the table.

use std::{collections::BTreeMap, fmt};

/// How a sign-in ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Got {
    /// `PAM_SUCCESS`.
    Accepted,
    /// `PAM_AUTH_ERR`, `PAM_PERM_DENIED` or `PAM_USER_UNKNOWN`.
    Refused,
    /// `PAM_IGNORE`: the module has nothing to say about this user.
    Ignored,
    /// Any other result. Nobody signs in with it.
    Error,
    /// The host died, or did not end in 20 s.
    Died,
}

impl Got {
    /// Reads a PAM result. The neighbour behind the module answers `PAM_MAXTRIES`, 11.
    pub fn of(code: i64) -> Self {
        match code {
            0 => Self::Accepted,
            6 | 7 | 10 => Self::Refused,
            11 => Self::Ignored,
            _ => Self::Error,
        }
    }
}

/// What a scenario asks of a sign-in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Must {
    /// It is the owner, and he gets in.
    Accept,
    /// Nobody gets in.
    Refuse,
    /// Both are safe.
    Either,
}

/// What is wrong with what a module did.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Fault {
    /// It let somebody in whom it must not.
    Unsafe,
    /// It refused the owner.
    LocksOut,
    /// Codes or seeds can be read where they must not.
    Leaks,
    /// It left something behind.
    Leaves,
    /// It ended the host, or held it up.
    Crashes,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Unsafe => "**unsafe**",
            Self::LocksOut => "**locks out**",
            Self::Leaks => "**leaks**",
            Self::Leaves => "**leaves behind**",
            Self::Crashes => "**crashes**",
        })
    }
}

/// Stands before counts that depend on who was quicker.
pub const ABOUT: &str = "about ";

/// One cell.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    counts: [u32; 5],
    faults: BTreeMap<Fault, u32>,
    remarks: Vec<String>,
    skipped: Option<String>,
    counts_vary: Option<Varies>,
}

/// The counts depend on who was quicker; only the faults are compared.
#[derive(Clone, Copy, Debug)]
struct Varies;

impl Cell {
    /// Returns the cell of a scenario that does not apply, with the reason.
    pub fn skipped(reason: &str) -> Self {
        Self { skipped: Some(reason.to_owned()), ..Self::default() }
    }

    /// Counts a sign-in and judges it.
    pub fn count(&mut self, must: Must, got: Got) {
        self.counts[got as usize] += 1;
        match (must, got) {
            (_, Got::Died) => self.blame(Fault::Crashes),
            (Must::Refuse, Got::Accepted) => self.blame(Fault::Unsafe),
            (Must::Accept, Got::Refused | Got::Ignored | Got::Error) => {
                self.blame(Fault::LocksOut);
            }
            _ => {}
        }
    }

    /// Counts sign-ins at once with one code: one of them gets in.
    pub fn count_one_of(&mut self, gots: &[Got]) {
        for got in gots {
            self.count(Must::Either, *got);
        }
        match gots.iter().filter(|got| **got == Got::Accepted).count() {
            0 => self.blame(Fault::LocksOut),
            1 => {}
            _ => self.blame(Fault::Unsafe),
        }
    }

    /// Notes a fault.
    pub fn blame(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
    }

    /// Adds a word about what was seen. It is shown behind a semicolon, and not compared.
    pub fn remark(&mut self, remark: impl Into<String>) {
        let remark = remark.into();
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    /// Says that the counts depend on who was quicker: only the faults are compared.
    pub fn varies(&mut self) {
        self.counts_vary = Some(Varies);
    }

    /// Returns the faults.
    pub fn faults(&self) -> Vec<Fault> {
        self.faults.keys().copied().collect()
    }

    /// Returns the reason if it does not apply.
    pub fn reason(&self) -> Option<&str> {
        self.skipped.as_deref()
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.skipped.is_some() {
            return formatter.write_str("n/a");
        }
        let mut parts = Vec::new();
        for (fault, times) in &self.faults {
            let times = if *times == 1 || self.counts_vary.is_some() {
                String::new()
            } else {
                format!(" {times} times")
            };
            parts.push(format!("{fault}{times}"));
        }
        let names = ["accepted", "refused", "ignored", "error", "host died"];
        let counted = self.counts.iter().zip(names).filter(|(count, _)| **count > 0);
        let counted: Vec<String> = counted.map(|(count, name)| format!("{count} {name}")).collect();
        let about = if self.counts_vary.is_some() { ABOUT } else { "" };
        parts.push(match counted.join(", ") {
            none if none.is_empty() => "looked at".to_owned(),
            counts => format!("{about}{counts}"),
        });
        let remarks: String = self.remarks.iter().map(|remark| format!("; {remark}")).collect();
        write!(formatter, "{}{remarks}", parts.join(": "))
    }
}
