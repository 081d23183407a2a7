//! Read marks on their way: a group commit without any room's lock. Who set one is answered once it is written.

use crate::{
    chat::{ChatError, log::announcer::Announcer},
    log::Summary,
    metrics::Metrics,
    store::{Store, StoreError},
};
use hubbub_core::{
    limits::MARKS_WAITING,
    live::wake::Wake,
    model::{
        access::Refusal,
        ids::{RoomId, UserId},
        seq::Seq,
    },
    people::{
        marks::{Backwards, Due, Mark, Marked, Marks, Taken},
        receipts,
        watch::HeadOf,
    },
};
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};
use tokio::{
    sync::{Notify, oneshot},
    time::sleep_until,
};

/// Marks that were not written.
static FAILED: Summary = Summary::new("read marks were not written");

/// Where somebody's mark is, after they have said where it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// There.
    There(Seq),
    /// Further, before already.
    Further(Backwards),
    /// Where it was: the room's head is before that.
    Beyond(Seq),
}

/// What became of a mark. [`Refusal::NotMember`] where they are no member now.
type Became = Result<Put, ChatError>;

/// A mark that has moved.
#[derive(Debug, Clone)]
pub struct MovedMark {
    /// It, as it is now.
    pub mark: Mark,
    /// The head of the room when it was seen that its reader is a member.
    pub head: HeadOf,
    /// Whether the room has so few members that they are shown who has read what.
    pub is_shown: bool,
}

/// Is told of marks that have moved.
pub type Tell = Box<dyn Fn(&[MovedMark]) + Send + Sync>;

/// Tells own devices, and in small rooms whoever follows them.
pub fn teller(announcer: Arc<Announcer>) -> Tell {
    Box::new(move |moved| {
        let told = |one: &MovedMark| receipts::signals(&one.mark, one.head, one.is_shown);
        announcer.announce(&moved.iter().flat_map(told).map(Wake::Signal).collect::<Vec<_>>());
    })
}

/// Somebody who waits for a mark of theirs.
type Waiting = oneshot::Sender<Became>;

/// See the module.
#[derive(Debug, Clone)]
pub struct MarkKeeper(Arc<Keeping>);

#[derive(Debug)]
struct Keeping {
    marks: Mutex<Marks<Waiting>>,
    /// There are marks to be written.
    work: Arc<Notify>,
    /// Some are being written, or told.
    writes: AtomicBool,
}

impl Drop for Keeping {
    fn drop(&mut self) {
        self.work.notify_one();
    }
}

impl MarkKeeper {
    /// Starts keeping. Ends when the last handle is dropped.
    pub fn start(store: Arc<dyn Store>, metrics: Arc<Metrics>, tell: Tell) -> Self {
        let work = Arc::<Notify>::default();
        let keeping = Arc::new(Keeping { marks: Mutex::default(), work: work.clone(), writes: AtomicBool::new(false) });
        tokio::spawn(keep(Arc::downgrade(&keeping), work, store, metrics, tell));
        Self(keeping)
    }

    /// Whether somebody was a member of a room a moment ago, so that it need not be looked up before their next mark: that is looked
    /// at once more as it is written.
    pub fn knows(&self, room: &RoomId, user: &UserId) -> bool {
        self.0.marks().knows(room, user)
    }

    /// Whether nothing waits, is being written or has to be told.
    pub fn is_idle(&self) -> bool {
        let marks = self.0.marks();
        marks.is_empty() && !self.0.writes.load(Ordering::Relaxed)
    }

    /// Puts the mark of `user` forward, and waits until that is written.
    pub async fn put(&self, room: RoomId, user: UserId, seq: Seq) -> Became {
        let (became, answer) = oneshot::channel();
        self.0.take(Mark { room, user, seq }, became);
        answer.await.unwrap_or(Err(ChatError::Unavailable))
    }
}

