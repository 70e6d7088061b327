//! `import --from`: tokens of another program, each with its user. Files go to the daemon as
//! sealed memory, never as a path.

mod homes;

use std::{
    collections::HashSet,
    fs::File,
    io,
    os::{fd::AsFd, unix::fs::PermissionsExt},
    path::Path,
};

use fob_api::{AdoptOptions, AdoptRow, AdoptSource, Adopted, proxy::FobProxy};

use self::homes::{Home, Secret};
use super::import::copy;
use crate::{
    args::{From, Import},
    connect::{Patience, daemon},
    failure::{Failure, FileTrouble, InputTrouble, advise},
    journal::login_uid,
    progress::while_working,
    render::{self, Tense},
};

/// Calls of a connection: fobd ends one after 3 072 messages.
const CALLS: usize = 1000;
/// Where pam_oath's examples have its file.
const USERS_OATH: &str = "/etc/users.oath";
/// Mode bits that let somebody else than the owner read (chmod(1)).
const READABLE_BY_OTHERS: u32 = 0o044;

pub(super) async fn adopt(args: Import, source: AdoptSource) -> Result<(), Failure> {
    let tense = if args.dry_run { Tense::Would } else { Tense::Done };
    let from = &args.from;
    let mut rows = Vec::new();
    let moved = match source {
        AdoptSource::GoogleAuthenticator => {
            if from.user.is_some() {
                return Err(InputTrouble::UserOfHomes.into());
            }
            let first = args.file.as_deref().map(|name| name.to_string_lossy().into_owned());
            let names: Vec<String> = first.into_iter().chain(from.more.iter().cloned()).collect();
            let secret = Secret::parse(from.secret.as_deref());
            while_working("Moving the users", of_homes(&names, &secret, tense, &mut rows)).await
        }
        AdoptSource::UsersOath | AdoptSource::Otpauth => {
            if !from.more.is_empty() || from.secret.is_some() {
                return Err(InputTrouble::HomesOfFile.into());
            }
            let usual = (source == AdoptSource::UsersOath).then(|| Path::new(USERS_OATH));
            let path = args.file.as_deref().or(usual).unwrap_or(Path::new("-"));
            let call = of_file(path, source, from, tense);
            while_working("Moving the users", call).await.map(|found| rows = found)
        }
    };
    // Who was moved before something went wrong is told all the same: a second run tells less.
    if moved.is_err() && rows.is_empty() {
        return moved;
    }
    if args.receipt.json {
        render::print(&render::adopted_json(&rows))?;
    } else {
        render::print(&render::adopted_table(&rows, tense))?;
        render::adopted_advice(&rows, tense).iter().for_each(|advice| advise(advice));
    }
    moved?;
    let of = rows.len();
    let left = rows.iter().filter(|row| outcome(row) == Some(Adopted::Not)).count();
    if left == 0 { Ok(()) } else { Err(Failure::NotMoved { left, of }) }
}

fn outcome(row: &AdoptRow) -> Option<Adopted> {
    row.outcome.as_deref().and_then(Adopted::from_word)
}

/// Hands a file with several people over.
async fn of_file(
    path: &Path,
    source: AdoptSource,
    from: &From,
    tense: Tense,
) -> Result<Vec<AdoptRow>, Failure> {
    let (name, opened) = match path.to_str() {
        Some("-") => ("standard input".to_owned(), stdin()),
        _ => (path.to_string_lossy().into_owned(), named(path)),
    };
    let memory = opened.map_err(|trouble| Failure::File { name: name.clone(), trouble })?;
    let user = from.user.as_ref().map(|user| user.as_str().to_owned());
    let daemon = daemon(Patience::Long).await?;
    let rows = call(&daemon, &memory, source, options(user, tense)).await;
    rows.map_err(|failure| failure.of_file(&name))
}

fn options(user: Option<String>, tense: Tense) -> AdoptOptions {
    let dry_run = (tense == Tense::Would).then_some(true);
    AdoptOptions { dry_run, user, login_uid: login_uid() }
}

async fn call(
    daemon: &FobProxy<'_>,
    memory: &File,
    source: AdoptSource,
    options: AdoptOptions,
) -> Result<Vec<AdoptRow>, Failure> {
    let report = daemon.adopt(memory.as_fd().into(), source.word(), options).await?;
    Ok(report.people.unwrap_or_default())
}

