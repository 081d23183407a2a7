//! The TOML file of `--config`.

use super::{
    LimitSettings, SECRET_FILES, Settings, file_key,
    layers::{KeptIn, secret_in},
    spelling::nearest,
};
use anyhow::{Context, anyhow};
use clap::Args;
use std::path::Path;

fn text_of(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("--config {}", path.display()))
}

/// The parser's own report is not shown: it quotes the line, which may hold a secret.
fn said(path: &Path, text: &str, error: &toml::de::Error) -> anyhow::Error {
    let at = error.span().map_or(0, |span| span.start.min(text.len()));
    let line = 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
    anyhow!("--config {}, line {line}: {}", path.display(), error.message().replace('\n', ", "))
}

/// Reads what can be read of a file, and says what cannot: every key, not only the first. What of the file is wrong is
/// as good as not there.
pub(super) fn read(path: &Path) -> (Settings, Vec<anyhow::Error>) {
    let table = text_of(path).and_then(|text| text.parse::<toml::Table>().map_err(|error| said(path, &text, &error)));
    let table = match table {
        Ok(table) => table,
        Err(error) => return (Settings::default(), vec![error]),
    };
    let (mut good, mut named, mut faults) = (toml::Table::new(), Vec::new(), Vec::new());
    let (settings, limits) = names();
    let mut keep = |place: &str, key: &str, value: &toml::Value, known: &[String], alone: toml::Table| {
        let fault = if !known.iter().any(|name| name == key) {
            Some(format!("there is no setting {key}{}", meant(key, known, &limits)))
        } else {
            alone.try_into::<Settings>().err().map(|error| {
                // Of a value that may be a secret nothing is repeated.
                format!("{key}: {} is not what is expected here ({})", value.type_str(), expected(error.message()))
            })
        };
        let wrong = fault.map(|fault| faults.push(anyhow!("--config {}{place}: {fault}", path.display())));
        wrong.is_none()
    };
    for (key, value) in &table {
        match value.as_table().filter(|_| key == "limits") {
            Some(table) => {
                let mut within = toml::Table::new();
                for (key, value) in table {
                    let alone = toml::Table::from_iter([(
                        "limits".into(),
                        toml::Table::from_iter([(key.clone(), value.clone())]).into(),
                    )]);
                    if keep(", [limits]", key, value, &limits, alone) {
                        within.insert(key.clone(), value.clone());
                    }
                }
                good.insert(key.clone(), within.into());
            }
            None if SECRET_FILES.iter().any(|variable| file_key(variable) == *key) => named.push((key, value)),
            None => {
                let alone = toml::Table::from_iter([(key.clone(), value.clone())]);
                if keep("", key, value, &settings, alone) {
                    good.insert(key.clone(), value.clone());
                }
            }
        }
    }
    // Each was fine alone.
    let mut settings: Settings = good.try_into().unwrap_or_default();
    for (key, value) in named {
        let wrong = read_named(&mut settings, &table, key, value).err();
        faults.extend(wrong.map(|said| anyhow!("--config {}: {said}", path.display())));
    }
    (settings, faults)
}

/// A setting whose value is in a file of its own: `api-key-file = "/etc/hubbub/api-key"`. Passwords are read later, at every dial.
fn read_named(settings: &mut Settings, table: &toml::Table, key: &str, value: &toml::Value) -> Result<(), String> {
    let Some(path) = value.as_str() else {
        return Err(format!("{key}: {} is not what is expected here (expected the name of a file)", value.type_str()));
    };
    let setting = key.trim_end_matches("-file");
    if table.contains_key(setting) {
        return Err(format!("{key}: {setting} is there as well; take one of them away"));
    }
    if path.is_empty() {
        return Ok(());
    }
    let kept_in = |by| Some(KeptIn { path: path.into(), by });
    let read = || secret_in(path.as_ref()).map_err(|error| format!("{key}={path}: {error}"));
    match setting {
        "store-password" => settings.store_password_file = kept_in("store-password"),
        "bus-password" => settings.bus_password_file = kept_in("bus-password"),
        "store" => settings.store = read()?,
        "bus" => settings.bus = read()?,
        "token-secret" => settings.token_secret = read()?,
        "api-key" => settings.api_key = read()?,
        "secrets-key" => settings.secrets_key = read()?,
        _ => return Err(format!("there is no setting {key}")),
    }
    Ok(())
}

/// What the parser expected: its words before and after what it found.
fn expected(message: &str) -> String {
    match message.split_once(", expected ") {
        Some((_, expected)) => format!("expected {}", expected.lines().next().unwrap_or_default()),
        None => "its form is wrong".into(),
    }
}

