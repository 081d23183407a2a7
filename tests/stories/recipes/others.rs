//! Vendors that have no recipe: configured by hand, with nothing but the guide to portals.

use super::Shop;
use crate::support::vendors::{Vendor, crisp::Crisp, front::Front, rocket_chat::RocketChat};
use serde_json::{Value, json};

async fn opens<V: Vendor>(vendor: V, access: Option<&str>, incoming: &str, settings: Value) -> Shop<V> {
    Shop::configured(vendor, access, incoming, settings).await
}

#[tokio::test]
async fn rocket_chat_is_configured_by_hand() {
    let secret = "a-secret-of-livechat-0123456789";
    let settings = json!({
        "name": "Rocket.Chat",
        "calls": [
            { "name": "visitor", "for": ["message.created"], "unless": "/session/refs/visitor", "path": "/api/v1/livechat/visitor",
              "json": { "visitor": { "token": "{/session/id}", "name": "{/customer/name}" } },
              "success": { "require": { "/success": [true] } }, "pick": { "visitor": "/visitor/token" } },
            // It answers the room that there is, or makes one: asked for before each message, a closed room is followed by another.
            { "name": "room", "for": ["message.created"], "method": "GET", "path": "/api/v1/livechat/room",
              "query": { "token": "{/session/id}" }, "success": { "require": { "/success": [true] } },
              "pick": { "external": "/room/_id" } },
            { "name": "message", "for": ["message.created"], "path": "/api/v1/livechat/message",
              "json": { "token": "{/session/id}", "rid": "{/session/external}", "msg": "{/from/label?}{/message/text}",
                        "_id": "{/message/id}-{/message/part}" },
              "success": { "require": { "/success": [true] } }, "message_id": "/message/_id",
              "text_limit": 5000, "long_text": "split" },
        ],
        "verify": { "scheme": "header", "name": "X-RocketChat-Livechat-Token" },
        "mapping": {
            "require": { "#/type": ["Message"] }, "each": "/messages", "present": ["/agentId"],
            "session": "#/visitor/token", "text": "/msg", "agent": "/u/name", "message_id": "/_id",
        },
    });
    let shop = opens(RocketChat::new(secret), None, secret, settings).await;
    let (ana, session) = shop.customer("ana").await;
    // Its messages have ids of ours: what is sent again is not there twice.
    shop.vendor.loses_the_answer("livechat/message");
    ana.says(&session, "Is {this} <fine>?").await;
    ana.says(&session, "Hello?").await;
    shop.until("both messages", |chat| chat.said(&session) == ["Is {this} <fine>?", "Hello?"]).await;
    let answer = shop.vendor.vendor().agent_writes(&session, "It is");
    shop.takes(&answer).await;
    shop.takes(&answer).await;
    ana.hears(&session, "It is").await;
    assert_eq!(shop.log(&session).await.len(), 3, "{:?}", shop.log(&session).await);
    shop.every_hook_was_taken();
}

