//! Rooms as the stores would have written them, entry after entry, and made by a few statements each. The statements are one text
//! for both databases; [`super::replay`] compares what they leave with what the API does.

use super::database::{Database, Kind};
use anyhow::{Context, ensure};
use std::{collections::BTreeMap, io::Write as _, time::Instant};

/// Most pins of a room.
const PINS: u64 = 100;
/// Rooms that are filled by one statement.
const AT_ONCE: u64 = 100;
/// Members of a small room.
const FEW: u64 = 20;

/// What has happened in a room behind the joining of its members.
#[derive(Clone, Copy, Debug)]
pub enum Shape {
    /// What people do: of ten entries seven messages, two of them in a thread, two reactions, an edit or a pin.
    Mixed { blocks: u64 },
    /// One thread.
    Thread { replies: u64 },
    /// One message that everybody has reacted to.
    Crowd,
    /// Messages of which each has 50 reactions by twelve people.
    Dense { messages: u64 },
    /// Messages, and behind them nothing but edits of them and reactions to them.
    Late { messages: u64, rounds: u64 },
}

/// A room, or many alike.
#[derive(Clone, Debug)]
pub struct Plan {
    pub name: String,
    /// As many are made, with numbers behind the name; 0: one, without.
    pub many: u64,
    pub members: u64,
    pub shape: Shape,
}

impl Plan {
    fn one(name: &str, members: u64, shape: Shape) -> Self {
        Self { name: name.into(), many: 0, members, shape }
    }

    pub fn messages(&self) -> u64 {
        let of_one = match self.shape {
            Shape::Mixed { blocks } => 7 * blocks,
            Shape::Thread { replies } => replies + 1,
            Shape::Crowd => 1,
            Shape::Dense { messages } | Shape::Late { messages, .. } => messages,
        };
        of_one * self.many.max(1)
    }

    pub fn entries(&self) -> u64 {
        let of_one = match self.shape {
            Shape::Mixed { blocks } => 10 * blocks,
            Shape::Thread { replies } => replies + 1,
            Shape::Crowd => 1 + self.members,
            Shape::Dense { messages } => 601 * messages,
            Shape::Late { messages, rounds } => messages + 2 * rounds * messages,
        };
        (self.members + of_one) * self.many.max(1)
    }

    fn sql(&self, kind: Kind, from: u64, to: u64) -> String {
        let mut numbers = BTreeMap::from([("from", from), ("to", to), ("members", self.members)]);
        let template = match self.shape {
            Shape::Mixed { blocks } => {
                numbers.extend([("blocks", blocks), ("pin", blocks.div_ceil(PINS).max(20))]);
                include_str!("mixed.sql")
            }
            Shape::Thread { replies } => {
                numbers.insert("replies", replies);
                include_str!("thread.sql")
            }
            Shape::Crowd => include_str!("crowd.sql"),
            Shape::Dense { messages } => {
                numbers.insert("messages", messages);
                include_str!("dense.sql")
            }
            Shape::Late { messages, rounds } => {
                numbers.extend([("messages", messages), ("rounds", rounds)]);
                include_str!("late.sql")
            }
        };
        put(kind, &format!("{}\n{template}", include_str!("joined.sql")), &numbers)
    }
}

/// The rooms of a history of this size.
pub fn plans(messages: u64, rooms: u64) -> Vec<Plan> {
    // What is one in a hundred of ten million messages.
    let many = (messages / 100).clamp(100, 100_000);
    let of_late = many / 100;
    let mut plans = vec![
        Plan::one("big", 1_000, Shape::Mixed { blocks: messages / 10 / 7 }),
        Plan::one("crowd", many, Shape::Crowd),
        Plan::one("thread", FEW, Shape::Thread { replies: many }),
        Plan::one("dense", FEW, Shape::Dense { messages: many / 100 }),
        Plan::one("late", 50, Shape::Late { messages: of_late, rounds: 50 }),
    ];
    let (made, small) = (plans.iter().map(Plan::messages).sum::<u64>(), rooms - plans.len() as u64);
    let blocks = (messages.saturating_sub(made) / (7 * small)).max(1);
    plans.push(Plan { name: "small".into(), many: small, members: FEW, shape: Shape::Mixed { blocks } });
    plans
}

