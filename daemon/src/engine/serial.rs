//! Which token an administrator means who has typed its serial off the back.
//!
//! The store finds a serial by its folded form, dashes and all. Where there is no such token, all
//! serials are looked through for those that differ in dashes alone: as much work as to count the
//! tokens for `status`, and only after a typing that fits nothing. So there is no index that an import
//! or a restore could leave out of step. Whoever may not list the tokens never gets here.

use fob_api::{Error, Serial};

use crate::{
    engine::Engine,
    store::{Key, Store},
};

/// Entries that are read at once: as in a page of the list.
const PAGE: usize = 500;

impl<S: Store> Engine<S> {
    /// Returns the serial of the token that is meant: the one that was typed, if there is such a
    /// token, else the only one that reads the same but for its dashes. Call it after the caller
    /// was found to be an administrator.
    ///
    /// # Errors
    ///
    /// `NoSuchToken`, `AmbiguousSerial` with the candidates, `StoreUnavailable`.
    pub(super) async fn meant(&self, typed: &Serial) -> Result<Serial, Error> {
        let [exact] = self.get([Key::seed(typed)]).await?;
        if exact.is_some() {
            return Ok(typed.clone());
        }
        let mut alike = self.alike(typed).await?;
        match (alike.pop(), alike.is_empty()) {
            (None, _) => Err(Error::NoSuchToken { serial: typed.clone() }),
            (Some(only), true) => Ok(only),
            (Some(last), false) => {
                alike.push(last);
                alike.sort_by(|a, b| a.as_str().cmp(b.as_str()));
                Err(Error::AmbiguousSerial { serial: typed.clone(), candidates: alike })
            }
        }
    }

    /// Returns the serials that read as what was typed. One search at a time: the others wait.
    async fn alike(&self, typed: &Serial) -> Result<Vec<Serial>, Error> {
        let _turn = self.looking.lock().await;
        let mut alike = Vec::new();
        for shard in 0..=u8::MAX {
            let mut after = None;
            loop {
                tokio::task::yield_now().await;
                let entries = self.entries(shard, after.as_ref(), PAGE).await?;
                for entry in entries.iter().filter(|entry| typed.reads_as_bytes(entry.key.name())) {
                    let serial = Serial::parse(&String::from_utf8_lossy(entry.key.name()));
                    alike.push(serial.map_err(|error| self.trouble("record", error))?);
                }
                match entries.last() {
                    Some(last) if entries.len() == PAGE => after = Some(last.key.clone()),
                    _ => break,
                }
            }
        }
        Ok(alike)
    }
}
