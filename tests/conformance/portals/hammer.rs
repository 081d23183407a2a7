//! Messages come while others are settled, from two instances at once.

use super::*;
use crate::store::instances::{raw, wait_for_waiters};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

const SESSIONS: usize = 4;
const MESSAGES: u64 = 150;

/// Claims and settles until it is told to stop; notes what it took.
async fn work(desk: Arc<Desk>, taken: Arc<Mutex<BTreeMap<String, Vec<u64>>>>, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        for claim in desk.claim(2).await {
            let Some(last) = claim.entries.last().map(|entry| entry.seq) else {
                panic!("claimed, and nothing is behind it: {claim:?}");
            };
            if claim.fence.is_multiple_of(5) {
                assert!(desk.settle(&claim, DeliveryStep::Released).await);
                continue;
            }
            taken
                .lock()
                .expect("nobody panicked")
                .entry(claim.session.to_string())
                .or_default()
                .extend(crate::store::seqs(&claim.entries));
            assert!(desk.settle(&claim, passed(last)).await);
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_due_is_ever_forgotten() {
    let home = Home::postgres();
    let desks = [Arc::new(Desk::at(&home).await), Arc::new(Desk::at(&home).await)];
    let (taken, stop) = (Arc::default(), Arc::<AtomicBool>::default());
    for n in 0..SESSIONS {
        desks[0].session(&format!("s{n}")).await;
    }
    let workers: Vec<_> =
        desks.iter().map(|desk| tokio::spawn(work(desk.clone(), Arc::clone(&taken), stop.clone()))).collect();
    let writers: Vec<_> = (0..SESSIONS)
        .map(|n| {
            let desk = desks[n % 2].clone();
            tokio::spawn(async move {
                let id = format!("s{n}");
                for message in 0..MESSAGES {
                    match message % 5 {
                        0 => {
                            stored(&desk.receive(&desk.answer(&id, Some(&format!("{id}/{message}")), "hm")).await);
                        }
                        1 => {
                            // The general way, and into two sessions at once: locks are taken in one order.
                            let state = |id: &str, n: u64| {
                                let to = if n.is_multiple_of(2) { SessionState::Open } else { SessionState::Waiting };
                                desk.pen.by_backend(id, &format!("{n}-by-{n}"), What::State(to))
                            };
                            let both = [desk.pen.says(&id, "ana", &format!("k{message}"), "hi"), state(&id, message)];
                            desk.store().append(&both).await.expect("outcomes");
                        }
                        2 => {
                            let next = format!("s{}", (n + 1) % SESSIONS);
                            let both = [
                                desk.pen.says(&id, "ana", &format!("k{message}"), "hi"),
                                desk.pen.says(&next, "ana", &format!("of-{n}-k{message}"), "hi"),
                            ];
                            desk.store().append(&both).await.expect("outcomes");
                        }
                        _ => {
                            desk.asks(&id, &format!("k{message}")).await;
                        }
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("a writer");
    }
    let deadline = Instant::now() + PATIENCE;
    for n in 0..SESSIONS {
        loop {
            let session = desks[0].look(&format!("s{n}")).await;
            if session.delivery.position == session.room.head && session.delivery.due_at.is_none() {
                break;
            }
            assert!(Instant::now() < deadline, "{:?} of {:?}", session.delivery, session.room);
        }
    }
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await.expect("a worker");
    }
    let taken = std::mem::take(&mut *taken.lock().expect("nobody panicked"));
    for (id, seqs) in &taken {
        assert!(seqs.is_sorted_by(|one, next| one < next), "{id}: {seqs:?}");
        let (id, after) = (room(id), hubbub_core::log::room::PageOf::After(Seq::new(2)));
        let page = desks[0].store().page(&id, after, 1_000).await.expect("a page").expect("a room");
        let entries = page.entries;
        let customers: Vec<u64> =
            entries.iter().filter(|entry| entry.from.as_str() == "ana").map(|entry| entry.seq.get()).collect();
        let taken: Vec<u64> = seqs.iter().copied().filter(|seq| customers.contains(seq)).collect();
        assert_eq!(taken, customers, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_taken_while_a_settlement_is_under_way_stays_due() {
    let home = Home::postgres();
    let desk = Arc::new(Desk::at(&home).await);
    desk.session("s1").await;
    let asked = desk.asks("s1", "k1").await;
    let claim = desk.claim_one().await;
    // What a message does to the cursor of its session, in a transaction that is slow to commit.
    let (writer, watch) = (raw().await, raw().await);
    let mark = format!("BEGIN; UPDATE {}.cursors SET head = head + 1", home.schema());
    writer.batch_execute(&mark).await.expect("the mark");
    let settling = tokio::spawn({
        let desk = desk.clone();
        async move { desk.settle(&claim, passed(asked)).await }
    });
    wait_for_waiters(&watch, home.schema(), 1).await;
    writer.batch_execute("COMMIT").await.expect("the commit");
    assert!(settling.await.expect("an answer"));
    let delivery = desk.delivery("s1").await;
    assert_eq!((delivery.position, delivery.head), (asked, asked.next()));
    assert!(delivery.due_at.is_some(), "{delivery:?}");
}
