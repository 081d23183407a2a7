//! Every screen and state of the web chat looks as it did when somebody last looked at it: one scene, in both themes, at four widths.

use crate::{
    browser::{Browser, Page, pictures::Judge},
    cluster::Cluster,
    demo_portal::Desk,
    page::BOX,
    page_looks::{MENU, shows},
};
use serde_json::{Value, json};
use std::process::Command;

/// Widths, from the narrowest.
const SIZES: [(u32, u32); 4] = [(320, 640), (768, 1024), (1280, 800), (1920, 1080)];
/// Those that every run looks at; the others are for `HUBBUB_LONG`, and for new pictures.
const USUAL: [(u32, u32); 2] = [SIZES[0], SIZES[2]];

/// What is opened over the kitchen and closed with Escape: how, and what is there then. Opened anew at each size: a menu stays where it was.
const OPEN: [(&str, &str, &str); 13] = [
    (
        "beginning",
        "(() => { const one = document.querySelector('.log'); const is = one.scrollTop === 0 && document.querySelector('.to-end'); \
                  one.scrollTop = 0; return is ? one : null; })()",
        ".to-end",
    ),
    ("rooms", "document.querySelector('[data-do=rooms]')", ".drawer-open .room[aria-current]"),
    ("people", "document.querySelector('[data-do=people]')", "#side .banned button"),
    ("pins", "document.querySelector('[data-do=pins]')", "#side .message"),
    ("about", "document.querySelector('[data-do=settings]')", "#side .check"),
    ("thread", "document.querySelector('.link.thread')", "#side .log .message"),
    ("menu", MENU, "[role=menu] [role=menuitem]"),
    (
        "emoji",
        "document.querySelector('[data-composer=room] .icon-button')",
        ".picker-viewport:not(:has([frimousse-loading])) [frimousse-emoji]",
    ),
    ("reacted", "document.querySelector('.link.who')", ".who-reacted .big"),
    (
        "delete",
        "(() => { const one = [...document.querySelectorAll('.room-main .message')].at(-1); one.focus(); \
                 one.dispatchEvent(new KeyboardEvent('keydown', { key: 'Delete', bubbles: true })); return one; })()",
        "dialog[open].confirm",
    ),
    ("me", "document.querySelector('[data-do=me]')", "[role=menu] [role=menuitem]"),
    ("new-room", "document.querySelector('[data-do=\"new room\"]')", "dialog[open] input"),
    (
        "shortcuts",
        "(dispatchEvent(new KeyboardEvent('keydown', { key: '/', ctrlKey: true })), document.body)",
        "dialog[open].shortcuts",
    ),
];

const PICTURE: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

async fn does(cluster: &Cluster, method: &str, path: &str, body: Value) -> Value {
    let answer = cluster.api(method, path, &body).await;
    assert!(answer.status < 300, "{method} {path}: {}", answer.text);
    if answer.text.is_empty() { Value::Null } else { answer.json() }
}

async fn says(cluster: &Cluster, room: &str, from: &str, text: &str, more: Value) -> u64 {
    let mut said = json!({ "from": from, "text": text });
    for (name, value) in more.as_object().into_iter().flatten() {
        said[name] = value.clone();
    }
    does(cluster, "POST", &format!("/v1/rooms/{room}/messages"), said).await["seq"].as_u64().expect("a seq")
}

async fn room(cluster: &Cluster, id: &str, name: &str, topic: &str, kind: &str, members: &[(&str, &str)]) {
    let members: Vec<Value> = members.iter().map(|(user, role)| json!({ "user": user, "role": role })).collect();
    does(cluster, "POST", "/v1/rooms", json!({ "id": id, "kind": kind, "name": name, "members": members })).await;
    if !topic.is_empty() {
        does(cluster, "PATCH", &format!("/v1/rooms/{id}"), json!({ "topic": topic })).await;
    }
}

