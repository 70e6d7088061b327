//! The six functions that PAM looks up in the module, `pam_sm_authenticate(3)` and its like.

use std::ffi::CStr;

use pam::{
    constants::{PamFlag, PamResultCode},
    module::{PamHandle, PamHooks},
};

use crate::{guard, sign_in};

struct Fob;

pam::pam_hooks!(Fob);

impl PamHooks for Fob {
    fn sm_authenticate(handle: &mut PamHandle, args: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        guard::silence();
        guard::run(|| sign_in::authenticate(handle, &args, flags))
    }

    /// Does nothing, successfully. `PAM_IGNORE` would make `su` fail after a right code, because
    /// libpam takes the result of the same module for both (`pam_setcred(3)`).
    fn sm_setcred(_handle: &mut PamHandle, _args: Vec<&CStr>, _flags: PamFlag) -> PamResultCode {
        PamResultCode::PAM_SUCCESS
    }

    // The other four stay what the trait makes them: PAM_IGNORE, without a side effect. A host
    // that only runs the account stack (cron) must not be able to change anything here.
}
