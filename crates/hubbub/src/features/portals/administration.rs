//! Portals, as operators make and change them.

use super::{
    error::SupportError,
    rotation::{Direction, MadeSecret, rotate},
    store::{Portal, PortalStanding, Secret, Secrets},
    support::SupportChat,
    vault::Field,
};
use hubbub_core::{
    limits,
    model::ids::Invalid,
    portal::{
        PortalId,
        challenge::Answer,
        mapping::Mapped,
        settings::PortalSettings,
        verify::{Signed, is_token},
    },
};
use std::time::Duration;

/// How often a change is tried that meets changes by others.
const TRIES: u32 = 5;

/// A portal to be made.
#[derive(Clone)]
pub struct PortalWish {
    /// Its id.
    pub id: String,
    /// Its settings.
    pub settings: PortalSettings,
    /// What our webhooks are to be signed with; made where none is given.
    pub outgoing_secret: Option<String>,
    /// What its webhooks are to be verified with; made where none is given.
    pub incoming_secret: Option<String>,
    /// What it is to say in challenges; made where none is given and its settings ask for one.
    pub challenge_secret: Option<String>,
    /// What opens it to our calls, where its `auth` needs that.
    pub access_secret: Option<String>,
}

/// A portal that was made, and its secrets, which are shown this once.
#[derive(Clone)]
pub struct MadePortal {
    /// The portal.
    pub portal: Portal,
    /// What our webhooks are signed with.
    pub outgoing_secret: String,
    /// What its webhooks are verified with.
    pub incoming_secret: String,
    /// What it says in challenges, where its settings ask for that.
    pub challenge_secret: Option<String>,
}

/// What a request would become.
#[derive(Debug)]
pub enum DryRun {
    /// A question, which is answered.
    Challenge {
        /// With this; what is made with the secret is left out.
        answer: Answer,
        /// Whether its token is right, where it must have one.
        token: Option<bool>,
        /// Whether it is answered only once it is verified.
        verified: bool,
    },
    /// Messages.
    Events(Mapped),
    /// It is no question that the settings know.
    Nothing,
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
    /// The same, and that it is known where signed URLs begin.
    fn check_settings(&self, settings: &PortalSettings) -> Result<(), Invalid> {
        check_settings(settings)?;
        if settings.signs_url() && self.public_url(settings).is_none() {
            let problem = "missing; the URL is signed, so it must be known how it begins: here, or for all portals by the server's --public-url";
            return Err(Invalid::new("public_url", problem));
        }
        Ok(())
    }