/// Rooms and people, and in the kitchen all that can stand in a log.
async fn scene(cluster: &Cluster) {
    for (user, name) in
        [("ana", "Ana Lopes"), ("ben", "Ben Okafor"), ("cem", "Cem"), ("dora", "Dora van den Berg"), ("eli", "אלי")]
    {
        let info = if user == "dora" { json!({ "name": name, "avatar": PICTURE }) } else { json!({ "name": name }) };
        does(cluster, "PUT", &format!("/v1/users/{user}"), json!({ "info": info })).await;
    }
    let all = [
        ("ana", "admin"),
        ("ben", "member"),
        ("cem", "member"),
        ("dora", "moderator"),
        ("eli", "reader"),
        ("eve", "member"),
    ];
    let two = [("ana", "member"), ("ben", "admin")];
    room(cluster, "archive", "Old plans", "", "private", &two).await;
    does(cluster, "PATCH", "/v1/rooms/archive", json!({ "settings": { "archived": true } })).await;
    room(cluster, "empty", "An empty room", "", "private", &[("ana", "admin")]).await;
    room(cluster, "hall", "Hall", "Where coats hang", "open", &two).await;
    room(
        cluster,
        "long",
        "A room whose name is longer than there is room for",
        "And its topic, too, which says much",
        "private",
        &two,
    )
    .await;
    room(cluster, "release", "Release", "", "private", &two).await;
    room(cluster, "kitchen", "Kitchen", "Soup, and what goes with it", "private", &all).await;
    does(cluster, "PUT", "/v1/rooms/kitchen/members/eve", json!({ "role": "banned" })).await;
    let says_in = async |from: &str, text: &str, more: Value| says(cluster, "kitchen", from, text, more).await;
    says_in("ben", "Soup at **noon**, see https://example.com/soup", json!({})).await;
    says_in(
        "ben",
        "> What about bread?\n\nTwo things:\n\n- bread, *fresh*\n- butter\n\n1. first `cut`\n2. then ~~eat~~ wait",
        json!({}),
    )
    .await;
    says_in("dora", "```\nfn main() {\n    println!(\"soup\");\n}\n```", json!({})).await;
    let pinned = says_in("cem", "The door is open until six.", json!({})).await;
    does(cluster, "PUT", &format!("/v1/rooms/kitchen/messages/{pinned}/pin?from=dora"), Value::Null).await;
    let gone = says_in("ana", "This was wrong.", json!({})).await;
    does(cluster, "DELETE", &format!("/v1/rooms/kitchen/messages/{gone}?from=ana"), Value::Null).await;
    says_in("cem", "word".repeat(40).as_str(), json!({})).await;
    says_in("dora", "An order has come in.", json!({ "data": { "order": 4711, "items": ["bread", "butter"] } })).await;
    says_in("cem", "مرحبا @ana كيف الحال؟", json!({ "mentions": ["ana"] })).await;
    says_in("ana", "🎉🍲", json!({})).await;
    let root = says_in("ben", "Who brings bread?", json!({})).await;
    says_in("cem", "I do", json!({ "thread": root })).await;
    says_in("dora", "And I butter", json!({ "thread": root, "in_room": true })).await;
    let edited = says_in("ana", "Great, thank you both", json!({ "reply_to": root })).await;
    does(
        cluster,
        "PATCH",
        &format!("/v1/rooms/kitchen/messages/{edited}"),
        json!({ "from": "ana", "text": "Great, **thank you** both" }),
    )
    .await;
    for (user, reaction) in [("ben", "%F0%9F%91%8D"), ("cem", "%F0%9F%91%8D"), ("ana", "%F0%9F%8E%89"), ("dora", "yes")]
    {
        does(
            cluster,
            "PUT",
            &format!("/v1/rooms/kitchen/messages/{root}/reactions/{reaction}?from={user}"),
            Value::Null,
        )
        .await;
    }
    let last = says_in("ana", "See you at noon, then.", json!({})).await;
    does(cluster, "PUT", "/v1/users/ben/rooms/kitchen/read", json!({ "seq": last })).await;
    does(cluster, "PUT", "/v1/users/ana/rooms/kitchen/read", json!({ "seq": last })).await;
    for text in ["The build is green", "Tagged", "Notes are written"] {
        says(cluster, "release", "ana", text, json!({})).await;
    }
    for text in ["I look at it", "@ana one link is dead", "Mended it", "Out it goes", "It is out", "🎉"] {
        let mentions: &[&str] = if text.starts_with('@') { &["ana"] } else { &[] };
        says(cluster, "release", "ben", text, json!({ "mentions": mentions })).await;
    }
    says(cluster, "long", "ben", "Hello?", json!({})).await;
}

/// The page that is pictured, and who compares.
struct Studio {
    page: Page,
    judge: Judge,
    sizes: Vec<(u32, u32)>,
    origin: String,
}

