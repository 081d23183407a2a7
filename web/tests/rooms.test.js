import assert from "node:assert/strict";
import { test } from "vitest";
import { besideOf } from "../src/app/shortcuts.ts";
import { Opened } from "../src/rooms/marked.ts";
import { newlyMentioned } from "../src/rooms/mentioned.ts";
import { lastOf } from "../src/rooms/last.ts";
import { isMarked, isMuted, listed, roomChoices } from "../src/rooms/preferences.ts";
import { nameless } from "../src/rooms/titles.ts";

const shown = (more) => ({ preferences: { notify: "all", pinned: false, hidden: false, ...more } });
const room = (id, more) => ({ id, kind: "open", name: id, head: 9, unread: { count: 0 }, ...more });

test("hidden rooms are left out of the list, unless they are open or asked for", () => {
    const rooms = [room("a"), room("b", shown({ hidden: true })), room("c", shown({ pinned: true }))];
    const ids = (open, all) => listed(rooms, open, all).map(({ id }) => id);
    assert.deepEqual([ids("a", false), ids("b", false), ids("a", true)], [["a", "c"], ["a", "b", "c"], ["a", "b", "c"]]);
});

test("the keys for the room above and below go past what is hidden", () => {
    const rooms = [room("a"), room("b", shown({ hidden: true })), room("c")];
    assert.deepEqual([besideOf(rooms, "a", "below"), besideOf(rooms, "c", "above"), besideOf(rooms, "c", "below"), besideOf(rooms, "b", "above")], ["c", "a", null, "a"]);
});

test("the menu of a room says what it does now, and does it", () => {
    const does = [];
    const labels = (one) => roomChoices(one, () => {}).map(({ label }) => label);
    const choose = (one, label) => roomChoices(one, (change) => does.push(change)).find((choice) => choice.label === label).choose();
    assert.deepEqual(labels(room("a")), ["Pin above the others", "Mark as unread", "Mute, but for mentions", "Mute", "Hide from the list"]);
    assert.deepEqual(labels(room("a", { ...shown({ pinned: true, hidden: true, notify: "nothing", unread_from: 4 }) })), [
        "Unpin", "Mark as read", "Unmute", "Mute, but for mentions", "Show in the list again",
    ]);
    choose(room("a"), "Mark as unread");
    choose(room("a", shown({ unread_from: 4 })), "Mark as read");
    choose(room("a", { unread: { count: 2 } }), "Mark as read");
    choose(room("a", shown({ pinned: true })), "Unpin");
    choose(room("a"), "Mute");
    const set = (what) => ({ does: "set_preferences", what });
    assert.deepEqual(does, [set({ unread_from: 9 }), set({ unread_from: null }), { does: "read", what: { seq: 9 } }, set({ pinned: false }), set({ notify: "nothing" })]);
});

test("what is marked as unread looks so where nothing else does", () => {
    assert.deepEqual([room("a"), room("a", shown({ unread_from: 4 })), room("a", { ...shown({ unread_from: 4 }), unread: { count: 2 } })].map(isMarked), [false, true, false]);
});

test("the mark goes once the room is opened, and not while it stays open", () => {
    const opened = new Opened();
    const marked = room("a", shown({ unread_from: 4 }));
    assert.equal(opened.ends("a", false, undefined), false);
    assert.equal(opened.ends("a", true, room("a")), false);
    // Whoever reads the room has marked it meanwhile.
    assert.equal(opened.ends("a", true, marked), false);
    assert.equal(opened.ends("b", true, room("b")), false);
    assert.equal(opened.ends("a", true, marked), true);
    assert.equal(opened.ends("a", true, marked), false);
});

test("mentions in a room of which one wants to hear nothing are not said aloud", () => {
    const rooms = [room("a", { mentions: { count: 1 } }), room("b", { mentions: { count: 1 }, ...shown({ notify: "nothing" }) })];
    assert.deepEqual(newlyMentioned(rooms, new Map(), "x").map(({ id }) => id), ["a"]);
});

test("a room is muted where not all of it is told of", () => {
    const muted = [room("a"), room("b", shown()), room("c", shown({ notify: "mentions" })), room("d", shown({ notify: "nothing" }))].map(isMuted);
    assert.deepEqual(muted, [false, false, true, true]);
});

test("the people of direct rooms are asked for where they are listed, and of a hundred rooms where something is sought", () => {
    const rooms = Array.from({ length: 5_000 }, (_, nth) => ({ ...room(`direct.${nth}`), kind: "direct", name: undefined }));
    assert.deepEqual(nameless(rooms.slice(0, 2), rooms, " "), ["direct.0", "direct.1"]);
    assert.equal(nameless([rooms[4_000]], rooms, "ben").length, 101);
    assert.deepEqual(nameless([room("a"), rooms[1], { ...rooms[2], name: "named" }], [], ""), ["direct.1"]);
});

test("as much of the list is kept as draws it: a room that has no name is called as it was", () => {
    const direct = { ...room("direct.1"), kind: "direct", name: undefined };
    const rooms = [room("a", { topic: "soup", unread: { count: 3 }, ...shown({ pinned: true, notify: "nothing", unread_from: 4 }) }), direct, { ...room("bare"), name: undefined }];
    const kept = lastOf(rooms, ({ id, name }) => (id === "direct.1" ? "ben" : (name ?? id)));
    assert.deepEqual(JSON.parse(JSON.stringify(kept)), [
        { id: "a", kind: "open", head: 0, name: "a", topic: "soup", preferences: { pinned: true, notify: "nothing" } },
        { id: "direct.1", kind: "direct", head: 0, name: "ben" },
        { id: "bare", kind: "open", head: 0 },
    ]);
    const many = Array.from({ length: 70 }, (_, nth) => room(`r${nth}`));
    assert.equal(lastOf(many, ({ name }) => name).length, 60);
});
