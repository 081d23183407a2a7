//! What a Postgres is used for besides: reports read it, other programs share it, rows in it are damaged.

use super::{Home, Pen, for_every_store, instances::raw, place, room};
use hubbub_core::{
    limits,
    log::{
        entry::Outcome,
        kinds::{Content, Deleted, Edited, Joined, Renamed, Text, What},
    },
    model::{
        access::{Role, RoomKind},
        ids::UserId,
        seq::Seq,
    },
};

for_every_store! {
    async fn a_room_whose_row_cannot_be_read_takes_no_other_heads_with_it(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        pen.room("other", RoomKind::Open, &[("ben", Role::Member)]).await;
        home.change("UPDATE rooms SET generation = -7 WHERE id = 'general'").await;
        let heads = pen.0.heads(&[room("general"), room("other"), room("nowhere")]).await.expect("heads");
        assert!(heads[0].is_none() && heads[2].is_none(), "{heads:?}");
        assert_eq!(heads[1].map(|head| head.seq), Some(Seq::new(1)));
    }
}

#[tokio::test]
async fn reports_read_views_and_nothing_else() {
    let home = Home::postgres();
    let pen = Pen(home.open().await);
    pen.general().await;
    let sent = place(&pen.append(pen.says("general", "ben", "k", "hi")).await);
    let rename = pen.draft("general", "ana", "n", What::Renamed(Renamed { name: "Lobby".into() }));
    place(&pen.append(rename).await);
    let (schema, reader) = (home.schema(), raw().await);
    let role = format!("reports_of_{schema}");
    reader
        .batch_execute(&format!(
            "CREATE ROLE {role}; GRANT USAGE ON SCHEMA {schema} TO {role};
             GRANT SELECT ON {schema}.room_messages, {schema}.room_members, {schema}.rooms_overview TO {role};
             SET ROLE {role}; SET search_path = {schema}"
        ))
        .await
        .expect("a role for reports");
    let columns = "SELECT table_name || ': ' || string_agg(column_name, ' ' ORDER BY ordinal_position)
        FROM information_schema.columns WHERE table_schema = $1 GROUP BY table_name ORDER BY table_name";
    let there: Vec<String> =
        reader.query(columns, &[&schema]).await.expect("columns").iter().map(|row| row.get(0)).collect();
    // An interface: columns may be added at the end, and none changes.
    let wanted = [
        "room_members: room user_id role since_seq joined_seq",
        "room_messages: room seq id author at text data reply_to thread in_room gone edited_at",
        "rooms_overview: room kind name head floor members created_at last_message last_message_at",
    ];
    assert_eq!(there, wanted);
    let row =
        reader.query_one("SELECT room, seq, id, author, text, at > now() - interval '1 hour' FROM room_messages", &[]);
    let row = row.await.expect("a message");
    assert_eq!((row.get::<_, &str>(0), row.get::<_, i64>(1), row.get(2)), ("general", 3, sent.id));
    assert_eq!((row.get::<_, &str>(3), row.get::<_, &str>(4), row.get::<_, bool>(5)), ("ben", "hi", true));
    let row = reader.query_one("SELECT kind, name, head, members, last_message FROM rooms_overview", &[]).await;
    let row = row.expect("a room");
    assert_eq!((row.get::<_, &str>(1), row.get::<_, i64>(2), row.get::<_, i64>(3)), ("Lobby", 4, 2));
    assert_eq!(row.get::<_, Option<i64>>(4), Some(3));
    let members = reader.query("SELECT user_id FROM room_members ORDER BY user_id", &[]).await.expect("members");
    assert_eq!(members.iter().map(|row| row.get::<_, &str>(0)).collect::<Vec<_>>(), ["ana", "ben"]);
    let text = |t: &str| Content::text(Text::parse(t).expect("a text"));
    for (key, from, what) in [
        ("e1", "ben", What::Edited(Edited { target: Seq::new(3), content: text("hello") })),
        ("e2", "ben", What::Edited(Edited { target: Seq::new(3), content: text("good morning") })),
        ("m2", "ben", super::says("secret")),
        ("e3", "ben", What::Edited(Edited { target: Seq::new(7), content: text("still secret") })),
        ("d", "ana", What::Deleted(Deleted { target: Seq::new(7), of: None })),
        ("j", "ana", What::Joined(Joined { user: super::user("ben"), role: Role::Moderator })),
    ] {
        let outcome = pen.append(pen.draft("general", from, key, what)).await;
        assert!(matches!(outcome, Outcome::Appended(_) | Outcome::Filled { .. }), "{key}: {outcome:?}");
    }
    let sql = "SELECT text, gone, edited_at IS NOT NULL, seq FROM room_messages ORDER BY seq";
    let now: Vec<(Option<String>, bool, bool, i64)> = reader
        .query(sql, &[])
        .await
        .expect("messages")
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3)))
        .collect();
    assert_eq!(now, [(Some("good morning".into()), false, true, 3), (None, true, false, 7)]);
    let sql = "SELECT role, since_seq, joined_seq FROM room_members WHERE user_id = 'ben'";
    let row = reader.query_one(sql, &[]).await.expect("a member");
    assert_eq!((row.get::<_, &str>(0), row.get::<_, i64>(1), row.get::<_, i64>(2)), ("moderator", 10, 2));
    for denied in ["SELECT * FROM entries", "SELECT * FROM meta", "DELETE FROM room_messages"] {
        assert!(reader.batch_execute(denied).await.is_err(), "{denied}");
    }
    // Not even their owner writes through them.
    reader.batch_execute("RESET ROLE").await.expect("the owner again");
    for refused in
        ["DELETE FROM room_messages", "UPDATE room_members SET role = 'admin'", "UPDATE rooms_overview SET name = ''"]
    {
        let why = reader.batch_execute(refused).await.expect_err(refused).as_db_error().map(|e| e.message().to_owned());
        assert!(why.is_some_and(|why| why.contains("cannot")), "{refused}");
    }
    reader.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.expect("tidy");
}

