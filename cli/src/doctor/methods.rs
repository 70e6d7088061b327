//! In which ways sshd lets somebody in, and whether PAM, and so Fob, is asked in each. Pure
//! (sshd_config(5), `AuthenticationMethods`; auth2.c and auth-pam.c of OpenSSH).

use super::{
    finding::{Finding, Kind, Place, Severity},
    sshd::{Default, View},
};

/// A list of methods, all of which are needed.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Way {
    /// PAM may ask questions; a key or something like it is needed as well, or is not.
    Asks { key: bool },
    /// sshd gives PAM the password as the answer to every hidden question, and none to others.
    Blind,
    /// A method is switched off: nobody gets in this way. By which keyword.
    Off(&'static str),
    /// PAM is not asked to authenticate. What is enough.
    Open(String),
}

/// The methods, the keyword that switches each on, and the default of that.
const METHODS: [(&str, &str, Default); 5] = [
    ("publickey", "pubkeyauthentication", Default::Yes),
    ("keyboard-interactive", "kbdinteractiveauthentication", Default::Yes),
    ("password", "passwordauthentication", Default::Yes),
    ("hostbased", "hostbasedauthentication", Default::No),
    ("gssapi-with-mic", "gssapiauthentication", Default::No),
];

const USE_PAM: &str = "usepam";
const METHODS_KEYWORD: &str = "authenticationmethods";
const KEYBOARD: &str = "keyboard-interactive";
const FIX: &str = "write \"AuthenticationMethods publickey,keyboard-interactive:pam\" (a comma, \
    no space) into /etc/ssh/sshd_config.d/10-fob.conf.";

/// Tells whether, in all views, whoever is asked by PAM has shown a key before; also if nobody is.
pub(crate) fn key_comes_first(views: &[View]) -> bool {
    views.iter().flat_map(ways).all(|way| !matches!(way, Way::Asks { key: false }))
}

/// Tells whether PAM asks anybody.
pub(crate) fn somebody_is_asked(views: &[View]) -> bool {
    views.iter().flat_map(ways).any(|way| matches!(way, Way::Asks { .. }))
}

/// Returns what is wrong with sshd, where PAM would ask for the code.
pub(crate) fn findings(service: &str, views: &[View]) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    for view in views {
        for finding in of_view(service, view) {
            // What is so for everybody is not told again for some.
            let known =
                |known: &Finding| (known.kind, &known.place) == (finding.kind, &finding.place);
            if !found.iter().any(known) {
                found.push(finding);
            }
        }
    }
    found
}

fn of_view(service: &str, view: &View) -> Vec<Finding> {
    let ways = ways(view);
    let judge = Judge { service, view, ways: &ways };
    let mut found: Vec<Finding> = Vec::new();
    if view.is_on(USE_PAM, Default::No) {
        found.extend(judge.key_alone());
        found.extend(judge.method_disabled());
        found.extend(judge.password_method());
        found.extend(judge.root_refused());
    } else {
        found.push(judge.use_pam_no());
    }
    found.extend(judge.penalties());
    found
}

/// Returns the ways in.
fn ways(view: &View) -> Vec<Way> {
    let lists = view.get(METHODS_KEYWORD).map_or("any", |setting| setting.value.as_str());
    let enabled = |(_, keyword, default): &(_, &str, Default)| view.is_on(keyword, *default);
    if lists.eq_ignore_ascii_case("any") {
        let single = METHODS.iter().filter(|method| enabled(method));
        return single.map(|(name, _, _)| way(view, name)).collect();
    }
    lists.split_ascii_whitespace().map(|list| way(view, list)).collect()
}

fn way(view: &View, list: &str) -> Way {
    let names = || list.split(',').map(|method| method.split(':').next().unwrap_or_default());
    for name in names() {
        let known = METHODS.iter().find(|(known, _, _)| *known == name);
        if let Some((_, keyword, default)) = known
            && !view.is_on(keyword, *default)
        {
            return Way::Off(keyword);
        }
    }
    let uses_pam = view.is_on(USE_PAM, Default::No);
    let has = |wanted: &str| names().any(|name| name == wanted);
    if has(KEYBOARD) {
        let key = names().any(|name| name != KEYBOARD);
        return if uses_pam { Way::Asks { key } } else { Way::Off(USE_PAM) };
    }
    if has("password") && uses_pam {
        return Way::Blind;
    }
    Way::Open(list.to_owned())
}

struct Judge<'a> {
    service: &'a str,
    view: &'a View,
    ways: &'a [Way],
}

