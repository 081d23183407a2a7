import assert from "node:assert/strict";
import { test } from "node:test";
import { Others, RoomList } from "../dist/rooms.js";

const room = (id, count = 0, more) => ({ id, kind: "private", name: "", head: 10, unread: { count }, mentions: { count: 0 }, ...more });

// A server with these rooms; what is asked of it waits where the scene says so.
function scene(...rooms) {
    const server = new Map(rooms.map((one) => [one.id, one]));
    const asked = [];
    const pauses = [];
    let gate = null;
    let fails = [];
    const answer = async (what, how) => {
        asked.push(what);
        const failure = fails.shift();
        if (failure) throw failure;
        // What is answered was so when it was asked.
        const said = how();
        await gate;
        return said;
    };
    const list = new RoomList({
        page: (after) =>
            answer(`after ${after ?? "nothing"}`, () => {
                const ids = [...server.keys()].sort().filter((id) => after === undefined || id > after);
                return { rooms: ids.slice(0, 2).map((id) => server.get(id)), ...(ids.length > 2 && { next: ids[1] }) };
            }),
        row: (id) => answer(id, () => server.get(id)),
        reading: () => undefined,
        changed: () => {},
        pause: async (ms) => void pauses.push(ms),
    });
    const waits = () => {
        let open;
        gate = new Promise((resolve) => (open = resolve));
        return () => (gate = null, open());
    };
    return { list, server, asked, pauses, waits, fail: (...with_) => (fails = with_) };
}
const unread = (list) => Object.fromEntries([...list.now.all].map(([id, { unread }]) => [id, unread.count]));

test("all pages are read, and rooms that are there no more go", async () => {
    const { list, server, asked } = scene(room("a"), room("b", 2), room("c", 3));
    await list.again();
    assert.deepEqual([unread(list), list.known, asked], [{ a: 0, b: 2, c: 3 }, true, ["after nothing", "after b"]]);
    server.delete("a");
    await list.hint({ type: "missed" });
    assert.deepEqual(unread(list), { b: 2, c: 3 });
});

test("after a hint one room is asked for, and after missed all", async () => {
    const { list, server, asked } = scene(room("a"), room("b"));
    await list.again();
    server.set("b", room("b", 1, { head: 11 }));
    await list.hint({ type: "activity", room: "b", head: 11 });
    assert.deepEqual([unread(list), asked.splice(0)], [{ a: 0, b: 1 }, ["after nothing", "b"]]);
    // Nobody said anything of this one.
    server.set("a", room("a", 5));
    await list.hint({ type: "missed" });
    assert.deepEqual([unread(list), asked], [{ a: 5, b: 1 }, ["after nothing"]]);
});

test("what happens while an answer is on its way is asked for after it", async () => {
    const { list, server, waits } = scene(room("a", 1));
    await list.again();
    const go = waits();
    void list.hint({ type: "activity", room: "a", head: 11 });
    server.set("a", room("a", 2));
    const done = list.hint({ type: "activity", room: "a", head: 12 });
    go();
    await done;
    assert.deepEqual(unread(list), { a: 2 });
});

test("a mark that is written while an answer is on its way is not undone by it", async () => {
    const { list, server, waits } = scene(room("a", 1));
    await list.again();
    const go = waits();
    const done = list.hint({ type: "activity", room: "a", head: 10 });
    server.set("a", room("a", 0));
    list.readTo("a", 10);
    go();
    await done;
    assert.deepEqual(unread(list), { a: 0 });
});

test("who is removed while the list is on its way is not in it", async () => {
    const { list, server, waits } = scene(room("a"), room("b"));
    const go = waits();
    const done = list.again();
    server.delete("b");
    void list.hint({ type: "removed", room: "b", seq: 3 });
    go();
    await done;
    assert.deepEqual(unread(list), { a: 0 });
});

test("where many have changed all are asked for, and no one is asked for all the time", async () => {
    const ids = Array.from({ length: 30 }, (_, n) => `r${n}`);
    const { list, asked, pauses, waits } = scene(...ids.map((id) => room(id)));
    await list.again();
    asked.length = 0;
    const go = waits();
    const done = ids.map((id) => list.hint({ type: "activity", room: id, head: 11 }));
    go();
    await Promise.all(done);
    assert.equal(asked.filter((what) => what === "r0" || what.startsWith("after")).length, asked.length);
    assert.ok(pauses.length > 0 && pauses.every((ms) => ms >= 30), String(pauses));
});

test("what fails for now is asked for again, what is refused waits for the next connection", async () => {
    const { list, asked, pauses, fail } = scene(room("a", 1));
    fail({ code: 503, message: "", temporary: true }, { code: 1, message: "timeout" });
    await list.again();
    assert.deepEqual([asked.length, pauses, unread(list)], [3, [2000, 2000], { a: 1 }]);
    fail({ code: 104, message: "" });
    await list.hint({ type: "missed" });
    assert.equal(list.now.lost, true);
    await list.again();
    assert.equal(list.now.lost, false);
});

test("the others of direct rooms are asked for once", async () => {
    const asked = [];
    const members = async (id) => (asked.push(id), { members: [{ user: "ana" }, { user: id === "d1" ? "ben" : "cem" }] });
    const others = new Others({ me: "ana", members, changed: () => {} });
    await others.want(["d1", "d2"]);
    await others.want(["d1", "d2"]);
    assert.deepEqual([asked, [...others.of.values()]], [["d1", "d2"], [["ben"], ["cem"]]]);
});

test("those that are wanted while others are asked for are asked for, too", async () => {
    const asked = [];
    const others = new Others({ me: "ana", members: async (id) => (asked.push(id), { members: [{ user: "ben" }] }), changed: () => {} });
    const done = others.want(["d1"]);
    void others.want(["d1", "d2"]);
    await done;
    assert.deepEqual(asked, ["d1", "d2"]);
});
