//! `muted`, `unmuted`: somebody may read and not write for a while, or may write again.

use super::{Change, Kind, Needs, Situation, about::{Member, Value}};
use crate::{
    limits::MUTE_DAYS,
    log::{
        body::{BodyWriter, Column, Columns, Damaged},
        effects::{Effects, HintKind, ListKind},
    },
    model::{access::Refusal, ids::UserId, json::to_json, rights::Act, time::Timestamp},
};
use serde::Deserialize;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Muted {
    /// Who.
    pub user: UserId,
    /// Until when, by the store's clock; `None`: not any more.
    pub until: Option<Timestamp>,
}

/// The member that lies in [`Column::Body`].
#[derive(Deserialize)]
struct Rest {
    until: Option<Box<str>>,
}

const DAY: i64 = 24 * 60 * 60 * 1_000;

impl Kind for Muted {
    const WORDS: &'static [&'static str] = &["muted", "unmuted"];
    const IS_LINE: bool = true;
    const MEANING: &'static str = "`user` may read and not write until then, or may write again.";
    const MEMBERS: &'static [Member] = &[Member::USER, Member::maybe("until", Value::Time, "Until when; absent where they may write again.")];

    fn word(&self) -> &'static str {
        Self::WORDS[usize::from(self.until.is_none())]
    }

    fn write<'a>(&'a self, to: &mut impl BodyWriter<'a>) {
        to.string("user", Column::Subject, Some(self.user.as_str()));
        if let Some(until) = self.until {
            to.rest("until", &to_json(&until.to_string()));
        }
    }

    fn read(_: &str, columns: &Columns<'_>) -> Result<Self, Damaged> {
        let Rest { until } = columns.members("muted")?;
        let parse = |text: Box<str>| Timestamp::parse(&text).ok_or(Damaged { kind: "muted", member: "until" });
        Ok(Self { user: columns.user("muted")?, until: until.map(parse).transpose()? })
    }

    fn needs<'a>(&'a self, needs: &mut Needs<'a>) {
        needs.people.push(&self.user);
    }

    fn rule(&self, situation: &Situation<'_>) -> Result<Option<Change>, Refusal> {
        situation.may_to(Act::Mute, &self.user)?;
        situation.is_changeable()?;
        let person = situation.facts.person(&self.user);
        let now = person.muted_until.filter(|until| situation.at < *until);
        if let Some(until) = self.until {
            if !person.standing.is_member() {
                return Err(Refusal::NoSuchMember { field: "user", user: self.user.clone() });
            }
            if until <= situation.at || until.0 > situation.at.0 + i64::from(MUTE_DAYS) * DAY {
                return Err(Refusal::NoSuchTime(MUTE_DAYS));
            }
        }
        Ok((now != self.until).then_some(Change::Muted))
    }

    fn effects(&self) -> Effects {
        Effects::default().lists(ListKind::Members).hints(&self.user, HintKind::Changed)
    }
}
