//! What was blanked a moment ago, for whoever holds entries for a while outside of rings and pages, such as deliveries to
//! portals.

use hubbub_core::model::{ids::RoomId, seq::Seq};
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Blankings that are remembered. Who asks about more must read again.
const REMEMBERED: usize = 1_024;

/// See the module.
#[derive(Debug, Default)]
pub struct Blanks(Mutex<Recent>);

#[derive(Debug, Default)]
struct Recent {
    /// Blankings heard of so far.
    heard: u64,
    /// The last of them; nothing: it may be any entry of the room.
    last: VecDeque<(RoomId, Box<[Seq]>)>,
}

impl Blanks {
    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The content of these entries was blanked; of none: anything of the room may have been.
    pub fn hear(&self, room: &RoomId, seqs: &[Seq]) {
        let mut recent = self.recent();
        recent.heard += 1;
        if recent.last.len() == REMEMBERED {
            recent.last.pop_front();
        }
        recent.last.push_back((room.clone(), seqs.into()));
    }

    /// How many blankings have been heard of: to be taken before entries are read.
    pub fn heard(&self) -> u64 {
        self.recent().heard
    }

    /// Whether an entry that was read after [`heard`](Self::heard) said `then` may have been blanked since.
    pub fn may_be_blanked(&self, then: u64, room: &RoomId, seq: Seq) -> bool {
        let recent = self.recent();
        let since = usize::try_from(recent.heard.saturating_sub(then)).unwrap_or(usize::MAX);
        since > recent.last.len()
            || recent
                .last
                .iter()
                .rev()
                .take(since)
                .any(|(of, seqs)| of == room && (seqs.is_empty() || seqs.contains(&seq)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_blanked_since_counts_and_what_is_forgotten_counts_as_blanked() {
        let room = |name: &str| RoomId::parse(name).unwrap();
        let blanks = Blanks::default();
        blanks.hear(&room("general"), &[Seq::new(1)]);
        let then = blanks.heard();
        assert!(!blanks.may_be_blanked(then, &room("general"), Seq::new(1)), "it was read blanked");
        blanks.hear(&room("general"), &[Seq::new(2), Seq::new(3)]);
        for (of, seq, is) in [("general", 3, true), ("general", 4, false), ("other", 3, false)] {
            assert_eq!(blanks.may_be_blanked(then, &room(of), Seq::new(seq)), is, "{of} {seq}");
        }
        blanks.hear(&room("other"), &[]);
        assert!(blanks.may_be_blanked(then, &room("other"), Seq::new(4)), "it is not known what");
        for _ in 0..REMEMBERED {
            blanks.hear(&room("busy"), &[Seq::new(1)]);
        }
        assert!(blanks.may_be_blanked(then, &room("other"), Seq::new(9)));
        assert!(!blanks.may_be_blanked(blanks.heard(), &room("other"), Seq::new(9)));
    }
}