fn stdin() -> Result<File, FileTrouble> {
    let input = io::stdin().as_fd().try_clone_to_owned().map_err(FileTrouble::Io)?;
    copy(File::from(input))
}

fn named(path: &Path) -> Result<File, FileTrouble> {
    let file = File::open(path).map_err(FileTrouble::Io)?;
    let metadata = file.metadata().map_err(FileTrouble::Io)?;
    if metadata.is_dir() {
        return Err(FileTrouble::Folder);
    }
    if metadata.is_file() && metadata.permissions().mode() & READABLE_BY_OTHERS != 0 {
        let name = render::printable(&path.to_string_lossy());
        advise(&format!("the file is readable by others; delete it or run chmod 600 {name}"));
    }
    copy(file)
}

/// Hands the files of users over, one after the other. Of users whom nobody has named, those
/// without a file are passed over.
async fn of_homes(
    names: &[String],
    secret: &Secret,
    tense: Tense,
    rows: &mut Vec<AdoptRow>,
) -> Result<(), Failure> {
    let homes = if names.is_empty() { homes::all()? } else { homes::named(names) };
    let (mut called, mut connection) = (0, daemon(Patience::Long).await?);
    for home in homes {
        let memory = match home.open(secret) {
            Ok(None) if names.is_empty() => continue,
            Ok(None) => {
                rows.push(home.refused(&homes::Trouble::Missing));
                continue;
            }
            Ok(Some(memory)) => memory,
            Err(trouble) => {
                rows.push(home.refused(&trouble));
                continue;
            }
        };
        called += 1;
        if called % CALLS == 0 {
            connection = daemon(Patience::Long).await?;
        }
        rows.extend(of_home(&connection, &home, &memory, tense).await?);
    }
    if tense == Tense::Would {
        refuse_same_seeds(rows);
    }
    Ok(())
}

/// Hands one user's file over. One that cannot be read at all is no reason to leave the others.
async fn of_home(
    daemon: &FobProxy<'_>,
    home: &Home,
    memory: &File,
    tense: Tense,
) -> Result<Vec<AdoptRow>, Failure> {
    let options = options(Some(home.user.clone()), tense);
    match call(daemon, memory, AdoptSource::GoogleAuthenticator, options).await {
        Err(failure) => match failure.bad_file() {
            Some((fact, hint)) => {
                let (fact, hint) = (fact.to_owned(), hint.to_owned());
                Ok(vec![home.refused(&homes::Trouble::Damaged { fact, hint })])
            }
            None => Err(failure),
        },
        rows => rows,
    }
}

/// Says of a dry run what only the run itself would find out: that two users have one seed. The
/// daemon has seen each file by itself; one seed has one serial.
fn refuse_same_seeds(rows: &mut [AdoptRow]) {
    let mut seen = HashSet::new();
    for row in rows.iter_mut().filter(|row| outcome(row) == Some(Adopted::Moved)) {
        let serial = row.serial.clone().unwrap_or_default();
        if !seen.insert(serial.clone()) {
            let user = row.user.take();
            let fact = format!("the same seed is in token {serial}, which somebody before gets.");
            *row = AdoptRow {
                user,
                serial: Some(serial),
                outcome: Some(Adopted::Not.word().to_owned()),
                reason: Some("same_seed".to_owned()),
                fact: Some(fact),
                hint: Some("two users never share a seed: give him another token.".to_owned()),
                ..AdoptRow::default()
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use fob_api::AdoptRow;

    use super::refuse_same_seeds;

    #[test]
    fn of_two_users_with_one_seed_the_first_would_get_the_token() {
        let row = |user: &str, serial: &str| AdoptRow {
            user: Some(user.to_owned()),
            serial: Some(serial.to_owned()),
            outcome: Some("moved".to_owned()),
            ..AdoptRow::default()
        };
        let mut rows = [row("alice", "GA-1"), row("bob", "GA-2"), row("carol", "GA-1")];
        refuse_same_seeds(&mut rows);
        let outcomes = rows.each_ref().map(|row| row.outcome.as_deref().unwrap());
        assert_eq!(outcomes, ["moved", "moved", "not_moved"]);
        assert_eq!(rows[2].reason.as_deref(), Some("same_seed"));
        assert_eq!(rows[2].user.as_deref(), Some("carol"));
    }
}
