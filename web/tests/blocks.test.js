import assert from "node:assert/strict";
import { test } from "vitest";
import { Blocks } from "../src/people/blocks.ts";

const settled = () => new Promise((resolve) => setImmediate(resolve));

function scene(...users) {
    const server = new Set(users);
    const listeners = new Set();
    const hints = new Set();
    let state = "connecting";
    let gate = null;
    const calls = [];
    const chat = {
        connection: { snapshot: () => ({ state }), subscribe: (listener) => (listeners.add(listener), () => listeners.delete(listener)) },
        onHint: (listener) => (hints.add(listener), () => hints.delete(listener)),
        async call(method, { user, after, limit }) {
            calls.push(method);
            if (method === "block") return void server.add(user);
            if (method === "unblock") return void server.delete(user);
            const ids = [...server].sort().filter((id) => after === undefined || id > after);
            const page = ids.slice(0, 2);
            await gate;
            assert.equal(limit, 100);
            return { blocks: page.map((user) => ({ user })), ...(ids.length > 2 && { next: page[1] }) };
        },
    };
    const becomes = (to) => ((state = to), listeners.forEach((listener) => listener()));
    const waits = () => {
        let open;
        gate = new Promise((resolve) => (open = resolve));
        return () => ((gate = null), open());
    };
    return { blocks: new Blocks(chat), server, calls, becomes, waits, hint: (hint) => hints.forEach((listener) => listener(hint)) };
}
const now = ({ blocks }) => [...blocks.snapshot()].sort().join(" ");

test("all pages of whom one has blocked are read with each connection, and after missed", async () => {
    const one = scene("eve", "mal", "oli");
    assert.equal(now(one), "");
    one.becomes("connected");
    await settled();
    assert.equal(now(one), "eve mal oli");
    one.server.delete("mal");
    one.becomes("connecting");
    one.becomes("connected");
    await settled();
    assert.equal(now(one), "eve oli");
    one.server.delete("oli");
    one.hint({ type: "missed" });
    await settled();
    assert.equal(now(one), "eve");
});

test("what is told while the list is read is not undone by it", async () => {
    const one = scene("eve");
    const open = one.waits();
    one.becomes("connected");
    one.hint({ type: "blocked", user: "mal" });
    one.hint({ type: "unblocked", user: "eve" });
    assert.equal(now(one), "mal");
    open();
    await settled();
    assert.equal(now(one), "mal");
});

test("one blocks and takes it back, and the page knows at once", async () => {
    const one = scene();
    await one.blocks.turn("eve", true);
    assert.deepEqual([now(one), [...one.server]], ["eve", ["eve"]]);
    await one.blocks.turn("eve", false);
    assert.deepEqual([now(one), one.calls], ["", ["block", "unblock"]]);
});
