import assert from "node:assert/strict";
import { test } from "node:test";
import { readFurther, seenBy } from "../dist/receipts.js";

const message = (seq, from) => ({ type: "message", seq, from });
const shown = [message(1, "ana"), message(3, "ben"), { type: "joined", seq: 4, from: "cem", user: "cem" }, message(6, "ana"), message(9, "ana")];
const people = ["ana", "ben", "cem", "dan"];
const seen = (reads) => Object.fromEntries(seenBy(shown, new Map(Object.entries(reads)), people, "ana"));

test("each is under the newest message that they have seen", () => {
    assert.deepEqual(seen({ ben: 9, cem: 7, dan: 8 }), { 9: ["ben"], 6: ["cem", "dan"] });
    // A line is no message, and what is not loaded is not shown.
    assert.deepEqual(seen({ cem: 4, dan: 0 }), { 3: ["cem"] });
    assert.deepEqual(seen({ cem: 100 }), { 9: ["cem"] });
});

test("one's own mark is not told, nor what somebody's own message says", () => {
    assert.deepEqual(seen({ ana: 9, ben: 3 }), {});
    assert.deepEqual(seen({ ben: 1 }), {});
    assert.deepEqual(seen({ ben: 6 }), { 6: ["ben"] });
});

test("who is no member any more is not told of", () => {
    assert.deepEqual(seen({ eve: 9 }), {});
});

test("marks go forward only", () => {
    const reads = new Map([["ben", 5]]);
    assert.equal(readFurther(reads, "ben", 4), reads);
    assert.equal(readFurther(reads, "ben", 6).get("ben"), 6);
    assert.equal(readFurther(reads, "cem", 1).get("cem"), 1);
});
