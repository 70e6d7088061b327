//! Links the module: the host cannot unload it, and it needs no library but libc and libpam.

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    // Code of the Rust runtime may still be registered in the host when PAM closes the module
    // (thread-local destructors, rust-lang/rust#59629 and #91979). With this mark the loader
    // keeps the module's pages until the process ends.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    link_unwinder()?;
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}

/// Takes the unwinder, by which a panic becomes a refusal, from GCC's archive instead of its shared
/// library: to find, map and bind libgcc_s is a third of what loading the module costs each sign-in.
/// Rust's standard library asks for `-lgcc_s`; a script of the linker (ld(1), "Implicit Linker
/// Scripts") that has this name and is found first sends it to the archives. Their symbols are
/// hidden, so that a second unwinder in the host process and this one do not know of each other;
/// no panic crosses from the module into it. The end of a thread of the host's does: glibc's
/// `pthread_exit` and `pthread_cancel` unwind with the host's own libgcc_s through frames of the
/// module, whose cleanup reads that unwinder's context with the functions of this one. That holds
/// while both lay it out alike: libgcc takes care of that, and nothing here checks it.
#[allow(clippy::disallowed_methods, reason = "Cargo tells a build script nothing in another way")]
fn link_unwinder() -> Result<(), Box<dyn Error>> {
    // Elsewhere the standard library brings an unwinder of its own.
    if env::var("CARGO_CFG_TARGET_ENV")? == "gnu" {
        let folder = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
        fs::write(folder.join("libgcc_s.so"), "INPUT(-lgcc_eh -lgcc)\n")?;
        println!("cargo::rustc-link-search=native={}", folder.display());
    }
    Ok(())
}
