//! The service that checks the password of one-field sign-ins.

use fob_api::PASSWORD_SERVICE;

use super::{Bench, Factors, Finding, Kind, Place, Return, Severity};

/// Where the module looks for it, and nowhere else.
const FILE: &str = "/etc/pam.d/fob-password";
/// What its file needs.
const FIX: &str = "write \"auth required pam_unix.so nodelay\" there, or what checks passwords on this \
    host (pam_fob(8)).";

/// Returns what is wrong if the service has no lines of its own.
pub(crate) fn missing() -> Finding {
    let happens = "Password and code are taken in one field, and nothing checks the password: this \
        file is missing or has no line of kind auth, and everybody is refused there.";
    Finding {
        kind: Kind::PasswordService,
        severity: Severity::LocksOut,
        services: vec![PASSWORD_SERVICE.to_owned()],
        happens: happens.to_owned(),
        place: Some(Place::of(FILE)),
        fix: FIX.to_owned(),
    }
}

impl Bench<'_> {
    /// Tells whether the lines are those of the file that the module reads.
    pub(crate) fn is_in_its_place(&self) -> bool {
        self.file == FILE
    }

    /// Returns what is wrong with this stack as the one that checks the password.
    pub(crate) fn password_findings(&self) -> Vec<Finding> {
        let without = self.worlds(&[Factors::None], Return::SERVICE_ERR);
        let open = without.into_iter().find(|world| self.case(*world).lets_in());
        let open = open.map(|_| {
            let happens = "Any password is right here: where password and code are taken in one \
                field, the code alone is enough.";
            let what = (Kind::PasswordService, Severity::FailsOpen);
            self.finding(what, Some(Place::of(FILE)), happens.to_owned(), FIX)
        });
        let own = self.fobs.first().map(|fob| {
            let happens = "The module of Fob refuses to run here: it has the password checked by \
                this service, and would ask itself.";
            let what = (Kind::PasswordService, Severity::LocksOut);
            let fix = "take the line of pam_fob.so out; with an included file, write the line that \
                checks the password in its place.";
            self.finding(what, self.place(*fob), happens.to_owned(), fix)
        });
        let nobody = self.nobody_passes().filter(|_| own.is_none());
        open.into_iter().chain(own).chain(nobody).collect()
    }
}
