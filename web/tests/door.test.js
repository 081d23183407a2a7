import assert from "node:assert/strict";
import { test } from "node:test";
import { Door } from "../.tests/web/src/door.js";

function door({ kind, join = async () => {} } = {}) {
    const asked = [];
    const made = new Door({
        me: "ana",
        room: "general",
        follow: () => asked.push("follow"),
        join: async () => (asked.push("join"), join()),
        create: async () => asked.push("create"),
        kind: () => kind,
        changed: () => {},
    });
    return { door: made, asked };
}
const removed = (one) => one.unsubscribed("You were removed from this room.", 2000);
const about = (type, from = "ben", user = "ana") => ({ type, from, user, seq: 7 });

test("who is added again is let in", () => {
    const { door: one, asked } = door();
    removed(one);
    one.hint({ type: "added", room: "kitchen" });
    one.hint({ type: "removed", room: "general" });
    assert.deepEqual(asked, []);
    one.hint({ type: "added", room: "general" });
    assert.deepEqual(asked, ["follow"]);
    one.subscribed();
    assert.equal(one.end, null);
    // Another role: the subscription runs on.
    one.hint({ type: "added", room: "general" });
    assert.deepEqual(asked, ["follow"]);
});

test("also after a ban, and where the hint was lost", () => {
    const { door: one, asked } = door();
    one.entry(about("banned"));
    removed(one);
    one.hint({ type: "missed" });
    one.again();
    assert.deepEqual(asked, ["follow", "follow"]);
    const { door: other, asked: nothing } = door();
    other.again();
    assert.deepEqual(nothing, []);
});

test("a button to join is there for those whom it helps", () => {
    const said = (one) => [one.end.text, one.end.remedy];
    const { door: one } = door();
    removed(one);
    assert.deepEqual(said(one), ["You were removed from this room.", "Join"]);
    one.entry(about("banned"));
    removed(one);
    assert.deepEqual(said(one), ["You were banned from this room.", undefined]);
    one.unsubscribed("Not allowed: banned from this room.", 103);
    assert.deepEqual(said(one), ["Not allowed: banned from this room.", undefined]);
    one.unsubscribed("Not allowed: not a member of this room; join it first.", 103);
    assert.equal(one.end.remedy, "Join");
    one.unsubscribed("There is no such room.", 102);
    assert.equal(one.end.remedy, "Create “general”");
});

test("the ban of somebody else is none of one's own, and leaving is not being removed", () => {
    const { door: one } = door();
    one.entry(about("banned", "ben", "cem"));
    removed(one);
    assert.equal(one.end.remedy, "Join");
    one.entry(about("left", "ana"));
    removed(one);
    assert.equal(one.end.text, "You have left this room.");
    const { door: other } = door({ kind: "private" });
    removed(other);
    assert.equal(other.end.remedy, undefined);
});

test("who joins reads and writes again", async () => {
    const { door: one, asked } = door();
    removed(one);
    await one.remedy();
    assert.deepEqual([asked, one.end], [["join", "follow"], null]);
    const { door: other } = door({ join: () => Promise.reject({ code: 103, message: "banned from this room" }) });
    other.kept("You are not a member here.", 103);
    await other.remedy();
    assert.deepEqual(other.end, { text: "Not allowed: banned from this room.", remedy: "Try again" });
    other.entry(about("joined"));
    assert.equal(other.end, null);
});
