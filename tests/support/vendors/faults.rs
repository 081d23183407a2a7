//! What goes wrong at a vendor, on purpose.

use super::{Answer, Asked};
use tokio::sync::watch;

/// What is to go wrong. Requests are told apart by what is in them.
pub(super) struct Faults {
    once: Vec<(String, Happens)>,
    poison: Vec<(String, Poison)>,
    holds: Vec<Hold>,
    /// Requests that were held.
    pub held: usize,
    /// How many of those who are held hung up.
    pub hung_up: usize,
    /// Requests that poison met.
    pub poisoned: usize,
    /// How often those who are held were let go.
    pub let_go: watch::Sender<usize>,
}

impl Default for Faults {
    fn default() -> Self {
        let let_go = watch::Sender::new(0);
        Self { once: vec![], poison: vec![], holds: vec![], held: 0, hung_up: 0, poisoned: 0, let_go }
    }
}

/// Something that happens once, to a request whose method and path contain a text.
pub(super) enum Happens {
    TooMany,
    Answered(Answer),
    /// It is done, and nobody is told.
    Lost,
}

/// What happens to each request that contains a text.
pub(super) enum Poison {
    Answered(Answer),
    /// It is never answered.
    Hangs,
}

struct Hold {
    of: String,
    /// The how manieth of these requests; `None`: each.
    nth: Option<usize>,
    /// It is done first.
    done: bool,
    seen: usize,
}

/// What a request meets.
pub(super) enum Meets {
    Nothing,
    Poison(Poison),
    /// It waits, once it is done or before.
    Held {
        done: bool,
        let_go: watch::Receiver<usize>,
    },
}

impl Faults {
    pub fn happens_once(&mut self, to: &str, what: Happens) {
        self.once.push((to.to_owned(), what));
    }

    /// What happens to this request, once.
    pub fn once(&mut self, asked: &Asked) -> Option<Happens> {
        let line = format!("{} {}", asked.method, asked.path);
        let at = self.once.iter().position(|(to, _)| line.contains(to))?;
        Some(self.once.remove(at).1)
    }

    pub fn poisons(&mut self, of: &str, what: Poison) {
        self.poison.push((of.to_owned(), what));
    }

    pub fn holds(&mut self, of: &str, nth: Option<usize>, done: bool) {
        self.holds.push(Hold { of: of.to_owned(), nth, done, seen: 0 });
    }

    pub fn lets_go(&mut self) {
        self.holds.clear();
        self.let_go.send_modify(|times| *times += 1);
    }

    pub fn meets(&mut self, asked: &Asked) -> Meets {
        let all = format!("{} {} {:?} {}", asked.method, asked.path, asked.query, asked.body);
        if let Some((_, poison)) = self.poison.iter().find(|(of, _)| all.contains(of)) {
            self.poisoned += 1;
            return Meets::Poison(match poison {
                Poison::Answered(answer) => Poison::Answered(answer.clone()),
                Poison::Hangs => Poison::Hangs,
            });
        }
        for hold in self.holds.iter_mut().filter(|hold| all.contains(&hold.of)) {
            hold.seen += 1;
            if hold.nth.is_none_or(|nth| hold.seen == nth) {
                self.held += 1;
                let mut let_go = self.let_go.subscribe();
                let_go.borrow_and_update();
                return Meets::Held { done: hold.done, let_go };
            }
        }
        Meets::Nothing
    }
}
