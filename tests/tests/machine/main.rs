//! What an administrator lives through: real sshd, sudo, su and login with real codes, on booted
//! machines in containers. `./tests/run` builds what they install and says whether it can run.
//!
//! Honest limits: one kernel, Debian 12, no graphical greeter; no time passes, so a token with a
//! clock has one code per test, and tokens with a button stand in where more are needed.

#![allow(
    clippy::disallowed_methods,
    reason = "these tests meet the real time: how long a refusal takes is what they measure"
)]

mod cockpit;
mod crowd;
#[cfg(test)] // always so; tells clippy that expect is fine in the helpers
mod enable;
mod hostile;
mod installed;
mod local;
mod one_field;
mod outage;
mod package;
mod recovery;
mod rules;
mod service;
mod ssh;
mod step_up;
mod strangers;
mod tickets;
mod tokens;
