//! Connections that have not said who they are: each is counted from the moment it is accepted, in number and in bytes,
//! by where it comes from, until it is known or gone.
//!
//! A connection is known once it has connected with a token, given an API key, or brought a webhook that was verified.
//! Where a listed proxy passes requests of many on, each request is counted for itself, by what the proxy says of it.
//! The counting is the core's ([`hubbub_core::model::strangers`]).

use crate::{log::Seldom, metrics::Metrics};
use axum::http::{HeaderMap, HeaderName, header};
use futures_util::task::AtomicWaker;
use hubbub_core::{
    limits,
    model::{
        origin::{Origin, Proxies},
        strangers::{self, Ticket},
    },
};
use std::{
    collections::VecDeque,
    future::poll_fn,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

pub use hubbub_core::model::strangers::Full;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Peers that are said to be unlisted proxies, at most.
const SAID: usize = 16;

/// Everybody at one instance who is not known. See the module.
pub struct Strangers {
    proxies: Proxies,
    /// How many connections there may be in all before files are short.
    room: usize,
    open: AtomicUsize,
    table: Mutex<Table>,
    unlisted: Mutex<Vec<IpAddr>>,
    metrics: Arc<Metrics>,
}

struct Table {
    seats: strangers::Strangers<Arc<Cut>>,
    /// Those for whom there was no seat, in the order they came.
    late: VecDeque<Weak<Cut>>,
}

/// How somebody is told that the connection is to end.
#[derive(Default)]
struct Cut {
    is_cut: AtomicBool,
    is_late: AtomicBool,
    waker: AtomicWaker,
}

/// A connection, from its first byte to its last.
pub struct Visitor {
    all: Arc<Strangers>,
    peer: IpAddr,
    side: Side,
    cut: Arc<Cut>,
    known: AtomicBool,
    in_head: AtomicBool,
    /// What has come of its head.
    head: AtomicUsize,
    state: Mutex<State>,
}

/// At which door, and whether its word is taken for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Direct,
    Listed,
    Inside,
}

#[derive(Default)]
struct State {
    ticket: Option<Ticket>,
    origin: Option<Origin>,
    late: Option<Full>,
    /// A client's task has it: it is counted until that is known or gone.
    stays: bool,
    fault: Option<Fault>,
}

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It took too long.
    Slow,
    /// Too much of strangers is held.
    Crowded(Full),
}

static UNKNOWN_PROXY: Seldom = Seldom::new();
static CROWDED: Seldom = Seldom::new();

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn dice() -> impl FnMut(usize) -> usize {
    |n| rand::random_range(0..n)
}

impl Strangers {
    /// Takes these proxies' word, lets so many of one address in, and holds so many connections in all.
    pub fn new(proxies: Proxies, per_address: usize, room: usize, metrics: Arc<Metrics>) -> Arc<Self> {
        let table = Table { seats: strangers::Strangers::new(per_address), late: VecDeque::new() };
        let (table, unlisted, open) = (Mutex::new(table), Mutex::default(), AtomicUsize::new(0));
        Arc::new(Self { proxies, room, open, table, unlisted, metrics })
    }

