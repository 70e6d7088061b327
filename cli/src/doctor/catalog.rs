//! What the modules of the usual distributions return when they authenticate: from their manual
//! pages and Linux-PAM 1.5. Pure.

use super::{
    control::Return,
    pam::{Module, What},
};

/// What a line may return.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Behaviour {
    /// Always the same, for somebody who has done nothing wrong but for codes and passwords.
    Always(Return),
    /// Success for who gives the right password, fingerprint or other factor.
    Factor,
    /// The module of Fob.
    Fob,
    /// Success or failure, by user, host or time; also every module that is not known here.
    Test,
}

/// Modules that have no opinion when they authenticate, or only prepare.
const SILENT: [&str; 15] = [
    "pam_cap.so",
    "pam_echo.so",
    "pam_env.so",
    "pam_faildelay.so",
    "pam_gnome_keyring.so",
    "pam_group.so",
    "pam_issue.so",
    "pam_keyinit.so",
    "pam_kwallet.so",
    "pam_kwallet5.so",
    "pam_mount.so",
    "pam_nologin.so",
    "pam_reauthorize.so",
    "pam_umask.so",
    "pam_warn.so",
];

/// Modules that ask for something, or look at something that the person has.
const FACTORS: [&str; 21] = [
    "pam_duo.so",
    "pam_fprintd.so",
    "pam_google_authenticator.so",
    "pam_himmelblau.so",
    "pam_kanidm.so",
    "pam_krb5.so",
    "pam_ldap.so",
    "pam_oath.so",
    "pam_p11.so",
    "pam_pkcs11.so",
    "pam_radius_auth.so",
    "pam_ssh_agent_auth.so",
    "pam_sss.so",
    "pam_sss_gss.so",
    "pam_systemd_home.so",
    "pam_tcb.so",
    "pam_u2f.so",
    "pam_unix.so",
    "pam_userdb.so",
    "pam_winbind.so",
    "pam_yubico.so",
];

/// Returns what a line may return.
pub(crate) fn behaviour(what: &What) -> Behaviour {
    let module = match what {
        What::Module(module) => module,
        What::Broken(_) => return Behaviour::Always(Return::MUST_FAIL),
        What::Substack => return Behaviour::Always(Return::IGNORE),
    };
    let name = module.name();
    if is_fob(module) {
        Behaviour::Fob
    } else if FACTORS.contains(&name) {
        Behaviour::Factor
    } else if SILENT.contains(&name) {
        Behaviour::Always(Return::IGNORE)
    } else {
        rest(module)
    }
}

fn rest(module: &Module) -> Behaviour {
    let has = |word: &str| module.options.iter().any(|option| option == word);
    match module.name() {
        "pam_permit.so" => Behaviour::Always(Return::SUCCESS),
        "pam_deny.so" => Behaviour::Always(Return::AUTH_ERR),
        // Who calls su as root could do without it.
        "pam_rootok.so" => Behaviour::Always(Return::AUTH_ERR),
        // pam_faillock(8): "preauth" and "authsucc" succeed for who is not locked, "authfail" fails.
        "pam_faillock.so" if has("authfail") => Behaviour::Always(Return::AUTH_ERR),
        "pam_faillock.so" | "pam_tally2.so" => Behaviour::Always(Return::SUCCESS),
        _ => Behaviour::Test,
    }
}

/// Tells whether a module is Fob's.
pub(crate) fn is_fob(module: &Module) -> bool {
    module.name() == "pam_fob.so"
}
