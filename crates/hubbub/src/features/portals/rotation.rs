//! The secrets of a portal: made, and replaced by others while the old ones stay good for a while.

use super::{
    store::{Secret, Secrets},
    vault::{Field, Kept},
};
use hubbub_core::{
    limits,
    model::ids::Invalid,
    portal::{
        access::{Auth, GrantKind},
        settings::PortalSettings,
        signature,
        verify::{Verify, stored_token},
    },
};

/// What a secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Ours to the portal are signed with it.
    Outgoing,
    /// The portal's to us are verified with it.
    Incoming,
    /// The portal says it in challenges.
    Challenge,
    /// Our calls to it are opened by it.
    Access,
    /// Tokens for our calls are renewed with it: the first refresh token.
    Grant,
}

impl Direction {
    /// Reads the word.
    ///
    /// # Errors
    /// When it is none of them.
    pub fn parse(word: &str) -> Result<Self, Invalid> {
        match word {
            "outgoing" => Ok(Self::Outgoing),
            "incoming" => Ok(Self::Incoming),
            "challenge" => Ok(Self::Challenge),
            "access" => Ok(Self::Access),
            "grant" => Ok(Self::Grant),
            _ => Err(Invalid::new("direction", "one of outgoing, incoming, challenge, access, grant")),
        }
    }

    /// As what it is sealed.
    pub const fn field(self) -> Field {
        match self {
            Self::Outgoing => Field::Outgoing,
            Self::Incoming => Field::Incoming,
            Self::Challenge => Field::Challenge,
            Self::Access => Field::Access,
            Self::Grant => Field::RefreshToken,
        }
    }

    /// Where it is kept; that of a grant is kept elsewhere.
    pub const fn list(self, secrets: &mut Secrets) -> Option<&mut Vec<Secret>> {
        match self {
            Self::Outgoing => Some(&mut secrets.outgoing),
            Self::Incoming => Some(&mut secrets.incoming),
            Self::Challenge => Some(&mut secrets.challenge),
            Self::Access => Some(&mut secrets.access),
            Self::Grant => None,
        }
    }
}

/// A new secret.
#[derive(Clone, PartialEq, Eq)]
pub struct MadeSecret {
    /// The secret, to be shown once.
    pub shown: String,
    /// What is kept of it: the secret or, where that is enough to verify, its digest.
    pub kept: String,
}

impl std::fmt::Debug for MadeSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MadeSecret(…)")
    }
}

impl MadeSecret {
    /// The secret that was `given`, or one made of `random` bytes, for a portal with these settings.
    ///
    /// # Errors
    /// When the given secret has not the form that it needs; without saying the secret.
    pub fn new(
        direction: Direction,
        settings: &PortalSettings,
        given: Option<&str>,
        random: [u8; 32],
    ) -> Result<Self, Invalid> {
        // Vendors' tokens are as long as they are.
        let is_ours = matches!(direction, Direction::Outgoing | Direction::Incoming);
        if let Some(bytes) = given.filter(|_| is_ours).map(str::len).filter(|bytes| *bytes < limits::SECRET_BYTES) {
            tracing::warn!("a portal's secret has {bytes} bytes; at least {} are advised", limits::SECRET_BYTES);
        }
        match direction {
            Direction::Outgoing => {
                let shown = given.map_or_else(|| signature::make_secret(random), ToOwned::to_owned);
                signature::parse_secret(&shown).map_err(|invalid| Invalid { field: "outgoing_secret", ..invalid })?;
                Ok(Self { kept: shown.clone(), shown })
            }
            Direction::Incoming => {
                if given.is_none() && settings.verify.is_by_public_key() {
                    let why = "missing: it is the vendor's public key, which nobody else can make";
                    return Err(Invalid::new("incoming_secret", why));
                }
                let shown = given.map_or_else(|| settings.verify.make(random), ToOwned::to_owned);
                let kept = settings.verify.stored(&shown);
                let kept = kept.map_err(|invalid| Invalid { field: "incoming_secret", ..invalid })?;
                Ok(Self { shown, kept })
            }
            Direction::Challenge => {
                let shown = given.map_or_else(|| Verify::Path.make(random), ToOwned::to_owned);
                let kept = stored_token(&shown);
                let kept = kept.map_err(|invalid| Invalid { field: "challenge_secret", ..invalid })?;
                Ok(Self { shown, kept })
            }
            Direction::Access | Direction::Grant => {
                let shown =
                    given.ok_or_else(|| Invalid::new("secret", "missing: nobody but the vendor can make it"))?;
                let auth = settings.auth();
                if direction == Direction::Access {
                    auth.check_secret(shown)?;
                } else {
                    let is_wanted = auth.oauth().is_some_and(|oauth| oauth.grant == GrantKind::RefreshToken);
                    if !is_wanted {
                        return Err(Invalid::new("direction", "grant is for an `auth` of oauth2 with refresh_token"));
                    }
                    Auth::Bearer {}.check_secret(shown)?;
                }
                Ok(Self { kept: shown.to_owned(), shown: shown.to_owned() })
            }
        }
    }
}

