//! Where logs are kept.

use super::{Asked, Finding};
use crate::{
    config::StoreAt,
    store::{
        StoreError,
        foreign_json::ForeignJson,
        postgres::{Inspection, PostgresStore},
        sqlite::SqliteStore,
    },
};
use hubbub_core::{
    limits::{CLOCK_OFF, JSON_LOOK, POSTGRES_CONNECTIONS},
    log::features::Features,
};
use std::{
    path::{Path, PathBuf},
    time::Instant,
};

/// `--store` and `--schema`. Nothing is made.
pub(super) async fn store(asked: &Asked) -> Vec<Finding> {
    let at = match asked.settings.store_at() {
        Ok(at) => at,
        Err(error) => {
            return vec![Finding::wrong(
                "--store",
                format!("{error:#}"),
                "give sqlite:FILE, or postgres://user@host/database with its password in HUBBUB_STORE_PASSWORD_FILE",
            )];
        }
    };
    let about = format!("--store {at}");
    match &at {
        StoreAt::Sqlite(path) => {
            let mut findings = vec![sqlite(about.clone(), path)];
            findings.extend(modes(&about, path));
            if let Ok(true) = SqliteStore::is_there(path)
                && let Ok(found) = SqliteStore::foreign_json(path, Instant::now() + JSON_LOOK)
            {
                findings.extend(foreign_json(&about, &found));
            }
            findings
        }
        StoreAt::Postgres { place, schema, .. } => match PostgresStore::inspect(place, schema).await {
            Ok(found) => {
                let mut findings = postgres(&about, &found);
                if found.tables.as_ref().is_ok_and(|version| *version > 0)
                    && let Ok(found) = PostgresStore::foreign_json(place, schema, Instant::now() + JSON_LOOK).await
                {
                    findings.extend(foreign_json(&about, &found));
                }
                findings
            }
            Err(error) => {
                let to_do = match &error {
                    StoreError::Broken(why) if why.contains("a pooler") => "then check again",
                    _ => {
                        "see with `psql` from this machine whether the server is up and takes this user, password and database"
                    }
                };
                vec![Finding::wrong(about, error, to_do)]
            }
        },
    }
}

fn sqlite(about: String, path: &Path) -> Finding {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match SqliteStore::is_there(path) {
        _ if tempfile_in(directory).is_err() => Finding::wrong(
            about,
            format!("no file can be made in {}", directory.display()),
            "make the directory, and let the user that Hubbub runs as write to it",
        ),
        Ok(true) => match SqliteStore::inspect(path) {
            Ok(()) => Finding::ok(about, "there, and nobody else has it open"),
            Err(StoreError::Unavailable(why)) => Finding::warning(
                about,
                why,
                "fine if it is the Hubbub that is to be restarted; else stop the other process",
            ),
            Err(error) => Finding::wrong(about, error, "name another file, or use the newer program"),
        },
        Ok(false) => Finding::ok(about, "not there yet; it is made at the start"),
        Err(error) => Finding::wrong(about, error, "name a file of Hubbub's, or one that is not there"),
    }
}

/// Who else may read the files.
fn modes(about: &str, path: &Path) -> Vec<Finding> {
    let warn = |(file, mode): (PathBuf, u32)| {
        let says = format!(
            "{} has the mode {mode:04o}: others than its owner may use it, and it holds secrets",
            file.display()
        );
        Finding::warning(about, says, "chmod 600 it; `serve` does so itself where it may")
    };
    SqliteStore::open_to_others(path).into_iter().map(warn).collect()
}

/// Rows that were stored before JSON was looked at.
fn foreign_json(about: &str, found: &ForeignJson) -> Option<Finding> {
    let looked_at = match found.is_cut_short {
        true => format!(" among the first {} rows, and there was no time for the others", found.looked_at),
        false => String::new(),
    };
    if found.found == 0 {
        let says = format!("no JSON that others cannot read{looked_at}");
        return found.is_cut_short.then(|| Finding::ok(about, says));
    }
    let others = match found.found - found.named.len() as u64 {
        0 => String::new(),
        others => format!(", and {others} more"),
    };
    let says = format!(
        "{} {} with JSON that others cannot read{looked_at}: {}{others}",
        found.found,
        if found.found == 1 { "row" } else { "rows" },
        found.named.join(", ")
    );
    let to_do = "they were stored before JSON was checked; clients with a strict reader (PHP, Go, Python, jsonb) refuse the page such a row is in: mend its `data` or `info` by hand, with every server stopped";
    Some(Finding::warning(about, says, to_do))
}

