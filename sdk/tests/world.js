// A server with rooms, and links to it, in a world that delivers one thing at a time, in random order: only what takes the same
// way keeps its order. What a connection had not told when it is cut is lost.

import assert from "node:assert/strict";
import { fold } from "../dist/fold.js";
import { CallError } from "../dist/link.js";

// xorshift: the same seed, the same world.
export function random(seed) {
    let state = seed * 2_654_435_761 || 1;
    return (below) => {
        state ^= state << 13;
        state ^= state >>> 17;
        state ^= state << 5;
        return (state >>> 0) % below;
    };
}

/** Waits for a level; `meanwhile` moves the world on. */
export async function until(level, what, meanwhile = () => {}) {
    const end = Date.now() + 10_000;
    for (;;) {
        const value = level();
        if (value) return value;
        assert.ok(Date.now() < end, `not in time: ${typeof what === "function" ? what() : what}`);
        meanwhile();
        await new Promise((resolve) => setTimeout(resolve, 1));
    }
}

/** Whatever is a matter of promises alone has happened then. */
export const settled = () => new Promise((resolve) => setImmediate(resolve));

export class Server {
    constructor(database = "d1") {
        this.database = database;
        this.epoch = `epoch of ${database}`;
        this.rooms = new Map();
        this.reads = new Map();
        this.links = new Set();
        /** How often each method was called. */
        this.calls = {};
    }

    log(room) {
        if (!this.rooms.has(room)) this.rooms.set(room, []);
        return this.rooms.get(room);
    }

    texts(room) {
        return this.log(room).filter(({ type }) => type === "message").map(({ text }) => text);
    }

    append(from, room, entry) {
        const log = this.log(room);
        const seq = log.length + 1;
        log.push({ id: `${room} ${seq}`, room, seq, from, at: "2026-01-31T09:30:00.000Z", key: `key ${room} ${seq}`, ...entry });
        for (const link of this.links) {
            link.tells();
            link.hints({ type: "activity", room, head: seq });
        }
        return log[seq - 1];
    }

    /** The room as a page shows it. */
    shown(room, me) {
        const none = { me, asOf: 0, newest: true, entries: [] };
        return this.log(room).reduce(fold, none).entries;
    }

    answers(user, method, { room, key, ...data }) {
        this.calls[method] = (this.calls[method] ?? 0) + 1;
        const page = (entries) => ({ entries, as_of: this.log(room).length, head: this.log(room).length, floor: 1, epoch: this.epoch });
        switch (method) {
            case "send": {
                if (data.text === "refuse me") throw new CallError(106, "bad request: text: not this", false);
                const before = this.log(room).find((entry) => entry.key === key && entry.from === user);
                if (before) assert.equal(before.text, data.text, "another text under the same key");
                const { id, seq, at } = before ?? this.append(user, room, { type: "message", key, ...data });
                return { id, room, seq, at, epoch: this.epoch };
            }
            case "edit":
                return this.append(user, room, { type: "edited", key, ...data });
            case "react":
                return this.append(user, room, { type: "reacted", key, ...data });
            case "messages":
                return page(this.shown(room, user).filter(({ seq }) => seq < data.before).slice(-data.limit));
            case "pins":
                return page([]);
            case "read": {
                const mark = `${user} ${room}`;
                if (data.seq <= (this.reads.get(mark) ?? 0)) throw new CallError(409, "it is further", false);
                this.reads.set(mark, data.seq);
                for (const link of this.links) if (link.user === user) link.hints({ type: "read", room, seq: data.seq });
                return {};
            }
            case "reads":
                return { reads: [] };
            case "rooms": {
                const rooms = [...this.rooms.keys()].sort().filter((id) => data.after === undefined || id > data.after);
                return { rooms: rooms.slice(0, data.limit).map((id) => this.row(user, id)) };
            }
            default:
                throw new CallError(104, `unknown method ${method}`, false);
        }
    }

    row(user, id) {
        const read = this.reads.get(`${user} ${id}`) ?? 0;
        const count = this.log(id).filter(({ type, from, seq }) => type === "message" && from !== user && seq > read).length;
        return { id, kind: "open", name: id, head: this.log(id).length, read, unread: { count }, mentions: { count: 0 } };
    }
}

export class World {
    constructor(seed = 1, server = new Server()) {
        this.below = random(seed);
        this.server = server;
        /** What is on its way. */
        this.ways = new Map();
    }

