// What becomes of drafts at the bounds of what is promised: too many, of another database, of a chat that ends.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DRAFTS, MemoryStorage } from "../dist/index.js";
import { live, opens, textsOf } from "./chats.js";
import { Server, settled, until, World } from "./world.js";

const saysWhy = (sending) => sending.stored.then(() => "stored", ({ code, message }) => `${code} ${message}`);

test("so many drafts may wait in all rooms together, and one more is refused with that number", async () => {
    const world = new World();
    const ana = opens(world, new MemoryStorage());
    for (let n = 0; n < DRAFTS; n += 1) ana.chat.room(`room ${n % 2}`).send({ text: `${n}` });
    const more = () => ana.chat.room("general").send({ text: "one more" });
    assert.throws(more, ({ code, message }) => code === 106 && message.includes(`at most ${DRAFTS}`));
    assert.deepEqual(textsOf(ana.chat.room("general")), []);
    ana.link.connect();
    await until(() => world.server.texts("room 0").length + world.server.texts("room 1").length === DRAFTS, "all of them", world.all);
    await until(() => textsOf(ana.chat.room("room 0")).every((text) => !text.includes("sending")), "answered", world.all);
    await more().kept;
    await ana.chat.close();
});

test("drafts that were refused and still stand there count, until they are discarded", async () => {
    const world = new World();
    const ana = opens(world, new MemoryStorage());
    ana.link.connect();
    const general = ana.chat.room("general");
    const said = Array.from({ length: DRAFTS }, () => general.send({ text: "refuse me" }));
    const refused = Promise.all(said.map(saysWhy));
    let all = false;
    void refused.then(() => (all = true));
    await until(() => all, "refused", world.all);
    assert.throws(() => general.send({ text: "one more" }), ({ code }) => code === 106);
    general.discard(said[0].key);
    await general.send({ text: "one more" }).kept;
    await ana.chat.close();
});

test("a promise of a draft ends when the server has another database, and the draft is sent when its own is back", async () => {
    const kept = new MemoryStorage();
    const world = new World(1, new Server("d1"));
    const ana = opens(world, kept);
    ana.link.connect();
    await until(live(ana.chat, "general"), "live", world.all);
    ana.link.cut();
    const said = ana.chat.room("general").send({ text: "of the first" });
    const why = saysWhy(said);
    await said.kept;
    const first = world.server;
    world.server = new Server("d2");
    ana.link.connect();
    assert.match(await why, /^0 the server has another database now/);
    await until(live(ana.chat, "general"), "live", world.all);
    assert.deepEqual([textsOf(ana.chat.room("general")), world.server.texts("general")], [[], []]);
    ana.link.cut();
    world.server = first;
    ana.link.connect();
    await until(() => first.texts("general").length === 1, "sent after all", world.all);
    await until(() => textsOf(ana.chat.room("general")).join() === "of the first", "shown", world.all);
    await ana.chat.close();
});

test("a promise of a draft ends with the chat, and when one logs out", async () => {
    const world = new World();
    const kept = new MemoryStorage();
    for (const [ends, words] of [["close", /^0 the chat was closed; what is kept/], ["logOut", /^0 you were logged out/]]) {
        const ana = opens(world, kept);
        ana.link.connect();
        await until(live(ana.chat, "general"), "live", world.all);
        ana.link.cut();
        const said = ana.chat.room("general").send({ text: ends });
        const why = saysWhy(said);
        await said.kept;
        await ana.chat[ends]();
        assert.match(await why, words);
    }
    assert.deepEqual(await kept.drafts(), []);
});

test("a room that is called off is not asked for any more, neither while it is asked nor in a pause", async () => {
    for (const cut of [false, true]) {
        const world = new World();
        let asked = 0;
        const { answers } = world.server;
        world.server.answers = function (user, method, data) {
            if (method !== "create_room") return answers.call(this, user, method, data);
            asked += 1;
            return { id: "a room" };
        };
        const ana = opens(world, new MemoryStorage());
        ana.link.connect();
        await until(live(ana.chat, "general"), "live", world.all);
        const off = new AbortController();
        if (cut) ana.link.cut();
        const made = ana.chat.createRoom({ kind: "open" }, { signal: off.signal });
        let why;
        made.catch((reason) => (why = reason));
        await settled();
        off.abort("not any more");
        await until(() => why, "the reason");
        assert.equal(why, "not any more");
        ana.link.connect();
        world.all();
        await settled();
        world.all();
        // What was under way arrives; nothing is asked again.
        assert.equal(asked, cut ? 0 : 1);
        await assert.rejects(ana.chat.createRoom({ kind: "open" }, { signal: off.signal }), (reason) => reason === "not any more");
        await ana.chat.close();
    }
});

test("a room is made once, however often the answer is lost", async () => {
    const world = new World();
    const ids = new Set();
    const { answers } = world.server;
    world.server.answers = function (user, method, data) {
        if (method !== "create_room") return answers.call(this, user, method, data);
        ids.add(data.id);
        return { id: `room of ${data.id}` };
    };
    const ana = opens(world, new MemoryStorage());
    ana.link.connect();
    await until(live(ana.chat, "general"), "live", world.all);
    const made = ana.chat.createRoom({ kind: "open" });
    // It has arrived, and the answer has not.
    while (!ids.size) world.step();
    ana.link.cut();
    await settled();
    ana.link.connect();
    let id;
    void made.then((value) => (id = value));
    await until(() => id, "the room", () => {
        ana.link.connect();
        world.all();
    });
    assert.deepEqual([...ids].map((one) => `room of ${one}`), [id]);
    await ana.chat.close();
});

test("a chat that was refused for good tries again when it is told to connect", async () => {
    const world = new World();
    const ana = opens(world, new MemoryStorage());
    ana.link.connect();
    await until(live(ana.chat, "general"), "live", world.all);
    let opened = 0;
    const { open } = ana.link;
    ana.link.open = function (listener) {
        opened += 1;
        open.call(this, listener);
    };
    ana.chat.connect();
    assert.equal(opened, 0);
    ana.link.cut();
    ana.link.listener.state("disconnected", "The server does not accept the token.");
    assert.equal(ana.chat.connection.snapshot().problem, "The server does not accept the token.");
    const said = ana.chat.room("general").send({ text: "waits" });
    ana.chat.connect();
    assert.deepEqual([opened, ana.chat.connection.snapshot().state], [1, "connecting"]);
    ana.link.connect();
    await until(() => world.server.texts("general").length === 1, "sent", world.all);
    await said.stored.catch(() => assert.fail());
    await ana.chat.close();
});
