import assert from "node:assert/strict";
import { test } from "node:test";
import { divided, Reading } from "../dist/reading.js";

// A server that answers when it is told to.
function reading(...failures) {
    const sent = [];
    const marked = [];
    const pauses = [];
    const waiting = [];
    const one = new Reading({
        me: "ana",
        send: (seq) => {
            sent.push(seq);
            const failure = failures.shift();
            return failure ? Promise.reject(failure) : new Promise((resolve) => waiting.push(resolve));
        },
        marked: (seq) => marked.push(seq),
        changed: () => {},
        pause: async (ms) => void pauses.push(ms),
    });
    const answer = async () => {
        waiting.shift()?.();
        await new Promise((resolve) => setImmediate(resolve));
    };
    return { reading: one, sent, marked, pauses, answer };
}
const row = (more) => ({ id: "kitchen", kind: "private", name: "", head: 10, read: 4, unread: { count: 6 }, mentions: { count: 0 }, ...more });
const message = (seq, from = "ben", more) => ({ type: "message", seq, from, ...more });

test("what is seen is said, one mark at a time, and then the newest", async () => {
    const { reading: one, sent, marked, answer } = reading();
    one.told(row(), 1, 0);
    one.seen(10);
    for (const seq of [11, 12, 13]) {
        one.entry(message(seq), true);
        one.seen(seq);
    }
    assert.deepEqual(sent, [10]);
    await answer();
    assert.deepEqual([sent, marked], [[10, 13], [10]]);
    await answer();
    assert.deepEqual(marked, [10, 13]);
});

test("nothing is said before it is known how far one has read, nor where nothing is new", async () => {
    const { reading: one, sent } = reading();
    one.entry(message(11), true);
    one.seen(11);
    assert.deepEqual(sent, []);
    const { reading: other, sent: nothing } = reading();
    other.told(row({ read: 10, unread: { count: 0 } }), 1, 0);
    other.seen(10);
    // Who joins or reacts says nothing, and who sends has read.
    other.entry({ type: "reacted", seq: 11, from: "ben" }, true);
    other.entry(message(12, "ana"), true);
    other.seen(12);
    assert.deepEqual(nothing, []);
    other.entry(message(13), true);
    other.seen(13);
    assert.deepEqual(nothing, [13]);
});

test("mentions in threads are read with the room's end", () => {
    const { reading: one, sent } = reading();
    one.told(row({ read: 8, unread: { count: 0 }, mentions: { count: 1 } }), 1, 0);
    assert.equal(one.since, null);
    one.seen(10);
    assert.deepEqual(sent, [10]);
});

test("what another device has read is not said again", () => {
    const { reading: one, sent } = reading();
    one.told(row(), 1, 0);
    one.elsewhere(10);
    one.seen(10);
    assert.deepEqual(sent, []);
});

test("where the mark is further already it is right, and what fails for now is said again", async () => {
    const { reading: one, sent, marked } = reading({ code: 409, message: "the mark is at 12" });
    one.told(row(), 1, 0);
    one.seen(10);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([sent, marked], [[10], [10]]);
    const { reading: other, sent: twice, pauses } = reading({ code: 503, message: "", temporary: true });
    other.told(row(), 1, 0);
    other.seen(10);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([twice, pauses], [[10, 10], [2000]]);
    const { reading: banned, sent: once } = reading({ code: 103, message: "banned" });
    banned.told(row(), 1, 0);
    banned.seen(10);
    await new Promise((resolve) => setImmediate(resolve));
    banned.entry(message(11), true);
    banned.seen(11);
    assert.deepEqual([once, banned.known], [[10], false]);
});

test("what is new begins behind the mark, behind joining, and behind what one said", () => {
    const since = (more, joined = 1, own = 0) => {
        const { reading: one } = reading();
        one.told(row(more), joined, own);
        return one.since;
    };
    assert.equal(since(), 4);
    assert.equal(since({ read: 0 }, 3), 3);
    assert.equal(since({}, 1, 7), 7);
    assert.equal(since({ unread: { count: 0 } }), null);
    // Another role came after the mark.
    assert.equal(since({}, 9), 4);
});

test("what comes while nobody looks is new, and what comes behind it does not move its beginning", async () => {
    const { reading: one, answer } = reading();
    one.told(row({ read: 10, unread: { count: 0 } }), 1, 0);
    one.entry(message(11), true);
    one.seen(11);
    assert.equal(one.since, null);
    await answer();
    one.entry(message(12), false);
    one.entry(message(13), false);
    assert.equal(one.since, 11);
    one.seen(13);
    await answer();
    assert.equal(one.since, 11);
    one.entry(message(14, "cem", { thread: 3 }), false);
    assert.equal(one.since, 11);
    one.entry(message(15, "ana"), true);
    assert.equal(one.since, null);
});

test("the line stands before the first message of others that is new", () => {
    const rows = [
        { kind: "entry", key: "1", entry: message(1) },
        { kind: "entry", key: "2", entry: { type: "joined", seq: 2, from: "cem" } },
        { kind: "entry", key: "3", entry: message(3, "ana") },
        { kind: "entry", key: "4", entry: message(4, "ben", { gone: true }) },
        { kind: "entry", key: "5", entry: message(5) },
        { kind: "draft", key: "6", draft: {} },
    ];
    const keys = (since) => divided(rows, since, "ana").map(({ key }) => key).join(" ");
    assert.equal(keys(1), "1 2 3 4 new 5 6");
    assert.equal(keys(0), "new 1 2 3 4 5 6");
    assert.equal(keys(5), "1 2 3 4 5 6");
    assert.equal(keys(null), "1 2 3 4 5 6");
});
