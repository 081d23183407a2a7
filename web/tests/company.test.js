import assert from "node:assert/strict";
import { test } from "node:test";
import { Company } from "../.tests/web/src/company.js";
import { plain } from "../.tests/web/src/names.js";

function company({ members = ["ana", "ben", "cem"], mayWrite = true, reads = [] } = {}) {
    const asked = [];
    const told = [];
    let now = 0;
    const one = new Company({
        me: "ana",
        members: () => new Map(members.map((user) => [user, { user, role: "member", since: 1 }])),
        mayWrite: () => mayWrite,
        sayTyping: async (thread) => void asked.push(["typing", thread]),
        reads: async () => (asked.push(["reads"]), { reads }),
        online: async (users) => ({ users: users.map((user) => ({ user, online: false })) }),
        visible: () => true,
        clock: () => now,
        changed: () => told.push(now),
    });
    return { company: one, asked, told, at: (time) => (now = time) };
}
const shown = [1, 2, 3].map((seq) => ({ type: "message", seq, from: "ana" }));
const seen = (one) => Object.fromEntries([...one.seen(shown)].map(([seq, words]) => [seq, plain(words)]));

test("who may not write does not say that they type", () => {
    const { company: reader, asked: nothing } = company({ mayWrite: false });
    reader.writes("h", undefined);
    assert.deepEqual(nothing, []);
    const { company: one, asked } = company();
    one.writes("h", undefined);
    one.writes("hi", undefined);
    assert.deepEqual(asked, [["typing", undefined]]);
});

test("who has seen what is asked for, and followed", async () => {
    const { company: one } = company({ reads: [{ user: "ben", seq: 1 }] });
    await one.load();
    assert.deepEqual(seen(one), { 1: "Seen by ben" });
    one.signal({ type: "read", user: "ben", seq: 3 });
    one.signal({ type: "read", user: "cem", seq: 3 });
    one.signal({ type: "read", user: "cem", seq: 2 });
    assert.deepEqual(seen(one), { 3: "Seen by everybody" });
    one.forget();
    assert.deepEqual(seen(one), {});
});

test("in large rooms nothing is asked or told of it, nor to those who are no members", async () => {
    const crowd = ["ana", ...Array.from({ length: 100 }, (_, n) => `u${n}`)];
    for (const members of [crowd, ["ben", "cem"], ["ana"]]) {
        const { company: one, asked } = company({ members });
        await one.load();
        one.signal({ type: "read", user: "u0", seq: 3 });
        assert.deepEqual([asked, seen(one)], [[], {}]);
    }
    const { company: most, asked } = company({ members: crowd.slice(0, 100) });
    await most.load();
    assert.deepEqual(asked, [["reads"]]);
});

test("what is typed passes by itself", (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const { company: one, at, told } = company();
    one.signal({ type: "typing", user: "ben", for: 6 });
    assert.deepEqual(one.types(), ["ben"]);
    at(6_000);
    assert.deepEqual(one.types(), []);
    // It is drawn again then, and not before.
    assert.equal(told.length, 1);
    context.mock.timers.tick(6_000);
    assert.equal(told.length, 1);
    context.mock.timers.tick(20);
    assert.equal(told.length, 2);
    at(0);
    one.signal({ type: "typing", user: "ben", for: 6 });
    one.entry({ type: "message", from: "ben", seq: 4 });
    assert.deepEqual(one.types(), []);
});
