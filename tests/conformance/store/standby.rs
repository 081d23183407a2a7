//! A synchronous standby hangs, and somebody cancels the COMMITs that wait for it: Postgres answers them with success and a
//! warning. Nothing of that is acknowledged, on whichever path, and nothing is called known until a commit has waited.

use super::{Pen, user};
use crate::{portals::Desk, support::postgres::Postgres};
use hubbub::{
    features::{
        people::postgres::PostgresPeople,
        portals::{
            postgres::PostgresPortals,
            store::{DeliveryStep, Opened, Places, Received, Settlement, Wanted},
        },
    },
    server::Stores,
    store::{Created, RoomProposal, StoreError, postgres::PostgresStore},
};
use hubbub_core::{
    log::{
        entry::Outcome,
        kinds::{Joined, Renamed, What},
    },
    model::{
        access::{Role, RoomKind},
        json::Json,
    },
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_postgres::Client;

/// How long something that must not be answered is looked at.
const A_WHILE: Duration = Duration::from_millis(400);

/// A server whose synchronous standby may hang.
struct Primary {
    server: Postgres,
    watch: Client,
}

impl Primary {
    async fn start(settings: &[&str]) -> Self {
        let server = Postgres::start(settings);
        let watch = connect(&server).await;
        Self { server, watch }
    }

    async fn open(&self) -> Stores {
        let logs = Arc::new(PostgresStore::connect(&self.server.url(), "hubbub").await.expect("the store opens"));
        let people = Arc::new(PostgresPeople::new(logs.clone()));
        Stores { portals: Arc::new(PostgresPortals::new(logs.clone())), people, logs }
    }

    async fn run(&self, sql: &str) {
        self.watch.batch_execute(sql).await.expect("a statement");
    }

    /// From now on every COMMIT waits for a standby that is not there.
    async fn hang(&self) {
        self.run("ALTER SYSTEM SET synchronous_standby_names = 'nobody'").await;
        self.run("SELECT pg_reload_conf()").await;
        let deadline = Instant::now() + Duration::from_secs(20);
        for n in 0.. {
            let probe = connect(&self.server).await;
            let sql = format!("CREATE TABLE probe_{n}_{} ()", uuid::Uuid::new_v4().simple());
            if tokio::time::timeout(A_WHILE, probe.batch_execute(&sql)).await.is_err() {
                self.cancel().await;
                return;
            }
            assert!(Instant::now() < deadline, "commits do not wait");
        }
    }

    /// What an operator does. Says how many waited.
    async fn cancel(&self) -> i64 {
        let sql = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        self.watch.query_one(sql, &[]).await.expect("a count").get(0)
    }

    async fn heal(&self) {
        self.run("ALTER SYSTEM RESET synchronous_standby_names").await;
        self.run("SELECT pg_reload_conf()").await;
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let names: String =
                connect(&self.server).await.query_one("SHOW synchronous_standby_names", &[]).await.expect("it").get(0);
            let sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
            let waiting: i64 = self.watch.query_one(sql, &[]).await.expect("a count").get(0);
            if names.is_empty() && waiting == 0 {
                return;
            }
            assert!(Instant::now() < deadline, "{waiting} wait");
            tokio::task::yield_now().await;
        }
    }

    /// Does it while waits are cancelled: it must not be answered as done. Then again, while nobody cancels: it must wait.
    async fn is_unknown<T: std::fmt::Debug>(&self, what: &str, call: impl AsyncFn() -> Result<T, StoreError>) {
        let cancelling = async {
            loop {
                self.cancel().await;
                tokio::task::yield_now().await;
            }
        };
        let said = tokio::select! {
            said = call() => said,
            () = cancelling => unreachable!(),
        };
        match said {
            Err(StoreError::Unavailable(why)) => assert!(why.contains("warning"), "{what}: {why}"),
            said => panic!("{what} was answered with {said:?}"),
        }
        if let Ok(said) = tokio::time::timeout(A_WHILE, call()).await {
            panic!("{what}, again, did not wait: {said:?}");
        }
        // Its locks are free again.
        while self.cancel().await > 0 {
            tokio::task::yield_now().await;
        }
    }
}

