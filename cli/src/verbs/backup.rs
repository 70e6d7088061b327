//! `backup`, `restore`: the daemon sees the backup's key and the stream, never the passphrase.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, IsTerminal, Read, Seek, Write},
    os::{
        fd::AsFd,
        unix::fs::{MetadataExt, OpenOptionsExt},
    },
    path::Path,
};

use fob_api::{BackupReport, Error, RestoreOptions};
use nix::{
    fcntl::{FcntlArg, OFlag, SealFlag, fcntl},
    sys::memfd::{MFdFlags, memfd_create},
    unistd::Uid,
};
use zeroize::Zeroizing;

use crate::{
    args::{Backup, Restore},
    ask,
    connect::{Patience, daemon},
    failure::{BackupTrouble, Failure},
    journal::login_uid,
    progress::while_working,
    render,
    sealed::{self, Identity, KEY, Lock, Opener, Sealed, SealedBy},
    whole::{NotBegun, Old, Whole},
};

/// Most bytes of a file of private keys: some hundred of them.
const LONGEST: u64 = 64 << 10;

pub(super) async fn backup(args: Backup) -> Result<(), Failure> {
    administrator("backup")?;
    let mut output = Output::begin(&args)?;
    let lock = lock(&args)?;
    let mut key = Zeroizing::new([0; KEY]);
    getrandom::fill(key.as_mut_slice())
        .map_err(|error| BackupTrouble::Random(io::Error::other(error)))?;
    let mut stream = memory()?;
    let call = async {
        let daemon = daemon(Patience::Long).await?;
        Ok(daemon.backup(key.as_slice(), stream.as_fd().into()).await?)
    };
    let report: Result<BackupReport, Failure> = while_working("Reading the tokens", call).await;
    let report = report?;
    stream.rewind().map_err(out_of_memory)?;
    output.seal(&lock, &key, &mut stream).map_err(|error| output.disk(error))?;
    let name = output.name.clone();
    if output.place()? == Placed::InFile {
        return render::print(&render::backup_sentence(&report, &name));
    }
    Ok(())
}

pub(super) async fn restore(args: Restore) -> Result<(), Failure> {
    administrator("restore")?;
    let name = args.file.to_string_lossy().into_owned();
    let sealed_trouble = |trouble| BackupTrouble::Sealed { name: name.clone(), trouble };
    let file = input(&args.file).map_err(|error| disk(&name, error))?;
    let sealed = Sealed::new(BufReader::new(file)).map_err(sealed_trouble)?;
    let opener = opener(&args, sealed.by())?;
    let mut stream = BufWriter::new(memory()?);
    let key = sealed.open(&opener, &mut stream).map_err(sealed_trouble)?;
    let stream = stream.into_inner().map_err(|error| out_of_memory(error.into_error()))?;
    seal(&stream)?;
    let options = RestoreOptions { dry_run: args.dry_run.then_some(true), login_uid: login_uid() };
    let call = async {
        let daemon = daemon(Patience::Long).await?;
        Ok(daemon.restore(key.as_slice(), stream.as_fd().into(), options).await?)
    };
    let report = while_working("Restoring the tokens", call).await;
    let report = report.map_err(|failure: Failure| failure.of_file(&name))?;
    let tense = if args.dry_run { render::Tense::Would } else { render::Tense::Done };
    render::print(&render::restore_report(&report, tense))
}

/// Refuses everybody but root before anything is asked.
fn administrator(verb: &'static str) -> Result<(), Failure> {
    if Uid::effective().is_root() { Ok(()) } else { Err(Error::NotAuthorized { verb }.into()) }
}

/// Where a backup goes.
struct Output {
    name: String,
    /// `None` is standard output.
    file: Option<Whole>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Placed {
    InFile,
    OnOutput,
}

impl Output {
    fn begin(args: &Backup) -> Result<Self, Failure> {
        if args.file == Path::new("-") {
            if io::stdout().is_terminal() {
                return Err(BackupTrouble::Terminal.into());
            }
            return Ok(Self { name: "standard output".to_owned(), file: None });
        }
        let name = args.file.to_string_lossy().into_owned();
        let old = if args.force { Old::Replace } else { Old::Keep };
        match Whole::begin(&args.file, old) {
            Ok(file) => Ok(Self { name, file: Some(file) }),
            Err(NotBegun::Left(name)) => Err(BackupTrouble::Left { name }.into()),
            Err(NotBegun::Io(error)) => Err(disk(&name, error)),
        }
    }

