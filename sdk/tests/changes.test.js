import assert from "node:assert/strict";
import { test } from "node:test";
import { olderReplies } from "../dist/thread.js";
import { empty, older, pinnedNow, replies, rows, step } from "../dist/timeline.js";

const at = "2026-01-31T09:30:00.000Z";
const entry = (seq, type = "message", more = {}) => ({
    ...{ type, id: `id-${seq}`, room: "general", seq, from: "ben", at, key: `k${seq}` },
    ...(type === "message" && { text: `text ${seq}` }),
    ...more,
});
const page = (entries, as_of, epoch = "e1") => ({ entries, as_of, head: as_of, floor: 1, epoch });
const live = (...args) => ({ do: "live", entry: entry(...args) });
const start = (head) => ({ do: "start", epoch: "e1", head });
const after = (...steps) => steps.reduce(step, empty("ana"));
const texts = (list) => list.map((row) => (row.kind === "entry" ? (row.entry.gone ? "gone" : row.entry.text) : row.draft.key));

test("a page that was read before some of the log came is folded on with that", () => {
    const now = after(start(1), live(2, "edited", { target: 1, text: "new" }), { do: "page", page: page([entry(1)], 1) });
    assert.deepEqual(texts(rows(now)), ["new"]);
});

test("what a page has already is not folded into it again", () => {
    const one = entry(1, "message", { reactions: [{ reaction: "+1", count: 1, me: false, users: [] }] });
    const now = after(start(1), { do: "page", page: page([one], 2) }, live(2, "reacted", { target: 1, reaction: "+1" }));
    assert.equal(rows(now)[0].entry.reactions[0].count, 1);
});

test("a page that does not go together with the log is not taken, and is to be asked for again", () => {
    const before = after(start(5), live(6));
    assert.equal(step(before, { do: "page", page: page([entry(1)], 3) }), before);
    assert.notEqual(step(before, { do: "page", page: page([entry(1)], 5) }), before);
});

test("the answer to an older question leaves no hole", () => {
    const before = after(start(200));
    assert.equal(step(before, { do: "page", page: page([entry(40)], 200), before: 41 }), before);
});

test("where nothing is shown below there is nothing older", () => {
    const now = after(start(9), { do: "page", page: page([entry(8)], 9), before: 10 });
    assert.equal(older(now), 8);
    assert.equal(older(step(now, { do: "page", page: page([], 9), before: 8 })), null);
});

test("entries far back do not keep a page from being folded on", () => {
    let now = after(start(0));
    for (let seq = 1; seq <= 3000; seq += 1) now = step(now, live(seq));
    assert.equal(rows(now).length, 3000);
    assert.equal(step(now, { do: "pins", page: page([], 10) }), now);
    assert.notEqual(step(now, { do: "pins", page: page([], 2900) }), now);
});

test("a thread has its root, its replies and what follows, and leaves the room's page alone", () => {
    const opened = after(
        start(3),
        { do: "page", page: page([entry(1)], 3) },
        { do: "open thread", root: 1 },
        { do: "root", root: 1, page: page([entry(1)], 3) },
        { do: "replies", root: 1, page: page([entry(2, "message", { thread: 1 })], 3) },
        live(4, "message", { thread: 1 }),
        live(5, "message", { thread: 1, in_room: true }),
        live(6),
        live(7, "deleted", { target: 4, author: "ben", thread: 1 }),
    );
    assert.deepEqual(texts(replies(opened)), ["text 2", "gone", "text 5"]);
    assert.deepEqual(texts(rows(opened)), ["text 1", "text 5", "text 6"]);
    // The root's page said nothing of the first reply: this one counts what came since.
    assert.equal(opened.thread.message.entries[0].replies.count, 1);
    assert.equal(rows(opened)[0].entry.replies.count, 1);
    assert.equal(olderReplies(opened.thread), 2);
    const all = step(opened, { do: "replies", root: 1, page: page([], 7), before: 2 });
    assert.equal(olderReplies(all.thread), null);
    assert.equal(step(opened, { do: "replies", root: 9, page: page([], 7) }), opened);
});

test("a draft stands where it is said: in the thread, in the room, or in both", () => {
    const draft = (key, more) => ({ do: "draft", key, text: key, at, ...more });
    const now = after(
        start(1),
        { do: "open thread", root: 1 },
        draft("room"),
        draft("thread", { thread: 1 }),
        draft("both", { thread: 1, in_room: true }),
        draft("elsewhere", { thread: 9 }),
    );
    assert.deepEqual(texts(rows(now)), ["room", "both"]);
    assert.deepEqual(texts(replies(now)), ["thread", "both"]);
    const arrived = step(now, live(2, "message", { from: "ana", key: "thread", thread: 1 }));
    assert.deepEqual(arrived.drafts.map(({ key }) => key), ["room", "both", "elsewhere"]);
    assert.equal(step(arrived, { do: "stored", key: "elsewhere", seq: 2, epoch: "e1" }).drafts.length, 2);
});

test("pins go on with the log", () => {
    const pins = [entry(1, "message", { pinned: true }), entry(2, "message", { pinned: true }), entry(3, "message", { pinned: true })];
    const now = after(
        start(3),
        { do: "pins", page: page(pins, 3) },
        live(4, "unpinned", { target: 1 }),
        live(5, "deleted", { target: 2, author: "ben" }),
        live(6, "edited", { target: 3, text: "new" }),
    );
    assert.deepEqual(pinnedNow(now).map(({ seq, text }) => [seq, text]), [[3, "new"]]);
});

test("a fresh start keeps the thread open and asks for it again", () => {
    const now = after(start(1), { do: "open thread", root: 1 }, { do: "root", root: 1, page: page([entry(1)], 1) }, start(2));
    assert.deepEqual(now.thread, { root: 1, message: null, pages: [], complete: false, ends: true });
});
