//! Who is here and has not said who it is: so many of one origin, so many in all, and what they have sent is bounded, too.
//!
//! Each has a seat. Where an origin has taken all of its own, its next one gets none. Where all are taken, somebody of an
//! origin that has many makes room for one of an origin that has few, so that no origin can keep out the others.

use super::origin::Origin;
use crate::limits;
use std::collections::HashMap;

/// Seats looked at for one to be cleared; the one of the origin with the most is.
const LOOKS: usize = 8;

/// See the module. `H` is how one is told that its seat was cleared.
#[derive(Debug)]
pub struct Strangers<H> {
    /// How many of one origin.
    pub per_origin: usize,
    seats: Vec<Option<Seat<H>>>,
    free: Vec<usize>,
    origins: HashMap<Origin, Held>,
    all: Held,
    given: u64,
}

#[derive(Debug)]
struct Seat<H> {
    number: u64,
    origin: Option<Origin>,
    bytes: usize,
    handle: H,
}

/// What an origin has, or all have together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Seats.
    pub seats: usize,
    /// Bytes that were sent and are still held.
    pub bytes: usize,
}

/// A seat that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    at: usize,
    number: u64,
}

/// There is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// For this origin.
    Origin,
    /// For anybody.
    All,
}

impl<H> Strangers<H> {
    /// Nobody is here yet.
    pub fn new(per_origin: usize) -> Self {
        let (seats, free, all) = (Vec::new(), Vec::new(), Held::default());
        Self { per_origin, seats, free, origins: HashMap::new(), all, given: 0 }
    }

    /// What all have together.
    pub const fn held(&self) -> Held {
        self.all
    }

    /// What this origin has.
    pub fn held_by(&self, origin: Origin) -> Held {
        self.origins.get(&origin).copied().unwrap_or_default()
    }

    /// A seat, and whose was cleared for it. Without an origin only the limit of all holds. `dice(n)` is a number below `n`.
    ///
    /// # Errors
    /// Of what there is too much; and the handle comes back.
    pub fn enter(
        &mut self,
        origin: Option<Origin>,
        handle: H,
        dice: &mut dyn FnMut(usize) -> usize,
    ) -> Result<(Ticket, Option<H>), (Full, H)> {
        let own = origin.map_or(0, |origin| self.held_by(origin).seats);
        if origin.is_some() && own >= self.per_origin {
            return Err((Full::Origin, handle));
        }
        let mut cleared = None;
        if self.all.seats >= limits::STRANGERS {
            cleared = self.clear(own + 1, dice);
            if cleared.is_none() {
                return Err((Full::All, handle));
            }
        }
        self.given += 1;
        let seat = Seat { number: self.given, origin, bytes: 0, handle };
        let at = self.free.pop().unwrap_or(self.seats.len());
        if at == self.seats.len() {
            self.seats.push(Some(seat));
        } else {
            self.seats[at] = Some(seat);
        }
        self.all.seats += 1;
        if let Some(origin) = origin {
            self.origins.entry(origin).or_default().seats += 1;
        }
        Ok((Ticket { at, number: self.given }, cleared))
    }

    /// Clears a seat of an origin that has more than `few`, if one is found.
    pub fn clear(&mut self, few: usize, dice: &mut dyn FnMut(usize) -> usize) -> Option<H> {
        let found = self.find(dice, |this, seat| seat.origin.map_or(1, |origin| this.held_by(origin).seats));
        found.filter(|(_, seats)| *seats > few).and_then(|(at, _)| self.take_out(at))
    }

    /// Of some seats the one that weighs most, and what it weighs.
    fn find(
        &self,
        dice: &mut dyn FnMut(usize) -> usize,
        weight: impl Fn(&Self, &Seat<H>) -> usize,
    ) -> Option<(usize, usize)> {
        let mut found: Option<(usize, usize)> = None;
        for _ in 0..LOOKS.min(self.seats.len()) {
            let at = dice(self.seats.len()).min(self.seats.len() - 1);
            let Some(seat) = &self.seats[at] else { continue };
            let weighs = weight(self, seat);
            if found.is_none_or(|(_, most)| weighs > most) {
                found = Some((at, weighs));
            }
        }
        found
    }

