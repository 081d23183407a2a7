//! Data that moves: the built program imports and exports, on SQLite and on Postgres, and is killed on the way.

mod abandoned;
mod gone;
#[path = "../stories/launch.rs"]
mod launch;
mod lines;
mod mended;
#[path = "../support/ports.rs"]
#[allow(dead_code, reason = "other suites use the rest")]
mod ports;
#[path = "../support/postgres.rs"]
#[allow(dead_code, reason = "other suites use the rest")]
mod postgres;
mod tables;
mod together;

use hubbub::store::{Store, postgres::PostgresStore, sqlite::SqliteStore};
use hubbub_core::{
    log::{entry::Proposal, kinds::What, room::PageOf, situation::Right},
    model::{
        ids::{RoomId, UserId},
        seq::Seq,
    },
};
use lines::Lines;
use postgres::Postgres;
use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Instant,
};
use tempfile::TempDir;
use uuid::Uuid;

/// A store that nobody has used yet.
pub struct Place {
    directory: TempDir,
    /// A schema of the shared Postgres, or none: a file.
    schema: Option<String>,
}

impl Place {
    fn sqlite() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory"), schema: None }
    }

    fn postgres() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        Self { schema: Some(format!("moving_{}", NEXT.fetch_add(1, Ordering::Relaxed))), ..Self::sqlite() }
    }

    /// Another of the same kind.
    fn other(&self) -> Self {
        if self.schema.is_some() { Self::postgres() } else { Self::sqlite() }
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    }

    fn database(&self) -> PathBuf {
        self.directory.path().join("hubbub.db")
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = launch::hubbub();
        command.args(arguments);
        match &self.schema {
            None => command.args(["--store", &format!("sqlite:{}", self.database().display())]),
            Some(schema) => command.args(["--store", &Postgres::shared().url(), "--schema", schema]),
        };
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).stdin(Stdio::null()).output().expect("the program")
    }

    /// What it says to standard output; it must succeed.
    fn does(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// What is wrong with it; it must fail.
    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?} is taken");
        String::from_utf8(output.stderr).expect("UTF-8")
    }

    /// An import whose lines come from here.
    fn importing(&self) -> Child {
        let mut command = self.command(&["import", "-"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program")
    }

    async fn open(&self) -> Arc<dyn Store> {
        match &self.schema {
            None => Arc::new(SqliteStore::open(&self.database()).expect("the file")),
            Some(schema) => {
                let store = PostgresStore::connect(&Postgres::shared().url(), schema).await;
                Arc::new(store.expect("the schema"))
            }
        }
    }
}

fn room(id: &str) -> RoomId {
    RoomId::parse(id).expect("a room")
}

fn user(id: &str) -> UserId {
    UserId::parse(id).expect("a user")
}

/// Feeds an import with so many lines, until it has said that some are written, and kills it.
fn is_killed_in_the_middle(place: &Place, lines: &[String]) {
    let mut importing = place.importing();
    let mut stdin = importing.stdin.take().expect("a pipe");
    let text = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect::<String>();
    // It may be killed while it is fed.
    let feeding = std::thread::spawn(move || {
        let _ = stdin.write_all(text.as_bytes());
        stdin
    });
    let mut said = BufReader::new(importing.stderr.take().expect("a pipe")).lines();
    let far = said.find(|line| line.as_ref().is_ok_and(|line| line.contains(" lines, ")));
    assert!(far.is_some(), "it ended without saying how far it was");
    // Its input is open still: it cannot be done.
    importing.kill().expect("SIGKILL");
    importing.wait().expect("an end");
    drop(feeding.join());
}

async fn says(store: &Arc<dyn Store>, from: &str, text: &str) -> Seq {
    let message = hubbub_core::log::checks::message(Some(text), None, None).expect("a message");
    let draft = Proposal::new(room("general"), user(from), None, What::Message(message), Right::Own)
        .draft(&store.identity().hash_key, Uuid::now_v7);
    match store.append(&[draft]).await.expect("an answer").remove(0) {
        hubbub_core::log::entry::Outcome::Appended(place) => place.seq,
        other => panic!("{other:?}"),
    }
}

async fn goes_on_where_it_was_killed(place: &Place, entries: usize) {
    let lines = Lines::of(entries).0;
    let file = place.file("chat.ndjson", &(lines.join("\n") + "\n"));
    is_killed_in_the_middle(place, &lines[..lines.len() * 3 / 4]);

    // Closed to everybody: nobody is in it, nobody reads it, and its id is taken.
    let store = place.open().await;
    let seen =
        store.look_up(&[(room("general"), user("ana"))]).await.expect("views").remove(0).expect("the id is taken");
    assert!(seen.may_read().is_err() && seen.room.settings.archived && seen.room.head == Seq::ZERO, "{seen:?}");
    for name in ["ana", "ben"] {
        assert!(store.rooms_of(&user(name), None, 10, true).await.expect("rooms").items.is_empty());
        assert!(store.memberships(&user(name), None, 10).await.expect("rooms").is_empty());
    }
    drop(store);
    assert_eq!(place.does(&["export"]).lines().filter(|line| line.contains(r#""type":"room""#)).count(), 0);

    let began = Instant::now();
    let done = place.does(&["import", &file]);
    println!("{entries} entries: {} ({:.1?} with the look before it)", done.trim(), began.elapsed());
    let numbers: Vec<usize> = done.split(' ').filter_map(|word| word.replace(',', "").parse().ok()).collect();
    let [written, there, rooms, ..] = numbers[..] else { panic!("{done}") };
    let of_rooms = lines.iter().filter(|line| line.contains(r#""seq":"#)).count();
    assert_eq!((written + there, rooms), (of_rooms, 2), "{done}");
    assert!(there >= 900 && written > 0, "it began anew, or had been done: {done}");

    // The same file twice.
    let again = place.run(&["import", &file]);
    let (out, errors) = (String::from_utf8_lossy(&again.stdout), String::from_utf8_lossy(&again.stderr));
    assert!(out.starts_with("0 entries written"), "{out}");
    assert!(errors.contains("line 3: room general was imported before and is open"), "{errors}");

    // Complete, in order, at its own times; and an export is the file again.
    let exported = place.does(&["export"]);
    let bytes: Vec<&str> = exported.lines().collect();
    for (nth, (given, got)) in lines.iter().zip(&bytes).enumerate() {
        assert_eq!(given, got, "line {}", nth + 1);
    }
    assert_eq!(bytes.len(), lines.len());
    let other = place.other();
    let moved = other.file("moved.ndjson", &exported);
    other.does(&["import", &moved]);
    assert!(other.does(&["export"]) == exported, "an export of an import is another");

    // People see it as it is now, nothing counts as unread, and they write on.
    let store = place.open().await;
    let page = store.page(&room("general"), PageOf::Newest, 5).await.expect("a page").expect("the room");
    let head = page.head;
    assert!(store.unread(&user("ben"), None, 10).await.expect("unread").rooms.is_empty());
    assert_eq!(says(&store, "ana", "back again").await, head.next());
    let unread = store.unread(&user("ben"), None, 10).await.expect("unread").rooms;
    assert_eq!(unread.len(), 1, "{unread:?}");
    let newest = store.page(&room("general"), PageOf::Newest, 2).await.expect("a page").expect("the room").entries;
    assert!(newest[0].at <= newest[1].at);
    drop(store);

    // What was said since is no part of the file, and a longer file adds nothing.
    let longer = Lines::of(entries + 5).0.join("\n");
    let longer = place.file("longer.ndjson", &longer);
    let fault = place.fails(&["import", &longer]);
    assert!(fault.contains("was imported and is open; this line is not in it"), "{fault}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_is_killed_goes_on_in_sqlite() {
    goes_on_where_it_was_killed(&Place::sqlite(), 4_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_is_killed_goes_on_in_postgres() {
    goes_on_where_it_was_killed(&Place::postgres(), 4_000).await;
}

/// In `make test-long`; the times that it prints are those of this build.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_million_messages_are_imported_into_both_stores() {
    if std::env::var_os("HUBBUB_LONG").is_some() {
        goes_on_where_it_was_killed(&Place::sqlite(), 1_000_000).await;
        goes_on_where_it_was_killed(&Place::postgres(), 1_000_000).await;
    }
}

#[test]
fn what_is_wrong_with_a_file_is_said_by_line_and_nothing_is_written() {
    let place = Place::sqlite();
    let good = Lines::of(8).0;
    let mut lines = good.clone();
    lines[4] = lines[4].replace(r#""from":"hubbub:api""#, r#""from":"hubbub:root""#);
    lines[6] = lines[6].replace("2024-", "2023-");
    lines[7].truncate(30);
    let file = place.file("broken.ndjson", &lines.join("\n"));
    let checked = place.run(&["import", "--check", &file]);
    let found = String::from_utf8(checked.stdout).expect("UTF-8");
    assert_eq!(checked.status.code(), Some(1), "{found}");
    for fault in ["line 5: from: the prefix hubbub:", "line 7: at: 2023-", "line 8: line: EOF", "3 wrong"] {
        assert!(found.contains(fault), "{fault} is not in {found}");
    }
    let refused = place.fails(&["import", &file]);
    assert!(refused.contains("line 5: ") && refused.contains("nothing was written"), "{refused}");
    assert!(!place.database().exists(), "a store was made");
    let file = place.file("good.ndjson", &good.join("\n"));
    let output = place.run(&["import", "--check", &file]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

async fn what_the_store_finds_is_said_by_line_too(place: Place) {
    let lines = Lines::of(20).0;
    // From a pipe nothing is looked at before: what comes before the fault is kept.
    let mut importing = place.importing();
    let mut broken = lines.clone();
    broken[12] = "{".into();
    importing.stdin.take().expect("a pipe").write_all(broken.join("\n").as_bytes()).expect("written");
    let output = importing.wait_with_output().expect("an end");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("line 13: line: EOF"), "{said}");
    // Another file for the same rooms is noticed before it is written.
    let mut other = lines.clone();
    let changed = other[9].replace(r#""text":""#, r#""text":"not "#);
    assert_ne!(other[9], changed);
    other[9] = changed;
    let file = place.file("other.ndjson", &other.join("\n"));
    let fault = place.fails(&["import", &file]);
    assert!(fault.contains("line 10: key: ") && fault.contains("which says something else"), "{fault}");
    let file = place.file("whole.ndjson", &lines.join("\n"));
    place.does(&["import", &file]);
    assert_eq!(place.does(&["export"]).lines().count(), lines.len());
    // A room that no import has made takes nothing.
    let mut line = lines[2].replace("\"general\"", "\"lobby\"");
    let store = place.open().await;
    let lobby = hubbub::store::RoomProposal {
        id: room("lobby"),
        kind: hubbub_core::model::access::RoomKind::Open,
        name: String::new(),
        first: Vec::new(),
    };
    store.create_room(&lobby).await.expect("a room");
    drop(store);
    line.push('\n');
    let file = place.file("taken.ndjson", &line);
    let fault = place.fails(&["import", &file]);
    assert!(fault.contains("line 1: room: lobby is there, or was, and no import made it"), "{fault}");
    // One room, and one person.
    let of_room = place.does(&["export", "--room", "team"]);
    assert!(of_room.starts_with(r#"{"type":"room","room":"team""#) && !of_room.contains("general"), "{of_room}");
    let of_ben = place.does(&["export", "--user", "ben"]);
    assert!(
        of_ben.lines().filter(|line| line.contains(r#""type":"message""#)).all(|line| line.contains(r#""from":"ben""#))
    );
    assert!(of_ben.contains(r#""user":"ben""#) && !of_ben.contains(r#""user":"ana""#), "{of_ben}");
    assert!(place.fails(&["export", "--room", "nowhere"]).contains("there is no such room"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_are_said_by_line_in_sqlite() {
    what_the_store_finds_is_said_by_line_too(Place::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_are_said_by_line_in_postgres() {
    what_the_store_finds_is_said_by_line_too(Place::postgres()).await;
}
