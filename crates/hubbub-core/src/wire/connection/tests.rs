use super::*;
use crate::wire::{Format, command::Commands, rpc::SomeMethods};
use std::time::Duration;

fn command(line: &str) -> Command {
    Commands::new(line.to_owned().into(), Format::Json).next(&SomeMethods).unwrap().unwrap()
}

fn ana(now: Instant) -> Connection {
    let mut connection = Connection::new(now);
    let action = connection.receive(command(r#"{"id":1,"connect":{"token":"t"}}"#));
    assert!(matches!(action, Action::Verify { id: 1, .. }));
    assert!(matches!(connection.verified(1, Ok(identity("ana", None))), Ok(Verified::Connected(_))));
    connection
}

fn identity(user: &str, expires: Option<Instant>) -> Identity {
    Identity { user: UserId::parse(user).unwrap(), info: None, expires, issued: None }
}

fn closes(action: &Action) -> Option<u16> {
    match action {
        Action::Close(why) => Some(why.code),
        _ => None,
    }
}

fn room(name: &str) -> RoomId {
    RoomId::parse(name).unwrap()
}

#[test]
fn the_first_command_is_connect_and_there_is_no_second() {
    let now = Instant::now();
    let mut stranger = Connection::new(now);
    assert_eq!(closes(&stranger.receive(command(r#"{"id":1,"rpc":{"method":"rooms"}}"#))), Some(3501));
    let mut ana = ana(now);
    assert_eq!(closes(&ana.receive(command(r#"{"id":2,"connect":{"token":"t"}}"#))), Some(3501));
}

#[test]
fn a_bad_token_closes_and_an_expired_one_may_be_tried_anew() {
    let mut connection = Connection::new(Instant::now());
    connection.receive(command(r#"{"id":1,"connect":{"token":"old"}}"#));
    let Err(Action::Reply(reply)) = connection.verified(1, Err(TokenError::Expired)) else { panic!() };
    assert_eq!(reply.said.unwrap_err().code, 109);
    connection.receive(command(r#"{"id":2,"connect":{"token":"bad"}}"#));
    let refused = connection.verified(2, Err(TokenError::Invalid)).unwrap_err();
    assert_eq!(closes(&refused), Some(3500));
}

#[test]
fn a_token_that_cannot_be_judged_now_may_be_tried_again() {
    let now = Instant::now();
    let mut connection = Connection::new(now);
    connection.receive(command(r#"{"id":1,"connect":{"token":"t"}}"#));
    assert!(!connection.may_take(&command(r#"{"id":2,"rpc":{"method":"rooms"}}"#)), "first the verdict");
    assert!(matches!(connection.tick(now + limits::CONNECT_WITHIN), Action::Nothing), "it did connect in time");
    assert!(connection.deadline() > now + limits::CONNECT_WITHIN, "or the clock would ring for ever");
    let Err(Action::Reply(reply)) = connection.verified(1, Err(TokenError::Unknown)) else { panic!() };
    assert!(matches!(&reply.said, Err(error) if error.code == 100 && error.temporary), "{reply:?}");
    // Were it told 3502, it would not come back.
    assert_eq!(closes(&connection.tick(now + limits::CONNECT_WITHIN)), Some(3004));
    assert!(matches!(connection.receive(command(r#"{"id":2,"connect":{"token":"t"}}"#)), Action::Verify { id: 2, .. }));
}

#[test]
fn while_a_refresh_is_judged_life_goes_on() {
    let now = Instant::now();
    let mut ana = ana(now);
    ana.receive(command(r#"{"id":2,"refresh":{"token":"t"}}"#));
    assert!(!ana.may_take(&command(r#"{"id":3,"refresh":{"token":"t"}}"#)), "one token at a time");
    let rooms = command(r#"{"id":4,"rpc":{"method":"rooms"}}"#);
    assert!(ana.may_take(&rooms) && matches!(ana.receive(rooms), Action::Ask(_, 4, _)));
    assert!(matches!(ana.tick(now + limits::PING_EVERY), Action::Ping));
    let Err(Action::Reply(_)) = ana.verified(2, Err(TokenError::Unknown)) else { panic!() };
    assert!(ana.may_take(&command(r#"{"id":5,"refresh":{"token":"t"}}"#)), "and again");
    ana.receive(command(r#"{"id":5,"refresh":{"token":"t"}}"#));
    assert!(matches!(ana.verified(5, Ok(identity("ana", None))), Ok(Verified::Refreshed(_))));
}

/// What an SDK says in one frame with its `connect`, and must not be ended for good by.
#[test]
fn what_is_said_behind_a_connect_that_may_come_again_is_refused_like_it() {
    let subscribe = r#"{"id":2,"subscribe":{"channel":"room:a","recover":true,"offset":1,"epoch":"e"}}"#;
    for (error, code, late) in [(TokenError::Expired, 109, 3005), (TokenError::Unknown, 100, 3004)] {
        let now = Instant::now();
        let mut ana = Connection::new(now);
        ana.receive(command(r#"{"id":1,"connect":{"token":"t"}}"#));
        assert!(ana.verified(1, Err(error)).is_err());
        for said in [subscribe, r#"{"id":3,"rpc":{"method":"dance"}}"#, r#"{"id":4,"refresh":{"token":"t"}}"#] {
            let Action::Reply(reply) = ana.receive(command(said)) else { panic!("{said}") };
            assert_eq!(reply.said.unwrap_err().code, code, "{said}");
        }
        assert!(matches!(ana.receive(command("{}")), Action::Nothing));
        assert!(ana.user().is_none());
        assert_eq!(closes(&ana.tick(now + limits::CONNECT_WITHIN)), Some(late), "it may come again");
        ana.receive(command(r#"{"id":5,"connect":{"token":"t"}}"#));
        assert!(matches!(ana.verified(5, Ok(identity("ana", None))), Ok(Verified::Connected(_))));
    }
}

#[test]
fn an_expired_token_to_refresh_with_is_not_final() {
    let mut ana = ana(Instant::now());
    ana.receive(command(r#"{"id":2,"refresh":{"token":"t"}}"#));
    let Err(Action::Reply(reply)) = ana.verified(2, Err(TokenError::Expired)) else { panic!() };
    assert!(matches!(&reply.said, Err(error) if error.code == 109 && error.temporary), "{reply:?}");
    assert!(ana.user().is_some());
}

#[test]
fn a_connection_does_not_change_hands() {
    let mut ana = ana(Instant::now());
    ana.receive(command(r#"{"id":2,"refresh":{"token":"bens"}}"#));
    let refused = ana.verified(2, Ok(identity("ben", None))).unwrap_err();
    assert_eq!(closes(&refused), Some(3500));
}

#[test]
fn a_ping_is_answered_in_time_and_no_pong_comes_without_one() {
    let now = Instant::now();
    let mut ana = ana(now);
    assert_eq!(closes(&ana.receive(command("{}"))), Some(3501));
    let mut ana = self::ana(now);
    let later = now + limits::PING_EVERY;
    assert!(matches!(ana.tick(later), Action::Ping));
    // Its time runs from when it was written.
    ana.pinged(later + Duration::from_secs(3));
    assert!(matches!(ana.tick(later + limits::PONG_WITHIN), Action::Nothing));
    assert_eq!(closes(&ana.tick(later + limits::PONG_WITHIN + Duration::from_secs(3))), Some(3012));
    let mut ben = self::ana(now);
    ben.tick(later);
    ben.pinged(later);
    ben.receive(command("{}"));
    assert!(matches!(ben.tick(later + limits::PONG_WITHIN), Action::Nothing));
}

#[test]
fn a_client_that_is_not_read_is_excused() {
    let now = Instant::now();
    let mut ana = ana(now);
    let later = now + limits::PING_EVERY;
    ana.tick(later);
    ana.pinged(later);
    ana.excuse(later + limits::PONG_WITHIN);
    assert!(matches!(ana.tick(later + limits::PONG_WITHIN), Action::Nothing));
}

#[test]
fn an_expired_token_ends_the_connection_after_a_grace() {
    let now = Instant::now();
    let mut connection = Connection::new(now);
    connection.receive(command(r#"{"id":1,"connect":{"token":"t"}}"#));
    let expires = now + Duration::from_secs(5);
    connection.verified(1, Ok(identity("ana", Some(expires)))).unwrap();
    assert!(matches!(connection.tick(expires), Action::Nothing));
    assert_eq!(connection.deadline(), now + limits::PING_EVERY);
    assert_eq!(closes(&connection.tick(expires + limits::REFRESH_GRACE)), Some(3005));
}

#[test]
fn who_never_connects_is_stale() {
    let now = Instant::now();
    let mut stranger = Connection::new(now);
    assert_eq!(stranger.deadline(), now + limits::CONNECT_WITHIN);
    assert_eq!(closes(&stranger.tick(now + limits::CONNECT_WITHIN)), Some(3502));
}

#[test]
fn a_channel_waits_for_its_own_subscribe_and_others_do_not() {
    let mut ana = ana(Instant::now());
    let subscribe = |id: u32, room: &str| command(&format!(r#"{{"id":{id},"subscribe":{{"channel":"room:{room}"}}}}"#));
    assert!(matches!(ana.receive(subscribe(2, "a")), Action::Ask(_, 2, Ask::Subscribe(_))));
    assert!(!ana.may_take(&command(r#"{"id":3,"unsubscribe":{"channel":"room:a"}}"#)));
    assert!(ana.may_take(&subscribe(4, "b")));
    ana.answered(false);
    ana.subscribed(&room("a"), false, true);
    assert!(ana.may_take(&subscribe(5, "a")));
    let Action::Reply(reply) = ana.receive(subscribe(5, "a")) else { panic!() };
    assert_eq!(reply.said.unwrap_err().code, 105);
}

#[test]
fn so_much_may_be_in_flight_and_no_more() {
    let mut ana = ana(Instant::now());
    let history = || command(r#"{"id":9,"history":{"channel":"room:a"}}"#);
    assert!(matches!(ana.receive(history()), Action::Ask(..)));
    assert!(!ana.may_take(&history()), "one page at a time");
    let send = || command(r#"{"id":9,"rpc":{"method":"send","data":{"room":"a","text":"x"}}}"#);
    for _ in 1..limits::IN_FLIGHT {
        assert!(ana.may_take(&send()));
        ana.receive(send());
    }
    assert!(!ana.may_take(&send()));
    ana.answered(true);
    assert!(ana.may_take(&send()) && ana.may_take(&history()));
}