    fn take_out(&mut self, at: usize) -> Option<H> {
        let seat = self.seats.get_mut(at)?.take()?;
        self.free.push(at);
        self.all.seats -= 1;
        self.all.bytes -= seat.bytes;
        if let Some(origin) = seat.origin
            && let Some(held) = self.origins.get_mut(&origin)
        {
            held.seats -= 1;
            held.bytes -= seat.bytes;
            if held.seats == 0 {
                self.origins.remove(&origin);
            }
        }
        Some(seat.handle)
    }

    fn seat(&mut self, ticket: Ticket) -> Option<&mut Seat<H>> {
        self.seats.get_mut(ticket.at)?.as_mut().filter(|seat| seat.number == ticket.number)
    }

    /// It has gone, or said who it is.
    pub fn leave(&mut self, ticket: Ticket) {
        if self.seat(ticket).is_some() {
            self.take_out(ticket.at);
        }
    }

    /// It has sent so many bytes, which are held until [`Strangers::settle`]. Also whose seats were cleared for that.
    ///
    /// # Errors
    /// Of whom there is too much already, or its own seat was cleared.
    pub fn sent(&mut self, ticket: Ticket, bytes: usize, dice: &mut dyn FnMut(usize) -> usize) -> Result<Vec<H>, Full> {
        let Some(seat) = self.seat(ticket) else { return Err(Full::All) };
        let (origin, own) = (seat.origin, seat.bytes);
        if origin.is_some_and(|origin| self.held_by(origin).bytes + bytes > limits::STRANGER_BYTES) {
            return Err(Full::Origin);
        }
        let mut cleared = Vec::new();
        while self.all.bytes + bytes > limits::STRANGERS_BYTES {
            let heavier = self.find(dice, |_, seat| if seat.number == ticket.number { 0 } else { seat.bytes });
            match heavier.filter(|(_, weighs)| *weighs > own) {
                Some((at, _)) => cleared.extend(self.take_out(at)),
                None if cleared.is_empty() => return Err(Full::All),
                None => break,
            }
        }
        if let Some(seat) = self.seat(ticket) {
            seat.bytes += bytes;
            self.all.bytes += bytes;
        }
        if let Some(held) = origin.and_then(|origin| self.origins.get_mut(&origin)) {
            held.bytes += bytes;
        }
        Ok(cleared)
    }

