import assert from "node:assert/strict";
import { test } from "node:test";
import { jump } from "../.tests/web/src/jump.js";

test("a panel that covers the room goes when something there is to be seen", () => {
    assert.deepEqual(jump({}, true), { closes: true });
    assert.deepEqual(jump({ thread: 3, in_room: true }, true), { closes: true });
    assert.deepEqual(jump({}, false), { closes: false });
});

test("what stands only in a thread is shown there", () => {
    assert.deepEqual(jump({ thread: 3 }, true), { thread: 3, closes: false });
    assert.deepEqual(jump({ thread: 3, in_room: false }, false), { thread: 3, closes: false });
});
