//! Rooms and their members.

use super::{
    Chat, ChatError,
    log::{admission::settled, committer::Submitted},
    methods::{Actor, MethodError, writing::Writing},
};
use crate::store::{Created, Page, Reactors, ReactorsOf, Room, RoomProposal, ShownOf, ShownPage, View};
use hubbub_core::{
    limits::BATCH,
    log::{
        account::Use,
        entry::{Draft, Place, Proposal, Right},
        features::{Feature, Features, NotYet},
        kinds::{Banned, Joined, Left, What},
        room::PageOf,
        situation::too_low,
        source::Source,
    },
    model::{
        access::{Refusal, Role, RoomKind, Standing},
        ids::{Invalid, Key, RoomId, UserId},
        rights::{Act, MembersMay},
        seq::Seq,
    },
};
use std::collections::{HashMap, VecDeque};
use uuid::Uuid;

/// A change of one membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MembershipChange {
    /// Become a member, by oneself; who is one already stays what they are.
    Join,
    /// Make a member of this role.
    Become(Role),
    /// Remove; also lifts a ban.
    Remove,
    /// Ban.
    Ban,
}

impl MembershipChange {
    /// The entry that makes it so for `user`.
    pub const fn of(self, user: UserId) -> What {
        match self {
            Self::Join => What::Joined(Joined { user, role: Role::Member }),
            Self::Become(role) => What::Joined(Joined { user, role }),
            Self::Remove => What::Left(Left { user }),
            Self::Ban => What::Banned(Banned { user }),
        }
    }
}

/// What became of it: where the entry is, or that things were so already.
pub type Changed = Result<Option<Place>, ChatError>;

impl Chat {
    /// Makes a room with these members, unless there is one of this id. Says which.
    pub async fn make_room(
        &self,
        id: &RoomId,
        kind: RoomKind,
        name: &str,
        by: &UserId,
        members: &[(UserId, Role)],
    ) -> Result<(Room, bool), ChatError> {
        let mut first: Vec<Draft> = Vec::with_capacity(members.len());
        for (user, role) in members {
            let what = What::Joined(Joined { user: user.clone(), role: *role });
            first.push(self.admission.draft(Proposal::new(id.clone(), by.clone(), None, what, Right::Backend)));
        }
        self.known_to_all.may_found(&*self.store, id, &mut first).await?;
        let new = RoomProposal { id: id.clone(), kind, name: name.to_owned(), first };
        match self.store.create_room(&new).await? {
            Created::New(room, entries) => {
                self.announcer.announce_entries(room.epoch, &entries);
                Ok((room, true))
            }
            Created::Exists(room) if room.kind == RoomKind::Deleted => Err(Refusal::RoomDeleted.into()),
            Created::Exists(room) => Ok((room, false)),
        }
    }

    /// Changes a membership.
    pub async fn change(&self, by: &Actor, room: &RoomId, user: &UserId, change: MembershipChange) -> Changed {
        self.vet(by, room).await?;
        let mut outcomes = self.change_many(by, room, None, &[(user.clone(), change)]).await;
        outcomes.pop().unwrap_or(Err(ChatError::Unavailable))
    }

    /// Changes many memberships of a room, in this order; each is an entry of its own, and has its part of the key.
    pub async fn change_many(
        &self,
        by: &Actor,
        room: &RoomId,
        key: Option<&Key>,
        changes: &[(UserId, MembershipChange)],
    ) -> Vec<Changed> {
        let submitted: Vec<_> = changes
            .iter()
            .enumerate()
            .map(|(n, (user, change))| {
                let joins = *change == MembershipChange::Join && by.right == Right::Own;
                let right = if joins { Right::Joining } else { by.right };
                self.submit(by, right, room, key.map(|key| self.part_of_key(key, n)), change.of(user.clone()))
            })
            .collect();
        let mut changed = Vec::with_capacity(submitted.len());
        for submitted in submitted {
            changed.push(match submitted {
                Ok(submitted) => settled(submitted).await,
                Err(error) => Err(error),
            });
        }
        changed
    }

