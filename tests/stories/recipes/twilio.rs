//! Twilio Conversations: a conversation for each session, named after it.

use super::{Filled, Shop};
use crate::support::{portal::post, vendors::twilio::Twilio};
use serde_json::json;

const ACCOUNT: &str = "AC5ef8732a3c49700934481addd5ce1659";
const TOKEN: &str = "c3c1a9e77a3a2d0f7d5f8b9f9f1b2c4d";

pub(super) async fn opens() -> Shop<Twilio> {
    let directory = tempfile::tempdir().expect("a directory");
    let server = crate::cluster::Cluster::laptop_with(directory.path(), &["--portal-allow", "127.0.0.1"]).await;
    // Twilio signs the address that it was given, whatever a proxy makes of it.
    let public = format!("public_url=http://{}", server.at(0));
    let user = format!("auth.user={ACCOUNT}");
    let filled = Filled { recipe: "twilio", path: "", sets: &[&user, &public], access: Some(TOKEN), incoming: TOKEN };
    Shop::at(server, directory, Twilio::new(ACCOUNT, TOKEN), filled).await
}

#[tokio::test]
async fn a_conversation_is_named_after_its_session() {
    let shop = opens().await;
    let (ana, session) = shop.customer("ana").await;
    shop.vendor.loses_the_answer("POST /v1/Conversations");
    ana.says(&session, "1 + 1 = 2 & 100 % \u{1f642}").await;
    shop.until("the message", |twilio| twilio.said(&session) == ["ana: 1 + 1 = 2 & 100 % \u{1f642}"]).await;
    assert_eq!(shop.vendor.vendor().conversations.len(), 1, "{:#?}", shop.vendor.asked());
    let answer = shop.vendor.vendor().agent_writes(&session, "Right & \u{e9}l\u{e9}gant +1");
    shop.takes(&answer).await;
    shop.takes(&answer).await;
    ana.hears(&session, "Right & \u{e9}l\u{e9}gant +1").await;
    let log = ["ana: 1 + 1 = 2 & 100 % \u{1f642}", "portal:desk/ada: Right & \u{e9}l\u{e9}gant +1"];
    assert_eq!(shop.log(&session).await, log);
    // Longer than Twilio takes: in parts, in order, all of it.
    let long = "0123456789 ".repeat(400);
    ana.says(&session, &long).await;
    shop.until("all of it", |twilio| {
        let said = twilio.said(&session).into_iter().skip(2);
        let said = said.map(|said| said.trim_start_matches("ana: ").to_owned()).collect::<Vec<_>>().concat();
        said.split_whitespace().collect::<String>() == long.split_whitespace().collect::<String>()
    })
    .await;
    assert_eq!(shop.vendor.vendor().said(&session).len(), 2 + 3);
    shop.every_hook_was_taken();
    // Signed for another address.
    let signature = shop.vendor.vendor().signature("http://elsewhere.example/hooks/desk", &answer);
    let headers = format!("content-type: application/x-www-form-urlencoded\r\nx-twilio-signature: {signature}\r\n");
    let (status, _) = post(shop.server.at(0), "/hooks/desk", &headers, &answer).await.expect("an answer");
    assert_eq!(status, 401);
}

#[tokio::test]
async fn messages_are_changed_and_removed_in_both_directions() {
    let shop = opens().await;
    let (ana, session) = shop.customer("ana").await;
    let first = ana.says(&session, "one").await.seq;
    shop.until("the message", |twilio| twilio.said(&session) == ["ana: one"]).await;
    let answer = shop.vendor.vendor().agent_writes(&session, "Hi");
    shop.takes(&answer).await;
    let edited = shop.vendor.vendor().agent_edits(&session, 1, "Hi & hello");
    shop.takes(&edited).await;
    shop.takes(&edited).await;
    shop.shows(&session, &["ana: one", "portal:desk/ada: Hi & hello"]).await;
    let removed = shop.vendor.vendor().agent_deletes(&session, 1);
    shop.takes(&removed).await;
    shop.takes(&removed).await;
    shop.shows(&session, &["ana: one", "portal:desk/ada: (gone)"]).await;
    ana.edits(&session, first, "uno").await;
    shop.until("the edit", |twilio| twilio.said(&session)[0] == "ana: uno").await;
    ana.deletes(&session, first).await;
    shop.until("the deletion", |twilio| twilio.said(&session)[0] == "ana: ").await;
    assert_eq!(shop.changes(&session).await.len(), 4);
    shop.every_hook_was_taken();
}

#[tokio::test]
async fn what_twilio_does_not_take_waits() {
    let shop = opens().await;
    let (ana, session) = shop.customer("ana").await;
    shop.vendor.throttles("/v1/Conversations");
    let said = ana.says(&session, "one").await;
    shop.until("the first", |twilio| twilio.said(&session) == ["ana: one"]).await;
    ana.is_told_that(json!({ "type": "forwarded", "room": session, "seq": said.seq })).await;
    shop.vendor.vendor().token = "another-token-of-twilio-0123456789".into();
    ana.says(&session, "two").await;
    shop.waits_for_an_operator(&session).await;
    shop.has_another_access_secret("another-token-of-twilio-0123456789").await;
    shop.until("the second", |twilio| twilio.said(&session) == ["ana: one", "ana: two"]).await;
}
