//! Portals, as operators make and change them.

use super::{
    error::SupportError,
    rotation::{Direction, MadeSecret, rotate},
    store::{Portal, PortalStanding, Secret, Secrets},
    support::SupportChat,
};
use hubbub_core::{
    limits,
    model::ids::Invalid,
    portal::{PortalId, mapping::Mapped, settings::PortalSettings},
};
use std::time::Duration;

/// How often a change is tried that meets changes by others.
const TRIES: u32 = 5;

/// A portal to be made.
#[derive(Debug, Clone)]
pub struct PortalWish {
    /// Its id.
    pub id: String,
    /// Its settings.
    pub settings: PortalSettings,
    /// What our webhooks are to be signed with; made where none is given.
    pub outgoing_secret: Option<String>,
    /// What its webhooks are to be verified with; made where none is given.
    pub incoming_secret: Option<String>,
}

/// A portal that was made, and its secrets, which are shown this once.
#[derive(Debug, Clone)]
pub struct MadePortal {
    /// The portal.
    pub portal: Portal,
    /// What our webhooks are signed with.
    pub outgoing_secret: String,
    /// What its webhooks are verified with.
    pub incoming_secret: String,
}

/// Checks settings, and that they are not too long: what can be checked without a network.
///
/// # Errors
/// The field, and what is wrong with it.
pub fn check_settings(settings: &PortalSettings) -> Result<(), Invalid> {
    settings.check()?;
    let bytes = serde_json::to_string(settings).map_or(usize::MAX, |json| json.len());
    if bytes > limits::PORTAL_SETTINGS_BYTES {
        return Err(Invalid::too_long("settings", bytes, limits::PORTAL_SETTINGS_BYTES));
    }
    Ok(())
}

impl SupportChat {
    /// All portals, by id.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn portals(&self) -> Result<Vec<Portal>, SupportError> {
        Ok(self.store.portals().await?)
    }

    /// A portal.
    ///
    /// # Errors
    /// Where there is none of this id, or it cannot be an id.
    pub async fn portal(&self, id: &str) -> Result<Portal, SupportError> {
        let id = PortalId::parse(id)?;
        let portal = self.store.portals().await?.into_iter().find(|portal| portal.id == id);
        portal.ok_or(SupportError::UnknownPortal)
    }

    /// Makes a portal.
    ///
    /// # Errors
    /// Where there is one of this id, there are [`limits::PORTALS`] already, or something about it cannot be.
    pub async fn create_portal(&self, wish: PortalWish) -> Result<MadePortal, SupportError> {
        check_settings(&wish.settings)?;
        if self.store.portals().await?.len() >= limits::PORTALS {
            return Err(SupportError::TooManyPortals);
        }
        let secret = |direction, given: &Option<String>| {
            MadeSecret::new(direction, &wish.settings, given.as_deref(), rand::random())
        };
        let outgoing = secret(Direction::Outgoing, &wish.outgoing_secret)?;
        let incoming = secret(Direction::Incoming, &wish.incoming_secret)?;
        let good = |value: String| vec![Secret { value, until: None }];
        let portal = Portal {
            id: PortalId::parse_as("id", &wish.id)?,
            secrets: Secrets { outgoing: good(outgoing.kept), incoming: good(incoming.kept) },
            settings: wish.settings,
            standing: PortalStanding::Active,
            revision: 0,
            created_at: self.chat.clock.timestamp(),
            succeeded_at: None,
        };
        if !self.store.create_portal(&portal).await? {
            return Err(SupportError::PortalExists);
        }
        let portal = self.portal(&wish.id).await?;
        Ok(MadePortal { portal, outgoing_secret: outgoing.shown, incoming_secret: incoming.shown })
    }

    /// Gives a portal other settings, as a whole; instances follow within 2 seconds.
    ///
    /// # Errors
    /// Where there is no such portal, the settings cannot be, or others change the portal all the time.
    pub async fn configure_portal(&self, id: &str, settings: &PortalSettings) -> Result<Portal, SupportError> {
        check_settings(settings)?;
        let (portal, ()) = self
            .change_portal(id, |portal| {
                portal.settings = settings.clone();
                Ok(())
            })
            .await?;
        Ok(portal)
    }

    /// Gives a portal another secret, the `given` one or a new one, and returns it: it is not shown again. The old one stays
    /// good beside it for `keep`.
    ///
    /// # Errors
    /// Where there is no such portal, the secret has not the form that it needs, or others change the portal all the time.
    pub async fn rotate_secret(
        &self,
        id: &str,
        direction: Direction,
        given: Option<&str>,
        keep: Duration,
    ) -> Result<(Portal, String), SupportError> {
        let keep = i64::try_from(keep.as_secs()).unwrap_or(i64::MAX).saturating_mul(1_000);
        let until = self.chat.clock.timestamp().0.saturating_add(keep);
        self.change_portal(id, |portal| {
            let secret = MadeSecret::new(direction, &portal.settings, given, rand::random())?;
            let secrets = match direction {
                Direction::Outgoing => &mut portal.secrets.outgoing,
                Direction::Incoming => &mut portal.secrets.incoming,
            };
            rotate(secrets, secret.kept, until, self.chat.clock.timestamp().0);
            Ok(secret.shown)
        })
        .await
    }

    /// Pauses a portal, or resumes it whether it was paused or disabled.
    ///
    /// # Errors
    /// Where there is no such portal, or others change it all the time.
    pub async fn set_standing(&self, id: &str, standing: PortalStanding) -> Result<Portal, SupportError> {
        let (portal, ()) = self
            .change_portal(id, |portal| {
                portal.standing = standing.clone();
                Ok(())
            })
            .await?;
        Ok(portal)
    }

    /// What a body would become if the portal sent it, without its signature; and the portal. Nothing is stored.
    ///
    /// # Errors
    /// Where there is no such portal, or its mapping finds nothing in the body.
    pub async fn dry_run(
        &self,
        id: &str,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Result<(Portal, Mapped), SupportError> {
        let portal = self.portal(id).await?;
        let mapped = portal.settings.mapping.read(content_type, body)?;
        Ok((portal, mapped))
    }

    /// Changes a portal as it is now; once more where somebody else was quicker.
    async fn change_portal<T>(
        &self,
        id: &str,
        mut change: impl FnMut(&mut Portal) -> Result<T, SupportError>,
    ) -> Result<(Portal, T), SupportError> {
        for _ in 0..TRIES {
            let mut portal = self.portal(id).await?;
            let answer = change(&mut portal)?;
            if self.store.write_portal(&portal).await? {
                return Ok((portal, answer));
            }
        }
        Err(SupportError::PortalBusy)
    }
}
