//! A hundred thousand sessions in which nothing happens cost nobody anything.

use super::*;
use serde_json::Value;
use tokio_postgres::Client;

const SESSIONS: u64 = 100_000;
const CLAIM: &str = include_str!("../../../crates/hubbub/src/features/portals/postgres/claim.sql");
const CANDIDATES: &str = include_str!("../../../crates/hubbub/src/features/portals/postgres/candidates.sql");
const NUMBER: &str = include_str!("../../../crates/hubbub/src/store/postgres/number_messages.sql");
const BACKLOG: &str = include_str!("../../../crates/hubbub/src/features/portals/postgres/backlog.sql");
const MARK: &str = include_str!("../../../crates/hubbub/src/store/postgres/mark_cursors.sql");

/// What a statement did: its plan, and the pages it touched.
struct Plan {
    plan: Value,
    buffers: u64,
}

impl Plan {
    async fn of(client: &Client, schema: &str, sql: &str, parameters: &[&str]) -> Self {
        // No session is a direct room.
        let mut sql = sql.replace("hubbub.", &format!("{schema}.")).replace("/* blocked */", "false");
        for (n, parameter) in parameters.iter().enumerate().rev() {
            sql = sql.replace(&format!("${}", n + 1), &format!("({parameter})"));
        }
        client.batch_execute("BEGIN").await.expect("a transaction");
        let row =
            client.query_one(&format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}"), &[]).await.expect("a plan");
        client.batch_execute("ROLLBACK").await.expect("the end of it");
        let text: Value = serde_json::from_str(&row.get::<_, Json>(0).0).expect("JSON");
        let plan = text[0]["Plan"].clone();
        let buffers = ["Shared Hit Blocks", "Shared Read Blocks"].map(|of| plan[of].as_u64().unwrap_or_default());
        Self { buffers: buffers.iter().sum(), plan }
    }

    /// Everything in it that reads this table: how, and how many rows it looked at.
    fn scans(&self, table: &str) -> Vec<(String, u64)> {
        let mut found = Vec::new();
        let mut left = vec![&self.plan];
        while let Some(node) = left.pop() {
            if node["Relation Name"] == table && node["Node Type"] != "ModifyTable" && node["Node Type"] != "LockRows" {
                // A bitmap's index is the node below.
                let by = node["Index Name"].as_str().or_else(|| node["Plans"][0]["Index Name"].as_str());
                let by = by.unwrap_or("no index").to_owned();
                let rows = ["Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck"]
                    .map(|of| node[of].as_f64().unwrap_or_default());
                let loops = node["Actual Loops"].as_f64().unwrap_or_default();
                found.push((by, (rows.iter().sum::<f64>() * loops) as u64));
            }
            left.extend(node["Plans"].as_array().into_iter().flatten());
        }
        found
    }

    fn reads_few(&self, what: &str, table: &str, index: &str, pages: u64) {
        let scans = self.scans(table);
        eprintln!("{what}: {} pages; {table} by {scans:?}", self.buffers);
        assert!(scans.iter().any(|(by, _)| by == index), "{what} does not use {index}: {:#}", self.plan);
        assert!(scans.iter().all(|(by, rows)| by != "no index" && *rows < 100), "{what}: {scans:?} {:#}", self.plan);
        assert!(self.buffers < pages, "{what} touches {} pages: {:#}", self.buffers, self.plan);
    }
}

/// The text of a column of JSON.
struct Json(String);

impl<'a> tokio_postgres::types::FromSql<'a> for Json {
    fn from_sql(
        _: &tokio_postgres::types::Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(String::from_utf8(raw.to_vec())?))
    }

    fn accepts(kind: &tokio_postgres::types::Type) -> bool {
        *kind == tokio_postgres::types::Type::JSON
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_idle_sessions_are_not_looked_at() {
    let home = Home::postgres();
    let desk = Desk::at(&home).await;
    desk.session("busy").await;
    let client = crate::store::instances::raw().await;
    let schema = home.schema();
    // As the store's connections are set up.
    let settings = "SET enable_seqscan = off; SET jit = off";
    client.batch_execute(&format!("SET search_path = {schema}; {settings}")).await.expect("settings");
    let began = Instant::now();
    client
        .batch_execute(&format!(
            "ALTER TABLE rooms SET (autovacuum_enabled = off);
             ALTER TABLE cursors SET (autovacuum_enabled = off);
             INSERT INTO rooms (id, kind, name, head, created_at, session)
                 SELECT 'idle-' || n, 'private', '', 2, 0, 'open' FROM generate_series(1, {SESSIONS}) n;
             INSERT INTO sessions (room, id, portal, customer, created_at)
                 SELECT r.no, r.id, p.no, 'c' || r.no, 0 FROM rooms r, portals p WHERE r.id LIKE 'idle-%';
             INSERT INTO cursors (room, portal, position, head)
                 SELECT r.no, p.no, 2, 2 FROM rooms r, portals p WHERE r.id LIKE 'idle-%'"
        ))
        .await
        .expect("many sessions");
    eprintln!("{SESSIONS} sessions in {:?}", began.elapsed());
    desk.asks("busy", "a").await;

    let room_no: i64 = client.query_one("SELECT no FROM rooms WHERE id = 'busy'", &[]).await.expect("a room").get(0);
    let candidates = ["ARRAY['desk']", "ARRAY[]::text[]", "128", "64", "ARRAY[]::text[]"];
    let rooms = format!("ARRAY[{room_no}]");
    let claim = ["ARRAY['desk']", "ARRAY[16]::bigint[]", &rooms, "ARRAY['desk']", "30000"];
    let mark = [&format!("ARRAY[{room_no}]"), "ARRAY[4]", "ARRAY[4]", "ARRAY[false]"];
    let message = [
        "ARRAY['busy']",
        "ARRAY['ana']",
        "ARRAY['b']",
        "ARRAY[gen_random_uuid()]",
        "ARRAY['\\x00'::bytea]",
        "ARRAY['hi']",
        "ARRAY[NULL::text]",
        "ARRAY[NULL::bigint]",
    ];
    // Before the planner knows how many there are, and after.
    for known in [false, true] {
        if known {
            client
                .batch_execute("ANALYZE rooms; ANALYZE cursors; ANALYZE sessions; ANALYZE portals")
                .await
                .expect("figures");
        }
        let turns = Plan::of(&client, schema, CANDIDATES, &candidates).await;
        for index in ["cursors_due", "cursors_failing"] {
            turns.reads_few("whose turn it is", "cursors", index, 300);
        }
        Plan::of(&client, schema, CLAIM, &claim).await.reads_few("a claim", "cursors", "cursors_pkey", 300);
        Plan::of(&client, schema, NUMBER, &message).await.reads_few("a message", "cursors", "cursors_pkey", 300);
        Plan::of(&client, schema, MARK, &mark).await.reads_few("a mark", "cursors", "cursors_pkey", 300);
        Plan::of(&client, schema, BACKLOG, &[]).await.reads_few("the backlog", "cursors", "cursors_due", 300);
    }
    let began = Instant::now();
    for _ in 0..20 {
        let claim = desk.claim_one().await;
        assert_eq!(claim.entries.len(), 1);
        assert!(desk.settle(&claim, DeliveryStep::Released).await);
    }
    eprintln!("a claim and its settlement: {:?}", began.elapsed() / 20);
    desk.look("idle-99999").await;
}
