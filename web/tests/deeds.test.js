import assert from "node:assert/strict";
import { test } from "vitest";
import { Deeds } from "../src/room/deeds.ts";

function deeds(...answers) {
    const asked = [];
    const told = [];
    const waited = [];
    let keys = 0;
    const around = {
        async act(method, key, what) {
            asked.push([method, key, what]);
            const answer = answers.shift();
            if (answer) throw answer;
            return {};
        },
        newKey: () => `k${(keys += 1)}`,
        trouble: (why) => told.push(why),
        waits: (why) => waited.push(why),
        changed: () => {},
        pause: async () => {},
    };
    return { deeds: new Deeds(around), asked, told, waited };
}
const lost = { code: 1, message: "timeout" };
const busy = { code: 503, message: "", temporary: true };

test("what got no answer is done again with its key, however long that takes", async () => {
    const { deeds: one, asked, told, waited } = deeds(lost, busy, lost, lost, lost, lost);
    await one.done("delete", { target: 3 });
    assert.deepEqual(new Set(asked.map(([method, key]) => `${method} ${key}`)), new Set(["delete k1"]));
    assert.equal(asked.length, 7);
    assert.deepEqual(told, [null]);
    assert.match(waited[0], /No answer/);
    assert.equal(waited.at(-1), null);
});

test("what is not answered yet is pending, and one thing is done after the other", async () => {
    const { deeds: one, asked } = deeds(lost);
    const first = one.done("react", { target: 3, reaction: "+1" });
    const second = one.done("unreact", { target: 3, reaction: "+1" });
    assert.deepEqual(one.doing.map(({ method, what }) => [method, what.target]), [["react", 3], ["unreact", 3]]);
    await Promise.all([first, second]);
    assert.deepEqual(asked.map(([method, key]) => [method, key]), [["react", "k1"], ["react", "k1"], ["unreact", "k2"]]);
    assert.deepEqual(one.doing, []);
});

test("a refusal is told in words, once", async () => {
    const { deeds: one, asked, told } = deeds({ code: 103, message: "only a moderator of this room may do this" });
    await one.done("pin", { target: 3 });
    assert.equal(asked.length, 1);
    assert.deepEqual(told, ["Not allowed: only a moderator of this room may do this."]);
    assert.deepEqual(one.doing, []);
});

test("an edit that was refused is kept until it is tried again or forgotten", async () => {
    const muted = { code: 103, message: "muted in this room" };
    const { deeds: one, asked, told } = deeds(muted, muted);
    await one.done("edit", { target: 3, text: "a long careful edit" });
    assert.deepEqual([told, one.doing.length, one.doing[0].error], [[], 1, "Not allowed: muted in this room."]);
    // It does not stop what comes after it.
    await one.done("react", { target: 3, reaction: "+1" });
    assert.deepEqual(one.doing.map(({ key }) => key), ["k1"]);
    await one.again("k1");
    assert.deepEqual(asked.at(-1).slice(0, 2), ["edit", "k1"]);
    const { deeds: other } = deeds(muted);
    await other.done("edit", { target: 3, text: "x" });
    other.discard("k1");
    assert.deepEqual(other.doing, []);
});

test("the edit of a message that was deleted is not kept", async () => {
    const { deeds: one, told } = deeds({ code: 410, message: "target: this message was deleted" });
    await one.done("edit", { target: 3, text: "the old text, and more" });
    assert.deepEqual([one.doing, told], [[], ["That message was deleted."]]);
});

test("a reaction of one's own is taken back, that of another is added", async () => {
    const { deeds: one, asked } = deeds();
    const message = { seq: 3, reactions: [{ reaction: "+1", count: 2, me: true, users: [] }, { reaction: "no", count: 1, me: false, users: [] }] };
    for (const reaction of ["+1", "no", "🎉", "🎉"]) one.react(message, reaction);
    await one.done("pin", { target: 3 });
    assert.deepEqual(asked.map(([method, , what]) => [method, what]), [
        ["unreact", { target: 3, reaction: "+1" }],
        ["react", { target: 3, reaction: "no" }],
        ["react", { target: 3, reaction: "🎉" }],
        ["unreact", { target: 3, reaction: "🎉" }],
        ["pin", { target: 3 }],
    ]);
});

test("what the servers do not do yet holds nothing back", async () => {
    const { deeds: one, asked, told } = deeds({ code: 503, message: "not yet: an older instance", temporary: true });
    await Promise.all([one.done("mute", { user: "ben" }), one.done("pin", { target: 3 })]);
    assert.deepEqual(asked.map(([method]) => method), ["mute", "pin"]);
    assert.match(told[0], /being updated/);
});

test("what was on its way when the page was left goes on with its key", async () => {
    const { deeds: one, asked } = deeds();
    one.resume([{ key: "old", method: "edit", what: { target: 3, text: "new" } }]);
    await one.done("pin", { target: 3 });
    assert.deepEqual(asked.map(([method, key]) => [method, key]), [["edit", "old"], ["pin", "k1"]]);
    one.resume([]);
    assert.deepEqual(one.doing, []);
});