    /// From now on so many of one address.
    pub fn allow(&self, per_address: usize) {
        locked(&self.table).seats.per_origin = per_address;
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Somebody has come to the door for clients.
    pub fn arrives(self: &Arc<Self>, peer: IpAddr) -> Arc<Visitor> {
        let side = if self.proxies.have(peer) { Side::Listed } else { Side::Direct };
        let (cut, mut state) = (Arc::<Cut>::default(), State::default());
        let open = self.open.fetch_add(1, Ordering::Relaxed) + 1;
        let mut table = locked(&self.table);
        if open > self.room && !self.cut_one(&mut table) {
            state.late = Some(Full::All);
        } else if side == Side::Direct {
            self.seat(&mut table, &mut state, Some(peer.into()), &cut);
        }
        if state.late.is_some() {
            cut.is_late.store(true, Ordering::Relaxed);
            table.late.push_back(Arc::downgrade(&cut));
            if table.late.len() > self.latecomers()
                && let Some(first) = table.late.pop_front().and_then(|first| first.upgrade())
                && first.is_late.load(Ordering::Relaxed)
            {
                self.cut_off(&first);
            }
        }
        drop(table);
        self.visitor(peer, side, cut, state)
    }

    fn latecomers(&self) -> usize {
        limits::LATECOMERS.min(self.room / 8)
    }

    /// Somebody has come to the door for operators, who are not counted.
    pub fn inside(self: &Arc<Self>, peer: IpAddr) -> Arc<Visitor> {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.visitor(peer, Side::Inside, Arc::default(), State::default())
    }

    fn visitor(self: &Arc<Self>, peer: IpAddr, side: Side, cut: Arc<Cut>, state: State) -> Arc<Visitor> {
        let (all, known, in_head) = (self.clone(), AtomicBool::new(false), AtomicBool::new(true));
        let (head, state) = (AtomicUsize::new(0), Mutex::new(state));
        Arc::new(Visitor { all, peer, side, cut, known, in_head, head, state })
    }

    /// Ends a connection of somebody who is not known, because files are short.
    pub fn make_room(&self) {
        self.cut_one(&mut locked(&self.table));
    }

    fn cut_one(&self, table: &mut Table) -> bool {
        let cleared = table.seats.clear(0, &mut dice());
        cleared.inspect(|cut| self.cut_off(cut)).is_some()
    }

    fn cut_off(&self, cut: &Cut) {
        self.metrics.strangers.refused("cut");
        cut.is_cut.store(true, Ordering::Release);
        cut.waker.wake();
    }

    fn seat(&self, table: &mut Table, state: &mut State, origin: Option<Origin>, cut: &Arc<Cut>) {
        state.origin = origin;
        match table.seats.enter(origin, cut.clone(), &mut dice()) {
            Ok((ticket, cleared)) => {
                (state.ticket, state.late) = (Some(ticket), None);
                cleared.iter().for_each(|cut| self.cut_off(cut));
            }
            Err((full, _)) => state.late = Some(full),
        }
        self.count(table);
    }

    fn leave(&self, state: &mut State) {
        if let Some(ticket) = state.ticket.take() {
            let mut table = locked(&self.table);
            table.seats.leave(ticket);
            self.count(&table);
        }
    }

    fn count(&self, table: &Table) {
        let held = table.seats.held();
        self.metrics.strangers.here.set(held.seats.cast_signed() as i64);
        self.metrics.strangers.bytes.set(held.bytes.cast_signed() as i64);
    }

    /// An unlisted proxy is taken for one client with many connections: its operator is to know before anybody waits.
    fn notice_unlisted(&self, peer: IpAddr) {
        let mut said = locked(&self.unlisted);
        if said.len() < SAID
            && !said.contains(&peer)
            && let Some(passed_over) = UNKNOWN_PROXY.tell()
        {
            said.push(peer);
            tracing::warn!(
                %peer,
                passed_over,
                "forwarded headers come from an address that is not in --trusted-proxies: if a balancer of yours is there, name it, or all its clients share one limit"
            );
        }
    }

    fn say_crowded(&self, origin: Option<Origin>, full: Full) {
        self.metrics.strangers.refused(match full {
            Full::Origin => "address",
            Full::All => "all",
        });
        let Some(passed_over) = CROWDED.tell() else { return };
        let (here, most) = {
            let table = locked(&self.table);
            (origin.map_or(table.seats.held(), |origin| table.seats.held_by(origin)).seats, table.seats.per_origin)
        };
        match (full, origin) {
            (Full::Origin, Some(origin)) => tracing::warn!(
                %origin, here, most, passed_over,
                "an address has as many connections that have not said who they are as it may; others of it are told to come again: if it is a balancer of yours, name it in --trusted-proxies"
            ),
            _ => tracing::warn!(
                here,
                passed_over,
                "there are as many connections that have not said who they are as there may be; others are told to come again"
            ),
        }
    }
}

/// What is answered to anybody at any time: for balancers and people at night.
fn is_probe(path: &str) -> bool {
    matches!(path, "/health/live" | "/health/ready" | "/metrics")
}

impl Visitor {
    /// The head of a request is there; `path` without the base path. Whoever has no seat by now is turned away, unless it asks for
    /// our health, or for what an API key opens, which is looked at first.
    ///
    /// # Errors
    /// Of what there is too much.
    pub fn asks(&self, path: &str, headers: &HeaderMap) -> Result<(), Full> {
        self.in_head.store(false, Ordering::Relaxed);
        self.head.store(0, Ordering::Relaxed);
        let mut state = locked(&self.state);
        match self.side {
            Side::Inside => return Ok(()),
            Side::Direct => {
                if headers.contains_key(FORWARDED_FOR) || headers.contains_key(header::FORWARDED) {
                    self.all.notice_unlisted(self.peer);
                }
                if state.ticket.is_some() || self.is_known() {
                    return Ok(());
                }
            }
            Side::Listed => {
                // Whoever asks now may be somebody else than before.
                self.known.store(false, Ordering::Relaxed);
                self.all.leave(&mut state);
            }
        }
        if is_probe(path) {
            return Ok(());
        }
        let origin = match self.side {
            Side::Listed => {
                let lines = headers.get_all(FORWARDED_FOR).iter().map(|line| line.as_bytes());
                self.all.proxies.client(self.peer, lines)
            }
            _ => Some(self.peer.into()),
        };
        self.all.seat(&mut locked(&self.all.table), &mut state, origin, &self.cut);
        self.cut.is_late.store(state.late.is_some(), Ordering::Relaxed);
        match state.late {
            Some(full) if !path.starts_with("/v1/") => {
                drop(state);
                self.all.say_crowded(origin, full);
                Err(full)
            }
            _ => Ok(()),
        }
    }

