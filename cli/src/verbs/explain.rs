//! `explain`: would somebody be asked for a code, and why.

use std::{collections::BTreeSet, path::Path};

use fob_api::{PageOptions, PromptKind, UserName, VerifyContext, proxy::FobProxy};
use nix::unistd::Group;

use super::read::all_tokens;
use crate::{
    args::Explain,
    connect::{Patience, daemon as connect},
    doctor::{Ground, Line, Tokenless, asking, lines},
    failure::Failure,
    render::{self, Explained},
};

/// The groups whose members administer the host, as fobd knows them.
const ADMINISTRATORS: [&str; 3] = ["sudo", "wheel", "admin"];
/// The uids of people (login.defs(5), `UID_MIN`, and below nobody's).
const PEOPLE: std::ops::Range<u32> = 1000..65_534;

pub(super) async fn explain(args: Explain) -> Result<(), Failure> {
    let ground = Ground::below(Path::new("/"), 0);
    let rhost = args.rhost.as_deref();
    if let (Some(user), Some(service)) = (&args.user, &args.service) {
        let daemon = connect(Patience::Short).await?;
        let found = lines(&ground, service);
        let told = ask(&daemon, user.as_str(), (service, &found), rhost).await?;
        return render::print(&if args.json {
            render::explained_json(&told)
        } else {
            render::explained_text(&told)
        });
    }
    let mut all = Vec::new();
    let services = asking(&ground);
    for user in people(&ground).await? {
        // A new connection for each: one has its end after some thousand calls.
        let daemon = connect(Patience::Short).await?;
        for (service, found) in &services {
            all.push(ask(&daemon, &user, (service, found), rhost).await?);
        }
    }
    render::print(&if args.json {
        render::explained_all_json(&all)
    } else {
        render::explained_table(&all)
    })
}

/// Asks the daemon about one sign-in.
async fn ask(
    daemon: &FobProxy<'_>,
    user: &str,
    (service, lines): (&str, &[Line]),
    rhost: Option<&str>,
) -> Result<Explained, Failure> {
    // With two lines one without nullok is enough to be asked.
    let nullok = !lines.is_empty() && lines.iter().all(|line| line.tokenless == Tokenless::Exempt);
    let context = VerifyContext {
        service: Some(service.to_owned()),
        rhost: rhost.map(str::to_owned),
        tty: None,
        nullok: nullok.then_some(true),
        session: None,
    };
    let (word, report) = daemon.explain(user, context).await?;
    let kind = PromptKind::from_word(&word).ok_or(Failure::Strange)?;
    Ok(Explained {
        user: user.to_owned(),
        service: service.to_owned(),
        rhost: rhost.map(str::to_owned),
        lines: lines.to_vec(),
        kind,
        report,
    })
}

/// Returns whom this host knows, as far as it can be listed: those who have a token, root,
/// administrators, and the people of /etc/passwd.
async fn people(ground: &Ground) -> Result<BTreeSet<String>, Failure> {
    let state = Some("assigned".to_owned());
    let tokens = all_tokens(PageOptions { state, ..PageOptions::default() }).await?;
    let mut people: BTreeSet<String> = tokens.into_iter().filter_map(|token| token.user).collect();
    people.insert("root".to_owned());
    for group in ADMINISTRATORS {
        people.extend(Group::from_name(group).ok().flatten().into_iter().flat_map(|one| one.mem));
    }
    let passwd = ground.read("/etc/passwd").unwrap_or_default();
    people.extend(passwd.lines().filter_map(person).map(str::to_owned));
    people.retain(|name| UserName::parse(name).is_ok());
    Ok(people)
}

/// Returns the name in a line of /etc/passwd, if it is a person's.
fn person(line: &str) -> Option<&str> {
    let mut fields = line.split(':');
    let (name, _, uid) = (fields.next()?, fields.next()?, fields.next()?);
    uid.parse().is_ok_and(|uid| PEOPLE.contains(&uid)).then_some(name)
}
