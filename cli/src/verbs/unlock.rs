//! `unlock`: gives a user his budget of wrong codes back.

use fob_api::{Share, UnlockOptions};

use crate::{
    args::Unlock,
    connect::{Patience, daemon},
    failure::Failure,
    journal::login_uid,
    render,
};

pub(super) async fn unlock(args: Unlock) -> Result<(), Failure> {
    let daemon = daemon(Patience::Short).await?;
    let share = args.share.as_deref().and_then(Share::from_word);
    let options =
        UnlockOptions { share: share.map(|share| share.word().to_owned()), login_uid: login_uid() };
    daemon.unlock(args.user.as_str(), options).await?;
    let whence = share.map_or("everywhere", render::share_words);
    render::print(&format!("One code is enough again for {} {whence}.", args.user))
}
