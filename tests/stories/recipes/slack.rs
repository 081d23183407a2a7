//! Slack: a thread for each session, in one channel.

use super::{Filled, Shop};
use crate::support::{portal::post, vendors::slack::Slack};

const TOKEN: &str = "xoxb-17653672481-19874698323";
const SIGNING: &str = "8f742231b10e8888abcd99yyyzzz85a5";

async fn opens() -> Shop<Slack> {
    opens_with(&[]).await
}

/// The same, with more that is set.
pub(super) async fn opens_with(more: &[&str]) -> Shop<Slack> {
    let sets = [&["vars.channel=C0AAA"], more].concat();
    let filled = Filled { recipe: "slack", path: "", sets: &sets, access: Some(TOKEN), incoming: SIGNING };
    Shop::opens(Slack::new(TOKEN, SIGNING, "C0AAA"), filled).await
}

#[tokio::test]
async fn a_thread_of_a_channel_is_a_conversation() {
    let shop = opens().await;
    let answered = shop.vendor.sends(&Slack::challenge()).await;
    assert_eq!(answered, (200, "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P".to_owned()));
    let (ana, session) = shop.customer("ana").await;
    ana.says(&session, "Is <b> \"bold\" & {/x} fine? \u{1f642}").await;
    ana.says(&session, "Hello?").await;
    let said = ["Is <b> \"bold\" & {/x} fine? \u{1f642}", "Hello?"];
    shop.until("both messages in their thread", |slack| slack.thread("conversation with ana") == said).await;
    let (ben, other) = shop.customer("ben").await;
    ben.says(&other, "Me, too").await;
    shop.until("a thread of ben's", |slack| slack.thread("conversation with ben") == ["Me, too"]).await;

    // A member of the workspace answers in a thread; others talk in the channel.
    let answer = shop.vendor.vendor().member_writes(Some("with ana"), "It is <fine> & dandy");
    shop.takes(&answer).await;
    ana.hears(&session, "It is <fine> & dandy").await;
    let talk = shop.vendor.vendor().member_writes(None, "Lunch?");
    shop.takes(&talk).await;
    // Slack sends again what it is not sure of.
    shop.takes(&answer).await;
    let link = shop.vendor.vendor().member_writes_as_it_is("with ben", "See <https://a.example/b?c=d&amp;e|the page>");
    shop.takes(&link).await;
    ben.hears(&other, "See the page (https://a.example/b?c=d&e)").await;
    assert_eq!(shop.log(&session).await.len(), 3, "{:?}", shop.log(&session).await);
    shop.every_hook_was_taken();
    let kept = shop.server.api("GET", "/v1/portals/desk/quarantine", &serde_json::Value::Null).await.json();
    assert_eq!(kept["items"], serde_json::json!([]), "talk of others was kept");

    // Nobody else may answer.
    let forged = "content-type: application/json\r\nx-slack-request-timestamp: 1\r\nx-slack-signature: v0=00\r\n";
    let (status, _) = post(shop.server.at(0), "/hooks/desk", forged, &answer).await.expect("an answer");
    assert_eq!(status, 401);
}

