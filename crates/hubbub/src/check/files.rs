//! Files that settings are read from.

use super::{Asked, Finding};
use crate::config::SECRET_FILES;
use std::{ffi::OsString, os::unix::fs::PermissionsExt, path::Path};

/// `--config`, and what could not be read of it or of the files it is read with.
pub(super) async fn configuration(asked: &Asked) -> Vec<Finding> {
    let mut findings: Vec<_> = asked
        .faults
        .iter()
        .map(|fault| {
            let said = format!("{fault:#}");
            let (about, _) = said.split_once(": ").unwrap_or(("settings", ""));
            Finding::wrong(about.to_owned(), &said, "put it right, or take it out")
        })
        .collect();
    if let Some(path) = &asked.settings.config {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let secret = ["token-secret", "api-key", "store", "bus", "store-password", "bus-password"].iter().any(|name| {
            text.parse::<toml::Table>().is_ok_and(|table| {
                table.get(*name).and_then(toml::Value::as_str).is_some_and(|value| match *name {
                    "store" | "bus" => value.contains('@'),
                    _ => true,
                })
            })
        });
        let about = format!("--config {}", path.display());
        match secret && others_may_read(path) {
            true => findings.push(Finding::warning(
                about,
                "it has a secret in it, and everybody on this machine may read it",
                &chmod(path),
            )),
            false if findings.is_empty() => findings.push(Finding::ok(about, "read")),
            false => {}
        }
    }
    findings
}

/// `HUBBUB_…_FILE`. That they can be read, [`configuration`] says.
pub(super) async fn secrets(_: &Asked) -> Vec<Finding> {
    let named = SECRET_FILES.iter().filter_map(|variable| Some((variable, given(variable)?)));
    named
        .filter(|(_, path)| Path::new(path).exists())
        .flat_map(|(variable, path)| {
            let path = Path::new(&path);
            let about = format!("{variable}={}", path.display());
            let open = others_may_read(path)
                .then(|| Finding::warning(about.clone(), "everybody on this machine may read it", &chmod(path)));
            let value = variable.strip_suffix("_FILE").filter(|value| given(value).is_some());
            let unread = value.map(|value| {
                Finding::warning(about.clone(), format!("not read: {value} is set as well"), "take one of them away")
            });
            let fine = (open.is_none() && unread.is_none()).then(|| Finding::ok(about, "read, and kept from others"));
            [open, unread, fine].into_iter().flatten()
        })
        .collect()
}

/// A variable that is set to something.
fn given(variable: &str) -> Option<OsString> {
    std::env::var_os(variable).filter(|value| !value.is_empty())
}

/// Whether everybody on this machine may read it.
pub(super) fn others_may_read(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o004 != 0)
}

/// What to do about that.
pub(super) fn chmod(path: &Path) -> String {
    format!("chmod 640 {}, and make it the group's that Hubbub runs as", path.display())
}
