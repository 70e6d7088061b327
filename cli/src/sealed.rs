//! The file of a backup: the backup's key and the daemon's stream, in the age format
//! (age-encryption.org/v1). The only user of the age crate.

use std::{
    fmt,
    io::{self, Read, Write},
};

use age::{DecryptError, Decryptor, Encryptor, scrypt, secrecy::SecretString, x25519};
use zeroize::Zeroizing;

/// Bytes of a backup's key (the contract of Backup).
pub(crate) const KEY: usize = 32;
/// The first bytes inside the file; the last one is the version of what follows.
const MAGIC: [u8; 8] = *b"FOBFILE\x01";
/// The work that a guess at a passphrase costs, as a power of two: a second and 256 MiB, what the
/// age program takes. Fixed, so that a slow host makes no weak file.
const WORK: u8 = 18;
/// The most work that a file may ask for: a gigabyte. A hostile one could ask for hours.
const MOST_WORK: u8 = 20;
/// Bytes that are copied at once: the chunk of the format.
const CHUNK: usize = 64 << 10;
/// Largest stream in bytes (the contract of Restore).
const LARGEST: u64 = 1 << 30;

/// Somebody's public key.
#[derive(Clone)]
pub(crate) struct Recipient(x25519::Recipient);

impl Recipient {
    /// Parses `age1…`.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        const BAD: &str = "give a public key of age, such as age1ql3z7hjy…";
        text.parse().map(Self).map_err(|_| BAD)
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Somebody's private key. Has no `Debug`.
pub(crate) struct Identity(x25519::Identity);

impl Identity {
    /// Parses `AGE-SECRET-KEY-1…`; `None` if it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

/// What a file is sealed by.
pub(crate) enum Lock {
    /// A passphrase.
    Passphrase(Zeroizing<String>),
    /// Public keys.
    Recipients(Vec<Recipient>),
}

/// What opens a file.
pub(crate) enum Opener {
    /// Private keys.
    Identities(Vec<Identity>),
    /// A passphrase.
    Passphrase(Zeroizing<String>),
}

/// Why a file does not open.
#[derive(Debug)]
pub(crate) enum SealTrouble {
    /// It was cut or changed behind its head.
    Damaged,
    /// Reading it, or writing what is in it, failed.
    Io(io::Error),
    /// It was sealed by a passphrase, and a private key was given.
    NeedsPassphrase,
    /// It was sealed for public keys, and a passphrase was given.
    NeedsIdentity,
    /// It is no age file, or not one that Fob wrote.
    NotABackup,
    /// The passphrase or the private key does not open it; or its head was changed.
    WrongKey,
}

/// How a sealed file begins, so far as to say what opens it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SealedBy {
    /// A passphrase.
    Passphrase,
    /// Public keys.
    Recipients,
}

/// Seals a key and a stream into a file.
///
/// # Errors
///
/// What the system says; the file is not whole then.
pub(crate) fn seal(
    lock: &Lock,
    key: &[u8; KEY],
    stream: &mut impl Read,
    file: impl Write,
) -> io::Result<()> {
    let encryptor = match lock {
        Lock::Passphrase(passphrase) => {
            let mut recipient = scrypt::Recipient::new(secret(passphrase));
            recipient.set_work_factor(WORK);
            Encryptor::with_recipients(std::iter::once(&recipient as _))
        }
        Lock::Recipients(recipients) => {
            Encryptor::with_recipients(recipients.iter().map(|recipient| &recipient.0 as _))
        }
    };
    let mut sealed = encryptor.map_err(io::Error::other)?.wrap_output(file)?;
    sealed.write_all(&MAGIC)?;
    sealed.write_all(key)?;
    let mut chunk = Zeroizing::new(vec![0; CHUNK]);
    loop {
        match stream.read(&mut chunk)? {
            0 => return sealed.finish().map(drop),
            count => sealed.write_all(chunk.get(..count).unwrap_or_default())?,
        }
    }
}

/// An age file whose head was read.
pub(crate) struct Sealed<R>(Decryptor<R>);

impl<R: Read> Sealed<R> {
    /// Reads the head of a file.
    ///
    /// # Errors
    ///
    /// [`SealTrouble::NotABackup`] or [`SealTrouble::Io`].
    pub(crate) fn new(file: R) -> Result<Self, SealTrouble> {
        Decryptor::new(file).map(Self).map_err(|error| match error {
            DecryptError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                SealTrouble::Io(error)
            }
            _ => SealTrouble::NotABackup,
        })
    }

