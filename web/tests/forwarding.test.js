import assert from "node:assert/strict";
import { test } from "vitest";
import { following, unopenable } from "../src/support/session.ts";
import { hinted, named, nothing, told, way } from "../src/support/forwarding.ts";

const hint = (type, seq, room = "s1") => ({ type, room, seq });

test("a message is with the agents once the portal has everything up to it", () => {
    const now = hinted(nothing, "s1", hint("forwarded", 4));
    assert.deepEqual([3, 4, 5].map((seq) => way(now, seq)), ["forwarded", "forwarded", "waiting"]);
});

test("what is answered of a conversation once another is open is passed over", async () => {
    let held = { room: null };
    const put = (how) => (held = typeof how === "function" ? how(held) : how);
    const answers = new Map();
    const chat = {
        call: (_, { room }) => new Promise((is) => answers.set(room, () => is({ id: room, portal: "desk", state: "opened", forwarded: 0, delayed: false, failed: [] }))),
        connection: { snapshot: () => ({ state: "connected" }), subscribe: () => () => {} },
        onHint: () => () => {},
        room: () => ({ onEntry: () => () => {} }),
    };
    const end = following(chat, "session.a", put);
    end();
    following(chat, "session.b", put);
    answers.get("session.b")();
    answers.get("session.a")();
    await new Promise(setImmediate);
    assert.equal(held.room, "session.b");
});

test("a delay lasts until the portal has that message, and concerns what comes after it, too", () => {
    const late = hinted(hinted(nothing, "s1", hint("forwarded", 4)), "s1", hint("forward_delayed", 5));
    assert.deepEqual([4, 5, 6].map((seq) => way(late, seq)), ["forwarded", "delayed", "delayed"]);
    const there = hinted(late, "s1", hint("forwarded", 5));
    assert.deepEqual([5, 6].map((seq) => way(there, seq)), ["forwarded", "waiting"]);
});

test("a failure stays one, also when later messages arrive, until it was sent again", () => {
    let now = hinted(nothing, "s1", hint("forward_failed", 5));
    now = hinted(now, "s1", hint("forwarded", 7));
    assert.deepEqual([5, 6, 7].map((seq) => way(now, seq)), ["failed", "forwarded", "forwarded"]);
    assert.equal(way(hinted(now, "s1", hint("forwarded", 5)), 5), "forwarded");
});

test("hints of other rooms and of other kinds change nothing", () => {
    assert.equal(hinted(nothing, "s1", hint("forwarded", 9, "s2")), nothing);
    assert.equal(hinted(nothing, "s1", { type: "event" }), nothing);
    assert.equal(hinted(nothing, "s1", hint("added", 3)), nothing);
});

test("what the server says replaces what hints have said", () => {
    const now = told({ id: "s1", state: "open", forwarded: 8, delayed: true, failed: [3] });
    assert.deepEqual([3, 8, 9].map((seq) => way(now, seq)), ["failed", "forwarded", "delayed"]);
});

test("agents are called by their own names", () => {
    assert.deepEqual(["portal:desk/Ada", "portal:desk", "ana", "portal:desk/a/b", "hubbub:api"].map(named), ["Ada", "desk", "ana", "a/b", "The team"]);
});

test("a portal that there is not is said once, in words", () => {
    assert.equal(unopenable("desk", { code: 107, message: "portal: unknown" }), "There is no portal “desk” on this server.");
    assert.match(unopenable("desk", { code: 503, message: "", temporary: true }), /Trying again …$/);
    assert.doesNotMatch(unopenable("desk", { code: 103, message: "no" }), /Trying again/);
});
