// Somebody reads up and down a long thread, goes to its end, and closes it, while others write: what is shown is a part of its
// replies without holes, as they are now, and no more is held than is said.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fold } from "../dist/fold.js";
import { Pages } from "../dist/pages.js";
import { newerReplies, olderReplies } from "../dist/thread.js";
import { empty, LONG, replies, step } from "../dist/timeline.js";
import { random } from "./world.js";

const ROUNDS = process.env.HUBBUB_LONG ? 200 : 30;
const at = "2026-01-31T09:30:00.000Z";

class Reader {
    constructor(seed, most = 2_500) {
        this.below = random(seed);
        this.log = [];
        this.thread = { me: "ana", thread: 1, asOf: 0, newest: true, entries: [] };
        this.waiting = [];
        for (let n = 0; n < 100 + this.below(most); n += 1) this.append();
        this.now = step(empty("ana"), { do: "start", epoch: "e1", head: this.log.length });
        this.delivered = this.log.length;
        this.pages = new Pages({
            page: (method, what) => new Promise((is) => this.waiting.push(() => is(this.answers(method, what)))),
            timeline: () => this.now,
            take: async (action) => void (this.now = step(this.now, action)),
            find: () => false,
            trouble: () => {},
            lost: () => {},
            inThread: () => {},
            pause: async () => {},
        });
    }

    append() {
        const seq = this.log.length + 1;
        const target = 1 + this.below(seq);
        const kind = seq === 1 ? "message" : (["edited", "deleted", "reacted"][this.below(40)] ?? "message");
        const reply = seq > 1 && this.below(8) > 0 && { thread: 1 };
        const more = { message: { text: `text ${seq}`, ...reply }, edited: { target, text: `again ${seq}` }, deleted: { target }, reacted: { target, reaction: "+1" } };
        const entry = { type: kind, id: `id-${seq}`, room: "general", seq, from: "ben", at, key: `k${seq}`, ...more[kind] };
        this.log.push(entry);
        this.thread = fold(this.thread, entry);
    }

    /** As the server does: shorter than asked for where the page is heavy. */
    answers(method, { before, after, limit }) {
        const some = { as_of: this.log.length, head: this.log.length, floor: 1, epoch: "e1" };
        if (method === "message") return { ...some, entries: [structuredClone(this.log[0])] };
        const most = 1 + this.below(4) ? limit : 1 + this.below(limit);
        const all = this.thread.entries.filter(({ seq }) => seq < (before ?? Infinity) && seq > (after ?? 0));
        return { ...some, entries: structuredClone(after === undefined ? all.slice(-most) : all.slice(0, most)) };
    }

    hears() {
        if (this.delivered === this.log.length) return;
        this.now = step(this.now, { do: "live", entry: structuredClone(this.log[this.delivered]) });
        this.delivered += 1;
    }

    open() {
        this.now = step(this.now, { do: "open thread", root: 1 });
        void this.pages.thread();
    }

    async answered() {
        this.waiting.splice(this.below(this.waiting.length), 1)[0]?.();
        for (let n = 0; n < 6; n += 1) await Promise.resolve();
    }

    shown() {
        return this.now.thread.pages.flatMap((page) => page.entries);
    }

    /** All of the log has come: what is shown, beside the thread as it is. */
    looks() {
        while (this.delivered < this.log.length) this.hears();
        const { thread } = this.now;
        if (!thread?.pages.length) return;
        const { entries } = this.thread;
        const shown = this.shown();
        assert.ok(shown.length <= LONG, `${shown.length} are held`);
        const from = entries.findIndex(({ seq }) => seq === shown[0]?.seq);
        for (const [nth, entry] of shown.entries()) assert.deepEqual(entry, entries[from + nth], `reply ${entry.seq}`);
        if (thread.ends) assert.equal(shown.at(-1)?.seq, entries.at(-1)?.seq);
        if (thread.complete) assert.equal(shown[0]?.seq, entries[0]?.seq);
        assert.equal(replies(this.now).length, shown.length);
    }

    async moves() {
        switch (this.below(12)) {
            case 0:
                return this.below(8) ? undefined : this.open();
            case 1:
            case 2:
            case 3:
                return void this.pages.replies();
            case 4:
                return void this.pages.replies(true);
            case 5:
            case 6:
                return this.append();
            case 7:
            case 8:
                return this.hears();
            default:
                return this.answered();
        }
    }
}

test("in random worlds the replies are a part of the thread without holes, as it is now", async () => {
    for (let seed = 1; seed <= ROUNDS; seed += 1) {
        const one = new Reader(seed);
        one.open();
        for (let n = 0; n < 400; n += 1) {
            await one.moves();
            if (n % 10 === 0) one.looks();
        }
        one.looks();
    }
});

/** Asks, and has all that is waited for be answered. */
async function until(one, does, is) {
    for (let n = 0; n < 2_000 && !is(); n += 1) {
        void does();
        await one.answered();
    }
    assert.ok(is());
    one.looks();
}

test("somebody reads a long thread up to its beginning, and down to its end again", async () => {
    const one = new Reader(7, 1);
    while (one.thread.entries.length < 1_500) one.append();
    while (one.delivered < one.log.length) one.hears();
    one.open();
    await until(one, () => {}, () => one.now.thread.pages.length > 0);
    await until(one, () => one.pages.replies(), () => olderReplies(one.now.thread) === null);
    assert.equal(one.now.thread.ends, false);
    assert.equal(one.shown()[0].seq, one.thread.entries[0].seq);
    // What is new stands on the end, which is not shown.
    const { length } = one.shown();
    one.append();
    one.hears();
    assert.equal(one.shown().length, length);
    await until(one, () => one.pages.replies(true), () => newerReplies(one.now.thread) === null);
    assert.equal(one.now.thread.ends, true);
    assert.equal(one.now.thread.complete, false);
    assert.equal(one.shown().at(-1).seq, one.thread.entries.at(-1).seq);
});

test("what somebody reads of a thread stays while much is written, and the rest of it is asked for", async () => {
    const one = new Reader(3, 1);
    while (one.thread.entries.length < 200) one.append();
    one.looks();
    one.open();
    await until(one, () => {}, () => one.now.thread.pages.length > 0);
    const first = one.shown()[0].seq;
    for (let n = 0; n < 2_000 && one.now.thread.ends; n += 1) {
        one.append();
        one.hears();
    }
    assert.equal(one.now.thread.ends, false, "more is held than may be");
    one.looks();
    assert.deepEqual([one.shown().length, one.shown()[0].seq], [LONG, first]);
    await until(one, () => one.pages.replies(true), () => one.now.thread.ends);
    assert.ok(one.shown().length <= LONG && one.shown()[0].seq > first);
});