    /// Tells what opens it.
    pub(crate) fn by(&self) -> SealedBy {
        if self.0.is_scrypt() { SealedBy::Passphrase } else { SealedBy::Recipients }
    }

    /// Opens the file to its end: writes the stream and returns the key. What was written counts
    /// only if this succeeds.
    ///
    /// # Errors
    ///
    /// [`SealTrouble`].
    pub(crate) fn open(
        self,
        opener: &Opener,
        stream: &mut impl Write,
    ) -> Result<Zeroizing<[u8; KEY]>, SealTrouble> {
        let opened = match (opener, self.by()) {
            (Opener::Passphrase(passphrase), SealedBy::Passphrase) => {
                let mut identity = scrypt::Identity::new(secret(passphrase));
                identity.set_max_work_factor(MOST_WORK);
                self.0.decrypt(std::iter::once(&identity as _))
            }
            (Opener::Identities(identities), SealedBy::Recipients) => {
                self.0.decrypt(identities.iter().map(|identity| &identity.0 as _))
            }
            (Opener::Passphrase(_), SealedBy::Recipients) => {
                return Err(SealTrouble::NeedsIdentity);
            }
            (Opener::Identities(_), SealedBy::Passphrase) => {
                return Err(SealTrouble::NeedsPassphrase);
            }
        };
        let mut opened = opened.map_err(|error| match error {
            DecryptError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                SealTrouble::Io(error)
            }
            _ => SealTrouble::WrongKey,
        })?;
        let (mut magic, mut key) = ([0; MAGIC.len()], Zeroizing::new([0; KEY]));
        opened.read_exact(&mut magic).map_err(inside)?;
        if magic != MAGIC {
            return Err(SealTrouble::NotABackup);
        }
        opened.read_exact(key.as_mut_slice()).map_err(inside)?;
        copy(&mut opened, stream)?;
        Ok(key)
    }
}

fn copy(opened: &mut impl Read, stream: &mut impl Write) -> Result<(), SealTrouble> {
    let (mut chunk, mut length) = (Zeroizing::new(vec![0; CHUNK]), 0);
    loop {
        let count = opened.read(&mut chunk).map_err(inside)?;
        length += count as u64;
        if length > LARGEST {
            return Err(SealTrouble::NotABackup);
        }
        if count == 0 {
            return Ok(());
        }
        stream.write_all(chunk.get(..count).unwrap_or_default()).map_err(SealTrouble::Io)?;
    }
}

/// Tells decay from a disk that does not read: age reports what does not decrypt as invalid data,
/// and a cut as an early end.
fn inside(error: io::Error) -> SealTrouble {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => SealTrouble::Damaged,
        _ => SealTrouble::Io(error),
    }
}

fn secret(passphrase: &Zeroizing<String>) -> SecretString {
    SecretString::from(passphrase.as_str())
}

#[cfg(test)]
mod tests {
    use age::x25519;
    use zeroize::Zeroizing;

    use super::{Identity, KEY, Lock, Opener, Recipient, SealTrouble, Sealed, SealedBy, seal};

    fn pair() -> (Recipient, Identity) {
        let identity = x25519::Identity::generate();
        (Recipient(identity.to_public()), Identity(identity))
    }

