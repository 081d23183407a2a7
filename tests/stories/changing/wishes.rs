//! What people try: random, with what is sensible more often than what is not.

use super::{
    deleted,
    model::{BACKEND, Model},
    ops::{Doing, Op, Way},
    rights::Verdict,
};
use serde_json::{Value, json};

/// A small generator of numbers that is the same everywhere (xorshift).
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(0x9e37_79b9_7f4a_7c15 ^ seed.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(1))
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }

    /// Once in so many times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize].clone()
    }
}

/// Who there is. The last two begin outside.
pub const PEOPLE: [&str; 7] = ["ana", "mo", "ben", "cem", "rea", "eve", "dan"];

/// As what people begin, and as what the backend makes them again now and then.
pub const ROLES: [(&str, &str); 5] =
    [("ana", "admin"), ("mo", "moderator"), ("ben", "member"), ("cem", "member"), ("rea", "reader")];

const REACTIONS: [&str; 4] = ["+1", "🎉", "👍🏽", "so what"];

/// See the module.
pub struct Wishes {
    pub dice: Dice,
    /// Distinguishes texts and keys of several.
    pub nth: u64,
    made: u64,
    /// Ends of mutes.
    pub ends: [String; 2],
    pub instances: u64,
}

impl Wishes {
    pub fn new(seed: u64, nth: u64, instances: usize) -> Self {
        let day = 24 * 60 * 60;
        let ends = [100, 200].map(|days| crate::messages_refusals::in_seconds(days * day));
        Self {
            dice: Dice::new(seed.wrapping_mul(1_000).wrapping_add(nth)),
            nth,
            made: 0,
            ends,
            instances: instances as u64,
        }
    }

    fn number(&mut self) -> u64 {
        self.made += 1;
        self.nth * 100_000 + self.made
    }

    /// Somebody; more often one who may do much.
    fn somebody(&mut self) -> String {
        let dice = self.dice.below(14);
        match dice {
            0 | 1 => "ana".into(),
            2 | 3 => "mo".into(),
            4..6 => BACKEND.into(),
            _ => self.dice.of(&PEOPLE).into(),
        }
    }

    fn user(&mut self) -> String {
        self.dice.of(&PEOPLE).into()
    }

    /// A message, more often a late one; now and then something that is none.
    fn target(&mut self, model: &Model, more: &[u64]) -> u64 {
        let all: Vec<u64> = model.messages.keys().chain(more).copied().collect();
        if all.is_empty() || self.dice.one_in(16) {
            let head = model.head();
            let other = self.dice.below(head + 1);
            return self.dice.of(&[0, 1, other, head + 1_000]);
        }
        let back = if self.dice.one_in(3) { all.len() } else { all.len().min(8) };
        all[all.len() - 1 - self.dice.below(back as u64) as usize]
    }

    fn content(&mut self) -> Value {
        let mut content = json!({ "text": deleted::text(self.number()) });
        if self.dice.one_in(4) {
            content["data"] = json!({ "n": self.dice.below(9), "of": ["a", { "b": null }] });
        }
        if self.dice.one_in(5) {
            let mut names = vec![self.user()];
            let other = self.user();
            if !names.contains(&other) && self.dice.one_in(2) {
                names.push(other);
            }
            // In the order in which they are kept.
            names.sort();
            content["mentions"] = json!(names);
        }
        if self.dice.one_in(9) {
            content["mention_all"] = json!(true);
        }
        content
    }

    fn say(&mut self, model: &Model, more: &[u64]) -> Op {
        let thread = self.dice.one_in(3).then(|| {
            // Roots that there are already, so that threads become long.
            let roots: Vec<u64> = model.messages.values().filter_map(|message| message.thread).collect();
            if roots.is_empty() || self.dice.one_in(2) { self.target(model, more) } else { self.dice.of(&roots) }
        });
        let reply_to = self.dice.one_in(4).then(|| self.target(model, more));
        Op::Say { content: self.content(), reply_to, thread, in_room: thread.is_some() && self.dice.one_in(3) }
    }

    fn settings(&mut self) -> Value {
        let (on, some) = (self.dice.one_in(3), self.dice.one_in(2));
        match self.dice.below(6) {
            0 => json!({ "slow_mode": if on { Some(21_600) } else { None } }),
            1 => json!({ "frozen": on }),
            2 => json!({ "edit_window": if on { Some(0) } else { self.dice.of(&[None, Some(86_400)]) } }),
            3 => json!({ "members_may": { "pin": some, "invite": on } }),
            4 => json!({ "members_may": { "mention_all": some } }),
            _ => json!({ "history_from": if some { "joined" } else { "all" } }),
        }
    }

