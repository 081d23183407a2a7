//! Secrets of portals at rest: sealed under the keys of `--secrets-key`, each bound to its portal and to what it is for. Without
//! a key they lie in the database as they are.
//!
//! What lies there ([`Kept`]) is opened where it is used and never written back: an instance that cannot open a secret carries
//! it as it is, and does not serve its portal.

use super::store::{Portal, Secret};
use crate::{
    crypto::seal::{self, SealKeys},
    log::Seldom,
};
use hubbub_core::{
    model::{ids::Invalid, time::Timestamp},
    portal::PortalId,
};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    sync::{PoisonError, RwLock},
};

/// A secret as it lies in the database: sealed, or as it is.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kept(String);

impl Kept {
    /// What lies in a row.
    pub fn as_row(&self) -> &str {
        &self.0
    }

    /// The id of the key that sealed it; `None`: it is not sealed.
    pub fn key(&self) -> Option<&str> {
        seal::is_sealed(&self.0).then(|| seal::key_of(&self.0).unwrap_or("unknown"))
    }
}

impl From<String> for Kept {
    fn from(row: String) -> Self {
        Self(row)
    }
}

impl From<&str> for Kept {
    fn from(row: &str) -> Self {
        Self(row.to_owned())
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept(…)")
    }
}

static PLAIN: Seldom = Seldom::new();

/// What a secret is for: it is opened as nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Our webhooks are signed with it.
    Outgoing,
    /// Webhooks to us are verified with it.
    Incoming,
    /// The portal says it in challenges.
    Challenge,
    /// It opens the portal to our calls.
    Access,
    /// A token that does, fetched.
    AccessToken,
    /// What renews that token.
    RefreshToken,
}

impl Field {
    const fn word(self) -> &'static str {
        match self {
            Self::Outgoing => "outgoing",
            Self::Incoming => "incoming",
            Self::Challenge => "challenge",
            Self::Access => "access",
            Self::AccessToken => "access_token",
            Self::RefreshToken => "refresh_token",
        }
    }
}

/// A secret cannot be opened here; why, in words without it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Locked(String);

/// See the module.
#[derive(Debug, Default)]
pub struct Vault {
    keys: RwLock<SealKeys>,
    /// It is said where a secret is kept as it is.
    warns: bool,
}

impl Vault {
    /// Seals with the first of these keys, and opens with all.
    pub const fn new(keys: SealKeys) -> Self {
        Self { keys: RwLock::new(keys), warns: false }
    }

    /// The same; whether it is said where a secret is kept as it is.
    #[must_use]
    pub const fn warning(mut self, warns: bool) -> Self {
        self.warns = warns;
        self
    }

