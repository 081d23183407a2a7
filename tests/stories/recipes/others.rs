//! Vendors that have no recipe: configured by hand, with nothing but the guide to portals.

use super::Shop;
use crate::support::{
    signer::Signer,
    vendors::{
        Vendor, crisp::Crisp, freshchat::Freshchat, front::Front, genesys::Genesys, help_scout::HelpScout,
        plain::Plain, rocket_chat::RocketChat, telegram::Telegram,
    },
};
use jsonwebtoken::Algorithm;
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
    let mut of_application = settings.clone();
    of_application["verify"] = json!({ "scheme": "hmac", "header": "X-Front-Signature", "encoding": "base64",
        "signed": "{timestamp}:{body}", "timestamp_header": "X-Front-Request-Timestamp" });
    for (by_application, settings) in [(false, settings), (true, of_application)] {
        let mut front = Front::new(token, secret, "cha_1");
        front.by_application = by_application;
        let shop = opens(front, Some(token), secret, settings).await;
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
}

#[tokio::test]
async fn freshchat_is_configured_by_hand() {
    let said = json!({ "message_parts": [{ "text": { "content": "{/from/label?}{/message/text}" } }], "message_type": "normal",
        "actor_type": "user", "actor_id": "{/session/refs/user}" });
    let settings = json!({
        "name": "Freshchat", "url": "/v2",
        "auth": { "scheme": "bearer" },
        "vars": { "channel": "c-support" },
        "calls": [
            { "name": "find_user", "method": "GET", "unless": "/session/refs/user", "path": "/users",
              "query": { "reference_id": "{/customer/id}" }, "each": "/users", "where": { "/reference_id": "{/customer/id}" },
              "found": "/id", "pick": { "user": "/id" } },
            { "name": "make_user", "unless": "/session/refs/user", "path": "/users",
              "json": { "reference_id": "{/customer/id}", "first_name": "{/customer/name}", "email": "{/customer/info/email?}" },
              "pick": { "user": "/id" } },
            // What a conversation begins with is not said once more: the first of the two calls is made where there is one.
            { "name": "say", "when": "/session/external", "path": "/conversations/{/session/external}/messages", "json": said,
              "message_id": "/id" },
            { "name": "begin", "unless": "/session/external", "path": "/conversations",
              "json": { "channel_id": "{/vars/channel}", "users": [{ "id": "{/session/refs/user}" }], "messages": [said] },
              "pick": { "external": "/conversation_id" } },
        ],
        "verify": { "scheme": "public_key", "header": "X-Freshchat-Signature" },
        "mapping": {
            "require": { "/action": ["message_create"], "/data/message/actor_type": ["agent"] },
            "exclude": { "/data/message/message_type": ["private"] },
            "external": "/data/message/conversation_id", "text": "/data/message/message_parts/*/text/content",
            "attachments": "/data/message/message_parts/*/image/url", "agent": "/actor/actor_id", "message_id": "/data/message/id",
        },
    });
    let vendor = Freshchat::new("fc-token-0123456789", Signer::new(Algorithm::RS256));
    let key = vendor.public_key();
    let shop = opens(vendor, Some("fc-token-0123456789"), &key, settings.clone()).await;
    let (ana, session) = shop.customer("ana").await;
    // The user is there, and nobody was told: looked for once more, it is not made twice.
    shop.vendor.loses_the_answer("POST /v2/users");
    shop.vendor.throttles("POST /v2/conversations");
    ana.says(&session, "Hello?").await;
    ana.says(&session, "Anybody?").await;
    shop.until("both messages", |chat| {
        chat.conversations.iter().map(|(_, said)| said.as_slice()).eq([["user: Hello?", "user: Anybody?"]])
    })
    .await;
    assert_eq!(shop.vendor.vendor().users, ["ana"]);
    let note = shop.vendor.vendor().agent_notes(0, "A difficult one");
    shop.takes(&note).await;
    let answer = shop.vendor.vendor().agent_writes(0, "Here you are", Some("https://f.example/1.png"));
    shop.takes(&answer).await;
    shop.takes(&answer).await;
    ana.hears(&session, "Here you are").await;
    assert_eq!(shop.log(&session).await, ["ana: Hello?", "ana: Anybody?", "portal:desk/a-1: Here you are"]);
    shop.every_hook_was_taken();
    // Somebody else's signature, and none.
    let impostor = Freshchat::new("", Signer::new(Algorithm::RS256));
    let forged = std::mem::replace(&mut shop.vendor.vendor().signer, impostor.signer);
    let (status, _) = shop.vendor.sends(&answer).await;
    assert_eq!(status, 401);
    shop.vendor.vendor().signer = forged;
    // The vendor's key cannot be made here, nor can a shared secret be one.
    for secret in [Value::Null, "a-secret-that-is-no-key".into()] {
        let new = json!({ "id": "other", "settings": { "verify": settings["verify"] }, "incoming_secret": secret });
        let refused = shop.server.api("POST", "/v1/portals", &new).await;
        assert!(refused.status == 422 && refused.text.contains("incoming_secret"), "{}", refused.text);
    }
}

