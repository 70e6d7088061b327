//! What a rekey has done, and what is left to do.

use fob_api::RekeyReport;

use super::{printable, word};

/// Returns sentences about a rekey.
pub(crate) fn rekey_sentences(report: &RekeyReport) -> String {
    let key = word(report.key.as_deref().map(printable).as_deref());
    let resealed = report.resealed.unwrap_or_default();
    let from_credential = report.key_from.as_deref() == Some("credential");
    let unreadable = report.unreadable.unwrap_or_default();
    if unreadable > 0 {
        return format!(
            "{resealed} secrets are sealed by the master key {key} now. {unreadable} seeds cannot be \
             read, so the key\nbefore it is kept. \"journalctl -u fobd\" names them: restore \
             them from a backup, then run this again."
        );
    }
    match (resealed, from_credential) {
        (0, true) => format!(
            "Everything is sealed by the master key {key} already. For a new one: encrypt 32 random \
             bytes as\nthe credential master.key, give fobd the present one as previous.key, restart \
             it, and run this again."
        ),
        (_, true) => format!(
            "{resealed} secrets are sealed by the master key {key} now. The credential previous.key \
             is not needed any more."
        ),
        (_, false) => format!(
            "{resealed} secrets are sealed by the master key {key} now; the one before it is removed. \
             Back the\nnew one up: backups of the database from now on open with it alone."
        ),
    }
}

#[cfg(test)]
mod tests {
    use fob_api::RekeyReport;

    use super::rekey_sentences;

    fn said(from: &str, resealed: u32, unreadable: u32) -> String {
        rekey_sentences(&RekeyReport {
            key: Some("0123456789abcdef".into()),
            key_from: Some(from.into()),
            resealed: Some(resealed),
            unreadable: Some(unreadable),
            ..RekeyReport::default()
        })
    }

    #[test]
    fn a_rekey_says_which_key_holds_now_and_what_is_left_to_do() {
        assert!(
            said("file", 7, 0).contains("7 secrets are sealed by the master key 0123456789abc")
        );
        assert!(said("credential", 7, 0).contains("previous.key is not needed any more"));
        assert!(said("credential", 0, 0).contains("For a new one"));
        assert!(said("file", 7, 2).contains("2 seeds cannot be read"));
    }
}
