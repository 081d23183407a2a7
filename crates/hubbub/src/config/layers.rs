//! What is set in several places, and which of them holds.

use anyhow::Context;
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// Several of something: those of the first layer that names any.
pub(super) fn listed(set: Vec<PathBuf>, file: Vec<PathBuf>) -> Vec<PathBuf> {
    let named = |paths: Vec<PathBuf>| paths.into_iter().filter(|path| !path.as_os_str().is_empty()).collect::<Vec<_>>();
    Some(named(set)).filter(|set| !set.is_empty()).unwrap_or_else(|| named(file))
}

/// What is empty is not set: `HUBBUB_X=` is how many tools say "none".
pub(super) fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

pub(super) fn named(path: Option<PathBuf>) -> Option<PathBuf> {
    path.filter(|path| !path.as_os_str().is_empty())
}

/// A setting that may hold a secret: as it is set, or else from the file that `variable` names, or else from the TOML file.
pub(super) fn secret(set: Option<String>, variable: &str, file: Option<String>) -> anyhow::Result<Option<String>> {
    secret_from(set, variable, std::env::var_os(variable), file)
}

pub(super) fn secret_from(
    set: Option<String>,
    variable: &str,
    path: Option<OsString>,
    file: Option<String>,
) -> anyhow::Result<Option<String>> {
    if let Some(set) = given(set) {
        return Ok(Some(set));
    }
    let kept = match path.filter(|path| !path.is_empty()) {
        Some(path) => secret_in(path.as_ref()).with_context(|| format!("{variable}={}", path.display()))?,
        None => None,
    };
    Ok(kept.or(given(file)))
}

/// What a file holds, without the ends of lines at its end.
pub(super) fn secret_in(path: &Path) -> std::io::Result<Option<String>> {
    let text = std::fs::read_to_string(path)?;
    Ok(given(Some(text.trim_end_matches(['\r', '\n']).to_owned())))
}

pub(super) fn yes_or_no(text: &str) -> Result<bool, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "" | "0" | "n" | "no" | "off" | "false" => Ok(false),
        "1" | "y" | "yes" | "on" | "true" => Ok(true),
        _ => Err("yes or no is expected".into()),
    }
}

pub(super) fn make_secret() -> String {
    let bytes: [u8; 24] = rand::random();
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// A file that a password is read from at every dial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptIn {
    /// The file.
    pub path: PathBuf,
    /// The setting whose file it is, as it is called where the file is named: `HUBBUB_STORE_PASSWORD`, `store-password`.
    pub by: &'static str,
}

/// The file of a password, where there is no value over it: the one that the environment names, or else that of the TOML file.
pub(super) fn kept_in(set: Option<&String>, by: &'static str, file: Option<KeptIn>) -> Option<KeptIn> {
    match set {
        Some(_) => None,
        None => named(std::env::var_os(format!("{by}_FILE")).map(Into::into)).map(|path| KeptIn { path, by }).or(file),
    }
}
