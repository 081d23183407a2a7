//! A database is lost and restored from a backup that was taken while people talked: what docs/operating/backup.md has one do, and
//! what it says becomes of each thing that is not in the backup.

use crate::{
    cluster::{API_KEY, Cluster, SECRET, breathe, program},
    desk::{make, open, takes},
    person::Person,
    support::{
        portal::{Mood, Portal},
        postgres::Postgres,
    },
    wire::{DEADLINE, Wire},
};
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

const FLAGS: [&str; 2] = ["--portal-allow", "127.0.0.1"];

/// How a database is backed up and restored.
enum Keeper {
    /// `pg_dump` and `pg_restore`.
    Postgres { schema: String, dump: PathBuf },
    /// `VACUUM INTO`, and a copy back.
    Sqlite { file: PathBuf, copy: PathBuf },
}

fn runs(command: &mut Command) {
    let done = command.output().expect("the program");
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}

impl Keeper {
    /// While instances serve.
    fn backs_up(&self) {
        match self {
            Self::Postgres { schema, dump } => {
                let url = Postgres::shared().url();
                runs(Postgres::program("pg_dump").args(["-Fc", "-n", schema, "-d", &url, "-f"]).arg(dump));
            }
            Self::Sqlite { file, copy } => {
                // The statement that `sqlite3` is given.
                let from = rusqlite::Connection::open(file).expect("the file");
                from.execute("VACUUM INTO ?1", [copy.to_str().expect("UTF-8")]).expect("a copy");
            }
        }
    }

    /// While none does.
    fn restores(&self) {
        match self {
            Self::Postgres { dump, .. } => {
                let url = Postgres::shared().url();
                let how = ["--clean", "--if-exists", "--single-transaction", "-d", &url];
                runs(Postgres::program("pg_restore").args(how).arg(dump));
            }
            Self::Sqlite { file, copy } => {
                for beside in ["-wal", "-shm"] {
                    let _ = std::fs::remove_file(format!("{}{beside}", file.display()));
                }
                std::fs::copy(copy, file).expect("the copy");
            }
        }
    }

    /// Makes the backup as old as most are: claims of deliveries in it have run out.
    fn is_older_than_a_claim(&self) {
        let elapse = |schema: &str| format!("UPDATE {schema}.cursors SET due_at = 1 WHERE due_at IS NOT NULL");
        match self {
            Self::Postgres { schema, .. } => {
                let url = Postgres::shared().url();
                runs(Postgres::program("psql").args(["-X", "-q", "-d", &url, "-c", &elapse(schema)]));
            }
            Self::Sqlite { file, .. } => {
                let database = rusqlite::Connection::open(file).expect("the file");
                database.execute(&elapse("main"), []).expect("the change");
            }
        }
    }

    /// As a program of a later version leaves them that has changed them so that this one cannot live with them.
    fn is_of_a_later_version(&self) {
        match self {
            Self::Postgres { schema, .. } => {
                let raise = format!("INSERT INTO {schema}.migrations SELECT max(version) + 1 FROM {schema}.migrations");
                runs(Postgres::program("psql").args(["-X", "-q", "-d", &Postgres::shared().url(), "-c", &raise]));
            }
            Self::Sqlite { file, .. } => {
                let database = rusqlite::Connection::open(file).expect("the file");
                let version: i64 =
                    database.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a version");
                database.pragma_update(None, "user_version", version + 1).expect("another");
            }
        }
    }

    async fn bumps_the_epoch(&self) {
        let (store, schema) = match self {
            Self::Postgres { schema, .. } => (Postgres::shared().url(), schema.clone()),
            Self::Sqlite { file, .. } => (format!("sqlite:{}", file.display()), "hubbub".into()),
        };
        let (done, says, complaint) = program(&["epoch", "bump", "--store", &store, "--schema", &schema]).await;
        assert!(done && says.contains("every position handed out before is void"), "{says}{complaint}");
    }
}

async fn says(cluster: &Cluster, session: &str, text: &str) -> u64 {
    let said = json!({ "from": "customer", "text": text });
    let answer = cluster.api("POST", &format!("/v1/rooms/{session}/messages"), &said).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["seq"].as_u64().expect("a seq")
}