/// Puts a secret before the old ones. They stay good until `until` at the longest; those that are good no more `now`, and the
/// oldest beyond [`limits::PORTAL_SECRETS`], are dropped. Times are milliseconds since 1970.
pub fn rotate(secrets: &mut Vec<Secret>, kept: Kept, until: i64, now: i64) {
    secrets.retain(|old| old.value != kept && old.until.is_none_or(|until| until > now));
    for old in secrets.iter_mut() {
        old.until = Some(old.until.map_or(until, |before| before.min(until)));
    }
    secrets.insert(0, Secret { value: kept, until: None });
    secrets.truncate(limits::PORTAL_SECRETS);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(value: &str, until: Option<i64>) -> Secret {
        Secret { value: value.into(), until }
    }

    fn rotated(old: &[Secret], kept: &str, until: i64) -> Vec<Secret> {
        let mut secrets = old.to_vec();
        rotate(&mut secrets, kept.into(), until, 100);
        secrets
    }

    #[test]
    fn old_secrets_stay_good_for_a_while_and_never_longer_than_before() {
        let old = [secret("b", None), secret("a", Some(150))];
        for (until, b, a) in [(200, 200, 150), (120, 120, 120)] {
            let expected = [secret("c", None), secret("b", Some(b)), secret("a", Some(a))];
            assert_eq!(rotated(&old, "c", until), expected[..limits::PORTAL_SECRETS.min(3)], "{until}");
        }
    }

    #[test]
    fn what_is_good_no_more_is_dropped_and_a_secret_is_there_once() {
        let old = [secret("b", None), secret("a", Some(100))];
        assert_eq!(rotated(&old, "c", 200), [secret("c", None), secret("b", Some(200))]);
        assert_eq!(rotated(&old, "b", 200), [secret("b", None)], "given again, it is not limited");
    }

    #[test]
    fn there_are_never_more_than_the_limit() {
        let old: Vec<_> = (0..limits::PORTAL_SECRETS).map(|n| secret(&n.to_string(), Some(500))).collect();
        let rotated = rotated(&old, "new", 200);
        assert_eq!(rotated.len(), limits::PORTAL_SECRETS);
        assert_eq!((rotated[0].value.as_row(), rotated[1].value.as_row()), ("new", "0"));
    }

    #[test]
    fn secrets_are_made_or_checked_for_their_direction() {
        let settings = PortalSettings::default();
        for direction in [Direction::Outgoing, Direction::Incoming, Direction::Challenge] {
            let made = MadeSecret::new(direction, &settings, None, [7; 32]).unwrap();
            let given = MadeSecret::new(direction, &settings, Some(&made.shown), [0; 32]).unwrap();
            assert_eq!(given, made);
        }
        let refused = MadeSecret::new(Direction::Outgoing, &settings, Some("hush"), [0; 32]).unwrap_err();
        assert!(refused.field == "outgoing_secret" && !refused.problem.contains("hush"), "{refused}");
        let refused = MadeSecret::new(Direction::Incoming, &settings, Some("hush"), [0; 32]).unwrap_err();
        assert!(refused.field == "incoming_secret" && !refused.problem.contains("hush"), "{refused}");
        for (direction, given) in
            [(Direction::Access, None), (Direction::Access, Some("")), (Direction::Grant, Some("hush"))]
        {
            let refused = MadeSecret::new(direction, &settings, given, [0; 32]).unwrap_err();
            assert!(!refused.problem.contains("hush"), "{refused}");
        }
        let made = MadeSecret::new(Direction::Access, &settings, Some("hush"), [0; 32]).unwrap();
        assert_eq!((&*made.kept, format!("{made:?}").contains("hush")), ("hush", false));
        assert_eq!(Direction::parse("incoming"), Ok(Direction::Incoming));
        assert!(Direction::parse("both").is_err());
    }
}
