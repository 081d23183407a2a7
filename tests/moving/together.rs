//! Two imports of one file at once, rooms of every sort there and back, and one key for two lines.

use crate::{
    Place,
    lines::Lines,
    mended::{joins, private},
};
use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, Stdio},
    thread::JoinHandle,
};

/// An import that is being fed.
struct Feeding {
    program: Child,
    says: BufReader<std::process::ChildStderr>,
    feeding: JoinHandle<std::process::ChildStdin>,
}

fn text(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
}

impl Feeding {
    /// Begins one with these lines; more may follow.
    fn of(place: &Place, lines: &[String]) -> Self {
        let mut command = place.command(&["import", "-"]);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut program = command.spawn().expect("the program");
        let (mut stdin, text) = (program.stdin.take().expect("a pipe"), text(lines));
        let feeding = std::thread::spawn(move || {
            stdin.write_all(text.as_bytes()).expect("it reads");
            stdin
        });
        let says = BufReader::new(program.stderr.take().expect("a pipe"));
        Self { program, says, feeding }
    }

    /// Waits until it says that lines are written.
    fn is_under_way(&mut self) {
        let mut line = String::new();
        while !line.contains(" lines, ") {
            line.clear();
            assert!(self.says.read_line(&mut line).expect("UTF-8") > 0, "it ended without saying how far it was");
        }
    }

    /// Gives it the rest. Returns its exit code, and what it printed and complained of.
    fn ends_with(mut self, lines: &[String]) -> (Option<i32>, String, String) {
        let mut stdin = self.feeding.join().expect("fed");
        stdin.write_all(text(lines).as_bytes()).expect("it reads");
        drop(stdin);
        let mut complaints = String::new();
        self.says.read_to_string(&mut complaints).expect("UTF-8");
        let output = self.program.wait_with_output().expect("an end");
        (output.status.code(), String::from_utf8(output.stdout).expect("UTF-8"), complaints)
    }
}

