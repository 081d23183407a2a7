import assert from "node:assert/strict";
import { test } from "node:test";
import { Pages } from "../dist/pages.js";
import { empty, entries, step } from "../dist/timeline.js";

const message = (seq, more) => ({ type: "message", seq, from: "ben", key: `k${seq}`, at: "2026-01-31T09:30:00.000Z", text: "hi", ...more });
const page = (list) => ({ entries: list, as_of: 200, head: 200, floor: 1, epoch: "e1" });

/** A room with entries up to 200; `one` answers `message`. */
function pages(one) {
    let timeline = step(empty("ana"), { do: "start", epoch: "e1", head: 200 });
    const told = { asked: [], lost: [], jumps: [] };
    const made = new Pages({
        async page(method, { seq, before }) {
            told.asked.push(method);
            if (method === "message") return page([one(seq)]);
            return page(Array.from({ length: 50 }, (_, n) => message(before - 50 + n)));
        },
        timeline: () => timeline,
        take: async (action) => void (timeline = step(timeline, action)),
        nearTop: () => false,
        find: (seq) => entries(timeline).some((entry) => entry.seq === seq),
        trouble: () => {},
        lost: (why) => told.lost.push(why),
        inThread: (seq, root) => told.jumps.push([seq, root]),
    });
    return { pages: made, told };
}

test("what stands in the room is looked for page by page", async () => {
    const { pages: one, told } = pages((seq) => message(seq));
    await one.find(120);
    assert.deepEqual(told, { asked: ["message", "messages", "messages"], lost: [], jumps: [] });
    await one.find(121);
    assert.equal(told.asked.length, 3);
});

test("a reply is looked for in its thread, unless the room shows it", async () => {
    const { pages: one, told } = pages((seq) => message(seq, { thread: 7, ...(seq === 190 && { in_room: true }) }));
    await one.find(130);
    assert.deepEqual(told, { asked: ["message"], lost: [], jumps: [[130, 7]] });
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
