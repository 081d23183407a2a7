//! Who follows a room right now, on all instances.
//!
//! Nothing of it is stored, and nobody is told unasked: an instance that wants to know asks, and each answers for its own
//! connections. So nobody is left behind by an instance that died: it does not answer.

use crate::{
    limits,
    model::{
        ids::{RoomId, UserId},
        json::Json,
    },
};
use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::Arc,
};
use uuid::Uuid;

/// Spreads the number of a revision over all bits: any odd number without a pattern will do.
const REVISION: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

/// One connection, as others in its rooms may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// Its id.
    pub client: Uuid,
    /// Whose it is.
    pub user: UserId,
    /// What its last token says about the user, as JSON.
    pub info: Option<Json>,
    /// How often that has changed; known only where the connection is.
    pub revision: u32,
}

impl Present {
    /// Changes with the connection, and with what is said of it.
    fn digest(&self) -> u128 {
        self.client.as_u128().wrapping_add(u128::from(self.revision).wrapping_mul(REVISION))
    }

    /// About how many bytes it takes in a list.
    pub fn weight(&self) -> usize {
        64 + self.user.as_str().len() + self.info.as_ref().map_or(0, |info| info.as_str().len())
    }
}

/// What one instance says of its own connections in a room.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PresencePart {
    /// How many there are.
    pub clients: usize,
    /// Of how many users.
    pub users: usize,
    /// Changes whenever somebody comes, goes or has another info, whatever the order: the digests of all, one by one
    /// exclusive-or.
    pub digest: u128,
    /// All of them, where that was asked for and there are at most [`limits::PRESENT_MAX`].
    pub list: Option<Vec<Arc<Present>>>,
}

impl PresencePart {
    /// Counts these connections; with `listed` they are also named, unless they are too many. Once their infos weigh more
    /// than [`limits::PRESENT_BYTES`] together, the others are named without.
    pub fn of(present: &[Arc<Present>], listed: bool) -> Self {
        let mut weight = 0;
        let mut named = |present: &Arc<Present>| {
            weight += present.weight();
            match present.info {
                Some(_) if weight > limits::PRESENT_BYTES => {
                    Arc::new(Present { info: None, user: present.user.clone(), ..**present })
                }
                _ => present.clone(),
            }
        };
        Self {
            clients: present.len(),
            users: present.iter().map(|present| &present.user).collect::<HashSet<_>>().len(),
            digest: present.iter().fold(0, |digest, present| digest ^ present.digest()),
            list: (listed && present.len() <= limits::PRESENT_MAX).then(|| present.iter().map(&mut named).collect()),
        }
    }

    fn says_the_same(&self, other: &Self) -> bool {
        (self.clients, self.digest) == (other.clients, other.digest)
    }
}

/// What one instance asks all others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// Names the question.
    pub ask: Uuid,
    /// The instance that asks.
    pub from: Uuid,
    /// The rooms, at most [`limits::PRESENCE_ROOMS`].
    pub rooms: Vec<RoomId>,
    /// Whether connections are to be named, not only counted.
    pub listed: bool,
}

/// What another answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Here {
    /// The question.
    pub ask: Uuid,
    /// The instance that answers.
    pub from: Uuid,
    /// Its connections, where there are any; a long list is cut, and goes on in the next piece under the same room.
    pub parts: Vec<(RoomId, PresencePart)>,
    /// Another piece follows.
    pub more: bool,
}

impl Here {
    /// Cuts an answer into pieces of about [`limits::PRESENCE_WAKE_BYTES`]. There is always one.
    pub fn pieces(ask: Uuid, from: Uuid, parts: Vec<(RoomId, PresencePart)>) -> Vec<Self> {
        let mut pieces = vec![];
        let (mut piece, mut weight) = (vec![], 0);
        for (room, mut part) in parts.into_iter().filter(|(_, part)| part.clients > 0) {
            let mut rest = part.list.take().map(VecDeque::from);
            loop {
                weight += 128;
                let mut named = Vec::new();
                while weight < limits::PRESENCE_WAKE_BYTES
                    && let Some(next) = rest.as_mut().and_then(VecDeque::pop_front)
                {
                    weight += next.weight();
                    named.push(next);
                }
                piece.push((room.clone(), PresencePart { list: rest.is_some().then_some(named), ..part.clone() }));
                if weight >= limits::PRESENCE_WAKE_BYTES {
                    pieces.push(Self { ask, from, parts: std::mem::take(&mut piece), more: true });
                    weight = 0;
                }
                if rest.as_ref().is_none_or(VecDeque::is_empty) {
                    break;
                }
            }
        }
        pieces.push(Self { ask, from, parts: piece, more: false });
        pieces
    }
}

