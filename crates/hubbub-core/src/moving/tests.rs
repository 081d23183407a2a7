use super::*;
use crate::{
    limits,
    log::{encoded::encode, entry::Entry, kinds::What},
    model::{ids::RoomId, seq::Seq, time::Timestamp},
};

fn order() -> Order {
    Order::new(Timestamp::parse("2026-02-01T00:00:00Z").unwrap())
}

const GENERAL: &str = r#"{"type":"room","room":"general","kind":"open","name":"General"}"#;

fn says(text: &str, second: u32) -> String {
    format!(
        r#"{{"type":"message","room":"general","from":"ana","at":"2026-01-31T09:00:{second:02}Z","text":"{text}"}}"#
    )
}

fn entry(step: Step) -> Ordered {
    match step {
        Step::Entry(entry) => entry,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_kind_is_written_and_read_again_and_so_are_rooms_and_users() {
    let lines = [
        r#"{"type":"user","user":"ana","info":{"name":"Ana"}}"#,
        r#"{"type":"room","room":"r","kind":"private","name":"R \"1\"","topic":"x","data":{"a":1.50},"settings":{"slow_mode":null,"frozen":false,"edit_window":null,"members_may":{"pin":false,"mention_all":true,"invite":false},"history_from":"joined","archived":false},"session":"open","at":"2026-01-01T00:00:00.000Z"}"#,
        r#"{"type":"joined","id":"019461f0-0000-7000-8000-000000000001","room":"r","seq":1,"from":"hubbub:api","at":"2026-01-01T00:00:00.000Z","key":"k1","user":"ana","role":"moderator"}"#,
        r#"{"type":"message","id":"019461f0-0000-7000-8000-000000000002","room":"r","seq":2,"from":"ana","at":"2026-01-01T00:00:00.001Z","key":"k2","text":"hi","data":{"n":1e3},"mentions":["ana"],"mention_all":true}"#,
        r#"{"type":"message","id":"019461f0-0000-7000-8000-000000000003","room":"r","seq":3,"from":"portal:desk/eva","at":"2026-01-01T00:00:00.001Z","key":"k3","text":"","data":1,"reply_to":2,"thread":2,"in_room":true}"#,
        r#"{"type":"edited","id":"019461f0-0000-7000-8000-000000000004","room":"r","seq":4,"from":"ana","at":"2026-01-01T00:00:00.001Z","key":"k4","text":"ho","target":2}"#,
        r#"{"type":"reacted","id":"019461f0-0000-7000-8000-000000000005","room":"r","seq":5,"from":"ana","at":"2026-01-01T00:00:00.001Z","key":"k5","target":2,"reaction":"👍"}"#,
        r#"{"type":"unreacted","id":"019461f0-0000-7000-8000-000000000006","room":"r","seq":6,"from":"ana","at":"2026-01-01T00:00:00.001Z","key":"k6","target":2,"reaction":"👍"}"#,
        r#"{"type":"pinned","id":"019461f0-0000-7000-8000-000000000007","room":"r","seq":7,"from":"ana","at":"2026-01-01T00:00:00.001Z","key":"k7","target":2}"#,
        r#"{"type":"unpinned","id":"019461f0-0000-7000-8000-000000000008","room":"r","seq":8,"from":"ana","at":"2026-01-01T00:00:00.001Z","key":"k8","target":2}"#,
        r#"{"type":"muted","id":"019461f0-0000-7000-8000-000000000009","room":"r","seq":9,"from":"ana","at":"2026-01-01T00:00:00.001Z","key":"k9","user":"ben","until":"2026-01-02T00:00:00.000Z"}"#,
        r#"{"type":"unmuted","id":"019461f0-0000-7000-8000-000000000010","room":"r","seq":10,"from":"ana","at":"2026-01-01T00:00:00.001Z","key":"k10","user":"ben"}"#,
        r#"{"type":"renamed","id":"019461f0-0000-7000-8000-000000000011","room":"r","seq":11,"from":"ana","at":"2026-01-01T00:00:00.001Z","key":"k11","name":"S"}"#,
        r#"{"type":"changed","id":"019461f0-0000-7000-8000-000000000012","room":"r","seq":12,"from":"ana","at":"2026-01-01T00:00:00.001Z","key":"k12","settings":{"slow_mode":null,"frozen":true},"topic":"","data":null}"#,
        r#"{"type":"left","id":"019461f0-0000-7000-8000-000000000013","room":"r","seq":13,"from":"ben","at":"2026-01-01T00:00:00.001Z","key":"k13","user":"ben"}"#,
        r#"{"type":"banned","id":"019461f0-0000-7000-8000-000000000014","room":"r","seq":14,"from":"ana","at":"2026-01-01T00:00:00.001Z","key":"k14","user":"ben"}"#,
        r#"{"type":"waiting","id":"019461f0-0000-7000-8000-000000000015","room":"r","seq":15,"from":"ana","at":"2026-01-01T00:00:00.001Z","key":"k15"}"#,
        r#"{"type":"closed","id":"019461f0-0000-7000-8000-000000000016","room":"r","seq":16,"from":"ana","at":"2026-01-01T00:00:00.001Z","key":"k16"}"#,
        r#"{"type":"opened","id":"019461f0-0000-7000-8000-000000000017","room":"r","seq":17,"from":"ana","at":"2026-01-01T00:00:00.001Z","key":"k17"}"#,
    ];
    let (mut order, mut words) = (order(), Vec::new());
    for line in lines {
        let again = match order.take(line).unwrap_or_else(|fault| panic!("{fault}: {line}")) {
            Step::Room(room) => room.json(),
            Step::User(user) => user.json(),
            Step::Entry(Ordered { seq, id, key, entry, .. }) => {
                let EntryLine { room, from, at, what, .. } = entry;
                words.push(what.word().to_owned());
                encode(&Entry { room, seq, id, from, at, key, what })
            }
            Step::Nothing => String::new(),
        };
        assert_eq!(again, line);
    }
    // A deletion's line has more than is asked for: that is made again.
    let deleted = r#"{"type":"deleted","room":"r","from":"ana","at":"2026-01-01T00:00:00.001Z","target":2,"author":"ana","edits":[4]}"#;
    words.push(entry(order.take(deleted).unwrap()).entry.what.word().to_owned());
    for known in What::WORDS.iter().flat_map(|kind| kind.iter()) {
        assert!(words.iter().any(|word| word == known), "{known} cannot be imported");
    }
}

#[test]
fn what_is_wrong_with_a_line_is_told_with_the_member_and_the_limit() {
    let long = format!(
        r#"{{"type":"message","room":"general","from":"ana","at":"2026-01-31T09:00:00Z","text":"{}"}}"#,
        "x".repeat(limits::TEXT_BYTES + 1)
    );
    let huge = " ".repeat(limits::IMPORT_LINE_BYTES) + "{}";
    let from = |who: &str| says("hi", 1).replace(r#""from":"ana""#, &format!(r#""from":"{who}""#));
    for (line, problem) in [
        ("{", "line: EOF while parsing an object at column 1"),
        ("[]", "type: missing"),
        (r#"{"room":"general"}"#, "type: missing"),
        (r#"{"type":"shout","room":"general"}"#, "type: \"shout\" is none of room, user, message"),
        (r#"{"type":"user","user":"ana","info":1,"colour":2}"#, "line: unknown field `colour`"),
        (r#"{"type":"user","user":"ana","info":1,"text":"x"}"#, "text: a line of the type `user` has no such member"),
        (&long, "text: 8193 bytes; the limit is 8192"),
        (&huge, "line: longer than 262144 bytes"),
        (&from("hubbub:api"), "from: the prefix hubbub: and what looks like it are reserved"),
        (
            &from("portal:desk"),
            "from: the prefix portal: is reserved for agents of portals in support sessions, and this room is none",
        ),
        (&from(&"u".repeat(129)), "from: 129 bytes; the limit is 128"),
        (&says("hi", 1).replace("2026-01-31T09:00:01Z", "yesterday"), "at: \"yesterday\"; a time since 1970 like"),
        (
            &says("hi", 1).replace("2026-01-31", "2026-03-31"),
            "at: 2026-03-31T09:00:01.000Z is later than now, 2026-02-01T00:00:00.000Z",
        ),
        (&says("hi", 1).replace("general", "lobby"), "room: no line before this one says what kind of room lobby is"),
        (&says("", 1), "text: empty, and there is no data"),
        (&says("hi", 1).replace("}", r#","gone":true}"#), "gone: what is gone has no content"),
        (&says("hi", 1).replace("}", r#","reply_to":9}"#), "reply_to: 9 is no entry before this one"),
        (&says("hi", 1).replace("}", r#","seq":9}"#), "seq: 9, and the next entry of general is"),
        (
            &says("hi", 1).replace("message", "closed").replace(r#","text":"hi""#, ""),
            "type: only a support session is opened and closed",
        ),
        (r#"{"type":"room","room":"direct.x","kind":"open"}"#, "room: ids that begin with direct. are of direct rooms"),
        (r#"{"type":"room","direct":[],"kind":"direct"}"#, "direct: 0 people; a direct room is of 1 to 20"),
        (
            r#"{"type":"room","room":"r","kind":"open","settings":{"slow_mode":0}}"#,
            "settings.slow_mode: 0; it is null, or 1 to",
        ),
        (GENERAL, "room: general stands in line 1 already"),
    ] {
        let mut order = order();
        order.take(GENERAL).unwrap();
        let fault = order.take(line).unwrap_err();
        assert!(fault.problem.contains(problem), "{fault}, and not {problem}: {line:.200}");
        assert!(fault.to_string().starts_with("line 2: "), "{fault}");
    }
}

#[test]
fn what_answers_or_changes_names_a_message() {
    let mut order = order();
    order.take(GENERAL).unwrap();
    let joined = r#"{"type":"joined","room":"general","user":"ana","at":"2026-01-31T09:00:00Z"}"#;
    order.take(joined).unwrap();
    order.take(&says("hi", 1)).unwrap();
    for (member, kind) in [("reply_to", ""), ("thread", ""), ("target", "deleted"), ("target", "pinned")] {
        let line = |named: u64| {
            let line = says("hi", 1).replace('}', &format!(r#","{member}":{named}}}"#));
            if kind.is_empty() { line } else { line.replace("message", kind).replace(r#","text":"hi""#, "") }
        };
        let fault = order.take(&line(1)).unwrap_err().to_string();
        assert!(fault.ends_with(&format!("{member}: entry 1 of general is no message")), "{fault}");
        order.take(&line(2)).unwrap();
    }
    // A number that cannot be, and those behind it, take no memory.
    assert!(order.take(&says("far", 1).replace('}', r#","seq":9000000000000000000}"#)).is_err());
    order.take(&joined.replace('}', r#","seq":9000000000000000001}"#)).unwrap_err();
    order.take(&joined.replace("09:00:00", "09:00:01").replace('}', r#","seq":9000000000000000001}"#)).unwrap();
}

#[test]
fn times_never_decrease_within_a_room_and_one_fault_makes_no_others() {
    let mut order = order();
    order.take(GENERAL).unwrap();
    order.take(&says("one", 5)).unwrap();
    let fault = order.take(&says("two", 4)).unwrap_err().to_string();
    assert!(fault.starts_with("line 3: at: 2026-01-31T09:00:04.000Z is before 2026-01-31T09:00:05.000Z"), "{fault}");
    assert_eq!(entry(order.take(&says("three", 5).replace("}", r#","seq":3}"#)).unwrap()).seq, Seq::new(3));
    assert!(order.take(&says("nine", 6).replace("}", r#","seq":9}"#)).is_err());
    assert_eq!(entry(order.take(&says("ten", 6).replace("}", r#","seq":10}"#)).unwrap()).seq, Seq::new(10));
    // What could not be read is missed once.
    assert!(order.take("{").is_err());
    assert_eq!(entry(order.take(&says("twelve", 6).replace("}", r#","seq":12}"#)).unwrap()).seq, Seq::new(12));
    assert!(order.take(&says("fourteen", 6).replace("}", r#","seq":14}"#)).is_err());
    // Another room has times of its own.
    order.take(&GENERAL.replace("general", "lobby")).unwrap();
    assert_eq!(entry(order.take(&says("one", 1).replace("general", "lobby")).unwrap()).seq, Seq::new(1));
    assert_eq!((order.lines(), order.rooms()), (11, 2));
}

#[test]
fn keys_and_ids_come_from_content_and_are_the_same_each_time() {
    let read = || {
        let mut order = order();
        order.take(GENERAL).unwrap();
        let lines = [says("ok", 1), says("ok", 1), says("other", 1), says("ok", 1), says("ok", 2)];
        lines.map(|line| entry(order.take(&line).unwrap())).map(|entry| (entry.key.to_string(), entry.id))
    };
    let (first, again) = (read(), read());
    assert_eq!(first, again);
    let mut keys: Vec<_> = first.iter().map(|(key, _)| key.clone()).collect();
    assert!(keys[1].ends_with(".1") && keys[3].ends_with(".2") && !keys[4].ends_with(".3"), "{keys:?}");
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 5, "said twice is not said once");
    for (_, id) in &first {
        assert_eq!(id.get_version_num(), 7, "{id}");
    }
    assert!(first[4].1 > first[3].1, "ids are in the order of their times");
    let with_key = says("ok", 1).replace("}", r#","key":"4711"}"#);
    let mut order = order();
    order.take(GENERAL).unwrap();
    assert_eq!(entry(order.take(&with_key).unwrap()).key.as_str(), "4711");
}

#[test]
fn a_direct_room_is_named_by_its_people_and_what_a_table_need_not_say_is_filled_in() {
    let mut order = order();
    let Step::Room(room) = order.take(r#"{"type":"room","direct":["ben","ana"],"kind":"direct"}"#).unwrap() else {
        panic!()
    };
    let people = ["ana", "ben"].map(|name| crate::model::ids::UserId::parse(name).unwrap());
    assert_eq!(room.id, RoomId::direct_of(&people.into()));
    let joined = r#"{"type":"joined","direct":["ana","ben"],"user":"ana","at":"2026-01-01T00:00:00Z"}"#;
    let joined = entry(order.take(joined).unwrap());
    assert_eq!((joined.entry.from.as_str(), joined.seq.get()), ("ana", 1));
    assert!(matches!(order.take("  ").unwrap(), Step::Nothing));
}

/// What is wrong once all of these lines were taken.
fn at_the_end(lines: &[&str]) -> Vec<String> {
    let mut order = order();
    for line in lines {
        let _ = order.take(line);
    }
    order.end().iter().map(ToString::to_string).collect()
}

#[test]
fn a_direct_room_needs_all_of_its_people_by_the_end() {
    const ROOM: &str = r#"{"type":"room","direct":["ben","ana","cem"],"kind":"direct"}"#;
    let joined = |who: &str| {
        format!(r#"{{"type":"joined","direct":["ana","ben","cem"],"user":"{who}","at":"2026-01-01T00:00:00Z"}}"#)
    };
    let (ana, ben, cem) = (joined("ana"), joined("ben"), joined("cem"));
    assert_eq!(at_the_end(&[GENERAL, ROOM, &ana, &ben, &cem]), [""; 0]);
    let faults = at_the_end(&[GENERAL, ROOM, &ben]);
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].starts_with("line 2: direct: ana, cem have not joined direct."), "{faults:?}");
    let faults = at_the_end(&[ROOM, &cem, &ben]);
    assert!(faults[0].starts_with("line 1: direct: ana has not joined direct."), "{faults:?}");
    assert!(faults[0].ends_with("; a direct room needs a line `joined` for each of its people"), "{faults:?}");
    // By its id, as an export has it, nobody knows who its people are.
    let by_id = r#"{"type":"room","room":"direct.x","kind":"direct"}"#;
    let somebody = r#"{"type":"joined","room":"direct.x","user":"ana","at":"2026-01-01T00:00:00Z"}"#;
    assert_eq!(at_the_end(&[by_id, somebody]), [""; 0]);
    assert!(at_the_end(&[by_id])[0].starts_with("line 1: direct: nobody has joined direct.x; "));
    // The line that cannot be read may be the one.
    assert_eq!(at_the_end(&[ROOM, &ben, &cem, "{"]), [""; 0]);
}

#[test]
fn what_is_gone_was_deleted_by_a_later_line() {
    let gone = says("", 1).replace(r#","text":"""#, r#","gone":true"#);
    let edit = gone.replace(r#""gone""#, r#""target":1,"gone""#).replace("message", "edited");
    let deleted = says("", 2).replace(r#","text":"""#, r#","target":1"#).replace("message", "deleted");
    let said = says("hi", 1);
    assert_eq!(at_the_end(&[GENERAL, &gone, &edit, &deleted]), [""; 0]);
    let problem = "gone: no line `deleted` behind it has the target";
    assert_eq!(at_the_end(&[GENERAL, &gone, &edit]), [format!("line 2: {problem} 1")]);
    assert_eq!(
        at_the_end(&[GENERAL, &said, &edit, &gone]),
        [format!("line 3: {problem} 1"), format!("line 4: {problem} 3")]
    );
    assert_eq!(at_the_end(&[GENERAL, &said, &gone, &deleted]), [format!("line 3: {problem} 2")]);
}
