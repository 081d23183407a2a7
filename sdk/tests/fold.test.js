import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fold } from "../dist/fold.js";

const vectors = JSON.parse(readFileSync(new URL("../../tests/vectors/fold.json", import.meta.url), "utf8"));

const page = ({ as_of, entries, thread }, me) => ({ me, asOf: as_of, newest: true, entries, thread });

// Lists of sample users are outside of the comparison.
const compared = (entries) =>
    entries.map(({ reactions, replies, ...rest }) => ({
        ...rest,
        ...(reactions && { reactions: reactions.map((one) => ({ ...one, users: [] })) }),
        ...(replies && { replies: { ...replies, users: [] } }),
    }));

test("there are cases of the law", () => assert.ok(vectors.length > 0));

for (const { name, me, page: before, log, expected } of vectors) {
    const kind = before.thread === undefined ? "room" : `thread of ${before.thread}`;
    test(`${name}: ${kind}`, () => {
        const after = log.reduce(fold, page(before, me));
        assert.equal(after.asOf, expected.as_of);
        assert.deepEqual(compared(after.entries), compared(expected.entries));
    });
    test(`${name}: ${kind}: whoever folds entries twice has the same`, () => {
        const once = log.reduce(fold, page(before, me));
        assert.deepEqual(log.reduce(fold, once), once);
    });
}

const entry = (seq, type, more) => ({
    ...{ type, id: `id-${seq}`, room: "general", seq, from: "ben", at: `2026-01-31T09:30:${10 + seq}.000Z`, key: `k${seq}` },
    ...more,
});
const empty = { me: "ana", asOf: 0, newest: true, entries: [] };

test("a page that does not reach the end changes and does not grow", () => {
    const log = [entry(2, "message", { text: "two" }), entry(3, "edited", { target: 1, text: "uno" })];
    const older = { ...empty, asOf: 1, newest: false, entries: [entry(1, "message", { text: "one" })] };
    assert.deepEqual(log.reduce(fold, older).entries.map(({ seq, text }) => [seq, text]), [[1, "uno"]]);
});

test("an edit takes away what it leaves out", () => {
    const log = [
        entry(1, "message", { text: "hi", data: { a: 1 }, mentions: ["ana"], mention_all: true }),
        entry(2, "edited", { target: 1, text: "ho" }),
    ];
    const [message] = log.reduce(fold, empty).entries;
    assert.deepEqual(message, entry(1, "message", { text: "ho", edited_at: log[1].at }));
});

test("a blanked edit makes its message gone, and nothing brings it back", () => {
    const log = [
        entry(1, "message", { text: "secret", reply_to: 1 }),
        entry(2, "reacted", { target: 1, reaction: "+1", from: "ana" }),
        entry(3, "edited", { target: 1, gone: true }),
        entry(4, "edited", { target: 1, text: "back" }),
        entry(5, "reacted", { target: 1, reaction: "+1" }),
        entry(6, "pinned", { target: 1 }),
    ];
    assert.deepEqual(log.reduce(fold, empty).entries, [entry(1, "message", { reply_to: 1, gone: true })]);
});

test("what is not known, not here or no message changes nothing", () => {
    const log = [
        entry(1, "joined", { user: "ben", role: "member" }),
        entry(2, "waved", { target: 1 }),
        entry(3, "reacted", { target: 1, reaction: "+1" }),
        entry(4, "edited", { target: 99, text: "x" }),
        entry(5, "unreacted", { target: 1, reaction: "+1" }),
    ];
    const after = log.reduce(fold, empty);
    assert.deepEqual([after.asOf, after.entries], [5, [log[0]]]);
});

test("a sample of users has at most ten for a reaction and five for a thread, the latest first", () => {
    const log = [entry(1, "message", { text: "hi" })];
    for (let n = 0; n < 12; n += 1) log.push(entry(log.length + 1, "reacted", { target: 1, reaction: "+1", from: `u${n}` }));
    for (let n = 0; n < 7; n += 1) log.push(entry(log.length + 1, "message", { thread: 1, text: "re", from: `u${n}` }));
    const [root] = log.reduce(fold, empty).entries;
    assert.deepEqual([root.reactions[0].count, root.reactions[0].users.length], [12, 10]);
    assert.deepEqual([root.replies.count, root.replies.users], [7, ["u6", "u5", "u4", "u3", "u2"]]);
});
