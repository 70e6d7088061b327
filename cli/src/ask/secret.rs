//! A passphrase or key: typed where nobody sees it, or the first line of standard input or of another
//! descriptor.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::AsFd,
};

use fob_api::{LONGEST_PASSWORD, Password};
use nix::sys::termios::{
    LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr,
};
use zeroize::Zeroizing;

use crate::failure::{BackupTrouble, Failure, InputTrouble, PasswordTrouble};

/// Fewest characters of a passphrase: whoever has the file guesses as long as he likes, and each
/// guess costs him a second of a whole machine. NIST SP 800-63B asks for 8 where guesses are
/// counted; nobody counts them here.
pub(crate) const SHORTEST: usize = 12;
/// Longest passphrase in bytes.
const LONGEST: usize = LONGEST_PASSWORD;
/// How often a passphrase is asked for.
const TRIES: u32 = 3;
/// The character of the key that interrupts: it ends the line here, so that the terminal is put
/// right before the program ends.
const INTERRUPT: u8 = 3;

/// Asks for a new passphrase, twice.
///
/// # Errors
///
/// [`Failure`] if none comes that is long enough.
pub(crate) fn new_passphrase() -> Result<Zeroizing<String>, Failure> {
    for _ in 0..TRIES {
        let passphrase =
            hidden(&format!("Passphrase of the backup, at least {SHORTEST} characters: "))?;
        if passphrase.chars().count() < SHORTEST {
            write(&format!("{}\n", BackupTrouble::Short));
        } else if *hidden("The same again: ")? == *passphrase {
            return Ok(passphrase);
        } else {
            write("These are two different ones.\n");
        }
    }
    Err(BackupTrouble::NoPassphrase.into())
}

/// Asks for the passphrase of a backup.
///
/// # Errors
///
/// [`Failure`] if the input ends.
pub(crate) fn passphrase() -> Result<Zeroizing<String>, Failure> {
    hidden("Passphrase of the backup: ")
}

/// Reads a passphrase from the first line of standard input.
///
/// # Errors
///
/// [`Failure`] if there is none.
pub(crate) fn passphrase_of_stdin() -> Result<Zeroizing<String>, Failure> {
    let line = line(stdin()?)?;
    let line = line.ok_or(BackupTrouble::NoLine)?;
    if line.is_empty() { Err(BackupTrouble::NoLine.into()) } else { Ok(line) }
}

/// Asks for what opens an encrypted seed file.
///
/// # Errors
///
/// [`Failure`] if the input ends, or nothing is typed.
pub(crate) fn password(question: &str) -> Result<Password, Failure> {
    Password::new(hidden(question)?).ok_or_else(|| BackupTrouble::NoPassphrase.into())
}

/// Reads what opens an encrypted seed file from the first line of a descriptor that this process was
/// started with.
///
/// # Errors
///
/// [`Failure`] if there is none.
pub(crate) fn password_of_descriptor(number: i32) -> Result<Password, Failure> {
    // Opened anew through the process's own folder (proc_pid_fd(5)): safe code takes no bare number
    // for a descriptor.
    let input = match number {
        0 => stdin()?,
        _ => File::open(format!("/proc/self/fd/{number}"))
            .map_err(|error| PasswordTrouble::Descriptor { number, error })?,
    };
    let line = line(input)?.and_then(Password::new);
    line.ok_or_else(|| PasswordTrouble::NoLine { number }.into())
}

fn hidden(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    let _quiet = Quiet::new().map_err(|_| InputTrouble::Unreadable)?;
    write(prompt);
    line(stdin()?)?.ok_or_else(|| InputTrouble::Ended.into())
}

fn stdin() -> Result<File, Failure> {
    let input = io::stdin().as_fd().try_clone_to_owned();
    input.map(File::from).map_err(|_| InputTrouble::Unreadable.into())
}

/// Reads a line, byte by byte: nothing behind it is taken. `None` at the end of input, and after
/// an interrupt.
fn line(mut input: File) -> Result<Option<Zeroizing<String>>, Failure> {
    let unreadable = |_| Failure::from(InputTrouble::Unreadable);
    // With room for all of it: a vector that grew would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST));
    let mut byte = Zeroizing::new([0_u8]);
    loop {
        match input.read(byte.as_mut_slice()) {
            Ok(0) if bytes.is_empty() => return Ok(None),
            Ok(0) => break,
            Ok(_) => match *byte {
                [b'\n'] => break,
                [INTERRUPT] => return Ok(None),
                [_] if bytes.len() >= LONGEST => return Err(BackupTrouble::TooLong.into()),
                [other] => bytes.push(other),
            },
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(error)),
        }
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| BackupTrouble::NotText)?;
    Ok(Some(Zeroizing::new(text.strip_suffix('\r').unwrap_or(text).to_owned())))
}

fn write(text: &str) {
    // Where standard error is closed, the person types without seeing the question.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// A terminal that does not show what is typed (termios(3)). Put right when it is dropped.
struct Quiet(Termios);

impl Quiet {
    fn new() -> nix::Result<Self> {
        let input = io::stdin();
        let before = tcgetattr(&input)?;
        let mut quiet = before.clone();
        quiet.local_flags.remove(LocalFlags::ECHO | LocalFlags::ISIG);
        quiet.local_flags.insert(LocalFlags::ECHONL | LocalFlags::ICANON);
        let end = quiet.control_chars.get_mut(SpecialCharacterIndices::VEOL as usize);
        end.into_iter().for_each(|end| *end = INTERRUPT);
        // What was typed before the question is no answer to it.
        tcsetattr(&input, SetArg::TCSAFLUSH, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // A terminal that has gone away needs nothing.
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &self.0);
    }
}
