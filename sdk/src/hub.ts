// The tab that has the connection, as the others see it: it calls, follows and tells for all of them.

import type { Entry } from "./fold.ts";
import { CallError, type Hint, type Link, type LinkState, type Position, type Signal, type Welcome } from "./link.ts";

/** What a tab says to the one that has the connection. */
export type Asked =
    | { do: "hello" }
    /** Still there; how it takes the connection to stand, which rooms it follows, and which calls are without an answer. */
    | { do: "there"; state: LinkState; follows: number[]; calls: number[] }
    | { do: "bye" }
    | { do: "call"; n: number; method: string; data: unknown }
    /** `n` is the tab's own number for this following. */
    | { do: "follow"; n: number; room: string; since: Position | null }
    | { do: "unfollow"; n: number };

/** What it is told. */
export type Told =
    | { is: "state"; state: LinkState; why: string | null }
    /**
     * The answer to `there`: up to where the tab has been told of what it follows (null: it is not known here that it does), and
     * which of its calls are not known.
     */
    | { is: "here"; follows: { n: number; at: Position | null }[]; calls: number[] }
    | { is: "welcome"; welcome: Welcome }
    | { is: "hint"; hint: Hint }
    | { is: "answer"; n: number; answer: unknown }
    | { is: "refusal"; n: number; code: number; message: string; temporary: boolean }
    | { is: "started"; n: number; at: Position; fresh: boolean }
    | { is: "entry"; n: number; entry: Entry }
    | { is: "signal"; n: number; signal: Signal }
    | { is: "ended"; n: number; code: number; reason: string };

interface Reader {
    tab: string;
    n: number;
    /** What this one has; it is told of nothing up to here. */
    at: Position | null;
    started: boolean;
}

interface Followed {
    readers: Reader[];
    /** Null: it has not started yet. */
    at: Position | null;
    live: boolean;
    /** The newest entries: a tab that is a little behind goes on from there. */
    recent: Entry[];
    end: () => void;
}

/** So many entries of a room are kept for tabs that are behind. */
export const RECENT = 256;

export class Hub {
    private readonly rooms = new Map<string, Followed>();
    private standing: Told & { is: "state" } = { is: "state", state: "connecting", why: null };
    private welcomed: Told | null = null;
    /** Calls without an answer, by tab and number. */
    private readonly calls = new Set<string>();
    private closed = false;

    constructor(
        private readonly link: Link,
        private readonly tell: (tab: string, told: Told) => void,
        /** All tabs that are there. */
        private readonly tabs: () => Iterable<string>,
    ) {}

    open(): void {
        this.link.open({
            state: (state, why) => {
                this.standing = { is: "state", state, why };
                this.all(this.standing);
            },
            welcome: (welcome) => {
                this.welcomed = { is: "welcome", welcome };
                this.all(this.welcomed);
            },
            hint: (hint) => this.all({ is: "hint", hint }),
            leads: () => {},
        });
    }

    /** `recent`: the newest entries that this tab has had, where it has kept them. */
    asked(tab: string, asked: Asked, recent: readonly Entry[] = []): void {
        switch (asked.do) {
            case "hello":
                if (this.welcomed) this.tell(tab, this.welcomed);
                return this.tell(tab, this.standing);
            case "there":
                return this.compare(tab, asked);
            case "bye":
                return this.gone(tab);
            case "call":
                return this.call(tab, asked);
            case "follow":
                return this.follow({ tab, n: asked.n, at: asked.since, started: false }, asked.room, recent);
            case "unfollow":
                return this.drop((reader) => reader.tab === tab && reader.n === asked.n);
        }
    }

    /** What the tab believes against what is known here. The tab has heard by then whatever it was told before. */
    private compare(tab: string, { state, follows, calls }: Asked & { do: "there" }): void {
        if (state !== this.standing.state) this.asked(tab, { do: "hello" });
        this.drop((reader) => reader.tab === tab && !follows.includes(reader.n));
        const readers = [...this.rooms.values()].flatMap(({ readers }) => readers).filter((reader) => reader.tab === tab);
        const waiting = new Set(readers.filter(({ started }) => !started).map(({ n }) => n));
        this.tell(tab, {
            is: "here",
            follows: follows.filter((n) => !waiting.has(n)).map((n) => ({ n, at: readers.find((reader) => reader.n === n)?.at ?? null })),
            calls: calls.filter((n) => !this.calls.has(`${tab} ${n}`)),
        });
    }

