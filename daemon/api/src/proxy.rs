//! The client's side of the interface, for programs that hold a zbus connection.
//!
//! `codes` are two codes in the order in which the token showed them.

use zbus::wire::Fd;

use crate::{
    AdoptOptions, AdoptReport, AssignOptions, BackupReport, BypassOptions, ExplainReport,
    IdentifyOptions, IdentifyReport, ImportOptions, ImportReport, LogEntry, LogOptions, LogReport,
    PageOptions, PromptDetails, RecoveryCode, RekeyReport, RemoveOptions, RestoreOptions,
    RestoreReport, RevokeOptions, StatusReport, TicketReport, TokenReport, UnlockOptions,
    UserReport, VerifyContext, VerifyDetails,
};

/// The interface `org.fobd.Fob1`; each method is documented in the contract XML.
#[zbus::proxy(
    interface = "org.fobd.Fob1",
    default_service = "org.fobd.Fob1",
    default_path = "/org/fobd/Fob1"
)]
pub trait Fob {
    /// Brings tokens of another program in with their users.
    fn adopt(&self, file: Fd<'_>, source: &str, options: AdoptOptions)
    -> zbus::Result<AdoptReport>;

    /// Binds a token and a user.
    fn assign(
        &self,
        user: &str,
        serial: &str,
        codes: &[&str],
        options: AssignOptions,
    ) -> zbus::Result<TokenReport>;

    /// Writes all tokens into a file, their seeds sealed by this key.
    fn backup(&self, key: &[u8], file: Fd<'_>) -> zbus::Result<BackupReport>;

    /// Gives a user a temporary code: the code, and the Unix time at which it expires.
    fn bypass(&self, user: &str, options: BypassOptions) -> zbus::Result<(RecoveryCode, u64)>;

    /// Takes a user's token from him.
    fn deactivate(&self, user: &str, options: RemoveOptions) -> zbus::Result<TokenReport>;

    /// Tells whether a user would be asked for a code, and why; changes nothing.
    fn explain(&self, user: &str, context: VerifyContext) -> zbus::Result<(String, ExplainReport)>;

    /// Removes a token's seed.
    fn forget(&self, serial: &str, options: RemoveOptions) -> zbus::Result<()>;

    /// Searches a page of the tokens that nobody has for those that could have shown the codes;
    /// `code2` is empty if there is one.
    fn identify(
        &self,
        code1: &str,
        code2: &str,
        options: IdentifyOptions,
    ) -> zbus::Result<IdentifyReport>;

    /// Reads a seed file from a descriptor into stock.
    fn import(
        &self,
        file: Fd<'_>,
        format: &str,
        options: ImportOptions,
    ) -> zbus::Result<ImportReport>;

    /// Lists tokens in pages: `cursor` is empty for the first page, then what the last returned.
    fn list(
        &self,
        cursor: &str,
        limit: u32,
        options: PageOptions,
    ) -> zbus::Result<(Vec<TokenReport>, String)>;

    /// Reads the log: events, and the last line that was looked at.
    fn log(&self, options: LogOptions) -> zbus::Result<(Vec<LogEntry>, u64)>;

    /// Gives a user new recovery codes; the older ones are void. `codes` is empty for root.
    fn new_recovery_codes(
        &self,
        user: &str,
        codes: &[&str],
        options: AssignOptions,
    ) -> zbus::Result<Vec<RecoveryCode>>;

    /// Makes a virtual token for a user, and writes what his phone reads into a file.
    fn new_virtual_token(
        &self,
        user: &str,
        file: Fd<'_>,
        options: AssignOptions,
    ) -> zbus::Result<TokenReport>;

    /// Tells what to ask a user for.
    fn prompt(&self, user: &str, context: VerifyContext) -> zbus::Result<(String, PromptDetails)>;

    /// Seals everything by the next master key.
    fn rekey(&self) -> zbus::Result<RekeyReport>;

    /// Takes a user's token from him as a lost one, proven by one of his recovery codes.
    fn report_lost(
        &self,
        user: &str,
        code: &str,
        options: RemoveOptions,
    ) -> zbus::Result<TokenReport>;

    /// Brings the tokens of a backup in.
    fn restore(
        &self,
        key: &[u8],
        file: Fd<'_>,
        options: RestoreOptions,
    ) -> zbus::Result<RestoreReport>;

    /// Finds a token's clock again.
    fn resync(
        &self,
        user: &str,
        codes: &[&str],
        options: AssignOptions,
    ) -> zbus::Result<TokenReport>;

    /// Ends a user's tickets, or all; returns how many.
    fn revoke_tickets(&self, options: RevokeOptions) -> zbus::Result<u32>;

    /// Replaces a user's token by another.
    fn rotate(
        &self,
        user: &str,
        serial: &str,
        codes: &[&str],
        options: AssignOptions,
    ) -> zbus::Result<TokenReport>;

    /// Shows one token.
    fn show_token(&self, serial: &str) -> zbus::Result<TokenReport>;

    /// Shows one user and his tokens.
    fn show_user(&self, user: &str) -> zbus::Result<UserReport>;

    /// Shows the daemon's state.
    fn status(&self) -> zbus::Result<StatusReport>;

    /// Lists the tickets that have not run out.
    fn tickets(&self) -> zbus::Result<Vec<TicketReport>>;

    /// Refills a user's budget of wrong codes.
    fn unlock(&self, user: &str, options: UnlockOptions) -> zbus::Result<()>;

    /// Decides on an answer: the verdict's word, the user it is about, and details.
    fn verify(
        &self,
        user: &str,
        code: &str,
        context: VerifyContext,
    ) -> zbus::Result<(String, String, VerifyDetails)>;

    /// Checks whether every line of the log is there, and as it was written.
    fn verify_log(&self) -> zbus::Result<LogReport>;
}
