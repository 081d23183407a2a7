//! A file of two rooms, as an export writes it.

use std::fmt::Write;

/// Its lines.
pub struct Lines(pub Vec<String>);

/// Milliseconds of a moment in 2024 to text.
fn time(ms: u64) -> String {
    let at = hubbub_core::model::time::Timestamp(1_704_067_200_000 + i64::try_from(ms).unwrap_or(i64::MAX));
    at.to_string()
}

/// A room on its way into a file.
struct Room {
    id: &'static str,
    seq: u64,
    lines: Vec<String>,
}

impl Room {
    fn entry(&mut self, kind: &str, from: &str, rest: &str) -> u64 {
        self.seq += 1;
        let (seq, id) = (self.seq, self.id);
        let mut line = String::new();
        // Several in one millisecond.
        let at = time(seq / 3 * 1_000);
        let uuid = format!("018cc251-f400-7000-8000-{:06}{seq:06x}", id.len());
        let _ = write!(
            line,
            r#"{{"type":"{kind}","id":"{uuid}","room":"{id}","seq":{seq},"from":"{from}","at":"{at}","key":"k{seq}"{rest}}}"#
        );
        self.lines.push(line);
        seq
    }

    fn people(&mut self) {
        for (name, role) in [("ana", "admin"), ("ben", "member"), ("cem", "member")] {
            self.entry("joined", "hubbub:api", &format!(r#","user":"{name}","role":"{role}""#));
        }
    }
}

impl Lines {
    /// About so many entries of all sorts in the room general, and a few in the room team, behind two users.
    pub fn of(entries: usize) -> Self {
        let mut general = Room { id: "general", seq: 0, lines: Vec::new() };
        general.people();
        let people = ["ana", "ben", "cem"];
        while general.seq < entries as u64 {
            let n = general.seq;
            let from = people[(n % 3) as usize];
            match n % 40 {
                11 => {
                    let reply = format!(r#","text":"an answer","data":{{"n":{n}}},"reply_to":{}"#, n - 2);
                    let reply = general.entry("message", from, &reply);
                    general.entry("reacted", from, &format!(r#","target":{reply},"reaction":"👍""#));
                }
                20 => {
                    let root = general.entry("message", from, r#","text":"a root","mentions":["ben"]"#);
                    let said = format!(r#","text":"in its thread","thread":{root},"in_room":true"#);
                    general.entry("message", "cem", &said);
                    general.entry("pinned", "ana", &format!(r#","target":{root}"#));
                    general.entry("unpinned", "ana", &format!(r#","target":{root}"#));
                }
                30 => {
                    // Said, edited and deleted: what is gone is gone in the file, too.
                    let gone = general.entry("message", from, r#","gone":true"#);
                    let edit = general.entry("edited", from, &format!(r#","target":{gone},"gone":true"#));
                    let of = format!(r#","target":{gone},"author":"{from}","edits":[{edit}]"#);
                    general.entry("deleted", from, &of);
                    let text = general.entry("message", from, r#","text":"a slip""#);
                    general.entry("edited", from, &format!(r#","text":"mended","target":{text}"#));
                }
                _ => drop(general.entry("message", from, &format!(r#","text":"message {n} of {from}: \"ok\"""#))),
            }
        }
        let mut team = Room { id: "team", seq: 0, lines: Vec::new() };
        team.people();
        team.entry("message", "ben", r#","text":"among us""#);
        team.entry("renamed", "ana", r#","name":"The team""#);
        team.entry("changed", "ana", r#","settings":{"history_from":"joined"},"topic":"plans""#);
        team.entry("muted", "ana", &format!(r#","user":"cem","until":"{}""#, time(86_400_000)));
        team.entry("left", "cem", r#","user":"cem""#);
        team.entry("banned", "ana", r#","user":"cem""#);
        let mut lines = vec![
            r#"{"type":"user","user":"ana","info":{"name":"Ana"}}"#.to_owned(),
            r#"{"type":"user","user":"ben","info":{"name":"Ben"}}"#.to_owned(),
        ];
        let made = time(0);
        lines.push(format!(r#"{{"type":"room","room":"general","kind":"open","name":"General","topic":"all","data":{{"n":1.50}},"at":"{made}"}}"#));
        lines.append(&mut general.lines);
        lines.push(format!(r#"{{"type":"room","room":"team","kind":"private","name":"The team","topic":"plans","settings":{{"slow_mode":null,"frozen":false,"edit_window":null,"members_may":{{"pin":false,"mention_all":true,"invite":false}},"history_from":"joined","archived":false}},"at":"{made}"}}"#));
        lines.append(&mut team.lines);
        Self(lines)
    }
}
