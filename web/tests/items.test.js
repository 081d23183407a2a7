import assert from "node:assert/strict";
import { test } from "vitest";
import { between, dayWords, items, shifted } from "../src/timeline/items.ts";
import { folded, listed } from "../src/timeline/folded.ts";
import { plain } from "../src/ui/names.ts";

const at = (minutes) => new Date(Date.parse("2026-03-04T12:00:00") + minutes * 60_000).toISOString();
const entry = (seq, from, minutes = 0, more = {}) => ({ kind: "entry", key: `seq ${seq}`, entry: { type: "message", seq, from, at: at(minutes), ...more } });
const draft = (key, minutes = 0) => ({ kind: "draft", key: `draft ${key}`, draft: { key, at: at(minutes), text: "hi", state: "sending" } });
const shape = (all) => all.map((item) => (item.first === undefined ? item.kind : item.first ? `${item.kind}+` : item.kind));

test("what one person says within five minutes stands below one name", () => {
    assert.deepEqual(shape(items([entry(1, "ana"), entry(2, "ana", 4), entry(3, "ana", 10), entry(4, "ben", 10), draft("x", 11), draft("y", 11)], "ana", false)), [
        "day", "message+", "message", "message+", "message+", "draft+", "draft",
    ]);
    assert.deepEqual(shape(items([entry(1, "ana"), entry(2, "ana", 1, { reply_to: 1 })], "ana", false)), ["day", "message+", "message+"]);
});

test("days stand between, and what is new begins with its day", () => {
    const rows = [entry(1, "ana"), { kind: "new", key: "new" }, entry(2, "ana", 24 * 60)];
    assert.deepEqual(shape(items(rows, "ben", true)), ["start", "day", "message+", "day", "new", "message+"]);
    const same = [entry(1, "ana"), { kind: "new", key: "new" }, entry(2, "ana", 1)];
    assert.deepEqual(shape(items(same, "ben", true)), ["start", "day", "message+", "new", "message+"]);
});

test("no day comes twice, although one's own clock is behind around midnight", () => {
    const rows = [entry(1, "ben"), entry(2, "ben", 13 * 60), draft("a", 11 * 60 + 59), entry(3, "ben", 13 * 60 + 1), entry(4, "ben", 40 * 60)];
    const all = items(rows, "ana", false);
    assert.deepEqual(shape(all), ["day", "message+", "day", "message+", "draft+", "message+", "day", "message+"]);
    assert.equal(new Set(all.map(({ key }) => key)).size, all.length);
});

test("lines that follow each other are one item, and end a group", () => {
    const rows = [entry(1, "ana"), entry(2, "ana", 1, { type: "joined" }), entry(3, "ben", 1, { type: "left" }), entry(4, "ana", 2)];
    const all = items(rows, "ben", false);
    assert.deepEqual(shape(all), ["day", "message+", "lines", "message+"]);
    assert.deepEqual(all[2].entries.map(({ seq }) => seq), [2, 3]);
});

test("older rows before what was there are told from newer ones behind it", () => {
    const of = (...seqs) => items(seqs.map((seq) => entry(seq, "ana")), "ben", false);
    assert.equal(shifted(of(5, 6), of(3, 4, 5, 6)), true);
    assert.equal(shifted(of(5, 6), of(5, 6, 7)), false);
    assert.equal(shifted(of(5, 6, 7), of(6, 7, 8)), true);
    assert.equal(shifted(of(5, 6), of(7, 8, 9)), false);
    assert.equal(shifted(of(), of(1, 2)), false);
});

test("where both ends change, one changes after the other", () => {
    const all = Array.from({ length: 9 }, (_, n) => entry(n, "ana"));
    const of = (from, to) => items(all.slice(from, to), "ben", false);
    const seqs = (list) => list.filter(({ kind }) => kind === "message").map(({ entry }) => entry.seq);
    assert.deepEqual(seqs(between(of(2, 5), of(3, 7))), [3, 4]);
    assert.deepEqual(seqs(between(of(3, 7), of(1, 5))), [1, 2, 3, 4, 5, 6]);
    const [one, more] = [of(2, 5), of(2, 7)];
    assert.equal(between(one, more), more);
    assert.equal(between(one, of(7, 9)).length, of(7, 9).length);
});

test("what has not changed is the same item, so that it is not drawn again", () => {
    const [first, second, third] = [entry(1, "ana"), entry(2, "ana", 1), entry(3, "ana", 2)];
    const before = items([first, second], "ben", false);
    const now = items([first, { ...second, entry: { ...second.entry, text: "again" } }, third], "ben", false);
    assert.equal(now[1], before[1]);
    assert.notEqual(now[2], before[2]);
    // Who goes on with what they said just before does so no more once that is gone.
    assert.notEqual(items([second], "ben", false)[1], before[2]);
});

test("days are said as people say them", () => {
    const now = new Date("2026-03-04T00:30:00");
    assert.equal(dayWords("2026-03-04T00:10:00", now), "Today");
    assert.equal(dayWords("2026-03-03T23:50:00", now), "Yesterday");
    assert.match(dayWords("2026-03-01T12:00:00", now), /Sunday/);
    assert.match(dayWords("2025-03-01T12:00:00", now), /2025/);
});

test("many lines are said in one: who came and went in the end", () => {
    const line = (type, user, more) => ({ type, user, from: user, seq: 1, at: at(0), ...more });
    const words = (...entries) => plain(folded(entries, (id) => id));
    assert.equal(words(line("joined", "ana"), line("joined", "ben"), line("left", "ana")), "ben joined; ana left");
    assert.equal(words(line("joined", "a"), line("renamed", "a", { name: "x" }), line("joined", "b", { role: "reader" })), "a joined; 2 other changes");
    assert.equal(plain(listed(["a", "b", "c", "d"])), "a, b, c and d");
    assert.equal(plain(listed(["a", "b", "c", "d", "e"])), "a, b, c and 2 others");
    assert.equal(plain(listed(["a"])), "a");
});
