//! `left`: somebody left or was removed, or a ban was lifted.

use super::{Change, Kind, Right, Situation};
use crate::{
    log::{
        body::{BodyWriter, Column, Columns, Damaged},
        effects::{Effects, HintKind, ListKind},
    },
    model::{
        access::{Refusal, RoomKind, Standing},
        ids::UserId,
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

    fn write<'a>(&'a self, to: &mut impl BodyWriter<'a>) {
        to.string("user", Column::Subject, Some(self.user.as_str()));
    }

    fn read(_: &str, columns: &Columns<'_>) -> Result<Self, Damaged> {
        Ok(Self { user: columns.user("left")? })
    }

    fn about(&self) -> Option<&UserId> {
        Some(&self.user)
    }

    fn rule(&self, situation: &Situation<'_>) -> Result<Option<Change>, Refusal> {
        if situation.right == Right::Own && self.user == *situation.from {
            let own = situation.own();
            if !own.is_member() {
                situation.kind.may_read(own)?;
                return Ok(None);
            }
            if situation.kind == RoomKind::Direct {
                return Err(Refusal::FixedMembers);
            }
        } else {
            situation.may_govern()?;
            if (situation.standing)(&self.user) == Standing::Stranger {
                return Ok(None);
            }
        }
        Ok(Some(Change::Stands(self.user.clone(), Standing::Stranger)))
    }

    fn effects(&self) -> Effects {
        Effects::default().removes(&self.user).lists(ListKind::Members).hints(&self.user, HintKind::Removed)
    }
}
