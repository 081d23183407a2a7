// A chat over a server that loses connections, answers and pages: what was said is in the log once and in order, and what is
// shown is the log.

import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStorage } from "../dist/index.js";
import { live, opens, textsOf } from "./chats.js";
import { Server, settled, until, World } from "./world.js";

const ROUNDS = process.env.HUBBUB_LONG ? 1_000 : 120;

async function round(seed) {
    const rooms = ["general", "kitchen"];
    const world = new World(seed);
    const { below, server } = world;
    const kept = new MemoryStorage();
    let ana = opens(world, kept, rooms);
    const said = new Map(rooms.map((room) => [room, []]));
    for (let n = 0; n < 120; n += 1) {
        const room = rooms[below(2)];
        switch (below(12)) {
            case 0:
            case 1: {
                const text = `${room} ${n}`;
                said.get(room).push(text);
                ana.chat.room(room).send({ text });
                break;
            }
            case 2:
                server.append("ben", room, { type: "message", text: `ben ${n}` });
                break;
            case 3: {
                const target = 1 + below(server.log(room).length || 1);
                if (server.log(room)[target - 1]?.type !== "message") break;
                if (below(2)) server.append("ben", room, { type: "reacted", target, reaction: `${n}` });
                else server.append("ben", room, { type: "edited", target, text: server.log(room)[target - 1].text });
                break;
            }
            case 4:
                ana.link.cut();
                break;
            case 5:
                if (below(3)) break;
                await ana.dies();
                ana = opens(world, kept, rooms);
                break;
            case 6:
                if (below(4)) break;
                await ana.chat.close();
                ana = opens(world, kept, rooms);
                break;
            default:
                ana.link.connect();
                for (let steps = below(8); steps; steps -= 1) {
                    world.step();
                    await settled();
                }
        }
        await settled();
    }
    const on = () => {
        ana.link.connect();
        world.all();
    };
    for (const room of rooms) {
        const own = () => server.log(room).filter(({ type, from }) => type === "message" && from === "ana").map(({ text }) => text);
        const same = () => {
            const { rows } = ana.chat.room(room).snapshot();
            const all = server.shown(room, "ana");
            const shown = rows.map(({ entry }) => entry);
            return rows.length >= Math.min(50, all.length) && JSON.stringify(shown) === JSON.stringify(all.slice(-rows.length));
        };
        const what = () => `seed ${seed}: ${room} shows ${textsOf(ana.chat.room(room))}, and its log is ${server.texts(room)}`;
        await until(() => own().length >= said.get(room).length && same(), what, on);
        assert.deepEqual(own(), said.get(room), `seed ${seed}: each once and in order`);
    }
    await until(() => ana.chat.rooms.snapshot().known, "the list", on);
    assert.deepEqual(await kept.drafts(), [], `seed ${seed}: nothing waits`);
    await ana.chat.close();
}

test(`whatever is lost, each draft is in the log once and in order, and the log is what is shown (${ROUNDS} worlds)`, async () => {
    const seeds = Array.from({ length: ROUNDS }, (_, n) => n + 1);
    for (let from = 0; from < seeds.length; from += 40) await Promise.all(seeds.slice(from, from + 40).map(round));
});

test("a refused draft stays with its reason across a reload, goes again or is discarded", async () => {
    const world = new World();
    const kept = new MemoryStorage();
    let ana = opens(world, kept);
    ana.link.connect();
    const general = () => ana.chat.room("general");
    const refused = general().send({ text: "refuse me" });
    const later = general().send({ text: "later" });
    const problem = refused.stored.catch((why) => why);
    await until(() => world.server.texts("general").includes("later"), "what comes later", world.all);
    assert.equal((await problem).code, 106);
    await later.stored;
    await ana.dies();
    ana = opens(world, kept);
    ana.link.connect();
    const draft = () => general().snapshot().rows.find((row) => row.kind === "draft")?.draft;
    await until(() => draft()?.state === "refused" && live(ana.chat, "general")(), "the refused draft", world.all);
    assert.match(draft().error, /not this/);
    general().again(refused.key);
    await until(() => draft()?.state === "refused", "refused again", world.all);
    assert.equal(world.server.calls.send, 3);
    general().discard(refused.key);
    assert.equal(draft(), undefined);
    assert.deepEqual(await kept.drafts(), []);
    await ana.chat.close();
});

