//! The database that the history is made in, beside the server that reads it.

use crate::postgres::Postgres;
use anyhow::Context;
use clap::ValueEnum;
use rusqlite::{Connection, types::ValueRef};
use std::path::{Path, PathBuf};
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// Which of the two.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A server of its own
    Postgres,
    /// A file
    Sqlite,
}

/// What Postgres is started with: checkpoints are few, and plans can be told.
const SETTINGS: [&str; 4] =
    ["max_wal_size=3GB", "shared_buffers=1GB", "maintenance_work_mem=512MB", "session_preload_libraries=auto_explain"];

/// What tells the plan of each statement, as it was run.
const TELL_PLANS: &str = "
    ALTER ROLE hubbub SET auto_explain.log_min_duration = 0;
    ALTER ROLE hubbub SET auto_explain.log_analyze = on;
    ALTER ROLE hubbub SET auto_explain.log_buffers = on;
    ALTER ROLE hubbub SET auto_explain.log_timing = off;
    ALTER ROLE hubbub SET auto_explain.log_format = json;";

/// See the module.
pub enum Database {
    Postgres { server: Postgres, runtime: Runtime, client: Box<Client> },
    Sqlite { path: PathBuf, file: Connection },
}

impl Database {
    /// In this directory, where it stays if it is to be kept.
    pub fn open(kind: Kind, directory: &Path, keep: bool) -> anyhow::Result<Self> {
        match kind {
            Kind::Postgres => {
                let place = std::path::absolute(directory.join("postgres"))?;
                let server = if keep { Postgres::kept_in(&place, &SETTINGS) } else { Postgres::start(&SETTINGS) };
                let runtime = Runtime::new()?;
                let client = runtime.block_on(async {
                    let (client, connection) = tokio_postgres::connect(&server.url(), NoTls).await?;
                    tokio::spawn(connection);
                    anyhow::Ok(client)
                })?;
                Ok(Self::Postgres { server, runtime, client: client.into() })
            }
            Kind::Sqlite => {
                let path = directory.join("history.db");
                let file = Connection::open(&path)?;
                Ok(Self::Sqlite { path, file })
            }
        }
    }

    pub fn kind(&self) -> Kind {
        match self {
            Self::Postgres { .. } => Kind::Postgres,
            Self::Sqlite { .. } => Kind::Sqlite,
        }
    }

    /// For `--store`.
    pub fn url(&self) -> String {
        match self {
            Self::Postgres { server, .. } => server.url(),
            Self::Sqlite { path, .. } => format!("sqlite:{}", path.display()),
        }
    }

    /// Runs statements that are written for the schema `hubbub`, in one transaction.
    pub fn run(&mut self, sql: &str) -> anyhow::Result<()> {
        match self {
            Self::Postgres { runtime, client, .. } => Ok(runtime.block_on(client.batch_execute(sql))?),
            Self::Sqlite { file, .. } => {
                Ok(file.execute_batch(&format!("BEGIN; {}; COMMIT", sql.replace("hubbub.", "main.")))?)
            }
        }
    }

    /// Rows as text.
    pub fn rows(&mut self, sql: &str) -> anyhow::Result<Vec<Vec<Option<String>>>> {
        match self {
            Self::Postgres { runtime, client, .. } => {
                let rows = runtime.block_on(client.simple_query(sql)).with_context(|| sql.to_owned())?;
                let row = |message: &SimpleQueryMessage| match message {
                    SimpleQueryMessage::Row(row) => {
                        Some((0..row.len()).map(|nth| row.get(nth).map(str::to_owned)).collect())
                    }
                    _ => None,
                };
                Ok(rows.iter().filter_map(row).collect())
            }
            Self::Sqlite { file, .. } => {
                let mut statement = file.prepare(&sql.replace("hubbub.", "main.")).with_context(|| sql.to_owned())?;
                let count = statement.column_count();
                let (mut rows, mut found) = (statement.query([])?, Vec::new());
                while let Some(row) = rows.next()? {
                    let text = |nth| match row.get_ref(nth)? {
                        ValueRef::Null => Ok(None),
                        ValueRef::Integer(number) => Ok(Some(number.to_string())),
                        ValueRef::Text(text) => Ok(Some(String::from_utf8_lossy(text).into_owned())),
                        other => anyhow::bail!("a {:?}", other.data_type()),
                    };
                    found.push((0..count).map(text).collect::<Result<_, _>>()?);
                }
                Ok(found)
            }
        }
    }

    /// Numbers up to here are to be had in statements, and nobody waits for the disk after each.
    pub fn prepare_to_fill(&mut self, numbers: u64) -> anyhow::Result<()> {
        match self {
            Self::Postgres { .. } => self.run("SET synchronous_commit = off"),
            Self::Sqlite { file, .. } => Ok(file.execute_batch(&format!(
                "PRAGMA synchronous = off; PRAGMA cache_size = -262144; PRAGMA temp_store = memory;
                 CREATE TEMP TABLE IF NOT EXISTS numbers (n INTEGER PRIMARY KEY);
                 INSERT OR IGNORE INTO numbers WITH RECURSIVE s (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < {numbers})
                     SELECT n FROM s"
            ))?),
        }
    }

    /// What a database that has grown over the years has had done to it.
    pub fn finish_filling(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Postgres { .. } => {
                self.run("VACUUM ANALYZE")?;
                self.run("CHECKPOINT")
            }
            Self::Sqlite { file, .. } => {
                Ok(file.execute_batch("PRAGMA synchronous = full; PRAGMA wal_checkpoint(TRUNCATE)")?)
            }
        }
    }

    /// Bytes of what there is.
    pub fn size(&mut self) -> anyhow::Result<f64> {
        let sql = match self {
            Self::Postgres { .. } => "SELECT pg_database_size(current_database())",
            Self::Sqlite { .. } => "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
        };
        Ok(self.rows(sql)?[0][0].as_deref().context("a size")?.parse()?)
    }

    /// Whether plans are written to the log from the next connection on.
    pub fn tell_plans(&mut self, tell: bool) -> anyhow::Result<()> {
        match self {
            Self::Postgres { .. } if tell => self.run(TELL_PLANS),
            Self::Postgres { .. } => self.run("ALTER ROLE hubbub RESET ALL"),
            Self::Sqlite { .. } => Ok(()),
        }
    }

    /// Postgres' log.
    pub fn log(&self) -> String {
        match self {
            Self::Postgres { server, .. } => server.log(),
            Self::Sqlite { .. } => String::new(),
        }
    }
}
