//! Whether what is made at once is what the stores would have written: small rooms of every shape are made, and everything in
//! them is done again in other rooms by the API. All tables must then say the same of both.

use super::{
    database::Database,
    fill::{self, Plan, Shape},
};
use crate::process::Server;
use anyhow::{Context, ensure};
use serde_json::json;

/// What is said of a room, and by which columns; times, ids and keys are of each room's own.
const TABLES: [(&str, &str); 7] = [
    ("rooms", "kind, head, floor, generation, last_message, session, settings"),
    ("members", "user_id, standing, since, rank, joined, stands_since"),
    (
        "entries",
        "seq, kind, author, text, data, target, subject, role, body, effects, gone, rank, thread, in_room, edit, edits,
         length(hash), (SELECT count(*) FROM hubbub.threads t WHERE t.room = entries.room AND t.last = entries.seq AND t.last_at = entries.at)",
    ),
    ("threads", "root, replies, last"),
    ("reactions", "target, reaction, user_id, seq"),
    ("reaction_counts", "target, reaction, count, first"),
    ("pins", "target, seq"),
];

fn samples() -> Vec<Plan> {
    let shapes = [
        ("mixed", 20, Shape::Mixed { blocks: 22 }),
        ("thread", 4, Shape::Thread { replies: 12 }),
        ("crowd", 120, Shape::Crowd),
        ("dense", 15, Shape::Dense { messages: 2 }),
        ("late", 5, Shape::Late { messages: 10, rounds: 5 }),
    ];
    let plan =
        |(name, members, shape): (&str, u64, Shape)| Plan { name: format!("made-{name}"), many: 0, members, shape };
    shapes.into_iter().map(plan).collect()
}

/// Makes the samples.
pub fn make(database: &mut Database) -> anyhow::Result<()> {
    fill::make(database, &samples())
}

/// Does again by the API what happened in the samples.
pub fn again(database: &mut Database, server: &Server) -> anyhow::Result<()> {
    for Plan { name, .. } in samples() {
        let entries = database.rows(&format!(
            "SELECT e.kind, e.author, e.text, e.target, e.thread, CASE WHEN e.in_room THEN 1 ELSE 0 END, e.subject, e.role, e.body
             FROM hubbub.entries e JOIN hubbub.rooms r ON r.no = e.room WHERE r.id = '{name}' ORDER BY e.seq"
        ))?;
        let said = |row: &[Option<String>], nth: usize| row[nth].clone().unwrap_or_default();
        let is_joined = |row: &&Vec<Option<String>>| row[0].as_deref() == Some("joined");
        let members: Vec<_> = entries.iter().filter(is_joined).collect();
        let member = |row: &&Vec<Option<String>>| json!({"user": said(row, 6), "role": said(row, 7)});
        let room = again_name(&name);
        let new = json!({"id": room, "kind": "private", "name": "", "members": members.iter().map(member).collect::<Vec<_>>()});
        server.ask("POST", "/v1/rooms", &new.to_string())?;
        for row in &entries[members.len()..] {
            let (from, text, target) = (said(row, 1), said(row, 2), said(row, 3));
            let at = format!("/v1/rooms/{room}/messages");
            match &*said(row, 0) {
                "message" => {
                    let mut message = json!({"from": from, "text": text});
                    if let Some(thread) = &row[4] {
                        message["thread"] = thread.parse::<u64>()?.into();
                        message["in_room"] = (said(row, 5) == "1").into();
                    }
                    server.ask("POST", &at, &message.to_string())?
                }
                "edited" => {
                    server.ask("PATCH", &format!("{at}/{target}"), &json!({"from": from, "text": text}).to_string())?
                }
                "reacted" => {
                    let body: serde_json::Value = serde_json::from_str(&said(row, 8))?;
                    let word = body["reaction"].as_str().context("a reaction")?.replace('+', "%2B");
                    server.ask("PUT", &format!("{at}/{target}/reactions/{word}"), &json!({"from": from}).to_string())?
                }
                "pinned" => server.ask("PUT", &format!("{at}/{target}/pin"), &json!({"from": from}).to_string())?,
                other => anyhow::bail!("{name}: an entry `{other}`"),
            };
        }
    }
    Ok(())
}

fn again_name(name: &str) -> String {
    name.replace("made-", "done-")
}

/// Compares the tables.
pub fn compare(database: &mut Database) -> anyhow::Result<()> {
    let mut compared = 0;
    for Plan { name, .. } in samples() {
        for (table, columns) in TABLES {
            let room = if table == "rooms" { "no" } else { "room" };
            let of = |id: &str| {
                format!(
                    "SELECT {columns} FROM hubbub.{table} WHERE {room} = (SELECT no FROM hubbub.rooms WHERE id = '{id}')"
                )
            };
            let (made, done) = (of(&name), of(&again_name(&name)));
            for (one, other) in [(&made, &done), (&done, &made)] {
                let differing = database.rows(&format!("{one} EXCEPT {other} LIMIT 1"))?;
                ensure!(
                    differing.is_empty(),
                    "{name}: the API leaves other rows in {table} than are made at once: {differing:?}"
                );
            }
            compared += database.rows(&made)?.len();
        }
    }
    println!("  {compared} rows of samples are what the API writes");
    Ok(())
}
