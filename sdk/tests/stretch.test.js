// Somebody reads up and down a long room, jumps, and comes back to its end, while others write: what is shown is the log from one
// entry to another without holes, as it is now, and no more is held than is said.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fold } from "../dist/fold.js";
import { Pages } from "../dist/pages.js";
import { empty, entries, isLong, LONG, newer, NEWEST, older, rows, step } from "../dist/timeline.js";
import { random } from "./world.js";

const ROUNDS = process.env.HUBBUB_LONG ? 400 : 60;
const at = "2026-01-31T09:30:00.000Z";

class Reader {
    constructor(seed) {
        this.below = random(seed);
        this.log = [];
        /** The room as it is shown now. */
        this.page = { me: "ana", asOf: 0, newest: true, entries: [] };
        this.waiting = [];
        for (let n = 0; n < 300 + this.below(2_500); n += 1) this.append();
        this.now = step(empty("ana"), { do: "start", epoch: "e1", head: this.log.length });
        this.delivered = this.log.length;
        this.pages = new Pages({
            page: (method, what) => new Promise((is) => this.waiting.push(() => is(this.answers(method, what)))),
            timeline: () => this.now,
            take: async (action) => void (this.now = step(this.now, action)),
            find: (seq) => entries(this.now).some((entry) => entry.seq === seq),
            trouble: () => {},
            lost: () => {},
            inThread: () => {},
            pause: async () => {},
        });
    }

    append() {
        const seq = this.log.length + 1;
        const target = 1 + this.below(seq);
        const kind = ["reacted", "edited", "deleted"][this.below(40)] ?? (this.below(25) ? "message" : "joined");
        const more = { message: { text: `text ${seq}` }, joined: { user: "ben" }, reacted: { target, reaction: "+1" }, edited: { target, text: `again ${seq}` }, deleted: { target } };
        const entry = { type: kind, id: `id-${seq}`, room: "general", seq, from: "ben", at, key: `k${seq}`, ...more[kind] };
        this.log.push(entry);
        this.page = fold(this.page, entry);
    }

    /** As the server does: shorter than asked for where the page is heavy, at its far end. */
    answers(method, { before, after, around, limit }) {
        const all = this.page.entries;
        const most = 1 + this.below(4) ? limit : 1 + this.below(limit);
        let some;
        if (before !== undefined) some = all.filter(({ seq }) => seq < before).slice(-most);
        else if (after !== undefined) some = all.filter(({ seq }) => seq > after).slice(0, most);
        else some = [...all.filter(({ seq }) => seq < around).slice(-Math.floor(limit / 2)), ...all.filter(({ seq }) => seq >= around).slice(0, Math.ceil(limit / 2))];
        return { entries: structuredClone(some), as_of: this.log.length, head: this.log.length, floor: 1, epoch: "e1" };
    }

    /** The next entry of the log arrives. */
    hears() {
        if (this.delivered === this.log.length) return;
        this.now = step(this.now, { do: "live", entry: structuredClone(this.log[this.delivered]) });
        this.delivered += 1;
        if (isLong(this.now)) this.now = step(this.now, { do: this.below(2) ? "leave" : "trim" });
    }

    async moves() {
        switch (this.below(14)) {
            case 0:
                return void this.pages.go(1 + this.below(this.log.length));
            case 1:
                return void (this.now = step(this.now, { do: "end" }));
            case 2:
            case 3:
            case 4:
                return void this.pages.older();
            case 5:
            case 6:
            case 7:
                return void this.pages.newer();
            case 8:
                for (let n = this.below(60); n; n -= 1) this.append();
                return;
            case 9:
                for (let n = this.below(120); n; n -= 1) this.hears();
                return;
            default:
                await this.answered();
        }
    }

    async answered() {
        this.waiting.splice(this.below(this.waiting.length || 1), 1)[0]?.();
        for (let n = 0; n < 4; n += 1) await new Promise((is) => setImmediate(is));
    }