impl Studio {
    /// Another page of ana's.
    async fn goes(&mut self, query: &str, there: &str) {
        self.page.is_sized(1280, 800).await;
        self.page.goes("about:blank").await;
        self.page.goes(&format!("{}/?user=ana&{query}", self.origin)).await;
        self.page.sees(&format!("document.querySelector({}) !== null", json!(there))).await;
    }

    /// The page as it is now, at every size and in both themes.
    async fn takes(&mut self, name: &str) {
        for dark in [false, true] {
            self.page.is_dark(dark).await;
            for (width, height) in self.sizes.clone() {
                self.page.is_sized(width, height).await;
                // However the window was sized before.
                self.page.is("document.querySelector('.to-end')?.click()").await;
                self.shoots(name, width, dark).await;
            }
        }
    }

    /// The same of what is opened, anew each time.
    async fn takes_open(&mut self, name: &str, opener: &str, there: &str) {
        for dark in [false, true] {
            self.page.is_dark(dark).await;
            for (width, height) in self.sizes.clone() {
                self.page.is_sized(width, height).await;
                // The rooms are a drawer where it is narrow, and what is in it is looked at along with it.
                let shown = format!(
                    "(() => {{ const one = {opener}; return !one || one.closest('[inert]') !== null || getComputedStyle(one).display === 'none'; }})()"
                );
                if ["rooms", "me"].contains(&name) && self.page.is(&shown).await == true {
                    continue;
                }
                shows(&mut self.page, opener, there).await;
                self.shoots(name, width, dark).await;
                self.page.presses("Escape").await;
                self.page
                    .sees(
                        "document.querySelector('#side, [popover]:popover-open, dialog[open], .drawer-open') === null",
                    )
                    .await;
                self.page.is("document.querySelector('.to-end')?.click()").await;
            }
        }
    }

    async fn shoots(&mut self, name: &str, width: u32, dark: bool) {
        let name = format!("{name}-{width}-{}", if dark { "dark" } else { "light" });
        self.judge.looks_at(&mut self.page, &name).await;
    }

    /// Writes into the box, and sends it.
    async fn writes(&mut self, text: &str) {
        self.page.clicks(BOX).await;
        self.page.writes(text).await;
        self.page.enters().await;
    }

    /// What stands in the box, and where one is with it.
    async fn takes_writing(&mut self) {
        self.page.clicks(BOX).await;
        self.page.writes("@").await;
        self.page.sees("document.querySelector('.offers [role=option]') !== null").await;
        self.takes("completion").await;
        self.page.presses("Escape").await;
        self.page.is("(document.activeElement.select(), document.execCommand('delete'))").await;
        for (key, name) in [("a", "answering"), ("e", "editing")] {
            self.page.is("[...document.querySelectorAll('.room-main .message')].at(-1).focus()").await;
            self.page.presses(key).await;
            self.page.sees("document.querySelector('.mode') !== null").await;
            self.takes(name).await;
            self.page.presses("Escape").await;
            self.page.misses(".mode").await;
        }
    }
}

fn signal(cluster: &Cluster, what: &str) {
    let pid = cluster.instances[0].pid().to_string();
    assert!(Command::new("kill").args([what, &pid]).status().expect("kill").success());
}

