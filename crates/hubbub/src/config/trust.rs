//! Whose tokens are taken.

use super::{Settings, duration};
use crate::token::{AUDIENCE_CLAIM, INFO_CLAIM, OTHER_CLAIMS, Requirements, Trust, USER_CLAIM, jwks::JwksAt, key::Key};
use anyhow::{Context, bail};
use hubbub_core::limits::{self, TOKEN_KEYS};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// What to say where there is no secret.
pub const NO_SECRET: &str = "--token-secret is missing or empty (or HUBBUB_TOKEN_SECRET, HUBBUB_TOKEN_SECRET_FILE, token-secret in --config FILE)";

impl Settings {
    /// Everything tokens are checked with.
    ///
    /// # Errors
    /// What is wrong and what to do.
    pub fn trust(&self) -> anyhow::Result<Trust> {
        let required = self.requirements()?;
        let public_keys = public_keys(&self.token_public_key)?;
        let jwks = self.jwks_at()?;
        if self.token_secret.is_none() && public_keys.is_empty() && jwks.is_none() {
            bail!("{NO_SECRET}, and there is neither --token-public-key nor --token-jwks; --dev makes a secret up");
        }
        Ok(Trust { secret: self.token_secret.clone(), public_keys, jwks, required })
    }

    /// Where keys are published.
    ///
    /// # Errors
    /// What is wrong and what to do.
    pub fn jwks_at(&self) -> anyhow::Result<Option<JwksAt>> {
        let ca = self
            .token_jwks_ca
            .as_ref()
            .map(|path| std::fs::read(path).with_context(|| format!("--token-jwks-ca {}", path.display())));
        match (&self.token_jwks, ca.transpose()?) {
            (Some(url), ca) => JwksAt::parse(url, ca, self.dev).map(Some),
            (None, Some(_)) => {
                bail!("--token-jwks-ca is there and --token-jwks is not; name the URL, or leave both out")
            }
            (None, None) => Ok(None),
        }
    }

    /// What tokens must say.
    ///
    /// # Errors
    /// What is wrong and what to do.
    pub fn requirements(&self) -> anyhow::Result<Requirements> {
        let named = |set: &Option<String>, default: &str| set.clone().unwrap_or_else(|| default.into());
        let required = Requirements {
            issuers: listed(self.token_issuer.as_deref()),
            audiences: listed(self.token_audience.as_deref()),
            audience_claim: named(&self.token_audience_claim, AUDIENCE_CLAIM),
            claims: listed(self.token_require.as_deref()).iter().map(|one| claim(one)).collect::<Result<_, _>>()?,
            user_claim: named(&self.token_user_claim, USER_CLAIM),
            info_claim: named(&self.token_info_claim, INFO_CLAIM),
            max_life: self.token_max_life.as_deref().map(max_life).transpose()?,
        };
        let Requirements { user_claim, info_claim, audience_claim, .. } = &required;
        if OTHER_CLAIMS.contains(&user_claim.as_str()) || user_claim == info_claim {
            bail!("--token-user-claim {user_claim}: this claim means something else; name the one with the user's id");
        }
        if OTHER_CLAIMS.contains(&info_claim.as_str()) {
            bail!("--token-info-claim {info_claim}: this claim means something else; name one of your own");
        }
        if audience_claim != AUDIENCE_CLAIM && OTHER_CLAIMS.contains(&audience_claim.as_str()) {
            bail!(
                "--token-audience-claim {audience_claim}: this claim says nothing of whom a token is for; client_id and azp do where aud does not"
            );
        }
        if self.token_audience_claim.is_some() && required.audiences.is_empty() {
            bail!("--token-audience-claim is there and --token-audience is not; say what the claim has to be");
        }
        Ok(required)
    }
}

/// What stands between commas.
fn listed(text: Option<&str>) -> Vec<String> {
    let parts = text.into_iter().flat_map(|text| text.split(',')).map(str::trim);
    parts.filter(|one| !one.is_empty()).map(Into::into).collect()
}

