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
    /// Success for who gives the right password, fingerprint or other factor; also every module
    /// that is not known here, which may ask for one.
    Factor,
    /// The module of Fob.
    Fob,
    /// Success or failure, by user, host or time.
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

/// Modules that succeed or fail by user, host or time, and ask nobody for anything.
const TESTS: [&str; 17] = [
    "pam_abl.so",
    "pam_access.so",
    // For whom Cockpit has checked a certificate (`ClientCertAuthentication`, off by default).
    "pam_cockpit_cert.so",
    "pam_gdm.so",
    "pam_listfile.so",
    "pam_localuser.so",
    "pam_rhosts.so",
    "pam_securetty.so",
    "pam_selinux_permit.so",
    "pam_sepermit.so",
    "pam_shells.so",
    "pam_slurm.so",
    "pam_succeed_if.so",
    "pam_time.so",
    "pam_timestamp.so",
    "pam_usertype.so",
    "pam_wheel.so",
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
    } else if TESTS.contains(&name) {
        Behaviour::Test
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
        _ => Behaviour::Factor,
    }
}

/// Tells whether a module is Fob's.
pub(crate) fn is_fob(module: &Module) -> bool {
    module.name() == "pam_fob.so"
}
