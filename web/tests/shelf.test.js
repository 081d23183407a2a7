import assert from "node:assert/strict";
import { test } from "vitest";
import { Shelf } from "../src/room/shelf.ts";

function store(text) {
    const kept = new Map(text === undefined ? [] : [["here", text]]);
    return { kept, getItem: (name) => kept.get(name) ?? null, setItem: (name, to) => kept.set(name, to), removeItem: (name) => kept.delete(name) };
}

test("what is kept is there for the next page, and gone when nothing is left", () => {
    const around = store();
    const one = new Shelf("here", around);
    one.keep([{ key: "a" }]);
    assert.deepEqual(new Shelf("here", around).read(), [{ key: "a" }]);
    one.keep([]);
    assert.equal(around.kept.size, 0);
    const left = store('[{"key":"a"}]');
    const other = new Shelf("here", left);
    other.read();
    other.keep([]);
    assert.equal(left.kept.size, 0);
});

test("two views of one room leave each other's things alone", () => {
    const around = store();
    const [one, other] = [new Shelf("here", around), new Shelf("here", around)];
    const kept = () => new Shelf("here", around).read().map(({ key }) => key);
    one.keep([{ key: "a" }]);
    // It goes on with what the first had to do, and has more to do.
    assert.deepEqual(other.read(), [{ key: "a" }]);
    other.keep([{ key: "a" }, { key: "b" }]);
    one.keep([{ key: "a" }, { key: "c" }]);
    assert.deepEqual(kept(), ["b", "a", "c"]);
    one.keep([]);
    assert.deepEqual(kept(), ["b"]);
    other.keep([]);
    assert.equal(around.kept.size, 0);
});

test("a browser that keeps nothing more stops nothing", () => {
    const full = { ...store("[]"), setItem: () => { throw new Error("full"); } };
    new Shelf("here", full).keep([{ key: "a" }]);
});

test("what is not ours is nothing", () => {
    for (const text of ["{", "7", "null", '{"a":1}']) assert.deepEqual(new Shelf("here", store(text)).read(), [], text);
});
