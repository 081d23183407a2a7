import assert from "node:assert/strict";
import { test } from "node:test";
import { empty, KEPT, LONG, older, rows, step, unsent } from "../dist/timeline.js";

const entry = (seq, from = "ben", key = `k${seq}`, text = `text ${seq}`) => ({
    type: "message",
    id: `id-${seq}`,
    room: "general",
    seq,
    from,
    at: "2026-01-31T09:30:00.000Z",
    key,
    text,
});
const page = (from, to, head, floor = 1, epoch = "e1") => ({
    do: "page",
    page: { entries: Array.from({ length: to - from + 1 }, (_, n) => entry(from + n)), as_of: head, head, floor, epoch },
});
const start = (head, epoch = "e1") => ({ do: "start", epoch, head });
const live = (...args) => ({ do: "live", entry: entry(...args) });
const draft = (key, text = key) => ({ do: "draft", key, text, at: "2026-01-31T09:31:00.000Z" });
const stored = (key, seq, epoch = "e1") => ({ do: "stored", key, seq, epoch });
const after = (...steps) => steps.reduce(step, empty("ana"));
const shown = (timeline) =>
    rows(timeline).map((row) => (row.kind === "entry" ? row.entry.seq : `${row.draft.key} ${row.draft.state}`));

test("a page and the entries that follow it make one log", () => {
    assert.deepEqual(shown(after(start(3), page(1, 3, 3), live(4), live(5))), [1, 2, 3, 4, 5]);
});

test("entries that arrive before their page stand after it", () => {
    assert.deepEqual(shown(after(start(3), live(4), live(5), page(1, 3, 5))), [1, 2, 3, 4, 5]);
});

test("the same entry twice is shown once", () => {
    assert.deepEqual(shown(after(start(2), page(1, 2, 2), live(3), live(3), page(1, 3, 3))), [1, 2, 3]);
});

test("older pages end where the log, or what is kept of it, begins", () => {
    assert.equal(older(empty("ana")), null);
    assert.equal(older(after(start(0))), null);
    assert.equal(older(after(start(90))), 91);
    assert.equal(older(after(start(90), page(41, 90, 90))), 41);
    assert.equal(older(after(start(90), page(1, 90, 90))), null);
    const reacted = { do: "live", entry: { ...entry(91), type: "reacted", target: 90, reaction: "+" } };
    assert.equal(older(after(start(90), reacted)), 91);
    assert.equal(older(after(start(90), reacted, live(92))), 91);
    assert.equal(older(after(start(90), page(41, 90, 90, 41))), null);
});

test("a draft stands at the end until it is answered, then at its seq", () => {
    const sending = after(start(2), page(1, 2, 2), draft("a"), live(3));
    assert.deepEqual(shown(sending), [1, 2, 3, "a sending"]);
    const answered = [stored("a", 4), live(5)].reduce(step, sending);
    assert.deepEqual(shown(answered), [1, 2, 3, "a stored", 5]);
    assert.deepEqual(unsent(answered), []);
});

test("a draft and its entry are never shown both, whichever comes first", () => {
    assert.deepEqual(shown(after(start(0), draft("a"), stored("a", 1), live(1, "ana", "a"))), [1]);
    assert.deepEqual(shown(after(start(0), draft("a"), live(1, "ana", "a"), stored("a", 1))), [1]);
});

test("a draft keeps its row when it becomes an entry", () => {
    const before = after(start(0), draft("a"));
    const since = step(before, live(1, "ana", "a"));
    assert.equal(rows(since)[0].key, rows(before)[0].key);
});

test("the same key of somebody else is another message", () => {
    assert.deepEqual(shown(after(start(0), draft("a"), live(1, "ben", "a"))), [1, "a sending"]);
});

test("a retry that is answered with an older message leaves nothing at the end", () => {
    assert.deepEqual(shown(after(start(90), page(41, 90, 90), draft("a"), stored("a", 7))).length, 50);
});

test("a refused draft says why, and can be sent again with its key or be discarded", () => {
    const refused = after(start(0), draft("a", "hi"), { do: "refused", key: "a", error: "too long" });
    assert.equal(refused.drafts[0].error, "too long");
    assert.deepEqual(unsent(refused), []);
    const again = step(refused, { do: "again", key: "a" });
    assert.deepEqual(unsent(again).map(({ key, text }) => [key, text]), [["a", "hi"]]);
    assert.deepEqual(shown(step(refused, { do: "discard", key: "a" })), []);
});

test("drafts are sent in the order they were written", () => {
    assert.deepEqual(unsent(after(start(0), draft("a"), draft("b"), draft("c"))).map(({ key }) => key), ["a", "b", "c"]);
});

test("a fresh start forgets the log and keeps what is not sent yet", () => {
    const timeline = after(start(2), page(1, 2, 2), draft("a"), draft("b"), stored("a", 3), start(1, "e2"));
    assert.deepEqual(shown(timeline), ["b sending"]);
    assert.equal(timeline.head, 1);
});

test("a page of another history is not mixed in", () => {
    assert.deepEqual(shown(after(start(2, "e2"), page(1, 2, 2, 1, "e1"))), []);
});

test("a row is the same until its entry changes, so that nobody draws it again", () => {
    const before = after(start(3), page(1, 3, 3));
    const now = step(step(before, live(4)), { do: "live", entry: { ...entry(5), type: "edited", target: 2, text: "again" } });
    const [one, other] = [rows(before), rows(now)];
    assert.deepEqual([0, 1, 2].map((nth) => one[nth] === other[nth]), [true, false, true]);
    assert.deepEqual(shown(now), [1, 2, 3, 4]);
});

test("what is trimmed is older again, and what stays has no holes", () => {
    const long = after(start(50), page(1, 50, 50), ...Array.from({ length: 1_200 }, (_, n) => live(51 + n)));
    const trimmed = step(long, { do: "trim" });
    assert.equal(shown(trimmed).length, KEPT);
    assert.equal(shown(trimmed).at(-1), 1_250);
    const from = 1_250 - KEPT + 1;
    assert.equal(older(trimmed), from);
    const again = step(trimmed, { ...page(from - 50, from - 1, 1_250), before: from });
    assert.deepEqual(shown(again), Array.from({ length: KEPT + 50 }, (_, n) => from - 50 + n));
    assert.ok(LONG > KEPT);
    assert.equal(step(trimmed, { do: "trim" }), trimmed);
});
