//! What a client's task does while the other side takes nothing, or goes.

use super::*;
use crate::{
    chat::{Chat, intake::Holder, methods},
    gateway::{arrivals::Turn, methods::RpcTable, socket::Socket},
    token::{Tokens, Trust},
};
use futures_util::{SinkExt, StreamExt};
use hubbub_core::{
    live::{
        presence::Present,
        signal::{RoomSignal, Saying},
    },
    log::{
        entry::{Proposal, Right},
        kinds::{Message, Text, What},
    },
    model::{
        access::{Role, RoomKind},
        ids::UserId,
        json::Json,
        seq::{Epoch, Seq},
    },
    wire::{
        command::{Said, Subscribe},
        connection::Identity,
        rpc::{MethodHandle, RpcMethods},
        wants::Wants,
    },
};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};
use tokio::sync::Notify;
use tokio_websockets::ClientBuilder;

/// A way to a client that says what it is given to say, and takes nothing.
#[derive(Default)]
struct Way {
    says: VecDeque<Inbound>,
    is_writing: bool,
    looks: Arc<AtomicUsize>,
    parts: Arc<Notify>,
    written: Vec<Bytes>,
}

impl Transport for Way {
    fn format(&self) -> Format {
        Format::Json
    }
    fn is_writing(&self) -> bool {
        self.looks.fetch_add(1, Ordering::Relaxed);
        self.is_writing
    }
    fn write(&mut self, frame: Bytes) {
        self.is_writing = true;
        self.written.push(frame);
    }
    fn close(&mut self, _why: &Disconnect) {}
    fn poll_written(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), ()>> {
        Poll::Pending
    }
    fn poll_read(&mut self, _cx: &mut Context<'_>) -> Poll<Inbound> {
        self.says.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
    async fn part(&mut self) {
        self.parts.notify_one();
        std::future::pending().await
    }
}

struct House {
    gateway: Arc<Gateway>,
    _directory: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let chat = Chat::alone(&directory.path().join("hubbub.db"));
        let tokens = Tokens::new(&Trust::default(), chat.metrics.clone(), chat.clock.clone());
        let chat = Arc::new(chat);
        let table = RpcTable::new(&chat, &chat.metrics.methods, methods::list);
        let gateway = Gateway::new(chat, Arc::new(tokens), "here".into(), table);
        Self { gateway: Arc::new(gateway), _directory: directory }
    }

    fn client(&self, way: Way) -> Client<Way> {
        Client::new(self.gateway.clone(), way, self.gateway.admit(None).unwrap())
    }

    fn turns(&self) -> Vec<Turn> {
        std::iter::from_fn(|| self.gateway.arrivals.try_turn()).collect()
    }
}

impl Client<Way> {
    /// It is ana's, by a token that expires then.
    fn is_anas(&mut self, expires: Option<Instant>) {
        let identity = Identity { user: UserId::parse("ana").unwrap(), info: None, expires, issued: None };
        self.connection
            .receive(Command { id: 1, said: Ok(Said::Connect { token: String::new(), wants: Default::default() }) });
        self.connection.verified(1, Ok(identity)).unwrap();
    }

    async fn until_it_parts(&mut self) {
        let parts = self.transport.parts.clone();
        let done = async {
            tokio::select! {
                () = self.run() => panic!("it is gone"),
                () = parts.notified() => {}
            }
        };
        tokio::time::timeout(Duration::from_secs(10), done).await.expect("it parts");
    }

    /// How often it looked at its way within a moment.
    async fn looks(&mut self) -> usize {
        let before = self.transport.looks.load(Ordering::Relaxed);
        assert!(tokio::time::timeout(Duration::from_millis(100), self.run()).await.is_err(), "it is gone");
        self.transport.looks.load(Ordering::Relaxed) - before
    }
}

struct NoMethods;

impl RpcMethods for NoMethods {
    fn find(&self, _: &str) -> Option<MethodHandle> {
        None
    }
}

fn subscribe() -> Command {
    let frame = br#"{"id":2,"subscribe":{"channel":"room:general"}}"#;
    Commands::new(Bytes::from_static(frame), Format::Json).next(&NoMethods).unwrap().unwrap()
}

fn said(frame: &'static str) -> VecDeque<Inbound> {
    [Inbound::Frame(Bytes::from_static(frame.as_bytes()))].into()
}

#[tokio::test]
async fn one_that_expires_while_it_takes_nothing_costs_nothing() {
    let house = House::new();
    let mut client = house.client(Way { is_writing: true, ..Way::default() });
    client.writing_since = Some(Instant::now());
    client.is_anas(Some(Instant::now() - 2 * limits::REFRESH_GRACE));
    let looks = client.looks().await;
    assert_eq!(client.closing, Some(Disconnect::EXPIRED));
    assert!(looks < 50, "it looked {looks} times");
}

