//! Webhooks that were verified and then refused with a 4xx: kept for a while, and taken after all once an operator has mended what
//! was wrong.
//!
//! Who is not verified has nothing kept. The answer to the portal waits for none of this, and fails because of none of it:
//! [`keeper`] writes down what has come, and the store bounds it ([`store`]). A replay goes through the door that webhooks come
//! in by ([`super::incoming`]), so it tells repeats as that does.

use super::{
    Portals,
    error::SupportError,
    incoming::{Hook, HookError, Taken},
    store::{Portal, Which},
    support::SupportChat,
};
use hubbub_core::{
    limits,
    log::room::ListPart,
    model::{ids::Invalid, time::Timestamp},
    portal::{
        PortalId,
        refused::{self, Refused, RefusedHook, Verdict},
        verify::Signed,
    },
};
use std::{collections::BTreeMap, time::Instant};

pub(super) mod keeper;
pub mod store;

/// What became of a refused webhook that was replayed.
pub(super) struct Replayed {
    /// Its number.
    pub number: u64,
    /// What came of it.
    pub outcome: Outcome,
}

/// See [`Replayed`].
pub(super) enum Outcome {
    /// It was taken, and is kept no more.
    Taken(Taken),
    /// It was refused again, and stays.
    Refused(Verdict),
    /// Nothing was decided; it stays as it was.
    Undecided(String),
}

/// Where among refused webhooks, in the order in which they came, a replay goes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct After(Timestamp, u64);

impl After {
    /// Reads what [`Display`](std::fmt::Display) writes.
    ///
    /// # Errors
    /// Where it is something else.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let read = || {
            let (at, number) = text.split_once('-')?;
            Some(Self(Timestamp(at.parse().ok()?), number.parse().ok()?))
        };
        read().ok_or_else(|| Invalid::new("after", "not what `next` said"))
    }
}

impl std::fmt::Display for After {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.0.0, self.1)
    }
}

/// What became of many.
pub(super) struct ReplayedAll {
    /// Of each, in order.
    pub results: Vec<Replayed>,
    /// Where to go on; `None`: these were all.
    pub next: Option<After>,
}

impl HookError {
    /// Why a verified webhook is kept that is refused so. What is answered 5xx is sent again anyway.
    fn verdict(&self) -> Option<Verdict> {
        let (status, code) = self.answer();
        (400..500).contains(&status).then(|| Verdict::new(status, code, &self.to_string()))
    }
}

impl Portals {
    /// Has a verified webhook kept that was refused. Waits for nothing.
    pub(super) fn keep_refused(&self, portal: &Portal, hook: &Hook<'_>, why: &HookError) {
        let Some(verdict) = why.verdict() else { return };
        let (settings, signed) = (&portal.settings, &hook.signed);
        let mapped = match why {
            HookError::Unmapped(_) => None,
            _ => settings.read(signed.content_type(), signed.body, false).ok(),
        };
        let events = mapped.map(|mapped| mapped.events).unwrap_or_default();
        let text = |name: &str| Some(std::str::from_utf8((signed.headers)(name)?).ok()?.to_owned());
        let at = self.now();
        self.wait_to_keep(Refused {
            portal: portal.id.clone(),
            name: refused::name(&events, hook.id, signed.body),
            at,
            last_at: at,
            times: 1,
            verdict,
            headers: refused::headers(settings, text),
            body: signed.body.to_vec(),
        });
    }

    /// Takes a refused webhook, as if it had just come: what is taken is kept no more.
    ///
    /// # Errors
    /// Where there is none of this number, or the store does not answer.
    pub(super) async fn replay_refused(&self, portal: &Portal, number: u64) -> Result<Replayed, SupportError> {
        let store = &self.support.store;
        let found = store.refused_hook(&portal.id, number).await?;
        let (kept, body) = found.ok_or(SupportError::UnknownHook)?;
        let find = |name: &str| kept.headers.get(&name.to_ascii_lowercase()).map(String::as_str);
        let headers = |name: &str| find(name).map(str::as_bytes);
        let signed =
            Signed { method: "POST", url: None, query: None, headers: &headers, body: &body, path_secret: None };
        let hook = Hook { signed, id: refused::ids(&portal.settings).find_map(find), kept: Some(number) };
        // By now it may be a question: there is nobody who waits for the answer.
        let is_question = [false, true].into_iter().any(|verified| portal.settings.asked(&signed, verified).is_some());
        let taken = if is_question {
            Ok(Taken { passed_over: 1, ..Taken::default() })
        } else {
            let taking = tokio::time::timeout(limits::REQUEST_PATIENCE, self.take_verified(portal, &hook));
            taking.await.unwrap_or(Err(HookError::Unavailable))
        };
        let outcome = match taken {
            Ok(taken) => {
                // Should this fail: replayed again, its messages are recognised.
                store.drop_refused(&portal.id, Which::One(number)).await?;
                self.metrics().portals.refused(portal.id.as_str(), "replayed", 1);
                Outcome::Taken(taken)
            }
            Err(refused) => match refused.verdict() {
                Some(verdict) => {
                    store.refuse_again(&portal.id, number, &verdict).await?;
                    Outcome::Refused(verdict)
                }
                None => Outcome::Undecided(refused.to_string()),
            },
        };
        Ok(Replayed { number, outcome })
    }