#[tokio::test]
async fn genesys_is_configured_by_hand() {
    let (client, client_secret, secret) = ("client-1", "client-secret-0123456789", "a-token-of-webhooks-0123456789");
    let settings = json!({
        "name": "Genesys Cloud",
        "auth": { "scheme": "oauth2", "token_url": "/oauth/token", "grant": "client_credentials", "client_id": client },
        "vars": { "integration": "9a1c1d5e-0000-4000-8000-000000000001" },
        "calls": [
            { "name": "message", "path": "/api/v2/conversations/messages/{/vars/integration}/inbound/open/message",
              "json": { "channel": { "messageId": "{/event/id}-{/message/part}", "time": "{/event/timestamp}",
                                     "from": { "id": "{/session/id}", "idType": "Opaque", "nickname": "{/customer/name}" } },
                        "text": "{/from/label?}{/message/text}" },
              "message_id": "/id", "text_limit": 8000, "long_text": "split" },
        ],
        // Not `hub_signature`: its signatures are hexadecimal.
        "verify": { "scheme": "hmac", "header": "X-Hub-Signature-256", "prefix": "sha256=", "encoding": "base64" },
        "mapping": {
            "require": { "/direction": ["Outbound"], "/type": ["Text", "Structured"] },
            "session": "/channel/to/id", "text": "/text", "attachments": "/content/*/attachment/url",
            "agent": "/channel/from/nickname", "message_id": "/id",
        },
    });
    let vendor = Genesys::new((client, client_secret), secret);
    let shop = opens(vendor, Some(client_secret), secret, settings).await;
    let (ana, session) = shop.customer("ana").await;
    ana.says(&session, "Hello?").await;
    shop.until("the first", |genesys| genesys.said.len() == 1).await;
    shop.vendor.vendor().forgets_tokens();
    shop.vendor.throttles("inbound/open/message");
    ana.says(&session, "Anybody?").await;
    let both = ["Hello?", "Anybody?"].map(|text| (session.clone(), text.to_owned()));
    shop.until("both", |genesys| genesys.said == both).await;
    let answer = shop.vendor.vendor().agent_writes(&session, "Hi!");
    shop.takes(&answer).await;
    shop.takes(&answer).await;
    let picture = shop.vendor.vendor().agent_sends(&session, "https://f.example/1.png");
    shop.takes(&picture).await;
    let receipt = shop.vendor.vendor().receipt(&session);
    shop.takes(&receipt).await;
    ana.hears(&session, "Hi!").await;
    assert_eq!(shop.log(&session).await, ["ana: Hello?", "ana: Anybody?", "portal:desk/Ada: Hi!", "portal:desk/Ada: "]);
    shop.every_hook_was_taken();
}

/// What a mutation of Plain's is, and how its answer is understood.
fn mutation(name: &str, result: &str) -> (Value, Value) {
    let kind = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
    let query = format!(
        "mutation($input: {kind}!) {{{{ {name}(input: $input) {{{{ {result} {{{{ id }}}} error {{{{ message type }}}} }}}} }}}}"
    );
    let error = format!("/data/{name}/error");
    let success = json!({ "require": { &error: [null] },
        "credentials": { "/errors/0/extensions/code": ["UNAUTHENTICATED", "FORBIDDEN"], format!("{error}/type"): ["FORBIDDEN"] },
        "down": { "/errors/0/extensions/code": ["INTERNAL_SERVER_ERROR"], format!("{error}/type"): ["INTERNAL"] } });
    (query.into(), success)
}