    /// Something, by somebody; more often something that the model takes. `more`: messages that are not in the model yet.
    pub fn next(&mut self, model: &Model, more: &[u64]) -> (Doing, Way) {
        let mut wish = self.any(model, more);
        for _ in 0..self.dice.below(6) {
            let is_new = wish.0.op.target().is_some_and(|target| more.contains(&target));
            if is_new || model.judge(&wish.0) == Verdict::Taken {
                break;
            }
            wish = self.any(model, more);
        }
        wish
    }

    fn any(&mut self, model: &Model, more: &[u64]) -> (Doing, Way) {
        let (mut who, whose) = (self.somebody(), self.dice.one_in(2));
        let op = match self.dice.below(100) {
            0..26 => self.say(model, more),
            26..37 => Op::Edit { target: self.target(model, more), content: self.content() },
            37..46 => Op::Delete { target: self.target(model, more) },
            46..62 => {
                let (target, reaction) = (self.target(model, more), self.dice.of(&REACTIONS).to_owned());
                Op::React { target, reaction, added: !self.dice.one_in(3) }
            }
            62..70 => Op::Pin { target: self.target(model, more), pinned: !self.dice.one_in(3) },
            70..75 => {
                let until = (!self.dice.one_in(2)).then(|| self.dice.of(&self.ends.clone()));
                Op::Mute { user: self.user(), until }
            }
            75..82 => Op::Settings(self.settings()),
            82..84 => Op::Rename(format!("Room {}", self.number())),
            84..90 => {
                let role = self.dice.of(&["reader", "member", "member", "moderator", "admin", "banned"]);
                Op::Role { user: self.user(), role: role.into() }
            }
            90..94 => Op::Remove { user: self.user() },
            94..97 => Op::Join,
            _ => Op::Leave,
        };
        // Authors change what is theirs, and take back what is there.
        let op = match op {
            Op::Edit { target, .. } | Op::Delete { target } if whose => {
                who = model.messages.get(&target).map_or(who, |message| message.from.clone());
                op
            }
            Op::React { added: false, .. } if !model.reactions.is_empty() => {
                let all: Vec<_> = model.reactions.keys().cloned().collect();
                let (target, reaction, user) = self.dice.of(&all);
                who = user;
                Op::React { target, reaction, added: false }
            }
            Op::Pin { pinned: false, .. } if !model.pins.is_empty() => {
                let all: Vec<u64> = model.pins.keys().copied().collect();
                Op::Pin { target: self.dice.of(&all), pinned: false }
            }
            op => op,
        };
        self.by(who, op)
    }

    /// Something in particular.
    pub fn by(&mut self, who: String, op: Op) -> (Doing, Way) {
        // Over a socket somebody does it, and messages, reactions and comings are somebody's.
        let is_somebodys = matches!(op, Op::Say { .. } | Op::React { .. } | Op::Join | Op::Leave);
        let who = if who == BACKEND && is_somebodys { self.user() } else { who };
        let is_over_rest = who == BACKEND || self.dice.one_in(3);
        let way = match op {
            Op::Join | Op::Leave => Way::Socket,
            _ if is_over_rest => Way::Rest(self.dice.below(self.instances) as usize),
            _ => Way::Socket,
        };
        let key = op.is_keyed(way).then(|| format!("key-{}", self.number()));
        (Doing { who, op, key }, way)
    }

    /// Something that was taken, once more: as it was, or with the same key and another body.
    pub fn again(&mut self, model: &Model) -> Option<(Doing, Way)> {
        let keyed: Vec<&Doing> = model.done.iter().filter(|done| done.key.is_some()).collect();
        if keyed.is_empty() {
            return None;
        }
        let mut doing = self.dice.of(&keyed).clone();
        let is_known = doing.who == BACKEND || PEOPLE.contains(&&*doing.who);
        if self.dice.one_in(3) {
            match &mut doing.op {
                Op::Say { content, .. } | Op::Edit { content, .. } => {
                    content["text"] = json!(deleted::text(self.number()))
                }
                Op::React { reaction, .. } => reaction.push('!'),
                Op::Pin { target, .. } => *target += 1,
                _ => {}
            }
        }
        let way = match doing.op {
            Op::Role { .. } => Way::Socket,
            _ if doing.who == BACKEND || self.dice.one_in(3) => Way::Rest(self.dice.below(self.instances) as usize),
            _ => Way::Socket,
        };
        is_known.then_some((doing, way))
    }
}
