//! Links the module so that the host cannot unload it.

fn main() {
    // Code of the Rust runtime may still be registered in the host when PAM closes the module
    // (thread-local destructors, rust-lang/rust#59629 and #91979). With this mark the loader
    // keeps the module's pages until the process ends.
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    println!("cargo::rerun-if-changed=build.rs");
}
