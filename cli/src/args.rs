//! The command line: verbs, options and their help. A code can be typed in no place of it,
//! because every user of the host can read another's command line.

mod adopt;
mod assign;
mod backup;
mod bypass;
mod doctor;
mod enable;
mod explain;
mod identify;
mod import;
mod log;
mod report;
mod report_lost;
mod tickets;
mod unlock;

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use fob_api::{Batch, Fate, Serial, UserName};

use crate::failure::Failure;
pub(crate) use adopt::From;
pub(crate) use assign::Assign;
pub(crate) use backup::{Backup, Restore};
pub(crate) use bypass::Bypass;
pub(crate) use doctor::Doctor;
pub(crate) use enable::{Asking, Disable, Enable, How, Who};
pub(crate) use explain::Explain;
pub(crate) use identify::Identify;
pub(crate) use import::Import;
pub(crate) use log::Log;
pub(crate) use report::Report;
pub(crate) use report_lost::ReportLost;
pub(crate) use tickets::Tickets;
pub(crate) use unlock::Unlock;

/// Manage the hardware tokens that users sign in with
#[derive(Debug, Parser)]
#[command(
    name = "fobctl",
    version,
    disable_help_subcommand = true,
    subcommand_value_name = "VERB",
    subcommand_help_heading = "Verbs",
    after_help = "\
Examples:
  fobctl import seeds.xml                  put a vendor's tokens in stock
  fobctl assign alice 2300512345           give alice one; asks for two codes
  fobctl rotate alice 2300599999 --lost    she lost it: replace it
  fobctl resync                            your own token is refused: set its clock right

Exit status: 0 done, 1 refused, 2 wrong usage, 3 not authorized, 4 no daemon, 5 bad seed or backup file"
)]
struct CommandLine {
    #[command(subcommand)]
    verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Put the tokens of a vendor's seed file in stock
    #[command(after_help = "\
All tokens of the file are added, or none. A second import of the same file changes nothing.
fobctl asks for the passphrase or key of an encrypted PSKC file.

Examples:
  fobctl import seeds.xml
  fobctl import --dry-run seeds.xml
  fobctl import --batch \"2026-11 Feitian\" seeds.xml
  fobctl import --list-formats             which files it reads, with an example of each
  fobctl import --from google-authenticator --dry-run
  fobctl import --from users.oath /etc/users.oath
  gpg --decrypt seeds.csv.gpg | fobctl import -")]
    Import(Import),
    /// Find out which token it is that has no label any more, by its codes
    #[command(after_help = "\
Only tokens that nobody has are searched: those in stock, lost or retired. Nothing is changed, and
the codes stay unused. One code fits others by chance; fobctl asks for a second where that happened.

Examples:
  fobctl identify
  printf '%s\\n%s\\n' \"$CODE1\" \"$CODE2\" | fobctl identify --json")]
    Identify(Identify),
    /// List the tokens that need a resync or a replacement soon
    #[command(after_help = "\
A token that is used stays in step by itself. This tells of those that were not, of those whose
clock is at fault, and of those that nobody has used for half a year.

Examples:
  fobctl forecast
  fobctl forecast --within 180
  fobctl forecast --json | jq -r '.[].user'")]
    Forecast(Forecast),
    /// List the tokens
    #[command(after_help = "\
Examples:
  fobctl list --state stock
  fobctl list --batch \"2026-11 Feitian\"
  fobctl list --json | jq -r '.[] | select(.state == \"lost\") | .serial'")]
    List(List),
    /// Show what was decided and changed, or check that log
    #[command(after_help = "\
WHEN is 2026-11-22, \"2026-11-22 04:00\" (UTC), Unix seconds, or 30m, 2h, 3d ago.

Examples:
  fobctl log --user alice --since 2d
  fobctl log --event reject --follow
  fobctl log --verify                is every line there, and as it was written?")]
    Log(Log),
    /// Show a user and his tokens, or one token
    #[command(after_help = "\
Examples:
  fobctl show                        yourself
  fobctl show alice
  fobctl show --token 2300512345")]
    Show(Show),
    /// Give a token to a user, proven by two codes in a row
    #[command(after_help = "\
In a terminal fobctl asks for two codes and counts down to the second. Without a terminal it
reads them from standard input, one per line. A virtual token is shown once, as a picture.

Examples:
  fobctl assign alice 2300512345
  fobctl assign alice --virtual      alice has a phone and no token
  printf '%s\\n%s\\n' \"$CODE1\" \"$CODE2\" | fobctl assign alice 2300512345")]
    Assign(Assign),
    /// Set a token's clock right, proven by two codes in a row
    #[command(after_help = "\
Examples:
  fobctl resync                      your own token
  fobctl resync alice")]
    Resync(Resync),
    /// Seal all seeds by a new master key, while sign-ins go on
    #[command(after_help = "\
With a key file, fobd makes the new key and removes the old one when nothing hangs on it. With a
credential, give fobd the new one as master.key and the old one as previous.key, restart it, and
then run this. One that was cut off goes on.

