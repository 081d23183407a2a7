//! Whose tokens are taken.

use super::{Asked, Finding};
use crate::{
    config::{NO_SECRET, read_keys},
    token::explain::{Explained, explain},
};
use anyhow::Context;
use std::{io::Read, path::Path};

/// What is here: the secret, key files, what tokens must say.
pub(super) async fn local(asked: &Asked) -> Vec<Finding> {
    let set = &asked.settings;
    let mut findings = Vec::new();
    if set.token_secret.is_none() && set.token_public_key.is_empty() && set.token_jwks.is_none() && !set.dev {
        let to_do = "give HUBBUB_TOKEN_SECRET_FILE where your backend signs tokens, --token-public-key or --token-jwks where an identity provider does";
        findings.push(Finding::wrong("--token-secret", NO_SECRET.trim_start_matches("--token-secret "), to_do));
    }
    for path in &set.token_public_key {
        let about = format!("--token-public-key {}", path.display());
        match read_keys(path) {
            Ok(keys) => {
                let keys: Vec<_> = keys.iter().map(ToString::to_string).collect();
                findings.push(Finding::ok(about, keys.join("; ")));
            }
            Err(error) => {
                let to_do = "name a PEM file with the public key of whoever signs your users' tokens";
                findings.push(Finding::wrong(about, format!("{error:#}"), to_do));
            }
        }
    }
    if let Err(error) = set.requirements() {
        findings.push(Finding::refused("--token-…", &error));
    }
    // A provider signs for others, too.
    if (set.token_jwks.is_some() || !set.token_public_key.is_empty()) && set.token_audience.is_none() {
        findings.push(Finding::warning(
            "--token-audience",
            "not set: a token that your identity provider made for another application is taken here, too",
            "set it to what your provider puts into aud for this one (--token-audience-claim names another claim), and --token-issuer to its iss",
        ));
    }
    findings
}

/// What is published elsewhere.
pub(super) async fn jwks(asked: &Asked) -> Vec<Finding> {
    let at = match asked.settings.jwks_at() {
        Ok(None) => return Vec::new(),
        Ok(Some(at)) => at,
        Err(error) => return vec![Finding::refused("--token-jwks", &error)],
    };
    let about = format!("--token-jwks {at}");
    match at.fetch().await {
        Ok((set, good_for)) => {
            let keys: Vec<_> =
                set.keys().iter().map(|key| format!("{} {key}", key.id().unwrap_or("without kid"))).collect();
            let mut findings =
                vec![Finding::ok(about.clone(), format!("{}; fetched anew every {good_for:?}", keys.join("; ")))];
            findings.extend(set.unusable.iter().map(|why| {
                Finding::warning(
                    about.clone(),
                    why,
                    "it is left out; nothing is to be done unless your tokens are signed with it",
                )
            }));
            findings
        }
        Err(error) => vec![Finding::wrong(
            about,
            format!("{error:#}"),
            "see with `curl` from this machine whether it answers with {\"keys\":[…]}; --token-jwks-ca where its certificate is from a CA of your own",
        )],
    }
}

/// A token that was given to be looked at.
pub(super) async fn example(asked: &Asked) -> Vec<Finding> {
    let Some(path) = &asked.token else { return Vec::new() };
    let about = format!("--token {}", path.display());
    let token = match read(path) {
        Ok(token) => token,
        Err(error) => {
            return vec![Finding::wrong(
                about,
                format!("{error:#}"),
                "name a file with a token, or - for standard input",
            )];
        }
    };
    match asked.settings.trust() {
        // Which is said above.
        Err(_) => Vec::new(),
        Ok(trust) => vec![match explain(&trust, token.trim()).await {
            Explained::Taken(says) => Finding::ok(about, says),
            Explained::But(says, to_do) => Finding::warning(about, says, to_do),
            Explained::Refused(why, to_do) => Finding::wrong(about, why, &to_do),
        }],
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    const MOST: u64 = 64 * 1024;
    let mut token = String::new();
    let source: Box<dyn Read> = match path.as_os_str() == "-" {
        true => Box::new(std::io::stdin()),
        false => Box::new(std::fs::File::open(path)?),
    };
    source.take(MOST).read_to_string(&mut token).context("a token is text")?;
    Ok(token)
}
