//! `joined`: somebody became a member, or a member's role changed.

use super::{Change, Kind, Needs, Right, Situation};
use crate::{
    log::{
        body::{BodyWriter, Column, Columns, Damaged},
        effects::{Effects, HintKind, ListKind},
    },
    model::{
        access::{Refusal, Role, Standing},
        ids::UserId,
        rights::Act,
    },
};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// Who.
    pub user: UserId,
    /// As what.
    pub role: Role,
}

impl Kind for Joined {
    const WORDS: &'static [&'static str] = &["joined"];
    const IS_LINE: bool = true;

    fn write<'a>(&'a self, to: &mut impl BodyWriter<'a>) {
        to.string("user", Column::Subject, Some(self.user.as_str()));
        to.string("role", Column::Role, Some(self.role.word()));
    }

    fn read(_: &str, columns: &Columns<'_>) -> Result<Self, Damaged> {
        let stands = Standing::read(columns.role.as_deref(), columns.rank.as_deref());
        let role = stands.role().ok_or(Damaged { kind: "joined", member: "role" })?;
        Ok(Self { user: columns.user("joined")?, role })
    }

    fn needs<'a>(&'a self, needs: &mut Needs<'a>) {
        needs.people.push(&self.user);
    }

    fn rule(&self, situation: &Situation<'_>) -> Result<Option<Change>, Refusal> {
        let herself = matches!(situation.right, Right::Own | Right::Returning) && self.user == *situation.from;
        let (own, theirs, wanted) = (situation.own(), situation.standing(&self.user), Standing::Member(self.role));
        if theirs == wanted || (herself && own.is_member()) {
            return Ok(None);
        }
        if herself {
            // Who may read and is no member may join: the room is open, and she is not banned. Or she comes back.
            if situation.right == Right::Own || own == Standing::Banned {
                situation.room.kind.may_read(own)?;
            }
        } else {
            let is_invited = theirs == Standing::Stranger && self.role <= Role::Member;
            situation.may(if is_invited { Act::Invite } else { Act::SetRole })?;
            situation.is_changeable()?;
        }
        // Nobody gives herself a role.
        let role = if herself { Role::Member } else { self.role };
        Ok(Some(Change::Stands(self.user.clone(), Standing::Member(role))))
    }

    fn founds(&self) -> Option<Change> {
        Some(Change::Stands(self.user.clone(), Standing::Member(self.role)))
    }

    fn effects(&self) -> Effects {
        Effects::default().admits(&self.user).lists(ListKind::Members).hints(&self.user, HintKind::Added)
    }
}