Examples:
  fobctl rekey")]
    Rekey,
    /// Replace a user's token by another, proven by two codes of the new one
    #[command(after_help = "\
The old token goes back to stock unless --lost or --retire is given. The user is never without
a token in between.

Examples:
  fobctl rotate alice 2300599999
  fobctl rotate alice 2300599999 --lost")]
    Rotate(Rotate),
    /// Print ten new recovery codes of a user, once
    #[command(after_help = "\
Each code is good once, at the prompt for the token's code. Your own are proven by two codes of
your token in a row.

Examples:
  fobctl recovery                    your own
  fobctl recovery alice")]
    Recovery(Recovery),
    /// Print a temporary code for a user, once
    #[command(after_help = "\
The code is good once, at the prompt for the token's code, until it expires. The reason stands
in the log and is shown to the user.

Examples:
  fobctl bypass alice --reason \"token left at home\"
  fobctl bypass alice --for 2d --reason \"new token comes by mail\"")]
    Bypass(Bypass),
    /// Take a user's token from him
    #[command(after_help = "\
The token goes back to stock unless --lost or --retire is given.

Examples:
  fobctl deactivate alice
  fobctl deactivate alice --lost")]
    Deactivate(Deactivate),
    /// Make codes with which an administrator signs in while codes cannot be checked
    #[command(after_help = "\
Ten codes are printed, once. They work only while fobd does not answer or cannot read its store;
the user's older ones are void. fobd is not needed for this.

Examples:
  fobctl emergency root
  fobctl emergency alice --remove")]
    Emergency(Emergency),
    /// Erase the seed of a token that nobody has, for good
    #[command(after_help = "\
Examples:
  fobctl forget 2300512345
  fobctl forget --yes 2300512345     in a script")]
    Forget(Forget),
    /// Write all tokens into a file, sealed by a passphrase or for public keys
    #[command(after_help = "\
Users sign in meanwhile. Recovery codes, emergency codes and the master key are not in it. Without
a key or --passphrase-stdin, fobctl asks for a passphrase, twice. The file is in the age format.

Examples:
  fobctl backup tokens.age
  fobctl backup --recipient age1ql3z7hjy… tokens.age
  fobctl backup --recipient age1ql3z7hjy… - | ssh vault 'cat > tokens.age'")]
    Backup(Backup),
    /// Bring the tokens of a backup in, on this host or a new one
    #[command(after_help = "\
What is here wins: a lost token stays lost, a used code stays used, an assignment stays. Codes that
are shown now and before are refused from then on. Recovery codes do not come back.

Examples:
  fobctl restore --dry-run tokens.age
  fobctl restore tokens.age
  fobctl restore --identity key.txt tokens.age")]
    Restore(Restore),
    /// Look for mistakes in PAM, sshd and this host that lock people out or let them in
    #[command(after_help = doctor::HELP)]
    Doctor(Doctor),
    /// Where codes are asked for.
    #[command(flatten)]
    Asking(Asking),
    /// Say whether somebody would be asked for a code, and why
    #[command(after_help = explain::HELP)]
    Explain(Explain),
    /// Say who would have been asked for a code while nobody was, and who has no token
    #[command(after_help = report::HELP)]
    Report(Report),
    /// Report a token lost, proven by a recovery code: it never signs in again
    #[command(after_help = report_lost::HELP)]
    ReportLost(ReportLost),
    /// Show the daemon's state
    Status(Status),
    /// List or end tickets, with which sudo and polkit do not ask again for some minutes
    #[command(after_help = tickets::HELP)]
    Tickets(Tickets),
    /// Let one code be enough again for a user whose wrong codes were too many
    #[command(after_help = unlock::HELP)]
    Unlock(Unlock),
}

impl Verb {
    /// Returns the verb as it is typed.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Import(_) => "import",
            Self::Identify(_) => "identify",
            Self::Forecast(_) => "forecast",
            Self::List(_) => "list",
            Self::Log(_) => "log",
            Self::Show(_) => "show",
            Self::Assign(_) => "assign",
            Self::Rekey => "rekey",
            Self::Resync(_) => "resync",
            Self::Rotate(_) => "rotate",
            Self::Recovery(_) => "recovery",
            Self::Bypass(_) => "bypass",
            Self::Deactivate(_) => "deactivate",
            Self::Doctor(_) => "doctor",
            Self::Asking(verb) => verb.word(),
            Self::Emergency(_) => "emergency",
            Self::Explain(_) => "explain",
            Self::Forget(_) => "forget",
            Self::Backup(_) => "backup",
            Self::Report(_) => "report",
            Self::ReportLost(_) => "report-lost",
            Self::Restore(_) => "restore",
            Self::Status(_) => "status",
            Self::Tickets(_) => "tickets",
            Self::Unlock(_) => "unlock",
        }
    }
}

