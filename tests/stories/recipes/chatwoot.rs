//! Chatwoot: a contact and a conversation for each session, in an inbox of the kind "API channel".

use super::{Filled, Shop};
use crate::support::vendors::{Answer, chatwoot::Chatwoot};
use serde_json::json;

const SECRET: &str = "kqQmyBzT1hbcHkmbVtYzYpVR";

pub(super) async fn opens() -> Shop<Chatwoot> {
    let sets = ["vars.inbox=qEnGxPBmzY9n1cH2"];
    let filled = Filled { recipe: "chatwoot", path: "", sets: &sets, access: None, incoming: SECRET };
    Shop::opens(Chatwoot::new("qEnGxPBmzY9n1cH2", SECRET), filled).await
}

#[tokio::test]
async fn a_contact_and_a_conversation_are_made_once() {
    let shop = opens().await;
    let (ana, session) = shop.customer("ana").await;
    // Whatever answer is lost, nothing is made twice.
    shop.vendor.loses_the_answer("POST /public/api/v1/inboxes/qEnGxPBmzY9n1cH2/contacts");
    shop.vendor.loses_the_answer("/conversations");
    ana.says(&session, "My \"parcel\" \u{1f4e6}").await;
    ana.says(&session, "has not arrived").await;
    let said = ["contact: My \"parcel\" \u{1f4e6}", "contact: has not arrived"];
    shop.until("both messages", |chatwoot| chatwoot.said(&session) == said).await;
    assert_eq!(shop.vendor.vendor().conversations.len(), 1, "{:#?}", shop.vendor.asked());
    assert_eq!(shop.vendor.vendor().contacts.values().collect::<Vec<_>>(), ["ana"]);

    // A note is for agents. What the customer wrote comes back, and is no answer.
    let note = shop.vendor.vendor().agent_writes(&session, "a voucher?", true);
    shop.takes(&note).await;
    let answer = shop.vendor.vendor().agent_writes(&session, "It left today", false);
    shop.takes(&answer).await;
    ana.hears(&session, "It left today").await;
    let log = ["ana: My \"parcel\" \u{1f4e6}", "ana: has not arrived", "portal:desk/Ada: It left today"];
    assert_eq!(shop.log(&session).await, log);

    // Resolved, it is the same conversation that opens again.
    let resolved = shop.vendor.vendor().resolves(&session);
    shop.takes(&resolved).await;
    ana.says(&session, "Thanks!").await;
    shop.until("the thanks", |chatwoot| chatwoot.said(&session).last().is_some_and(|said| said == "contact: Thanks!"))
        .await;
    assert_eq!(shop.vendor.vendor().conversations[0].status, "open");
    assert_eq!(shop.vendor.vendor().conversations.len(), 1);
    shop.every_hook_was_taken();

    // A second session of the same customer has its own.
    let (_, second) = shop.customer_in("ana", json!("order-2")).await;
    ana.follows(&second).await;
    ana.says(&second, "And this order?").await;
    shop.until("the other order", |chatwoot| chatwoot.said(&second) == ["contact: And this order?"]).await;
    let answer = shop.vendor.vendor().agent_writes(&second, "Tomorrow", false);
    shop.takes(&answer).await;
    ana.hears(&second, "Tomorrow").await;
    assert_eq!(shop.log(&session).await.len(), 4, "the answer about one order is not in the other");
}

#[tokio::test]
async fn what_an_agent_deletes_in_chatwoot_is_gone_and_what_changes_beside_the_text_changes_nothing() {
    let shop = opens().await;
    let (ana, session) = shop.customer("ana").await;
    ana.says(&session, "Hello?").await;
    shop.until("the message", |chatwoot| chatwoot.said(&session) == ["contact: Hello?"]).await;
    // It is read, and that overtakes the message.
    let answer = shop.vendor.vendor().agent_writes(&session, "Hi!", false);
    let read = shop.vendor.vendor().updates(&json!({ "status": "read" }));
    shop.takes(&read).await;
    shop.takes(&answer).await;
    ana.hears(&session, "Hi!").await;
    shop.takes(&read).await;
    let edited = shop.vendor.vendor().updates(&json!({ "content": "Hi Ana!" }));
    shop.takes(&edited).await;
    shop.takes(&edited).await;
    shop.shows(&session, &["ana: Hello?", "portal:desk/Ada: Hi Ana!"]).await;
    let deleted = shop.vendor.vendor().agent_deletes();
    shop.takes(&deleted).await;
    shop.takes(&deleted).await;
    shop.shows(&session, &["ana: Hello?", "portal:desk/Ada: (gone)"]).await;
    assert_eq!(shop.changes(&session).await, ["portal:desk/Ada edited", "portal:desk/Ada deleted"]);
    // A note is for agents, whatever becomes of it.
    shop.vendor.vendor().agent_writes(&session, "a note", true);
    let note = shop.vendor.vendor().updates(&json!({ "content": "another note" }));
    shop.takes(&note).await;
    assert_eq!(shop.changes(&session).await.len(), 2);
    shop.every_hook_was_taken();
}

#[tokio::test]
async fn what_chatwoot_does_not_take_waits_or_is_told() {
    let shop = opens().await;
    let (ana, session) = shop.customer("ana").await;
    shop.vendor.throttles("POST /public");
    shop.vendor.answers("/messages", Answer::text(503, "<html>deploying</html>"));
    ana.says(&session, "one").await;
    shop.until("the first", |chatwoot| chatwoot.said(&session) == ["contact: one"]).await;
    // The agent is quicker than the answer to our own request.
    shop.vendor.is_hasty();
    ana.says(&session, "two").await;
    shop.until("the second", |chatwoot| chatwoot.said(&session).len() == 2).await;
    shop.every_hook_was_taken();
    assert_eq!(shop.log(&session).await, ["ana: one", "ana: two"]);
    // Somebody has deleted the inbox: everything waits.
    shop.vendor.vendor().inbox = "gone".into();
    let (ben, other) = shop.customer("ben").await;
    ben.says(&other, "anybody?").await;
    shop.waits_for_an_operator(&other).await;
    shop.vendor.vendor().inbox = "qEnGxPBmzY9n1cH2".into();
    shop.server.api("POST", "/v1/portals/desk/resume", &serde_json::Value::Null).await;
    shop.until("it is there after all", |chatwoot| chatwoot.said(&other) == ["contact: anybody?"]).await;
}
