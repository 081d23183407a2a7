//! Opening, reopening, and the lives of a database.

use super::{Home, Pen, for_every_store, instances, place, room, seqs, user};
use crate::support::postgres::Postgres;
use hubbub::store::{StoreError, postgres::PostgresStore, sqlite::SqliteStore};
use hubbub_core::{
    log::{
        entry::Outcome,
        kinds::{Renamed, What},
        room::PageOf,
    },
    model::{access::Refusal, seq::Seq},
};

for_every_store! {
    async fn everything_is_there_after_reopening(home: &Home) {
        let pen = Pen(home.open().await);
        let general = pen.general().await;
        let sent = pen.says("general", "ben", "k", "hi");
        let first = place(&pen.append(sent.clone()).await);
        let identity = pen.0.identity().clone();
        drop(pen);

        let pen = Pen(home.open().await);
        assert_eq!(pen.0.identity().database, identity.database);
        assert_eq!(pen.0.identity().hash_key.0, identity.hash_key.0);
        assert_eq!(pen.0.identity().public_name(), identity.public_name());
        assert_eq!(pen.append(sent).await, Outcome::Known(first));
        let page = pen.0.page(&room("general"), PageOf::Newest, 10).await.expect("a page").expect("a room");
        assert_eq!((seqs(&page.entries), page.epoch), (vec![1, 2, 3], general.epoch));
        let (view, _) = pen.0.page_for(&user("ben"), &room("general"), PageOf::Newest, 1).await.expect("a page").expect("it");
        assert!(view.standing.is_member());
    }

    async fn an_epoch_is_bumped_once_by_all_who_saw_the_same(home: &Home) {
        let pen = Pen(home.open().await);
        let before = pen.general().await.epoch;
        assert_ne!(before.incarnation, 0);
        let bump = |_| {
            let pen = pen.clone();
            tokio::spawn(async move { pen.0.bump_epoch(Some(before.incarnation)).await.expect("an incarnation") })
        };
        let mut answers = Vec::new();
        for task in (0..6).map(bump).collect::<Vec<_>>() {
            answers.push(task.await.expect("a bump"));
        }
        assert!(answers.iter().all(|answer| *answer == answers[0] && *answer != before.incarnation), "{answers:?}");
        assert_eq!(pen.0.bump_epoch(Some(before.incarnation)).await.expect("an incarnation"), answers[0]);
        let sent = place(&pen.append(pen.says("general", "ben", "k", "hi")).await);
        assert_eq!((sent.epoch.incarnation, sent.seq), (answers[0], Seq::new(3)));
        let head = pen.0.heads(&[room("general")]).await.expect("heads")[0].expect("a head");
        assert_eq!(head.epoch, sent.epoch);
        let forced = pen.0.bump_epoch(None).await.expect("an incarnation");
        assert!(forced != answers[0] && forced != 0);
    }

    async fn a_log_that_is_full_is_said_to_be(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        // As if it had been written to for some thousand years.
        home.change(&format!("UPDATE rooms SET head = {}", Seq::MAX.get() - 1)).await;
        let full = Outcome::Refused(Refusal::LogFull);
        let batch = ["1", "2", "3"].map(|key| pen.says("general", "ben", key, "hi"));
        let outcomes = pen.0.append(&batch).await.expect("outcomes");
        assert_eq!(place(&outcomes[0]).seq, Seq::MAX);
        assert_eq!(outcomes[1..], [full.clone(), full.clone()]);
        assert_eq!(pen.append(pen.draft("general", "ana", "4", What::Renamed(Renamed { name: "Other".into() }))).await, full);
        assert_eq!(pen.0.heads(&[room("general")]).await.expect("heads")[0].expect("a head").seq, Seq::MAX);
    }

    async fn an_erased_body_lets_its_key_fit_any_other(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        let first = place(&pen.append(pen.says("general", "ben", "k", "hi")).await);
        home.change("UPDATE entries SET hash = NULL, text = ''").await;
        let rename = pen.draft("general", "ana", "name", What::Renamed(Renamed { name: "Other".into() }));
        for batch in [vec![pen.says("general", "ben", "k", "ho")], vec![pen.says("general", "ben", "k", "hu"), rename]] {
            assert_eq!(pen.0.append(&batch).await.expect("outcomes")[0], Outcome::Known(first));
        }
    }

    async fn tables_of_a_newer_version_are_refused(home: &Home) {
        drop(home.open().await);
        home.change(match home {
            Home::Sqlite(_) => "PRAGMA user_version = 1000",
            Home::Postgres { .. } => "INSERT INTO migrations (version) VALUES (1000)",
        })
        .await;
        let refused = home.try_open().await.err().expect("a refusal");
        assert!(matches!(&refused, StoreError::Broken(why) if why.contains("1000") && why.contains("newer")), "{refused}");
    }
}

#[tokio::test]
async fn a_sqlite_file_is_for_one_process() {
    let home = Home::sqlite();
    let first = home.open().await;
    let refused = SqliteStore::open(&home.file()).err().expect("a refusal");
    let says = refused.to_string();
    assert!(says.contains("hubbub.db.lock") && says.contains("another process has"), "{says}");
    drop(first);
    home.open().await;
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let home = Home::sqlite();
    std::fs::write(home.file(), "x".repeat(8192)).expect("a file");
    let refused = SqliteStore::open(&home.file()).err().expect("a refusal");
    assert!(matches!(&refused, StoreError::Broken(why) if why.contains("hubbub.db")), "{refused}");
}

#[tokio::test]
async fn a_server_that_may_lose_what_it_acknowledged_is_refused() {
    let careless = Postgres::start(&["fsync=off"]);
    let refused = PostgresStore::connect(&careless.url(), "hubbub").await.err().expect("a refusal");
    assert!(matches!(&refused, StoreError::Broken(why) if why.contains("fsync")), "{refused}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_and_a_wrong_schema_is_not() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let url = format!("postgres://hubbub:secret@127.0.0.1:{nobody}/postgres");
    let refused = PostgresStore::connect(&url, "hubbub").await.err().expect("a refusal");
    assert!(matches!(&refused, StoreError::Unavailable(why) if !why.contains("secret")), "{refused}");
    for schema in ["", "Hubbub", "1st", "a-b", "a\"b", "pg_own", &"x".repeat(64)] {
        let refused = PostgresStore::connect(&url, schema).await.err().expect("a refusal");
        assert!(matches!(refused, StoreError::Broken(_)), "{schema}");
    }
}

#[tokio::test]
async fn a_database_of_another_encoding_is_refused() {
    let sql = "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0";
    instances::raw().await.batch_execute(sql).await.expect("a database");
    let url = Postgres::shared().url().replace("/postgres", "/latin");
    let refused = PostgresStore::connect(&url, "hubbub").await.err().expect("refused");
    assert!(matches!(&refused, StoreError::Broken(why) if why.contains("LATIN1") && why.contains("UTF8")), "{refused}");
}

#[tokio::test]
async fn looking_whether_a_schema_is_there_makes_none() {
    let (home, url) = (Home::postgres(), Postgres::shared().url());
    let is_there = async || PostgresStore::is_there(&url, home.schema()).await.expect("an answer");
    assert!(!is_there().await && !is_there().await);
    home.open().await;
    assert!(is_there().await);
}