    /// Takes refused webhooks in the order in which they came: the first [`limits::REFUSED_HOOKS_REPLAYED`] after `after`, or
    /// fewer where that takes too long.
    ///
    /// # Errors
    /// Where the store does not answer, and nothing was taken.
    pub(super) async fn replay_all_refused(&self, portal: &Portal, after: After) -> Result<ReplayedAll, SupportError> {
        let (began, most) = (Instant::now(), limits::REFUSED_HOOKS_REPLAYED);
        let in_order = self.support.store.refused_in_order(&portal.id, (after.0, after.1), most + 1).await?;
        let (mut results, mut done): (Vec<Replayed>, _) = (Vec::new(), after);
        for (at, number) in in_order {
            if results.len() >= most || began.elapsed() > limits::REFUSED_HOOKS_REPLAY_WITHIN {
                return Ok(ReplayedAll { results, next: Some(done) });
            }
            match self.replay_refused(portal, number).await {
                Ok(one) => {
                    let is_undecided = matches!(one.outcome, Outcome::Undecided(_));
                    results.push(one);
                    if is_undecided {
                        return Ok(ReplayedAll { results, next: Some(done) });
                    }
                }
                // Somebody else was quicker.
                Err(SupportError::UnknownHook) => {}
                Err(error) if results.is_empty() => return Err(error),
                Err(error) => {
                    results.push(Replayed { number, outcome: Outcome::Undecided(error.to_string()) });
                    return Ok(ReplayedAll { results, next: Some(done) });
                }
            }
            done = After(at, number);
        }
        Ok(ReplayedAll { results, next: None })
    }
}

impl SupportChat {
    /// Refused webhooks of a portal, by number, after `after`: at most `limit`.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn list_refused(
        &self,
        portal: &PortalId,
        after: u64,
        limit: usize,
    ) -> Result<ListPart<RefusedHook>, SupportError> {
        Ok(self.store.list_refused(portal, after, limit).await?)
    }

    /// A refused webhook, with its body.
    ///
    /// # Errors
    /// Where there is none of this number.
    pub async fn refused_hook(&self, portal: &PortalId, number: u64) -> Result<(RefusedHook, Vec<u8>), SupportError> {
        self.store.refused_hook(portal, number).await?.ok_or(SupportError::UnknownHook)
    }

    /// How many refused webhooks of each portal are kept; portals that have none are left out.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn count_refused(&self) -> Result<BTreeMap<PortalId, u64>, SupportError> {
        Ok(self.store.count_refused().await?.into_iter().collect())
    }

    /// Throws a refused webhook away.
    ///
    /// # Errors
    /// Where there is none of this number.
    pub async fn drop_refused(&self, portal: &PortalId, number: u64) -> Result<(), SupportError> {
        let dropped = self.store.drop_refused(portal, Which::One(number)).await?;
        if dropped == 0 { Err(SupportError::UnknownHook) } else { Ok(()) }
    }

    /// Throws all refused webhooks of a portal away; says how many.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn drop_all_refused(&self, portal: &PortalId) -> Result<u64, SupportError> {
        Ok(self.store.drop_refused(portal, Which::All).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_replay_goes_on_is_read_as_it_was_said() {
        let after = After(Timestamp(1_769_851_800_123), 17);
        assert_eq!(After::parse(&after.to_string()).ok(), Some(after));
        assert_eq!(After::default().to_string(), "0-0");
        for wrong in ["", "17", "1-", "-1", "x-1", "1-x", "1-1-1", "99999999999999999999-1"] {
            assert!(After::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_refused_for_good_is_kept_and_what_is_sent_again_is_not() {
        let kept = |refused: HookError| refused.verdict().map(|verdict| (verdict.status, verdict.code));
        assert_eq!(kept(HookError::UnknownSession("s".into())), Some((404, "unknown_session".into())));
        assert_eq!(kept(HookError::Shared("s".into())), Some((409, "external_conflict".into())));
        assert_eq!(kept(HookError::Invalid(Invalid::new("text", "too long"))), Some((422, "invalid".into())));
        for passing in [HookError::QuarantineFull, HookError::Locked, HookError::Unavailable] {
            assert_eq!(kept(passing), None);
        }
    }
}
