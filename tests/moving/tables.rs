//! The SQL that makes a file of a table of messages, as docs/importing.md has it.

use crate::{Place, postgres::Postgres};

/// The block of SQL behind a heading.
fn block(heading: &str) -> String {
    let page = include_str!("../../docs/importing.md");
    let (_, rest) = page.split_once(heading).unwrap_or_else(|| panic!("{heading} is missing"));
    let (_, rest) = rest.split_once("```sql\n").expect("a block of SQL");
    rest.split_once("```").expect("its end").0.to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_table_of_postgres_becomes_a_file_by_the_sql_of_the_docs() {
    let (client, connection) =
        tokio_postgres::connect(&Postgres::shared().url(), tokio_postgres::NoTls).await.expect("Postgres");
    tokio::spawn(connection);
    client
        .batch_execute(
            "CREATE SCHEMA plain; SET search_path = plain; SET TimeZone = 'Europe/Berlin';
            CREATE TABLE messages (id bigint PRIMARY KEY, room text, author text, body text, created_at timestamptz, reply_to bigint);
            INSERT INTO messages VALUES
                (1, 'general', 'ana', 'hi', '2024-01-31 09:30:00.123456+00', NULL),
                (2, 'general', 'ben', E'a \"quoted\"\\nline', '2024-01-31 09:30:00.123456+00', 1),
                (3, 'lobby', 'cem', 'äöü', '2024-01-31 09:31:00+00', NULL),
                (4, 'general', 'ana', 'bye', '2024-02-01 00:00:00+00', 2)",
        )
        .await
        .expect("a table");
    let rows = client.query(block("## From a table in Postgres").as_str(), &[]).await.expect("the SQL of the docs");
    let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let place = Place::postgres();
    let file = place.file("table.ndjson", &lines.join("\n"));
    let done = place.does(&["import", &file]);
    assert!(done.starts_with("7 entries written, 0 were there already, 2 rooms opened"), "{done}: {lines:#?}");
    let exported = place.does(&["export", "--room", "general"]);
    for part in [
        r#""type":"joined","id":""#,
        r#""from":"ana","at":"2024-01-31T09:30:00.123Z","key":"message.1","text":"hi"}"#,
        r#""key":"message.2","text":"a \"quoted\"\nline","reply_to":3}"#,
        r#""key":"message.4","text":"bye","reply_to":4}"#,
    ] {
        assert!(exported.contains(part), "{part} is not in {exported}");
    }
    // By the same rules for the other database, which is not run here.
    let mysql = block("## From a table in MySQL");
    for part in ["ROW_NUMBER() OVER (PARTITION BY", "JSON_OBJECT('type', 'room'", "JSON_OBJECT('type', 'joined'"] {
        assert!(mysql.contains(part), "{mysql}");
    }
}
