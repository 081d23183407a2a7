import assert from "node:assert/strict";
import { test } from "node:test";
import { Deeds } from "../.tests/deeds.js";

function deeds(...answers) {
    const asked = [];
    const told = [];
    let keys = 0;
    const around = {
        act(method, key, what) {
            asked.push([method, key, what]);
            const answer = answers.shift();
            return answer ? Promise.reject(answer) : Promise.resolve({});
        },
        newKey: () => `k${(keys += 1)}`,
        trouble: (why) => told.push(why),
    };
    return { deeds: new Deeds(around, async () => {}), asked, told };
}

test("what got no answer is done again with its key", async () => {
    const { deeds: one, asked, told } = deeds({ code: 1, message: "timeout" }, { code: 503, message: "", temporary: true });
    await one.done("delete", { target: 3 });
    assert.deepEqual(asked.map(([method, key]) => [method, key]), [["delete", "k1"], ["delete", "k1"], ["delete", "k1"]]);
    assert.deepEqual(told, [null]);
});

test("a refusal is told in words, once", async () => {
    const { deeds: one, asked, told } = deeds({ code: 103, message: "only a moderator of this room may do this" });
    await one.done("pin", { target: 3 });
    assert.equal(asked.length, 1);
    assert.deepEqual(told, ["Not allowed: only a moderator of this room may do this."]);
});

test("a reaction of one's own is taken back, that of another is added", () => {
    const { deeds: one, asked } = deeds();
    const message = { seq: 3, reactions: [{ reaction: "+1", count: 2, me: true, users: [] }, { reaction: "no", count: 1, me: false, users: [] }] };
    const { chosen } = one.actions();
    for (const reaction of ["+1", "no", "🎉"]) chosen(message, { do: "react", reaction });
    assert.deepEqual(asked.map(([method, , what]) => [method, what]), [
        ["unreact", { target: 3, reaction: "+1" }],
        ["react", { target: 3, reaction: "no" }],
        ["react", { target: 3, reaction: "🎉" }],
    ]);
});
