import assert from "node:assert/strict";
import { test } from "node:test";
import { Pages } from "../dist/pages.js";
import { empty, entries, step } from "../dist/timeline.js";

const message = (seq, more) => ({ type: "message", seq, from: "ben", key: `k${seq}`, at: "2026-01-31T09:30:00.000Z", text: "hi", ...more });
const page = (list) => ({ entries: list, as_of: 200, head: 200, floor: 1, epoch: "e1" });

/** A room with entries up to 200; `one` answers `message`. */
function pages(one, answer) {
    let timeline = step(empty("ana"), { do: "start", epoch: "e1", head: 200 });
    const told = { asked: [], lost: [], jumps: [], troubles: [] };
    const made = new Pages({
        async page(method, { seq, before, after, around }) {
            told.asked.push(method);
            if (method === "message") return page([one(seq)]);
            if (answer) return answer(before, (action) => (timeline = step(timeline, action)));
            const from = before !== undefined ? before - 50 : after !== undefined ? after + 1 : Math.max(1, around - 25);
            const all = Array.from({ length: 50 }, (_, n) => from + n).filter((seq) => seq > 0 && seq <= 200);
            return page(all.map((seq) => (seq === around ? one(seq) : message(seq))));
        },
        timeline: () => timeline,
        take: async (action) => void (timeline = step(timeline, action)),
        find: (seq) => entries(timeline).some((entry) => entry.seq === seq),
        trouble: (why) => told.troubles.push(why),
        pause: async () => {},
        lost: (why) => told.lost.push(why),
        inThread: (seq, root) => told.jumps.push([seq, root]),
    });
    return { pages: made, told, seqs: () => entries(timeline).map(({ seq }) => seq), now: () => timeline };
}

test("a page that fails for now is asked for until it comes, and one that is refused is not", async () => {
    const fails = [{ code: 1, message: "timeout" }, { code: 503, message: "", temporary: true }];
    const { pages: one, told, seqs } = pages(null, () => {
        const failure = fails.shift();
        if (failure) throw failure;
        return page([message(200)]);
    });
    await one.older();
    assert.deepEqual([seqs(), told.asked.length, told.troubles.length, told.troubles.at(-1)], [[200], 3, 3, null]);
    const { pages: other, told: of } = pages(null, () => {
        throw { code: 103, message: "no member" };
    });
    await other.older();
    assert.deepEqual([of.asked.length, of.troubles], [1, ["The messages could not be loaded: Not allowed: no member."]]);
});

test("where the history is replaced while a page is on its way, its newest page is loaded", async () => {
    let replaced = false;
    const { pages: one, seqs } = pages(null, (before, take) => {
        if (replaced) return { ...page([message(before - 1)]), epoch: "e2", as_of: 30, head: 30 };
        replaced = true;
        take({ do: "start", epoch: "e2", head: 30 });
        return page([message(before - 1)]);
    });
    await one.older();
    assert.deepEqual(seqs(), [30]);
});

test("what stands in the room is looked for with one page, wherever it is", async () => {
    const { pages: one, told } = pages((seq) => message(seq));
    await one.find(60);
    assert.deepEqual([told.asked, told.lost, told.jumps], [["message", "messages"], [], []]);
    await one.find(61);
    assert.equal(told.asked.length, 2);
});

test("what was said last where to go counts", async () => {
    const { pages: one, told, now } = pages((seq) => message(seq));
    await Promise.all([one.go(60), one.go(100)]);
    assert.ok(entries(now()).some(({ seq }) => seq === 100));
    const going = one.go(30);
    one.stay();
    await going;
    assert.ok(!entries(now()).some(({ seq }) => seq === 30));
    assert.deepEqual(told.lost, []);
});

test("a reply is looked for in its thread, unless the room shows it", async () => {
    const { pages: one, told } = pages((seq) => message(seq, { thread: 7, ...(seq === 190 && { in_room: true }) }));
    await one.find(130);
    assert.deepEqual([told.asked, told.lost, told.jumps], [["message"], [], [[130, 7]]]);
    await one.find(190);
    assert.deepEqual([told.jumps.length, told.lost], [1, []]);
});

test("what is not there is said to be so", async () => {
    const { pages: one, told } = pages(() => {
        throw { code: 107, message: "bad request: seq: older than what this room keeps" };
    });
    await one.find(3);
    assert.deepEqual(told.lost, ["#3 was not found. That is not possible: seq: older than what this room keeps."]);
});