/// Whether a file can be made there; it is gone again.
fn tempfile_in(directory: &Path) -> std::io::Result<()> {
    let path = directory.join(format!(".hubbub-check-{}", uuid::Uuid::new_v4()));
    std::fs::OpenOptions::new().write(true).create_new(true).open(&path)?;
    std::fs::remove_file(path)
}

fn postgres(about: &str, found: &Inspection) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut wrong = |says: String, to_do: &str| findings.push(Finding::wrong(about, says, to_do));
    if found.version < 140_000 {
        wrong(format!("the server is version {}", found.version / 10_000), "version 14 is the oldest that will do");
    }
    if !found.fsync {
        wrong(
            "fsync is off: it would acknowledge what a power cut takes back".into(),
            "set fsync = on in postgresql.conf and reload it",
        );
    }
    if !matches!(found.encoding.to_ascii_uppercase().as_str(), "UTF8" | "UTF-8") {
        let to_do = "make another with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0";
        wrong(format!("the database has the encoding {}, and UTF8 is needed", found.encoding), to_do);
    }
    match &found.tables {
        Err(why) => wrong(why.clone(), "start the newer program, or name another --schema"),
        Ok(version) if *version < found.known && !found.may_make => {
            let says = format!("its tables are of version {version} of {}, and this user may make none", found.known);
            wrong(
                says,
                "GRANT CREATE ON SCHEMA (or ON DATABASE, where there is no schema yet) to it, or make the schema its own",
            );
        }
        Ok(_) if !found.may_use => {
            wrong(
                "this user may not read and write all tables".into(),
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA to it, or make the schema its own",
            );
        }
        Ok(_) => {}
    }
    if i32::try_from(POSTGRES_CONNECTIONS).is_ok_and(|ours| found.max_connections < 2 * ours) {
        findings.push(Finding::warning(
            about,
            format!(
                "max_connections is {}, and each instance uses up to {POSTGRES_CONNECTIONS}",
                found.max_connections
            ),
            "raise it to at least that many for each instance, and some for you",
        ));
    }
    if found.clock_offset.abs() > CLOCK_OFF.as_secs_f64() {
        let way = if found.clock_offset > 0.0 { "ahead of" } else { "behind" };
        findings.push(Finding::warning(
            about,
            format!("the clock of this machine is {:.0} s {way} the server's", found.clock_offset.abs()),
            "set it: tokens and webhooks are judged by the server's, everything else here by its own",
        ));
    }
    if found.synchronous_commit == "off" {
        findings.push(Finding::warning(
            about,
            "synchronous_commit is off; Hubbub turns it on for itself",
            "turn it on, so that nobody wonders",
        ));
    }
    if findings.is_empty() {
        let tables = match found.tables {
            Ok(0) => "no tables yet; they are made at the start".into(),
            Ok(version) if version < found.known => {
                format!("tables of version {version}; they are brought to {} at the start", found.known)
            }
            _ => format!("tables of version {}", found.known),
        };
        let way = if found.is_spread { ", behind a pooler that spreads transactions over its connections" } else { "" };
        findings.push(Finding::ok(about, format!("Postgres {}, {tables}{way}", found.version / 10_000)));
    }
    findings.extend(versions(about, &found.instances));
    findings
}

/// Whether older instances run, and what is off meanwhile.
fn versions(about: &str, instances: &[Features]) -> Option<Finding> {
    let lacking: Vec<Features> = instances.iter().map(|known| Features::all().without(*known)).collect();
    let older = lacking.iter().filter(|lacking| !lacking.is_empty()).count();
    let off = lacking.into_iter().fold(Features::NONE, Features::and);
    let says = format!(
        "{older} of {} instances that run do not know all that this version does; off until they have gone: {off}",
        instances.len()
    );
    (older > 0).then(|| Finding::ok(about, says))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_instances_are_counted_and_what_they_lack_is_named() {
        let (all, some) = (Features::all(), Features::read(Some("edits deletions reactions threads")));
        assert!(versions("--store", &[]).is_none() && versions("--store", &[all, all]).is_none());
        let said =
            |instances: &[Features]| versions("--store", instances).map(|found| found.to_string()).unwrap_or_default();
        // What was added since comes behind these.
        let names = "2 of 3 instances that run do not know all that this version does; off until they have gone: mentions pins mutes roles settings ";
        assert!(said(&[all, some, some]).contains(names));
        assert!(said(&[all, some, some]).ends_with(&all.without(some).to_string()));
        assert!(said(&[Features::NONE]).contains("1 of 1 instances") && said(&[Features::NONE]).contains("edits"));
    }
}
