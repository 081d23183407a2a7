//! A catch-hook: a flow of n8n or Zapier gets everything, and answers when it likes.

use super::{Filled, Shop};
use crate::support::vendors::catch_hook::CatchHook;
use serde_json::json;

const PATH: &str = "/webhook/8d1f";
const KEY: &str = "a-key-of-the-flow-0123456789";
const TOKEN: &str = "a-token-of-hubbub-0123456789";

pub(super) async fn opens() -> Shop<CatchHook> {
    let filled = Filled { recipe: "catch-hook", path: PATH, sets: &[], access: Some(KEY), incoming: TOKEN };
    Shop::opens(CatchHook::new(PATH, KEY, TOKEN), filled).await
}

#[tokio::test]
async fn a_flow_gets_everything_and_answers() {
    let shop = opens().await;
    let (ana, session) = shop.customer("ana").await;
    let said = ana.says(&session, "{{ \"quoted\" }} & \u{1f642}").await;
    shop.until("the message", |flow| flow.caught.iter().any(|one| one["type"] == "message.created")).await;
    let caught = shop.vendor.vendor().caught.clone();
    let caught = caught.iter().find(|one| one["type"] == "message.created").expect("the message");
    assert_eq!(caught["text"], "{{ \"quoted\" }} & \u{1f642}");
    assert_eq!(caught["session"], session.as_str());
    assert_eq!(caught["from"], json!({ "id": "ana", "kind": "customer", "name": "ana" }));
    assert_eq!(caught["message"], said.id.as_str());
    let answer = json!({ "session": session, "text": "A robot answers", "id": "run-1", "agent": "Flow" }).to_string();
    shop.takes(&answer).await;
    shop.takes(&answer).await;
    ana.hears(&session, "A robot answers").await;
    assert_eq!(shop.log(&session).await.len(), 2);

    // The flow is switched off, and its author gives it another key.
    shop.vendor.vendor().is_active = false;
    ana.says(&session, "one").await;
    shop.waits_for_an_operator(&session).await;
    shop.vendor.vendor().is_active = true;
    shop.vendor.vendor().key = "another-key-0123456789".into();
    shop.has_another_access_secret("another-key-0123456789").await;
    shop.until("it came", |flow| flow.caught.last().is_some_and(|one| one["text"] == "one")).await;
    shop.vendor.throttles(PATH);
    ana.calls("close_session", json!({ "room": session })).await;
    shop.until("its end", |flow| flow.caught.last().is_some_and(|one| one["type"] == "session.closed")).await;
}