    /** The tab is not there any more. */
    gone(tab: string): void {
        this.drop((reader) => reader.tab === tab);
    }

    /** What is under way is left open: the next to have the connection is asked it again. */
    close(): void {
        this.closed = true;
        this.rooms.clear();
        this.link.close();
    }

    private all(told: Told): void {
        for (const tab of this.tabs()) this.tell(tab, told);
    }

    private call(tab: string, { n, method, data }: Asked & { do: "call" }): void {
        const call = `${tab} ${n}`;
        const answered = (told: Told) => {
            if (this.closed) return;
            this.calls.delete(call);
            this.tell(tab, told);
        };
        this.calls.add(call);
        this.link.call(method, data).then(
            (answer) => answered({ is: "answer", n, answer }),
            (problem) => {
                const { code, message, temporary } = CallError.of(problem);
                answered({ is: "refusal", n, code, message, temporary });
            },
        );
    }

    private follow(reader: Reader, room: string, recent: readonly Entry[]): void {
        const there = this.rooms.get(room);
        if (there) {
            there.readers.push(reader);
            if (there.live) this.start(there, reader);
            return;
        }
        const followed: Followed = { readers: [reader], at: reader.at, live: false, recent: recent.slice(-RECENT), end: () => {} };
        this.rooms.set(room, followed);
        const toAll = (told: (n: number) => Told) => {
            for (const { tab, n, started } of followed.readers) if (started) this.tell(tab, told(n));
        };
        followed.end = this.link.follow(room, reader.at, {
            started: (at, fresh) => {
                if (fresh) {
                    followed.at = at;
                    followed.recent = [];
                }
                followed.at ??= at;
                followed.live = true;
                for (const one of followed.readers) {
                    if (!one.started) this.start(followed, one);
                    else {
                        if (fresh) one.at = at;
                        this.tell(one.tab, { is: "started", n: one.n, at, fresh });
                    }
                }
            },
            entry: (entry) => {
                const epoch = followed.at?.epoch ?? "";
                followed.at = { epoch, offset: entry.seq };
                followed.recent.push(entry);
                if (followed.recent.length > 2 * RECENT) followed.recent = followed.recent.slice(-RECENT);
                for (const one of followed.readers) if (one.started) this.pass(one, entry);
            },
            signal: (signal) => toAll((n) => ({ is: "signal", n, signal })),
            ended: (code, reason) => {
                this.rooms.delete(room);
                for (const { tab, n } of followed.readers) this.tell(tab, { is: "ended", n, code, reason });
            },
        });
    }

    /** From where this one is, if what came since is there; otherwise it begins anew where the room is now. */
    private start({ at, recent }: Followed, reader: Reader): void {
        if (!at) return;
        const { tab, n, at: had } = reader;
        reader.started = true;
        const first = recent[0]?.seq ?? at.offset + 1;
        const goesOn = had !== null && had.epoch === at.epoch && had.offset + 1 >= Math.min(first, at.offset + 1);
        if (!goesOn) reader.at = at;
        this.tell(tab, { is: "started", n, at, fresh: !goesOn });
        if (goesOn) for (const entry of recent) this.pass(reader, entry);
    }

    private pass(reader: Reader, entry: Entry): void {
        if (reader.at && entry.seq <= reader.at.offset) return;
        reader.at = { epoch: reader.at?.epoch ?? "", offset: entry.seq };
        this.tell(reader.tab, { is: "entry", n: reader.n, entry });
    }

    private drop(which: (reader: Reader) => boolean): void {
        for (const [room, followed] of this.rooms) {
            followed.readers = followed.readers.filter((reader) => !which(reader));
            if (followed.readers.length) continue;
            this.rooms.delete(room);
            followed.end();
        }
    }
}
