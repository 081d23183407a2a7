//! One client's task.
//!
//! It waits for several things at once (the socket, the inbox, answers, the clock) and owns everything of its connection.
//! Nothing in it is a queue of messages: what the client has not read stays in the log.

mod arriving;
mod asking;
mod event;
mod following;
mod hinting;
mod joining;
mod leaving;
mod line;
mod sending;
mod signalling;
#[cfg(test)]
mod tests;

use super::{
    Gateway,
    arrivals::Admitted,
    outbox::{Frame, Outbox},
    transport::{Inbound, Transport},
};
use crate::chat::{
    accounts::Counted,
    live::{
        inbox::Inbox,
        paging::PageTurns,
        subscription::{Subscription, Taken},
    },
};
use arriving::Arriving;
use bytes::Bytes;
use event::{Done, Event, Ping};
use futures_util::{Stream, future::BoxFuture, stream::FuturesUnordered};
use hinting::Hints;
use hubbub_core::{
    limits,
    live::{fingerprint::Fingerprint, held::HeldSignals},
    log::source::Source,
    model::ids::RoomId,
    wire::{
        Format,
        command::{Command, Commands, Said},
        connection::{Action, Connection},
        disconnect::Disconnect,
        push,
        reply::Reply,
        send_order::SendOrder,
    },
};
use line::Held;
use std::{
    collections::{HashMap, HashSet, VecDeque},
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};
use tokio::time::Sleep;
use tracing::{Span, field};
use uuid::Uuid;

pub(super) struct Client<T> {
    gateway: Arc<Gateway>,
    transport: T,
    connection: Connection,
    source: Source,
    id: Uuid,
    inbox: Arc<Inbox>,
    /// What a frame still has to say, and the command that cannot be taken yet.
    commands: Commands,
    next_command: Option<Command>,
    in_flight: FuturesUnordered<BoxFuture<'static, Done>>,
    outbox: Outbox,
    subscriptions: HashMap<u32, Box<Subscription>>,
    slots: HashMap<RoomId, u32>,
    next_slot: u32,
    /// Subscriptions with something to take, in turn.
    ready: VecDeque<u32>,
    page_turns: PageTurns,
    line: Held,
    /// A ping of the WebSocket layer that is not answered yet.
    pong: Option<Bytes>,
    send_order: SendOrder,
    /// When to look whether sends have waited too long.
    sends_due: Option<Instant>,
    /// When the next command may be taken: later than now where its user has said so much.
    slot_at: Option<Instant>,
    hints: Hints,
    /// Signals on their way out.
    signals: HeldSignals,
    /// One of its user's connections.
    counted: Option<Counted>,
    /// Rooms that it wrote into lately: it may, and need not be looked at first.
    vetted: HashSet<RoomId>,
    ping: Ping,
    arriving: Arriving,
    /// Of the token that was accepted last, and of the one that is being judged.
    token: Option<Fingerprint>,
    shown: Option<Fingerprint>,
    /// When the frame on its way out was handed in.
    writing_since: Option<Instant>,
    closing: Option<Disconnect>,
    /// Until when one that is closed is told what became of its sends.
    answers_by: Option<Instant>,
    span: Span,
    timer: Pin<Box<Sleep>>,
}

impl<T: Transport> Client<T> {
    pub(super) fn new(gateway: Arc<Gateway>, transport: T, admitted: Admitted) -> Self {
        let connection = Connection::new(Instant::now());
        let timer = Box::pin(tokio::time::sleep_until(connection.deadline().into()));
        gateway.chat.metrics.connections.inc();
        let id = Uuid::new_v4();
        // On debug, where there are lines to go with it: it would cost each idle connection its names.
        let span = tracing::debug_span!("connection", client = %id, user = field::Empty);
        let (source, inbox) = (gateway.chat.admission.new_source(), Arc::default());
        gateway.roster.enter(id, &inbox);
        let line = Held::new(&transport, &inbox, &gateway.chat);
        Self {
            source: source.clone(),
            connection,
            id,
            inbox,
            commands: Commands::new(Bytes::new(), transport.format()),
            next_command: None,
            in_flight: FuturesUnordered::new(),
            outbox: Outbox::default(),
            subscriptions: HashMap::new(),
            slots: HashMap::new(),
            next_slot: 0,
            ready: VecDeque::new(),
            page_turns: PageTurns::default(),
            line,
            pong: None,
            send_order: SendOrder::new(source),
            sends_due: None,
            slot_at: None,
            hints: Hints::default(),
            signals: HeldSignals::default(),
            counted: None,
            vetted: HashSet::new(),
            ping: Ping::None,
            arriving: Arriving::new(admitted),
            token: None,
            shown: None,
            writing_since: None,
            closing: None,
            answers_by: None,
            span,
            timer,
            gateway,
            transport,
        }
    }

