//! What a token's batch is after a restore.

use super::{CLOCK, Here, Saved, Standing, TIMES, Token, alice, fresh, saved, token, written};

#[test]
fn a_token_keeps_the_batch_that_it_has_here_and_else_gets_the_backups() {
    let saved = saved(Standing::Assigned(alice()), Some(77));
    let fresh = Token { batch: Some("of the backup".to_owned()), ..fresh(CLOCK) };
    for (here, batch) in [(None, "of the backup"), (Some("of here".to_owned()), "of here")] {
        let here = Token { batch: here, ..fresh.clone() };
        let here = Here { token: Some(&here), ..Here::default() };
        let change = written(token(&Saved { token: &saved, fresh: &fresh }, &here, TIMES));
        assert_eq!(change.token.batch.as_deref(), Some(batch));
    }
}