/// `fobctl forecast`.
#[derive(Args, Debug)]
pub(crate) struct Forecast {
    /// Look so many days ahead
    #[arg(long, value_name = "DAYS", default_value_t = 60)]
    pub(crate) within: u16,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is said about a clock that is far off.
#[derive(Args, Debug)]
pub(crate) struct FarClock {
    /// Take the token although its clock is more than two hours off, up to 26
    #[arg(long)]
    accept_clock: bool,
}

impl FarClock {
    /// Returns the option of the call.
    pub(crate) fn accepted(&self) -> Option<bool> {
        self.accept_clock.then_some(true)
    }
}

/// `fobctl list`.
#[derive(Args, Debug)]
pub(crate) struct List {
    /// List only tokens in this state
    #[arg(long, value_parser = ["stock", "assigned", "lost", "retired"])]
    pub(crate) state: Option<String>,
    /// List only tokens that an import has called this
    #[arg(long, value_name = "TAG", value_parser = Batch::parse)]
    pub(crate) batch: Option<Batch>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `fobctl show`.
#[derive(Args, Debug)]
pub(crate) struct Show {
    /// Show this user; without it, show yourself
    #[arg(value_parser = UserName::parse, conflicts_with = "token")]
    pub(crate) user: Option<UserName>,
    /// Show this token instead of a user
    #[arg(long, value_name = "SERIAL", value_parser = Serial::typed)]
    pub(crate) token: Option<Serial>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `fobctl resync`.
#[derive(Args, Debug)]
pub(crate) struct Resync {
    /// Set this user's token right; without it, your own
    #[arg(value_parser = UserName::parse)]
    pub(crate) user: Option<UserName>,
    #[command(flatten)]
    pub(crate) far: FarClock,
}

/// `fobctl rotate`.
#[derive(Args, Debug)]
pub(crate) struct Rotate {
    /// Replace this user's token
    #[arg(value_parser = UserName::parse)]
    pub(crate) user: UserName,
    /// Take the new token with this serial, printed on its back
    #[arg(value_parser = Serial::typed)]
    pub(crate) serial: Serial,
    #[command(flatten)]
    pub(crate) old: OldToken,
    #[command(flatten)]
    pub(crate) far: FarClock,
}

/// `fobctl recovery`.
#[derive(Args, Debug)]
pub(crate) struct Recovery {
    /// Print codes of this user; without it, your own
    #[arg(value_parser = UserName::parse)]
    pub(crate) user: Option<UserName>,
}

/// `fobctl deactivate`.
#[derive(Args, Debug)]
pub(crate) struct Deactivate {
    /// Take the token of this user
    #[arg(value_parser = UserName::parse, required_unless_present = "token")]
    pub(crate) user: Option<UserName>,
    /// Take this token from whoever has it, also if he is no user of this host any more
    #[arg(long, value_name = "SERIAL", value_parser = Serial::parse, conflicts_with = "user")]
    pub(crate) token: Option<Serial>,
    #[command(flatten)]
    pub(crate) old: OldToken,
    /// Leave root without a token
    #[arg(long)]
    pub(crate) leave_root_without_mfa: bool,
    /// Take it also from the last administrator who has one
    #[arg(long)]
    pub(crate) leave_no_administrator: bool,
}

/// What becomes of the token that is taken away.
#[derive(Args, Debug)]
pub(crate) struct OldToken {
    /// Report the old token lost: it never signs in again
    #[arg(long, conflicts_with = "retire")]
    lost: bool,
    /// Take the old token out of use
    #[arg(long)]
    retire: bool,
}

impl OldToken {
    /// Returns the fate that was asked for.
    pub(crate) fn fate(&self) -> Fate {
        match (self.lost, self.retire) {
            (true, _) => Fate::Lost,
            (false, true) => Fate::Retire,
            (false, false) => Fate::Stock,
        }
    }
}

/// `fobctl emergency`.
#[derive(Args, Debug)]
pub(crate) struct Emergency {
    /// Make codes for this user: root, or a member of sudo, wheel or admin
    #[arg(value_parser = UserName::parse)]
    pub(crate) user: UserName,
    /// Remove his codes instead
    #[arg(long)]
    pub(crate) remove: bool,
}

/// `fobctl forget`.
#[derive(Args, Debug)]
pub(crate) struct Forget {
    /// Erase the seed of the token with this serial
    #[arg(value_parser = Serial::typed)]
    pub(crate) serial: Serial,
    /// Do not ask for the serial again
    #[arg(long)]
    pub(crate) yes: bool,
}

/// `fobctl status`.
#[derive(Args, Debug)]
pub(crate) struct Status {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Parses this process's command line.
///
/// # Errors
///
/// [`Failure::Usage`], also for a request for help or the version.
pub(crate) fn parse() -> Result<Verb, Failure> {
    CommandLine::try_parse().map(|line| line.verb).map_err(Failure::from)
}

/// Returns the definition of the command line.
pub(crate) fn command() -> clap::Command {
    CommandLine::command()
}

#[cfg(test)]
mod tests;