/// One of `--token-require`.
fn claim(text: &str) -> anyhow::Result<(String, String)> {
    match text.split_once('=') {
        Some((claim, value)) if !claim.is_empty() && !value.is_empty() => Ok((claim.into(), value.into())),
        _ => bail!("--token-require {text}: claims and their values are expected, like token_use=access,scope=chat"),
    }
}

fn max_life(text: &str) -> anyhow::Result<Duration> {
    let life = duration(text).with_context(|| format!("--token-max-life {text}"))?;
    if !(limits::TOKEN_MAX_LIFE_MIN..=limits::TOKEN_LIFE_MAX).contains(&life) {
        let (least, most) = (limits::TOKEN_MAX_LIFE_MIN.as_secs(), limits::TOKEN_LIFE_MAX.as_secs());
        bail!(
            "--token-max-life {text}: at least {least} s and at most {most} s are expected; leave it out for no limit"
        );
    }
    Ok(life)
}

fn public_keys(paths: &[PathBuf]) -> anyhow::Result<Vec<Key>> {
    let mut keys = Vec::new();
    for path in paths {
        keys.extend(read_keys(path)?);
    }
    if keys.len() > TOKEN_KEYS {
        bail!("--token-public-key: {} keys in all; the limit is {TOKEN_KEYS}", keys.len());
    }
    Ok(keys)
}

/// The public keys in a PEM file.
///
/// # Errors
/// What is wrong and what to do.
pub fn read_keys(path: &Path) -> anyhow::Result<Vec<Key>> {
    let said = || format!("--token-public-key {}", path.display());
    let text = std::fs::read_to_string(path).with_context(said)?;
    Key::of_pem(&text).with_context(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Change = fn(&mut Settings);

    fn required(change: impl FnOnce(&mut Settings)) -> Result<Requirements, String> {
        let mut set = Settings::default();
        change(&mut set);
        set.requirements().map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn what_tokens_must_say_is_read_or_refused() {
        let some = required(|set| {
            set.token_issuer = Some("https://a/, https://b/".into());
            set.token_audience = Some("chat,".into());
            set.token_audience_claim = Some("client_id".into());
            set.token_require = Some("token_use=access, https://x.example/a=b=c".into());
            set.token_max_life = Some("1h".into());
        });
        let some = some.unwrap();
        assert_eq!(
            (some.issuers, some.audiences),
            (vec!["https://a/".into(), "https://b/".into()], vec!["chat".into()])
        );
        assert_eq!(some.audience_claim, "client_id");
        let claim = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(some.claims, [claim("token_use", "access"), claim("https://x.example/a", "b=c")]);
        assert_eq!(some.max_life, Some(Duration::from_secs(3_600)));
        assert_eq!(required(|_| {}).unwrap(), Requirements::default());
        let wrong: [(Change, &str); 9] = [
            (|set| set.token_require = Some("scope".into()), "--token-require scope: claims and their values"),
            (|set| set.token_require = Some("=x".into()), "--token-require =x"),
            (|set| set.token_audience_claim = Some("azp".into()), "--token-audience is not"),
            (
                |set| set.token_audience_claim = Some("exp".into()),
                "--token-audience-claim exp: this claim says nothing",
            ),
            (|set| set.token_user_claim = Some("aud".into()), "--token-user-claim aud"),
            (|set| set.token_user_claim = Some("info".into()), "--token-user-claim info"),
            (|set| set.token_info_claim = Some("sub".into()), "--token-user-claim sub"),
            (|set| set.token_info_claim = Some("iat".into()), "--token-info-claim iat"),
            (|set| set.token_max_life = Some("11000d".into()), "at most 315360000 s"),
        ];
        for (change, says) in wrong {
            let error = required(change).unwrap_err();
            assert!(error.contains(says), "{says}: {error}");
        }
    }
}
