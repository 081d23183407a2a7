import assert from "node:assert/strict";
import { test } from "vitest";
import { rowOf } from "../src/room/finding.ts";

const entry = (seq) => ({ kind: "entry", key: `k${seq}`, entry: { seq } });

test("what is sought is waited for while it may come, and not for ever", () => {
    const loading = { seq: 3, loaded: false };
    const loaded = { seq: 3, loaded: true };
    assert.equal(rowOf(loading, [entry(9)], [entry(9)]), "wait");
    // It has come, and is drawn with the next change.
    assert.equal(rowOf(loaded, [entry(9)], [entry(3), entry(9)]), "wait");
    assert.deepEqual(rowOf(loaded, [entry(3), entry(9)], [entry(3), entry(9)]), { key: "k3" });
    assert.equal(rowOf(loaded, [entry(9)], [entry(9)]), "none");
});
