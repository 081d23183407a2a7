//! Rows from before JSON was looked at are found, and named.

use super::{Home, Pen, for_every_store, json, user};
use crate::support::postgres::Postgres;
use hubbub::store::{foreign_json::ForeignJson, postgres::PostgresStore, sqlite::SqliteStore};
use hubbub_core::{
    limits::JSON_ROWS_NAMED,
    log::kinds::{Message, Text, What},
};
use std::time::{Duration, Instant};

async fn look(home: &Home, time: Duration) -> ForeignJson {
    let until = Instant::now() + time;
    match home {
        Home::Sqlite(_) => SqliteStore::foreign_json(&home.file(), until),
        Home::Postgres { schema } => PostgresStore::foreign_json(&Postgres::shared().url(), schema, until).await,
    }
    .expect("an answer")
}

for_every_store! {
    async fn json_that_others_cannot_read_is_named_by_room_and_seq(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        let kept = |data: &str| What::Message(Message::new(Text::parse("").expect("a text"), Some(json(data)), None));
        let long = format!("[{}]", "7".repeat(400));
        let data = [
            r#"{"p":"cut \ud83d"}"#, r#"{"fine":"\ud83d\ude42 \\ud83d 1e400"}"#, "[1e400]", "[1e3,2.5E+7]", &long, r#"{"\uDEAD":1}"#,
            "[-12E0999]",
        ];
        for (n, data) in data.iter().enumerate() {
            pen.append(pen.draft("general", "ana", &format!("k{n}"), kept(data))).await;
        }
        pen.0.put_users(&[(user("ana"), json(r#"{"name":"\udc00"}"#)), (user("ben"), json("{}"))]).await.expect("kept");
        let found = look(home, Duration::from_secs(20)).await;
        assert_eq!(found.found, 6, "{found:?}");
        assert!(!found.is_cut_short);
        for name in ["user ana (info: ", "room general seq 3 (data: ", "seq 5 (", "seq 7 (", "seq 8 (", "seq 9 ("] {
            assert!(found.named.iter().any(|named| named.contains(name)), "{name} is not in {:?}", found.named);
        }
    }

    async fn many_are_counted_and_few_are_named_in_the_time_there_is(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        let bad = |n: usize| {
            let message = Message::new(Text::parse("").expect("a text"), Some(json(r#""\ud800""#)), None);
            pen.draft("general", "ana", &format!("k{n}"), What::Message(message))
        };
        for begin in [0, 2_000] {
            pen.0.append(&(begin..begin + 1_200).map(bad).collect::<Vec<_>>()).await.expect("outcomes");
        }
        let found = look(home, Duration::from_secs(20)).await;
        assert_eq!((found.found, found.named.len(), found.looked_at), (2_400, JSON_ROWS_NAMED, 2_402));
        let found = look(home, Duration::ZERO).await;
        assert!(found.is_cut_short && found.looked_at < 2_402, "{found:?}");
    }
}
