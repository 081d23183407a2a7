//! Which instances live, and what is added to a database that the program before still uses.

use super::{Home, Pen, for_every_store, instances};
use hubbub::store::Lease;
use std::time::{Duration, Instant};
use uuid::Uuid;

const LONG: Duration = Duration::from_secs(60);

fn lease(bus: bool) -> Lease {
    Lease { boot: Uuid::new_v4(), bus }
}

fn sorted(mut leases: Vec<Lease>) -> Vec<Lease> {
    leases.sort_by_key(|lease| lease.boot);
    leases
}

for_every_store! {
    async fn a_lease_lives_as_long_as_it_is_renewed(home: &Home) {
        let store = home.open().await;
        let (ana, ben) = (lease(true), lease(false));
        assert_eq!(store.renew_lease(ana, LONG).await.expect("leases"), [ana]);
        let short = Duration::from_millis(300);
        assert_eq!(store.renew_lease(ben, short).await.expect("leases"), sorted(vec![ana, ben]));
        assert_eq!(store.renew_lease(ben, LONG).await.expect("leases"), sorted(vec![ana, ben]), "once more");
        // What it says of its bus changes with the next renewal.
        let ana = Lease { bus: false, ..ana };
        assert_eq!(store.renew_lease(ana, short).await.expect("leases"), sorted(vec![ana, ben]));
        let began = Instant::now();
        while store.renew_lease(ben, LONG).await.expect("leases") != [ben] {
            assert!(began.elapsed() < Duration::from_secs(5), "it never expires");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(began.elapsed() >= Duration::from_millis(200), "after {:?} it was gone", began.elapsed());
        assert_eq!(store.renew_lease(ana, LONG).await.expect("leases"), sorted(vec![ana, ben]), "who was late lives again");
    }

    async fn a_lease_that_is_given_up_is_gone_at_once(home: &Home) {
        let store = home.open().await;
        let (ana, ben) = (lease(true), lease(true));
        for lease in [ana, ben] {
            store.renew_lease(lease, LONG).await.expect("leases");
        }
        store.end_lease(ana.boot).await.expect("the end");
        store.end_lease(ana.boot).await.expect("the end, again");
        assert_eq!(store.renew_lease(ben, LONG).await.expect("leases"), [ben]);
    }

    async fn what_has_expired_is_removed(home: &Home) {
        let store = home.open().await;
        for _ in 0..5 {
            store.renew_lease(lease(true), Duration::ZERO).await.expect("leases");
        }
        store.renew_lease(lease(true), LONG).await.expect("leases");
        assert_eq!(home.number("SELECT count(*) FROM instances").await, 1);
    }

    async fn the_program_before_finds_no_version_that_it_does_not_know(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        drop(pen);
        // What the first release asks before it serves, and the only version it knows. It refuses more.
        let newest = match home {
            Home::Sqlite(_) => "SELECT user_version FROM pragma_user_version",
            Home::Postgres { .. } => "SELECT coalesce(max(version), 0)::bigint FROM migrations",
        };
        assert_eq!(home.number(newest).await, 1);
        assert!(home.number("SELECT count(*) FROM additions").await >= 1, "what was added is recorded apart");
        // And back: what is there is not made again.
        home.open().await;
    }

    async fn a_database_of_the_program_before_is_added_to(home: &Home) {
        match home {
            Home::Sqlite(_) => {
                home.change(include_str!("../../../migrations/sqlite/0001_logs.sql")).await;
                home.change("PRAGMA user_version = 1").await;
            }
            Home::Postgres { schema } => {
                let tables = include_str!("../../../migrations/postgres/0001_logs.sql").replace("hubbub.", &format!("{schema}."));
                let version = "CREATE TABLE migrations (version integer PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());
                    INSERT INTO migrations (version) VALUES (1)";
                home.change(&format!("CREATE SCHEMA {schema}; {version}; {tables}")).await;
            }
        }
        let (one, two) = match home {
            Home::Sqlite(_) => (home.open().await, None),
            // Two new instances at once.
            Home::Postgres { .. } => {
                let (one, two) = tokio::join!(home.open(), home.open());
                (one, Some(two))
            }
        };
        let ana = lease(true);
        assert_eq!(two.as_ref().unwrap_or(&one).renew_lease(ana, LONG).await.expect("leases"), [ana]);
        Pen(one).general().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_instances_that_renew_at_once_do_not_wait_for_each_other() {
    let home = Home::postgres();
    let stores = [home.open().await, home.open().await];
    let leases: Vec<Lease> = (0..8).map(|_| lease(true)).collect();
    let mut renewing = tokio::task::JoinSet::new();
    for (n, lease) in leases.iter().copied().enumerate() {
        let store = stores[n % 2].clone();
        renewing.spawn(async move {
            // A life of a millisecond: each removes what others are about to renew.
            for _ in 0..50 {
                store.renew_lease(lease, Duration::from_millis(1)).await.expect("no deadlock");
            }
            store.renew_lease(lease, LONG).await.expect("leases")
        });
    }
    renewing.join_all().await;
    let living = stores[0].renew_lease(leases[0], LONG).await.expect("leases");
    assert_eq!(living, sorted(leases));
}

impl Home {
    /// The only value of a query.
    async fn number(&self, sql: &str) -> i64 {
        match self {
            Self::Sqlite(_) => rusqlite::Connection::open(self.file())
                .and_then(|file| file.query_row(sql, [], |row| row.get(0)))
                .expect("a number"),
            Self::Postgres { schema } => {
                let client = instances::raw().await;
                client.batch_execute(&format!("SET search_path = {schema}")).await.expect("a schema");
                client.query_one(sql, &[]).await.expect("a number").get(0)
            }
        }
    }
}