    /// What goes with every line that is logged while this client is served: its id, and who it is.
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Serves the client until it is gone.
    pub(super) async fn run(&mut self) {
        loop {
            self.take_commands();
            if !self.transport.is_writing() {
                if self.outbox.is_empty()
                    && !self.owes_acknowledgements()
                    && let Some(why) = self.closing.take()
                {
                    return self.close(&why).await;
                }
                self.write();
            }
            self.settle_arrival();
            self.give_line();
            let deadline = self.deadline().into();
            if self.timer.deadline() != deadline {
                self.timer.as_mut().reset(deadline);
            }
            match poll_fn(|cx| self.poll(cx)).await {
                Event::Written(Ok(())) => {
                    self.writing_since = None;
                    if self.ping == Ping::Leaving {
                        self.ping = Ping::None;
                        self.connection.pinged(Instant::now());
                    }
                }
                Event::Written(Err(())) => return,
                Event::Inbound(Inbound::Gone) => return self.part().await,
                Event::Inbound(Inbound::Ping(payload)) => self.pong = Some(payload),
                Event::Mail(mail) => self.open_mail(mail),
                Event::Done(done) => {
                    self.finish(done);
                    poll_fn(|cx| self.finish_the_rest(cx)).await;
                }
                Event::Turn => {}
                Event::Inbound(Inbound::Frame(frame)) => self.read(frame),
                Event::Inbound(Inbound::Lost) => self.close_with(Disconnect::LOST_COMMANDS),
                Event::Inbound(Inbound::TooLong) => {
                    let why = format!("a frame of more than {} bytes", limits::FRAME_BYTES);
                    self.close_with(Disconnect::bad_request(why));
                }
                Event::Inbound(Inbound::WrongKind) => {
                    self.close_with(match self.format() {
                        Format::Json => Disconnect::INAPPROPRIATE,
                        Format::Protobuf => Disconnect::bad_request("a text frame on a Protobuf connection"),
                    });
                }
                Event::Tick => {
                    let now = Instant::now();
                    self.tick_arrival(now);
                    self.tick_sends(now);
                    if self.writing_since.is_some_and(|since| now >= since + limits::WRITE_WITHIN) {
                        // Nothing more gets through to it, not even a goodbye.
                        return;
                    }
                    if self.closing.is_none() {
                        if !self.is_reading() {
                            self.connection.excuse(now);
                        }
                        match self.connection.tick(now) {
                            // It does speak, and cannot help that it is not understood yet.
                            Action::Close(why) if why == Disconnect::STALE && self.transport.is_receiving() => {
                                self.close_with(Disconnect::SLOW);
                            }
                            action => self.act(action),
                        }
                    }
                }
            }
        }
    }

    /// Whatever else is done by now: the answers to what was committed together leave in one write.
    fn finish_the_rest(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.outbox.is_full()
            && let Poll::Ready(Some(done)) = Pin::new(&mut self.in_flight).poll_next(cx)
        {
            self.finish(done);
        }
        Poll::Ready(())
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        if self.transport.is_writing()
            && let Poll::Ready(written) = self.transport.poll_written(cx)
        {
            return Poll::Ready(Event::Written(written));
        }
        if !self.in_flight.is_empty()
            && let Poll::Ready(Some(done)) = Pin::new(&mut self.in_flight).poll_next(cx)
        {
            return Poll::Ready(Event::Done(done));
        }
        if self.arriving.poll(cx).is_ready() {
            return Poll::Ready(Event::Turn);
        }
        if let Poll::Ready(mail) = self.inbox.poll(cx) {
            return Poll::Ready(Event::Mail(mail));
        }
        if self.is_reading()
            && let Poll::Ready(incoming) = self.transport.poll_read(cx)
        {
            return Poll::Ready(Event::Inbound(incoming));
        }
        self.timer.as_mut().poll(cx).map(|()| Event::Tick)
    }

    /// Back-pressure: who does not take answers is not asked for more questions.
    fn is_reading(&self) -> bool {
        // Nor is who does not take the answers to pings.
        self.next_command.is_none()
            && self.commands.is_empty()
            && !self.outbox.is_full()
            && self.closing.is_none()
            && self.pong.is_none()
    }

    fn format(&self) -> Format {
        self.transport.format()
    }

    fn reply(&mut self, reply: &Reply) {
        self.outbox.push(reply.encode(self.format()));
    }

    fn read(&mut self, frame: Bytes) {
        // Whoever is not known yet says `connect` first, and the rest behind it in the same frame.
        let connect = if self.connection.user().is_some() { 0 } else { limits::CONNECT_BYTES };
        if frame.len() > limits::FRAME_BYTES + connect {
            let why = format!("frame of {} bytes; the limit is {}", frame.len(), limits::FRAME_BYTES);
            return self.close_with(Disconnect::bad_request(why));
        }
        self.commands = Commands::new(frame, self.format());
    }

