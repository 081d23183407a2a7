import assert from "node:assert/strict";
import { test } from "node:test";
import { Keeper, keptOf, restored } from "../dist/kept.js";
import { empty, entries, step } from "../dist/timeline.js";

const entry = (seq, more = {}) => ({ type: "message", id: `${seq}`, room: "general", seq, from: "ben", at: "", key: `k${seq}`, ...more });
const reacted = entry(4, { type: "reacted", target: 1, reaction: "+" });
const after = (...steps) => steps.reduce(step, empty("ana"));
const start = { do: "start", epoch: "e1", head: 3 };
/** Read when the reaction was in the log already. */
const reaction = { reaction: "+", count: 1, me: false, users: ["ben"] };
const older = {
    do: "page",
    page: { entries: [entry(1, { reactions: [reaction] }), entry(2), entry(3)], as_of: 4, head: 4, floor: 1, epoch: "e1" },
    before: 4,
};
const again = (timeline) => {
    const action = restored(keptOf("general", "d1", timeline), "d1", "ana");
    return step(empty("ana"), action);
};

test("what is kept goes on from where it was", () => {
    const timeline = after(start, older, { do: "live", entry: reacted });
    assert.deepEqual(entries(again(timeline)), entries(timeline));
});

test("a page that is ahead of the log is not kept: what comes next would be folded on it twice", () => {
    const timeline = [reacted, entry(5)].reduce((now, entry) => step(now, { do: "live", entry }), again(after(start, older)));
    const whole = step(timeline, { ...older, page: { ...older.page, as_of: 5, head: 5 } });
    assert.deepEqual(entries(whole).map(({ seq, reactions }) => [seq, reactions?.[0].count]), [
        [1, 1],
        [2, undefined],
        [3, undefined],
        [5, undefined],
    ]);
});

test("of another database, person or version, and before anything is there, nothing is", () => {
    assert.equal(keptOf("general", "d1", empty("ana")), null);
    const kept = keptOf("general", "d1", after(start, older));
    assert.notEqual(restored(kept, "d1", "ana"), null);
    assert.equal(restored(kept, "d2", "ana"), null);
    assert.equal(restored(kept, null, "ana"), null);
    assert.equal(restored(kept, "d1", "ben"), null);
    assert.equal(restored({ ...kept, version: 0 }, "d1", "ana"), null);
});

test("the newest hundred entries are kept", () => {
    const many = Array.from({ length: 130 }, (_, n) => ({ do: "live", entry: entry(n + 1) }));
    const timeline = after({ ...start, head: 0 }, ...many);
    assert.deepEqual([entries(again(timeline)).length, entries(again(timeline))[0].seq], [100, 31]);
});

test("a room is written down where it is other than what stands there, and again where that failed", async () => {
    const written = [];
    let fails = false;
    const around = {
        database: () => "d1",
        async keep({ state }) {
            if (fails) throw new Error("full");
            written.push(state.page.entries.length);
        },
    };
    const timeline = after(start, older);
    const keeper = new Keeper("general", around);
    keeper.has(timeline);
    const draft = step(timeline, { do: "draft", key: "d", text: "hi", at: "" });
    // Of a draft nothing is kept with the room.
    await keeper.keep(draft);
    assert.deepEqual(written, []);
    const more = step(draft, { do: "live", entry: entry(4) });
    fails = true;
    await assert.rejects(keeper.keep(more));
    fails = false;
    await keeper.keep(more);
    await keeper.keep(more);
    assert.deepEqual(written, [4]);
});