async fn connect(server: &Postgres) -> Client {
    let (client, connection) =
        tokio_postgres::connect(&server.url(), tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

fn proposal(pen: &Pen, id: &str) -> RoomProposal {
    let joined = What::Joined(Joined { user: user("ana"), role: Role::Admin });
    let first = vec![pen.by_backend(id, "first", joined)];
    RoomProposal { id: super::room(id), kind: RoomKind::Private, name: "A room".into(), first }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_acknowledged_that_its_standby_was_not_waited_for() {
    // Sessions that want to hear nothing are told all the same.
    let primary = Primary::start(&["client_min_messages=error"]).await;
    let stores = primary.open().await;
    let pen = Pen(stores.logs.clone());
    pen.room("general", RoomKind::Private, &[("ana", Role::Admin), ("ben", Role::Member)]).await;
    let message = pen.says("general", "ana", "k1", "hi");
    let (joined, renamed) = (
        pen.by_backend("general", "k2", What::Joined(Joined { user: user("cho"), role: Role::Member })),
        pen.draft("general", "ana", "k3", What::Renamed(Renamed { name: "Other".into() })),
    );
    let made = proposal(&pen, "made");
    let infos = [(user("ana"), Json::trusted(r#"{"name":"Ana"}"#.into()))];

    primary.hang().await;
    primary.is_unknown("a message", async || pen.0.append(std::slice::from_ref(&message)).await).await;
    primary.is_unknown("a member", async || pen.0.append(std::slice::from_ref(&joined)).await).await;
    primary.is_unknown("many", async || pen.0.append(&[renamed.clone(), message.clone()]).await).await;
    primary.is_unknown("a room", async || pen.0.create_room(&made).await).await;
    primary.is_unknown("what is said of a user", async || pen.0.put_users(&infos).await).await;
    primary.is_unknown("another epoch", async || pen.0.bump_epoch(None).await).await;
    primary.heal().await;

    assert!(matches!(pen.append(message).await, Outcome::Known(place) if place.seq.get() == 3));
    assert!(matches!(pen.append(joined).await, Outcome::Unchanged | Outcome::Known(_)));
    assert!(matches!(pen.0.create_room(&made).await, Ok(Created::Exists(room)) if room.head.get() == 1));
    assert!(matches!(pen.append(pen.says("general", "ben", "k4", "all is well")).await, Outcome::Appended(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_portal_is_told_that_something_is_stored_which_may_not_be() {
    let primary = Primary::start(&[]).await;
    let desk = Desk::of(primary.open().await, "desk").await;
    desk.open("s1").await;
    desk.open("s2").await;
    let wish = desk.wish("s3", "ana");
    let known = desk.answers("s1", Some("e1"), "first");
    desk.receives(&known).await.expect("it is stored");
    let fresh = desk.answers("s2", Some("e2"), "second");
    let mut lost = desk.answers("nowhere", Some("e3"), "lost");
    lost.quarantine = true;
    desk.pen().append(desk.pen().says("s1", "ana", "k", "a question")).await;
    let wanted = [Wanted { portal: known.portal.clone(), places: Places::all(1) }];
    let claim = desk.portals().claim(&wanted, Duration::from_secs(60)).await.expect("claims").remove(0);
    let settlement = Settlement {
        session: claim.session.clone(),
        fence: claim.fence,
        step: DeliveryStep::Passed { position: claim.entries[0].seq, taken: true },
        external: None,
        refs: None,
        sent: vec![],
        keep: Some(Duration::from_secs(60)),
    };

    primary.hang().await;
    primary.is_unknown("a session", async || desk.portals().open_session(&wish).await).await;
    primary.is_unknown("an event", async || desk.receives(&fresh).await).await;
    primary.is_unknown("an event in quarantine", async || desk.receives(&lost).await).await;
    primary
        .is_unknown("a claim that goes on", async || desk.portals().settle(std::slice::from_ref(&settlement)).await)
        .await;
    primary.heal().await;

    assert!(matches!(desk.portals().open_session(&wish).await, Ok(Opened::Exists(_))));
    assert!(matches!(desk.receives(&fresh).await.as_deref(), Ok([Received::Repeated { .. }])));
    assert!(matches!(desk.receives(&lost).await.as_deref(), Ok([Received::Quarantined(_)])));
    assert_eq!(desk.portals().settle(&[settlement]).await.expect("an answer").len(), 1);
}
