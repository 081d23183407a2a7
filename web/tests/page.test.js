import assert from "node:assert/strict";
import { test, vi } from "vitest";
import { Looked } from "../src/app/looked.ts";
import { addressed, placed, serverOf } from "../src/app/place.ts";
import { pressed, SHORTCUTS } from "../src/app/shortcuts.ts";
import { standingOf } from "../src/app/standing.ts";
import { calledBy, infoOf, initials } from "../src/people/called.ts";
import { newlyMentioned } from "../src/rooms/mentioned.ts";
import { found, titleAs } from "../src/rooms/titles.ts";
import { lastOwn, shownIn } from "../src/room/shown.ts";
import { toldAs, toldOf } from "../src/settings/told.ts";
import { answered } from "../src/timeline/answered.ts";
import { choices, keyed, KEYS } from "../src/timeline/choices.ts";
import { saidSince, Speaker, spoken } from "../src/timeline/news.ts";
import { awaited } from "../src/ui/awaited.ts";
import { beside, stepped } from "../src/ui/beside.ts";
import { closes, composes } from "../src/ui/keys.ts";

test("an address says who, where and with which agents", () => {
    assert.deepEqual(placed("?user=ben&room=hall"), { user: "ben", room: "hall", portal: null });
    assert.deepEqual(placed("?portal=demo"), { user: "ana", room: "general", portal: "demo" });
    assert.equal(addressed("http://h/chat/?user=ben&room=a", { room: "b c" }), "http://h/chat/?user=ben&room=b+c");
    assert.equal(serverOf("https://h/chat/?room=x", "a b"), "wss://h/chat/connection/websocket?user=a+b");
});

test("being offline is not a server that does not answer", () => {
    const of = (state, problem, online) => standingOf({ state, problem }, online).kind;
    assert.equal(of("connected", null, true), "fine");
    assert.equal(of("connecting", null, true), "beginning");
    assert.equal(of("connecting", "The server does not answer. Trying again …", true), "away");
    assert.equal(of("connecting", "The server does not answer. Trying again …", false), "offline");
    assert.equal(of("connected", null, false), "offline");
    assert.equal(of("disconnected", "You were logged out by the server.", false), "over");
});

test("people are called as the product says, and their pictures come from here alone", () => {
    assert.equal(calledBy(new Map([["ana", { user: "ana", info: { name: "Ana" } }]]))("ana"), "Ana");
    assert.equal(calledBy(new Map())("portal:desk/Ada"), "Ada");
    assert.deepEqual(infoOf({ name: " ", avatar: "https://elsewhere.example/x.png" }), {});
    for (const evil of ["//elsewhere.example/x.png", "/\\elsewhere.example", "/\t/elsewhere.example", "/\n\\elsewhere.example", "data:text/html,x", "data:image/svg+xml,x", 7]) assert.deepEqual(infoOf({ avatar: evil }), {}, evil);
    assert.deepEqual(infoOf({ avatar: "data:image/png;base64,AA" }), { avatar: "data:image/png;base64,AA" });
    assert.deepEqual(infoOf("Ana"), {});
    assert.deepEqual(["Ana Lopes", "ana", "ana.b.lopes", "مريم", "🎉", ""].map(initials), ["AL", "A", "AL", "م", "", ""]);
});

test("a room is called by its name, its people or its agents, and never by an id that nobody has chosen", () => {
    assert.equal(titleAs({ id: "r1", name: "Kitchen" }, undefined), "Kitchen");
    assert.equal(titleAs({ id: "direct.x" }, ["ben", "portal:desk/Ada"]), "ben, Ada");
    assert.equal(titleAs({ id: "session.0a1b" }, ["Support · demo"]), "Support · demo");
    assert.equal(titleAs({ id: "session.0a1b" }, undefined), "Support");
    assert.equal(titleAs({ id: "hall" }, undefined), "hall");
});

test("rooms are found by words of their title, topic or id", () => {
    const rooms = [{ id: "r1", name: "Kitchen", topic: "Soup" }, { id: "r2", name: "Hall" }];
    const ids = (words) => found(rooms, words, ({ name }) => name).map(({ id }) => id);
    assert.deepEqual([ids(""), ids("SOUP kit"), ids("r2"), ids("soup hall")], [["r1", "r2"], ["r1"], ["r2"], []]);
});

test("a mention is told of where it is new, and not in the room that is open", () => {
    const rooms = [{ id: "a", mentions: { count: 2 } }, { id: "b", mentions: { count: 1 } }, { id: "c" }];
    assert.deepEqual(newlyMentioned(rooms, new Map([["a", 1], ["b", 1]]), "x").map(({ id }) => id), ["a"]);
    assert.deepEqual(newlyMentioned(rooms, new Map(), "a").map(({ id }) => id), ["b"]);
});

