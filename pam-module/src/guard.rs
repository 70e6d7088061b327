//! A panic is a refusal, and a silent one.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use pam::constants::PamResultCode;

/// Makes panics of the module silent, once per process.
///
/// The hook is state of the copy of the standard library that is linked into the module, so a
/// host that is written in Rust keeps its own. The default hook would write to the host's
/// standard error, and with `RUST_BACKTRACE=1` from the caller's environment would map 70 MB of
/// debug information.
pub(crate) fn silence() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| panic::set_hook(Box::new(|_| {})));
}

/// Runs the work; a panic in it becomes `PAM_SYSTEM_ERR`.
///
/// pam-bindings has a guard too, but answers `PAM_ABORT`, which some hosts take for their own
/// end.
pub(crate) fn run(work: impl FnOnce() -> PamResultCode) -> PamResultCode {
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(code) => code,
        Err(payload) => {
            // Dropping a payload can panic again; a few leaked bytes cannot.
            std::mem::forget(payload);
            PamResultCode::PAM_SYSTEM_ERR
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{PamResultCode, run};

    #[test]
    fn a_panic_becomes_a_system_error() {
        assert_eq!(run(|| panic!("on purpose")), PamResultCode::PAM_SYSTEM_ERR);
    }

    #[test]
    fn a_payload_that_panics_when_it_is_dropped_is_a_system_error_too() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("on purpose, again");
            }
        }
        let code = run(|| std::panic::panic_any(Bomb));
        assert_eq!(code, PamResultCode::PAM_SYSTEM_ERR);
    }

    #[test]
    fn a_result_passes_through() {
        assert_eq!(run(|| PamResultCode::PAM_AUTH_ERR), PamResultCode::PAM_AUTH_ERR);
    }
}