    fn sealed(lock: &Lock, stream: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        seal(lock, &[5; KEY], &mut &*stream, &mut file).unwrap();
        file
    }

    fn open(file: &[u8], opener: &Opener) -> Result<Vec<u8>, SealTrouble> {
        let mut stream = Vec::new();
        let key = Sealed::new(file)?.open(opener, &mut stream)?;
        assert_eq!(*key, [5; KEY]);
        Ok(stream)
    }

    #[test]
    fn a_file_opens_for_each_of_its_recipients_and_for_nobody_else() {
        let [(one, first), (other, second), (_, stranger)] = [pair(), pair(), pair()];
        let file = sealed(&Lock::Recipients(vec![one, other]), b"stream");
        assert_eq!(Sealed::new(&file[..]).ok().unwrap().by(), SealedBy::Recipients);
        for identity in [first, second] {
            let opener = Opener::Identities(vec![identity]);
            assert_eq!(open(&file, &opener).ok().unwrap(), b"stream");
        }
        let wrong = open(&file, &Opener::Identities(vec![stranger]));
        assert!(matches!(wrong, Err(SealTrouble::WrongKey)));
        let wrong = open(&file, &Opener::Passphrase(Zeroizing::new("x".to_owned())));
        assert!(matches!(wrong, Err(SealTrouble::NeedsIdentity)));
    }

    #[test]
    fn a_file_opens_with_its_passphrase_and_with_no_other() {
        let phrase = |text: &str| Zeroizing::new(text.to_owned());
        let file = sealed(&Lock::Passphrase(phrase("correct horse battery")), b"stream");
        assert_eq!(Sealed::new(&file[..]).ok().unwrap().by(), SealedBy::Passphrase);
        let right = Opener::Passphrase(phrase("correct horse battery"));
        assert_eq!(open(&file, &right).ok().unwrap(), b"stream");
        let wrong = open(&file, &Opener::Passphrase(phrase("correct horse batterz")));
        assert!(matches!(wrong, Err(SealTrouble::WrongKey)));
        let wrong = open(&file, &Opener::Identities(vec![pair().1]));
        assert!(matches!(wrong, Err(SealTrouble::NeedsPassphrase)));
    }

    #[test]
    fn every_flipped_byte_and_every_cut_of_a_file_is_noticed() {
        let (recipient, identity) = pair();
        let file = sealed(&Lock::Recipients(vec![recipient]), &[b's'; 700]);
        let opener = Opener::Identities(vec![identity]);
        assert!(open(&file, &opener).is_ok());
        for at in 0..file.len() {
            let mut flipped = file.clone();
            flipped[at] ^= 0x04;
            assert!(open(&flipped, &opener).is_err(), "byte {at} was not noticed");
            assert!(open(&file[..at], &opener).is_err(), "a cut at {at} was not noticed");
        }
        assert!(open(&[file, vec![0]].concat(), &opener).is_err());
    }

    #[test]
    fn neither_key_nor_stream_stands_in_the_file() {
        let file = sealed(&Lock::Recipients(vec![pair().0]), b"the daemon's stream");
        for plain in [&b"daemon's stream"[..], &[5; KEY]] {
            assert!(!file.windows(plain.len()).any(|part| part == plain));
        }
    }

    #[test]
    fn an_age_file_of_something_else_is_no_backup() {
        let (recipient, identity) = pair();
        let mut file = Vec::new();
        let encryptor = age::Encryptor::with_recipients(std::iter::once(&recipient.0 as _));
        let mut output = encryptor.unwrap().wrap_output(&mut file).unwrap();
        std::io::Write::write_all(&mut output, &[b'x'; 100]).unwrap();
        output.finish().unwrap();
        let opened = open(&file, &Opener::Identities(vec![identity]));
        assert!(matches!(opened, Err(SealTrouble::NotABackup)));
        assert!(matches!(Sealed::new(&b"x"[..]), Err(SealTrouble::NotABackup)));
    }
}