test("who does not look is told of mentions and of direct messages", () => {
    assert.deepEqual(toldOf({ type: "mention", room: "a", seq: 3 }), { room: "a", seq: 3 });
    assert.deepEqual(toldOf({ type: "activity", room: "direct.x", head: 4 }), { room: "direct.x", seq: 4 });
    assert.equal(toldOf({ type: "activity", room: "a", head: 4 }), null);
    assert.equal(toldOf({ type: "missed" }), null);
    // As they want it for that room.
    assert.deepEqual(toldOf({ type: "mention", room: "a", seq: 3 }, "mentions"), { room: "a", seq: 3 });
    assert.equal(toldOf({ type: "activity", room: "direct.x", head: 4 }, "mentions"), null);
    assert.equal(toldOf({ type: "mention", room: "a", seq: 3 }, "nothing"), null);
    const said = { type: "message", from: "ben", text: "x".repeat(200) };
    assert.equal(toldAs(said, "ana", new Set(["eve"])), `ben: ${"x".repeat(140)}`);
    for (const not of [undefined, { ...said, from: "ana" }, { ...said, gone: true, text: undefined }, { ...said, type: "joined" }]) assert.equal(toldAs(not, "ana", new Set()), null);
    assert.equal(toldAs(said, "ana", new Set(["ben"])), null);
});

/** Locks of a browser, as far as they are shared or asked for in passing. */
function lockManager() {
    let held = 0;
    return {
        async request(_, { mode, ifAvailable }, use) {
            if (ifAvailable) return use(held ? null : {});
            assert.equal(mode, "shared");
            held += 1;
            await use({});
            held -= 1;
        },
    };
}

test("a tab that nobody looks at tells of nothing while another of the same person is looked at", async () => {
    const locks = lockManager();
    const [one, other] = [new Looked("ana", locks), new Looked("ana", locks)];
    assert.equal(await other.at(), false);
    one.look(true);
    one.look(true);
    await new Promise(setImmediate);
    assert.deepEqual([await one.at(), await other.at()], [true, true]);
    one.look(false);
    await new Promise(setImmediate);
    assert.deepEqual([await one.at(), await other.at()], [false, false]);
    const alone = new Looked("ana", undefined);
    alone.look(true);
    assert.equal(await alone.at(), true);
    const refused = new Looked("ana", { request: async () => { throw new Error("refused"); } });
    refused.look(true);
    refused.look(false);
    assert.equal(await refused.at(), false);
});

test("who has left before it comes hears nothing of it", async () => {
    const heard = [];
    const asks = (what) => awaited(() => what, (value) => heard.push(value), (why) => heard.push(`not ${why}`));
    asks(Promise.resolve("done"));
    asks(Promise.reject("so"));
    asks(Promise.resolve("late"))();
    asks(Promise.reject("late"))();
    await new Promise(setImmediate);
    assert.deepEqual(heard, ["done", "not so"]);
    // Who asks on and on hears of it.
    let signal;
    const leave = awaited((one) => ((signal = one), new Promise(() => {})), () => {}, () => {});
    assert.equal(signal.aborted, false);
    leave();
    assert.equal(signal.aborted, true);
});

test("a key that puts a character together sends and closes nothing", () => {
    const key = (more) => ({ key: "Escape", isComposing: false, keyCode: 27, defaultPrevented: false, ...more });
    assert.deepEqual([key(), key({ isComposing: true }), key({ keyCode: 229 }), key({ defaultPrevented: true }), key({ key: "x" })].map(closes), [true, false, false, false, false]);
    assert.deepEqual([key({ isComposing: true }), key({ keyCode: 229 }), key()].map(composes), [true, true, false]);
});

const row = (seq, from, more = {}) => ({ kind: "entry", key: `seq ${seq}`, entry: { type: "message", seq, from, at: "", text: `t${seq}`, ...more } });

test("what has come is counted, or read out where it is one", () => {
    const rows = [row(1, "ben"), row(2, "ana"), row(3, "ben", { gone: true }), row(4, "ben"), row(5, "ben", { type: "joined" }), row(6, "cem")];
    assert.deepEqual(saidSince(rows, "ana", 1, new Set()).map(({ seq }) => seq), [4, 6]);
    assert.deepEqual(saidSince(rows, "ana", 1, new Set(["cem"])).filter(({ from }) => from === "cem"), []);
    assert.equal(spoken(saidSince(rows, "ana", 4, new Set()), (id) => id), "cem: t6");
    assert.equal(spoken(saidSince(rows, "ana", 1, new Set()), (id) => id), "2 new messages");
    assert.equal(spoken([], (id) => id), "");
});

