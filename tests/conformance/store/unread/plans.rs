//! By which plans Postgres finds what is unread, and writes marks.

use super::{
    super::{Pen, place, says, user},
    mark, mentioning,
};
use crate::support::postgres::Postgres;
use futures_util::future::BoxFuture;
use hubbub::store::postgres::PostgresStore;
use hubbub_core::model::access::{Role, RoomKind};
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_unread_and_marks_are_found_by_indexes_on_postgres() {
    let explained =
        ["session_preload_libraries=auto_explain", "auto_explain.log_min_duration=0", "log_min_duration_statement=-1"];
    let server = Postgres::start(&explained);
    let pen = Pen(Arc::new(PostgresStore::connect(&server.url(), "planned").await.expect("a store")));
    pen.general().await;
    for n in 0..300 {
        let what = if n % 3 == 0 { mentioning(&["ben"], None, false) } else { says("plain") };
        place(&pen.append(pen.draft("general", "ana", &n.to_string(), what)).await);
    }
    let large: Vec<String> = (0..200).map(|n| format!("room-{n:03}")).collect();
    for name in &large {
        pen.room(name, RoomKind::Private, &[("ana", Role::Admin), ("ben", Role::Member)]).await;
    }
    let plan_of = async |what: &str, does: &dyn Fn() -> BoxFuture<'static, ()>| {
        let before = server.log().len();
        // Again and again, so that a plan for whatever is asked is among them.
        for _ in 0..8 {
            does().await;
        }
        let log = server.log().split_off(before);
        assert!(log.contains("Query Text"), "{what}: {log}");
        assert!(!log.contains("Seq Scan on entries") && !log.contains("Seq Scan on mentions"), "{what}: {log}");
        assert!(!log.contains("Seq Scan on reads") && !log.contains("Seq Scan on members"), "{what}: {log}");
        log
    };
    let store = pen.0.clone();
    let unread = || -> BoxFuture<'static, ()> {
        let store = store.clone();
        Box::pin(async move { drop(store.unread(&user("ben"), None, 100).await.expect("unread")) })
    };
    let plan = plan_of("unread", &unread).await;
    for part in ["using entries_shown", "using mentions_pkey", "using reads_pkey"] {
        assert!(plan.contains(part), "{part}: {plan}");
    }
    // By message they would be gone through with those of everybody else.
    assert!(!plan.contains("mentions_by_message"), "{plan}");
    let store = pen.0.clone();
    let put = || -> BoxFuture<'static, ()> {
        let (store, marks) = (store.clone(), large.iter().map(|name| mark(name, "ben", 1)).collect::<Vec<_>>());
        Box::pin(async move { drop(store.put_marks(&marks).await.expect("marks")) })
    };
    let plan = plan_of("put_marks", &put).await;
    for part in ["using reads_pkey", "using members_pkey", "using rooms_id_key"] {
        assert!(plan.contains(part), "{part}: {plan}");
    }
}
