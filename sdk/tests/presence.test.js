import assert from "node:assert/strict";
import { test } from "node:test";
import { Presence } from "../dist/presence.js";


function presence(users, how = {}) {
    const asked = [];
    const around = { users, visible: true, ...how };
    const one = new Presence({
        ask: async (users) => {
            asked.push(users.length);
            if (around.fails) throw { code: 503 };
            return { users: users.map((user) => ({ user, online: true })) };
        },
        users: () => around.users,
        visible: () => around.visible,
        changed: () => {},
    });
    return { presence: one, asked, around };
}

test("it is asked now and then, and sooner where there are others", async () => {
    const { presence: one, asked, around } = presence(["ben"]);
    for (const now of [0, 5_000, 29_000, 30_000]) await one.look(now);
    assert.deepEqual(asked, [1, 1]);
    around.users = ["ben", "cem"];
    await one.look(31_000);
    await one.look(33_000);
    await one.look(34_000);
    assert.deepEqual(asked, [1, 1, 2]);
    one.forget();
    await one.look(34_001);
    assert.deepEqual([asked, [...one.seen.keys()]], [[1, 1, 2, 2], ["ben", "cem"]]);
});

test("nothing is asked where nobody looks, nobody else is there, and no more than the server tells of", async () => {
    const { presence: one, asked, around } = presence(["ben"], { visible: false });
    await one.look(0);
    around.visible = true;
    around.users = [];
    await one.look(0);
    assert.deepEqual(asked, []);
    around.users = Array.from({ length: 201 }, (_, n) => `u${n}`);
    await one.look(0);
    assert.deepEqual(asked, [200]);
});

test("who does something is there, where it was known of them that they are not", async () => {
    const { presence: one } = presence(["ben"]);
    one.here("ben");
    assert.equal(one.seen.size, 0);
    await one.look(0);
    one.seen = new Map([["ben", { user: "ben", online: false, last_seen: "2026-01-31T09:00:00.000Z" }]]);
    one.here("ben");
    one.here("cem");
    assert.deepEqual([...one.seen.values()], [{ user: "ben", online: true }]);
});

test("what cannot be told is not what was", async () => {
    const { presence: one, around } = presence(["ben"]);
    await one.look(0);
    around.fails = true;
    await one.look(30_000);
    assert.equal(one.seen.size, 0);
});
