//! Whether pages are found by their indexes in a large room.

use super::{
    super::{Home, Pen, instances::raw, room, user},
    N,
};
use hubbub::store::{ReactorsOf, ShownOf};
use hubbub_core::log::room::PageOf;
use std::time::{Duration, Instant};

/// A room of 200,000 entries, of which one in a hundred is shown: a page reads about as many rows as it has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_are_found_by_their_indexes_on_postgres() {
    let home = Home::postgres();
    let pen = Pen(home.open().await);
    pen.general().await;
    home.change(
        "INSERT INTO entries (room, seq, id, kind, author, at, key, text, target, body, thread)
         SELECT r.no, n, gen_random_uuid(), CASE WHEN n % 50 = 0 THEN 'message' ELSE 'reacted' END, 'ben', n, 'k' || n,
            CASE WHEN n % 50 = 0 THEN 'hi' END, CASE WHEN n % 50 <> 0 THEN n - n % 50 END,
            CASE WHEN n % 50 <> 0 THEN '{\"reaction\":\"+1\"}' END,
            CASE WHEN n % 100 = 50 THEN 100 * (1 + n / 100 % 20) END
         FROM rooms r, generate_series(100, 200000) n;
         UPDATE rooms SET head = 200000;
         INSERT INTO reactions SELECT r.no, 199900, '+1', 'u' || n, n FROM rooms r, generate_series(1, 100000) n;
         INSERT INTO reaction_counts SELECT r.no, 199900, '+1', 100000, 1 FROM rooms r;
         INSERT INTO pins SELECT r.no, 100 * n, n FROM rooms r, generate_series(1, 100) n;
         ANALYZE",
    )
    .await;
    let watch = raw().await;
    watch.batch_execute(&format!("SET search_path = {}", home.schema())).await.expect("a schema");
    let schema = home.schema().to_owned();
    let counted = async || {
        let sql = "SELECT coalesce(sum(idx_tup_read), 0)::bigint, coalesce(sum(idx_scan), 0)::bigint
            FROM pg_stat_user_indexes WHERE schemaname = $1";
        let row = watch.query_one(sql, &[&schema]).await.expect("counters");
        (row.get::<_, i64>(0), row.get::<_, i64>(1))
    };
    let of = ReactorsOf { reaction: None, after: Some(("+1".into(), user("u5"))) };
    for (name, which, least) in [
        ("the newest page", Some(ShownOf::Room(PageOf::Newest)), 100),
        ("a page in the middle", Some(ShownOf::Room(PageOf::Around(N(100_000)))), 100),
        ("a thread", Some(ShownOf::Thread(N(500), PageOf::Newest)), 100),
        ("pins", Some(ShownOf::Pins(PageOf::Newest)), 100),
        ("a message with 100,000 reactions", Some(ShownOf::One(N(199_900))), 1),
        ("who reacted", None, 100),
    ] {
        // Counters of whatever came before are told when a connection has been idle for a while.
        let mut before = counted().await;
        let settled = Instant::now() + Duration::from_secs(60);
        loop {
            tokio::time::sleep(Duration::from_secs(2)).await;
            let now = counted().await;
            if now == before || Instant::now() > settled {
                break;
            }
            before = now;
        }
        let shown = match which {
            Some(which) => pen.shows(Some("ben"), "general", which, 100).await.entries.len(),
            None => {
                let read = pen.0.reactors(Some(&user("ben")), &room("general"), N(199_900), &of, 100).await;
                read.expect("reactors").expect("a room").1.part.items.len()
            }
        };
        assert!(shown >= least, "{name}: {shown}");
        let until = Instant::now() + Duration::from_secs(60);
        let read = loop {
            let (rows, scans) = counted().await;
            if scans > before.1 {
                break rows - before.0;
            }
            assert!(Instant::now() < until, "{name}: the counters are not told");
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        println!("{name}: {read} rows of indexes for {shown}");
        assert!(read <= 3_000, "{name}: {read} rows of indexes were read for {shown}");
    }
}
