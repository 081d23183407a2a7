import assert from "node:assert/strict";
import { test } from "node:test";
import { asking, before, hinted, long, only, readTo, short, sorted, titled, told, total, unknown } from "../dist/unread.js";

const room = (id, more) => ({ id, kind: "private", name: "", head: 10, read: 4, unread: { count: 6 }, mentions: { count: 1 }, ...more });
const list = (...rooms) => rooms.reduce((all, one) => told(all, one.id, one), unknown);
const hint = (type, more) => ({ type, room: "kitchen", ...more });
const counts = (now, id = "kitchen") => [now.all.get(id)?.unread?.count, now.all.get(id)?.mentions?.count];

test("what happens in a room has it asked for again, once more where the answer was on its way", () => {
    const now = hinted(list(room("kitchen")), hint("activity", { head: 11 }));
    assert.deepEqual([[...now.stale], now.all.get("kitchen").head], [["kitchen"], 11]);
    const asked = asking(now, "kitchen");
    assert.deepEqual([...asked.stale], []);
    assert.deepEqual([...hinted(asked, hint("activity", { head: 12 })).stale], ["kitchen"]);
    assert.deepEqual([...hinted(asked, hint("mention", { seq: 12 })).stale], ["kitchen"]);
});

test("a room that is being read is not asked for", () => {
    const now = hinted(list(room("kitchen")), hint("activity", { head: 11 }), "kitchen");
    assert.deepEqual([[...now.stale], now.all.get("kitchen").head], [[], 11]);
    assert.deepEqual([...hinted(now, hint("activity", { head: 12 }), "hall").stale], ["kitchen"]);
});

test("what another device has read is read, and counted again where that is not all", () => {
    const now = list(room("kitchen"));
    const all = hinted(now, hint("read", { seq: 10 }));
    assert.deepEqual(counts(all), [0, 0]);
    const some = hinted(now, hint("read", { seq: 7 }));
    assert.deepEqual([counts(some), [...some.stale]], [[6, 1], ["kitchen"]]);
    assert.equal(hinted(now, hint("read", { seq: 3 })), now);
    assert.deepEqual([...readTo(now, "kitchen", 10, false).stale], []);
    assert.deepEqual([...readTo(now, "kitchen", 10, true).stale], ["kitchen"]);
});

test("who is added has another room, who is removed has it no more, also where an answer still has it", () => {
    const now = list(room("hall"));
    assert.deepEqual([...hinted(now, hint("added", { seq: 2 })).stale], ["kitchen"]);
    // How it is shown to oneself is other than before.
    assert.deepEqual([...hinted(now, hint("preferences", { notify: "nothing" })).stale], ["kitchen"]);
    const gone = hinted(list(room("kitchen"), room("hall")), hint("removed", { seq: 7 }));
    assert.deepEqual([[...gone.all.keys()], [...gone.stale]], [["hall"], ["kitchen"]]);
    assert.deepEqual([...told(gone, "kitchen", undefined).all.keys()], ["hall"]);
    assert.deepEqual([...only(list(room("kitchen"), room("hall")), new Set(["hall"])).all.keys()], ["hall"]);
});

test("where hints may have been lost all are asked for, until they are", () => {
    for (const type of ["missed", "watching"]) {
        const now = hinted(list(room("kitchen")), { type });
        assert.equal(now.lost, true);
        assert.equal(asking(now).lost, false);
        assert.equal(asking(now, "kitchen").lost, true);
    }
    const now = list(room("kitchen"));
    assert.equal(hinted(now, hint("forwarded", { seq: 9 })), now);
});

test("where something was said last comes first, what is archived last", () => {
    const at = (minute) => ({ at: `2026-01-31T09:${minute}:00.000Z` });
    const rooms = [
        room("a", { last: at(10) }),
        room("b", { name: "Zoo" }),
        room("c", { last: at(30) }),
        room("d", { last: at(40), settings: { archived: true } }),
        room("e", { name: "Attic" }),
    ];
    assert.deepEqual(sorted(list(...rooms)).map(({ id }) => id), ["c", "a", "e", "b", "d"]);
});

test("what is pinned stands before all, also where it is archived", () => {
    const at = (minute) => ({ at: `2026-01-31T09:${minute}:00.000Z` });
    const shown = (more) => ({ notify: "all", pinned: false, hidden: false, ...more });
    const rooms = [
        room("new", { last: at(50) }),
        room("old", { last: at(10), preferences: shown({ pinned: true }) }),
        room("older", { settings: { archived: true }, preferences: shown({ pinned: true }) }),
        room("hidden", { last: at(40), preferences: shown({ hidden: true }) }),
    ];
    assert.deepEqual(sorted(list(...rooms)).map(({ id }) => id), ["old", "older", "new", "hidden"]);
});

test("what is hidden, or of what one wants to hear nothing, is not in the sum", () => {
    const shown = (more) => ({ preferences: { notify: "all", pinned: false, hidden: false, ...more } });
    const rooms = [room("a"), room("b", shown({ notify: "nothing" })), room("c", shown({ hidden: true })), room("d", shown({ notify: "mentions" }))];
    assert.equal(total(list(...rooms)).count, 12);
});

test("what was marked as unread is so until one has read from there on, wherever the mark is", () => {
    const preferences = { notify: "all", pinned: true, hidden: false, unread_from: 4 };
    const now = list(room("kitchen", { read: 9, preferences }));
    const from = (now) => now.all.get("kitchen").preferences.unread_from;
    assert.equal(from(readTo(now, "kitchen", 3, false)), 4);
    assert.deepEqual(readTo(now, "kitchen", 4, false).all.get("kitchen").preferences, { notify: "all", pinned: true, hidden: false });
    assert.equal(from(readTo(now, "kitchen", 10, false)), undefined);
    assert.equal(from(hinted(now, hint("read", { seq: 5 }))), undefined);
});

test("a room is called by what people know", () => {
    assert.equal(titled(room("u.1f", { name: "Kitchen", topic: "soup" })), "Kitchen");
    assert.equal(titled(room("direct.1f", { kind: "direct" }), ["ben", "cem"]), "ben, cem");
    assert.equal(titled(room("u.1f", { topic: "soup" })), "soup");
    assert.equal(titled(room("lobby")), "lobby");
});

test("a count that goes no further says so, seen and heard", () => {
    const many = { count: 999, more: true };
    assert.deepEqual([short(many), short({ count: 3 })], ["999+", "3"]);
    assert.equal(long(many, "unread message", "unread messages"), "999 or more unread messages");
    assert.equal(long({ count: 1 }, "mention of you", "mentions of you"), "1 mention of you");
    const sum = total(list(room("a", { unread: many }), room("b"), { id: "c", kind: "open", name: "", head: 0 }));
    assert.deepEqual([sum.count, short(sum)], [1005, "1005+"]);
    assert.deepEqual(total(list(room("a", { unread: many }), room("b")), "a"), { count: 6, more: false });
});

test("the id before an id has no other between them", () => {
    const order = (one, other) => (one < other ? -1 : 1);
    for (const id of ["general", "a", "u.00", "room-", "Z", "session.9", "x_", "_", "direct.ff"]) {
        const lower = before(id);
        assert.ok(order(lower, id) < 0 && lower.length <= 64, `${lower} ${id}`);
        for (const other of [`${id.slice(0, -1)}`, `${id}0`, id + "-"]) assert.ok(other === "" || other <= lower || other > id || other === id, other);
    }
    assert.equal(before("room-"), "room");
    assert.equal(before("-"), undefined);
    assert.equal(before("aa"), `a_${"z".repeat(62)}`);
});