    /// It has said who it is, and that is true.
    pub fn is_identified(&self) {
        let mut state = locked(&self.state);
        self.known.store(true, Ordering::Release);
        self.cut.is_late.store(false, Ordering::Relaxed);
        state.late = None;
        self.all.leave(&mut state);
    }

    fn is_known(&self) -> bool {
        self.known.load(Ordering::Acquire)
    }

    /// A client's task has it now, and will say whether it is known.
    pub fn stays(&self) {
        locked(&self.state).stays = true;
    }

    /// Where it comes from, if that is counted.
    pub fn origin(&self) -> Option<Origin> {
        locked(&self.state).origin
    }

    /// How many connections its address has that are not known, if it is not known itself.
    pub fn company(&self) -> usize {
        let origin = locked(&self.state).origin.filter(|_| !self.is_known());
        origin.map_or(0, |origin| locked(&self.all.table).seats.held_by(origin).seats)
    }

    /// So many bytes of a head have come.
    ///
    /// # Errors
    /// When it is too much.
    pub fn sent_of_head(&self, bytes: usize) -> Result<(), Full> {
        if !self.in_head.load(Ordering::Relaxed) {
            return Ok(());
        }
        let before = self.head.fetch_add(bytes, Ordering::Relaxed);
        let counted = |bytes: usize| bytes.saturating_sub(limits::SMALL_HEAD_BYTES);
        match counted(before + bytes) - counted(before) {
            0 => Ok(()),
            more => self.sent(more),
        }
    }

    /// So many bytes of a body have come.
    ///
    /// # Errors
    /// When it is too much; [`Visitor::rests`] tells of it again.
    pub fn sent_of_body(&self, bytes: usize) -> Result<(), Full> {
        let sent = if locked(&self.state).late.is_some() { Err(Full::All) } else { self.sent(bytes) };
        sent.inspect_err(|full| {
            self.all.metrics.strangers.refused("bytes");
            self.fails(Fault::Crowded(*full));
        })
    }

    fn sent(&self, bytes: usize) -> Result<(), Full> {
        if self.is_known() {
            return Ok(());
        }
        let Some(ticket) = locked(&self.state).ticket else { return Ok(()) };
        let mut table = locked(&self.all.table);
        let cleared = table.seats.sent(ticket, bytes, &mut dice());
        self.all.count(&table);
        cleared?.iter().for_each(|cut| self.all.cut_off(cut));
        Ok(())
    }

    /// A body was not read to its end.
    pub fn fails(&self, fault: Fault) {
        if fault == Fault::Slow {
            self.all.metrics.strangers.refused("slow");
        }
        locked(&self.state).fault = Some(fault);
    }

    /// A request was answered. Says what was wrong with its body, if something was.
    pub fn rests(&self) -> Option<Fault> {
        let mut state = locked(&self.state);
        if self.side == Side::Listed && !state.stays {
            self.all.leave(&mut state);
        } else if let Some(ticket) = state.ticket {
            let mut table = locked(&self.all.table);
            table.seats.settle(ticket);
            self.all.count(&table);
        }
        self.in_head.store(!state.stays, Ordering::Relaxed);
        state.fault.take()
    }

    /// Whether there is no seat for it: then it is answered once and closed.
    pub fn is_late(&self) -> bool {
        locked(&self.state).late.is_some()
    }

    /// Waits until it has to go, to make room for others.
    pub async fn cut(&self) {
        poll_fn(|cx| self.poll_cut(cx)).await;
    }

    fn poll_cut(&self, cx: &mut Context<'_>) -> Poll<()> {
        let is_cut = || self.cut.is_cut.load(Ordering::Acquire) && !self.is_known();
        if is_cut() {
            return Poll::Ready(());
        }
        self.cut.waker.register(cx.waker());
        if is_cut() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Everybody who is not known.
    pub fn all(&self) -> &Strangers {
        &self.all
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        self.all.open.fetch_sub(1, Ordering::Relaxed);
        self.all.leave(self.state.get_mut().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests;
