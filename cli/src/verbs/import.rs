//! `import`: hands a seed file to the daemon as a descriptor, never as a path.

mod receipt;
mod rejects;

use std::{
    fs::{File, Metadata},
    io::{self, IsTerminal, Read, Seek, Write},
    os::{fd::AsFd, unix::fs::PermissionsExt},
    path::Path,
};

use fob_api::{Batch, ImportOptions, ImportReport, Password};
use nix::{
    fcntl::{FcntlArg, SealFlag, fcntl},
    sys::memfd::{MFdFlags, memfd_create},
};
use zbus::wire::OwnedFd;
use zeroize::Zeroizing;

use self::rejects::Rejects;
use crate::{
    args::Import,
    ask,
    connect::{Patience, daemon},
    failure::{Failure, FileTrouble, PasswordTrouble, advise, remark},
    journal::login_uid,
    progress::Told,
    render,
};

/// Most bytes that are copied from a pipe: the daemon takes no longer file (16 MiB, in the
/// contract of Import).
const LONGEST_COPY: u64 = 16 << 20;
/// Mode bits that let somebody else than the owner read (chmod(1)).
const READABLE_BY_OTHERS: u32 = 0o044;

/// What is to be known of a file that did not stay as it was.
const CHANGED: &str = "the file was changed while it was imported: its hash, and rows that were set \
                       aside, are those of what it is now.";

pub(super) async fn import(args: Import) -> Result<(), Failure> {
    if args.list_formats {
        return render::print(&render::format_sheets());
    }
    if let Some(source) = args.from.source() {
        return super::adopt::adopt(args, source).await;
    }
    let file = args.file.clone().unwrap_or_default();
    // Before anything else is opened: the descriptor is one that the caller has opened.
    let password = args.password_fd.map(|number| password_beside(&file, number)).transpose()?;
    let mut source = Source::open(&file)?;
    let path = args.partial.as_deref().filter(|_| !args.dry_run);
    let rejects = path.map(Rejects::begin).transpose()?;
    let before = receipt::hash(&mut source)?;
    source.rewind()?;
    let mut outcome = request(&source, &args, password.as_ref()).await;
    let question = outcome.as_ref().err().and_then(Failure::question);
    if let Some(question) = question.filter(|_| io::stdin().is_terminal()) {
        let password = ask::password(question)?;
        source.rewind()?;
        outcome = request(&source, &args, Some(&password)).await;
    }
    if source.is_open_to_others {
        let name = render::printable(&source.name);
        advise(&format!("the seed file is readable by others; delete it or run chmod 600 {name}"));
    }
    let report = outcome.map_err(|failure| failure.of_file(&source.name))?;
    report.notices.iter().flatten().for_each(|word| remark(&sentence(word)));
    rejects::explain(&report);
    let hash = receipt::hash(&mut source)?;
    if hash != before {
        remark(CHANGED);
    }
    let set_aside = rejects.map(|rejects| rejects.write(&mut source, &report)).transpose()?;
    let set_aside = set_aside.unwrap_or_default();
    if args.receipt.json {
        return render::print(&receipt::json(&report, &args, &hash));
    }
    render::print(&format!("{}{set_aside}", receipt::sentences(&report, &args, &hash)))?;
    if !args.dry_run && source.is_named {
        receipt::advise_to_shred(&file);
    }
    Ok(())
}

/// Reads what opens the file from a descriptor.
fn password_beside(file: &Path, number: i32) -> Result<Password, Failure> {
    if number == 0 && file == Path::new("-") {
        return Err(PasswordTrouble::TwoInOne.into());
    }
    ask::password_of_descriptor(number)
}

/// Hands the file over, from where it stands, and what opens it.
async fn request(
    source: &Source,
    args: &Import,
    password: Option<&Password>,
) -> Result<ImportReport, Failure> {
    let told = Told::new();
    let options = ImportOptions {
        dry_run: args.dry_run.then_some(true),
        ignore_expiry: args.ignore_expiry.then_some(true),
        login_uid: login_uid(),
        partial: args.partial.is_some().then_some(true),
        encoding: args.encoding.clone(),
        kind: args.kind.clone(),
        batch: args.batch.as_ref().map(Batch::to_string),
        password: password.map(in_memory).transpose()?,
        progress: told.descriptor(),
    };
    // An empty format lets the daemon recognize it.
    let format = args.format.as_deref().unwrap_or_default();
    let call = async {
        let daemon = daemon(Patience::Long).await?;
        Ok(daemon.import(source.file.as_fd().into(), format, options).await?)
    };
    told.while_importing(call).await
}

/// Writes a password into memory that goes as a descriptor: a message would be copied into buffers
/// that nobody wipes.
fn in_memory(password: &Password) -> Result<OwnedFd, Failure> {
    let write = || {
        let mut memory = File::from(memfd_create("fobctl-password", MFdFlags::MFD_CLOEXEC)?);
        memory.write_all(password.as_str().as_bytes())?;
        memory.rewind()?;
        Ok(memory)
    };
    let memory: io::Result<File> = write();
    memory.map(|memory| std::os::fd::OwnedFd::from(memory).into()).map_err(|error| Failure::File {
        name: "memory for the password".to_owned(),
        trouble: FileTrouble::Io(error),
    })
}

