import assert from "node:assert/strict";
import { test } from "vitest";
import { Today, untilMidnight } from "../src/app/today.ts";

function clock(at) {
    const all = { at: new Date(at), wakes: new Set(), backs: new Set() };
    const put = (set) => (wake) => (set.add(wake), () => set.delete(wake));
    return Object.assign(all, {
        now: () => all.at,
        after: (ms, wake) => ((all.ms = ms), put(all.wakes)(wake)),
        back: put(all.backs),
        goes: (to, of) => ((all.at = new Date(to)), [...of].forEach((wake) => wake())),
    });
}

test("whoever is open overnight is told at midnight, every night", () => {
    const around = clock("2026-01-31T23:00:00");
    const today = new Today(around);
    const heard = [];
    const end = today.subscribe(() => heard.push(today.snapshot()));
    assert.deepEqual([around.ms, around.wakes.size], [3_600_050, 1]);
    around.goes("2026-02-01T00:00:00.050", around.wakes);
    around.goes("2026-02-02T00:00:00.050", around.wakes);
    assert.deepEqual([heard, around.wakes.size], [["Sun Feb 01 2026", "Mon Feb 02 2026"], 1]);
    // Woken early it waits on.
    around.goes("2026-02-02T20:00:00", around.wakes);
    assert.equal(heard.length, 2);
    end();
    assert.deepEqual([around.wakes.size, around.backs.size], [0, 0]);
});

test("a computer that slept over midnight says so once somebody looks", () => {
    const around = clock("2026-01-31T23:00:00");
    const today = new Today(around);
    let heard = 0;
    today.subscribe(() => (heard += 1));
    around.goes("2026-02-01T09:00:00", around.backs);
    assert.deepEqual([heard, today.snapshot(), around.wakes.size], [1, "Sun Feb 01 2026", 1]);
});

test("a day is as long as it is", () => {
    assert.equal(untilMidnight(new Date(2026, 11, 31, 23, 59, 59)), 1_050);
});