#[tokio::test]
async fn crisp_is_configured_by_hand() {
    let (identifier, key, secret) =
        ("7c3ef21c-1e04-41ce-8c06-5605c346f73e", "cc29e1a5086e428fcc6a", "whk_0123456789abcdef");
    let settings = json!({
        "name": "Crisp",
        "auth": { "scheme": "basic", "user": identifier },
        "vars": { "website": "8c842203-7ed8-4e29-a608-7cf78a7d2fcc" },
        "calls": [
            { "name": "conversation", "for": ["message.created"], "unless": "/session/external",
              "path": "/v1/website/{/vars/website}/conversation", "headers": { "X-Crisp-Tier": "plugin" },
              "pick": { "external": "/data/session_id" } },
            { "name": "who", "for": ["message.created"], "unless": "/session/refs/who", "method": "PATCH",
              "path": "/v1/website/{/vars/website}/conversation/{/session/external}/meta", "headers": { "X-Crisp-Tier": "plugin" },
              "json": { "nickname": "{/customer/name}", "data": { "session": "{/session/id}" } }, "pick": { "who": "/reason" } },
            { "name": "message", "for": ["message.created"],
              "path": "/v1/website/{/vars/website}/conversation/{/session/external}/message", "headers": { "X-Crisp-Tier": "plugin" },
              "json": { "type": "text", "from": "user", "origin": "chat", "content": "{/from/label?}{/message/text}" },
              "message_id": "/data/fingerprint" },
        ],
        "verify": { "scheme": "hmac", "header": "X-Crisp-Signature", "signed": "[{timestamp};{body}]",
                    "timestamp_header": "X-Crisp-Request-Timestamp" },
        "mappings": [
            { "require": { "/event": ["message:received"], "/data/type": ["text"] }, "external": "/data/session_id",
              "text": "/data/content", "agent": "/data/user/nickname", "message_id": "/data/fingerprint" },
            { "require": { "/event": ["message:received"], "/data/type": ["file"] }, "external": "/data/session_id",
              "text": "/data/content/name", "attachments": "/data/content", "agent": "/data/user/nickname",
              "message_id": "/data/fingerprint" },
        ],
        "unknown_session": "quarantine",
    });
    let vendor = Crisp::new("8c842203-7ed8-4e29-a608-7cf78a7d2fcc", (identifier, key), secret);
    let shop = opens(vendor, Some(key), secret, settings).await;
    let (ana, session) = shop.customer("ana").await;
    shop.vendor.throttles("/conversation");
    shop.vendor.is_hasty();
    ana.says(&session, "Hello?").await;
    shop.until("the message", |crisp| crisp.conversations == [[("user", "Hello?".to_owned())]]).await;
    let answer = shop.vendor.vendor().operator_writes(0, "Hi!");
    shop.takes(&answer).await;
    let file = shop.vendor.vendor().operator_sends(0, "https://f.example/1");
    shop.takes(&file).await;
    ana.hears(&session, "Hi!").await;
    ana.hears(&session, "bill.pdf").await;
    shop.every_hook_was_taken();
}

#[tokio::test]
async fn front_is_configured_by_hand() {
    let (token, secret) = ("eyJhbGciOiJIUzI1NiJ9.e30.x", "8a2e1f0c9b7d6e5f4a3b");
    let settings = json!({
        "name": "Front",
        "auth": { "scheme": "bearer" },
        "vars": { "channel": "cha_1" },
        "calls": [
            { "name": "message", "for": ["message.created"], "path": "/channels/{/vars/channel}/incoming_messages",
              "json": { "sender": { "handle": "{/customer/id}", "name": "{/customer/name}" },
                        "body": "{/from/label?}{/message/text}", "metadata": { "thread_ref": "{/session/id}" } },
              "message_id": "/message_uid" },
        ],
        "verify": { "scheme": "hmac", "header": "X-Front-Signature", "algorithm": "sha1", "encoding": "base64", "signed": "{body}" },
        "mapping": {
            "require": { "/type": ["custom"], "/is_inbound": [false] }, "session": "/metadata/thread_ref", "html": "/body",
            "agent": "/author/first_name", "message_id": "/id", "attachments": "/attachments",
        },
    });
    let shop = opens(Front::new(token, secret, "cha_1"), Some(token), secret, settings).await;
    let (ana, session) = shop.customer("ana").await;
    ana.says(&session, "Hello?").await;
    let said = ("ana".to_owned(), "Hello?".to_owned());
    shop.until("the message", |front| front.threads.get(&session).is_some_and(|all| *all == [said.clone()])).await;
    let answer = shop.vendor.vendor().teammate_writes(&session, "<p>Hi &amp; welcome</p>");
    shop.takes(&answer).await;
    shop.takes(&answer).await;
    ana.hears(&session, "Hi & welcome").await;
    assert_eq!(shop.log(&session).await, ["ana: Hello?", "portal:desk/Ada: Hi & welcome"]);
}
