//! `banned`: somebody was banned.

use super::{Change, Kind, Needs, Situation, about::Member};
use crate::{
    log::{
        body::{BodyWriter, Column, Columns, Damaged},
        effects::{Effects, HintKind, ListKind},
    },
    model::{
        access::{Refusal, Standing},
        ids::UserId,
        rights::Act,
    },
};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Banned {
    /// Who.
    pub user: UserId,
}

impl Kind for Banned {
    const WORDS: &'static [&'static str] = &["banned"];
    const IS_LINE: bool = true;
    const MEANING: &'static str = "`user` was banned, and may neither read nor join.";
    const MEMBERS: &'static [Member] = &[Member::USER];

    fn write<'a>(&'a self, to: &mut impl BodyWriter<'a>) {
        to.string("user", Column::Subject, Some(self.user.as_str()));
    }

    fn read(_: &str, columns: &Columns<'_>) -> Result<Self, Damaged> {
        Ok(Self { user: columns.user("banned")? })
    }

    fn needs<'a>(&'a self, needs: &mut Needs<'a>) {
        needs.people.push(&self.user);
        needs.admins = true;
    }

    fn rule(&self, situation: &Situation<'_>) -> Result<Option<Change>, Refusal> {
        situation.may_to(Act::Ban, &self.user)?;
        situation.is_changeable()?;
        if self.user == *situation.from {
            situation.is_not_last_admin()?;
        }
        let already = situation.standing(&self.user) == Standing::Banned;
        Ok((!already).then(|| Change::Stands(self.user.clone(), Standing::Banned)))
    }

    fn effects(&self) -> Effects {
        Effects::default().removes(&self.user).lists(ListKind::Members).hints(&self.user, HintKind::Removed)
    }
}
