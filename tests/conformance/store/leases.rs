//! Which instances live, and what is added to a database that the program before still uses.

use super::{ADMIN, Home, MEMBER, Pen, answers_in_thread, for_every_store, instances, place, room, user};
use hubbub::store::Lease;
use hubbub_core::{
    log::{
        entry::{Draft, Outcome},
        features::{Feature, Features},
        kinds::{Joined, What},
    },
    model::access::{Refusal, Role, RoomKind, Standing},
};
use std::time::{Duration, Instant};
use uuid::Uuid;

const LONG: Duration = Duration::from_secs(60);

fn lease(bus: bool) -> Lease {
    Lease { boot: Uuid::new_v4(), bus, knows: Features::all() }
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

    async fn a_lease_says_what_its_instance_knows_and_who_says_nothing_knows_nothing(home: &Home) {
        let store = home.open().await;
        let (ana, ben) = (lease(true), Lease { knows: [Feature::Pins, Feature::Edits].into_iter().collect(), ..lease(true) });
        store.renew_lease(ben, LONG).await.expect("leases");
        assert_eq!(store.renew_lease(ana, LONG).await.expect("leases"), sorted(vec![ana, ben]));
        let ben = Lease { knows: Features::all(), ..ben };
        assert_eq!(store.renew_lease(ben, LONG).await.expect("leases"), sorted(vec![ana, ben]), "it has learned");
        // The program before knows no such column; the next one has words of its own.
        let boot = match home {
            Home::Sqlite(_) => "x'11111111111111111111111111111111'",
            Home::Postgres { .. } => "'11111111-1111-1111-1111-111111111111'",
        };
        for (columns, values, knows) in [
            ("", "", Features::NONE),
            (", knows", ", 'edits shouts'", Feature::Edits.into()),
            (", knows", ", ''", Features::NONE),
        ] {
            let insert = format!(
                "DELETE FROM instances WHERE boot = {boot};
                INSERT INTO instances (boot, bus, expires_at{columns}) VALUES ({boot}, true, 9999999999999{values})"
            );
            home.change(&insert).await;
            let living = store.renew_lease(ana, LONG).await.expect("leases");
            let other = living.iter().find(|lease| lease.boot.as_bytes() == &[0x11; 16]).expect("it lives");
            assert_eq!(other.knows, knows, "{values}");
        }
    }

    async fn what_is_not_taken_yet_writes_nothing_and_what_was_taken_is_answered_as_ever(home: &Home) {
        let pen = Pen(home.open().await);
        pen.general().await;
        let not_yet = |draft: Draft| Draft { not_yet: Some(Feature::Threads), ..draft };
        let reply = |key: &str, text: &str| pen.draft("general", "ben", key, answers_in_thread(text, 3));
        let root = pen.append(pen.says("general", "ana", "root", "hi")).await;
        assert_eq!(place(&root).seq.get(), 3);
        let first = place(&pen.append(reply("taken", "one")).await);
        assert_eq!(pen.append(not_yet(reply("taken", "one"))).await, Outcome::Known(first), "a retry");
        let other = pen.append(not_yet(reply("taken", "two"))).await;
        assert_eq!(other, Outcome::Conflict { id: first.id, seq: first.seq });
        // Among others, which are taken; and a rule that says no is told before.
        let stranger = pen.draft("general", "dan", "stranger", answers_in_thread("hi", 3));
        let batch = [
            pen.says("general", "ana", "before", "a"),
            not_yet(reply("new", "three")),
            not_yet(stranger),
            not_yet(pen.says("general", "ben", "plain", "only the mark counts")),
            pen.says("general", "ana", "after", "b"),
        ];
        let outcomes = pen.0.append(&batch).await.expect("outcomes");
        assert_eq!((place(&outcomes[0]).seq.get(), place(&outcomes[4]).seq.get()), (5, 6));
        assert_eq!(outcomes[1], Outcome::NotYet(Feature::Threads));
        assert_eq!(outcomes[2], Outcome::Refused(Refusal::UnknownRoom));
        assert_eq!(outcomes[3], Outcome::NotYet(Feature::Threads));
        let taken = pen.append(reply("new", "three")).await;
        assert_eq!(place(&taken).seq.get(), 7, "the same, once it is known to all");
    }

    async fn a_program_that_knows_no_ranks_takes_them_back_where_it_changes_somebody(home: &Home) {
        let pen = Pen(home.open().await);
        let people = [("ana", Role::Admin), ("mod", Role::Moderator), ("reader", Role::Reader), ("eve", Role::Moderator)];
        pen.room("general", RoomKind::Private, &people).await;
        // As the version before writes a change of standing: it names none of the columns that it does not know.
        let older = async |user: &str, word: &str, since: u32| {
            let sql = format!(
                "INSERT INTO members (room, user_id, standing, since) VALUES ((SELECT no FROM rooms WHERE id = 'general'), '{user}', '{word}', {since})
                ON CONFLICT (room, user_id) DO UPDATE SET standing = excluded.standing, since = excluded.since"
            );
            home.change(&sql).await;
        };
        older("mod", "admin", 10).await;
        older("reader", "banned", 11).await;
        older("eve", "banned", 12).await;
        older("eve", "member", 13).await;
        older("new", "member", 14).await;
        let stands = async |name: &str| {
            let view = pen.0.look_up(&[(room("general"), user(name))]).await.expect("an answer").pop().flatten();
            view.expect("the room").standing
        };
        assert_eq!(stands("mod").await, ADMIN, "raised");
        assert_eq!(stands("reader").await, Standing::Banned);
        assert_eq!(stands("eve").await, MEMBER, "banned and let in again: no moderator any more");
        assert_eq!(stands("new").await, MEMBER);
        let listed = pen.0.members(&room("general"), None, 10, false).await.expect("members").items;
        let eve = listed.iter().find(|member| member.user == user("eve")).expect("she is a member");
        assert_eq!((eve.membership.joined.get(), eve.membership.since.get()), (13, 13));
        older("mod", "member", 15).await;
        assert_eq!(stands("mod").await, MEMBER, "lowered again");
        // This version's own changes stay as they are, also several of one batch that end where they began.
        let becomes = |key: &str, role| {
            let joined = What::Joined(Joined { user: user("new"), role });
            pen.by_backend("general", key, joined)
        };
        pen.append(becomes("a", Role::Moderator)).await;
        assert_eq!(stands("new").await, Standing::Member(Role::Moderator));
        let there_and_back = [becomes("b", Role::Reader), becomes("c", Role::Moderator)];
        pen.0.append(&there_and_back).await.expect("outcomes");
        assert_eq!(stands("new").await, Standing::Member(Role::Moderator));
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
