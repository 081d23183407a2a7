//! How many statements a page takes: as many whatever hangs on what it shows.

use super::{
    super::{Home, Pen, room, says, user},
    N, edit, pin, react, replies,
};
use crate::support::postgres::Postgres;
use hubbub::store::{
    ReactorsOf, ShownOf, Store,
    postgres::PostgresStore,
    sqlite::traced::{Read, traced},
};
use hubbub_core::log::{entry::Outcome, kinds::What, room::PageOf};
use std::sync::Arc;
use uuid::Uuid;

/// What is read of the room `general`, in which ana's 40 messages begin with the third entry.
fn reads() -> Vec<Read> {
    let of = |of| Read::Shown(room("general"), of);
    vec![
        of(ShownOf::Room(PageOf::Newest)),
        of(ShownOf::Room(PageOf::Around(N(20)))),
        of(ShownOf::Thread(N(3), PageOf::Newest)),
        of(ShownOf::Pins(PageOf::Newest)),
        of(ShownOf::One(N(5))),
        Read::Reactors(room("general"), N(5), ReactorsOf::default()),
        Read::Rooms(false),
        Read::Rooms(true),
        Read::Unread,
    ]
}

async fn read(store: &dyn Store, what: &Read) {
    let ben = user("ben");
    match what {
        Read::Shown(room, of) => drop(store.shown(Some(&ben), room, *of, 100).await.expect("a page")),
        Read::Reactors(room, target, of) => {
            drop(store.reactors(Some(&ben), room, *target, of, 100).await.expect("reactors"));
        }
        Read::Rooms(unread) => drop(store.rooms_of(&ben, None, 100, *unread).await.expect("rooms")),
        Read::Unread => drop(store.unread(&ben, None, 100).await.expect("unread")),
    }
}

/// 40 messages, of which the first has a reply in its thread.
async fn speak(pen: &Pen) {
    pen.general().await;
    all(pen, (0..40).map(|n| ("ana", says(&format!("text {n}")))).chain([("ben", replies("a reply", 3, false))])).await;
}

/// Edits, reactions, replies and pins on each of them.
async fn hang(pen: &Pen) {
    let on = |target| {
        [
            ("ana", edit(target, "other words")),
            ("ana", react(target, "+1", true)),
            ("ben", react(target, "+1", true)),
            ("ben", react(target, "🎉", true)),
            ("ben", replies("yes", target, true)),
            ("ana", pin(target, true)),
        ]
    };
    all(pen, (3..43).flat_map(on)).await;
}

async fn all(pen: &Pen, what: impl Iterator<Item = (&'static str, What)>) {
    for (from, what) in what {
        let outcome = pen.append(pen.draft("general", from, &Uuid::now_v7().to_string(), what)).await;
        assert!(matches!(outcome, Outcome::Appended(_)), "{outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_one_statement_on_postgres() {
    let server = Postgres::start(&["log_min_duration_statement=0"]);
    let store = Arc::new(PostgresStore::connect(&server.url(), "counted").await.expect("a store"));
    let pen = Pen(store.clone());
    speak(&pen).await;
    for hung in [false, true] {
        if hung {
            hang(&pen).await;
        }
        for what in reads() {
            let before = server.log().len();
            read(&*store, &what).await;
            let log = server.log().split_off(before);
            let ran = log.matches(" ms  execute ").count() + log.matches(" ms  statement: ").count();
            assert_eq!(ran, 1, "{what:?}, hung: {hung}: {log}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_takes_as_many_statements_whatever_hangs_on_sqlite() {
    let home = Home::sqlite();
    let pen = Pen(home.open().await);
    speak(&pen).await;
    let counted = || -> Vec<usize> {
        let count = |what: &Read| {
            let ran = traced(&home.file(), &user("ben"), what, 100).expect("a read");
            assert!(ran.iter().any(|statement| statement.sql.contains("rooms")), "{ran:?}");
            ran.iter().map(|statement| statement.runs).sum()
        };
        reads().iter().map(count).collect()
    };
    let bare = counted();
    hang(&pen).await;
    assert_eq!(counted(), bare);
    assert!(bare.iter().all(|ran| *ran <= 10), "{bare:?}");
}