/// The answers to one question, as they come in.
#[derive(Debug, Default)]
pub struct Answers {
    /// By room and instance.
    pub parts: HashMap<RoomId, HashMap<Uuid, PresencePart>>,
    done: HashSet<Uuid>,
}

impl Answers {
    /// Takes a piece in.
    pub fn take(&mut self, here: Here) {
        for (room, part) in here.parts {
            let of = self.parts.entry(room).or_default();
            match of.get_mut(&here.from).and_then(|known| known.list.as_mut()) {
                Some(list) => list.extend(part.list.into_iter().flatten().take(limits::PRESENT_MAX - list.len())),
                None => drop(of.insert(here.from, part)),
            }
        }
        if !here.more {
            self.done.insert(here.from);
        }
    }

    /// Whether all of these have said everything.
    pub fn has_all<'a>(&self, mut of: impl Iterator<Item = &'a Uuid>) -> bool {
        of.all(|boot| self.done.contains(boot))
    }

    /// What was said in full: a piece may be lost on its way, or come too late, and half a list would be taken for people who
    /// have left.
    pub fn whole(mut self) -> HashMap<RoomId, HashMap<Uuid, PresencePart>> {
        for parts in self.parts.values_mut() {
            parts.retain(|boot, part| {
                self.done.contains(boot) && part.list.as_ref().is_none_or(|list| list.len() == part.clients)
            });
        }
        self.parts
    }

    /// Whether this one has.
    pub fn has(&self, boot: &Uuid) -> bool {
        self.done.contains(boot)
    }
}

/// What all instances together say of a room.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roll {
    /// How many connections follow it.
    pub clients: usize,
    /// Of how many users: exact where there is a list; without one, a user is counted once an instance.
    pub users: usize,
    /// All of them, by id; `None` where they are more than [`limits::PRESENT_MAX`].
    pub list: Option<BTreeMap<Uuid, Arc<Present>>>,
}

impl Roll {
    /// Adds up what instances say.
    pub fn of<'a>(parts: impl Iterator<Item = &'a PresencePart>) -> Self {
        let mut roll = Self { list: Some(BTreeMap::new()), ..Self::default() };
        for part in parts {
            roll.clients += part.clients;
            roll.users += part.users;
            match (&mut roll.list, &part.list) {
                (Some(all), Some(list)) => all.extend(list.iter().map(|present| (present.client, present.clone()))),
                // Nobody is there to be named.
                (Some(_), None) if part.clients == 0 => {}
                (all, _) => *all = None,
            }
        }
        roll.list = roll.list.filter(|list| list.len() <= limits::PRESENT_MAX);
        if let Some(list) = &roll.list {
            roll.clients = list.len();
            roll.users = list.values().map(|present| &present.user).collect::<HashSet<_>>().len();
        }
        roll
    }
}

/// Who came and who went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// They follow the room now.
    pub joined: Vec<Arc<Present>>,
    /// They do not any more.
    pub left: Vec<Arc<Present>>,
}

impl Changes {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.joined.is_empty() && self.left.is_empty()
    }
}

/// Turns after which an instance that lives but has not answered is no longer waited for before anything is told.
const PATIENCE: u32 = 3;

/// A room whose comings and goings are told: what is known of it, and what has been told.
#[derive(Debug, Default)]
pub struct Watch {
    parts: HashMap<Uuid, PresencePart>,
    /// `None`: nothing has been told yet, or they were too many: the next list is what changes count from.
    told: Option<BTreeMap<Uuid, Arc<Present>>>,
    waited: u32,
}