test("however many come, it is said at most once a second", () => {
    vi.useFakeTimers();
    try {
        const said = [];
        const speaker = new Speaker((text) => said.push(text));
        const come = (...seqs) => speaker.heard(seqs.map((seq) => ({ seq, from: "ben", text: `t${seq}` })), (id) => id);
        come(1);
        come(2);
        come(3, 4);
        assert.deepEqual(said, ["ben: t1"]);
        vi.advanceTimersByTime(1_000);
        assert.deepEqual(said, ["ben: t1", "3 new messages"]);
        vi.advanceTimersByTime(1_000);
        come(5);
        assert.deepEqual(said.slice(2), ["ben: t5"]);
        come(6);
        speaker.stop();
        vi.advanceTimersByTime(5_000);
        assert.equal(said.length, 3);
    } finally {
        vi.useRealTimers();
    }
});

test("a message is found in the room, among the pins and in the thread", () => {
    const now = { rows: [row(1, "ana")], newest: [row(5, "ana")], pins: [{ seq: 2 }], thread: { root: 3, message: { seq: 3 }, rows: [row(4, "ben")] } };
    assert.deepEqual([1, 2, 3, 4, 5].map((seq) => shownIn(now, seq)?.seq), [1, 2, 3, 4, 5]);
    assert.equal(shownIn(now, 9), undefined);
    assert.equal(lastOwn([row(1, "ana"), row(2, "ana", { gone: true }), row(3, "ben")], "ana").seq, 1);
    assert.equal(answered(undefined, (id) => id, new Set(["eve"])), "an earlier message");
    assert.equal(answered({ from: "ben", text: "a\n b" }, (id) => id, new Set(["eve"])), "ben: a b");
    assert.equal(answered({ from: "eve", text: "boo" }, (id) => id, new Set(["eve"])), "a message of somebody you blocked");
    assert.equal(answered({ from: "ben", gone: true }, (id) => id, new Set(["eve"])), "ben: a message that was deleted");
});

test("the menu and the keys offer the same, and no more than one may", () => {
    const done = [];
    const on = Object.fromEntries(Object.keys(KEYS).map((name) => [name, () => done.push(name)]));
    const all = choices({ text: "x" }, new Set(["react", "answer", "thread", "reply", "edit", "pin", "delete"]), "room", on);
    for (const { choose } of all) choose();
    assert.deepEqual(new Set(done), new Set(Object.keys(KEYS)));
    assert.deepEqual(choices({ text: "x" }, new Set(["react"]), "room", on).map(({ label }) => label), ["Another reaction …", "Copy text"]);
    assert.deepEqual(choices({ gone: true }, new Set(["thread"]), "thread", on), []);
    assert.equal(keyed({ key: "e" }), "edit");
    assert.equal(keyed({ key: "Enter" }), "menu");
    assert.equal(keyed({ key: "c", ctrlKey: true }), null);
    assert.equal(keyed({ key: "x" }), null);
    const listed = SHORTCUTS.flatMap(({ all }) => all.flatMap(({ keys }) => keys));
    for (const key of Object.values(KEYS)) assert.ok(listed.includes(key), key);
});

test("keys that work everywhere leave alone what is written", () => {
    assert.equal(pressed({ key: "k", ctrlKey: true }, true), "switch");
    assert.equal(pressed({ key: "?" }, true), null);
    assert.equal(pressed({ key: "?" }, false), "shortcuts");
    assert.equal(pressed({ key: "ArrowUp", altKey: true }, true), "above");
    // In the window of a portal there is no other room.
    for (const key of [{ key: "ArrowUp", altKey: true }, { key: "ArrowDown", altKey: true }, { key: "k", ctrlKey: true }]) assert.equal(pressed(key, false, true), null);
    assert.equal(pressed({ key: "?" }, false, true), "shortcuts");
    assert.equal(pressed({ key: "k" }, false), null);
});

test("a box beside something is on the screen as a whole", () => {
    const screen = { width: 320, height: 480 };
    const at = (left, top) => ({ left, right: left + 20, top, bottom: top + 20 });
    assert.deepEqual(beside(at(10, 10), { width: 100, height: 100 }, screen), { left: 10, top: 36 });
    assert.deepEqual(beside(at(290, 440), { width: 100, height: 100 }, screen), { left: 210, top: 334 });
    assert.deepEqual(beside(at(0, 200), { width: 400, height: 600 }, screen), { left: 6, top: 6 });
    // Where one writes from right to left: to the left first.
    assert.deepEqual(beside(at(190, 10), { width: 100, height: 100 }, screen, true), { left: 110, top: 36 });
    assert.deepEqual(beside(at(10, 10), { width: 100, height: 100 }, screen, true), { left: 10, top: 36 });
    assert.deepEqual(["ArrowDown", "ArrowUp", "Home", "End", "x"].map((key) => stepped(key, 2, 3)), [0, 1, 0, 2, null]);
    assert.equal(stepped("ArrowUp", -1, 3), 1);
    assert.equal(stepped("ArrowDown", 0, 0), null);
});