#[tokio::test]
async fn views_of_a_newer_program_are_left_alone_and_missing_ones_are_made() {
    let home = Home::postgres();
    drop(home.open().await);
    let client = raw().await;
    let schema = home.schema();
    let newer = format!(
        "DROP VIEW {schema}.rooms_overview; CREATE VIEW {schema}.rooms_overview AS SELECT 7 AS added;
         COMMENT ON VIEW {schema}.rooms_overview IS 'views for reports, version 99'"
    );
    client.batch_execute(&newer).await.expect("views of a newer program");
    drop(home.open().await);
    let sql = format!("SELECT * FROM {schema}.rooms_overview");
    assert_eq!(client.query_one(&sql, &[]).await.expect("a row").get::<_, i32>(0), 7);
    client.batch_execute(&format!("DROP VIEW {schema}.rooms_overview")).await.expect("a drop");
    drop(home.open().await);
    assert!(client.query(&sql, &[]).await.expect("it is back").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_has_ten_connections_whatever_is_asked_of_it() {
    let home = Home::postgres();
    let pen = Pen(home.open().await);
    pen.general().await;
    let watch = raw().await;
    // Ours alone: every statement of this store names its schema.
    let sql = "SELECT count(DISTINCT pid) FROM pg_stat_activity WHERE query LIKE '%\"' || $1 || '\".%' AND pid <> pg_backend_pid()";
    let mut most = 0;
    for _ in 0..20 {
        let mut asking = tokio::task::JoinSet::new();
        for n in 0..100 {
            let pen = pen.clone();
            asking.spawn(async move {
                let reader = UserId::parse(&format!("u{n}")).expect("a user");
                pen.0.look_up(&[(room("general"), reader)]).await.expect("a view");
            });
        }
        while asking.join_next().await.is_some() {}
        most = most.max(watch.query_one(sql, &[&home.schema()]).await.expect("a count").get::<_, i64>(0));
    }
    println!("{most} connections of one instance");
    assert!(most > 1 && most <= limits::POSTGRES_CONNECTIONS as i64, "{most}");
}
