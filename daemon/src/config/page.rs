//! The table of numbers as a man page: fobd.conf(5).

use std::fmt::Write as _;

use super::table::range;
use crate::decide::policy::Policy;

/// What stands before the settings (man(7)).
const HEAD: &str = r#".\" Made by: cargo run -q -p fobd --example settings man > packaging/man/fobd.conf.5
.TH FOBD.CONF 5 2026-11-22 "Fob @VERSION@" "Fob"
.SH NAME
fobd.conf \- numbers by which fobd judges codes, and rules about who is asked
.SH SYNOPSIS
.I /etc/fob/fobd.conf
.SH DESCRIPTION
.BR fobd (8)
reads this file when it starts.
It works without one: what is not set has its default.
The form is TOML: one line
.IB name " = " value
for each setting, and behind them the rules; what follows a # is a comment.
.PP
.B fobd
takes the file from root alone: nobody else may own it or be able to write it.
With a name that it does not know, a number out of its range, or a line that it cannot read, it does
not start, and nobody passes the code prompt.
So run
.B "fobd \-\-check\-config"
after a change, and
.B "systemctl restart fobd"
when it is content.
.PP
The file that is installed has every setting as a comment, with its default and the reasons.
The PAM module reads no file: its options stand in its line; see
.BR pam_fob (8).
.SH SETTINGS
"#;

/// What stands behind them.
const TAIL: &str = r#".SH RULES
A line
.B [[rule]]
begins a rule; up to 64 stand behind all settings.
The first rule that matches a sign\-in decides, and outweighs
.B nullok
of the PAM line; where none does, everybody is asked, but for
.BR nullok .
Without a rule nobody is exempt, and no network is trusted.
.PP
A rule matches if all of its selectors do, each by one of its words.
The value of a selector is a word in quotes, or a list of up to 64:
.TP
.B user
Names as the host has them; uid 0 is
.BR root .
.TP
.B group
The user is in one of these groups.
One that the host does not know counts for
.B require
and for nothing else; where the host cannot say who is in one, nobody is exempt.
.TP
.B service
PAM services, such as
.BR sshd ;
PAM has them all in lower case, and so have rules.
.TP
.B network
Addresses, or networks such as 192.0.2.0/24, without bits behind the length.
It matches where the service names the other end by an address in it, and never a sign\-in on the
host itself.
An end that is named otherwise (a host name, a link\-local address with its interface) counts for
.B require
and for nothing else.
A network proves little: whoever is in it, or takes a machine there over, is not asked either.
.PP
.B ask
says what holds then:
.TP
.B \(dqrequire\(dq
Everybody is asked.
.TP
.B \(dqignore\(dq
Nobody is asked: the module returns
.BR PAM_IGNORE ,
and the rest of the stack decides.
.TP
.BI \(dqenrol\-by\  2026\-12\-31 \(dq
Until the end of that day (UTC), whoever never had a token and has neither recovery nor temporary codes
is not asked; afterwards everybody is.
.PP
Nobody is exempt who does not exist, and root only by a rule with
.BR "user = \(dqroot\(dq" .
With a rule that is never reached, or has another key,
.B fobd
does not start.
A sign\-in without a code is an event with the rule's number and line.
.SH EXAMPLES
A host on which only hardware is wanted, and more typing errors are forgiven:
.PP
.nf
.RS 4
virtual_tokens = "refused"
wrong_codes_per_day = 8
.RE
.fi
.PP
Who is in the group staff has until the end of the year for his token, in sshd; others are asked:
.PP
.nf
.RS 4
[[rule]]
group = "staff"
service = "sshd"
ask = "enrol\-by 2026\-12\-31"
.RE
.fi
.SH FILES
.TP
.I /etc/fob/fobd.conf
Read unless fobd is started with another by
.BR \-\-config=\fIPATH\fP .
.SH SEE ALSO
.BR fobctl (1),
.BR fobd (8),
.BR pam_fob (8)
"#;

/// Returns the page: every setting with its default, its range and the reasons for both.
#[must_use]
pub fn man_page() -> String {
    let mut text = HEAD.replace("@VERSION@", env!("CARGO_PKG_VERSION"));
    for row in Policy::TABLE {
        let default = escaped(&row.get(&Policy::DEFAULT).to_string());
        let _ = writeln!(text, ".TP\n.B {}\n{}", row.key, escaped(row.about.trim()));
        let _ = writeln!(text, ".IP\nDefault: {default}. Why: {}.", escaped(row.reason));
        let _ = writeln!(text, ".IP\n{}: {}.", escaped(&range(row)), escaped(row.limits));
    }
    text + TAIL
}

/// Returns a text of which nothing is a request or an escape to roff (groff(7)).
fn escaped(text: &str) -> String {
    let safe = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let safe = safe.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
    match safe.starts_with('.') {
        true => format!("\\&{safe}"),
        false => safe,
    }
}

#[cfg(test)]
mod tests {
    use super::{escaped, man_page};
    use crate::decide::policy::Policy;

    #[test]
    fn the_published_man_page_is_the_table() {
        let published = include_str!("../../../packaging/man/fobd.conf.5");
        assert!(
            published == man_page(),
            "run: cargo run -q -p fobd --example settings man > packaging/man/fobd.conf.5"
        );
        for row in Policy::TABLE {
            assert!(published.contains(&format!("\n.B {}\n", row.key)), "{}", row.key);
        }
    }

    #[test]
    fn no_word_of_the_table_is_a_request_to_roff() {
        assert_eq!(escaped(".5 of a\\b  isn't x-y"), "\\&.5 of a\\eb isn\\(aqt x\\-y");
    }
}
