//! An import that is given up.

use crate::{
    Place,
    mended::{adds, joins, piped, private},
    postgres::Postgres,
    room, says,
};
use hubbub_core::{log::room::PageOf, model::seq::Seq};
use std::time::Duration;

/// How many rows a table has.
async fn count(place: &Place, table: &str) -> i64 {
    let sql = |table: &str| format!("SELECT count(*) FROM {table}");
    let Some(schema) = &place.schema else {
        let file = rusqlite::Connection::open(place.database()).expect("the file");
        return file.query_row(&sql(table), [], |row| row.get(0)).expect("a number");
    };
    let (client, connection) =
        tokio_postgres::connect(&Postgres::shared().url(), tokio_postgres::NoTls).await.expect("Postgres");
    tokio::spawn(connection);
    client.query_one(&sql(&format!("{schema}.{table}")), &[]).await.expect("a number").get(0)
}

fn says_hello(id: &str) -> String {
    format!(r#"{{"type":"message","room":"{id}","from":"ana","at":"2024-01-01T00:00:00Z","text":"hello"}}"#)
}

async fn what_was_begun_is_given_up(place: Place) {
    let rooms = ["a", "b", "c", "general"];
    let lines: Vec<String> =
        rooms.iter().flat_map(|id| [private(id, "Slip"), joins(id, "ana"), says_hello(id)]).collect();
    let broken = |lines: &[String]| [lines, &["{".into()]].concat();
    piped(&place, &broken(&lines), 1);
    // Others use the rooms that keep two of the ids; and `general` is whole.
    let store = place.open().await;
    adds(&store, "b", "ana").await;
    store.delete_room(&room("c")).await.expect("an answer").expect("the room that keeps the id");
    drop(store);
    let whole = place.file("general.ndjson", &lines[9..].join("\n"));
    place.does(&["import", &whole]);

    // A file with faults is enough to give it up, and one with a room that nobody has begun.
    let other = private("nobody", "Nobody");
    let file = place.file("rooms.ndjson", &broken(&[lines, vec![other]].concat()).join("\n"));
    let output = place.run(&["import", "--abandon", &file]);
    let (out, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.starts_with("3 rooms given up, 1 ids free again"), "{out}{said}");
    for part in
        ["room b: its id is kept", "room c: its id is kept", "room general was imported", "room nobody: no import"]
    {
        assert!(said.contains(part), "{part} is not in {said}");
    }

    // Nothing is left of it, and what others have is as it was, also once a room has come since.
    let store = place.open().await;
    while store.purge(100, Duration::ZERO).await.expect("an answer") {}
    assert_eq!((count(&place, "entries").await, count(&place, "members").await), (1 + 2, 1 + 1));
    assert_eq!(count(&place, "imports").await, 1);
    assert_eq!(says(&store, "ana", "still here").await, Seq::new(3));
    drop(store);

    // The id is free: the file is mended, and imported.
    let mended = [private("a", "Right"), joins("a", "ben")];
    let file = place.file("mended.ndjson", &mended.join("\n"));
    let done = place.does(&["import", &file]);
    assert!(done.starts_with("1 entries written, 0 were there already, 1 rooms opened"), "{done}");
    let exported = place.does(&["export", "--room", "a"]);
    assert!(exported.contains("Right") && exported.contains("ben") && !exported.contains("hello"), "{exported}");

    // An open room stays, however often it is given up.
    let again = place.run(&["import", "--abandon", &file]);
    assert!(String::from_utf8_lossy(&again.stdout).starts_with("0 rooms given up"), "{again:?}");
    let store = place.open().await;
    while store.purge(100, Duration::ZERO).await.expect("an answer") {}
    let page = store.page(&room("a"), PageOf::Newest, 5).await.expect("a page").expect("the room");
    assert_eq!(page.head, Seq::new(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_is_given_up_in_sqlite() {
    what_was_begun_is_given_up(Place::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_is_given_up_in_postgres() {
    what_was_begun_is_given_up(Place::postgres()).await;
}
