//! What a file has deleted again, and what is given up, is soon nowhere in the files of SQLite.

use crate::{
    Place,
    mended::{joins, piped, private},
};
use std::{
    collections::BTreeSet,
    io::Write,
    process::Stdio,
    time::{Duration, Instant},
};

const DEADLINE: Duration = Duration::from_secs(20);
/// Messages that are said in all. Each third is deleted in the next line, each fifth of the first hundred much later.
const MESSAGES: usize = 1_800;

/// A text that can be found again, of some length.
fn secret(n: usize) -> String {
    format!("<secret {n:06}>{}<secret {n:06}>", "x".repeat(n * 37 % 600))
}

/// The numbers of all secrets in the files of the database.
fn found(place: &Place) -> BTreeSet<usize> {
    let mark = b"<secret ";
    let directory = place.database().parent().expect("a directory").to_owned();
    let files = std::fs::read_dir(directory).expect("files").map(|file| file.expect("a file").path());
    let of_database = files.filter(|path| path.to_string_lossy().contains("hubbub.db"));
    // One may have gone since.
    let bytes = of_database.flat_map(|path| std::fs::read(path).unwrap_or_default()).collect::<Vec<u8>>();
    let marks = bytes.windows(mark.len() + 6).filter(|window| window.starts_with(mark));
    marks.filter_map(|window| std::str::from_utf8(&window[mark.len()..]).ok()?.parse().ok()).collect()
}

/// The lines, and which secrets of them stay.
fn lines() -> (Vec<String>, BTreeSet<usize>) {
    let entry = |kind: &str, rest: &str| {
        format!(r#"{{"type":"{kind}","room":"a","from":"ana","at":"2024-01-02T00:00:00Z",{rest}}}"#)
    };
    let (mut lines, mut kept, mut later) = (vec![private("a", "A"), joins("a", "ana")], BTreeSet::new(), Vec::new());
    for n in 0..MESSAGES {
        lines.push(entry("message", &format!(r#""key":"m{n}","text":"{}""#, secret(n))));
        // A room's line is no entry.
        let seq = lines.len() - 1;
        if n % 3 == 0 {
            lines.push(entry("deleted", &format!(r#""key":"d{n}","target":{seq}"#)));
        } else if n < 100 && n % 5 == 0 {
            later.push((n, seq));
        } else {
            kept.insert(n);
        }
        if n == 1_200 {
            lines.extend(later.iter().map(|(n, seq)| entry("deleted", &format!(r#""key":"d{n}","target":{seq}"#))));
        }
    }
    (lines, kept)
}

#[test]
fn what_is_imported_and_deleted_is_nowhere_while_the_import_goes_on() {
    let place = Place::sqlite();
    let (lines, kept) = lines();
    let mut command = place.command(&["import", "-"]);
    let mut importing =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program");
    let mut stdin = importing.stdin.take().expect("a pipe");
    stdin.write_all((lines.join("\n") + "\n").as_bytes()).expect("it reads");
    // Two thousand of the lines are written, and it waits for more.
    let early: BTreeSet<usize> = kept.iter().copied().filter(|n| *n < 1_300).collect();
    let began = Instant::now();
    loop {
        let there = found(&place);
        if there.is_superset(&early) && there.is_subset(&kept) {
            break;
        }
        let gone: Vec<_> = there.difference(&kept).take(5).collect();
        let missing = early.difference(&there).count();
        assert!(began.elapsed() < DEADLINE, "there are {gone:?} …, and {missing} are missing");
        std::thread::park_timeout(Duration::from_millis(50));
    }
    drop(stdin);
    assert!(importing.wait().expect("an end").success());
    assert_eq!(found(&place), kept);
}

#[test]
fn what_is_given_up_is_nowhere() {
    let place = Place::sqlite();
    let (mut lines, kept) = lines();
    lines.push("{".into());
    piped(&place, &lines, 1);
    assert!(found(&place).is_superset(&kept), "nothing was written");
    let file = place.file("room.ndjson", &private("a", "A"));
    assert!(place.does(&["import", "--abandon", &file]).starts_with("1 rooms given up, 1 ids free again"));
    assert_eq!(found(&place), BTreeSet::new());
}