    /// Writes many entries into whichever rooms, each in its own name and with its own key, or its part of `key`. Those of one room are taken
    /// in this order; where one fails because the server is busy, those behind it in its room do, too.
    pub async fn write_many(
        &self,
        key: Option<&Key>,
        entries: Vec<Result<(Actor, Writing), Invalid>>,
    ) -> Vec<Result<Option<Place>, MethodError>> {
        let (quota, source) = (self.quota(), self.admission.new_source());
        let mut lines: HashMap<RoomId, Source> = HashMap::new();
        let mut submit = |n: usize, (by, writing): (Actor, Writing)| {
            let Writing { room, key: own, what, first } = writing;
            quota.check_entry(&what)?;
            // By its place among all that were asked for: what could not be read the first time moves nobody.
            let key = own.or_else(|| key.map(|key| self.part_of_key(key, n)));
            let line = lines.entry(room.clone()).or_insert_with(|| source.line());
            let proposal = Proposal { before: first, ..Proposal::new(room, by.user, key, what, by.right) };
            let submitted =
                if line.has_failed() { Err(ChatError::Busy) } else { self.admission.submit(line, proposal) };
            // What is behind it in its room must not overtake it when it is sent again.
            submitted.inspect_err(|_| line.fail()).map_err(MethodError::from)
        };
        // No more of them wait at a time than are committed at once: others have room.
        let (mut waiting, mut written) = (VecDeque::new(), Vec::with_capacity(entries.len()));
        let mut entries = entries.into_iter().enumerate();
        loop {
            while waiting.len() < BATCH
                && let Some((n, entry)) = entries.next()
            {
                waiting.push_back(entry.map_err(MethodError::from).and_then(|entry| submit(n, entry)));
            }
            match waiting.pop_front() {
                Some(Ok(submitted)) => written.push(settled(submitted).await.map_err(MethodError::from)),
                Some(Err(error)) => written.push(Err(error)),
                None => return written,
            }
        }
    }

    /// Puts an entry that is no message into a room's log.
    pub async fn append(&self, by: &Actor, room: &RoomId, what: What) -> Changed {
        self.vet(by, room).await?;
        settled(self.submit(by, by.right, room, None, what)?).await
    }

    /// Whether this may be asked at all: a client who may not read the room locks no row of it.
    async fn vet(&self, by: &Actor, room: &RoomId) -> Result<(), ChatError> {
        if !by.is_client() {
            return Ok(());
        }
        self.charge(by, &[Use::Entry])?;
        self.may_read(&by.user, room).await
    }

    fn submit(
        &self,
        by: &Actor,
        right: Right,
        room: &RoomId,
        key: Option<Key>,
        what: What,
    ) -> Result<Submitted, ChatError> {
        self.admission.submit(&by.source, Proposal::new(room.clone(), by.user.clone(), key, what, right))
    }

    /// The key of one of many things that are asked for along with this key: the same each time.
    fn part_of_key(&self, key: &Key, n: usize) -> Key {
        let seal = self.store.identity().hash_key.seal(format!("part {n} of the key {key}").as_bytes());
        Key::of_id(Uuid::from_bytes(seal))
    }

    /// A page of the log for somebody who may read it.
    pub async fn page(&self, user: &UserId, room: &RoomId, page: PageOf, limit: usize) -> Result<Page, ChatError> {
        self.may_read(user, room).await?;
        // The page has a standing of its own snapshot: nothing after a removal is shown.
        let (view, page) = self.store.page_for(user, room, page, limit).await?.ok_or(ChatError::UNKNOWN_ROOM)?;
        view.may_read()?;
        Ok(page)
    }

