//! The engines that are asked to pass.

use fobd::store::{Store, memory::MemoryStore, sled::SledStore};
use tempfile::TempDir;

use super::Failure;

/// An engine with nothing in it, which gives out handles.
pub trait Engine {
    /// A handle.
    type Handle: Store;

    /// Returns another handle of the same entries.
    fn handle(&self) -> Self::Handle;
}

/// The oracle.
#[derive(Default)]
pub struct MemoryEngine(MemoryStore);

impl Engine for MemoryEngine {
    type Handle = MemoryStore;

    fn handle(&self) -> MemoryStore {
        self.0.clone()
    }
}

/// sled in a folder of its own.
pub struct SledEngine {
    /// Closed before the folder goes.
    store: SledStore,
    _home: TempDir,
}

impl SledEngine {
    /// Creates the folder and opens it.
    ///
    /// # Errors
    ///
    /// What the system or the engine has against it.
    pub fn new() -> Result<Self, Failure> {
        let home = tempfile::tempdir().map_err(|error| Failure::new(error.to_string()))?;
        let store = SledStore::open(&home.path().join("store"));
        let store = store.map_err(|error| Failure::new(error.to_string()))?;
        Ok(Self { store, _home: home })
    }
}

impl Engine for SledEngine {
    type Handle = SledStore;

    fn handle(&self) -> SledStore {
        self.store.clone()
    }
}
