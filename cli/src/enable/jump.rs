//! Lines of a PAM service's file that skip others by their number (pam.conf(5), `[success=1 …]`). Pure.

use crate::doctor::Control;

/// Returns the number of the first line that skips the one of this number, or a part of what it takes in:
/// with lines more or fewer there, it would skip others than its writer meant. What an `include` in
/// between brings is taken for nothing.
pub(super) fn over(text: &str, at: u32) -> Option<u32> {
    let lines: Vec<(&str, u32)> = text.lines().zip(1..at).collect();
    let behind = |number: u32| lines.iter().filter(move |(_, other)| *other > number);
    lines.iter().find_map(|(line, number)| {
        let control = control(line)?;
        let between = behind(*number).filter(|(line, _)| {
            self::control(line).is_some_and(|control| !control.eq_ignore_ascii_case("include"))
        });
        let between = u32::try_from(between.count()).unwrap_or(u32::MAX);
        (Control::parse(control).longest_jump() > between).then_some(*number)
    })
}

/// Returns the control field of a line that authenticates, without its brackets.
fn control(line: &str) -> Option<&str> {
    let said = line.split('#').next()?.trim_start();
    let (kind, rest) = said.split_once(char::is_whitespace)?;
    let is_auth = kind.strip_prefix('-').unwrap_or(kind).eq_ignore_ascii_case("auth");
    let rest = rest.trim_start();
    is_auth.then(|| match rest.strip_prefix('[') {
        Some(inside) => inside.split(']').next().unwrap_or_default(),
        None => rest.split_ascii_whitespace().next().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::over;

    #[test]
    fn a_jump_over_the_line_is_found_and_one_that_ends_before_it_is_not() {
        for (jump, found) in [
            ("[success=1 default=ignore]", None),
            ("[success=2 default=ignore]", None),
            ("[success=3 default=ignore]", Some(1)),
            ("[default=1 success=9]", Some(1)),
            ("sufficient", None),
        ] {
            let text = format!(
                "auth {jump} pam_succeed_if.so user = backup # 9=9\naccount required pam_deny.so\n\
                 -auth optional pam_x.so\nauth substack y\nauth include z\n@include common-auth\n\
                 auth [success=9 default=ignore] pam_localuser.so\n"
            );
            assert_eq!(over(&text, 6), found, "{jump}");
        }
    }
}