    /// Other keys from now on.
    pub fn replace(&self, keys: SealKeys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    fn keys(&self) -> SealKeys {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The id of the key that seals; `None`: there is none.
    pub fn seals_with(&self) -> Option<String> {
        self.keys().ids().next().map(ToOwned::to_owned)
    }

    /// What is to be kept of a secret.
    ///
    /// # Errors
    /// Without a key, of a text that would be taken for a sealed one.
    pub fn seal(&self, portal: &PortalId, field: Field, text: &str) -> Result<Kept, Invalid> {
        match self.keys().seal(&place(portal, field), text, rand::random()) {
            Some(sealed) => Ok(Kept(sealed)),
            None if seal::is_sealed(text) => {
                Err(Invalid::new("secret", "without --secrets-key it may not begin with sealed:"))
            }
            None => {
                if self.warns
                    && let Some(passed_over) = PLAIN.tell()
                {
                    let field = field.word();
                    tracing::warn!(%portal, field, passed_over, "no --secrets-key: a secret is kept as it is");
                }
                Ok(Kept(text.to_owned()))
            }
        }
    }

    /// The secret itself.
    ///
    /// # Errors
    /// Why it cannot be opened here.
    pub fn open(&self, portal: &PortalId, field: Field, kept: &Kept) -> Result<String, Locked> {
        let opened = self.keys().open(&place(portal, field), &kept.0);
        opened.map_err(|why| Locked(format!("its {} secret cannot be opened here: {why}", field.word())))
    }

    /// Those that are good now, the newest first.
    ///
    /// # Errors
    /// Where one of them cannot be opened: without it what is right would be taken for wrong.
    pub fn good(
        &self,
        portal: &PortalId,
        field: Field,
        secrets: &[Secret],
        now: Timestamp,
    ) -> Result<Vec<String>, Locked> {
        let good = secrets.iter().filter(|secret| secret.until.is_none_or(|until| now.0 < until));
        good.map(|secret| self.open(portal, field, &secret.value)).collect()
    }

    /// A portal as it is seen here: whether its secrets can be opened.
    pub fn look(&self, portal: Portal, now: Timestamp) -> Portal {
        let fields = [
            (Field::Outgoing, &portal.secrets.outgoing),
            (Field::Incoming, &portal.secrets.incoming),
            (Field::Challenge, &portal.secrets.challenge),
            (Field::Access, &portal.secrets.access),
        ];
        let locked = fields.into_iter().find_map(|(field, secrets)| self.good(&portal.id, field, secrets, now).err());
        Portal { locked: locked.map(|Locked(why)| why), ..portal }
    }

    /// The same secret under the key that seals now; `None`: it is as it should be. Without a key what is sealed stays so.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub fn sealed_anew(&self, portal: &PortalId, field: Field, kept: &Kept) -> Result<Option<Kept>, Locked> {
        let Some(key) = self.seals_with() else { return Ok(None) };
        if kept.key() == Some(&key) {
            return Ok(None);
        }
        let text = self.open(portal, field, kept)?;
        self.seal(portal, field, &text).map(Some).map_err(|invalid| Locked(invalid.to_string()))
    }
}

/// What a sealed secret is bound to. An id of a portal has no line break.
fn place(portal: &PortalId, field: Field) -> String {
    format!("hubbub portal\n{portal}\n{}", field.word())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::portals::store::{PortalStanding, Secrets};

    fn vault(keys: &str) -> Vault {
        Vault::new(SealKeys::parse(keys).unwrap())
    }

    fn id(id: &str) -> PortalId {
        PortalId::parse(id).unwrap()
    }

    fn key(n: u8) -> String {
        format!("{n:02x}").repeat(32)
    }

    fn portal(value: Kept, until: Option<i64>) -> Portal {
        let secret = Secret { value, until };
        Portal {
            id: id("desk"),
            settings: hubbub_core::portal::settings::PortalSettings::default(),
            secrets: Secrets { incoming: vec![secret], ..Secrets::default() },
            standing: PortalStanding::Active,
            revision: 0,
            created_at: Timestamp(0),
            succeeded_at: None,
            trouble: None,
            locked: None,
        }
    }

    #[test]
    fn a_secret_is_opened_for_its_portal_and_field_alone() {
        let vault = vault(&key(1));
        let kept = vault.seal(&id("desk"), Field::Access, "hush").unwrap();
        assert_eq!(vault.open(&id("desk"), Field::Access, &kept).unwrap(), "hush");
        assert!(vault.open(&id("desk2"), Field::Access, &kept).is_err());
        for field in [Field::Outgoing, Field::Incoming, Field::AccessToken, Field::RefreshToken] {
            let why = vault.open(&id("desk"), field, &kept).unwrap_err().to_string();
            assert!(why.contains("changed or moved") && !why.contains("hush"), "{why}");
        }
        assert!(!format!("{kept:?}{vault:?}").contains(&key(1)[..8]));
    }

    #[test]
    fn without_a_key_secrets_are_kept_as_they_are_and_go_on_working_with_one() {
        let plain = Vault::default();
        let kept = plain.seal(&id("desk"), Field::Incoming, "hush").unwrap();
        assert_eq!((kept.as_row(), kept.key()), ("hush", None));
        assert_eq!(vault(&key(1)).open(&id("desk"), Field::Incoming, &kept).unwrap(), "hush");
        assert!(plain.seal(&id("desk"), Field::Incoming, "sealed:1:a:b").is_err());
        let odd = vault(&key(1)).seal(&id("desk"), Field::Incoming, "sealed:1:a:b").unwrap();
        assert_eq!(vault(&key(1)).open(&id("desk"), Field::Incoming, &odd).unwrap(), "sealed:1:a:b");
    }

    #[test]
    fn a_portal_whose_secrets_are_good_and_cannot_be_opened_is_locked() {
        let kept = vault(&key(1)).seal(&id("desk"), Field::Incoming, "hush").unwrap();
        let seen = |vault: &Vault, until| vault.look(portal(kept.clone(), until), Timestamp(100)).locked;
        assert_eq!(seen(&vault(&key(1)), None), None);
        assert_eq!(seen(&vault(&format!("{},{}", key(2), key(1))), None), None);
        let why = seen(&vault(&key(2)), None).expect("locked");
        assert!(why.contains("its incoming secret cannot be opened here") && why.contains("--secrets-key"), "{why}");
        assert!(seen(&Vault::default(), Some(101)).is_some());
        assert_eq!(seen(&Vault::default(), Some(100)), None, "it is good no more");
    }

    #[test]
    fn a_secret_is_sealed_anew_once_under_the_key_that_seals() {
        let (old, both) = (vault(&key(1)), vault(&format!("{},{}", key(2), key(1))));
        let desk = id("desk");
        let anew = |vault: &Vault, kept: &Kept| vault.sealed_anew(&desk, Field::Incoming, kept);
        for kept in [old.seal(&desk, Field::Incoming, "hush").unwrap(), Kept::from("hush")] {
            let newer = anew(&both, &kept).unwrap().expect("another");
            assert_eq!(newer.key().map(ToOwned::to_owned), both.seals_with());
            assert_eq!(vault(&key(2)).open(&desk, Field::Incoming, &newer).unwrap(), "hush");
            assert_eq!(anew(&both, &newer).unwrap(), None);
            assert_eq!(anew(&Vault::default(), &newer).unwrap(), None, "nothing is opened for good");
            assert!(anew(&old, &newer).is_err());
        }
    }
}