test("drafts of another database are neither shown nor sent, and are there again with their own", async () => {
    const kept = new MemoryStorage();
    const one = new World(1, new Server("d1"));
    let ana = opens(one, kept);
    ana.link.connect();
    await until(live(ana.chat, "general"), "live", one.all);
    ana.link.cut();
    await ana.chat.room("general").send({ text: "of the first" }).kept;
    await ana.dies();

    const two = new World(1, new Server("d2"));
    two.server.append("ben", "general", { type: "message", text: "another" });
    ana = opens(two, kept);
    assert.deepEqual(textsOf(ana.chat.room("general")), []);
    // As long as nobody has said otherwise, it is the database of last time.
    await until(() => textsOf(ana.chat.room("general")).length === 1, "the draft");
    ana.link.connect();
    await until(() => textsOf(ana.chat.room("general")).includes("another"), "the other log", two.all);
    await ana.chat.room("general").send({ text: "of the second" }).kept;
    await until(() => two.server.texts("general").length === 2, "sent", two.all);
    await until(() => textsOf(ana.chat.room("general")).length === 2, "shown", two.all);
    assert.deepEqual(textsOf(ana.chat.room("general")), ["another", "of the second"]);
    await ana.chat.close();

    ana = opens(one, kept);
    ana.link.connect();
    await until(() => one.server.texts("general").length === 1, "sent at last", one.all);
    assert.deepEqual(one.server.texts("general"), ["of the first"]);
    assert.deepEqual(two.server.texts("general"), ["another", "of the second"]);
    await ana.chat.close();
});

test("what was written before there was any connection is sent with the first", async () => {
    const world = new World();
    const kept = new MemoryStorage();
    let ana = opens(world, kept);
    await ana.chat.room("general").send({ text: "early" }).kept;
    await ana.dies();
    ana = opens(world, kept);
    await until(() => textsOf(ana.chat.room("general")).join() === "early (sending)", "shown without any connection");
    ana.link.connect();
    await until(() => world.server.texts("general").length === 1, "sent", world.all);
    await ana.chat.close();
});

test("a room is shown again from what was kept, and only what came since is asked for", async () => {
    const world = new World();
    const kept = new MemoryStorage();
    for (let n = 1; n <= 150; n += 1) world.server.append("ben", "general", { type: "message", text: `text ${n}` });
    let ana = opens(world, kept);
    ana.link.connect();
    const general = () => ana.chat.room("general");
    const loaded = (n) => until(() => general().snapshot().rows.length >= n, `${n} rows`, world.all);
    await loaded(50);
    for (let n = 100; n <= 150; n += 50) {
        void general().older();
        await loaded(n);
    }
    await ana.chat.close();
    world.server.append("ben", "general", { type: "reacted", target: 150, reaction: "+" });
    world.server.append("ben", "general", { type: "message", text: "since" });
    const pages = world.server.calls.messages;

    ana = opens(world, kept);
    // Without any connection.
    await loaded(100);
    assert.equal(general().snapshot().rows[0].entry.seq, 51);
    ana.link.connect();
    await until(() => textsOf(general()).includes("since"), "what came since", world.all);
    assert.equal(world.server.calls.messages, pages);
    assert.equal(general().snapshot().rows.at(-2).entry.reactions[0].reaction, "+");
    void general().older();
    await loaded(151);
    assert.deepEqual(general().snapshot().rows.map(({ entry }) => entry), world.server.shown("general", "ana"));
    await ana.chat.close();
});

test("what was kept of another history is dropped", async () => {
    const world = new World();
    const kept = new MemoryStorage();
    world.server.append("ben", "general", { type: "message", text: "old" });
    let ana = opens(world, kept);
    ana.link.connect();
    await until(() => textsOf(ana.chat.room("general")).length === 1, "old", world.all);
    await ana.chat.close();
    world.server.rooms.clear();
    world.server.epoch = "another";
    world.server.append("ben", "general", { type: "message", text: "new" });
    ana = opens(world, kept);
    ana.link.connect();
    await until(() => textsOf(ana.chat.room("general"))[0] === "new", "new", world.all);
    assert.deepEqual(textsOf(ana.chat.room("general")), ["new"]);
    await ana.chat.close();

    // What a later version of the SDK has written is nothing to this one.
    const room = await kept.room("general");
    await kept.putRoom({ ...room, version: room.version + 1, state: { unknown: true } });
    ana = opens(world, kept);
    ana.link.connect();
    await until(live(ana.chat, "general"), "live", world.all);
    await until(() => textsOf(ana.chat.room("general")).length === 1, "new", world.all);
    assert.deepEqual(textsOf(ana.chat.room("general")), ["new"]);
    await ana.chat.close();
});

test("unread counts follow what is said elsewhere and what is read here", async () => {
    const world = new World();
    world.server.append("ben", "kitchen", { type: "message", text: "one" });
    world.server.append("ben", "general", { type: "message", text: "one" });
    const ana = opens(world, new MemoryStorage(), ["general"]);
    ana.link.connect();
    const unread = () => Object.fromEntries(ana.chat.rooms.snapshot().rooms.map(({ id, unread }) => [id, unread.count]));
    await until(() => ana.chat.rooms.snapshot().known, "the list", world.all);
    await until(() => unread().general === 1 && unread().kitchen === 1, "one each", world.all);
    world.server.append("ben", "kitchen", { type: "message", text: "two" });
    await until(() => unread().kitchen === 2, "two", world.all);
    assert.equal(ana.chat.rooms.snapshot().unread.count, 3);
    ana.chat.room("general").look(true);
    await until(() => unread().general === 0, "read", world.all);
    assert.equal(world.server.reads.get("ana general"), 1);
    assert.equal(ana.chat.rooms.snapshot().unread.count, 2);
    // Another device has read the other room.
    world.server.answers("ana", "read", { room: "kitchen", seq: 2 });
    await until(() => unread().kitchen === 0, "read elsewhere", world.all);
    await ana.chat.close();
});

