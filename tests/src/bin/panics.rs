//! A process that is hardened as the daemon is, and one of whose threads panics.

#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "what it is for")]

fn main() {
    let _signals = fobd::harden::harden().expect("the process is hardened");
    let thread = std::thread::Builder::new().spawn(|| panic!("code 123456 and a seed"));
    let _ = thread.expect("a thread").join();
    println!("it goes on");
}
