//! The page of the agent desk in a real browser: at any width, in both themes, in every state, by keyboard.

use crate::{
    browser::{Browser, Page},
    cluster::Cluster,
    demo_portal::Desk,
    person::Person,
};
use serde_json::json;

/// Widths, from the narrowest; the last is a window of 1280 at a zoom of 200 %.
const SIZES: [(u32, u32); 4] = [(320, 640), (768, 800), (1280, 800), (640, 400)];

async fn session(person: &Person) -> String {
    let opened = person.calls("open_session", json!({ "portal": "demo" })).await;
    let session = opened["rpc"]["data"]["id"].as_str().unwrap_or_else(|| panic!("{opened}")).to_owned();
    person.follows(&session).await;
    session
}

/// Looks at the page as it is, in both themes and all sizes; where that is one column, at the list and at the conversation.
async fn is_good(agent: &mut Page, state: &str) {
    for dark in [false, true] {
        agent.is_dark(dark).await;
        for (width, height) in SIZES {
            agent.is_sized(width, height).await;
            for view in ["list", "talk"] {
                let back = "getComputedStyle(document.querySelector('#back')).display !== 'none'";
                let one_column = agent.is(back).await == true;
                if one_column && view == "list" {
                    agent
                        .is("document.body.classList.contains('talking') && document.querySelector('#back').click()")
                        .await;
                    agent.sees("document.querySelector('#talk').offsetWidth === 0 || document.body.className.includes('empty')").await;
                } else if one_column {
                    agent.is("document.querySelector('.one')?.click()").await;
                } else if view == "list" {
                    continue;
                }
                let what = format!("{state}-{view}-{width}-{}", if dark { "dark" } else { "light" });
                agent.is_pictured(&what).await;
                agent.is_for_everybody(&what).await;
            }
        }
    }
}

async fn reads(agent: &mut Page, text: &str) {
    agent.sees(&format!("document.querySelector('#items').innerText.includes({})", json!(text))).await;
}

