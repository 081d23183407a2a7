//! What is asked for.

use super::{
    database::Database,
    fill::{Plan, Shape},
};
use anyhow::Context;
use hubbub::store::{ReactorsOf, ShownOf, sqlite::traced::Read};
use hubbub_core::{
    log::room::PageOf,
    model::{
        ids::{RoomId, UserId},
        seq::Seq,
    },
};

/// A request, as the API takes it and as a store does.
pub struct Asked {
    pub name: &'static str,
    pub reader: String,
    pub path: String,
    pub read: Read,
    pub limit: usize,
    /// Whether more rows than it shows may be read, and why.
    pub excused: Option<&'static str>,
}

/// Makes somebody a member of so many small rooms, if they are not. Who reads along has read all but the last 40 entries, or fewer; who was away
/// has joined a long time ago and read nothing since.
fn are_members(database: &mut Database, user: &str, rooms: u64) -> anyhow::Result<()> {
    let small = format!("FROM hubbub.rooms WHERE id LIKE 'small-%' ORDER BY no LIMIT {rooms}");
    database.run(&format!(
        "INSERT INTO hubbub.members (room, user_id, standing, since, joined, stands_since)
         SELECT no, '{user}', 'member', 1, 1, 1 FROM (SELECT no {small}) those WHERE NOT EXISTS (
             SELECT 1 FROM hubbub.members m WHERE m.room = those.no AND m.user_id = '{user}');"
    ))?;
    if user.starts_with("reads") {
        database.run(&format!(
            "INSERT INTO hubbub.reads (room, user_id, seq, at)
             SELECT no, '{user}', head - no % 40, 1700000000000 FROM (SELECT no, head {small}) those WHERE NOT EXISTS (
                 SELECT 1 FROM hubbub.reads d WHERE d.room = those.no AND d.user_id = '{user}');"
        ))?;
    }
    Ok(())
}

