//! `left`: somebody left or was removed, or a ban was lifted.

use super::{Change, Kind, Needs, Right, Situation, about::Member};
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
pub struct Left {
    /// Who.
    pub user: UserId,
}

impl Kind for Left {
    const WORDS: &'static [&'static str] = &["left"];
    const IS_LINE: bool = true;
    const MEANING: &'static str = "`user` left or was removed by `from`, or a ban was lifted.";
    const MEMBERS: &'static [Member] = &[Member::USER];

    fn write<'a>(&'a self, to: &mut impl BodyWriter<'a>) {
        to.string("user", Column::Subject, Some(self.user.as_str()));
    }

    fn read(_: &str, columns: &Columns<'_>) -> Result<Self, Damaged> {
        Ok(Self { user: columns.user("left")? })
    }

    fn needs<'a>(&'a self, needs: &mut Needs<'a>) {
        needs.people.push(&self.user);
        needs.admins = true;
    }

    fn rule(&self, situation: &Situation<'_>) -> Result<Option<Change>, Refusal> {
        if situation.right == Right::Own && self.user == *situation.from {
            let own = situation.own();
            if !own.is_member() {
                situation.room.kind.may_read(own)?;
                return Ok(None);
            }
            situation.is_changeable()?;
            situation.is_not_last_admin()?;
        } else {
            let theirs = situation.standing(&self.user);
            situation.may_to(if theirs == Standing::Banned { Act::Ban } else { Act::Remove }, &self.user)?;
            situation.is_changeable()?;
            if theirs == Standing::Stranger {
                return Ok(None);
            }
        }
        Ok(Some(Change::Stands(self.user.clone(), Standing::Stranger)))
    }

    fn effects(&self) -> Effects {
        Effects::default().removes(&self.user).lists(ListKind::Members).hints(&self.user, HintKind::Removed)
    }
}
