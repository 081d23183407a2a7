//! Closing a gap: one task per feed that misses something, for as long as it does.

use super::{feeds::Feeds, room::Live};
use crate::{log::Summary, store::StoreError};
use hubbub_core::{
    limits,
    live::feed::{Feed, Heard},
    log::room::PageOf,
    model::seq::Seq,
    wire::push,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Rooms with a gap that cannot be closed yet.
static GAPS: Summary = Summary::new("reading the log failed; reading again");
/// Rooms whose epoch is doubted.
static DOUBTS: Summary = Summary::new("cannot tell which epoch holds; asking again");
/// Rooms whose log is shorter than it was.
static SHORTER: Summary = Summary::new("the log is shorter than it was: the database has gone back");

/// How soon a read of the log that failed is tried again.
const AGAIN: Duration = Duration::from_millis(200);

/// Should the task panic, the next gap still finds another.
struct Mending<'a>(Option<&'a Live>);

impl Drop for Mending<'_> {
    fn drop(&mut self) {
        if let Some(live) = self.0 {
            live.state().mending = false;
        }
    }
}

enum Next {
    Sleep(Instant),
    Read(Seq),
    Ask(Seq),
}

/// Reads the log whenever it is due, and asks the store which epoch holds where that is doubted, until nothing is missing.
pub(crate) async fn mend(feeds: Arc<Feeds>, live: Arc<Live>) {
    let mut mending = Mending(Some(&live));
    loop {
        let now = Instant::now();
        let next = {
            let mut state = live.state();
            if state.forgotten {
                return;
            }
            if state.doubted {
                Next::Ask(state.feed.known())
            } else if let Some(after) = state.feed.begin_read(now) {
                Next::Read(after)
            } else if let Some(due) = state.feed.due() {
                Next::Sleep(due)
            } else {
                // Under the same lock: whoever finds the next gap starts the next task.
                state.mending = false;
                mending.0 = None;
                return;
            }
        };
        match next {
            Next::Sleep(due) => tokio::time::sleep_until(due.into()).await,
            Next::Read(after) => read(&feeds, &live, after).await,
            Next::Ask(asked) => {
                if let Err(error) = settle_epoch(&feeds, &live, asked).await {
                    DOUBTS.note_of(live.room.as_str(), || error);
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }
}

async fn read(feeds: &Arc<Feeds>, live: &Arc<Live>, after: Seq) {
    feeds.metrics.log_reads.inc();
    feeds.metrics.gap_reads.inc();
    let page = feeds.store.page(&live.room, PageOf::After(after), limits::CATCH_UP_PAGE).await;
    if let Ok(Some(page)) = &page {
        // Their wakes were lost, and with them what they say of earlier entries.
        page.entries.iter().for_each(|entry| feeds.hear_blanked(&live.room, entry.what.effects().blanked()));
    }
    let now = Instant::now();
    let mut state = live.state();
    if state.forgotten {
        return;
    }
    let heard = match page {
        Ok(Some(page)) => {
            let read_to = page.entries.last().map_or(after, |last| last.seq);
            let items = page.entries.iter().map(push::item_of).collect();
            let heard = state.feed.filled(page.epoch, items, page.head, now);
            if !state.feed.reaches(read_to) {
                feeds.passed_over(&live.room);
            }
            heard
        }
        // A room that is gone: its log is shorter than it was.
        Ok(None) => {
            state.feed.read_failed(now + AGAIN);
            Heard::WentBack
        }
        Err(error) => {
            GAPS.note_of(live.room.as_str(), || error);
            state.feed.read_failed(now + AGAIN);
            return;
        }
    };
    match heard {
        Heard::OtherEpoch | Heard::WentBack => state.doubted = true,
        Heard::Grew | Heard::Missing | Heard::Nothing => {}
    }
    feeds.count_ring(&mut state);
    drop(state);
    if heard == Heard::Grew {
        live.readers().wake(&feeds.shards);
    }
}

/// Asks the store for the room's head and epoch. Where the epoch is another, or the log has gone back under the same (then the
/// epoch is changed first), the feed begins anew and its readers find their positions gone.
async fn settle_epoch(feeds: &Arc<Feeds>, live: &Arc<Live>, asked: Seq) -> Result<(), StoreError> {
    let mut head = feeds.heads.ask(live.room.clone()).await?;
    let own = live.state().feed.epoch();
    if let (Some(own), Some(found)) = (own, head)
        && found.epoch == own
        && found.seq < asked
    {
        SHORTER.note_of(live.room.as_str(), || format!("its head is {}, and {asked} was known", found.seq));
        feeds.store.bump_epoch(Some(own.incarnation)).await?;
        head = feeds.heads.ask(live.room.clone()).await?;
    }
    if head.is_some_and(|head| head.deleted) {
        feeds.hear_of_deleted_room(&live.room);
    }
    let mut state = live.state();
    if state.forgotten {
        return Ok(());
    }
    state.doubted = false;
    if head.map(|head| head.epoch) != state.feed.epoch() {
        feeds.metrics.epochs.inc();
        let mut feed = Feed::new();
        if let Some(head) = head {
            feed.open(head.epoch, head.seq, Instant::now());
        }
        state.feed = feed;
        feeds.count_ring(&mut state);
        drop(state);
        live.readers().wake(&feeds.shards);
    }
    Ok(())
}
