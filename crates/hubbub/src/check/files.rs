//! Files that settings are read from.

use super::{Asked, Finding};
use crate::config::{SECRET_FILES, file_key};
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
                    "store" | "bus" => has_password(value),
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

/// `HUBBUB_…_FILE`, and `…-file` of the file of `--config`. That they can be read, [`configuration`] says.
pub(super) async fn secrets(asked: &Asked) -> Vec<Finding> {
    let config = asked.settings.config.as_ref().and_then(|path| std::fs::read_to_string(path).ok());
    let config = config.and_then(|text| text.parse::<toml::Table>().ok()).unwrap_or_default();
    let named = SECRET_FILES.iter().flat_map(|variable| {
        let value = variable.strip_suffix("_FILE").filter(|value| given(value).is_some());
        let key = file_key(variable);
        let in_file = config.get(&key).and_then(toml::Value::as_str).filter(|path| !path.is_empty());
        let in_file = in_file.map(|path| (key, path.into(), value.or_else(|| given(variable).map(|_| *variable))));
        let in_environment = given(variable).map(|path| ((*variable).to_owned(), path, value));
        [in_environment, in_file].into_iter().flatten()
    });
    named
        .filter(|(_, path, _)| Path::new(path).exists())
        .flat_map(|(name, path, over)| {
            let path = Path::new(&path);
            let about = format!("{name}={}", path.display());
            let open = others_may_read(path)
                .then(|| Finding::warning(about.clone(), "everybody on this machine may read it", &chmod(path)));
            let unread = over.map(|over| {
                Finding::warning(about.clone(), format!("not read: {over} is set as well"), "take one of them away")
            });
            let fine = (open.is_none() && unread.is_none()).then(|| Finding::ok(about, "read, and kept from others"));
            [open, unread, fine].into_iter().flatten()
        })
        .collect()
}

/// Whether a URL has a password in it; that of a user alone has none.
fn has_password(url: &str) -> bool {
    if url.starts_with("sqlite:") {
        return false;
    }
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let login = rest.rsplit_once('@').map_or("", |(login, _)| login);
    login.contains(':') || rest.contains("password=")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_no_password() {
        for url in [
            "postgres://hubbub@db:5432/hubbub?sslmode=verify-full&sslrootcert=/etc/hubbub/ca.pem",
            "rediss://hubbub@redis:6379?ca=/etc/hubbub/ca.pem",
            "redis+sentinel://hubbub@a:26379,b/main?sentinel-password-file=/etc/hubbub/sentinels",
            "sqlite:/var/lib/hubbub/a@b.db",
            "redis://redis:6379",
        ] {
            assert!(!has_password(url), "{url}");
        }
        for url in [
            "postgres://hubbub:hush@db:5432/hubbub",
            "rediss://:hush@redis",
            "redis://a:hu@sh@redis",
            "postgres://hubbub@db/hubbub?password=hush",
            "redis+sentinel://a:26379/main?sentinel-password=hush",
        ] {
            assert!(has_password(url), "{url}");
        }
    }
}
