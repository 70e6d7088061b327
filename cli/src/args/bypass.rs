//! The arguments of `bypass`.

use clap::Args;
use fob_api::UserName;

/// `fobctl bypass`.
#[derive(Args, Debug)]
pub(crate) struct Bypass {
    /// Let this user in
    #[arg(value_parser = UserName::parse)]
    pub(crate) user: UserName,
    /// Let the code expire after this time: 1m to 7d, such as 10m, 2h or 1d
    #[arg(long = "for", value_name = "TIME", value_parser = seconds, default_value = "1h")]
    pub(crate) seconds: u32,
    /// Say why, in at most 200 bytes
    #[arg(long)]
    pub(crate) reason: String,
}

/// Reads a time such as 10m, 2h or 1d as seconds. The daemon takes a minute to seven days.
fn seconds(text: &str) -> Result<u32, &'static str> {
    const BAD: &str = "give 1m to 7d, such as 10m, 2h or 1d";
    let unit = match text.chars().last() {
        Some('m') => 60,
        Some('h') => 60 * 60,
        Some('d') => 24 * 60 * 60,
        _ => return Err(BAD),
    };
    let count = text.trim_end_matches(['m', 'h', 'd']);
    let is_number = count.len() + 1 == text.len() && count.bytes().all(|b| b.is_ascii_digit());
    let seconds = count.parse::<u32>().ok().filter(|_| is_number);
    let seconds = seconds.and_then(|count| count.checked_mul(unit)).ok_or(BAD)?;
    if (60..=7 * 24 * 60 * 60).contains(&seconds) { Ok(seconds) } else { Err(BAD) }
}