#[tokio::test]
async fn answers_to_sends_are_waited_for_patiently_and_not_for_ever() {
    let house = House::new();
    let mut client = house.client(Way::default());
    client.is_anas(Some(Instant::now() - 2 * limits::REFRESH_GRACE));
    let (general, now) = (RoomId::parse("general").unwrap(), Instant::now());
    let ticket = client.send_order.may_send(&general, None, now).unwrap();
    client.send_order.begin(&general, ticket, now);
    client.close_with(Disconnect::SHUTDOWN);
    let looks = client.looks().await;
    assert!(looks < 50, "it looked {looks} times");
    client.answers_by = Some(Instant::now() + Duration::from_millis(20));
    client.until_it_parts().await;
}

#[tokio::test]
async fn who_is_not_known_takes_nobodys_turn_and_who_goes_keeps_none() {
    let house = House::new();
    let mut stranger = house.client(Way::default());
    assert!(!stranger.waits_for_turn(&subscribe()));
    assert_eq!(house.turns().len(), limits::ARRIVAL_TURNS);
    stranger.transport.says = said(r#"{"id":2,"subscribe":{"channel":"room:general"}}"#);
    stranger.until_it_parts().await;

    let mut ana = house.client(Way { says: [Inbound::Gone].into(), ..Way::default() });
    ana.is_anas(None);
    assert!(!ana.waits_for_turn(&subscribe()));
    assert_eq!(house.turns().len(), limits::ARRIVAL_TURNS - 1);
    // Something is in flight, so that it has not arrived.
    ana.in_flight.push(Box::pin(std::future::pending()));
    ana.until_it_parts().await;
    assert_eq!((house.turns().len(), house.gateway.chat.metrics.arriving.get()), (limits::ARRIVAL_TURNS, 0));
}

#[tokio::test]
async fn who_has_arrived_once_does_not_queue_behind_a_storm() {
    let house = House::new();
    let mut ana = house.client(Way::default());
    ana.is_anas(None);
    assert!(!ana.waits_for_turn(&subscribe()));
    ana.settle_arrival();
    let storm = house.turns();
    assert_eq!(storm.len(), limits::ARRIVAL_TURNS);
    assert!(!ana.waits_for_turn(&subscribe()));
    let mut ben = house.client(Way::default());
    ben.is_anas(None);
    assert!(ben.waits_for_turn(&subscribe()), "one of the storm queues");
}

#[tokio::test]
async fn who_goes_keeps_no_page_from_others() {
    let house = House::new();
    let pages = &house.gateway.chat.page_turns;
    let all = pages.clone().acquire_many_owned(limits::PAGE_READS as u32);
    let held = all.await.unwrap();
    let says = said(r#"{"id":2,"history":{"channel":"room:general","limit":1}}"#);
    let mut ana = house.client(Way { says, ..Way::default() });
    ana.is_anas(None);
    assert!(ana.looks().await > 0);
    assert_eq!(ana.in_flight.len(), 1, "it waits for its page");
    ana.transport.says.push_back(Inbound::Gone);
    ana.until_it_parts().await;
    drop(held);
    assert_eq!(pages.available_permits(), limits::PAGE_READS);
}

fn user(name: &str) -> UserId {
    UserId::parse(name).unwrap()
}

fn general() -> RoomId {
    RoomId::parse("general").unwrap()
}

/// Somebody types, as the feed passes it on that has come to `heard_to`.
fn typing(from: &str, heard_to: Seq, until: Instant) -> Arc<RoomSignal> {
    let body = Json::trusted(format!(r#"{{"type":"typing","user":"{from}"}}"#));
    let (epoch, kind) = (Epoch { incarnation: 1, generation: 1 }, "typing".into());
    let lasts = Some(limits::TYPING_FOR);
    let saying = Saying { room: general(), epoch, at: heard_to, from: user(from), kind, lasts };
    Arc::new(RoomSignal { saying, heard_to, until: Some(until), push: push::signal(&general(), &body) })
}

impl Client<Way> {
    /// Takes what has come in.
    fn takes_mail(&mut self) {
        if let Poll::Ready(mail) = self.inbox.poll(&mut Context::from_waker(std::task::Waker::noop())) {
            self.open_mail(mail);
        }
    }

    /// The other side takes what was written: says what is written next.
    fn writes(&mut self) -> String {
        self.transport.is_writing = false;
        let before = self.transport.written.len();
        self.write();
        let frames = &self.transport.written[before..];
        frames.iter().map(|frame| String::from_utf8_lossy(frame).into_owned()).collect()
    }
}

#[tokio::test]
async fn who_takes_nothing_for_a_while_is_told_who_types_then() {
    let house = House::new();
    let (chat, members) = (&house.gateway.chat, [(user("ana"), Role::Member), (user("ben"), Role::Member)]);
    chat.make_room(&general(), RoomKind::Private, "", &UserId::backend(), &members).await.unwrap();
    let mut client = house.client(Way::default());
    client.is_anas(None);
    let present = Present { client: client.id, user: user("ana"), info: None, revision: 0 };
    client.inbox.belongs_to(present, Wants { signals: true, activity: false });
    let ask = Subscribe { room: general(), recover: None, reject_unrecovered: false, join_leave: false };
    let (subscription, begin) = chat.subscribe(&user("ana"), ask, &client.inbox, 0, 1_000).await.unwrap();
    let head = begin.at;
    client.begin(1, 0, general(), subscription, begin, false);
    assert!(client.writes().contains("subscribe"));

    // The other side takes nothing meanwhile.
    let (now, over) = (Instant::now(), Instant::now() + limits::TYPING_FOR);
    for n in 0..1_000 {
        client.inbox.signal(0, typing(["dora", "eve"][n % 2], head, over));
        client.inbox.signal(0, typing("frank", head, now));
        client.inbox.signal(0, typing("ana", head, over));
        client.takes_mail();
    }
    assert!(client.outbox.is_empty() && client.signals.len() == 3, "the newest of each waits");
    let told = client.writes();
    assert_eq!(told.matches("typing").count(), 2, "{told}");
    assert!(
        told.contains("dora") && told.contains("eve"),
        "what is over is told nobody, nor what one does oneself: {told}"
    );

    // A message ends what its author was about to say: what waits in front of it,
    client.inbox.signal(0, typing("ben", head, over));
    client.inbox.signal(0, typing("dora", head, over));
    client.takes_mail();
    let message = What::Message(Message::new(Text::parse("here it is").unwrap(), None, None));
    let proposal = Proposal::new(general(), user("ben"), None, message, Right::Own);
    let source = chat.admission.new_source();
    chat.admission.submit(&source, proposal).unwrap().outcome().await.unwrap();
    // It is told once it was answered.
    let mail = poll_fn(|cx| client.inbox.poll(cx)).await;
    assert_eq!(mail.slots, [0]);
    client.open_mail(mail);
    let told = client.writes();
    assert!(told.contains("here it is") && !told.contains(r#""typing","user":"ben""#), "{told}");
    assert_eq!(told.matches("typing").count(), 1, "{told}");
    // and what comes in behind it.
    client.inbox.signal(0, typing("ben", head, over));
    client.inbox.signal(0, typing("eve", head, over));
    client.takes_mail();
    let told = client.writes();
    assert!(told.contains("eve") && !told.contains("ben"), "{told}");
    client.inbox.signal(0, typing("ben", Seq::new(head.get() + 1), over));
    client.takes_mail();
    assert!(client.writes().contains("ben"), "his next");
}

#[tokio::test]
async fn who_is_written_to_by_task_and_shard_by_turns_gets_each_entry_once_and_in_order() {
    const MESSAGES: u64 = 200;
    let house = House::new();
    let chat = &house.gateway.chat;
    let members = [(user("ana"), Role::Member), (user("ben"), Role::Member)];
    chat.make_room(&general(), RoomKind::Private, "", &UserId::backend(), &members).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let share = chat.intake.share(Holder::Strangers(None));
    let socket = Socket::new(listener.accept().await.unwrap().0.into(), Format::Json, share);
    let mut client = Client::new(house.gateway.clone(), socket, house.gateway.admit(None).unwrap());
    client
        .connection
        .receive(Command { id: 1, said: Ok(Said::Connect { token: String::new(), wants: Wants::default() }) });
    let identity = Identity { user: user("ana"), info: None, expires: None, issued: None };
    client.connection.verified(1, Ok(identity)).unwrap();
    let serving = tokio::spawn(async move { client.run().await });

    let mut ana = ClientBuilder::new().take_over(stream);
    ana.send(tokio_websockets::Message::text(r#"{"id":2,"subscribe":{"channel":"room:general"}}"#)).await.unwrap();
    let (mut offsets, mut answers, mut first) = (Vec::new(), 0, None);
    let source = chat.admission.new_source();
    let mut said = 0;
    let hears = async {
        while offsets.len() < MESSAGES as usize {
            let frame = ana.next().await.expect("it goes on").unwrap();
            for line in frame.as_text().unwrap().lines() {
                let line: serde_json::Value = serde_json::from_str(line).unwrap();
                match line["push"]["pub"]["offset"].as_u64() {
                    Some(offset) => offsets.push(offset),
                    None if line["id"] == 2 => first = line["subscribe"]["offset"].as_u64(),
                    None => answers += 1,
                }
            }
            // Now an entry, now a question, now both: the line goes to and fro.
            if said < MESSAGES {
                said += 1;
                let message = What::Message(Message::new(Text::parse("hi").unwrap(), None, None));
                let proposal = Proposal::new(general(), user("ben"), None, message, Right::Own);
                drop(chat.admission.submit(&source, proposal).unwrap());
                if said % 3 > 0 {
                    let asks = format!(r#"{{"id":{},"history":{{"channel":"room:general","limit":0}}}}"#, said + 2);
                    ana.send(tokio_websockets::Message::text(asks)).await.unwrap();
                }
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), hears).await.expect("everything comes");
    let first = first.expect("an answer to subscribe") + 1;
    assert_eq!(offsets, (first..first + MESSAGES).collect::<Vec<_>>());
    assert!(answers > 0);
    drop(ana);
    tokio::time::timeout(Duration::from_secs(60), serving).await.expect("it ends").unwrap();
}