/// Returns the sentence for a word of the daemon's about the file.
fn sentence(word: &str) -> String {
    match word {
        "mac-over-plaintext" => {
            "the MACs are of the plain seeds, as in drafts before RFC 6030; they fit.".to_owned()
        }
        "no-mac" => {
            "the encrypted seeds have no MAC: nobody can tell whether the file was changed."
                .to_owned()
        }
        "signature-unchecked" => "the file is signed, and Fob checks no signatures.".to_owned(),
        other => format!("fobd says \"{}\" of this file.", render::printable(other)),
    }
}

/// A seed file, open at its start.
struct Source {
    file: File,
    name: String,
    is_open_to_others: bool,
    /// It is a file, not a stream that was copied.
    is_named: bool,
}

impl Source {
    fn open(path: &Path) -> Result<Self, Failure> {
        let name = if path == Path::new("-") {
            "standard input".to_owned()
        } else {
            path.to_string_lossy().into_owned()
        };
        let opened = if path == Path::new("-") { stdin() } else { named(path) };
        match opened {
            Ok((file, is_open_to_others)) => {
                let is_named = path.is_file();
                Ok(Self { file, name, is_open_to_others, is_named })
            }
            Err(trouble) => Err(Failure::File { name, trouble }),
        }
    }
}

impl Source {
    /// Goes back to the start: the daemon has read it, and both share one position (dup(2)).
    fn rewind(&mut self) -> Result<(), Failure> {
        let rewound = self.file.rewind();
        rewound.map_err(|error| Failure::File {
            name: self.name.clone(),
            trouble: FileTrouble::Io(error),
        })
    }

    /// Reads all of it, from the start.
    fn bytes(&mut self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        self.rewind()?;
        let read = read_whole(&mut self.file);
        read.map_err(|error| Failure::File {
            name: self.name.clone(),
            trouble: FileTrouble::Io(error),
        })
    }
}

/// Reads a file into memory that is wiped.
fn read_whole(file: &mut File) -> io::Result<Zeroizing<Vec<u8>>> {
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    // One allocation: a growing buffer would leave unwiped copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length.saturating_add(1)));
    file.take(length as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn stdin() -> Result<(File, bool), FileTrouble> {
    let input = io::stdin().as_fd().try_clone_to_owned().map_err(FileTrouble::Io)?;
    Ok((copy(File::from(input))?, false))
}

fn named(path: &Path) -> Result<(File, bool), FileTrouble> {
    let file = File::open(path).map_err(FileTrouble::Io)?;
    let metadata = file.metadata().map_err(FileTrouble::Io)?;
    if metadata.is_dir() {
        return Err(FileTrouble::Folder);
    }
    // A pipe of the shell, such as <(gpg --decrypt seeds.gpg), is read to its end here.
    if metadata.is_file() {
        Ok((file, open_to_others(&metadata)))
    } else {
        Ok((copy(file)?, false))
    }
}

fn open_to_others(metadata: &Metadata) -> bool {
    metadata.permissions().mode() & READABLE_BY_OTHERS != 0
}

/// Copies a stream into memory that nobody can change any more, so that the daemon can read it
/// twice and gets the same both times (memfd_create(2), F_ADD_SEALS in fcntl(2)).
pub(super) fn copy(stream: File) -> Result<File, FileTrouble> {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let memory =
        memfd_create("fobctl-import", flags).map_err(|error| FileTrouble::Io(error.into()))?;
    let mut memory = File::from(memory);
    let mut chunk = Zeroizing::new([0_u8; 4096]);
    let mut stream = stream.take(LONGEST_COPY + 1);
    let mut length = 0_u64;
    loop {
        let count = match stream.read(chunk.as_mut_slice()) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(FileTrouble::Io(error)),
        };
        memory.write_all(chunk.get(..count).unwrap_or_default()).map_err(FileTrouble::Io)?;
        length += u64::try_from(count).unwrap_or(u64::MAX);
        if length > LONGEST_COPY {
            return Err(FileTrouble::TooLong);
        }
    }
    memory.rewind().map_err(FileTrouble::Io)?;
    let seals = SealFlag::F_SEAL_SEAL
        | SealFlag::F_SEAL_SHRINK
        | SealFlag::F_SEAL_GROW
        | SealFlag::F_SEAL_WRITE;
    fcntl(&memory, FcntlArg::F_ADD_SEALS(seals)).map_err(|error| FileTrouble::Io(error.into()))?;
    Ok(memory)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        io::{Read, Write},
        os::fd::OwnedFd,
    };

    use super::copy;

    #[test]
    fn a_pipe_is_copied_from_its_start_and_sealed() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"serial,seed\n").unwrap();
        drop(writer);
        let mut memory = copy(File::from(OwnedFd::from(reader))).unwrap();
        let mut text = String::new();
        memory.read_to_string(&mut text).unwrap();
        assert_eq!(text, "serial,seed\n");
        assert!(memory.write_all(b"x").is_err(), "the copy can still be changed");
        assert!(memory.set_len(0).is_err(), "the copy can still be cut");
    }
}
