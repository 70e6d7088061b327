//! The fields of events: one table of their names here and in the journal.

/// A row of the table.
pub(super) struct Row {
    pub(super) word: &'static str,
    pub(super) journal: &'static str,
    pub(super) about: &'static str,
}

/// Makes the enum and its table of one list: a field without a row does not compile.
macro_rules! fields {
    ($($name:ident $word:literal $journal:literal $about:literal)*) => {
        /// What a value of an event says.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum Field {
            $(#[doc = $about] $name,)*
        }

        impl Field {
            /// Every field, in the order of the words.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            pub(super) fn row(self) -> Row {
                match self {
                    $(Self::$name => Row { word: $word, journal: $journal, about: $about },)*
                }
            }
        }
    };
}

fields! {
    Added "added" "FOB_ADDED" "Tokens that were not here before."
    Ahead "ahead" "FOB_AHEAD" "Seconds that the tokens' clocks are ahead of the host's."
    Batch "batch" "FOB_BATCH" "What the administrator called the tokens of an import."
    By "by" "FOB_BY" "What a sign-in was tried with instead of a token: recovery, temporary or expired."
    Bytes "bytes" "FOB_BYTES" "Bytes that were cut off."
    Caller "caller" "FOB_CALLER_UID" "The uid that asked the daemon, as the kernel or the bus attests it."
    Clock "clock" "FOB_CLOCK" "The host's clock, Unix time."
    Count "count" "FOB_COUNT" "How many."
    Damaged "damaged" "FOB_DAMAGED" "Records that could not be read."
    Distance "distance" "FOB_STEP_DISTANCE" "Steps between the code and the one that was expected."
    Dropped "dropped" "FOB_DROPPED" "Events before this one that neither the journal nor standard error took."
    DryRun "dry_run" "FOB_DRY_RUN" "That nothing was changed, for it was only asked what would be."
    Error "error" "FOB_ERROR" "What the system or the store said."
    Fate "fate" "FOB_FATE" "What became of the old token: stock, lost or retire."
    File "file" "FOB_FILE" "The file that it is about."
    Floor "floor" "FOB_FLOOR" "The Unix time before which the host's clock cannot be right."
    Forgotten "forgotten" "FOB_FORGOTTEN" "Forgotten tokens of which something is kept."
    From "from" "FOB_FROM" "The version that the database had."
    Host "host" "FOB_HOST" "The host on which the backup was made."
    Jump "jump" "FOB_JUMP" "Seconds that the host's clock was set."
    Kept "kept" "FOB_KEPT" "Where the database of the older version is now."
    Key "key" "FOB_KEY" "The id of the master key."
    LastFrom "last_from" "FOB_LAST_FROM" "The remote host of the sign-in that used the code."
    LastUsed "last_used" "FOB_LAST_USED" "The Unix time of the sign-in that used the code."
    Left "left" "FOB_LEFT" "Recovery codes that are left."
    Line "line" "FOB_LINE" "The line of fobd.conf in which that rule begins."
    LoginUid "login_uid" "FOB_LOGIN_UID" "The uid with which an administrator signed in before he became root, as his fobctl says; for information only."
    LostTokens "lost" "FOB_LOST" "Tokens that are lost here or there, and stay so."
    Merged "merged" "FOB_MERGED" "Tokens of which both sides knew something."
    Note "note" "FOB_NOTE" "What was done otherwise than the backup says."
    Old "old" "FOB_OLD_SERIAL" "The serial of the token that was replaced."
    Origin "origin" "FOB_ORIGIN" "The program from which a token came in with its user."
    Ready "ready" "FOB_READY" "Whether he has a token: yes, no, or nobody for a name that nobody has."
    Reason "reason" "FOB_REASON" "Why."
    Records "records" "FOB_RECORDS" "Records that were copied."
    Resealed "resealed" "FOB_RESEALED" "Seeds that were sealed anew."
    Rhost "rhost" "FOB_RHOST" "The remote host, as the service names it."
    Rule "rule" "FOB_RULE" "The number of the rule of fobd.conf that decided who is asked; they count from 1."
    Seconds "seconds" "FOB_SECONDS" "In how many seconds."
    Serial "serial" "FOB_SERIAL" "The token's serial."
    Service "service" "FOB_SERVICE" "The PAM service, such as sshd."
    Set "set" "FOB_SET" "The setting and its value."
    Share "share" "FOB_SHARE" "The share of the budget of wrong codes: console, escalation, known, own or unknown."
    Skipped "skipped" "FOB_SKIPPED" "Tokens that did not come in."
    State "state" "FOB_STATE" "The state of the connection, or where a token stands."
    Taken "taken" "FOB_TAKEN" "The Unix time at which the backup was made."
    To "to" "FOB_TO" "The version that the database has now."
    Tokens "tokens" "FOB_TOKENS" "How many tokens."
    Tty "tty" "FOB_TTY" "The terminal."
    Unchanged "unchanged" "FOB_UNCHANGED" "Tokens of which the backup knows nothing new."
    Unreadable "unreadable" "FOB_UNREADABLE" "Seeds that could not be opened, and so not be sealed anew."
    Until "until" "FOB_UNTIL" "The Unix time until which it holds."
    User "user" "FOB_USER" "The user that it is about."
    Verb "verb" "FOB_VERB" "The verb that was refused."
    Verdict "verdict" "FOB_VERDICT" "The verdict: accept, reject, replay, wait, locked, unassigned or exempt."
    Version "version" "FOB_VERSION" "The daemon's version."
    What "what" "FOB_WHAT" "What it is about: of an alarm lost_token or retired_token, of trouble the part that failed."
    Would "would" "FOB_WOULD" "Whether he would have been asked if it were enforced: code or exempt."
}

impl Field {
    /// Returns the word for it: in the line, in the log's files, on the bus.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.row().word
    }

    /// Returns its name in the journal.
    #[must_use]
    pub fn journal(self) -> &'static str {
        self.row().journal
    }
}

#[cfg(test)]
mod tests {
    use super::Field;

    #[test]
    fn every_field_has_a_name_that_the_journal_takes() {
        let words: Vec<_> = Field::ALL.iter().map(|field| field.word()).collect();
        assert!(words.is_sorted(), "{words:?}");
        for field in Field::ALL {
            // systemd.journal-fields(7): capitals, digits and underscores, no underscore in front.
            let name = field.journal();
            let allowed = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
            assert!(name.starts_with("FOB_") && name.bytes().all(allowed), "{name}");
            let twins = Field::ALL.iter().filter(|other| other.journal() == name);
            assert_eq!(twins.count(), 1, "{name}");
        }
    }
}