    fn take_commands(&mut self) {
        self.take_until_something_waits();
        if self.next_command.is_none() && self.commands.is_empty() {
            self.transport.executed();
        }
    }

    fn take_until_something_waits(&mut self) {
        while self.closing.is_none() && !self.outbox.is_full() {
            let before = self.commands.len();
            let command = match self.next_command.take().map(Ok).or_else(|| self.commands.next(&self.gateway.methods)) {
                Some(Ok(command)) => command,
                Some(Err(why)) => return self.close_with(why),
                None => break,
            };
            if matches!(command.said, Ok(Said::Connect { .. })) {
                let (length, rest) = (before - self.commands.len(), self.commands.len());
                for (what, bytes, limit) in
                    [("connect", length, limits::CONNECT_BYTES), ("what follows it", rest, limits::FRAME_BYTES)]
                {
                    if bytes > limit {
                        let why = format!("{what} of {bytes} bytes; the limit is {limit}");
                        return self.close_with(Disconnect::bad_request(why));
                    }
                }
            }
            if !self.connection.may_take(&command) || self.pauses(&command) || self.waits_for_turn(&command) {
                self.next_command = Some(command);
                return;
            }
            self.slot_at = None;
            let action = self.connection.receive(command);
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Nothing => {}
            Action::Reply(reply) => self.reply(&reply),
            Action::Close(why) => self.close_with(why),
            Action::Ping => self.ping = Ping::Due,
            Action::Verify { id, token } => self.verify(id, &token),
            Action::Unsubscribe(room, reply) => {
                self.end_subscription(&room);
                self.reply(&reply);
                self.release_hints(&room);
            }
            Action::Ask(who, id, ask) => self.ask(&who, id, ask),
        }
    }

    fn finish(&mut self, done: Done) {
        match done {
            Done::Reply { reply, page } => {
                self.connection.answered(page);
                self.reply(&reply);
            }
            Done::Sent(sent) => self.sent(sent),
            Done::Subscribed { id, slot, room, result, asked } => {
                self.connection.answered(false);
                self.connection.subscribed(&room, asked, result.is_ok());
                match result {
                    Ok((subscription, beginning)) => {
                        self.begin(id, slot, room.clone(), subscription, beginning, asked);
                    }
                    Err(error) => self.reply(&Reply::error(id, error.into())),
                }
                self.release_hints(&room);
            }
            Done::Page { slot, tries, page } => self.turn_page(slot, tries, page),
            Done::Refreshed(reply) => self.reply(&reply),
            Done::Judged { id, verdict } => self.judged(id, verdict),
        }
    }

    /// Gathers what is to be written into one frame: replies first, then what subscriptions have, each in its turn.
    fn write(&mut self) {
        if !self.has_to_write() {
            return;
        }
        self.take_line();
        if self.transport.is_writing() {
            return;
        }
        if let Some(payload) = self.pong.take() {
            self.writing_since = Some(Instant::now());
            return self.transport.pong(payload);
        }
        let format = self.format();
        let mut frame = Frame::new(format);
        if self.ping == Ping::Due {
            frame.add(push::ping(format));
            self.ping = Ping::Leaving;
        }
        self.outbox.drain_into(&mut frame);
        while frame.has_room()
            && self.outbox.is_empty()
            && let Some(slot) = self.ready.pop_front()
        {
            let Some(subscription) = self.subscriptions.get_mut(&slot) else { continue };
            self.line.touches(slot);
            let room = subscription.room().clone();
            let Taken { items, then } = subscription.take(frame.room());
            self.gateway.chat.metrics.delivered.inc_by(items.len() as u64);
            if subscription.has_waited() {
                self.gateway.chat.measure(items.first());
            }
            for item in &items {
                frame.add(push::of_item(item, format).clone());
            }
            self.go_on(slot, room.clone(), then);
            self.signals.pass(slot, &items);
            self.release_hints(&room);
        }
        self.tell_missed();
        // The end of a subscription that this brought about.
        self.outbox.drain_into(&mut frame);
        self.release_signals(&mut frame);
        self.read_wanted_pages();
        if let Some(bytes) = frame.finish() {
            self.writing_since = Some(Instant::now());
            self.transport.write(bytes);
        }
    }
}

impl<T> Drop for Client<T> {
    fn drop(&mut self) {
        if let Some(user) = self.connection.user() {
            self.gateway.chat.people.leave(user, &self.inbox);
            if self.inbox.hears_activity() {
                self.gateway.chat.activity.leave(user, &self.inbox);
            }
        }
        self.gateway.roster.leave(self.id);
        self.inbox.closes();
        self.gateway.chat.metrics.connections.dec();
        let _here = self.span.enter();
        tracing::debug!("gone");
    }
}
