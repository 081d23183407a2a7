//! Intercom: a contact for each customer, a conversation for each session, which begins with its first message.

use super::{Filled, Shop};
use crate::support::vendors::intercom::Intercom;
use serde_json::json;

const TOKEN: &str = "dG9rOmRhMzlhMDFhX2E0ZTBfNDZi";
const CLIENT: &str = "b5b2d1a0-9d0b-4f8a-a1f1-000000000000";

pub(super) async fn opens() -> Shop<Intercom> {
    let filled = Filled { recipe: "intercom", path: "", sets: &[], access: Some(TOKEN), incoming: CLIENT };
    Shop::opens(Intercom::new(TOKEN, CLIENT), filled).await
}

#[tokio::test]
async fn a_conversation_begins_with_the_first_message() {
    let shop = opens().await;
    shop.takes(&Intercom::ping()).await;
    let (ana, session) = shop.customer("ana").await;
    shop.vendor.loses_the_answer("POST /contacts");
    shop.vendor.loses_the_answer("POST /conversations");
    ana.says(&session, "Is a < b & c?").await;
    ana.says(&session, "Hello?").await;
    let first = format!("user: <p>Is a &lt; b &amp; c?\n\n({session})</p>");
    let said = [[first, "user: <p>Hello?</p>".to_owned()]];
    shop.until("both messages, once", |intercom| intercom.said("ana") == said).await;
    assert_eq!(shop.vendor.vendor().contacts, ["ana"], "{:#?}", shop.vendor.asked());

    let note = shop.vendor.vendor().agent_notes(0, "<p>a voucher?</p>");
    shop.takes(&note).await;
    let answer = "<p>Yes &amp; no:<br>see <a href=\"https://a.example/b\">this</a></p>";
    let answer = shop.vendor.vendor().agent_writes(0, answer);
    shop.takes(&answer).await;
    shop.takes(&answer).await;
    ana.hears(&session, "Yes & no:\nsee this (https://a.example/b)").await;
    assert_eq!(shop.log(&session).await.len(), 3, "{:?}", shop.log(&session).await);

    // A second session of the same customer is another conversation of the same contact.
    let (_, second) = shop.customer_in("ana", json!("order-2")).await;
    ana.follows(&second).await;
    ana.says(&second, "And order 2?").await;
    shop.until("the other", |intercom| intercom.conversations.len() == 2).await;
    shop.session_is(&second, "known", |seen| seen["external"] == "461").await;
    let answer = shop.vendor.vendor().agent_writes(1, "<p>Tomorrow</p>");
    shop.takes(&answer).await;
    ana.hears(&second, "Tomorrow").await;
    assert_eq!(shop.vendor.vendor().contacts, ["ana"]);
    shop.every_hook_was_taken();
}

#[tokio::test]
async fn what_intercom_does_not_take_waits() {
    let shop = opens().await;
    let (ana, session) = shop.customer("ana").await;
    shop.vendor.throttles("/contacts");
    shop.vendor.is_hasty();
    let said = ana.says(&session, "one").await;
    shop.until("the first", |intercom| intercom.said("ana").len() == 1).await;
    ana.is_told_that(json!({ "type": "forwarded", "room": session, "seq": said.seq })).await;
    shop.vendor.vendor().token = "another-token-0123456789".into();
    ana.says(&session, "two").await;
    shop.waits_for_an_operator(&session).await;
    shop.has_another_access_secret("another-token-0123456789").await;
    shop.until("the second", |intercom| intercom.said("ana")[0].len() == 2).await;
    shop.every_hook_was_taken();
}