    fn seal(&mut self, lock: &Lock, key: &[u8; KEY], stream: &mut File) -> io::Result<()> {
        match &mut self.file {
            Some(whole) => sealed::seal(lock, key, stream, whole.file()),
            None => {
                let mut output = io::stdout().lock();
                sealed::seal(lock, key, stream, &mut output)?;
                output.flush()
            }
        }
    }

    fn disk(&self, error: io::Error) -> Failure {
        match self.file {
            Some(_) => disk(&self.name, error),
            None => Failure::Output(error),
        }
    }

    fn place(self) -> Result<Placed, Failure> {
        let Some(whole) = self.file else { return Ok(Placed::OnOutput) };
        whole.place().map(|()| Placed::InFile).map_err(|error| disk(&self.name, error))
    }
}

/// Returns what a new backup is sealed by.
fn lock(args: &Backup) -> Result<Lock, Failure> {
    if !args.recipient.is_empty() {
        return Ok(Lock::Recipients(args.recipient.clone()));
    }
    let passphrase = if args.passphrase_stdin {
        let passphrase = ask::passphrase_of_stdin()?;
        if passphrase.chars().count() < ask::SHORTEST {
            return Err(BackupTrouble::Short.into());
        }
        passphrase
    } else if io::stdin().is_terminal() {
        ask::new_passphrase()?
    } else {
        return Err(BackupTrouble::NoTerminal.into());
    };
    Ok(Lock::Passphrase(passphrase))
}

/// Returns what opens a backup that is sealed like this.
fn opener(args: &Restore, by: SealedBy) -> Result<Opener, Failure> {
    if let Some(file) = &args.identity {
        return identities(file).map(Opener::Identities);
    }
    // Standard input is the passphrase or the backup, not both.
    if args.passphrase_stdin && args.file != Path::new("-") {
        return ask::passphrase_of_stdin().map(Opener::Passphrase);
    }
    if by == SealedBy::Recipients {
        let (name, trouble) =
            (args.file.to_string_lossy().into_owned(), sealed::SealTrouble::NeedsIdentity);
        return Err(BackupTrouble::Sealed { name, trouble }.into());
    }
    if args.file == Path::new("-") || !io::stdin().is_terminal() {
        return Err(BackupTrouble::NoTerminal.into());
    }
    ask::passphrase().map(Opener::Passphrase)
}

/// Reads the private keys of a file that nobody else can read.
fn identities(path: &Path) -> Result<Vec<Identity>, Failure> {
    let name = path.to_string_lossy().into_owned();
    let io = |error| disk(&name, error);
    let file = File::open(path).map_err(io)?;
    let meta = file.metadata().map_err(io)?;
    if meta.mode() & 0o077 != 0 {
        return Err(BackupTrouble::IdentityMode { name }.into());
    }
    let mut text = Zeroizing::new(String::with_capacity(LONGEST as usize));
    // The room is never outgrown: no copy is left behind.
    file.take(LONGEST).read_to_string(&mut text).map_err(io)?;
    let keys = text.lines().map(str::trim).filter_map(Identity::parse).collect::<Vec<_>>();
    if keys.is_empty() { Err(BackupTrouble::NoIdentity { name }.into()) } else { Ok(keys) }
}

fn input(path: &Path) -> io::Result<File> {
    if path == Path::new("-") {
        return Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?));
    }
    let mut options = File::options();
    options.read(true).custom_flags(OFlag::O_CLOEXEC.bits()).open(path)
}

/// Returns memory for a stream: on no disk, and gone with this program.
fn memory() -> Result<File, Failure> {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let memory = memfd_create("fobctl-backup", flags);
    memory.map(File::from).map_err(|error| out_of_memory(error.into()))
}

/// Seals memory against every change: the daemon reads it twice (`F_ADD_SEALS`, fcntl(2)).
fn seal(memory: &File) -> Result<(), Failure> {
    let seals = SealFlag::F_SEAL_SEAL
        | SealFlag::F_SEAL_SHRINK
        | SealFlag::F_SEAL_GROW
        | SealFlag::F_SEAL_WRITE;
    let sealed = fcntl(memory, FcntlArg::F_ADD_SEALS(seals));
    sealed.map(drop).map_err(|error| out_of_memory(error.into()))
}

fn out_of_memory(error: io::Error) -> Failure {
    disk("memory", error)
}

fn disk(name: &str, error: io::Error) -> Failure {
    let name = name.to_owned();
    match error.kind() {
        io::ErrorKind::AlreadyExists => BackupTrouble::Exists { name }.into(),
        _ => BackupTrouble::Disk { name, error }.into(),
    }
}
