//! The web chat for whoever reads from right to left, needs larger letters, has only a finger, wants no motion or has a system with its own
//! few colours; and whom one may let in again. One page, looked at in all these ways.

use crate::{
    browser::{Browser, Page},
    cluster::Cluster,
    page::opens,
    page_looks::{MENU, closes, shows},
};
use serde_json::{Value, json};

/// What is looked at in each way: how it is opened, and what is there then.
const OPEN: [(&str, &str, &str); 6] = [
    ("people", "document.querySelector('[data-do=people]')", "#side .banned button"),
    ("settings", "document.querySelector('[data-do=settings]')", "#side .check"),
    ("thread", "document.querySelector('.link.thread')", "#side .log .message"),
    ("menu", MENU, "[role=menu] [role=menuitem]"),
    ("emoji", "document.querySelector('[data-composer=room] .icon-button')", "[frimousse-emoji]"),
    ("rooms", "document.querySelector('[data-do=rooms]')", ".drawer-open .room[aria-current]"),
];

async fn says(cluster: &Cluster, mut said: Value, from: &str) -> u64 {
    said["from"] = json!(from);
    let answer = cluster.api("POST", "/v1/rooms/kitchen/messages", &said).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["seq"].as_u64().expect("a seq")
}

async fn kitchen(cluster: &Cluster) {
    cluster.room("kitchen", "private", &["ana", "ben", "cem", "eve"]).await;
    for (user, role) in [("ana", "admin"), ("eve", "banned")] {
        let made = cluster.api("PUT", &format!("/v1/rooms/kitchen/members/{user}"), &json!({ "role": role })).await;
        assert_eq!(made.status, 200, "{}", made.text);
    }
    says(cluster, json!({ "text": "مرحبا @ana كيف الحال؟", "mentions": ["ana"] }), "cem").await;
    says(cluster, json!({ "text": format!("{} `{}`", "word".repeat(40), "code ".repeat(20)) }), "ben").await;
    says(cluster, json!({ "text": "🎉" }), "ana").await;
    let root = says(cluster, json!({ "text": "Who brings bread? See https://example.com/שלום" }), "ben").await;
    says(cluster, json!({ "text": "I do", "thread": root }), "cem").await;
    let answer = says(cluster, json!({ "text": "שלום לכולם", "reply_to": root }), "ben").await;
    let reaction = format!("/v1/rooms/kitchen/messages/{answer}/reactions/%F0%9F%91%8D?from=ben");
    assert_eq!(cluster.api("PUT", &reaction, &Value::Null).await.status, 200);
}

/// The page as it is, and all that can be open in it.
async fn is_good(page: &mut Page, how: &str) {
    page.is_whole(how).await;
    page.is_for_everybody(how).await;
    for (name, opener, there) in OPEN {
        let shown = format!("getComputedStyle({opener}).display !== 'none'");
        if name == "rooms" && page.is(&shown).await != true {
            continue;
        }
        page.is("document.querySelector('.link.thread')?.scrollIntoView({ block: 'nearest' })").await;
        shows(page, opener, there).await;
        page.is_whole(&format!("{how}, {name}")).await;
        page.is_for_everybody(&format!("{how}, {name}")).await;
        closes(page).await;
    }
}

