import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Made } from "../dist/store.js";
import { Telling } from "../dist/telling.js";
import { settled } from "./world.js";

/** A page with frames that come when they are told to. */
function framed() {
    const asked = new Map();
    let last = 0;
    globalThis.requestAnimationFrame = (draw) => (asked.set((last += 1), draw), last);
    globalThis.cancelAnimationFrame = (one) => void asked.delete(one);
    return () => {
        const all = [...asked.values()];
        asked.clear();
        for (const draw of all) draw();
        return all.length;
    };
}

afterEach(() => {
    delete globalThis.requestAnimationFrame;
    delete globalThis.cancelAnimationFrame;
});

function told() {
    const telling = new Telling();
    const one = { telling, count: 0 };
    telling.subscribe(() => (one.count += 1));
    return one;
}

test("however much comes over the network, it is told once in a frame", async () => {
    const frame = framed();
    const one = told();
    for (let n = 0; n < 50; n += 1) {
        one.telling.soon();
        await settled();
    }
    assert.equal(one.count, 0);
    assert.equal(frame(), 1);
    assert.equal(one.count, 1);
    assert.equal(frame(), 0);
    one.telling.soon();
    frame();
    assert.equal(one.count, 2);
});

test("what is done here is told at once, and what waited for a frame with it", async () => {
    const frame = framed();
    const one = told();
    one.telling.soon();
    one.telling.atOnce();
    one.telling.atOnce();
    assert.equal(one.count, 0);
    await settled();
    assert.equal(one.count, 1);
    assert.equal(frame(), 0);
});

test("where no frame comes, as in a page that nobody sees, it is told all the same", async (t) => {
    framed();
    t.mock.timers.enable({ apis: ["setTimeout"] });
    const one = told();
    one.telling.soon();
    t.mock.timers.tick(99);
    assert.equal(one.count, 0);
    t.mock.timers.tick(1);
    assert.equal(one.count, 1);
});

test("a value that follows is made anew only after a change, and only where somebody asks", async () => {
    let made = 0;
    const value = new Made(() => ({ nth: (made += 1) }));
    const changes = [];
    const end = value.subscribe(() => changes.push(value.snapshot().nth));
    value.changed();
    value.changed();
    assert.equal(made, 0);
    await settled();
    assert.equal(value.snapshot(), value.snapshot());
    assert.deepEqual([changes, made], [[1], 1]);
    end();
    value.changed();
    await settled();
    assert.equal(changes.length, 1);
});