    /// What somebody reads, as it is now.
    pub async fn shown(&self, by: &Actor, room: &RoomId, of: ShownOf, limit: usize) -> Result<ShownPage, ChatError> {
        let reader = self.reader(by, room).await?;
        let (view, page) = self.store.shown(reader, room, of, limit).await?.ok_or(ChatError::UNKNOWN_ROOM)?;
        // Again, of the page's own snapshot.
        if reader.is_some() {
            view.may_read()?
        } else {
            view.is_there()?
        }
        Ok(page)
    }

    /// Who has reacted to a message.
    pub async fn reactors(
        &self,
        by: &Actor,
        room: &RoomId,
        target: Seq,
        of: &ReactorsOf,
        limit: usize,
    ) -> Result<(View, Reactors), ChatError> {
        let reader = self.reader(by, room).await?;
        let found = self.store.reactors(reader, room, target, of, limit).await?;
        let (view, reactors) = found.ok_or(ChatError::UNKNOWN_ROOM)?;
        if reader.is_some() {
            view.may_read()?
        } else {
            view.is_there()?
        }
        Ok((view, reactors))
    }

    /// Who reads: a user who may, or, as `None`, the product's backend.
    async fn reader<'a>(&self, by: &'a Actor, room: &RoomId) -> Result<Option<&'a UserId>, ChatError> {
        if by.is_backend() {
            return Ok(None);
        }
        self.may_read(&by.user, room).await?;
        Ok(Some(&by.user))
    }

    /// A room as somebody sees it.
    pub async fn view(&self, user: &UserId, room: &RoomId) -> Result<View, ChatError> {
        let view = self.see(user, room).await?.ok_or(ChatError::UNKNOWN_ROOM)?;
        if *user == UserId::backend() {
            view.is_there()?;
        }
        Ok(view)
    }

    /// The same for what is [`Act::Read`].
    pub async fn member_view(&self, by: &Actor, room: &RoomId) -> Result<View, ChatError> {
        let view = self.view(&by.user, room).await?;
        if !by.is_backend() {
            view.may_read()?;
            let is_let = view.standing.role().is_some_and(|role| role >= Act::Read.least(MembersMay::default()));
            if !is_let {
                return Err(Refusal::NotMember.into());
            }
        }
        Ok(view)
    }

    /// A room in which somebody's role is enough for this, whatever it is that is no entry.
    pub async fn may(&self, by: &Actor, room: &RoomId, act: Act) -> Result<View, ChatError> {
        let view = self.view(&by.user, room).await?;
        if by.is_backend() {
            return Ok(view);
        }
        view.may_read()?;
        let is_enough = view.standing.role() >= Some(act.least(view.room.settings.members_may));
        if is_enough { Ok(view) } else { Err(too_low(act).into()) }
    }

    /// How somebody stands to a room. `None`: there is none.
    pub async fn standing_of(&self, user: &UserId, room: &RoomId) -> Result<Option<Standing>, ChatError> {
        Ok(self.see(user, room).await?.map(|view| view.standing))
    }

    /// Refuses what an older instance that may still run would not heed.
    fn is_known_to_all(&self, needed: Feature) -> Result<(), ChatError> {
        let is_known = Features::from(needed).without(self.known_to_all.now()) == Features::NONE;
        if is_known { Ok(()) } else { Err(NotYet(needed).into()) }
    }

    /// The same of blocks between two people.
    pub fn blocks_are_known(&self) -> Result<(), ChatError> {
        self.is_known_to_all(Feature::Blocks)
    }

    /// Deletes a room: its id is never used again, and whoever reads it is told. What it has held is cleared away some at a time.
    pub async fn delete_room(&self, room: &RoomId) -> Result<(), ChatError> {
        self.is_known_to_all(Feature::RoomDeletions)?;
        let left = self.store.delete_room(room).await?.ok_or(ChatError::UNKNOWN_ROOM)?;
        self.announcer.announce_deleted_room(room, left);
        self.purging.begin(room);
        Ok(())
    }
}