    /** What is shown, and what is held at the end, is the log as far as it was heard. */
    check() {
        const held = this.now.away ? [this.now.away.pages, this.now.pages] : [this.now.pages];
        for (const pages of held) {
            const shown = pages.flatMap((page) => page.entries);
            const [first, last] = [shown[0]?.seq, shown.at(-1)?.seq];
            const wanted = first === undefined ? [] : this.page.entries.filter(({ seq }) => seq >= first && seq <= last);
            assert.deepEqual(shown.map(({ seq }) => seq), wanted.map(({ seq }) => seq));
            if (this.delivered === this.log.length && pages.every((page) => page.asOf === this.delivered)) assert.deepEqual(shown.map(({ text, gone }) => [text, gone]), wanted.map(({ text, gone }) => [text, gone]));
        }
        assert.ok(rows(this.now).length <= LONG, `${rows(this.now).length} rows`);
        if (this.now.away) assert.ok(held[1].reduce((sum, page) => sum + page.entries.length, 0) <= 2 * NEWEST, "what is held at the end");
    }
}

test(`what is shown has no holes and is as it is now, wherever one reads (${ROUNDS} worlds)`, async () => {
    for (let seed = 1; seed <= ROUNDS; seed += 1) {
        const reader = new Reader(seed);
        try {
            void reader.pages.older();
            for (let n = 0; n < 150; n += 1) {
                await reader.moves();
                reader.check();
            }
            // Once nothing happens any more, one gets to the beginning and to the end.
            while (reader.delivered < reader.log.length) reader.hears();
            while (reader.waiting.length) await reader.answered();
            const walk = async (where, load) => {
                for (let pages = 0; where(reader.now) !== null; pages += 1) {
                    assert.ok(pages < reader.log.length, "it ends");
                    void load();
                    while (reader.waiting.length) await reader.answered();
                    reader.check();
                }
            };
            await walk(older, () => reader.pages.older());
            assert.equal(rows(reader.now)[0].entry.seq, reader.page.entries[0].seq);
            await walk(newer, () => reader.pages.newer());
            assert.equal(rows(reader.now).at(-1).entry.seq, reader.page.entries.at(-1).seq);
        } catch (problem) {
            problem.message = `seed ${seed}: ${problem.message}`;
            throw problem;
        }
    }
});

const MESSAGES = process.env.HUBBUB_LONG ? 100_000 : 10_000;

test(`${MESSAGES} messages are met up and down, each once, and some hundreds of them are held`, async () => {
    const reader = new Reader(1);
    const shown = Array.from({ length: MESSAGES }, (_, n) => ({ type: "message", id: "", room: "general", seq: n + 1, from: "ben", at, key: `k${n}`, text: "" }));
    reader.log.length = shown.length;
    reader.page = { ...reader.page, entries: shown };
    // A page of so many is found by its place.
    reader.answers = (_, { before, after, limit }) => {
        const from = before !== undefined ? Math.max(0, before - 1 - limit) : after;
        const some = shown.slice(from, before !== undefined ? before - 1 : after + limit);
        return { entries: some, as_of: shown.length, head: shown.length, floor: 1, epoch: "e1" };
    };
    reader.now = step(empty("ana"), { do: "start", epoch: "e1", head: shown.length });
    const walk = async (where, load, next, meets) => {
        let met = null;
        while (where(reader.now) !== null) {
            const asked = load();
            reader.waiting.shift()();
            await asked;
            const all = rows(reader.now);
            const held = all.length + (reader.now.away ? reader.now.pages.flatMap((page) => page.entries).length : 0);
            assert.ok(held <= LONG + 2 * NEWEST, `${held} are held`);
            for (const { entry: { seq } } of meets(all)) {
                if (met !== null && next(seq, met) <= 0) continue;
                if (met !== null) assert.equal(next(seq, met), 1, `${seq} after ${met}`);
                met = seq;
            }
        }
        return met;
    };
    assert.equal(await walk(older, () => reader.pages.older(), (seq, met) => met - seq, (all) => all.toReversed()), 1);
    assert.equal(await walk(newer, () => reader.pages.newer(), (seq, met) => seq - met, (all) => all), shown.length);
});