/// All of it, for the rooms of a history.
pub fn all(database: &mut Database, plans: &[Plan]) -> anyhow::Result<Vec<Asked>> {
    let plan = |name: &str| plans.iter().find(|plan| plan.name == name).context("a plan");
    let (big, crowd, thread) = (plan("big")?, plan("crowd")?, plan("thread")?);
    let (far_back, root, voted) = (big.entries() / 2, thread.members + 1, crowd.members + 1);
    let Shape::Dense { messages: dense } = plan("dense")?.shape else { anyhow::bail!("a dense room") };
    let middle = root + (thread.entries() - thread.members) / 2;
    let mut all = Vec::new();
    let mut ask = |name, room: &str, rest: &str, of: ShownOf, limit: usize| {
        let path = format!("/v1/rooms/{room}/messages{rest}limit={limit}");
        let read = Read::Shown(RoomId::parse(room)?, of);
        all.push(Asked { name, reader: room.to_owned(), path, read, limit, excused: None });
        anyhow::Ok(())
    };
    let newest = ShownOf::Room(PageOf::Newest);
    let around = |seq| ShownOf::Room(PageOf::Around(Seq::new(seq)));
    ask("newest page of the largest room", "big", "?", newest, 100)?;
    ask("a page far back in it", "big", &format!("?around={far_back}&"), around(far_back), 100)?;
    ask("its newest thousand", "big", "?", newest, 1_000)?;
    ask("newest page of a small room", "small-7", "?", newest, 100)?;
    ask("100 messages with 50 reactions each", "dense", "?", newest, 100)?;
    ask("1,000 messages with 50 reactions each", "dense", "?", newest, 1_000)?;
    ask("the same, around one", "dense", &format!("?around={}&", dense / 2), around(dense / 2), 1_000)?;
    ask("newest page below 100,000 reactions and edits", "late", "?", newest, 100)?;
    ask("newest page below 100,000 reactions to one", "crowd", "?", newest, 100)?;
    ask("room of the long thread", "thread", "?", newest, 100)?;
    let of_thread = |page| ShownOf::Thread(Seq::new(root), page);
    ask("newest page of a thread of 100,000", "thread", &format!("/{root}/thread?"), of_thread(PageOf::Newest), 100)?;
    let in_middle = of_thread(PageOf::Around(Seq::new(middle)));
    ask("a page in its middle", "thread", &format!("/{root}/thread?around={middle}&"), in_middle, 100)?;
    let one = |seq| ShownOf::One(Seq::new(seq));
    ask("the message with 100,000 reactions", "crowd", &format!("/{voted}?"), one(voted), 1)?;
    ask("a message with 50 reactions", "dense", &format!("/{}?", 20 + dense / 2), one(20 + dense / 2), 1)?;
    for asked in &mut all {
        // There is nothing to be limited in one message.
        if asked.limit == 1 {
            asked.path = asked.path.replace("?limit=1", "?");
        }
    }
    let pins = Read::Shown(RoomId::parse("big")?, ShownOf::Pins(PageOf::Newest));
    let of = |name, room: &str, path: String, read, limit| Asked {
        name,
        reader: room.into(),
        path,
        read,
        limit,
        excused: None,
    };
    all.push(of("100 pins", "big", "/v1/rooms/big/pins?limit=100".into(), pins, 100));
    let reactions = format!("/v1/rooms/crowd/messages/{voted}/reactions?limit=100");
    let after = format!("u{}", crowd.members / 2);
    for (name, rest, reaction, after) in [
        ("first of 100,000 reactions", String::new(), None, None),
        ("first of 50,000 `+1`", "&reaction=%2B1".into(), Some("+1"), None),
        ("50,000 `+1`, from the middle", format!("&reaction=%2B1&after={after}"), Some("+1"), Some(after)),
    ] {
        let after = after.map(|user| anyhow::Ok(("+1".into(), UserId::parse(&user)?))).transpose()?;
        let read = Read::Reactors(
            RoomId::parse("crowd")?,
            Seq::new(voted),
            ReactorsOf { reaction: reaction.map(Into::into), after },
        );
        all.push(of(name, "crowd", format!("{reactions}{rest}"), read, 100));
    }
    all.push(Asked {
        excused: Some("rooms are found by their ids among all that one is in"),
        ..of(
            "rooms of somebody with all 10,000",
            "",
            "/v1/users/{reader}/rooms?limit=100&unread=true".into(),
            Read::Rooms(true),
            100,
        )
    });
    let counted = "what is unread is looked at message by message, and shown as a number";
    let hundred = "rooms of somebody with 100, and their last messages";
    let page = of(hundred, "small-7", "/v1/users/{reader}/rooms?limit=100&unread=true".into(), Read::Rooms(true), 100);
    all.push(Asked { excused: Some(counted), ..page });
    for (rooms, user, name) in [
        (500, "reads-500", "unread of somebody in 500 rooms who reads along"),
        (5_000, "reads-5000", "unread of somebody in 5,000 rooms who reads along"),
        (500, "away-500", "unread of somebody in 500 rooms who was away"),
        (5_000, "away-5000", "unread of somebody in 5,000 rooms who was away"),
    ] {
        are_members(database, user, rooms)?;
        let page = of(name, "", "/v1/users/{reader}/unread?limit=100".into(), Read::Unread, 100);
        all.push(Asked { excused: Some(counted), reader: format!("@{user}"), ..page });
    }
    let listed = of(
        "rooms of somebody with 5,000 who reads along",
        "",
        "/v1/users/{reader}/rooms?limit=100&unread=true".into(),
        Read::Rooms(true),
        100,
    );
    all.push(Asked { excused: Some(counted), reader: "@reads-5000".into(), ..listed });
    for asked in &mut all {
        let room = &asked.reader;
        asked.reader = if room.is_empty() {
            "admin".into()
        } else if let Some(user) = room.strip_prefix('@') {
            user.to_owned()
        } else {
            let found = database.rows(&format!("SELECT no FROM hubbub.rooms WHERE id = '{room}'"))?;
            let no: u64 = found.first().and_then(|row| row[0].as_deref()).context("a room")?.parse()?;
            format!("u{}", no % 100 * 20 + 1)
        };
        let reader = &asked.reader;
        asked.path = match asked.path.contains("{reader}") {
            true => asked.path.replace("{reader}", reader),
            false => format!("{}&by={reader}", asked.path).replace("?&", "?"),
        };
    }
    Ok(all)
}
