//! What is said of people, on every bus.

use super::Network;
use hubbub_core::{
    limits,
    live::{
        lane::{FirstLine, Says},
        online::{AreOnline, WhoIsOnline},
        signal::{Audience, Saying, Signal},
        wake::Wake,
    },
    model::{
        ids::{RoomId, UserId},
        json::Json,
        seq::{Epoch, Seq},
    },
};
use uuid::Uuid;

/// What an instance says that is no entry: who types, how far somebody has read, who is online, and that it ends.
pub(super) async fn what_is_said_of_people_arrives_as_it_was_said(mut network: Network) {
    let user = |name: &str| UserId::parse(name).expect("a user");
    let signal = |audience, body: &str| Wake::Signal(Signal { audience, body: Json::trusted(body.to_owned()) });
    let saying = |from: &str, lasts| {
        let (room, epoch) = (RoomId::parse("general").expect("a room"), Epoch { incarnation: 9, generation: 1 });
        Audience::Room(Saying { room, epoch, at: Seq::new(41), from: user(from), kind: "typing".into(), lasts })
    };
    let long = format!(r#"{{"type":"later","data":"{}"}}"#, r"\n\u00e4ö".repeat(300));
    let (boot, ask) = (Uuid::from_u128(7), Uuid::from_u128(8));
    let wakes = [
        signal(saying("ana \"a\"", Some(limits::TYPING_FOR)), r#"{"type":"typing","user":"ana \"a\"","for":6}"#),
        signal(saying("ben", None), r#"{"type":"read","user":"ben","seq":41}"#),
        signal(saying("dora", None), &long),
        signal(Audience::User(user("ana")), r#"{"type":"read","room":"general","seq":41}"#),
        Wake::WhoIsOnline(WhoIsOnline { ask, from: boot, users: vec![user("ana"), user("ben")] }),
        Wake::AreOnline(AreOnline { ask, from: boot, users: vec![user("ben")] }),
    ];
    for (number, wake) in (1..).zip(&wakes) {
        let lane = wake.lane(limits::LANES);
        let first = FirstLine::number(&boot.to_string(), lane, number);
        network.endpoints[0].says(lane, format!("{first}\n{}", wake.encode()));
    }
    network.endpoints[0].says(0, FirstLine::end(&boot.to_string(), [(0, 7)].into_iter()));
    for other in &mut network.endpoints[1..] {
        // Nothing is promised about the order of two lanes.
        let (mut heard, mut has_ended) = (Vec::new(), false);
        while heard.len() < wakes.len() || !has_ended {
            let payload = other.hears().await;
            let mut lines = payload.split(|byte| *byte == b'\n').map(|line| payload.slice_ref(line));
            let first = lines.next().unwrap_or_default();
            match FirstLine::parse(std::str::from_utf8(&first).expect("text")).says {
                Says::Number(..) => heard.extend(lines.map(|line| Wake::decode(&line).expect("a wake"))),
                Says::End(said) => has_ended = said == [(0, 7)],
                other => panic!("{other:?}"),
            }
        }
        assert!(wakes.iter().all(|wake| heard.contains(wake)), "{heard:?}");
    }
}
