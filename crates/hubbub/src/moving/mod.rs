//! `hubbub import` and `hubbub export`: data that moves, as lines of JSON.

use crate::{config::Settings, output::Failure};
use clap::Args;
use hubbub_core::model::ids::{RoomId, UserId};
use std::path::PathBuf;

mod abandon;
mod export;
mod import;
mod lines;
mod progress;
mod writing;

/// For `--help` of both.
pub const IMPORT_EXAMPLES: &str = "\
A room's line comes before those of its entries, which are in their order:
  {\"type\":\"room\",\"room\":\"general\",\"kind\":\"open\",\"name\":\"General\"}
  {\"type\":\"joined\",\"room\":\"general\",\"user\":\"ana\",\"at\":\"2024-01-31T09:29:00Z\"}
  {\"type\":\"message\",\"room\":\"general\",\"from\":\"ana\",\"at\":\"2024-01-31T09:30:00Z\",\"text\":\"hi\"}
  {\"type\":\"message\",\"room\":\"general\",\"from\":\"ben\",\"at\":\"2024-01-31T09:31:00Z\",\"text\":\"ho\",\"reply_to\":2}
  {\"type\":\"user\",\"user\":\"ana\",\"info\":{\"name\":\"Ana\"}}

Look for all faults of a file that can be told without a store, and write nothing:
  hubbub import --check chat.ndjson

Import it; where that was broken off, the same again goes on:
  hubbub import chat.ndjson --store postgres://hubbub@postgres:5432/hubbub

Give up what was begun, and have its ids back:
  hubbub import --abandon chat.ndjson --store postgres://hubbub@postgres:5432/hubbub

Nobody sees a room before all of the file is imported. Nobody is notified, and nothing of it counts as unread. A SQLite file
belongs to one process: stop its server first. Postgres is imported into beside servers that run.
docs/importing.md has all members of all lines, and SQL that makes them of a table of messages.
Exit codes: 0 done, 1 something is wrong with a line or the store, 2 wrong flags or configuration.";

/// For `--help`.
pub const EXPORT_EXAMPLES: &str = "\
  hubbub export > chat.ndjson
  hubbub export --room general > general.ndjson
  hubbub export --user ana > ana.ndjson

All of it, and rooms, can be imported into another store as they are: an export of that is the same again. A user's is for
the user: rooms they are in or were, and what they did there or what was done to them.
A SQLite file belongs to one process: stop its server first. Postgres is read beside servers that run.";

/// Import rooms with their members and messages, from lines of JSON
#[derive(Args)]
pub struct Import {
    /// The file; -: standard input, which is checked only as it is imported
    #[arg(value_name = "FILE.ndjson")]
    file: PathBuf,
    /// Look for all faults that can be told without a store; none is opened and nothing is written
    #[arg(long)]
    check: bool,
    /// Give up what was begun of this file: rooms that are closed are deleted with all that was imported of them, and their ids
    /// are free. Rooms that are open stay
    #[arg(long, conflicts_with = "check")]
    abandon: bool,
    #[command(flatten)]
    settings: Box<Settings>,
}

/// Print rooms with their members and messages, as lines of JSON that can be imported
#[derive(Args)]
pub struct Export {
    /// Of this room alone
    #[arg(long, value_name = "ID", value_parser = |id: &str| RoomId::parse(id).map_err(|e| e.to_string()))]
    room: Option<RoomId>,
    /// Of this user alone
    #[arg(long, value_name = "ID", value_parser = |id: &str| UserId::parse(id).map_err(|e| e.to_string()))]
    user: Option<UserId>,
    #[command(flatten)]
    settings: Box<Settings>,
}

impl Import {
    /// Where the store is, and the logs.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Runs it.
    ///
    /// # Errors
    /// Why nothing, or not all, was imported.
    pub async fn run(self) -> Result<(), Failure> {
        if self.check {
            return import::check(&self.file);
        }
        let store = self.settings.resolve_store().map_err(Failure::Configuration)?;
        if self.abandon {
            return abandon::run(&self.file, &store).await;
        }
        import::run(&self.file, &store).await
    }
}

impl Export {
    /// As [`Import::settings`].
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Runs it.
    ///
    /// # Errors
    /// Why not all was printed.
    pub async fn run(self) -> Result<(), Failure> {
        let store = self.settings.resolve_store().map_err(Failure::Configuration)?;
        Ok(export::run(&store, self.room.as_ref(), self.user.as_ref()).await?)
    }
}
