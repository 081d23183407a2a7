//! SDKs that come back: with another token, and to as many rooms as one may follow.

use super::{App, PATIENCE, Sdk};
use crate::{
    cluster::{Cluster, breathe},
    person,
    support::{door::Door, nginx::Nginx},
    wire::DEADLINE,
};
use futures_util::future::join_all;
use hubbub_core::limits;
use serde_json::json;
use std::time::Duration;

/// Her token has long to live: an SDK asks for another only when the one it has is refused.
async fn comes_back_with_another_token(sdk: Sdk) {
    let cluster = Cluster::of(2).await;
    cluster.room("general", "private", &["ana"]).await;
    let mut ana = App::start(sdk, "ana", cluster.at(0)).await;
    assert_eq!(ana.says(1, "before-").await, 1);
    let body = json!({ "reconnect": true, "reason": "other rights" });
    let answer = cluster.instances[1].api("POST", "/v1/users/ana/disconnect", &body).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let why = ana.tells("connecting", DEADLINE).await;
    assert_eq!((&why["code"], &why["reason"]), (&json!(3011), &json!("other rights")));
    ana.tells("token_wanted", DEADLINE).await;
    let another = person::token_for("ana", Duration::from_secs(900));
    ana.is_ordered(json!({ "do": "token", "token": another })).await;
    let back = ana.tells("subscribed", DEADLINE).await;
    assert_eq!(back["recovered"], true, "it counts on where it was: {back}");
    assert_eq!(ana.says(1, "after-").await, 1);
    ana.has_exactly(&cluster.log("general").await).await;
    ana.quits().await;
}

#[tokio::test]
async fn javascript_comes_back_with_another_token() {
    comes_back_with_another_token(Sdk::JavaScript("websocket")).await;
    comes_back_with_another_token(Sdk::JavaScript("sse")).await;
}

#[tokio::test]
async fn python_comes_back_with_another_token() {
    comes_back_with_another_token(Sdk::Python("websocket")).await;
}

#[tokio::test]
async fn go_comes_back_with_another_token() {
    comes_back_with_another_token(Sdk::Go("websocket+protobuf")).await;
}

/// As many rooms as one connection may follow, with the longest ids. An SDK asks for all of them again when it comes back, some in
/// one frame.
async fn follows_a_thousand_rooms(sdk: Sdk, all: bool) {
    let cluster = Cluster::of(2).await;
    let rooms: Vec<String> = (0..limits::SUBSCRIPTIONS).map(|n| format!("{n:a>0$}", limits::ROOM_ID_BYTES)).collect();
    for some in rooms.chunks(50) {
        join_all(some.iter().map(|room| cluster.room(room, "private", &["ana"]))).await;
    }
    cluster.room("general", "private", &["ana"]).await;
    let nginx = Nginx::before(&[cluster.at(0), cluster.at(1)]).await;
    let network = Door::to(nginx.addr()).await;
    let mut ana = App::connecting(sdk, "ana", network.addr(), &person::token("ana")).await;
    ana.is_ordered(json!({ "do": "follow", "rooms": rooms, "all": all })).await;
    ana.tells("all_subscribed", PATIENCE).await;
    let mut before = 0;
    for round in 1..=2 {
        network.cut();
        let said = rooms.iter().step_by(7).map(async |room| {
            let message = json!({ "from": "ana", "text": format!("while she was away, {round}") });
            let answer = cluster.api("POST", &format!("/v1/rooms/{room}/messages"), &message).await;
            assert_eq!(answer.status, 201, "{}", answer.text);
        });
        let said = join_all(said).await.len() as u64;
        network.mend();
        let everything = rooms.len() as u64 + round * said;
        let complete = async {
            loop {
                let followed = ana.does(json!({ "do": "followed" }), "followed").await;
                if followed["subscribed"] == rooms.len() && followed["received"] == everything {
                    return followed;
                }
                breathe().await;
            }
        };
        let followed = tokio::time::timeout(PATIENCE, complete).await;
        let followed = followed.unwrap_or_else(|_| panic!("she never had all; {:?}", ana.told.iter().rev().take(20)));
        assert_eq!((&followed["faults"], &followed["not_recovered"]), (&json!(0), &json!(0)), "{followed}");
        let recovered = followed["recovered"].as_u64().expect("a number");
        assert!(recovered >= before + rooms.len() as u64, "each came back to where it was: {followed}");
        before = recovered;
    }
    let ends = ["disconnected", "unsubscribed"];
    let ended: Vec<_> = ana.told.iter().filter(|event| ends.iter().any(|end| event["event"] == *end)).collect();
    assert!(ended.is_empty(), "{ended:?}");
    ana.quits().await;
}

#[tokio::test]
async fn a_thousand_rooms_with_javascript_in_json() {
    follows_a_thousand_rooms(Sdk::JavaScript("websocket"), true).await;
}

#[tokio::test]
async fn a_thousand_rooms_with_javascript_in_protobuf() {
    follows_a_thousand_rooms(Sdk::JavaScript("websocket+protobuf"), false).await;
}

#[tokio::test]
async fn a_thousand_rooms_with_javascript_over_http_streams() {
    follows_a_thousand_rooms(Sdk::JavaScript("http_stream"), true).await;
}

#[tokio::test]
async fn a_thousand_rooms_with_javascript_over_http_streams_in_protobuf() {
    follows_a_thousand_rooms(Sdk::JavaScript("http_stream+protobuf"), true).await;
}

#[tokio::test]
async fn a_thousand_rooms_with_javascript_over_server_sent_events() {
    follows_a_thousand_rooms(Sdk::JavaScript("sse"), false).await;
}

#[tokio::test]
async fn a_thousand_rooms_with_python() {
    follows_a_thousand_rooms(Sdk::Python("websocket"), true).await;
    follows_a_thousand_rooms(Sdk::Python("websocket+protobuf"), false).await;
}

#[tokio::test]
async fn a_thousand_rooms_with_go() {
    follows_a_thousand_rooms(Sdk::Go("websocket"), true).await;
    follows_a_thousand_rooms(Sdk::Go("websocket+protobuf"), false).await;
}
