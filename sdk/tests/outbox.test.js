import assert from "node:assert/strict";
import { test } from "node:test";
import { Outbox } from "../dist/outbox.js";

// A server that answers by the script, one answer per attempt.
function scene(drafts, ...script) {
    const told = { attempts: [], stored: [], refused: [], pauses: [], trouble: null };
    const waiting = drafts.map((key) => ({ key, text: key }));
    const done = (key) => waiting.splice(waiting.findIndex((draft) => draft.key === key), 1);
    const outbox = new Outbox({
        next: () => waiting[0],
        send: async ({ key }) => {
            told.attempts.push(key);
            const answer = script.shift() ?? told.attempts.length;
            if (typeof answer === "number") return { id: "", room: "general", seq: answer, epoch: "e1", at: "" };
            throw answer;
        },
        stored: ({ key }, { seq }) => (done(key), told.stored.push([key, seq])),
        refused: ({ key }, why) => (done(key), told.refused.push([key, why])),
        trouble: (why) => (told.trouble = why),
        pause: async (ms) => void told.pauses.push(ms),
    });
    return { outbox, told };
}

const timeout = { code: 1, message: "timeout" };
const closed = { code: 11, message: "connection closed" };
const busy = { code: 429, message: "busy, retry with the same key", temporary: true };
const refused = { code: 103, message: "not a member", temporary: false };

test("a draft is sent again with its key until it is answered", async () => {
    const { outbox, told } = scene(["a"], timeout, closed, busy, 7);
    await outbox.flush();
    assert.deepEqual(told.attempts, ["a", "a", "a", "a"]);
    assert.deepEqual(told.stored, [["a", 7]]);
    assert.equal(told.trouble, null);
});

test("a later draft does not overtake one that is retried", async () => {
    const { outbox, told } = scene(["a", "b"], timeout);
    await outbox.flush();
    assert.deepEqual(told.attempts, ["a", "a", "b"]);
});

test("a refusal is final and lets the next one through", async () => {
    const { outbox, told } = scene(["a", "b"], refused, 4);
    await outbox.flush();
    assert.deepEqual(told.refused, [["a", "Not allowed: not a member."]]);
    assert.deepEqual(told.stored, [["b", 4]]);
});

test("pauses grow and stay below seven seconds", async () => {
    const { outbox, told } = scene(["a"], ...Array(12).fill(timeout), 1);
    await outbox.flush();
    assert.ok(told.pauses[0] < 400);
    assert.ok(told.pauses.every((ms) => ms < 7_000));
    assert.ok(told.pauses.at(-1) > 3_000);
});

test("two flushes at once send each draft once", async () => {
    const { outbox, told } = scene(["a", "b"]);
    await Promise.all([outbox.flush(), outbox.flush()]);
    assert.deepEqual(told.attempts, ["a", "b"]);
});