    /// All portals, by id.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn portals(&self) -> Result<Vec<Portal>, SupportError> {
        Ok(self.seen().await?)
    }

    /// A portal.
    ///
    /// # Errors
    /// Where there is none of this id, or it cannot be an id.
    pub async fn portal(&self, id: &str) -> Result<Portal, SupportError> {
        let id = PortalId::parse(id)?;
        let portal = self.seen().await?.into_iter().find(|portal| portal.id == id);
        portal.ok_or(SupportError::UnknownPortal)
    }

    /// Makes a portal.
    ///
    /// # Errors
    /// Where there is one of this id, there are [`limits::PORTALS`] already, or something about it cannot be.
    pub async fn create_portal(&self, wish: PortalWish) -> Result<MadePortal, SupportError> {
        self.check_settings(&wish.settings)?;
        if self.store.portals().await?.len() >= limits::PORTALS {
            return Err(SupportError::TooManyPortals);
        }
        let secret = |direction, given: &Option<String>| {
            MadeSecret::new(direction, &wish.settings, given.as_deref(), rand::random())
        };
        let outgoing = secret(Direction::Outgoing, &wish.outgoing_secret)?;
        let incoming = secret(Direction::Incoming, &wish.incoming_secret)?;
        let has_challenge = wish.challenge_secret.is_some() || wish.settings.has_tokens();
        let challenge = has_challenge.then(|| secret(Direction::Challenge, &wish.challenge_secret)).transpose()?;
        let access = wish.access_secret.as_ref().map(|_| secret(Direction::Access, &wish.access_secret)).transpose()?;
        let id = PortalId::parse_as("id", &wish.id)?;
        let sealed = |direction: Direction, secret: Option<&MadeSecret>| {
            let seal = |secret: &MadeSecret| {
                let value = self.vault.seal(&id, direction.field(), &secret.kept)?;
                Ok(Secret { value, until: None })
            };
            secret.map(seal).into_iter().collect::<Result<Vec<_>, Invalid>>()
        };
        let portal = Portal {
            secrets: Secrets {
                outgoing: sealed(Direction::Outgoing, Some(&outgoing))?,
                incoming: sealed(Direction::Incoming, Some(&incoming))?,
                challenge: sealed(Direction::Challenge, challenge.as_ref())?,
                access: sealed(Direction::Access, access.as_ref())?,
            },
            id,
            settings: wish.settings,
            standing: PortalStanding::Active,
            revision: 0,
            created_at: self.chat.clock.timestamp(),
            succeeded_at: None,
            locked: None,
            trouble: None,
        };
        if !self.store.create_portal(&portal).await? {
            return Err(SupportError::PortalExists);
        }
        let portal = self.portal(&wish.id).await?;
        Ok(MadePortal {
            portal,
            outgoing_secret: outgoing.shown,
            incoming_secret: incoming.shown,
            challenge_secret: challenge.map(|made| made.shown),
        })
    }

    /// Gives a portal other settings, as a whole; instances follow within 2 seconds.
    ///
    /// # Errors
    /// Where there is no such portal, the settings cannot be, or others change the portal all the time.
    pub async fn configure_portal(&self, id: &str, settings: &PortalSettings) -> Result<Portal, SupportError> {
        self.check_settings(settings)?;
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
        if direction == Direction::Grant {
            return self.give_grant(id, given).await;
        }
        self.change_portal(id, |portal| {
            let secret = MadeSecret::new(direction, &portal.settings, given, rand::random())?;
            let kept = self.vault.seal(&portal.id, direction.field(), &secret.kept)?;
            if let Some(secrets) = direction.list(&mut portal.secrets) {
                self.others(&portal.id, direction.field(), secrets, &secret.kept);
                if direction == Direction::Access {
                    // A call is made with the newest: there is nothing that an old one would be good for.
                    secrets.clear();
                }
                rotate(secrets, kept, until, self.now().0);
            }
            Ok(secret.shown)
        })
        .await
    }

    /// Keeps a refresh token that an operator has got, and serves the portal again where it waited for one.
    async fn give_grant(&self, id: &str, given: Option<&str>) -> Result<(Portal, String), SupportError> {
        let portal = self.portal(id).await?;
        let secret = MadeSecret::new(Direction::Grant, &portal.settings, given, rand::random())?;
        let waited_for = self.store.grant(&portal.id).await?.and_then(|grant| grant.refused);
        let kept = self.vault.seal(&portal.id, Direction::Grant.field(), &secret.kept)?;
        if !self.store.give_grant(&portal.id, &kept).await? {
            return Err(SupportError::UnknownPortal);
        }
        let (portal, ()) = self
            .change_portal(id, |portal| {
                if waited_for.is_some() && portal.standing.why() == waited_for.as_deref() {
                    portal.standing = PortalStanding::Active;
                }
                Ok(())
            })
            .await?;
        Ok((portal, secret.shown))
    }

    /// Pauses a portal, or resumes it whether it was paused or disabled.
    ///
    /// # Errors
    /// Where there is no such portal, or others change it all the time.
    pub async fn set_standing(&self, id: &str, standing: PortalStanding) -> Result<Portal, SupportError> {
        if standing == PortalStanding::Active {
            // Its tokens are renewed once more, whatever was said of its grant.
            self.store.forgive_grant(&PortalId::parse(id)?).await?;
        }
        let (portal, ()) = self
            .change_portal(id, |portal| {
                portal.standing = standing.clone();
                Ok(())
            })
            .await?;
        Ok(portal)
    }

    /// What a request would become if the portal sent it, without its signature; and the portal. Nothing is stored. Of the
    /// headers of `request` only the content type is known.
    ///
    /// # Errors
    /// Where there is no such portal, or its mappings find nothing in the body.
    pub async fn dry_run(&self, id: &str, request: &Signed<'_>) -> Result<(Portal, DryRun), SupportError> {
        let portal = self.portal(id).await?;
        let settings = &portal.settings;
        let asked = [false, true].into_iter().find_map(|verified| settings.asked(request, verified));
        let found = match asked {
            Some((challenge, body)) => {
                let said = challenge.token(request, body.as_ref())?;
                let kept = self.vault.good(&portal.id, Field::Challenge, &portal.secrets.challenge, self.now());
                let kept = kept.map_err(|locked| Invalid::new("challenge_secret", locked.to_string()))?;
                let kept: Vec<&str> = kept.iter().map(String::as_str).collect();
                let token = challenge.token.is_some().then(|| said.is_some_and(|said| is_token(&kept, &said)));
                // What is made with the secret is for who signs with it.
                let answer = challenge.answer(request, body.as_ref(), None)?;
                DryRun::Challenge { answer, token, verified: challenge.is_verified() }
            }
            None if request.method == "POST" => {
                DryRun::Events(settings.read(request.content_type(), request.body, true)?)
            }
            None => DryRun::Nothing,
        };
        Ok((portal, found))
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