#[tokio::test]
async fn every_screen_and_state_looks_as_its_picture_in_both_themes_and_at_every_width() {
    let all = ["HUBBUB_LONG", "UPDATE_PICTURES"].iter().any(|name| std::env::var_os(name).is_some());
    if !all && std::env::var_os("HUBBUB_PICTURES").is_none() {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let mut cluster = Cluster::laptop_with(directory.path(), &["--dev", "--portal-allow", "127.0.0.1"]).await;
    scene(&cluster).await;
    let ben = cluster.person("ben", 0).await;
    let browser = Browser::start().await;
    // The page is the window in front: one behind another is drawn once in a while.
    let judge = Judge::new(&browser).await;
    let mut studio = Studio {
        page: browser.opens("about:blank").await,
        judge,
        sizes: if all { SIZES.to_vec() } else { USUAL.to_vec() },
        origin: format!("http://{}", cluster.at(0)),
    };

    studio.page.poses().await;
    studio.goes("room=kitchen", ".link.thread").await;
    studio.page.sees("document.querySelector('[data-do=people]').title === 'People, 2 online'").await;
    studio
        .page
        .sees("document.querySelector('.seen') !== null && document.querySelector('.room .mentions') !== null")
        .await;
    studio.takes("timeline").await;
    for (name, opener, there) in OPEN {
        studio.takes_open(name, opener, there).await;
    }
    studio.page.presses("Control+k").await;
    studio.page.sees("document.querySelector('dialog[open] [role=combobox]') !== null").await;
    studio.page.writes("l").await;
    studio.page.sees("document.querySelectorAll('dialog[open] [role=option]').length > 1").await;
    studio.takes("search").await;
    studio.page.presses("Escape").await;
    studio.page.is_sized(1280, 800).await;
    shows(&mut studio.page, "document.querySelector('[data-do=me]')", "[role=menu]").await;
    shows(&mut studio.page, "document.querySelector('[role=menuitem]')", "dialog[open] fieldset").await;
    studio.takes("settings").await;
    studio.page.presses("Escape").await;
    studio.takes_writing().await;

    // Rooms with something about them.
    for (room, there) in
        [("empty", ".log .line"), ("archive", ".composer .why"), ("release", ".divider.new"), ("nowhere", "#remedy")]
    {
        studio.goes(&format!("room={room}"), there).await;
        studio.page.sees("document.querySelector('.room .title') !== null").await;
        studio.takes(room).await;
    }
    studio.page.is("localStorage.setItem('hubbub settings', '{\"debug\":true}')").await;
    studio.goes("room=kitchen", ".link.thread").await;
    studio.page.reads("#state", "connected").await;
    studio.takes("debugging").await;
    studio.page.is("localStorage.setItem('hubbub settings', '{\"debug\":false}')").await;

    // What one says, on its way and not.
    studio.goes("room=hall", "[data-composer=room] textarea").await;
    studio.page.sees("document.querySelector('.log .line') !== null").await;
    signal(&cluster, "-STOP");
    studio.writes("On its way").await;
    studio.page.sees("document.querySelector('.waiting')?.innerText.includes('Sending')").await;
    studio.takes("sending").await;
    signal(&cluster, "-CONT");
    studio.page.sees("document.querySelector('.message[data-seq]') !== null").await;
    studio.page.is_offline(true).await;
    studio.writes("Said without a network").await;
    studio.page.sees("document.querySelector('.waiting')?.innerText.includes('once you are online')").await;
    studio.takes("offline").await;
    does(&cluster, "PATCH", "/v1/rooms/hall", json!({ "settings": { "frozen": true } })).await;
    studio.page.is_offline(false).await;
    studio
        .page
        .sees(
            "document.querySelector('.message.refused') !== null && document.querySelector('.composer .why') !== null",
        )
        .await;
    studio.page.sees("document.querySelector('#banner').innerText === ''").await;
    studio.takes("refused").await;
    does(&cluster, "PATCH", "/v1/rooms/hall", json!({ "settings": { "frozen": false } })).await;
    studio.page.sees("document.querySelector('.composer .why') === null").await;

    // A conversation with agents.
    let desk = Desk::start(cluster.at(0));
    studio.goes("portal=demo", "[data-composer=room] textarea").await;
    studio.writes("Where is my parcel?").await;
    studio.page.sees("document.querySelector('.way.forwarded') !== null").await;
    studio.takes("support").await;
    drop((desk, ben));

    // A server that is away, and comes back. What one says there stands behind what somebody else has said.
    studio.goes("room=release", ".message[data-seq]").await;
    studio.page.sees("document.querySelector('.room .title') !== null").await;
    // The conversation has its name by then.
    studio.page.sees("document.querySelector('#rooms').innerText.includes('Support · demo')").await;
    cluster.kill(0);
    studio.page.sees("document.querySelector('#banner').innerText.includes('The server does not answer')").await;
    studio.writes("Are you there?").await;
    studio.page.sees("document.querySelector('.waiting')?.innerText.includes('once the server answers')").await;
    studio.takes("away").await;
    studio.page.is("window.holds = true").await;
    cluster.restart(0).await;
    studio.page.sees("document.querySelector('#banner').innerText === 'Connected again.'").await;
    studio.page.misses(".waiting").await;
    studio.takes("back").await;
    studio.judge.approves();
}