impl Keeping {
    fn marks(&self) -> MutexGuard<'_, Marks<Waiting>> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, mark: Mark, became: Waiting) {
        let asked = mark.seq;
        let taken = self.marks().take(mark, became, Instant::now());
        // Whoever asked may have gone, here and below.
        match taken {
            Taken::Waits => self.work.notify_one(),
            Taken::Known(became, mark) => {
                let _ = became.send(Ok(Put::Further(Backwards { asked, mark })));
            }
            Taken::Instead(became) => {
                self.work.notify_one();
                let _ = became.send(Err(ChatError::Busy));
            }
            Taken::Full(became) => {
                FAILED.note(|| format!("more than {MARKS_WAITING} wait"));
                let _ = became.send(Err(ChatError::Busy));
            }
        }
    }

    /// Answers everybody who waits, and tells of what has moved.
    fn settle(&self, some: Vec<Due<Waiting>>, written: Result<Vec<Option<Marked>>, StoreError>, tell: &Tell) {
        let became = match written {
            Ok(became) => became,
            Err(error) => {
                let error = ChatError::from(error);
                for (_, became) in some.into_iter().flat_map(|due| due.waiting) {
                    let _ = became.send(Err(error.clone()));
                }
                return;
            }
        };
        let has_moved = |(due, marked): (&Due<Waiting>, &Option<Marked>)| {
            let Marked { head, is_shown, .. } = marked.filter(|marked| marked.moved)?;
            Some(MovedMark { mark: due.mark.clone(), head, is_shown })
        };
        let moved: Vec<MovedMark> = some.iter().zip(&became).filter_map(has_moved).collect();
        if !moved.is_empty() {
            tell(&moved);
        }
        for (Due { mark, waiting, .. }, marked) in some.into_iter().zip(became) {
            for (asked, became) in waiting {
                let answer = match marked {
                    None => Err(ChatError::Refused(Refusal::NotMember)),
                    Some(Marked { head: (_, head), .. }) if asked > head => Ok(Put::Beyond(head)),
                    // The furthest was beyond, and was not written for that; this one is not.
                    Some(Marked { head: (_, head), .. }) if mark.seq > head => {
                        self.take(Mark { seq: asked, ..mark.clone() }, became);
                        continue;
                    }
                    Some(marked) => Ok(marked.answer(asked, mark.seq).map_or_else(Put::Further, Put::There)),
                };
                let _ = became.send(answer);
            }
        }
    }
}

async fn keep(keeping: Weak<Keeping>, work: Arc<Notify>, store: Arc<dyn Store>, metrics: Arc<Metrics>, tell: Tell) {
    while let Some(all) = keeping.upgrade() {
        let (due, next) = {
            let mut marks = all.marks();
            let due = marks.due(Instant::now());
            all.writes.store(!due.is_empty(), Ordering::Relaxed);
            (due, marks.next_due())
        };
        if due.is_empty() {
            // Nobody is held by waiting.
            drop(all);
            tokio::select! {
                () = work.notified() => {}
                () = async {
                    match next {
                        Some(next) => sleep_until(next.into()).await,
                        None => std::future::pending().await,
                    }
                } => {}
            }
            continue;
        }
        let those: Vec<Mark> = due.iter().map(|due| due.mark.clone()).collect();
        let mut written = store.put_marks(&those).await;
        if matches!(written, Err(StoreError::Locked)) {
            // By one of many, and not for long.
            written = store.put_marks(&those).await;
        }
        match &written {
            Ok(became) => {
                metrics.mark_writes.inc();
                metrics.marks.inc_by(became.iter().flatten().count() as u64);
            }
            Err(error) => FAILED.note(|| format!("{error}, {} asked", those.len())),
        }
        {
            let mut marks = all.marks();
            for (mark, marked) in those.into_iter().zip(written.iter().flatten()) {
                if let Some(Marked { before, head: (_, head), .. }) = marked {
                    let seq = if mark.seq > *head { *before } else { mark.seq.max(*before) };
                    marks.wrote(Mark { seq, ..mark });
                }
            }
            marks.rest(Instant::now());
        }
        all.settle(due, written, &tell);
    }
}