#[tokio::test]
async fn the_page_is_for_whoever_reads_from_the_right_has_large_letters_few_colours_or_only_a_finger() {
    let directory = tempfile::tempdir().expect("a directory");
    let cluster = Cluster::laptop_with(directory.path(), &["--dev"]).await;
    kitchen(&cluster).await;
    let browser = Browser::start().await;
    let mut ana = opens(&browser, &cluster, 0, "ana", "kitchen").await;
    ana.is_dark(false).await;
    ana.sees("document.querySelector('.reaction') !== null").await;

    // A message in Arabic stands at its own side, in a page in English; what is typed turns with its first letter.
    let side = |text: &str| {
        format!(
            "getComputedStyle([...document.querySelectorAll('.text')].find((one) => one.innerText.includes('{text}'))).direction"
        )
    };
    assert_eq!((ana.is(&side("مرحبا")).await, ana.is(&side("wordword")).await), (json!("rtl"), json!("ltr")));
    let typed = "(() => { const box = document.querySelector('[data-composer=room] textarea'); const was = getComputedStyle(box).direction; \
                 box.value = 'مرحبا'; const is = getComputedStyle(box).direction; box.value = ''; return [was, is]; })()";
    assert_eq!(ana.is(typed).await, json!(["ltr", "rtl"]));

    // The whole page from right to left: the rooms stand at the right, a menu opens at its button and arrows go the other way.
    ana.is_written("rtl").await;
    for size in [(1280, 800), (320, 640)] {
        ana.is_sized(size.0, size.1).await;
        is_good(&mut ana, &format!("right to left, {}", size.0)).await;
    }
    ana.is_sized(1280, 800).await;
    let places = "['.drawer', '.room-main'].map((one) => document.querySelector(one).getBoundingClientRect().left)";
    let left = ana.numbers(places).await;
    assert!(left[0] > left[1], "the rooms are at the left: {left:?}");
    shows(&mut ana, MENU, "[role=menu] [role=menuitem]").await;
    ana.presses("ArrowLeft").await;
    ana.sees("document.activeElement.matches('[data-reaction=\"❤️\"]')").await;
    closes(&mut ana).await;
    ana.is_reached_by_keyboard("right to left").await;
    ana.is_written("ltr").await;

    // Everything twice as large, by the browser's zoom and by its size of letters.
    ana.is_sized(640, 400).await;
    is_good(&mut ana, "zoom of 200 %").await;
    ana.is_reached_by_keyboard("zoom of 200 %").await;
    ana.is_sized(1280, 800).await;
    ana.has_letters_of(32).await;
    is_good(&mut ana, "letters of 200 %").await;
    ana.is_sized(768, 1024).await;
    is_good(&mut ana, "letters of 200 %, narrower").await;
    ana.has_letters_of(16).await;

    // Who is banned is listed for whoever may let them in again. In the system's own colours a state is still to be seen.
    ana.is_sized(1280, 800).await;
    for scheme in ["light", "dark"] {
        ana.prefers(&[("forced-colors", "active"), ("prefers-color-scheme", scheme)]).await;
        is_good(&mut ana, &format!("forced colours, {scheme}")).await;
        let line = "getComputedStyle(document.querySelector('.room[aria-current]')).outlineStyle";
        assert_eq!(ana.is(line).await, json!("solid"), "the open room is like any other");
    }
    // Nothing moves for whoever wants that.
    ana.prefers(&[("prefers-reduced-motion", "reduce")]).await;
    let moves = "[...document.querySelectorAll('*')].filter((one) => { const { animationName, transitionDuration, scrollBehavior } = \
                 getComputedStyle(one); return animationName !== 'none' || parseFloat(transitionDuration) > 0 || scrollBehavior === 'smooth'; }).length";
    assert_eq!(ana.is(moves).await, 0);

    shows(&mut ana, OPEN[0].1, OPEN[0].2).await;
    ana.reads(".banned [data-user] b", "eve").await;
    ana.clicks(".banned button").await;
    ana.misses(".banned").await;
    let banned = cluster.api("GET", "/v1/rooms/kitchen/members?banned=true", &Value::Null).await.json();
    assert_eq!(banned["members"], json!([]));
    // Who is banned meanwhile stands there at once; a member sees nothing of it.
    let ban = cluster.api("PUT", "/v1/rooms/kitchen/members/cem", &json!({ "role": "banned" })).await;
    assert_eq!(ban.status, 200, "{}", ban.text);
    ana.reads(".banned [data-user] b", "cem").await;
    let mut ben = opens(&browser, &cluster, 0, "ben", "kitchen").await;
    shows(&mut ben, OPEN[0].1, "#side .people [data-user=ana]").await;
    ben.misses(".banned").await;

    // With a finger all that can be done to a message is reached without pointing at it, and is large enough to be hit.
    ben.is_touched().await;
    ben.reloads().await;
    ben.sees("document.querySelectorAll('.message [data-do=menu]').length > 2").await;
    ben.is_whole("touch").await;
    ben.is_for_everybody("touch").await;
    let small = "[...document.querySelectorAll('button, input, select, textarea, summary')].filter((one) => one.getClientRects().length && \
                 !one.closest('[inert]')).map((one) => Math.min(one.offsetWidth, one.offsetHeight)).filter((size) => size < 24)";
    assert_eq!(ben.is(small).await, json!([]), "smaller than 24 px");
    ben.clicks_on("[...document.querySelectorAll('.message [data-do=menu]')].at(-1)").await;
    ben.sees("document.querySelector('[role=menu] [role=menuitem]') !== null").await;
    ben.violates_nothing().await;
}
