// Rooms that somebody has visited and left: given up, without what stands in them being lost.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { MemoryStorage } from "../dist/index.js";
import { live, opens, textsOf } from "./chats.js";
import { until, World } from "./world.js";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");
/** In a turn of its own: what was looked at in a turn is there until its end. */
const collects = () => void setImmediate(collect);

/** Opens a room and leaves it again. */
async function visits(ana, world, id) {
    const room = ana.chat.room(id);
    const leave = room.open();
    await until(live(ana.chat, id), id, world.all);
    leave();
    return new WeakRef(room);
}

test("a room that nobody follows is given up, but for one with something to send, and is the same when it is opened again", async () => {
    const world = new World();
    const kept = new MemoryStorage();
    const ana = opens(world, kept, []);
    for (const id of ["a", "b"]) world.server.append("ben", id, { type: "message", text: `hello ${id}` });
    ana.link.connect();
    const a = await visits(ana, world, "a");
    const b = await visits(ana, world, "b");
    // While there is no connection it waits.
    ana.link.cut();
    ana.chat.room("b").send({ text: "later" });
    await until(() => !ana.link.follows.size, "followed no more");
    await until(() => !a.deref(), "the room is given up", collects);
    assert.ok(b.deref(), "it has something to send");
    ana.link.connect();
    await until(() => world.server.texts("b").includes("later"), "sent", world.all);
    await until(() => !b.deref(), "it has sent all", () => (world.all(), collects()));
    // What was kept is shown before anything is asked.
    ana.link.cut();
    const again = ana.chat.room("a");
    const leave = again.open();
    await until(() => textsOf(again).includes("hello a"), "what was kept");
    assert.equal(ana.chat.room("a"), again);
    leave();
    await ana.chat.close();
});

test("a page that goes writes down no room that is as it was: another tab may have kept more of it", async () => {
    const world = new World();
    const kept = new MemoryStorage();
    const ana = opens(world, kept, []);
    world.server.append("ben", "a", { type: "message", text: "hello" });
    ana.link.connect();
    const room = ana.chat.room("a");
    const leave = room.open();
    await until(live(ana.chat, "a"), "live", world.all);
    leave();
    await room.keep();
    const newer = { ...(await kept.room("a")), state: "of another tab" };
    await kept.putRoom(newer);
    await ana.chat.close();
    assert.equal((await kept.room("a")).state, "of another tab");
});
