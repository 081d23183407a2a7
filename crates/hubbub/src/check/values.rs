//! Values that are right or wrong by themselves.

use super::{Asked, Finding};
use crate::{config::MAKE_SECRET, log};
use hubbub_core::limits::{SECRET_BYTES, SECRET_BYTES_MIN};

/// The token secret, API keys and `--dev`. Nothing of them is shown but lengths.
pub(super) async fn secrets(asked: &Asked) -> Vec<Finding> {
    let set = &asked.settings;
    let long_enough = |about: &str, secret: &str| match secret.len() {
        bytes if bytes < SECRET_BYTES_MIN && !set.dev => Finding::wrong(
            about,
            format!(
                "{bytes} bytes, which can be guessed; at least {SECRET_BYTES_MIN} are needed and {SECRET_BYTES} advised"
            ),
            MAKE_SECRET,
        ),
        bytes if bytes < SECRET_BYTES => {
            Finding::warning(about, format!("{bytes} bytes; at least {SECRET_BYTES} are advised"), MAKE_SECRET)
        }
        bytes => Finding::ok(about, format!("{bytes} bytes")),
    };
    let mut findings: Vec<_> = set.token_secret.iter().map(|secret| long_enough("--token-secret", secret)).collect();
    let keys = set.api_keys();
    findings.extend(keys.iter().map(|key| long_enough("--api-key", key)));
    if keys.is_empty() && !set.dev {
        let to_do = "give one to your backend with HUBBUB_API_KEY_FILE, unless nobody calls /v1";
        findings.push(Finding::warning("--api-key", "there is none, so that /v1 is closed", to_do));
    }
    if set.dev {
        findings.push(Finding::warning(
            "--dev",
            "it hands out tokens to anybody who asks",
            "leave it out (and HUBBUB_DEV, and dev in the file) wherever somebody else can connect",
        ));
    }
    findings
}

/// `[limits]`, and what is logged.
pub(super) async fn limits_and_logs(asked: &Asked) -> Vec<Finding> {
    let set = &asked.settings;
    let mut findings = Vec::new();
    match set.limits.quota().and_then(|_| set.limits.strangers_per_address()) {
        Ok(_) => {}
        Err(error) => {
            let said = format!("{}", error.root_cause());
            let about = said.split(' ').next().unwrap_or("[limits]").to_owned();
            findings.push(Finding::wrong(about, said, "choose a number within its bounds, or leave it out"));
        }
    }
    if let Some(Err(error)) = set.log.as_deref().map(log::parse) {
        findings.push(Finding::wrong("--log", format!("{error:#}"), "the default is info"));
    }
    findings
}