#[tokio::test]
async fn plain_is_configured_by_hand() {
    let (key, secret) = ("plainApiKey_0123456789", "a-secret-of-the-workspace-0123456789");
    let [(customer, is_customer), (thread, is_thread), (chat, is_chat)] =
        [("upsertCustomer", "customer"), ("createThread", "thread"), ("sendCustomerChat", "chat")]
            .map(|(name, of)| mutation(name, of));
    let settings = json!({
        "name": "Plain", "url": "/graphql/v1",
        "auth": { "scheme": "bearer" },
        "vars": { "no_email": "unknown@example.com" },
        "calls": [
            { "name": "customer", "unless": "/session/refs/customer", "success": is_customer,
              "json": { "query": customer, "variables": { "input": { "identifier": { "externalId": "{/customer/id}" }, "onUpdate": {},
                  "onCreate": { "fullName": "{/customer/name}", "externalId": "{/customer/id}",
                                "email": { "email": "{/customer/info/email|/vars/no_email}", "isVerified": false } } } } },
              "pick": { "customer": "/data/upsertCustomer/customer/id" } },
            { "name": "find_thread", "unless": "/session/external", "success": { "credentials": is_thread["credentials"] },
              "json": { "query": "query($customer: ID!, $thread: ID!) {{ threadByExternalId(customerId: $customer, externalId: $thread) {{ id }} }}",
                        "variables": { "customer": "{/session/refs/customer}", "thread": "{/session/id}" } },
              "found": "/data/threadByExternalId/id", "pick": { "external": "/data/threadByExternalId/id" } },
            { "name": "make_thread", "unless": "/session/external", "success": is_thread,
              "json": { "query": thread, "variables": { "input": { "externalId": "{/session/id}", "title": "Chat with {/customer/name}",
                  "customerIdentifier": { "customerId": "{/session/refs/customer}" } } } },
              "pick": { "external": "/data/createThread/thread/id" } },
            { "name": "chat", "success": is_chat,
              "json": { "query": chat, "variables": { "input": { "customerId": "{/session/refs/customer}",
                  "threadId": "{/session/external}", "text": "{/from/label?}{/message/text}" } } },
              "message_id": "/data/sendCustomerChat/chat/id" },
        ],
        "verify": { "scheme": "hmac", "header": "Plain-Request-Signature" },
        "mapping": {
            "require": { "/payload/eventType": ["thread.chat_sent"], "/payload/chat/createdBy/actorType": ["user"] },
            "session": "/payload/thread/externalId", "external": "/payload/thread/id", "text": "/payload/chat/text",
            "attachments": "/payload/chat/attachments", "agent": "/payload/chat/createdBy/userId", "message_id": "/payload/chat/id",
        },
    });
    let shop = opens(Plain::new(key, secret), Some("another-key-0123456789"), secret, settings).await;
    let (ana, session) = shop.customer("ana").await;
    // Every answer is 200. Who we are is not known, and nothing is lost.
    ana.says(&session, "Is {this} \"fine\"?").await;
    shop.waits_for_an_operator(&session).await;
    shop.has_another_access_secret(key).await;
    let first = "Is {this} \"fine\"?";
    shop.until("the first", |plain| plain.threads.get(&session).is_some_and(|said| *said == [first])).await;
    // It does not work just now: the message is tried again, and is no dead letter. What is refused is one.
    shop.vendor.vendor().fails = vec!["INTERNAL", "INTERNAL"];
    ana.says(&session, "Hello?").await;
    shop.until("the second", |plain| plain.threads[&session] == [first, "Hello?"]).await;
    let dead = shop.server.api("GET", "/v1/portals/desk/dead-letters", &Value::Null).await.json();
    assert_eq!(dead["items"], json!([]));
    for write in [Plain::agent_writes, Plain::machine_writes] {
        let body = write(&mut shop.vendor.vendor(), &session, "Hi!");
        shop.takes(&body).await;
        shop.takes(&body).await;
    }
    ana.hears(&session, "Hi!").await;
    assert_eq!(shop.log(&session).await.len(), 3, "{:?}", shop.log(&session).await);
    assert_eq!(shop.vendor.vendor().customers, ["ana"]);
}