impl Watch {
    /// An instance has said something. Returns whether its list is wanted.
    pub fn hear(&mut self, boot: Uuid, part: PresencePart) -> bool {
        let known = self.parts.get(&boot).is_some_and(|known| known.says_the_same(&part) && known.list.is_some());
        if known {
            return false;
        }
        let wanted = part.list.is_none() && part.clients > 0 && part.clients <= limits::PRESENT_MAX;
        if !wanted {
            self.parts.insert(boot, part);
        }
        wanted
    }

    /// What is to be told now. `living` are the instances whose lease lives; what others said is forgotten. An instance that
    /// lives and says nothing is taken at its last word. `watchers` are connections that are to see themselves come.
    pub fn turn(&mut self, living: impl Fn(&Uuid) -> bool, others: usize, watchers: &[Uuid]) -> Changes {
        self.parts.retain(|boot, _| living(boot));
        let roll = Roll::of(self.parts.values());
        let Some(now) = roll.list else {
            self.told = None;
            return Changes::default();
        };
        let told = match self.told.take() {
            Some(told) => told,
            None if self.parts.len() <= others && self.waited < PATIENCE => {
                self.waited += 1;
                return Changes::default();
            }
            None => now.iter().filter(|(id, _)| !watchers.contains(id)).map(|(id, one)| (*id, one.clone())).collect(),
        };
        self.waited = 0;
        let missing = |from: &BTreeMap<Uuid, Arc<Present>>, them: &BTreeMap<Uuid, Arc<Present>>| {
            them.iter().filter(|(id, _)| !from.contains_key(id)).map(|(_, one)| one.clone()).collect()
        };
        let changes = Changes { joined: missing(&told, &now), left: missing(&now, &told) };
        self.told = Some(now);
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Uuid = Uuid::from_u128(1);
    const THERE: Uuid = Uuid::from_u128(2);

    fn present(client: u128, user: &str) -> Arc<Present> {
        let user = UserId::parse(user).unwrap();
        Arc::new(Present { client: Uuid::from_u128(client), user, info: None, revision: 0 })
    }

    fn part(of: &[Arc<Present>]) -> PresencePart {
        PresencePart::of(of, true)
    }

    fn names(of: &[Arc<Present>]) -> Vec<&str> {
        of.iter().map(|present| present.user.as_str()).collect()
    }

    #[test]
    fn a_user_with_two_devices_on_two_instances_is_one_user() {
        let roll = Roll::of([part(&[present(1, "ana"), present(2, "ben")]), part(&[present(3, "ana")])].iter());
        assert_eq!((roll.clients, roll.users, roll.list.unwrap().len()), (3, 2, 3));
    }

    #[test]
    fn above_the_limit_there_are_counts_and_no_list() {
        let many: Vec<_> = (0..=limits::PRESENT_MAX as u128).map(|n| present(n, &format!("user{n}"))).collect();
        let (one, rest) = many.split_at(1);
        for parts in [vec![part(&many)], vec![part(one), part(rest)]] {
            let roll = Roll::of(parts.iter());
            assert_eq!((roll.clients, roll.users), (limits::PRESENT_MAX + 1, limits::PRESENT_MAX + 1));
            assert_eq!(roll.list, None);
        }
    }

    #[test]
    fn infos_are_left_out_once_they_are_too_heavy() {
        let info = format!("\"{}\"", "x".repeat(limits::USER_INFO_BYTES - 2));
        let heavy = |n| Present { info: Some(Json::trusted(info.clone())), ..(*present(n, "ana")).clone() };
        let many: Vec<_> = (0..200).map(|n| Arc::new(heavy(n))).collect();
        let list = part(&many).list.unwrap();
        let weight: usize =
            list.iter().map(|present| present.info.as_ref().map_or(0, |info| info.as_str().len())).sum();
        assert_eq!(list.len(), 200);
        assert!(weight > 0 && weight <= limits::PRESENT_BYTES, "{weight}");
    }

    #[test]
    fn an_answer_in_pieces_is_put_together_again() {
        let (general, empty) = (RoomId::parse("general").unwrap(), RoomId::parse("empty").unwrap());
        let many: Vec<_> = (0..900).map(|n| present(n, &format!("user{n}"))).collect();
        let parts = vec![(empty, part(&[])), (general.clone(), part(&many))];
        let pieces = Here::pieces(Uuid::from_u128(9), THERE, parts.clone());
        assert!(pieces.len() > 1, "{}", pieces.len());
        let mut answers = Answers::default();
        for piece in pieces {
            assert!(!answers.has_all([THERE].iter()));
            answers.take(piece);
        }
        assert!(answers.has_all([THERE].iter()) && !answers.has_all([THERE, HERE].iter()));
        assert_eq!(answers.parts.len(), 1, "a room without anybody is not mentioned");
        assert_eq!(answers.parts[&general][&THERE], parts[1].1);
    }

    #[test]
    fn an_answer_of_which_a_piece_was_lost_is_none() {
        let general = RoomId::parse("general").unwrap();
        let many: Vec<_> = (0..900).map(|n| present(n, &format!("user{n}"))).collect();
        let pieces = Here::pieces(Uuid::from_u128(9), THERE, vec![(general.clone(), part(&many))]);
        for lost in 0..pieces.len() {
            let mut answers = Answers::default();
            pieces.iter().enumerate().filter(|(n, _)| *n != lost).for_each(|(_, piece)| answers.take(piece.clone()));
            assert!(answers.whole()[&general].is_empty(), "without piece {lost}");
        }
    }

    #[test]
    fn comings_and_goings_are_told_once() {
        let (ana, ben, eve) = (present(1, "ana"), present(2, "ben"), present(3, "eve"));
        let mut watch = Watch::default();
        let all = |_: &Uuid| true;
        assert!(!watch.hear(HERE, part(std::slice::from_ref(&ana))));
        assert_eq!(watch.turn(all, 1, &[ana.client]), Changes::default(), "the other instance has not answered yet");
        assert!(!watch.hear(THERE, part(std::slice::from_ref(&ben))));
        let first = watch.turn(all, 1, &[ana.client]);
        assert_eq!(
            (names(&first.joined), names(&first.left)),
            (vec!["ana"], vec![]),
            "she sees herself come, and no other"
        );
        assert!(watch.turn(all, 1, &[ana.client]).is_empty());

        // A digest that differs asks for the list; until it is there, nothing changes.
        assert!(watch.hear(THERE, PresencePart::of(&[ben.clone(), eve.clone()], false)));
        assert!(watch.turn(all, 1, &[]).is_empty());
        assert!(!watch.hear(THERE, part(&[ben.clone(), eve.clone()])));
        assert_eq!(names(&watch.turn(all, 1, &[]).joined), ["eve"]);
        assert!(!watch.hear(THERE, PresencePart::of(&[eve, ben], false)), "the order does not matter");

        // Silence is no leaving; an expired lease is.
        assert!(watch.turn(all, 1, &[]).is_empty());
        assert_eq!(names(&watch.turn(|boot| *boot == HERE, 0, &[]).left), ["ben", "eve"]);
    }

    #[test]
    fn another_info_is_known_to_others_and_tells_no_coming_or_going() {
        let (old, mut watch) = (present(2, "ben"), Watch::default());
        let new = Arc::new(Present { info: Some(Json::trusted("\"Ben\"".into())), revision: 1, ..(*old).clone() });
        let all = |_: &Uuid| true;
        watch.hear(THERE, part(std::slice::from_ref(&old)));
        watch.turn(all, 1, &[]);
        watch.turn(all, 0, &[]);
        assert!(watch.hear(THERE, PresencePart::of(std::slice::from_ref(&new), false)), "its list is wanted again");
        watch.hear(THERE, part(std::slice::from_ref(&new)));
        assert!(watch.turn(all, 0, &[]).is_empty());
        assert_eq!(watch.turn(|_| false, 0, &[]).left, [new], "who leaves is called as they were last");
    }

    #[test]
    fn a_crowd_is_not_told_and_the_next_list_is_no_change() {
        let (mut watch, ana) = (Watch::default(), present(1, "ana"));
        watch.hear(HERE, part(std::slice::from_ref(&ana)));
        watch.turn(|_| true, 0, &[]);
        watch.hear(HERE, PresencePart { clients: limits::PRESENT_MAX + 1, users: 1, digest: 7, list: None });
        assert!(watch.turn(|_| true, 0, &[]).is_empty());
        watch.hear(HERE, part(&[ana, present(2, "ben")]));
        assert!(watch.turn(|_| true, 0, &[]).is_empty());
    }
}
