//! What only a database that several instances share can get wrong: locks, lost answers, races at the start.

use super::{Home, Pen, place, room, seqs, user};
use crate::support::postgres::Postgres;
use hubbub::store::{StoreError, postgres::PostgresStore};
use hubbub_core::{
    log::{
        entry::Outcome,
        kinds::{Joined, Left, Renamed, What},
        room::PageOf,
    },
    model::{
        access::{Refusal, Role, RoomKind},
        seq::Seq,
    },
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A connection that no store knows of.
pub async fn raw() -> tokio_postgres::Client {
    let (client, connection) =
        tokio_postgres::connect(&Postgres::shared().url(), tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

/// Waits until as many backends wait for a lock on rows of `schema`.
pub async fn wait_for_waiters(watch: &tokio_postgres::Client, schema: &str, waiters: i64) {
    let sql =
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%\"' || $1 || '\".%'";
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let waiting: i64 = watch.query_one(sql, &[&schema]).await.expect("a count").get(0);
        if waiting >= waiters {
            return;
        }
        assert!(Instant::now() < deadline, "{waiting} of {waiters} wait");
        tokio::task::yield_now().await;
    }
}

async fn lock_general(client: &tokio_postgres::Client, schema: &str) {
    let sql = format!("BEGIN; SELECT FROM {schema}.rooms WHERE id = 'general' FOR UPDATE");
    client.batch_execute(&sql).await.expect("the lock");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_send_that_waited_behind_its_senders_removal_is_refused() {
    let home = Home::postgres();
    let (one, two) = (Pen(home.open().await), Pen(home.open().await));
    one.general().await;
    let (holder, watch) = (raw().await, raw().await);
    for general_path in [false, true] {
        lock_general(&holder, home.schema()).await;
        let key = |name: &str| format!("{name}-{general_path}");
        let removal = one.draft("general", "ana", &key("out"), What::Left(Left { user: user("ben") }));
        let removing = tokio::spawn({
            let one = one.clone();
            async move { one.append(removal).await }
        });
        wait_for_waiters(&watch, home.schema(), 1).await;
        let mut drafts = vec![two.says("general", "ben", &key("late"), "still here")];
        if general_path {
            drafts.push(two.draft("general", "ana", &key("name"), What::Renamed(Renamed { name: "Other".into() })));
        }
        let sending = tokio::spawn({
            let two = two.clone();
            async move { two.0.append(&drafts).await.expect("outcomes") }
        });
        wait_for_waiters(&watch, home.schema(), 2).await;
        holder.batch_execute("COMMIT").await.expect("the unlocking");
        place(&removing.await.expect("the removal"));
        assert_eq!(sending.await.expect("the send")[0], Outcome::Refused(Refusal::UnknownRoom));
        let back = What::Joined(Joined { user: user("ben"), role: Role::Member });
        place(&one.append(one.draft("general", "ana", &key("back"), back)).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_that_waited_twice_for_the_lock_leaves_no_hole() {
    let home = Home::postgres();
    let (one, two) = (Pen(home.open().await), Pen(home.open().await));
    one.general().await;
    let (holder, watch) = (raw().await, raw().await);
    lock_general(&holder, home.schema()).await;
    let drafts = [one.says("general", "ben", "same", "hi"), two.says("general", "ben", "same", "hi")];
    let mut sending = Vec::new();
    for (n, (pen, draft)) in [one.clone(), two].into_iter().zip(drafts).enumerate() {
        sending.push(tokio::spawn(async move { pen.append(draft).await }));
        wait_for_waiters(&watch, home.schema(), n as i64 + 1).await;
    }
    holder.batch_execute("COMMIT").await.expect("the unlocking");
    for task in sending {
        assert_eq!(place(&task.await.expect("a send")).seq, Seq::new(3));
    }
    assert_eq!(place(&one.append(one.says("general", "ben", "next", "hi")).await).seq, Seq::new(4));
    let page = one.0.page(&room("general"), PageOf::Newest, 10).await.expect("a page").expect("a room");
    assert_eq!((page.head, seqs(&page.entries)), (Seq::new(4), vec![1, 2, 3, 4]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_stays_locked_is_said_to_be_and_nothing_is_written() {
    let home = Home::postgres();
    let pen = Pen(home.open().await);
    pen.general().await;
    pen.room("other", RoomKind::Open, &[("ben", Role::Member)]).await;
    let holder = raw().await;
    lock_general(&holder, home.schema()).await;
    let messages = [pen.says("other", "ben", "1", "hi"), pen.says("general", "ben", "1", "hi")];
    let rename = pen.draft("general", "ana", "2", What::Renamed(Renamed { name: "Other".into() }));
    let began = Instant::now();
    for drafts in [messages.to_vec(), vec![messages[0].clone(), rename]] {
        let locked = pen.0.append(&drafts).await;
        assert!(matches!(locked, Err(StoreError::Locked)), "{locked:?}");
    }
    assert!(began.elapsed() < Duration::from_secs(5));
    let heads = pen.0.heads(&[room("general"), room("other")]).await.expect("reading needs no lock");
    assert_eq!(heads.map_seqs(), [2, 1]);
    place(&pen.append(messages[0].clone()).await);
    holder.batch_execute("COMMIT").await.expect("the unlocking");
    place(&pen.append(messages[1].clone()).await);
}

trait Seqs {
    fn map_seqs(&self) -> Vec<u64>;
}

impl Seqs for Vec<Option<hubbub::store::Head>> {
    fn map_seqs(&self) -> Vec<u64> {
        self.iter().map(|head| head.expect("a head").seq.get()).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches_of_the_same_rooms_in_any_order_do_not_deadlock() {
    let home = Home::postgres();
    let pens = [Pen(home.open().await), Pen(home.open().await)];
    let ids = ["a", "b", "c", "d", "e"];
    for id in ids {
        pens[0].room(id, RoomKind::Open, &[("ana", Role::Admin)]).await;
    }
    let mut tasks = Vec::new();
    for (p, pen) in pens.iter().enumerate() {
        for t in 0..4 {
            let pen = pen.clone();
            tasks.push(tokio::spawn(async move {
                for round in 0..15 {
                    let key = format!("{p}-{t}-{round}");
                    let mut drafts: Vec<_> = ids.iter().map(|id| pen.says(id, "ana", &key, "hi")).collect();
                    drafts.rotate_left((t + round) % 5);
                    if t % 2 == 1 {
                        drafts.reverse();
                    }
                    if t == 3 {
                        drafts.push(pen.draft(
                            "c",
                            "ana",
                            &format!("{key}n"),
                            What::Renamed(Renamed { name: key.clone() }),
                        ));
                    }
                    for outcome in pen.0.append(&drafts).await.expect("outcomes") {
                        place(&outcome);
                    }
                }
            }));
        }
    }
    for task in tasks {
        task.await.expect("a sender");
    }
    let heads = pens[0].0.heads(&ids.map(room)).await.expect("heads").map_seqs();
    assert_eq!(heads, [121, 121, 151, 121, 121]);
    for (id, head) in ids.iter().zip(heads) {
        let page = pens[1].0.page(&room(id), PageOf::After(Seq::ZERO), 1000).await.expect("a page").expect("a room");
        assert_eq!(seqs(&page.entries), (1..=head).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_was_lost_is_settled_by_the_same_drafts() {
    let home = Home::postgres();
    let direct = Pen(home.open().await);
    direct.general().await;
    let line = Line::open().await;
    let url = format!("postgres://hubbub@127.0.0.1:{}/postgres", line.port);
    let through = Pen(Arc::new(PostgresStore::connect(&url, home.schema()).await.expect("a store")));
    place(&through.append(through.says("general", "ben", "warm", "hi")).await);
    let joined = What::Joined(Joined { user: user("cem"), role: Role::Member });
    place(&through.append(through.draft("general", "ana", "warm", joined)).await);

    let message = through.says("general", "ben", "lost", "hi");
    let rename = through.draft("general", "ana", "lost too", What::Renamed(Renamed { name: "Other".into() }));
    for (draft, seq) in [(message, 5), (rename, 6)] {
        line.swallow.store(true, Ordering::SeqCst);
        let unknown = through.0.append(std::slice::from_ref(&draft)).await;
        assert!(matches!(unknown, Err(StoreError::Unavailable(_))), "{unknown:?}");
        assert_eq!(direct.0.heads(&[room("general")]).await.expect("heads").map_seqs(), [seq], "it was committed");
        let again = through.append(draft.clone()).await;
        assert!(
            matches!(again, Outcome::Known(place) if place.seq == Seq::new(seq) && place.id == draft.id),
            "{again:?}"
        );
        assert_eq!(direct.0.heads(&[room("general")]).await.expect("heads").map_seqs(), [seq], "and only once");
    }
}

/// A line to the server that can be cut once a COMMIT was answered, before the answer gets through.
struct Line {
    port: u16,
    swallow: Arc<AtomicBool>,
}

impl Line {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let swallow = Arc::new(AtomicBool::new(false));
        let flag = swallow.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(("127.0.0.1", Postgres::shared().port())).await.expect("the server");
                tokio::spawn(carry(client, server, flag.clone()));
            }
        });
        Self { port, swallow }
    }
}

async fn carry(client: TcpStream, server: TcpStream, swallow: Arc<AtomicBool>) {
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let up = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
    });
    let mut held = Vec::new();
    let mut buffer = vec![0; 65536];
    while let Ok(n @ 1..) = from_server.read(&mut buffer).await {
        held.extend_from_slice(&buffer[..n]);
        // While armed, the end of an answer is held back until it is known not to be that of a COMMIT.
        let committed = held.windows(7).any(|bytes| bytes == b"COMMIT\0");
        if committed && swallow.swap(false, Ordering::SeqCst) {
            break;
        }
        if to_client.write_all(&held).await.is_err() {
            break;
        }
        held.clear();
    }
    up.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_append_leaves_no_connection_in_a_transaction() {
    let home = Home::postgres();
    let (pen, other) = (Pen(home.open().await), Pen(home.open().await));
    pen.general().await;
    let (holder, watch) = (raw().await, raw().await);
    let mut sent = Vec::new();
    for n in 0..6 {
        let what = if n % 2 == 0 { super::says("hi") } else { What::Renamed(Renamed { name: n.to_string() }) };
        let draft = pen.draft("general", "ana", &n.to_string(), what);
        lock_general(&holder, home.schema()).await;
        let waiting = tokio::spawn({
            let pen = pen.clone();
            async move { pen.append(draft).await }
        });
        wait_for_waiters(&watch, home.schema(), 1).await;
        waiting.abort();
        assert!(waiting.await.is_err(), "it was cancelled while it waited");
        holder.batch_execute("COMMIT").await.expect("the unlocking");
        // From elsewhere: the next to borrow the connection would end the transaction it is in.
        sent.push(other.append(other.says("general", "ben", &format!("after {n}"), "hi")).await);
    }
    let head = pen.0.heads(&[room("general")]).await.expect("heads").map_seqs()[0];
    assert!(sent.iter().all(|sent| place(sent).seq.get() <= head));
    let page = pen.0.page(&room("general"), PageOf::After(Seq::ZERO), 100).await.expect("a page").expect("a room");
    assert_eq!(seqs(&page.entries), (1..=page.head.get()).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_that_start_at_once_make_the_tables_once() {
    let home = Arc::new(Home::postgres());
    let start = |_| {
        let home = home.clone();
        tokio::spawn(async move { home.open().await.identity().database.clone() })
    };
    let mut databases = Vec::new();
    for task in (0..6).map(start).collect::<Vec<_>>() {
        databases.push(task.await.expect("a start"));
    }
    assert!(databases.iter().all(|database| *database == databases[0]), "{databases:?}");
    let sql = format!("SELECT count(*) FROM {}.migrations", home.schema());
    let applied: i64 = raw().await.query_one(&sql, &[]).await.expect("a count").get(0);
    assert_eq!(applied, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_do_so_where_transactions_are_stricter_than_ours_need_to_be() {
    let strict = "CREATE ROLE strict SUPERUSER LOGIN;
        ALTER ROLE strict SET default_transaction_isolation = 'repeatable read'";
    raw().await.batch_execute(strict).await.expect("a role");
    let url = format!("postgres://strict@127.0.0.1:{}/postgres", Postgres::shared().port());
    for _ in 0..3 {
        let home = Home::postgres();
        let start = |_| {
            let (url, schema) = (url.clone(), home.schema().to_owned());
            tokio::spawn(async move { PostgresStore::connect(&url, &schema).await.map(drop) })
        };
        for task in (0..6).map(start).collect::<Vec<_>>() {
            task.await.expect("a start").expect("whoever comes second sees what the first has made");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_timeline_is_another_epoch() {
    let home = Home::postgres();
    let before = Pen(home.open().await).general().await.epoch;
    let same = home.open().await.heads(&[room("general")]).await.expect("heads")[0].expect("a head").epoch;
    assert_eq!(same, before);
    // As a standby promoted with this row would find it.
    raw().await.batch_execute(&format!("UPDATE {}.meta SET timeline = 4711", home.schema())).await.expect("done");
    let after = home.open().await.heads(&[room("general")]).await.expect("heads")[0].expect("a head").epoch;
    assert_ne!(after, before);
    let still = home.open().await.heads(&[room("general")]).await.expect("heads")[0].expect("a head").epoch;
    assert_eq!(still, after);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_commit_durably_even_where_the_server_would_not() {
    let home = Home::postgres();
    let watch = raw().await;
    watch
        .batch_execute("CREATE ROLE lazy SUPERUSER LOGIN; ALTER ROLE lazy SET synchronous_commit = off")
        .await
        .expect("a role");
    let url = format!("postgres://lazy@127.0.0.1:{}/postgres", Postgres::shared().port());
    let pen = Pen(Arc::new(PostgresStore::connect(&url, home.schema()).await.expect("a store")));
    pen.general().await;
    for n in 0..20 {
        let before: String =
            watch.query_one("SELECT pg_current_wal_insert_lsn()::text", &[]).await.expect("a position").get(0);
        place(&pen.append(pen.says("general", "ben", &n.to_string(), "hi")).await);
        let sql = "SELECT pg_current_wal_flush_lsn() > $1::text::pg_lsn";
        let flushed: bool = watch.query_one(sql, &[&before]).await.expect("an answer").get(0);
        assert!(flushed, "what was acknowledged is not on the disk");
    }
}