#[tokio::test]
async fn telegram_is_configured_by_hand() {
    let (token, secret) = ("110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", "a_token_of_webhooks-0123456789");
    let settings = json!({
        "name": "Telegram",
        // The token is a part of the path, and no part of the settings.
        "auth": { "scheme": "path", "prefix": "/bot" },
        "vars": { "group": "-1001234567890" },
        "calls": [
            { "name": "topic", "unless": "/session/external", "path": "/createForumTopic",
              "json": { "chat_id": "{/vars/group}", "name": "{/customer/name}" },
              "success": { "require": { "/ok": [true] } }, "pick": { "external": "/result/message_thread_id" } },
            { "name": "message", "path": "/sendMessage",
              "json": { "chat_id": "{/vars/group}", "message_thread_id": "{/session/external|number}", "text": "{/from/label?}{/message/text}" },
              "success": { "require": { "/ok": [true] } }, "message_id": "/result/message_id",
              "text_limit": 4096, "long_text": "split" },
        ],
        "verify": { "scheme": "header", "name": "X-Telegram-Bot-Api-Secret-Token" },
        "mappings": [
            { "require": { "/message/chat/id": [-1_001_234_567_890_i64], "/message/is_topic_message": [true] },
              "equals_false": ["/message/from/is_bot"], "external": "/message/message_thread_id",
              "text": "/message/text", "agent": "/message/from/first_name", "message_id": "/message/message_id" },
            { "means": "edit",
              "require": { "/edited_message/chat/id": [-1_001_234_567_890_i64], "/edited_message/is_topic_message": [true] },
              "equals_false": ["/edited_message/from/is_bot"], "external": "/edited_message/message_thread_id",
              "text": "/edited_message/text", "agent": "/edited_message/from/first_name",
              "message_id": "/edited_message/message_id", "event_id": "/update_id" },
        ],
    });
    let shop = opens(Telegram::new(token, secret), Some(token), secret, settings).await;
    let (ana, session) = shop.customer("ana").await;
    shop.vendor.throttles("sendMessage");
    ana.says(&session, "Hello?").await;
    let long = "word ".repeat(1_000);
    ana.says(&session, &long).await;
    shop.until("all of it", |telegram| {
        telegram.topics.iter().map(|(name, said)| (name.as_str(), said.len())).eq([("ana", 3)])
    })
    .await;
    let chat = shop.vendor.vendor().member_chats("Lunch?");
    shop.takes(&chat).await;
    let answer = shop.vendor.vendor().member_writes(0, "Hi!");
    shop.takes(&answer).await;
    shop.takes(&answer).await;
    ana.hears(&session, "Hi!").await;
    assert_eq!(shop.log(&session).await.len(), 3);
    let edited = shop.vendor.vendor().member_edits(0, "Hi Ana!");
    shop.takes(&edited).await;
    shop.takes(&edited).await;
    assert_eq!(shop.shown(&session).await.last().map(String::as_str), Some("portal:desk/Ada: Hi Ana!"));
    assert_eq!(shop.changes(&session).await, ["portal:desk/Ada edited"]);
    // Nobody is shown the token.
    for path in
        ["/v1/portals/desk", "/v1/portals/desk/try", "/v1/portals/desk/explain", &format!("/v1/sessions/{session}")]
    {
        let method = if path.ends_with("try") || path.ends_with("explain") { "POST" } else { "GET" };
        let shown = shop.server.api(method, path, &json!({})).await;
        assert!(shown.status == 200 && !shown.text.contains(token), "{path}: {}", shown.text);
    }
}

#[tokio::test]
async fn help_scout_is_configured_by_hand() {
    let (client, client_secret, secret) = ("app-1", "app-secret-0123456789", "a-secret-of-webhooks-0123456789");
    let who = json!({ "email": "{/customer/info/email|/vars/no_email}" });
    let settings = json!({
        "name": "Help Scout", "url": "/v2",
        "auth": { "scheme": "oauth2", "token_url": "/v2/oauth2/token", "grant": "client_credentials", "client_id": client, "auth": "body" },
        "vars": { "inbox": "85", "no_email": "unknown@example.com" },
        "calls": [
            { "name": "say", "when": "/session/external", "path": "/conversations/{/session/external}/customer",
              "json": { "customer": who, "text": "{/from/label?}{/message/text|html}" }, "message_id": "header:Resource-ID" },
            { "name": "begin", "unless": "/session/external", "path": "/conversations",
              "json": { "mailboxId": "{/vars/inbox|number}", "type": "chat", "status": "active", "customer": who,
                        "subject": "Chat with {/customer/name}",
                        "threads": [{ "type": "customer", "customer": who, "text": "{/from/label?}{/message/text|html}" }] },
              "pick": { "external": "header:Resource-ID" } },
        ],
        "verify": { "scheme": "hmac", "header": "X-HelpScout-Signature", "algorithm": "sha1", "encoding": "base64" },
        // Each webhook has all threads: those that came before are known by their ids.
        "mapping": {
            "each": "/_embedded/threads", "require": { "/type": ["message"], "/createdBy/type": ["user"] },
            "external": "#/id", "html": "/body", "agent": "/createdBy/first", "message_id": "/id",
        },
    });
    let shop = opens(HelpScout::new((client, client_secret), secret), Some(client_secret), secret, settings).await;
    let (ana, session) = shop.customer("ana").await;
    ana.says(&session, "Is 3 < 4?").await;
    ana.says(&session, "Hello?").await;
    let said = ["Is 3 &lt; 4?", "Hello?"].map(|text| ("customer", text.to_owned()));
    let of = "unknown@example.com";
    shop.until("both messages", |scout| scout.conversations.iter().any(|(who, all)| who == of && *all == said)).await;
    for reply in ["<p>It is</p>", "<p>Else?</p>"] {
        let body = shop.vendor.vendor().user_replies(0, reply);
        shop.takes(&body).await;
    }
    let note = shop.vendor.vendor().user_notes(0, "A difficult one");
    shop.takes(&note).await;
    ana.hears(&session, "Else?").await;
    let log = shop.log(&session).await;
    assert_eq!(log, ["ana: Is 3 < 4?", "ana: Hello?", "portal:desk/Ada: It is", "portal:desk/Ada: Else?"]);
}