impl Judge<'_> {
    fn finding(&self, kind: Kind, severity: Severity, place: Place, happens: &str) -> Finding {
        let happens = match &self.view.matching {
            Some(matching) => {
                format!("For \"Match {}\" ({}): {happens}", matching.text, matching.place)
            }
            None => happens.to_owned(),
        };
        let fix = match kind {
            Kind::KeyAlone if self.view.matching.is_some() => {
                "if that is not meant, take the line out of the Match block, or let it name \
                keyboard-interactive:pam behind a comma."
            }
            Kind::KeyAlone => FIX,
            Kind::MethodDisabled => {
                "write that setting with \"yes\" into /etc/ssh/sshd_config.d/10-fob.conf, whose \
                name sorts first; then sshd -t."
            }
            Kind::PasswordMethod => {
                "set PasswordAuthentication no; people type their password at the \
                keyboard-interactive prompt."
            }
            Kind::Penalties => {
                "set PerSourcePenaltyExemptList to the network from which many people come."
            }
            Kind::RootRefused => {
                "sign in as a user and use sudo, or set PermitRootLogin yes: \
                AuthenticationMethods binds root, too."
            }
            _ => {
                "set UsePAM yes in the first file that says it; sshd -T shows the value that \
                counts."
            }
        };
        let (services, fix) = (vec![self.service.to_owned()], fix.to_owned());
        Finding { kind, severity, services, happens, place: Some(place), fix }
    }

    fn asks(&self) -> bool {
        self.ways.iter().any(|way| matches!(way, Way::Asks { .. }))
    }

    fn open(&self) -> Option<&str> {
        self.ways.iter().find_map(|way| match way {
            Way::Open(list) => Some(list.as_str()),
            _ => None,
        })
    }

    /// Names the lines that say something else and come too late.
    fn late(&self, keyword: &str) -> String {
        match self.view.get(keyword).map(|setting| setting.late.as_slice()) {
            None | Some([]) => String::new(),
            Some([late, ..]) => {
                format!(" {late} says something else, and comes too late: the first value wins.")
            }
        }
    }

    fn key_alone(&self) -> Option<Finding> {
        let open = self.open()?;
        let explicit =
            self.ways.len() > 1 && self.view.get(METHODS_KEYWORD).is_some_and(|s| s.value != "any");
        let mut happens =
            format!("{} alone signs in over ssh, and no code is asked for.", named(open));
        if explicit {
            happens.push_str(
                " A space in AuthenticationMethods stands between ways that are each enough.",
            );
        }
        happens.push_str(&self.late(METHODS_KEYWORD));
        let place = self.view.place(METHODS_KEYWORD);
        Some(self.finding(Kind::KeyAlone, Severity::FailsOpen, place, &happens))
    }

    /// sshd starts if one of the lists can be satisfied.
    fn method_disabled(&self) -> Option<Finding> {
        let off = |way: &Way| match way {
            Way::Off(keyword) => Some(*keyword),
            _ => None,
        };
        let keyword = self.ways.iter().find_map(off)?;
        if !self.ways.iter().all(|way| off(way).is_some()) {
            return None;
        }
        let what = match self.view.matching {
            Some(_) => "everybody is refused",
            None => "sshd does not start, and nobody gets in over ssh",
        };
        let late = self.late(keyword);
        let happens =
            format!("AuthenticationMethods needs a method that this switches off: {what}.{late}");
        let place = self.view.place(keyword);
        Some(self.finding(Kind::MethodDisabled, Severity::LocksOut, place, &happens))
    }

    fn password_method(&self) -> Option<Finding> {
        if !self.ways.contains(&Way::Blind) || self.open().is_some() {
            return None; // that the key alone is enough is worse
        }
        let severity = if self.asks() { Severity::Warns } else { Severity::LocksOut };
        let happens = "With the method \"password\" sshd shows no prompt of PAM's: nobody can \
            type a code, and who tries that way is refused.";
        let place = match self.view.get("passwordauthentication") {
            Some(_) => self.view.place("passwordauthentication"),
            None => self.view.place(METHODS_KEYWORD),
        };
        Some(self.finding(Kind::PasswordMethod, severity, place, happens))
    }

    fn use_pam_no(&self) -> Finding {
        let late = self.late(USE_PAM);
        let place = self.view.place(USE_PAM);
        match self.open() {
            Some(open) => {
                let happens = format!(
                    "sshd does not ask PAM: {} alone signs in, and no code is asked for.{late}",
                    named(open).to_lowercase()
                );
                self.finding(Kind::UsePamNo, Severity::FailsOpen, place, &happens)
            }
            None => {
                let happens = format!(
                    "sshd does not ask PAM: everybody is refused after the key, without a \
                    prompt.{late}"
                );
                self.finding(Kind::UsePamNo, Severity::LocksOut, place, &happens)
            }
        }
    }

    /// Only where somebody wrote it: it is the default, too.
    fn root_refused(&self) -> Option<Finding> {
        let setting = self.view.get("permitrootlogin")?;
        let place = setting.place.clone()?;
        let by_key = ["prohibit-password", "without-password"];
        let applies = by_key.iter().any(|word| setting.value.eq_ignore_ascii_case(word));
        if !applies || !self.asks() || self.open().is_some() {
            return None;
        }
        let happens = "root is asked for a code over ssh, and refused whatever he types: this \
            setting takes keyboard-interactive from him.";
        Some(self.finding(Kind::RootRefused, Severity::Warns, place, happens))
    }

    fn penalties(&self) -> Option<Finding> {
        const KEYWORD: &str = "persourcepenalties";
        let setting = self.view.get(KEYWORD)?;
        let exempt = self.view.get("persourcepenaltyexemptlist");
        let some = |list: &str| !list.is_empty() && !list.eq_ignore_ascii_case("none");
        let is_off = setting.value.eq_ignore_ascii_case("no")
            || setting
                .value
                .split_ascii_whitespace()
                .any(|word| word == "authfail:0.0" || word == "authfail:0");
        if self.view.matching.is_some() || is_off || exempt.is_some_and(|list| some(&list.value)) {
            return None;
        }
        let happens = "After some wrong codes sshd refuses everybody behind the same address for \
            a while, also with right ones.";
        Some(self.finding(Kind::Penalties, Severity::Warns, self.view.place(KEYWORD), happens))
    }
}

/// Returns a list of methods in words.
fn named(list: &str) -> String {
    let words = list.split(',').map(|method| match method.split(':').next().unwrap_or_default() {
        "publickey" => "The key",
        "password" => "The password",
        "hostbased" => "The client's host",
        "gssapi-with-mic" => "The Kerberos ticket",
        _ => "Another method",
    });
    let words: Vec<&str> = words.collect();
    words.join(" and ")
}