async fn has_read_until(cluster: &Cluster, user: &str) -> u64 {
    let answer = cluster.api("GET", &format!("/v1/users/{user}/unread"), &Value::Null).await.json();
    let rooms = answer["rooms"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let room = rooms.iter().find(|room| room["room"] == "general").unwrap_or_else(|| panic!("{answer}"));
    room["read"].as_u64().expect("a mark")
}

async fn reads(person: &Person, seq: u64) {
    let answer = person.calls("read", json!({ "room": "general", "seq": seq })).await;
    assert_eq!(answer["rpc"]["data"]["seq"], seq, "{answer}");
}

/// Their apps were told that what they have is no longer so, and have begun anew.
async fn begin_anew(people: [&Person; 2], old: &str) {
    for person in people {
        let anew = |me: &Person| me.with("general", |f| f.live && f.epoch != old && !f.epoch.is_empty());
        person.waits_for("another epoch", 3 * DEADLINE, anew).await;
        person.with("general", |followed| assert_eq!(followed.recoveries.last(), Some(&false), "{followed:?}"));
    }
}

async fn is_restored(mut cluster: Cluster, keeper: Keeper) {
    let (n, last) = (cluster.instances.len(), cluster.instances.len() - 1);
    cluster.room("general", "private", &["ana", "ben", "cem"]).await;
    let (ana, ben) = (cluster.person("ana", 0).await, cluster.person("ben", last).await);
    ana.follows("general").await;
    ben.follows("general").await;
    let portal = Portal::start().await;
    let made = make(&cluster, "desk", &portal, json!({ "retry_seconds": [0.1, 0.1, 0.1, 0.1, 0.1] })).await;
    portal.knows(&[made["outgoing_secret"].as_str().expect("a secret")]);
    open(&cluster, "order-1", "desk", "customer").await;

    // What is in the backup.
    says(&cluster, "order-1", "kept").await;
    takes(&portal, "order-1", &["kept"]).await;
    let kept = ana.says("general", "kept").await.seq;
    ben.hears("general", "kept").await;
    reads(&ben, kept).await;
    portal.is(Mood::Held);
    says(&cluster, "order-1", "on its way").await;
    let began = Instant::now();
    while portal.held() == 0 {
        assert!(began.elapsed() < DEADLINE, "it is not sent");
        breathe().await;
    }
    keeper.backs_up();

    // What is not.
    portal.is(Mood::Well);
    let lost_seq = says(&cluster, "order-1", "lost").await;
    takes(&portal, "order-1", &["kept", "on its way", "lost"]).await;
    for text in ["lost 1", "lost 2", "lost 3"] {
        ana.says("general", text).await;
        ben.hears("general", text).await;
    }
    reads(&ben, kept + 3).await;
    assert_eq!(has_read_until(&cluster, "cem").await, 0);
    let old = ben.with("general", |followed| followed.epoch.clone());
    let sent_before: Vec<_> = portal.arrivals();

    for instance in 0..n {
        cluster.stop(instance).await;
    }
    keeper.restores();
    keeper.is_older_than_a_claim();
    keeper.bumps_the_epoch().await;
    for instance in 0..n {
        cluster.restart(instance).await;
    }

    // Who comes back with a position of before is told that it is void, and has the log as it is now.
    begin_anew([&ana, &ben], &old).await;
    let mut cem = Wire::of(cluster.at(last), "cem").await;
    let position = json!({ "channel": "room:general", "recover": true, "offset": kept + 3, "epoch": old });
    let answer = cem.asks(json!({ "id": 2, "subscribe": position })).await;
    assert_eq!(
        (&answer["subscribe"]["recovered"], &answer["subscribe"]["offset"]),
        (&Value::Null, &json!(kept)),
        "{answer}"
    );
    let told: HashSet<String> =
        cluster.log("general").await.iter().filter_map(|entry| entry["text"].as_str().map(Into::into)).collect();
    assert_eq!(told, HashSet::from(["kept".to_owned()]));
    // Numbers of what was lost are given again, and mean what is said now.
    assert_eq!(ana.says("general", "after").await.seq, kept + 1);
    ben.hears("general", "after").await;
    let log = cluster.log("general").await;
    for person in [&ana, &ben] {
        person.with("general", |followed| {
            assert!(followed.faults.is_empty(), "{}: {:?}", person.name, followed.faults);
            assert_eq!(followed.entries.last(), log.last(), "{}", person.name);
        });
    }
    // The mark is where it was; what was read since is unread again, as far as it is there.
    assert_eq!(has_read_until(&cluster, "ben").await, kept);

    // The portal: what it took after the backup is sent once more, as the same webhook. What is said now is another one, though
    // it has a number that the portal has seen.
    assert_eq!(says(&cluster, "order-1", "after").await, lost_seq);
    takes(&portal, "order-1", &["kept", "on its way", "lost", "after"]).await;
    let again: Vec<_> = portal.arrivals().split_off(sent_before.len());
    let texts: Vec<_> = again.iter().map(|arrival| arrival.text()).collect();
    assert_eq!(texts, ["on its way", "after"]);
    let ids = |text: &str| -> HashSet<String> {
        portal.arrivals().iter().filter(|arrival| arrival.text() == text).map(|arrival| arrival.id.clone()).collect()
    };
    assert_eq!(ids("on its way").len(), 1, "a repeat that cannot be told as one");
    assert!(ids("lost").is_disjoint(&ids("after")), "the portal takes a message for one that it has");

    // Where it was forgotten, it is run while instances serve: connections stay, and everybody begins anew.
    if let Keeper::Postgres { .. } = keeper {
        let (before, connections) = (ben.with("general", |followed| followed.epoch.clone()), ben.connections());
        keeper.bumps_the_epoch().await;
        begin_anew([&ana, &ben], &before).await;
        assert_eq!(ben.connections(), connections);
        ana.says("general", "and on").await;
        ben.hears("general", "and on").await;
    }
}

async fn goes_back(mut cluster: Cluster, keeper: Keeper) {
    let (n, last) = (cluster.instances.len(), cluster.instances.len() - 1);
    cluster.room("general", "private", &["ana", "ben"]).await;
    let (ana, ben) = (cluster.person("ana", 0).await, cluster.person("ben", 0).await);
    ana.follows("general").await;
    ben.follows("general").await;
    let kept = ana.says("general", "before the upgrade").await.seq;
    keeper.backs_up();
    let old = ana.with("general", |followed| followed.epoch.clone());

    cluster.stop(last).await;
    keeper.is_of_a_later_version();
    if n > 1 {
        // Who has started before goes on.
        ana.says("general", "meanwhile").await;
        ben.hears("general", "meanwhile").await;
    }
    let flags: Vec<&str> = cluster.instances[last].arguments.iter().map(String::as_str).collect();
    for command in ["serve", "check"] {
        let arguments =
            [&[command, "--listen", "127.0.0.1:0", "--token-secret", SECRET, "--api-key", API_KEY], &flags[..]];
        let (content, says, complaint) = program(&arguments.concat()).await;
        let said = format!("{says}{complaint}");
        assert!(!content && said.contains("newer program") && said.contains("version 2"), "{command}: {said}");
    }

    for instance in 0..last {
        cluster.stop(instance).await;
    }
    keeper.restores();
    keeper.bumps_the_epoch().await;
    for instance in 0..n {
        cluster.restart(instance).await;
    }
    begin_anew([&ana, &ben], &old).await;
    assert_eq!(ana.says("general", "after the way back").await.seq, kept + 1);
    ben.hears("general", "after the way back").await;
    let log = cluster.log("general").await;
    let texts: Vec<_> = log.iter().filter_map(|entry| entry["text"].as_str()).collect();
    assert_eq!(texts, ["before the upgrade", "after the way back"]);
}

#[tokio::test]
async fn tables_of_a_later_version_are_left_alone_and_the_way_back_is_the_backup_of_before() {
    let (kept, directory) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
    let cluster = Cluster::of(2).await;
    let keeper = Keeper::Postgres { schema: cluster.schema().to_owned(), dump: kept.path().join("hubbub.dump") };
    let place: &Path = directory.path();
    let laptop = Keeper::Sqlite { file: place.join("hubbub.db"), copy: place.join("copy.db") };
    tokio::join!(goes_back(cluster, keeper), goes_back(Cluster::laptop(place).await, laptop));
}

#[tokio::test]
async fn a_dump_is_restored_and_everybody_ends_with_its_log_and_was_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let cluster = Cluster::of_with(2, &FLAGS).await;
    let keeper = Keeper::Postgres { schema: cluster.schema().to_owned(), dump: directory.path().join("hubbub.dump") };
    is_restored(cluster, keeper).await;
}

#[tokio::test]
async fn a_copy_of_a_file_is_restored_and_everybody_ends_with_its_log_and_was_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let place: &Path = directory.path();
    let keeper = Keeper::Sqlite { file: place.join("hubbub.db"), copy: place.join("copy.db") };
    is_restored(Cluster::laptop_with(place, &FLAGS).await, keeper).await;
}
