//! `doctor`: what a sign-in would do on this host.

use std::path::Path;

use crate::{
    args::Doctor,
    doctor::{Ground, examine},
    failure::Failure,
    render,
};

pub(super) async fn doctor(args: Doctor) -> Result<(), Failure> {
    let ground = Ground::below(Path::new("/"), 0);
    let report = examine(&ground, args.service.as_deref());
    render::print(&if args.json {
        render::doctor_json(&report)
    } else {
        render::doctor_text(&report)
    })?;
    match report.findings.len() {
        0 => Ok(()),
        count => Err(Failure::Found { count }),
    }
}