    /// What it has sent is held no longer.
    pub fn settle(&mut self, ticket: Ticket) {
        let Some(seat) = self.seat(ticket) else { return };
        let (origin, bytes) = (seat.origin, std::mem::take(&mut seat.bytes));
        self.all.bytes -= bytes;
        if let Some(held) = origin.and_then(|origin| self.origins.get_mut(&origin)) {
            held.bytes -= bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::IpAddr;

    fn origin(n: u32) -> Option<Origin> {
        Some(IpAddr::from(n.to_be_bytes()).into())
    }

    /// Numbers that look like chance and are the same each time.
    fn dice() -> impl FnMut(usize) -> usize {
        let mut state = 7_u64;
        move |n| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % n
        }
    }

    #[test]
    fn an_origin_has_so_many_seats_and_others_have_theirs() {
        let (mut strangers, mut dice) = (Strangers::new(3), dice());
        let mut first: Vec<Ticket> = (0..3).map(|n| strangers.enter(origin(1), n, &mut dice).unwrap().0).collect();
        assert_eq!(strangers.enter(origin(1), 9, &mut dice), Err((Full::Origin, 9)));
        assert!(strangers.enter(origin(2), 0, &mut dice).is_ok());
        assert!(
            (0..10).all(|n| strangers.enter(None, n, &mut dice).is_ok()),
            "an address that is not known has no share"
        );
        assert_eq!((strangers.held().seats, strangers.held_by(origin(1).unwrap()).seats), (14, 3));
        let gone = first.pop().unwrap();
        strangers.leave(gone);
        let again = strangers.enter(origin(1), 4, &mut dice).unwrap().0;
        // Its seat is somebody else's now: who leaves twice takes nobody's.
        strangers.leave(gone);
        assert_eq!(strangers.held_by(origin(1).unwrap()).seats, 3);
        for ticket in first.into_iter().chain([again]) {
            strangers.leave(ticket);
        }
        assert_eq!(strangers.held_by(origin(1).unwrap()), Held::default());
        assert_eq!(strangers.origins.len(), 1, "nothing is kept of who has gone");
    }

    #[test]
    fn where_all_are_taken_one_of_many_makes_room_for_one_of_few() {
        let (mut strangers, mut dice) = (Strangers::new(1_000), dice());
        let few: Vec<Ticket> = (100..120).map(|n| strangers.enter(origin(n), n, &mut dice).unwrap().0).collect();
        let mut n = 0;
        while strangers.held().seats < limits::STRANGERS {
            strangers.enter(origin(1 + n % 5), 1 + n % 5, &mut dice).unwrap();
            n += 1;
        }
        for n in 200..400 {
            let (_, cleared) = strangers.enter(origin(n), n, &mut dice).unwrap();
            assert!(cleared.is_some_and(|of| of <= 5), "{cleared:?} had to go for {n}");
        }
        assert_eq!(strangers.held().seats, limits::STRANGERS);
        assert!(few.iter().all(|ticket| strangers.seat(*ticket).is_some()));
        // One of the five gets none at the cost of the other four, who have no more than it.
        let crowded =
            (0..50).filter(|_| matches!(strangers.enter(origin(1), 1, &mut dice), Err((Full::All, _)))).count();
        assert!(crowded >= 1);
    }

    #[test]
    fn a_crowd_of_many_origins_is_not_cleared_for_more_of_it() {
        let (mut strangers, mut dice) = (Strangers::new(10), dice());
        for n in 0..limits::STRANGERS as u32 {
            strangers.enter(origin(n), n, &mut dice).unwrap();
        }
        assert_eq!(strangers.enter(origin(1_000_000), 0, &mut dice), Err((Full::All, 0)));
        assert!(strangers.clear(0, &mut dice).is_some(), "unless files are short");
    }

    #[test]
    fn what_an_origin_and_all_have_sent_is_bounded() {
        let (mut strangers, mut dice) = (Strangers::new(1_000), dice());
        let half = limits::STRANGER_BYTES / 2;
        let one = strangers.enter(origin(1), 1, &mut dice).unwrap().0;
        let other = strangers.enter(origin(1), 1, &mut dice).unwrap().0;
        assert!(strangers.sent(one, half, &mut dice).is_ok() && strangers.sent(other, half, &mut dice).is_ok());
        assert_eq!(strangers.sent(other, 1, &mut dice), Err(Full::Origin));
        strangers.settle(one);
        assert!(strangers.sent(other, half, &mut dice).is_ok());
        strangers.leave(other);
        assert_eq!(strangers.held().bytes, 0);

        let mut n = 10;
        while strangers.held().bytes + half <= limits::STRANGERS_BYTES {
            let ticket = strangers.enter(origin(n), n, &mut dice).unwrap().0;
            strangers.sent(ticket, half, &mut dice).unwrap();
            n += 1;
        }
        let last = strangers.enter(origin(5), 5, &mut dice).unwrap().0;
        let cleared = strangers.sent(last, 1_000, &mut dice).unwrap();
        assert!(cleared.len() == 1 && cleared[0] >= 10, "who holds much goes for who holds little: {cleared:?}");
        assert!(strangers.held().bytes <= limits::STRANGERS_BYTES);
    }

    #[test]
    fn whatever_comes_and_goes_the_counts_stay_true() {
        let (mut strangers, mut dice, mut here) = (Strangers::new(20), dice(), Vec::new());
        for step in 0..20_000_usize {
            match dice(4) {
                0 if !here.is_empty() => {
                    let at = dice(here.len());
                    strangers.leave(here.swap_remove(at));
                }
                1 if !here.is_empty() => drop(strangers.sent(here[dice(here.len())], dice(100_000), &mut dice)),
                2 if !here.is_empty() => strangers.settle(here[dice(here.len())]),
                _ => here.extend(strangers.enter(origin(dice(50) as u32), step, &mut dice).map(|(ticket, _)| ticket)),
            }
            let seats: Vec<_> = strangers.seats.iter().flatten().collect();
            assert_eq!(strangers.all.seats, seats.len());
            assert_eq!(strangers.all.bytes, seats.iter().map(|seat| seat.bytes).sum::<usize>());
            if step % 500 == 0 {
                for (origin, held) in &strangers.origins {
                    let own = seats.iter().filter(|seat| seat.origin == Some(*origin));
                    let counted = own.fold(Held::default(), |held, seat| Held {
                        seats: held.seats + 1,
                        bytes: held.bytes + seat.bytes,
                    });
                    assert_eq!(counted, *held);
                    assert!(held.seats <= 20 && held.bytes <= limits::STRANGER_BYTES);
                }
            }
        }
    }
}