test("logging out leaves nothing and sends nothing", async () => {
    const world = new World();
    const kept = new MemoryStorage();
    let ana = opens(world, kept);
    ana.link.connect();
    await until(live(ana.chat, "general"), "live", world.all);
    ana.link.cut();
    await ana.chat.room("general").send({ text: "never" }).kept;
    await ana.chat.logOut();
    assert.deepEqual([await kept.drafts(), await kept.room("general"), await kept.database()], [[], null, null]);
    ana = opens(world, kept);
    ana.link.connect();
    await until(live(ana.chat, "general"), "live", world.all);
    assert.deepEqual(textsOf(ana.chat.room("general")), []);
    await ana.chat.close();
});

test("a snapshot is the same object until something has changed", async () => {
    const world = new World();
    const ana = opens(world, new MemoryStorage());
    ana.link.connect();
    await until(live(ana.chat, "general"), "live", world.all);
    const general = ana.chat.room("general");
    await settled();
    const before = general.snapshot();
    assert.equal(general.snapshot(), before);
    assert.equal(ana.chat.room("general"), general);
    let told = 0;
    general.subscribe(() => (told += 1));
    world.server.append("ben", "general", { type: "message", text: "one" });
    world.server.append("ben", "general", { type: "message", text: "two" });
    await until(() => general.snapshot().rows.length === 2, "two", world.all);
    assert.notEqual(general.snapshot(), before);
    assert.equal(before.rows.length, 0);
    assert.ok(told > 0);
    await ana.chat.close();
});

test("what is done in a room goes under one key until there is an answer, and no longer than the chat", async () => {
    const world = new World();
    world.server.append("ben", "general", { type: "message", text: "one" });
    const ana = opens(world, new MemoryStorage());
    const general = ana.chat.room("general");
    const done = general.react(1, "+");
    await settled();
    ana.link.connect();
    await until(() => world.server.log("general").length === 2, "the reaction", () => {
        ana.link.connect();
        world.all();
    });
    ana.link.connect();
    await settled();
    world.all();
    await done;
    ana.link.cut();
    const never = general.react(1, "-").then(() => "done", ({ message }) => message);
    await settled();
    await ana.chat.close();
    assert.notEqual(await never, "done");
    assert.equal(world.server.log("general").length, 2);
});

test("whoever shows a room is told of its entries, of how far one has read, and why it ended", async () => {
    const world = new World();
    world.server.append("ben", "general", { type: "message", text: "one" });
    const ana = opens(world, new MemoryStorage());
    const room = ana.chat.room("general");
    const heard = [];
    const end = room.onEntry(({ type }) => heard.push(type));
    assert.deepEqual([room.snapshot().known, room.snapshot().code], [false, null]);
    ana.link.connect();
    await until(() => room.snapshot().known, "how far one has read", world.all);
    assert.deepEqual([room.snapshot().since, room.snapshot().rows.length], [0, 1]);
    world.server.append("ben", "general", { type: "reacted", target: 1, reaction: "+" });
    world.server.append("ben", "general", { type: "message", text: "two" });
    await until(() => textsOf(room).length === 2, "two", world.all);
    assert.deepEqual(heard, ["reacted", "message"]);
    end();
    world.server.append("ben", "general", { type: "message", text: "three" });
    await until(() => textsOf(room).length === 3, "three", world.all);
    assert.equal(heard.length, 2);
    room.ended(2000, "You were removed from this room.");
    assert.deepEqual([room.snapshot().state, room.snapshot().code, room.snapshot().known], ["ended", 2000, false]);
    await ana.chat.close();
});

test("whoever reads the end of a busy room has some hundreds of its rows, and the others again further up", async () => {
    const world = new World();
    const ana = opens(world, new MemoryStorage());
    const room = ana.chat.room("general");
    ana.link.connect();
    await until(live(ana.chat, "general"), "live", world.all);
    room.look(true);
    for (let n = 1; n <= 1_500; n += 1) {
        world.server.append("ben", "general", { type: "message", text: `text ${n}` });
        world.all();
    }
    await until(() => textsOf(room).at(-1) === "text 1500", "the end", world.all);
    const shown = room.snapshot().rows.length;
    assert.ok(shown <= 600, `${shown} rows`);
    assert.equal(room.snapshot().complete, false);
    void room.older();
    await until(() => room.snapshot().rows.length === shown + 50, "what went", world.all);
    const seqs = room.snapshot().rows.map(({ entry }) => entry.seq);
    assert.deepEqual(seqs, seqs.map((_, n) => 1_500 - seqs.length + 1 + n));
    await ana.chat.close();
});
