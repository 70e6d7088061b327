//! How changes become notices, on a clock of the test's own.

use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    future::{pending, ready},
    time::Duration,
};

use tokio::{
    select,
    sync::broadcast::{Sender, error::RecvError},
    time::{Instant, sleep},
};

use super::{APART, GATHER, tell};

/// What the store says: one change each.
struct Changes(Sender<()>);

impl Changes {
    /// Begins a watch.
    fn watch(&self) -> impl Future<Output = Option<()>> + use<> {
        let mut changes = self.0.subscribe();
        async move {
            match changes.recv().await {
                Ok(()) | Err(RecvError::Lagged(_)) => Some(()),
                Err(RecvError::Closed) => None,
            }
        }
    }

    fn one(&self) {
        // Nobody may be watching.
        let _ = self.0.send(());
    }
}

/// Has a script make changes and returns when notices were given, and how long it took.
async fn notices(script: impl AsyncFnOnce(&Changes)) -> (Vec<Duration>, Duration) {
    let changes = Changes(Sender::new(4));
    let (begin, told) = (Instant::now(), RefCell::default());
    let say = || {
        Vec::push(&mut told.borrow_mut(), begin.elapsed());
        ready(Ok::<_, Infallible>(()))
    };
    let took = Cell::default();
    let play = async {
        // Begin only once the watch has begun.
        tokio::task::yield_now().await;
        script(&changes).await;
        took.set(begin.elapsed());
        sleep(10 * APART).await;
    };
    select! {
        biased;
        _ = tell(|| changes.watch(), say) => {}
        () = play => {}
    }
    (told.into_inner(), took.get())
}

#[tokio::test(start_paused = true)]
async fn without_a_change_nothing_is_told() {
    assert_eq!(notices(async |_| sleep(100 * APART).await).await.0, []);
}

#[tokio::test(start_paused = true)]
async fn a_change_is_told_soon_and_once() {
    let (told, _) = notices(async |changes| changes.one()).await;
    assert_eq!(told.len(), 1);
    assert!(told[0] <= GATHER + Duration::from_millis(1), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_burst_is_few_notices_and_the_last_one_comes_after_its_end() {
    let (told, took) = notices(async |changes| {
        for _ in 0..1000 {
            changes.one();
            sleep(Duration::from_millis(3)).await;
        }
    })
    .await;
    // Three seconds.
    assert!((3..=5).contains(&told.len()), "{told:?}");
    assert!(told.windows(2).all(|pair| pair[1] - pair[0] >= APART), "{told:?}");
    assert!(*told.last().unwrap() >= took, "{told:?}, and the burst took {took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_change_right_after_a_notice_is_told_too() {
    let (told, _) = notices(async |changes| {
        changes.one();
        sleep(GATHER + Duration::from_millis(10)).await;
        changes.one();
    })
    .await;
    assert_eq!(told.len(), 2, "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_change_while_a_notice_is_on_its_way_is_told_too() {
    let changes = Changes(Sender::new(4));
    let said = Cell::new(0);
    let say = || {
        said.set(said.get() + 1);
        if said.get() == 1 {
            changes.one();
        }
        ready(Ok::<_, Infallible>(()))
    };
    let play = async {
        tokio::task::yield_now().await;
        changes.one();
        sleep(10 * APART).await;
    };
    select! {
        biased;
        _ = tell(|| changes.watch(), say) => {}
        () = play => {}
    }
    assert_eq!(said.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn while_the_bus_takes_no_notice_changes_go_on_and_nothing_gathers() {
    let changes = Changes(Sender::new(4));
    let said = Cell::new(0);
    let say = || {
        said.set(said.get() + 1);
        pending::<Result<(), Infallible>>()
    };
    let play = async {
        for _ in 0..1000 {
            tokio::task::yield_now().await;
            changes.one();
            sleep(APART).await;
        }
    };
    select! {
        biased;
        _ = tell(|| changes.watch(), say) => {}
        () = play => {}
    }
    assert_eq!(said.get(), 1);
    assert!(changes.0.len() <= 4, "{} changes are kept", changes.0.len());
}
