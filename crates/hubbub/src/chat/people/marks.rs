//! Read marks on their way: a group commit without any room's lock. Who set one is answered once it is written.

use crate::{
    chat::{ChatError, log::announcer::Announcer},
    log::Summary,
    metrics::Metrics,
    store::{Head, Store, StoreError},
};
use hubbub_core::{
    limits::{MARKS, MARKS_WAITING},
    live::wake::Wake,
    model::{
        access::Refusal,
        ids::{RoomId, UserId},
        seq::Seq,
    },
    people::{
        marks::{Backwards, Due, Mark, Marked, Marks, Taken},
        receipts,
    },
};
use std::{sync::Arc, time::Instant};
use tokio::{
    sync::{mpsc, oneshot},
    time::sleep_until,
};

/// Marks that were not written.
static FAILED: Summary = Summary::new("read marks were not written");

/// What became of a mark.
type Became = Result<Result<Seq, Backwards>, ChatError>;

/// A mark that has moved.
#[derive(Debug, Clone)]
pub struct MovedMark {
    /// It, as it is now.
    pub mark: Mark,
    /// The head of the room when it was seen that its reader is a member.
    pub head: Head,
    /// Whether the room has so few members that they are shown who has read what.
    pub is_shown: bool,
}

/// Is told of marks that have moved.
pub type Tell = Box<dyn Fn(&[MovedMark]) + Send + Sync>;

/// Tells own devices, and in small rooms whoever follows them.
pub fn teller(announcer: Arc<Announcer>) -> Tell {
    Box::new(move |moved| {
        let told = |one: &MovedMark| receipts::signals(&one.mark, (one.head.epoch, one.head.seq), one.is_shown);
        announcer.announce(&moved.iter().flat_map(told).map(Wake::Signal).collect::<Vec<_>>());
    })
}

/// Somebody who waits for a mark of theirs, and the head that they have seen.
type Waiting = (Head, oneshot::Sender<Became>);

struct Asked {
    mark: Mark,
    waiting: Waiting,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct MarkKeeper {
    queue: mpsc::Sender<Asked>,
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.mark.fmt(f)
    }
}

impl MarkKeeper {
    /// Starts keeping. Ends when the last handle is dropped.
    pub fn start(store: Arc<dyn Store>, metrics: Arc<Metrics>, tell: Tell) -> Self {
        let (queue, asked) = mpsc::channel(MARKS_WAITING);
        tokio::spawn(keep(asked, store, metrics, tell));
        Self { queue }
    }

    /// Puts the mark of `user` forward, and waits until that is written. `head` is that of the room, when they were seen as a member.
    pub async fn put(&self, room: RoomId, user: UserId, seq: Seq, head: Head) -> Became {
        let (became, answer) = oneshot::channel();
        let asked = Asked { mark: Mark { room, user, seq }, waiting: (head, became) };
        self.queue.try_send(asked).map_err(|_| ChatError::Busy)?;
        answer.await.unwrap_or(Err(ChatError::Unavailable))
    }
}

async fn keep(mut asked: mpsc::Receiver<Asked>, store: Arc<dyn Store>, metrics: Arc<Metrics>, tell: Tell) {
    let (mut marks, mut batch) = (Marks::default(), Vec::new());
    loop {
        let next = marks.next_due();
        tokio::select! {
            many = asked.recv_many(&mut batch, MARKS) => {
                if many == 0 {
                    return;
                }
            }
            () = async {
                match next {
                    Some(due) => sleep_until(due.into()).await,
                    None => std::future::pending().await,
                }
            } => {}
        }
        let now = Instant::now();
        for Asked { mark, waiting } in batch.drain(..) {
            let asked = mark.seq;
            // Whoever asked may have gone, here and below.
            match marks.take(mark, waiting, now) {
                Taken::Waits => {}
                Taken::Known((_, became), mark) => {
                    let _ = became.send(Ok(Err(Backwards { asked, mark })));
                }
                Taken::Full((_, became)) => {
                    FAILED.note(|| format!("more than {MARKS_WAITING} wait"));
                    let _ = became.send(Err(ChatError::Busy));
                }
            }
        }
        let mut due = marks.due(now);
        while !due.is_empty() {
            let rest = due.split_off(due.len().min(MARKS));
            let some = std::mem::replace(&mut due, rest);
            let those: Vec<Mark> = some.iter().map(|due| due.mark.clone()).collect();
            let written = store.put_marks(&those).await;
            match &written {
                Ok(became) => {
                    metrics.mark_writes.inc();
                    metrics.marks.inc_by(became.iter().flatten().count() as u64);
                }
                Err(error) => FAILED.note(|| format!("{error}, {} asked", those.len())),
            }
            for (mark, marked) in those.into_iter().zip(written.iter().flatten()) {
                if let Some(Marked { before, .. }) = marked {
                    marks.wrote(Mark { seq: mark.seq.max(*before), ..mark });
                }
            }
            settle(some, written, &tell);
        }
    }
}

/// Answers everybody who waits, and tells of what has moved.
fn settle(some: Vec<Due<Waiting>>, written: Result<Vec<Option<Marked>>, StoreError>, tell: &Tell) {
    let became = match written {
        Ok(became) => became,
        Err(error) => {
            let error = ChatError::from(error);
            for (_, (_, became)) in some.into_iter().flat_map(|due| due.waiting) {
                let _ = became.send(Err(error.clone()));
            }
            return;
        }
    };
    let has_moved = |(due, marked): (&Due<Waiting>, &Option<Marked>)| {
        let marked = marked.filter(|marked| marked.moved)?;
        let (_, (head, _)) = due.waiting.last()?;
        Some(MovedMark { mark: due.mark.clone(), head: *head, is_shown: marked.is_shown })
    };
    let moved: Vec<MovedMark> = some.iter().zip(&became).filter_map(has_moved).collect();
    if !moved.is_empty() {
        tell(&moved);
    }
    for (due, marked) in some.into_iter().zip(became) {
        for (asked, (_, became)) in due.waiting {
            let answer =
                marked.ok_or(ChatError::Refused(Refusal::NotMember)).map(|marked| marked.answer(asked, due.mark.seq));
            let _ = became.send(answer);
        }
    }
}
