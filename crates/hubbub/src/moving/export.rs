//! `hubbub export`.

use super::writing::patiently;
use crate::{
    config::StoreAt,
    output, server,
    store::{Store, archive::Archive},
};
use anyhow::bail;
use hubbub_core::{
    limits::PAGE_MAX,
    log::{
        encoded::encode,
        entry::Entry,
        kinds::What,
        room::{Page, PageOf},
    },
    model::{
        ids::{RoomId, UserId},
        seq::Seq,
    },
    moving::RoomLine,
};
use std::sync::Arc;

/// What is said of a room that was there at first.
const GONE: &str = "it was deleted while it was exported: what was printed of it is a part";

/// Prints users, and then each room with its entries: a page at a time, however much there is.
pub(super) async fn run(store: &StoreAt, room: Option<&RoomId>, user: Option<&UserId>) -> anyhow::Result<()> {
    let (logs, archive) = server::open_archive(store, false).await?;
    let export = Exporting { logs, archive, user };
    if room.is_none() {
        export.users().await?;
    }
    export.rooms(room).await
}

struct Exporting<'a> {
    logs: Arc<dyn Store>,
    archive: Arc<dyn Archive>,
    user: Option<&'a UserId>,
}

impl Exporting<'_> {
    async fn users(&self) -> anyhow::Result<()> {
        let mut after: Option<UserId> = None;
        loop {
            let users = patiently(|| self.archive.users(after.as_ref(), PAGE_MAX)).await?;
            let Some(last) = users.last() else { return Ok(()) };
            let asked = users.iter().filter(|line| self.user.is_none_or(|user| *user == line.user));
            print(asked.map(hubbub_core::moving::UserLine::json));
            after = Some(last.user.clone());
        }
    }

    async fn rooms(&self, only: Option<&RoomId>) -> anyhow::Result<()> {
        // The ids before this one are all that come before it.
        let (mut after, mut is_found): (Option<RoomId>, bool) = (None, only.is_none());
        loop {
            let rooms = patiently(|| self.archive.rooms(after.as_ref(), PAGE_MAX)).await?;
            for room in rooms.iter().filter(|room| only.is_none_or(|only| *only == room.id)) {
                is_found = true;
                self.room(room).await?;
            }
            match rooms.last() {
                _ if is_found && only.is_some() => return Ok(()),
                Some(last) => after = Some(last.id.clone()),
                None if is_found => return Ok(()),
                None => bail!("there is no such room"),
            }
        }
    }

    /// To the end of its log: what was blanked meanwhile was blanked by an entry that is further on. Of one user, whatever the log
    /// has; of a room with nothing of them nothing is printed.
    async fn room(&self, room: &RoomLine) -> anyhow::Result<()> {
        let mut is_named = self.user.is_none();
        if is_named {
            print([room.json()]);
        }
        let (mut after, mut epoch) = (Seq::ZERO, None);
        loop {
            let page = patiently(|| self.logs.page(&room.id, PageOf::After(after), PAGE_MAX)).await?;
            // A log that began anew has other numbers.
            let page = page.filter(|page| *epoch.get_or_insert(page.epoch) == page.epoch);
            let entries = match page {
                Some(Page { entries, .. }) => entries,
                None if !is_named => return Ok(()),
                None => bail!("room {}: {GONE}", room.id),
            };
            let Some(last) = entries.last() else { break };
            after = last.seq;
            let asked = entries.iter().filter(|entry| self.user.is_none_or(|user| is_of(entry, user)));
            let mut lines: Vec<String> = asked.map(encode).collect();
            if !is_named && !lines.is_empty() {
                is_named = true;
                lines.insert(0, room.json());
            }
            print(lines);
        }
        if !is_named {
            return Ok(());
        }
        // What is left of a room that was deleted is a log without entries.
        let head = patiently(|| self.logs.heads(std::slice::from_ref(&room.id))).await?.pop().flatten();
        if head.is_none_or(|head| head.deleted || Some(head.epoch) != epoch) {
            bail!("room {}: {GONE}", room.id);
        }
        Ok(())
    }
}

/// Whether a user did something, or it was done to them.
fn is_of(entry: &Entry, user: &UserId) -> bool {
    let about = match &entry.what {
        What::Joined(joined) => Some(&joined.user),
        What::Left(left) => Some(&left.user),
        What::Banned(banned) => Some(&banned.user),
        What::Muted(muted) => Some(&muted.user),
        _ => None,
    };
    entry.from == *user || about == Some(user)
}

fn print(lines: impl IntoIterator<Item = String>) {
    let mut text = String::new();
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    output::lines(&text);
}
