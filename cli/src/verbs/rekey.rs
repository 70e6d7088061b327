//! `rekey`: all seeds sealed by another master key.

use crate::{
    connect::{Patience, daemon},
    failure::Failure,
    progress::while_working,
    render,
};

pub(super) async fn rekey() -> Result<(), Failure> {
    let daemon = daemon(Patience::Long).await?;
    let report = while_working("Sealing everything anew", daemon.rekey()).await?;
    render::print(&render::rekey_sentences(&report))
}
