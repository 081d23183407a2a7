//! Zendesk: a user for each customer, a conversation for each session.

use super::{Filled, Shop};
use crate::support::vendors::sunshine::Sunshine;
use serde_json::json;

const APP: &str = "5ebee0975ac5304b664a12fa";
const KEY: &str = "app_5ebee0975ac5304b664a12fb";
const SECRET: &str = "Zk3mWq0oE1hYb8rXcVn2";
const HOOKS: &str = "3b2f1c0a9e8d7c6b5a49";

pub(super) async fn opens() -> Shop<Sunshine> {
    let (app, user) = (format!("vars.app={APP}"), format!("auth.user={KEY}"));
    let filled = Filled { recipe: "zendesk", path: "", sets: &[&app, &user], access: Some(SECRET), incoming: HOOKS };
    Shop::opens(Sunshine::new(APP, (KEY, SECRET), HOOKS), filled).await
}

#[tokio::test]
async fn a_customers_sessions_are_conversations_of_one_user() {
    let shop = opens().await;
    let (ana, first) = shop.customer("ana").await;
    shop.vendor.loses_the_answer("/users");
    shop.vendor.loses_the_answer("POST /v2/apps/5ebee0975ac5304b664a12fa/conversations");
    ana.says(&first, "Where is my \"parcel\"?").await;
    shop.until("the message", |zendesk| zendesk.said("ana") == [["user: Where is my \"parcel\"?"]]).await;
    let (_, second) = shop.customer_in("ana", json!("order-2")).await;
    ana.follows(&second).await;
    ana.says(&second, "And order 2?").await;
    let both = [["user: Where is my \"parcel\"?"], ["user: And order 2?"]];
    shop.until("the other", |zendesk| zendesk.said("ana") == both).await;
    assert_eq!(shop.vendor.vendor().users, ["ana"], "{:#?}", shop.vendor.asked());

    // One webhook with answers in both.
    let answers = shop.vendor.vendor().agents_write(&[(0, "On its way"), (1, "Tomorrow"), (0, "Bye!")]);
    shop.takes(&answers).await;
    shop.takes(&answers).await;
    ana.hears(&first, "Bye!").await;
    ana.hears(&second, "Tomorrow").await;
    let log = ["ana: Where is my \"parcel\"?", "portal:desk/Ada: On its way", "portal:desk/Ada: Bye!"];
    assert_eq!(shop.log(&first).await, log);
    assert_eq!(shop.log(&second).await, ["ana: And order 2?", "portal:desk/Ada: Tomorrow"]);
    shop.every_hook_was_taken();
}

#[tokio::test]
async fn what_zendesk_does_not_take_waits() {
    let shop = opens().await;
    let (ana, session) = shop.customer("ana").await;
    shop.vendor.throttles("/messages");
    // Its webhooks come before the answer to what caused them, and must not be refused: Zendesk never sends those again.
    shop.vendor.is_hasty();
    let said = ana.says(&session, "one").await;
    shop.until("the first", |zendesk| zendesk.said("ana") == [["user: one"]]).await;
    ana.is_told_that(json!({ "type": "forwarded", "room": session, "seq": said.seq })).await;
    shop.every_hook_was_taken();
    shop.vendor.vendor().key.1 = "another-secret-0123456789".into();
    ana.says(&session, "two").await;
    shop.waits_for_an_operator(&session).await;
    shop.has_another_access_secret("another-secret-0123456789").await;
    shop.until("the second", |zendesk| zendesk.said("ana") == [["user: one", "user: two"]]).await;
    // Longer than Zendesk takes.
    let long = "0123456789 ".repeat(700);
    ana.says(&session, &long).await;
    shop.until("all of it", |zendesk| zendesk.said("ana")[0].len() == 4).await;
    let said = shop.vendor.vendor().said("ana")[0][2..].concat().replace("user: ", "");
    assert!(said.split_whitespace().collect::<String>() == long.split_whitespace().collect::<String>());
}
