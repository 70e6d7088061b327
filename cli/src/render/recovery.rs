//! Recovery codes and temporary ones: what is left of them, and the codes themselves, once.

use fob_api::{RECOVERY_LETTERS, RecoveryCode, UserReport};
use zeroize::Zeroizing;

use super::{NOTHING, printable, time, word};

/// Few recovery codes left: time for new ones.
const FEW: u32 = 2;

/// Returns the line on a user's recovery codes; `None` if he was never given any.
pub(super) fn recovery_row(user: &UserReport) -> Option<[String; 2]> {
    let left = user.recovery_left?;
    let codes = if left == 1 { "1 code left".to_owned() } else { format!("{left} codes left") };
    let advice = match user.user.as_deref() {
        Some(name) if left <= FEW => {
            format!("; run \"fobctl recovery {}\" for new ones", printable(name))
        }
        _ => String::new(),
    };
    Some(["recovery".to_owned(), format!("{codes}{advice}")])
}

/// Returns the line on a user's temporary code; `None` if he has none.
pub(super) fn temporary_row(user: &UserReport) -> Option<[String; 2]> {
    let until = time::iso(user.temporary_until?);
    let by = match user.temporary_by {
        Some(0) => "root".to_owned(),
        Some(uid) => format!("uid {uid}"),
        None => NOTHING.to_owned(),
    };
    let reason = word(user.temporary_reason.as_deref());
    Some(["temporary".to_owned(), format!("1 code until {until}, by {by}: {reason}")])
}

/// Returns recovery codes in two columns. Wiped on drop.
pub(crate) fn code_columns(codes: &[RecoveryCode]) -> Zeroizing<String> {
    // Room for all of it, so that no copy is left behind when it grows.
    let mut text = Zeroizing::new(String::with_capacity(codes.len() * 2 * RECOVERY_LETTERS));
    for row in codes.chunks(2) {
        for (column, code) in row.iter().enumerate() {
            text.push_str(if column == 0 { "  " } else { "    " });
            push_code(&mut text, code);
        }
        text.push('\n');
    }
    text
}

/// Adds a code in two groups.
fn push_code(text: &mut String, code: &RecoveryCode) {
    let code = code.as_str();
    let (first, second) = code.split_at_checked(RECOVERY_LETTERS / 2).unwrap_or((code, ""));
    text.push_str(first);
    text.push('-');
    text.push_str(second);
}

/// Returns a Unix time as a date.
pub(crate) fn date(unix: u64) -> String {
    time::iso(unix)
}
