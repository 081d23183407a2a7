use super::*;
use std::num::NonZeroU32;

const MOMENT: Duration = Duration::from_millis(10);

struct Sender {
    order: SendOrder,
    room: RoomId,
    now: Instant,
}

impl Sender {
    fn new() -> Self {
        let (order, room) = (SendOrder::new(Source::new(7)), RoomId::parse("general").unwrap());
        Self { order, room, now: Instant::now() }
    }

    fn may_send(&mut self, key: &str) -> Result<Ticket, String> {
        let key = Key::parse(key).unwrap();
        self.order.may_send(&self.room, Some(&key), self.now).map_err(|why| why.message.into_owned())
    }

    fn begins(&mut self, key: &str) -> (Ticket, Source) {
        let ticket = self.may_send(key).unwrap();
        (ticket, self.order.begin(&self.room, ticket, self.now))
    }

    fn fails(&mut self, key: &str, ticket: Ticket) {
        self.order.settled(&self.room, ticket, Some(Some(Key::parse(key).unwrap())), self.now);
    }

    fn is_too_fast(&mut self, key: &str) {
        let ticket = self.may_send(key).unwrap();
        let (key, delay) = (Key::parse(key).unwrap(), Delay::TooFast(Pace::Connection(NonZeroU32::new(5).unwrap())));
        self.order.refuse(&self.room, ticket, Some(key), delay, 20 * MOMENT, self.now);
    }
}

#[test]
fn nothing_passes_one_that_failed_until_it_comes_again() {
    let mut ana = Sender::new();
    let (first, line) = ana.begins("1");
    let (second, _) = ana.begins("2");
    line.fail();
    // The second's failure is seen first: it waits for the first all the same.
    ana.fails("2", second);
    assert!(ana.may_send("2").is_err());
    ana.fails("1", first);
    assert!(ana.may_send("3").is_err());
    let (first, line) = ana.begins("1");
    assert!(!line.has_failed(), "it goes on a new line");
    ana.begins("2");
    ana.begins("3");
    ana.order.settled(&ana.room, first, None, ana.now);
    assert_eq!(ana.order.in_flight(), 2);
}

#[test]
fn a_newer_send_does_not_take_the_slot_that_an_older_was_told() {
    let mut ana = Sender::new();
    ana.is_too_fast("1");
    let told = |wait| format!("too many sends: the limit is 5 a second; retry in {wait} ms with the same key");
    assert_eq!(ana.may_send("2").unwrap_err(), told(401));
    assert_eq!(ana.may_send("3").unwrap_err(), told(601), "each has a slot of its own");
    ana.now += 21 * MOMENT;
    assert!(ana.may_send("4").is_err());
    assert!(ana.may_send("3").is_err());
    ana.begins("1");
    assert!(ana.may_send("3").is_err());
    ana.begins("2");
    ana.begins("3");
    ana.begins("4");
}

#[test]
fn who_never_comes_again_is_waited_for_only_so_long() {
    let mut ana = Sender::new();
    let (first, line) = ana.begins("1");
    line.fail();
    ana.fails("1", first);
    assert!(ana.may_send("2").is_err());
    ana.now += limits::REFUSED_FOR + MOMENT;
    // What was refused behind it has lost its place, too.
    ana.begins("3");
    assert_eq!((ana.order.refused, ana.order.in_flight()), (0, 1));
}

#[test]
fn what_is_kept_is_bounded() {
    let mut ana = Sender::new();
    for number in 0..3 * limits::REFUSED_SENDS {
        ana.room = RoomId::parse(&format!("room-{}", number % 7)).unwrap();
        if ana.may_send(&number.to_string()).is_ok() {
            ana.is_too_fast(&number.to_string());
        }
    }
    assert_eq!(ana.order.refused, limits::REFUSED_SENDS);
    ana.now += Duration::from_secs(3_600);
    ana.begins("last");
    assert_eq!((ana.order.refused, ana.order.lines.len()), (0, 1));
}

#[test]
fn lines_of_a_few_rooms_are_kept_and_say_who_has_waited_longest() {
    let mut ana = Sender::new();
    let began = ana.now;
    let mut all = Vec::new();
    for number in 0..3 * limits::IDLE_LINES {
        ana.room = RoomId::parse(&format!("room-{number}")).unwrap();
        let (ticket, line) = ana.begins(&number.to_string());
        all.push((ana.room.clone(), ticket, line));
        ana.now += MOMENT;
    }
    assert_eq!(ana.order.oldest(), Some(began));
    for (room, ticket, _) in &all[..2] {
        ana.order.settled(room, *ticket, None, ana.now);
    }
    assert_eq!(ana.order.oldest(), Some(began + 2 * MOMENT));
    for (room, ticket, _) in &all[2..] {
        ana.order.settled(room, *ticket, None, ana.now);
    }
    assert_eq!((ana.order.oldest(), ana.order.in_flight(), ana.order.lines.len()), (None, 0, limits::IDLE_LINES));
    // One that is kept and has failed is not gone on with.
    let (room, _, line) = all.last().unwrap();
    line.fail();
    ana.room = room.clone();
    assert!(!ana.begins("again").1.has_failed());
}

#[test]
fn rooms_do_not_wait_for_each_other() {
    let mut ana = Sender::new();
    ana.is_too_fast("1");
    ana.room = RoomId::parse("elsewhere").unwrap();
    ana.begins("2");
}