/// How many entries an import has written, and how many were there.
fn counted(done: &str) -> (usize, usize) {
    let numbers: Vec<usize> = done.split(' ').filter_map(|word| word.replace(',', "").parse().ok()).collect();
    let [written, there, ..] = numbers[..] else { panic!("{done}") };
    (written, there)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_imports_of_one_file_at_once_write_it_once() {
    let place = Place::postgres();
    let lines = Lines::of(6_000).0;
    let entries = lines.iter().filter(|line| line.contains(r#""seq":"#)).count();
    let (first, rest) = lines.split_at(lines.len() / 2);
    let (mut one, mut two) = (Feeding::of(&place, first), Feeding::of(&place, first));
    one.is_under_way();
    two.is_under_way();
    // The second goes on while the first does.
    let rest_of_one = rest.to_vec();
    let one = std::thread::spawn(move || one.ends_with(&rest_of_one));
    let two = two.ends_with(rest);
    let one = one.join().expect("an end");
    let mut sum = 0;
    for (code, done, complaints) in [&one, &two] {
        assert_eq!(*code, Some(0), "{complaints}");
        let (written, there) = counted(done);
        assert_eq!(written + there, entries, "{done}");
        sum += written;
    }
    assert_eq!(sum, entries, "{one:?} {two:?}");
    assert!(place.does(&["export"]) == text(&lines), "an export is not the file");
}

#[test]
fn a_sqlite_file_is_imported_into_by_one_at_a_time() {
    let place = Place::sqlite();
    let lines = Lines::of(3_000).0;
    let (first, rest) = lines.split_at(2_500);
    let mut one = Feeding::of(&place, first);
    one.is_under_way();
    let file = place.file("chat.ndjson", &text(&lines));
    let refused = place.fails(&["import", &file]);
    assert!(refused.contains("another process has") && refused.contains("hubbub.db"), "{refused}");
    let (code, done, complaints) = one.ends_with(rest);
    assert_eq!(code, Some(0), "{complaints}");
    assert_eq!(counted(&done).1, 0, "{done}");
    assert!(place.does(&["export"]) == text(&lines), "an export is not the file");
}

/// What an import of these lines exports, which an import of that exports again.
fn there_and_back(place: &Place, lines: &[String]) -> String {
    place.does(&["import", &place.file("first.ndjson", &text(lines))]);
    let exported = place.does(&["export"]);
    let other = place.other();
    let moved = other.file("moved.ndjson", &exported);
    let checked = other.run(&["import", "--check", &moved]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    other.does(&["import", &moved]);
    assert!(other.does(&["export"]) == exported, "an export of an import is another");
    exported
}

fn rooms_of_every_sort_are_moved(place: &Place) {
    let direct = |rest: &str| format!(r#"{{"direct":["ben","ana"],"at":"2024-01-01T00:00:00Z",{rest}}}"#);
    let ticket = |at: u32, rest: &str| format!(r#"{{"room":"ticket","at":"2024-01-0{at}T00:00:00Z",{rest}}}"#);
    let lines = [
        direct(r#""type":"room","kind":"direct""#),
        direct(r#""type":"joined","user":"ana""#),
        direct(r#""type":"joined","user":"ben""#),
        direct(r#""type":"message","from":"ana","text":"between us""#),
        r#"{"type":"room","room":"ticket","kind":"private","name":"Order 7","session":"closed"}"#.to_owned(),
        ticket(1, r#""type":"joined","user":"eva","from":"hubbub:api""#),
        ticket(1, r#""type":"opened","from":"hubbub:api""#),
        ticket(2, r#""type":"message","from":"eva","text":"where is it?""#),
        ticket(2, r#""type":"waiting","from":"hubbub:api""#),
        ticket(3, r#""type":"message","from":"portal:desk/uma","text":"on its way","reply_to":3"#),
        ticket(4, r#""type":"closed","from":"portal:desk/uma""#),
    ];
    let exported = there_and_back(place, &lines);
    let room = hubbub_core::model::ids::RoomId::direct_of(&["ana", "ben"].map(crate::user).into());
    for part in [
        format!(r#"{{"type":"room","room":"{room}","kind":"direct","#),
        r#"{"type":"room","room":"ticket","kind":"private","name":"Order 7","session":"closed","#.to_owned(),
        r#""from":"portal:desk/uma","at":"2024-01-03T00:00:00.000Z""#.to_owned(),
        r#""text":"on its way","reply_to":3}"#.to_owned(),
    ] {
        assert!(exported.contains(&part), "{part} is not in {exported}");
    }
    assert_eq!(exported.lines().count(), lines.len(), "{exported}");
    let kinds = ["opened", "waiting", "closed"].map(|kind| format!(r#"{{"type":"{kind}","#));
    assert!(kinds.iter().all(|kind| exported.contains(kind)), "{exported}");
}

#[test]
fn direct_rooms_and_sessions_are_moved_there_and_back_in_sqlite() {
    rooms_of_every_sort_are_moved(&Place::sqlite());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn direct_rooms_and_sessions_are_moved_there_and_back_in_postgres() {
    rooms_of_every_sort_are_moved(&Place::postgres());
}

#[test]
fn two_lines_with_one_key_are_told_before_anything_is_written() {
    let place = Place::sqlite();
    let says = |id: &str, who: &str, key: &str| {
        format!(
            r#"{{"type":"message","room":"{id}","from":"{who}","at":"2024-01-01T00:00:00Z","key":"{key}","text":"hi"}}"#
        )
    };
    let mut lines = vec![private("a", "A"), private("b", "B"), joins("a", "ana"), says("a", "ana", "k1")];
    // Another's, one in another room, and another key.
    lines.extend([says("a", "ben", "k1"), says("b", "ana", "k1"), says("a", "ana", "k2")]);
    let fine = place.file("fine.ndjson", &text(&lines));
    let checked = place.run(&["import", "--check", &fine]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    lines.push(says("a", "ana", "k1"));
    let file = place.file("twice.ndjson", &text(&lines));
    let checked = place.run(&["import", "--check", &file]);
    let found = String::from_utf8(checked.stdout).expect("UTF-8");
    assert_eq!(checked.status.code(), Some(1), "{found}");
    assert!(found.contains("line 8: key: k1 is that of a line before this one, by ana in a"), "{found}");
    assert!(place.fails(&["import", &file]).contains("nothing was written") && !place.database().exists());
}