/// The names of settings, as flags and files have them: those beside the tables, and those of `[limits]`.
fn names() -> (Vec<String>, Vec<String>) {
    let long = |command: clap::Command| -> Vec<String> {
        command.get_arguments().filter_map(|arg| arg.get_long()).map(Into::into).collect()
    };
    let limits = long(LimitSettings::augment_args(clap::Command::new("limits")));
    let mut settings = long(Settings::augment_args(clap::Command::new("settings")));
    settings.retain(|name| name != "config" && !limits.contains(name));
    settings.extend(SECRET_FILES.map(file_key));
    settings.push("limits".into());
    (settings, limits)
}

fn meant(key: &str, known: &[String], limits: &[String]) -> String {
    let plain = key.replace('_', "-").to_lowercase();
    if limits.contains(&plain) && !known.contains(&plain) {
        return format!("; it belongs below [limits]: {plain}");
    }
    match nearest(&plain, known.iter().map(String::as_str)) {
        Some(name) => format!("; did you mean {name}?"),
        None => "; `hubbub serve --help` has them all".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> (Settings, String) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("hubbub.toml");
        std::fs::write(&path, text).unwrap();
        let (settings, faults) = read(&path);
        (settings, faults.iter().map(|fault| format!("{fault:#}\n")).collect())
    }

    #[test]
    fn every_key_that_is_wrong_is_said_and_the_others_are_read() {
        let (settings, said) = faults(
            "listen = \"127.0.0.1:9\"\ninstanse = \"x\"\ntoken_secret = \"hush\"\nmax-connections = 5\nwholly-other = 1\n\
             dev = \"hush\"\nstore = 5\n[limits]\ntext-byte = 9\ndata-bytes = \"hush\"\nsends-per-second = 7\n",
        );
        for words in [
            "no setting instanse; did you mean instance?",
            "no setting token_secret; did you mean token-secret?",
            "max-connections; it belongs below [limits]",
            "wholly-other; `hubbub serve --help`",
            "dev: string is not what is expected",
            "store: integer",
            "[limits]: there is no setting text-byte; did you mean text-bytes?",
            "data-bytes: string",
        ] {
            assert!(said.contains(words), "{words} is not in\n{said}");
        }
        assert!(!said.contains("hush"), "{said}");
        assert_eq!((settings.listen.unwrap().port(), settings.limits.sends_per_second), (9, Some(7)));
    }

    #[test]
    fn what_is_secret_may_be_in_a_file_of_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        // All of them: one that is known and is not read would be missed here.
        let all = SECRET_FILES.map(|variable| {
            let key = file_key(variable);
            format!("{key} = \"{}\"\n", at(&key, &format!("of {key}\n")))
        });
        let (settings, said) = faults(&all.concat());
        assert_eq!(said, "");
        let read = [&settings.store, &settings.bus, &settings.token_secret, &settings.api_key, &settings.secrets_key];
        let of = ["store", "bus", "token-secret", "api-key", "secrets-key"].map(|name| format!("of {name}-file"));
        assert_eq!(read.map(|one| one.clone().unwrap()), of);
        // These are looked into when somebody dials, and called what the file calls them.
        let (store, bus) = (settings.store_password_file.unwrap(), settings.bus_password_file.unwrap());
        assert!(store.path.ends_with("store-password-file") && bus.path.ends_with("bus-password-file"));
        assert_eq!((settings.store_password, store.by, bus.by), (None, "store-password", "bus-password"));

        let (settings, said) = faults(
            "api-key-file = 5\ntoken-secret-file = \"/nowhere/x\"\nbus = \"hush\"\nbus-file = \"y\"\n\
             store-pasword-file = \"z\"\nsecrets-key-file = \"\"\n",
        );
        for words in [
            "api-key-file: integer is not what is expected",
            "token-secret-file=/nowhere/x: No such file",
            "bus-file: bus is there as well",
            "no setting store-pasword-file; did you mean store-password-file?",
        ] {
            assert!(said.contains(words), "{words} is not in\n{said}");
        }
        assert!(!said.contains("hush") && settings.secrets_key.is_none(), "{said}");
    }

    #[test]
    fn a_file_that_is_no_toml_is_told_by_its_line() {
        let (_, said) = faults("listen = \"127.0.0.1:9\"\ntoken-secret = \"hush\n");
        assert!(said.contains("line 2") && !said.contains("hush"), "{said}");
    }
}