#[tokio::test]
async fn the_desk_is_for_everybody_at_any_width_in_both_themes_and_by_keyboard_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut server = Cluster::laptop_with(directory.path(), &["--portal-allow", "127.0.0.1"]).await;
    let desk = Desk::start(server.at(0));
    let origin = format!("http://{}", desk.at);
    let browser = Browser::start().await;
    let mut agent = browser.opens(&format!("{origin}/")).await;
    agent.reads("#empty h2", "Nobody has written yet").await;
    agent.sees("document.querySelector('#customer').href.endsWith('/?user=ana&portal=demo')").await;
    is_good(&mut agent, "empty").await;

    let (ana, ben) = (server.person("ana", 0).await, server.person("ben", 0).await);
    let first = session(&ben).await;
    ben.says(&first, "Anybody?").await;
    let talk = session(&ana).await;
    ana.says(&talk, "<img src=x onerror='document.title = 1'> is what I see").await;
    ana.says(&talk, &"long".repeat(60)).await;
    let wrong = ana.says(&talk, "Where is my pancel?").await;
    let gone = ana.says(&talk, "My password is swordfish").await;
    // What is deleted before it was sent is not sent.
    agent.is_sized(1280, 800).await;
    agent.reads(".one strong", "ana").await;
    agent.clicks(".one").await;
    reads(&mut agent, "Where is my pancel?").await;
    reads(&mut agent, "My password is swordfish").await;
    ana.edits(&talk, wrong.seq, "Where is my parcel?").await;
    ana.deletes(&talk, gone.seq).await;
    reads(&mut agent, "Where is my parcel?").await;
    reads(&mut agent, "This message was deleted.").await;
    agent.sees("!document.querySelector('#items').innerText.includes('swordfish')").await;
    agent.sees("document.querySelector('#items img') === null && document.title.includes('Agent desk')").await;
    // Names and times are shown; ids are where somebody asks for them.
    reads(&mut agent, "✓ Signature verified").await;
    agent.sees("document.querySelectorAll('#items time').length >= 4").await;
    agent.sees("!document.body.innerText.includes('msg_')").await;
    agent.clicks("#details").await;
    reads(&mut agent, "msg_").await;
    agent.clicks("#details").await;

    // By keyboard alone, in one column: from the list into the conversation, an answer, and back.
    agent.is_sized(320, 640).await;
    agent.sees("document.querySelectorAll('.one').length === 2").await;
    agent.clicks("#back").await;
    agent.sees("document.activeElement.matches('.one')").await;
    agent.clicks("h1").await;
    agent.tabs_to(".one", 4).await;
    agent.presses("Enter").await;
    agent.sees("document.activeElement.id === 'text'").await;
    agent.writes("It left the depot").await;
    agent.presses("Enter").await;
    ana.hears(&talk, "It left the depot").await;
    reads(&mut agent, "✓ Sent").await;
    agent.presses("Shift+Tab").await;
    agent.tabs_to("#text", 2).await;
    // What the server has refused can be sent again, such as when its session is there at last.
    let early = json!({ "session": "order-7", "text": "It is here", "agent": "Ada" });
    assert_eq!(desk.posts("/reply", early, &origin).await, 202);
    agent.clicks("#back").await;
    agent.reads(".one strong", "A customer").await;
    agent.clicks(".one").await;
    reads(&mut agent, "Not sent: 404").await;
    let session = json!({ "portal": "demo", "customer": "cleo", "id": "order-7" });
    assert_eq!(server.api("POST", "/v1/sessions", &session).await.status, 201);
    agent.clicks(".failed button").await;
    reads(&mut agent, "✓ Sent").await;
    agent.clicks("#back").await;
    agent.clicks("#list li:nth-child(2) .one").await;
    agent.sees("document.activeElement.id === 'text'").await;
    // A message that arrives takes the focus from nobody.
    ana.says(&talk, "Thank you!").await;
    reads(&mut agent, "Thank you!").await;
    agent.sees("document.activeElement.id === 'text'").await;

    // What the server refuses is said.
    let reply = json!({ "session": talk, "text": "a\u{0}b", "agent": "Ada" });
    assert_eq!(desk.posts("/reply", reply, &origin).await, 202);
    reads(&mut agent, "Not sent: 4").await;
    agent.is_sized(1280, 800).await;
    agent.clicks("#wait").await;
    agent.reads("#standing", "Waiting").await;
    is_good(&mut agent, "talk").await;

    // Each state shows.
    assert_eq!(desk.posts("/mood", json!({ "mood": "failing" }), &origin).await, 204);
    agent.sees("document.querySelector('#mooded').innerText.includes('503')").await;
    let forged = crate::http::ask(desk.at, "POST", "/webhook", &[("webhook-id", "x")], "{}").await.expect("an answer");
    assert_eq!(forged.status, 401);
    agent.sees("document.querySelector('#refused').innerText.includes('1 webhook')").await;
    server.kill(0);
    agent.is_sized(1280, 800).await;
    agent.clicks("#text").await;
    agent.writes("Anything else?").await;
    agent.presses("Enter").await;
    reads(&mut agent, "Sending again: the server does not answer").await;
    agent.sees("document.querySelector('#reach').innerText.includes('does not answer')").await;
    is_good(&mut agent, "failing").await;
    server.restart(0).await;
    ana.hears(&talk, "Anything else?").await;
    agent.sees("document.querySelector('#reach').hidden").await;
    agent.is_sized(1280, 800).await;
    agent.clicks("#well").await;
    agent.sees("document.querySelector('#mooded').hidden").await;
    agent.clicks("#close").await;
    agent.reads("#standing", "Closed").await;

    agent.violates_nothing().await;

    // It ends while a page is open, which says so.
    desk.ends().await;
    agent.sees("!document.querySelector('#cut').hidden").await;
}
