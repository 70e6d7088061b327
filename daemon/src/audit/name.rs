//! The events by name: one table of what is said, how loud, and under which MESSAGE_ID.

/// How loud an event is: the levels of syslog(3), which the journal keeps as PRIORITY.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum Priority {
    /// Somebody has to act at once: LOG_ALERT.
    Alert = 1,
    /// What the log says cannot be relied on: LOG_CRIT.
    Critical = 2,
    /// Something did not work: LOG_ERR.
    Error = 3,
    /// Somebody tried what is not his to do: LOG_WARNING.
    Warning = 4,
    /// A change, or a refusal: LOG_NOTICE.
    Notice = 5,
    /// The usual: LOG_INFO.
    Info = 6,
}

impl Priority {
    /// Returns the level's number (syslog(3)).
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Returns the level's name (systemd.journal-fields(7), journalctl --priority).
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Critical => "crit",
            Self::Error => "err",
            Self::Warning => "warning",
            Self::Notice => "notice",
            Self::Info => "info",
        }
    }
}

/// A row of the table.
pub(super) struct Row {
    pub(super) word: &'static str,
    pub(super) message_id: &'static str,
    pub(super) priority: Priority,
    pub(super) about: &'static str,
}

/// Makes the enum and its table of one list: a name without a row does not compile.
macro_rules! names {
    ($($name:ident $word:literal $message_id:literal $priority:ident $about:literal)*) => {
        /// What an event is about. Its MESSAGE_ID was drawn at random once and never changes
        /// (sd_journal_print(3), "Message IDs").
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum Name {
            $(#[doc = $about] $name,)*
        }

        impl Name {
            /// Every name, in the order of the words.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            pub(super) fn row(self) -> Row {
                match self {
                    $(Self::$name => Row {
                        word: $word,
                        message_id: $message_id,
                        priority: Priority::$priority,
                        about: $about,
                    },)*
                }
            }
        }
    };
}

names! {
    Adopt "adopt" "539b555553441693add4de38a2451bfe" Notice
        "A token came in with its user from another program."
    Alarm "alarm" "1c1663d663fc4b9cab1e5b0fca325142" Alert
        "Somebody typed a code of a token that was reported lost or taken out of use."
    Assign "assign" "13c65c81648643cd95cc2c064b56fd3e" Notice
        "A token was given to a user."
    Backup "backup" "4b7b9fea86291e6ab241afcdaeaa4a9e" Notice
        "All tokens were written into a backup."
    Bus "bus" "a7305541bf164de6900f7c2b5bf7306f" Info
        "The connection to the system bus stands, is gone, or was not made."
    Bypass "bypass" "b6c0a24c972f4cc18ad526afdda68684" Notice
        "A user was given a temporary code."
    ClockNotTrusted "clock_not_trusted" "c926cea30651436dad47717b5f01cd28" Error
        "The host's clock cannot be right, so no code is checked; told once a minute."
    Config "config" "915bf6185ff24307a0c672837b11df3d" Info
        "A number in force differs from its default, or a rule about who is asked."
    Deactivate "deactivate" "99fbdd7333bd444bb8a00eaa49f1c7a5" Notice
        "A token was taken from its user."
    Denied "denied" "96c062d15af744c18b65cdad66fab28b" Warning
        "A caller asked for what is not his to do."
    Fence "fence" "ab6f1c43300446988dd00131b8bde0cd" Notice
        "Codes shown until now are refused: the daemon did not end well, or the clock jumped."
    Forget "forget" "dfc4349ea497437882fa1153a25680ba" Notice
        "The seed of a token was removed."
    HostClockFault "host_clock_fault" "34cf7bf640c144fb83f98b4d1b9b0d0b" Error
        "Several tokens are off the same way, so it is the host's clock that is."
    Identify "identify" "735d00e201a9dc887b9fb1f82339da4a" Notice
        "An administrator asked which token shows certain codes, or was told that this one could."
    Import "import" "ca5f04066942406680a4d99652124386" Notice
        "A token came into stock."
    LogBroken "log_broken" "a9cb297d7a9c45c3bfa9b8c107eea8dd" Critical
        "At its start the daemon found that lines of its own log are missing or were changed."
    LogMended "log_mended" "2a2f989339984b4c8b79c7fdb9bf1403" Notice
        "The last line of the log was not whole, as after a power cut; it was cut off."
    Lost "lost" "70d51af30b1a4c2ca9400428844ec371" Error
        "So many events are missing from the log's files, for want of room or time."
    Migrated "migrated" "22c8213dcd12cab9c46a8f5e4d4d23b0" Notice
        "The database of an older version was brought to this one; the older one was kept."
    NewVirtual "new_virtual" "aa139d985dd144c299d984ff65619bd7" Notice
        "A virtual token was made for a user, and came into stock."
    Observed "observed" "918fad49c1d91faec5087762aeb04dd3" Info
        "In observe mode nobody was asked; would and ready say what would have been."
    Observing "observing" "a7d61fbe34951112ed713df472dfbcc4" Warning
        "The daemon started in observe mode: nobody is asked for a code."
    Ready "ready" "98e714a9f57e4ec4ac4bb533bdd41bd4" Info
        "The daemon answers from now on."
    Recovery "recovery" "f227615d3ee0433d8e505b70c0c7b311" Notice
        "A user was given new recovery codes."
    Refused "refused" "6fbeccabca114248b4ade3cc84db8097" Notice
        "A change was asked for and refused."
    Rekey "rekey" "d93ac58e74cf3b68eef3c2c906b45f41" Notice
        "The seeds were sealed by another master key."
    Restore "restore" "2990d8097e8d0358782a8cdace6102fb" Notice
        "The tokens of a backup were brought in."
    Restored "restored" "bf8dfb2cfc7cabc2614e9c5cd48a6e82" Notice
        "A token came in from a backup, or changed by it."
    Resync "resync" "4ec0dae3f627459ebbdfdcd8037ac224" Notice
        "The clock of a token was found again."
    Rotate "rotate" "c411e52120ed44f58a9e2b30af792737" Notice
        "A user's token was replaced by another."
    Silenced "silenced" "24fbef3478d14288af1fd7d880cc3362" Warning
        "So many refusals of one caller in a minute were counted instead of told."
    Stopping "stopping" "659ffdc3b6244460a9ee46d9402a3d3d" Info
        "The daemon ends."
    Tickets "tickets" "f42e3ea34cbd415c88865577a2db70d4" Notice
        "An administrator ended tickets, so that the next code is asked for."
    Trouble "trouble" "926a3293ce2946b598d8c19395059a05" Error
        "Something did not work that should have."
    Unlock "unlock" "cf6cb181e0dd4e59ad9bb14425bca8ea" Notice
        "One code is enough again for a user whose wrong codes were too many."
    Verify "verify" "aa1b2fc7f180441d82866a8ece1c93b9" Info
        "A code was decided on, or nobody was asked for one; notice if the verdict is a refusal."
}

impl Name {
    /// Returns the word for it: the first of the line, and FOB_EVENT.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.row().word
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Name;

    #[test]
    fn every_event_has_a_word_and_a_message_id_of_its_own() {
        let words: Vec<_> = Name::ALL.iter().map(|name| name.word()).collect();
        assert!(words.is_sorted(), "{words:?}");
        assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), words.len());
        let ids: BTreeSet<_> = Name::ALL.iter().map(|name| name.row().message_id).collect();
        assert_eq!(ids.len(), words.len());
        for id in ids {
            let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            assert!(id.len() == 32 && id.bytes().all(hex), "{id}");
        }
    }
}
