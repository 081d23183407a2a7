//! What was deleted is nowhere: in no file of SQLite's soon, and in no tuple of Postgres after VACUUM.

use super::{Home, Pen, instances, place, says};
use hubbub_core::{
    limits::{TEXT_BYTES, WAL_CUT_EVERY},
    log::{
        entry::{Draft, Outcome},
        kinds::{Content, Deleted, Edited, Message, Text, What},
    },
    model::{
        access::{Role, RoomKind},
        json::Json,
        seq::Seq,
    },
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::FileExt,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

const ROOMS: usize = 20;
const MESSAGES: usize = 3_000;
const DEADLINE: Duration = Duration::from_secs(20);

/// A text with a number that can be found again, so long. Random: what can be compressed would be hidden.
fn secret(n: usize, bytes: usize, dice: &mut StdRng) -> String {
    let mut text = format!("<secret {n:06}>{:016x}", dice.random::<u64>());
    while text.len() + 32 < bytes {
        text.push_str(&format!("{:016x}", dice.random::<u64>()));
    }
    text + &format!("<secret {n:06}>")
}

/// The numbers of all secrets in these bytes.
fn secrets(bytes: &[u8]) -> BTreeSet<usize> {
    let mark = b"<secret ";
    let found = bytes.windows(mark.len() + 6).filter(|window| window.starts_with(mark));
    found.filter_map(|window| std::str::from_utf8(&window[mark.len()..]).ok()?.parse().ok()).collect()
}

/// All files of a SQLite database, read by somebody else: to close one here would take our locks away.
fn files(database: &Path) -> Vec<u8> {
    let directory = fs::read_dir(database.parent().expect("a directory")).expect("a directory");
    let files = directory.map(|file| file.expect("a file").path());
    Command::new("cat").args(files).output().expect("cat").stdout
}

fn edited(target: Seq, text: &str) -> What {
    What::Edited(Edited { target, content: Content::text(Text::parse(text).expect("a text")) })
}

fn deleted(target: Seq) -> What {
    What::Deleted(Deleted { target, of: None })
}

async fn append(pen: &Pen, drafts: &[Draft]) -> Vec<Seq> {
    let mut seqs = Vec::new();
    for batch in drafts.chunks(100) {
        let outcomes = pen.0.append(batch).await.expect("an answer");
        seqs.extend(outcomes.iter().map(|outcome| match outcome {
            Outcome::Filled { place, .. } => place.seq,
            other => place(other).seq,
        }));
    }
    seqs
}

/// Rooms in which people say and edit secrets of all lengths, and delete some: which were deleted, and which were not.
async fn rooms_with_secrets(pen: &Pen, dice: &mut StdRng) -> (BTreeSet<usize>, BTreeSet<usize>) {
    let rooms: Vec<String> = (0..ROOMS).map(|n| format!("room-{n}")).collect();
    for room in &rooms {
        pen.room(room, RoomKind::Private, &[("ana", Role::Member)]).await;
    }
    let lengths = [40, 40, 60, 100, 400, 1_500, TEXT_BYTES];
    let of = |n: usize, dice: &mut StdRng| secret(n, lengths[dice.random_range(0..lengths.len())], dice);
    let mut drafts = Vec::new();
    for n in 0..MESSAGES {
        let text = Text::parse(&of(n, dice)).expect("a text");
        let data = (n % 7 == 0).then(|| Json::trusted(format!("{{\"label\":\"{}\"}}", secret(n, 60, dice))));
        let what = What::Message(Message::new(text, data, None));
        drafts.push(pen.draft(&rooms[dice.random_range(0..ROOMS)], "ana", &format!("m{n}"), what));
    }
    let seqs = append(pen, &drafts).await;
    let mut messages: Vec<_> = drafts.iter().map(|draft| draft.room.to_string()).zip(seqs).enumerate().collect();
    // Edits, and edits of edits, say more of the same secret.
    let edits: Vec<Draft> = (0..MESSAGES / 2)
        .map(|n| {
            let (of_secret, (room, seq)) = &messages[dice.random_range(0..MESSAGES)];
            pen.draft(room, "ana", &format!("e{n}"), edited(*seq, &of(*of_secret, dice)))
        })
        .collect();
    append(pen, &edits).await;
    messages.shuffle(dice);
    let kept = messages.split_off(MESSAGES / 2);
    let deletions: Vec<Draft> =
        messages.iter().map(|(n, (room, seq))| pen.draft(room, "ana", &format!("d{n}"), deleted(*seq))).collect();
    append(pen, &deletions).await;
    (messages.into_iter().map(|(n, _)| n).collect(), kept.into_iter().map(|(n, _)| n).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_texts_are_soon_in_no_file() {
    let home = Home::sqlite();
    let pen = Pen(home.open().await);
    let mut dice = StdRng::seed_from_u64(12);
    let (gone, kept) = rooms_with_secrets(&pen, &mut dice).await;
    let done = Instant::now();
    loop {
        let there = secrets(&files(&home.file()));
        assert!(kept.is_subset(&there), "what was not deleted is there");
        let left: Vec<_> = gone.intersection(&there).collect();
        if left.is_empty() {
            break;
        }
        assert!(
            done.elapsed() < DEADLINE,
            "{} of {} deleted texts are still in the files: {left:?}",
            left.len(),
            gone.len()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("{} deleted texts were in no file after {:.2?}", gone.len(), done.elapsed());
    // Pages that are written again come out of the writer's memory.
    for n in 0..10 {
        for room in 0..ROOMS {
            append(&pen, &[pen.draft(&format!("room-{room}"), "ana", &format!("later {n}"), says("hello"))]).await;
        }
        assert!(gone.is_disjoint(&secrets(&files(&home.file()))), "after {n} more messages");
    }
    drop(pen);
    assert!(gone.is_disjoint(&secrets(&files(&home.file()))), "it was closed");
    let whole: String = rusqlite::Connection::open(home.file())
        .and_then(|file| file.query_row("PRAGMA integrity_check", [], |row| row.get(0)))
        .expect("a check");
    assert_eq!(whole, "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_with_pages_of_pointers_stays_whole() {
    let home = Home::sqlite();
    rusqlite::Connection::open(home.file())
        .and_then(|file| file.execute_batch("PRAGMA auto_vacuum = FULL; VACUUM;"))
        .expect("an empty file");
    let pen = Pen(home.open().await);
    let mut dice = StdRng::seed_from_u64(13);
    let (_, kept) = rooms_with_secrets(&pen, &mut dice).await;
    drop(pen);
    assert!(kept.is_subset(&secrets(&files(&home.file()))), "what was not deleted is there");
    let file = rusqlite::Connection::open(home.file()).expect("the file");
    let ask = |what: &str| file.query_row(what, [], |row| row.get::<_, rusqlite::types::Value>(0)).expect("an answer");
    assert_eq!(ask("PRAGMA auto_vacuum"), rusqlite::types::Value::Integer(1), "it is such a file");
    assert_eq!(ask("PRAGMA integrity_check"), rusqlite::types::Value::Text("ok".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_the_file_holds_deleted_texts_there_until_they_are_done() {
    let home = Home::sqlite();
    let pen = Pen(home.open().await);
    pen.general().await;
    let reader = rusqlite::Connection::open(home.file()).expect("the file");
    let mut dice = StdRng::seed_from_u64(7);
    let texts = [secret(1, 60, &mut dice), secret(2, TEXT_BYTES, &mut dice)];
    let mut sent = Vec::new();
    for (n, text) in texts.iter().enumerate() {
        sent.push(place(&pen.append(pen.says("general", "ben", &format!("k{n}"), text)).await).seq);
    }
    reader.execute_batch("BEGIN; SELECT count(*) FROM entries").expect("a snapshot");
    for seq in sent {
        let deletion = pen.draft("general", "ben", &format!("d{seq:?}"), deleted(seq));
        append(&pen, &[deletion]).await;
    }
    // Others write meanwhile, and are not held up.
    let until = Instant::now() + 2 * WAL_CUT_EVERY;
    let mut n = 0;
    while Instant::now() < until {
        n += 1;
        place(&pen.append(pen.says("general", "ben", &format!("x{n}"), "the weather")).await);
    }
    assert_eq!(secrets(&files(&home.file())), BTreeSet::from([1, 2]), "the reader has them");
    reader.execute_batch("ROLLBACK").expect("the end");
    let ended = Instant::now();
    while !secrets(&files(&home.file())).is_empty() {
        assert!(ended.elapsed() < DEADLINE, "they are still there");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("gone {:.2?} after the reader's end", ended.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_an_older_program_is_looked_through_once() {
    let home = Home::sqlite();
    let pen = Pen(home.open().await);
    pen.general().await;
    drop(pen);
    home.change("DELETE FROM additions WHERE name = 'leftovers'").await;
    // In the middle of a page of rows, as that program would have left it.
    let bytes = fs::read(home.file()).expect("the file");
    let page = (1..bytes.len() / 4_096).find(|page| bytes[page * 4_096] == 10).expect("a page of rows") * 4_096;
    assert!(bytes[page + 1_000..page + 1_100].iter().all(|byte| *byte == 0), "it is unused");
    let file = fs::OpenOptions::new().write(true).open(home.file()).expect("the file");
    file.write_all_at(b"<secret 000042>", page as u64 + 1_000).expect("a write");
    drop(file);
    assert_eq!(secrets(&files(&home.file())), BTreeSet::from([42]));
    let pen = Pen(home.open().await);
    assert_eq!(secrets(&files(&home.file())), BTreeSet::new());
    assert_eq!(home.numbers(["count(*)"], "FROM additions WHERE name = 'leftovers'").await, [[Some(1)]]);
    place(&pen.append(pen.says("general", "ben", "k", "hi")).await);
}

/// What lies in tuples of all tables of a schema, with what is out of line.
async fn tuples(client: &tokio_postgres::Client, schema: &str) -> Vec<u8> {
    let tables = "SELECT t.oid::regclass::text FROM pg_class c
        JOIN pg_class t ON t.oid IN (c.oid, c.reltoastrelid) WHERE c.relnamespace = $1::text::regnamespace AND c.relkind = 'r'";
    let mut all = Vec::new();
    for table in client.query(tables, &[&schema]).await.expect("tables") {
        let table: String = table.get(0);
        let items = "SELECT i.t_data FROM generate_series(0, pg_relation_size($1::text::regclass) / 8192 - 1) block,
            heap_page_items(get_raw_page($1::text, block::int)) i WHERE i.t_data IS NOT NULL";
        for item in client.query(items, &[&table]).await.expect("tuples") {
            all.extend(item.get::<_, Vec<u8>>(0));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleted_texts_are_in_no_tuple_and_no_sample_after_vacuum() {
    let home = Home::postgres();
    let pen = Pen(home.open().await);
    let client = instances::raw().await;
    client.batch_execute("CREATE EXTENSION IF NOT EXISTS pageinspect").await.expect("pageinspect");
    let mut dice = StdRng::seed_from_u64(12);
    let entries = format!("{}.entries", home.schema());
    pen.room("samples", RoomKind::Private, &[("ana", Role::Member)]).await;
    let common: Vec<Draft> =
        (0..50).map(|n| pen.draft("samples", "ana", &n.to_string(), says("<secret 900000>"))).collect();
    append(&pen, &common).await;
    client.batch_execute(&format!("ANALYZE {entries}")).await.expect("ANALYZE");
    let (gone, kept) = rooms_with_secrets(&pen, &mut dice).await;
    client.batch_execute(&format!("ANALYZE {entries}")).await.expect("ANALYZE");
    let before = secrets(&tuples(&client, home.schema()).await);
    // What a page was cleaned of by the way is gone earlier.
    assert!(gone.intersection(&before).count() > gone.len() / 2, "it was not seen that they are there before VACUUM");
    let began = Instant::now();
    loop {
        // Whoever has an old snapshot, such as another test, holds it up.
        client.batch_execute(&format!("VACUUM {entries}")).await.expect("VACUUM");
        let there = secrets(&tuples(&client, home.schema()).await);
        assert!(kept.is_subset(&there), "what was not deleted is there");
        let left: Vec<_> = gone.intersection(&there).collect();
        if left.is_empty() {
            break;
        }
        assert!(began.elapsed() < DEADLINE, "{} of {} deleted texts are in tuples: {left:?}", left.len(), gone.len());
    }
    let samples = client.query_one("SELECT string_agg(s::text, ' ') FROM pg_stats s", &[]).await.expect("samples");
    assert_eq!(
        secrets(samples.get::<_, String>(0).as_bytes()),
        BTreeSet::new(),
        "of what was deleted, and of what may be"
    );
}