/// Makes the rooms, and says how far it is.
pub fn make(database: &mut Database, plans: &[Plan]) -> anyhow::Result<()> {
    let kind = database.kind();
    let most = plans.iter().map(Plan::entries).max().unwrap_or_default();
    database.prepare_to_fill(most.max(1_500_000))?;
    let (all, began) = (plans.iter().map(Plan::entries).sum::<u64>(), Instant::now());
    let mut done = 0;
    for plan in plans {
        let (first, last) = rooms(database, plan)?;
        let each = plan.entries() / plan.many.max(1);
        for from in (first..=last).step_by(AT_ONCE as usize) {
            let to = last.min(from + AT_ONCE - 1);
            database.run(&plan.sql(kind, from, to)).with_context(|| format!("filling {}", plan.name))?;
            done += each * (to + 1 - from);
            let rate = done as f64 / began.elapsed().as_secs_f64();
            print!("\r  {done} of {all} entries, {rate:.0} a second; {}        ", plan.name);
            std::io::stdout().flush()?;
        }
    }
    println!("\r  {done} entries in {:.0} s{:40}", began.elapsed().as_secs_f64(), "");
    database.finish_filling()
}

/// Makes the rows of the rooms; the first and the last of their numbers.
fn rooms(database: &mut Database, plan: &Plan) -> anyhow::Result<(u64, u64)> {
    let numbers = BTreeMap::from([("many", plan.many.max(1))]);
    let name = &plan.name;
    let id = if plan.many == 0 { format!("'{name}'") } else { format!("'{name}-' || s.n") };
    let sql = format!(
        "INSERT INTO hubbub.rooms (id, kind, name, created_at)
         SELECT {id}, 'private', 'The room ' || {id}, /* epoch */ FROM (SELECT 1) one /* n below {{many}} */;"
    );
    database.run(&put(database.kind(), &sql, &numbers))?;
    let found = database.rows(&format!(
        "SELECT min(no), max(no), count(*) FROM hubbub.rooms WHERE id = '{name}' OR id LIKE '{name}-%'"
    ))?;
    let number = |nth: usize| -> anyhow::Result<u64> { Ok(found[0][nth].as_deref().context("a room")?.parse()?) };
    ensure!(number(1)? + 1 - number(0)? == number(2)?, "the numbers of {name} have holes");
    Ok((number(0)?, number(1)?))
}

/// Puts numbers and what the database calls things into a text.
fn put(kind: Kind, template: &str, numbers: &BTreeMap<&str, u64>) -> String {
    let mut sql: String =
        template.lines().filter(|line| !line.starts_with("--")).map(|line| format!("{line}\n")).collect();
    for (name, number) in numbers {
        sql = sql.replace(&format!("{{{name}}}"), &number.to_string());
    }
    let (id, key, hash) = match kind {
        Kind::Postgres => ("gen_random_uuid()", "gen_random_uuid()::text", "uuid_send(gen_random_uuid())"),
        Kind::Sqlite => ("randomblob(16)", "lower(hex(randomblob(16)))", "randomblob(16)"),
    };
    let says = "what people write in a chat is mostly short, and now and then somebody tells a longer story, with a link and a joke in it. ";
    let text = format!("'No. ' || n || ': ' || substr('{says}{says}', 1, 10 + n * 37 % 150)");
    let sql = sql.replace("/* id */", id).replace("/* key */", key).replace("/* hash */", hash);
    let sql = sql.replace("/* epoch */", "1700000000000").replace("/* text */", &text);
    let sql = replaced(&sql, "/* user ", |said| {
        let (room, nth) = said.split_once(": ").unwrap_or_default();
        format!("(CASE {nth} WHEN 0 THEN 'admin' ELSE 'u' || ({room} % 100 * 20 + {nth}) END)")
    });
    replaced(&sql, "/* n below ", |to| match kind {
        Kind::Postgres => format!("CROSS JOIN LATERAL generate_series(0, {to} - 1) AS s (n)"),
        Kind::Sqlite => format!("CROSS JOIN numbers s ON s.n < {to}"),
    })
}

/// Replaces each comment that begins so by what is made of the rest of it.
fn replaced(sql: &str, begins: &str, by: impl Fn(&str) -> String) -> String {
    let mut parts = sql.split(begins);
    let mut done = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (said, rest) = part.split_once(" */").unwrap_or((part, ""));
        done.push_str(&by(said));
        done.push_str(rest);
    }
    done
}
