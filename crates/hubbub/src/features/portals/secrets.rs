//! Secrets of all portals as they lie in the database, and sealing them anew under another key.

use super::{
    error::SupportError,
    store::{Portal, Secret},
    support::SupportChat,
    vault::{Field, Kept},
};
use crate::store::StoreError;
use hubbub_core::{model::time::Timestamp, portal::PortalId};
use std::collections::BTreeMap;

/// How often a portal is read again that others change.
const TRIES: u32 = 5;

/// How the secrets of all portals lie in the database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretsAtRest {
    /// The id of the key that seals; `None`: there is none.
    pub seals_with: Option<String>,
    /// How many are sealed with which key, by its id.
    pub sealed: BTreeMap<String, u64>,
    /// How many lie there as they are.
    pub plain: u64,
    /// Portals with secrets that cannot be opened here, and why.
    pub locked: BTreeMap<PortalId, String>,
    /// How many were sealed anew.
    pub resealed: u64,
}

impl SecretsAtRest {
    fn count(&mut self, kept: &Kept) {
        match kept.key() {
            Some(key) => *self.sealed.entry(key.to_owned()).or_default() += 1,
            None => self.plain += 1,
        }
    }
}

fn lists(portal: &mut Portal) -> [(Field, &mut Vec<Secret>); 4] {
    let secrets = &mut portal.secrets;
    [
        (Field::Outgoing, &mut secrets.outgoing),
        (Field::Incoming, &mut secrets.incoming),
        (Field::Challenge, &mut secrets.challenge),
        (Field::Access, &mut secrets.access),
    ]
}

impl SupportChat {
    /// All portals as they are seen here: with whether their secrets can be opened.
    pub(super) async fn seen(&self) -> Result<Vec<Portal>, StoreError> {
        let now = self.chat.clock.timestamp();
        Ok(self.store.portals().await?.into_iter().map(|portal| self.vault.look(portal, now)).collect())
    }

    /// How the secrets of all portals lie in the database.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn secrets_at_rest(&self) -> Result<SecretsAtRest, SupportError> {
        let mut found = SecretsAtRest { seals_with: self.vault.seals_with(), ..SecretsAtRest::default() };
        for mut portal in self.seen().await? {
            let id = portal.id.clone();
            found.locked.extend(portal.locked.take().map(|why| (id, why)));
            for (_, secrets) in lists(&mut portal) {
                secrets.iter().for_each(|secret| found.count(&secret.value));
            }
        }
        for grant in self.store.grants().await? {
            for (field, kept) in [(Field::AccessToken, &grant.access), (Field::RefreshToken, &grant.refresh)] {
                let Some(kept) = kept else { continue };
                found.count(kept);
                if let Err(locked) = self.vault.open(&grant.portal, field, kept) {
                    found.locked.insert(grant.portal.clone(), locked.to_string());
                }
            }
        }
        Ok(found)
    }

    /// Seals every secret anew that does not lie under the key that seals now. What cannot be opened here stays as it is.
    ///
    /// # Errors
    /// Where the store does not answer, or others change a portal all the time; some may have been sealed anew by then. It may
    /// be called again.
    pub async fn reseal(&self) -> Result<SecretsAtRest, SupportError> {
        let mut resealed = 0;
        for portal in self.store.portals().await? {
            resealed += self.reseal_portal(portal).await?;
        }
        for grant in self.store.grants().await? {
            let mut grant = grant;
            let mut anew = 0;
            for (field, kept) in [(Field::AccessToken, &mut grant.access), (Field::RefreshToken, &mut grant.refresh)] {
                anew += self.anew(&grant.portal, field, kept.iter_mut());
            }
            // Renewed meanwhile, it has been sealed with the key that seals.
            if anew > 0 && self.store.reseal_grant(&grant).await? {
                resealed += anew;
            }
        }
        Ok(SecretsAtRest { resealed, ..self.secrets_at_rest().await? })
    }

    async fn reseal_portal(&self, mut portal: Portal) -> Result<u64, SupportError> {
        for _ in 0..TRIES {
            let id = portal.id.clone();
            let mut anew = 0;
            for (field, secrets) in lists(&mut portal) {
                anew += self.anew(&id, field, secrets.iter_mut().map(|secret| &mut secret.value));
            }
            if anew == 0 || self.store.write_portal(&portal).await? {
                return Ok(anew);
            }
            // Somebody else was quicker.
            let Some(now) = self.store.portals().await?.into_iter().find(|now| now.id == id) else { return Ok(0) };
            portal = now;
        }
        Err(SupportError::PortalBusy)
    }

    /// Seals those anew that need it and can be opened; how many.
    fn anew<'a>(&self, portal: &PortalId, field: Field, secrets: impl Iterator<Item = &'a mut Kept>) -> u64 {
        let mut anew = 0;
        for kept in secrets {
            if let Ok(Some(newer)) = self.vault.sealed_anew(portal, field, kept) {
                *kept = newer;
                anew += 1;
            }
        }
        anew
    }

    /// The secrets of a list that are others than this one: the same one given again is there once.
    pub(super) fn others(&self, portal: &PortalId, field: Field, secrets: &mut Vec<Secret>, secret: &str) {
        secrets.retain(|old| self.vault.open(portal, field, &old.value).ok().as_deref() != Some(secret));
    }

    /// Now, as secrets go.
    pub(super) fn now(&self) -> Timestamp {
        self.chat.clock.timestamp()
    }
}
