//! What is told of a mark that has moved: to the reader's own devices, and where the room has few members to all who follow it.

use super::marks::Mark;
use crate::{
    live::signal::{Audience, Saying, Signal},
    model::{
        json::{Json, to_json},
        seq::{Epoch, Seq},
    },
};

/// The kind, among signals of rooms.
const READ: &str = "read";

/// The signals of a mark. `at`: the head of the room when it was seen that its reader is a member. `is_shown`: whether the room's
/// readers are told.
pub fn signals(mark: &Mark, (epoch, at): (Epoch, Seq), is_shown: bool) -> Vec<Signal> {
    let Mark { room, user, seq } = mark;
    let own = format!(r#"{{"type":"{READ}","room":"{room}","seq":{seq}}}"#);
    let mut signals = vec![Signal { audience: Audience::User(user.clone()), body: Json::trusted(own) }];
    if is_shown {
        let body = format!(r#"{{"type":"{READ}","user":{},"seq":{seq}}}"#, to_json(&user));
        let saying = Saying { room: room.clone(), epoch, at, from: user.clone(), kind: READ.into(), lasts: None };
        signals.push(Signal { audience: Audience::Room(saying), body: Json::trusted(body) });
    }
    signals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::{RoomId, UserId};

    #[test]
    fn own_devices_are_told_and_in_small_rooms_everybody() {
        let mark = Mark {
            room: RoomId::parse("general").unwrap(),
            user: UserId::parse("ana \"a\"").unwrap(),
            seq: Seq::new(41),
        };
        let at = (Epoch { incarnation: 9, generation: 1 }, Seq::new(57));
        let told = |is_shown| -> Vec<String> {
            signals(&mark, at, is_shown).iter().map(|signal| signal.body.as_str().to_owned()).collect()
        };
        let own = r#"{"type":"read","room":"general","seq":41}"#.to_owned();
        assert_eq!(told(false), std::slice::from_ref(&own));
        assert_eq!(told(true), [own, r#"{"type":"read","user":"ana \"a\"","seq":41}"#.into()]);
        let last = signals(&mark, at, true).pop().unwrap();
        assert!(matches!(last.audience, Audience::Room(Saying { at, lasts: None, .. }) if at == Seq::new(57)));
    }
}