    link(user) {
        return new FakeLink(this, user);
    }

    later(way, what) {
        if (!this.ways.has(way)) this.ways.set(way, []);
        this.ways.get(way).push(what);
    }

    /** Delivers one thing. */
    step() {
        const ways = [...this.ways.keys()];
        if (!ways.length) return false;
        const way = ways[this.below(ways.length)];
        const next = this.ways.get(way).shift();
        if (!this.ways.get(way).length) this.ways.delete(way);
        next();
        return true;
    }

    /** Delivers all there is. */
    all = () => {
        while (this.step());
    };
}

class FakeLink {
    constructor(world, user) {
        this.world = world;
        this.user = user;
        this.listener = null;
        this.up = false;
        this.dead = false;
        this.follows = new Set();
        this.calls = new Map();
        this.connection = 0;
    }

    open(listener) {
        this.listener = listener;
        listener.leads(true);
        listener.state("connecting", null);
    }

    /** Comes up, or is up: pauses end. */
    connect() {
        if (this.dead || !this.listener) return;
        if (!this.up) {
            this.up = true;
            this.connection += 1;
            this.world.server.links.add(this);
            const { database } = this.world.server;
            this.listener.welcome({ instance: "one", database, user: this.user, features: [] });
            for (const follow of this.follows) this.starts(follow);
            this.hints({ type: "watching" });
        }
        this.listener.state("connected", null);
    }

    cut() {
        if (!this.up) return;
        this.up = false;
        this.world.server.links.delete(this);
        for (const way of ["up", "answers", "pushes", "hints"]) this.world.ways.delete(this.way(way));
        for (const follow of this.follows) follow.started = false;
        const calls = [...this.calls.values()];
        this.calls.clear();
        for (const reject of calls) reject(new CallError(11, "connection closed", true));
        this.listener?.state("connecting", "The connection was lost. Trying again …");
    }

    /** The page is gone from one moment to the next. */
    dies() {
        this.listener = null;
        this.cut();
        this.dead = true;
    }

    call(method, data) {
        if (this.closed) return Promise.reject(new CallError(2, "client disconnected", true));
        if (this.dead) return new Promise(() => {});
        if (!this.up) return Promise.reject(new CallError(1, "timeout", true));
        return new Promise((resolve, reject) => {
            const call = Symbol();
            this.calls.set(call, reject);
            const answered = (how, what) =>
                this.world.later(this.way("answers"), () => {
                    this.calls.delete(call);
                    how(what);
                });
            this.world.later(this.way("up"), () => {
                try {
                    answered(resolve, structuredClone(this.world.server.answers(this.user, method, data)));
                } catch (problem) {
                    answered(reject, problem);
                }
            });
        });
    }

    follow(room, since, follower) {
        const follow = { room, at: since, started: false, follower };
        assert.ok([...this.follows].every((other) => other.room !== room), `two follow ${room}`);
        this.follows.add(follow);
        if (this.up) this.starts(follow);
        return () => void this.follows.delete(follow);
    }

    close() {
        this.dies();
        this.closed = true;
    }

    /** What is in the logs and was not told yet is on its way. */
    tells() {
        for (const follow of this.follows) if (follow.started) this.sends(follow);
    }

    hints(hint) {
        this.world.later(this.way("hints"), () => this.listener?.hint(hint));
    }

    way(kind) {
        return `${this.user} ${kind} ${this.connection}`;
    }

    starts(follow) {
        const { epoch } = this.world.server;
        const head = this.world.server.log(follow.room).length;
        const recovered = follow.at !== null && follow.at.epoch === epoch && follow.at.offset <= head;
        const at = recovered ? follow.at : { epoch, offset: head };
        follow.started = true;
        follow.next = at.offset + 1;
        this.pushes(follow, () => {
            follow.at = at;
            follow.follower.started({ epoch, offset: at.offset }, !recovered);
        });
        this.sends(follow);
    }

    sends(follow) {
        for (const entry of this.world.server.log(follow.room).slice(follow.next - 1)) {
            follow.next = entry.seq + 1;
            this.pushes(follow, () => {
                follow.at = { epoch: follow.at.epoch, offset: entry.seq };
                follow.follower.entry(structuredClone(entry));
            });
        }
    }

    pushes(follow, what) {
        this.world.later(this.way("pushes"), () => {
            if (this.follows.has(follow)) what();
        });
    }
}
