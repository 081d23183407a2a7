// The storage over a browser's database that is not there, does not answer or goes away. What a real one does, `tests/sdk` looks at.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { indexedDbStorage } from "../dist/indexeddb.js";
import { sharedLink } from "../dist/shared.js";

const draft = (key) => ({ room: "general", database: "d1", draft: { key, text: key, at: "", state: "sending" } });
const turn = () => new Promise((resolve) => setImmediate(resolve));
const troubles = [];
let storage;

/** A database that keeps only drafts, in transactions that end when `answers` says so. */
class Database {
    drafts = new Map();
    answers = true;
    opens = 0;
    aborted = 0;
    closed = 0;

    open() {
        this.opens += 1;
        const asked = { result: this };
        this.asked = asked;
        if (this.answers) queueMicrotask(() => asked.onsuccess());
        return asked;
    }

    transaction() {
        if (this.isClosed) throw new DOMException("closed", "InvalidStateError");
        const soon = (result, change = () => {}) => {
            const asked = { result };
            queueMicrotask(() => {
                change();
                asked.onsuccess?.();
            });
            return asked;
        };
        const store = {
            index: () => ({ getKey: (key) => soon(this.drafts.has(key) ? key : undefined) }),
            add: (one) => soon(undefined, () => this.drafts.set(one.draft.key, one)),
            put: (one) => soon(undefined, () => this.drafts.set(one.draft.key, one)),
            delete: (key) => soon(undefined, () => this.drafts.delete(key)),
            getAll: () => soon([...this.drafts.values()]),
        };
        const transaction = { objectStore: () => store, abort: () => (this.aborted += 1) };
        if (this.answers) setImmediate(() => transaction.oncomplete());
        return transaction;
    }

    close() {
        this.closed += 1;
    }
}

function begins(database) {
    globalThis.indexedDB = database;
    troubles.length = 0;
    storage = indexedDbStorage("ana", "ws://test", (why) => troubles.push(why));
    return database;
}

/** Twelve seconds, in which the browser may say something time and again. */
async function waits() {
    for (let n = 0; n < 24; n += 1) {
        mock.timers.tick(500);
        await turn();
    }
}

const keys = async () => (await storage.drafts()).map(({ draft }) => draft.key);

test.beforeEach(() => mock.timers.enable({ apis: ["setTimeout"] }));
test.afterEach(() => {
    storage.close();
    delete globalThis.indexedDB;
    mock.timers.reset();
});

test("a database that is never opened is not waited for: it is kept in memory, and said so once", { timeout: 60_000 }, async () => {
    const database = begins(Object.assign(new Database(), { answers: false }));
    const kept = storage.putDraft(draft("k")).then(() => "kept", ({ message }) => message);
    const read = storage.drafts();
    await waits();
    assert.match(await kept, /^This browser keeps nothing/);
    assert.ok((await read).length <= 1);
    assert.deepEqual(await keys(), ["k"]);
    assert.equal(troubles.length, 1);
    assert.match(troubles[0], /does not answer/);
    // What comes late is held no more than it is used.
    database.asked.onsuccess();
    assert.equal(database.closed, 1);
});

test("what the database does not get on with is kept in memory, and is not there twice where it was stored after all", { timeout: 60_000 }, async () => {
    const database = begins(new Database());
    await turn();
    database.answers = false;
    const kept = storage.putDraft(draft("k")).then(() => "kept", ({ message }) => message);
    await waits();
    assert.match(await kept, /^This browser keeps nothing/);
    assert.equal(database.aborted, 1);
    database.answers = true;
    assert.ok(database.drafts.has("k"));
    assert.deepEqual(await keys(), ["k"]);
    await storage.dropDraft("k");
    assert.deepEqual(await keys(), []);
});

test("a database that was deleted, or that the browser has closed, is opened anew by what comes next", { timeout: 60_000 }, async () => {
    const database = begins(new Database());
    await storage.putDraft(draft("first"));
    for (const ends of [() => database.onversionchange(), () => database.onclose()]) {
        const { opens } = database;
        ends();
        database.drafts.clear();
        await turn();
        assert.equal(database.opens, opens);
        await storage.putDraft(draft("k"));
        assert.equal(database.opens, opens + 1);
        assert.deepEqual(await keys(), ["k"]);
    }
    assert.deepEqual(troubles, []);
});

test("where a browser refuses channels, a tab has a connection and a storage of its own", { timeout: 60_000 }, async () => {
    const { BroadcastChannel } = globalThis;
    globalThis.BroadcastChannel = class {
        constructor() {
            throw new DOMException("refused", "SecurityError");
        }
    };
    try {
        begins(new Database());
        await storage.putDraft(draft("k"));
        assert.deepEqual(await keys(), ["k"]);
        const own = {};
        const browser = { locks: { request() {} }, channel: (name) => new globalThis.BroadcastChannel(name) };
        assert.equal(sharedLink(() => own, "test", browser), own);
    } finally {
        globalThis.BroadcastChannel = BroadcastChannel;
    }
});
