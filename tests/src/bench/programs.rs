//! What is measured, as it is shipped, and the small C programs around it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

/// The programs of a run.
pub(super) struct Programs {
    /// The release build of the daemon.
    pub(super) fobd: PathBuf,
    /// The release build of the module.
    pub(super) module: PathBuf,
    /// `tests/bench/host.c`.
    pub(super) host: PathBuf,
    /// `tests/bench/clock.c`, to be loaded before the C library.
    pub(super) clock: PathBuf,
    /// Where runs have their folders: on the disk that the sources are on, for a file system in
    /// memory has syncs for nothing.
    pub(super) ground: PathBuf,
}

impl Programs {
    /// Finds what was built in a folder, and compiles the rest.
    pub(super) fn new(built: &Path) -> Self {
        let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
        fs::create_dir_all(&target).unwrap();
        let target = target.canonicalize().unwrap();
        let host: [&str; 7] =
            ["host.c", "clock.c", "-DCOUNTS=4", "-rdynamic", "-lpam", "-ldl", "-lpthread"];
        let programs = Self {
            fobd: built.join("fobd"),
            module: built.join("libpam_fob.so"),
            host: compile(&target, "host", &host),
            clock: compile(&target, "clock.so", &["clock.c", "-shared", "-fPIC", "-ldl"]),
            ground: target,
        };
        for file in [&programs.fobd, &programs.module] {
            assert!(file.is_file(), "{} was not built: run tests/bench/run", file.display());
        }
        programs
    }

    /// Makes a folder that is gone with its holder. Its name tells `tests/bench/run` whose it is.
    pub(super) fn folder(&self, name: &str) -> TempDir {
        let prefix = format!("{name}-{}-", std::process::id());
        tempfile::Builder::new().prefix(&prefix).tempdir_in(&self.ground).unwrap()
    }
}

fn compile(target: &Path, name: &str, words: &[&str]) -> PathBuf {
    let made = target.join(name);
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench");
    let mut cc = Command::new("cc");
    cc.args(["-O2", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&made).args(words);
    assert!(cc.current_dir(sources).status().unwrap().success(), "{cc:?} failed");
    made
}
