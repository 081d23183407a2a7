//! `joined`: somebody became a member, or a member's role changed.

use super::{Change, Kind, Needs, Right, Situation, about::{Member, Value}};
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

impl Joined {
    /// The role that it comes to: who was a reader when they left is one again, unless it comes from somebody who gives roles.
    fn given(&self, situation: &Situation<'_>) -> Role {
        let person = situation.facts.person(&self.user);
        let comes_back = self.role == Role::Member && !person.standing.is_member() && person.was_reader;
        if comes_back && situation.may(Act::SetRole).is_err() { Role::Reader } else { self.role }
    }

    fn change(&self, situation: &Situation<'_>) -> Change {
        Change::Stands(self.user.clone(), Standing::Member(self.given(situation)))
    }
}

impl Kind for Joined {
    const WORDS: &'static [&'static str] = &["joined"];
    const IS_LINE: bool = true;
    const MEANING: &'static str = "`user` became a member, or has another role.";
    const MEMBERS: &'static [Member] = &[Member::USER, Member::needed("role", Value::Role, "As what.")];

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
        needs.admins_if_by = Some(&self.user);
    }

    fn fill(&self, situation: &Situation<'_>) -> Option<Self> {
        let role = self.given(situation);
        (role != self.role).then(|| Self { user: self.user.clone(), role })
    }

    fn rule(&self, situation: &Situation<'_>) -> Result<Option<Change>, Refusal> {
        let herself = situation.right.is_own() && self.user == *situation.from;
        let (own, theirs, wanted) = (situation.own(), situation.standing(&self.user), Standing::Member(self.role));
        if herself && own.is_member() && (theirs == wanted || situation.right != Right::Own) {
            return Ok(None);
        }
        if herself && !own.is_member() && self.role == Role::Member {
            // Who may read and is no member may join: the room is open, and she is not banned. Or she comes back.
            if situation.right != Right::Returning || own == Standing::Banned {
                situation.room.kind.may_read(own)?;
            }
            return Ok(Some(self.change(situation)));
        }
        // Nobody comes in with another role than a member's, unless somebody gives it.
        let is_invited = (theirs == Standing::Stranger || theirs == wanted) && self.role <= Role::Member;
        situation.may(if is_invited { Act::Invite } else { Act::SetRole })?;
        if theirs == wanted {
            return Ok(None);
        }
        situation.is_changeable()?;
        if herself {
            situation.is_not_last_admin()?;
        }
        Ok(Some(self.change(situation)))
    }

    fn founds(&self) -> Option<Change> {
        Some(Change::Stands(self.user.clone(), Standing::Member(self.role)))
    }

    fn effects(&self) -> Effects {
        Effects::default().admits(&self.user).lists(ListKind::Members).hints(&self.user, HintKind::Added)
    }
}