#[tokio::test]
async fn what_is_edited_or_deleted_on_one_side_is_so_on_the_other() {
    let shop = opens().await;
    let (ana, session) = shop.customer("ana").await;
    let first = ana.says(&session, "Hi").await.seq;
    shop.until("the message", |slack| slack.thread("with ana") == ["Hi"]).await;
    let answer = shop.vendor.vendor().member_writes(Some("with ana"), "See https://a.example & come");
    shop.takes(&answer).await;
    ana.hears(&session, "See https://a.example & come").await;

    // A member changes the answer, its link is unfolded, and it is deleted; each comes twice.
    let edited = shop.vendor.vendor().member_edits("See https://a.example & come", "See <it> & come");
    let unfurled = shop.vendor.vendor().unfurls("See <it> & come");
    for hook in [&edited, &edited, &unfurled] {
        shop.takes(hook).await;
    }
    shop.shows(&session, &["ana: Hi", "portal:desk/U061F7AUR: See <it> & come"]).await;
    let deleted = shop.vendor.vendor().member_deletes("See <it> & come");
    shop.takes(&deleted).await;
    shop.takes(&deleted).await;
    shop.takes(&edited).await;
    shop.shows(&session, &["ana: Hi", "portal:desk/U061F7AUR: (gone)"]).await;
    let changes = shop.changes(&session).await;
    assert_eq!(changes, ["portal:desk/U061F7AUR edited", "portal:desk/U061F7AUR deleted"]);

    // The customer does the same; what Slack tells us of our own changes is nothing new.
    shop.vendor.is_hasty();
    ana.edits(&session, first, "Hi & <hello>").await;
    shop.until("the edit", |slack| slack.thread("with ana") == ["Hi & <hello>"]).await;
    let long = "word & word ".repeat(600);
    let second = ana.says(&session, &long).await.seq;
    shop.until("all parts", |slack| slack.thread("with ana").len() == 4).await;
    // What went out in parts is said anew where it is changed, and deleted part by part.
    ana.edits(&session, second, "in short").await;
    shop.until("it anew", |slack| slack.thread("with ana").last().is_some_and(|last| last == "(edited) in short"))
        .await;
    ana.deletes(&session, second).await;
    ana.deletes(&session, first).await;
    shop.until("no message of hers", |slack| slack.thread("with ana").is_empty()).await;
    shop.every_hook_was_taken();
    assert_eq!(shop.changes(&session).await.len(), 2 + 4, "{:?}", shop.changes(&session).await);
    // Somebody has deleted it there already.
    let third = ana.says(&session, "third").await.seq;
    shop.until("the third", |slack| slack.thread("with ana").contains(&"third".to_owned())).await;
    shop.vendor.vendor().messages.retain(|one| one.text != "third");
    ana.deletes(&session, third).await;
    shop.session_is(&session, "done", |seen| seen["forwarded"] == seen["head"]).await;
    let dead = shop.server.api("GET", "/v1/portals/desk/dead-letters", &serde_json::Value::Null).await.json();
    assert_eq!(dead["items"], serde_json::json!([]));
}

#[tokio::test]
async fn a_refusal_with_status_200_is_one() {
    let shop = opens().await;
    let (ana, session) = shop.customer("ana").await;
    // Too many: it says when.
    shop.vendor.throttles("chat.postMessage");
    let first = ana.says(&session, "one").await;
    shop.until("it came after all", |slack| slack.thread("with ana") == ["one"]).await;
    ana.is_told_that(serde_json::json!({ "type": "forwarded", "room": session, "seq": first.seq })).await;

    // The app was removed from the channel, and is invited again.
    shop.vendor.vendor().is_out = true;
    let second = ana.says(&session, "two").await;
    shop.waits_for_an_operator(&session).await;
    assert_eq!(shop.vendor.vendor().thread("with ana"), ["one"]);
    shop.vendor.vendor().is_out = false;
    shop.server.api("POST", "/v1/portals/desk/resume", &serde_json::Value::Null).await;
    shop.until("the second", |slack| slack.thread("with ana") == ["one", "two"]).await;
    ana.is_told_that(serde_json::json!({ "type": "forwarded", "room": session, "seq": second.seq })).await;

    // Another token.
    shop.vendor.vendor().token = "xoxb-new-one-0123456789".into();
    ana.says(&session, "three").await;
    shop.waits_for_an_operator(&session).await;
    shop.has_another_access_secret("xoxb-new-one-0123456789").await;
    shop.until("the third", |slack| slack.thread("with ana") == ["one", "two", "three"]).await;

    // Longer than Slack recommends: in parts, all of it.
    let long = "word & word ".repeat(600);
    ana.says(&session, &long).await;
    shop.until("all of it", |slack| {
        slack.thread("with ana")[3..].concat().split_whitespace().eq(long.split_whitespace())
    })
    .await;
    let parts = shop.vendor.vendor().thread("with ana")[3..].to_vec();
    assert!(parts.len() == 3 && parts.iter().all(|part| part.chars().count() <= 4_000), "{}", parts.len());
}
