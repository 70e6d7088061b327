//! What is done about a call once its reply is out.

use std::{sync::Arc, time::Duration};

use crate::{
    engine::{Engine, Refused},
    store::Store,
};

/// How long after a refusal its user's former tokens are looked at. The reply is out by then, so
/// that its time tells nobody whether there are any; for an alarm it is soon enough.
const PAUSE: Duration = Duration::from_millis(250);

/// Looks at the former tokens of a user whose code was refused.
pub(super) fn the_reply<S: Store>(engine: &Arc<Engine<S>>, refused: Option<Refused>) {
    let Some(refused) = refused else { return };
    let engine = Arc::clone(engine);
    tokio::spawn(async move {
        tokio::time::sleep(PAUSE).await;
        engine.watch(&refused).await;
    });
}
