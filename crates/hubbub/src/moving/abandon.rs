//! `hubbub import --abandon`: an import that is not to go on.

use super::{lines::Lines, progress::grouped, writing::patiently};
use crate::{
    config::StoreAt,
    output::{self, Failure},
    server,
    store::{
        archive::{Abandoned, Archive},
        sqlite,
    },
};
use hubbub_core::{
    model::ids::RoomId,
    moving::{Order, Step},
};
use std::{path::Path, sync::Arc};

/// Gives up the rooms of a file that are closed. What else is wrong with the file does not matter.
pub(super) async fn run(path: &Path, store: &StoreAt) -> Result<(), Failure> {
    let rooms = rooms_of(Lines::open(path)?)?;
    if rooms.is_empty() {
        return Err(Failure::Other(anyhow::anyhow!("{} has no line of a room", path.display())));
    }
    let (_logs, archive) = server::open_archive(store, true).await?;
    let archive: Arc<dyn Archive> = archive;
    let (mut free, mut kept) = (0, 0);
    for room in rooms {
        match patiently(|| archive.abandon(&room)).await? {
            Abandoned::Free => free += 1,
            Abandoned::Kept => {
                kept += 1;
                output::complaint(format_args!(
                    "room {room}: its id is kept by a room that was changed or deleted meanwhile"
                ));
            }
            Abandoned::Open => {
                output::complaint(format_args!("room {room} was imported as a whole and is open: it stays"))
            }
            Abandoned::Unknown => output::complaint(format_args!("room {room}: no import has begun it")),
        }
    }
    output::finding(format_args!("{} rooms given up, {} ids free again", grouped(free + kept), grouped(free)));
    Ok(())
}

/// Those that the lines name, each once.
fn rooms_of(mut lines: Lines) -> anyhow::Result<Vec<RoomId>> {
    let (mut order, mut rooms) = (Order::new(sqlite::now()), Vec::new());
    while let Some(line) = lines.next()? {
        if let Ok(Ok(Step::Room(room))) = line.map(|line| order.take(line)) {
            rooms.push(room.id);
        }
    }
    Ok(rooms)
}
