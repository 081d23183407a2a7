//! The mark that new entries leave on a stored cursor. It is made in the entries' own transaction: in SQLite by the core's rule
//! itself, in Postgres by two statements. Here every state of a row is marked in each of these ways, and must become what the
//! core says.

use super::*;
use hubbub_core::{delivery::stored_cursor::StoredCursor, log::kinds::Renamed};

/// Times in a row before it is marked: long ago.
const DUE: i64 = 1_000;
const WAITING: i64 = 500;
/// What the test takes for the time of a mark, which it does not know.
const NOW: i64 = 1_000_000_000_000;

/// How two new entries come into each session.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    /// As messages only: Postgres numbers and marks them in one statement.
    Messages,
    /// With another kind of entry: Postgres marks them by a statement of its own.
    Anything,
    /// From the session's portal.
    Own,
}

impl Way {
    async fn take(self, desk: &Desk, sessions: &[String]) {
        let key = |nth: &str| format!("{self:?}-{nth}");
        if self == Self::Own {
            // The session waits: what opens it and the answer are two entries.
            let answers: Vec<_> = sessions.iter().map(|id| desk.answer(id, None, "hello")).collect();
            let received = desk.receive_all(&answers).await.expect("answers");
            assert!(received.iter().all(|received| stored(received).len() == 2), "{received:?}");
            return;
        }
        let drafts: Vec<_> = sessions
            .iter()
            .flat_map(|id| {
                let second = match self {
                    Self::Messages => desk.pen.says(id, "ana", &key("second"), "hi"),
                    _ => desk.pen.by_backend(id, &key("second"), What::Renamed(Renamed { name: "Help".into() })),
                };
                [desk.pen.says(id, "ana", &key("first"), "hi"), second]
            })
            .collect();
        let outcomes = desk.store().append(&drafts).await.expect("outcomes");
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Appended(_))), "{outcomes:?}");
    }
}

/// Every state of a row that a mark may meet where the log's head is this, those included that should never be.
fn states(log: u64) -> Vec<StoredCursor> {
    let mut states = Vec::new();
    // Behind the last entry, at it, between the new entries, at their end, and beyond.
    for position in [log - 1, log, log + 1, log + 2, log + 3] {
        // A program that knows no cursors may have written entries that the row knows nothing of.
        for head in [log - 1, log] {
            for (due_at, leased) in [(None, false), (Some(DUE), false), (Some(DUE), true)] {
                for blocked in [false, true] {
                    for waiting_since in [None, Some(WAITING)] {
                        for replays in [0, 1] {
                            states.push(StoredCursor {
                                calls: Default::default(),
                                position: Seq::new(position),
                                head: Seq::new(head),
                                due_at: due_at.map(Timestamp),
                                leased,
                                fence: 3,
                                waiting_since: waiting_since.map(Timestamp),
                                counted: 2,
                                since: Some(Timestamp(7)),
                                attempts: vec![],
                                blocked,
                                replays,
                            });
                        }
                    }
                }
            }
        }
    }
    states
}

const COLUMNS: [&str; 10] =
    ["position", "head", "due_at", "leased", "fence", "waiting_since", "counted", "since", "blocked", "replays"];

const FLAGS: [&str; 2] = ["leased", "blocked"];

/// A row as it lies in the table.
fn row(cursor: &StoredCursor) -> [Option<i64>; 10] {
    let number = |number: u64| Some(i64::try_from(number).expect("a number"));
    [
        number(cursor.position.get()),
        number(cursor.head.get()),
        cursor.due_at.map(|at| at.0),
        Some(cursor.leased.into()),
        number(cursor.fence),
        cursor.waiting_since.map(|at| at.0),
        Some(cursor.counted.into()),
        cursor.since.map(|at| at.0),
        Some(cursor.blocked.into()),
        Some(cursor.replays.into()),
    ]
}

/// Puts the row of a session that waits into this state.
fn put(id: &str, cursor: &StoredCursor) -> String {
    let value = |(name, value): (&&str, Option<i64>)| match value {
        Some(flag) if FLAGS.contains(name) => format!("{name} = {}", flag == 1),
        Some(number) => format!("{name} = {number}"),
        None => format!("{name} = NULL"),
    };
    let set: Vec<_> = COLUMNS.iter().zip(row(cursor)).map(value).collect();
    format!("UPDATE cursors SET {} WHERE room = (SELECT no FROM rooms WHERE id = '{id}');", set.join(", "))
}

for_every_store! {
    async fn a_mark_is_by_every_way_what_the_core_says(home: &Home) {
        let desk = Desk::at(home).await;
        let mut log = 2;
        let sessions: Vec<_> = (0..states(log).len()).map(|n| format!("s{n:03}")).collect();
        futures_util::future::join_all(sessions.iter().map(|id| desk.session(id))).await;
        for way in [Way::Messages, Way::Anything, Way::Own] {
            let states = states(log);
            let put: Vec<_> = sessions.iter().zip(&states).map(|(id, state)| put(id, state)).collect();
            home.change(&format!("BEGIN; UPDATE rooms SET session = 'waiting'; {} COMMIT", put.concat())).await;
            way.take(&desk, &sessions).await;
            let rest = "FROM cursors c JOIN rooms r ON r.no = c.room ORDER BY r.id";
            let columns = COLUMNS.map(|name| match FLAGS.contains(&name) {
                true => format!("CASE WHEN c.{name} THEN 1 ELSE 0 END"),
                false => format!("c.{name}"),
            });
            let marked = home.numbers(columns.each_ref().map(String::as_str), rest).await;
            assert_eq!(marked.len(), states.len());
            for (state, mut marked) in states.iter().zip(marked) {
                let mut expected = state.clone();
                expected.mark(Seq::new(log + 1), Seq::new(log + 2), way == Way::Own, Timestamp(NOW));
                for time in ["due_at", "waiting_since"] {
                    let column = COLUMNS.iter().position(|name| *name == time).expect("a column");
                    marked[column] = marked[column].map(|at| at.min(NOW));
                }
                assert_eq!(marked, row(&expected), "{way:?} with {state:?} made these of {COLUMNS:?}");
            }
            log += 2;
        }
    }
}
