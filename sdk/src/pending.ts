// What a tab has asked of the one that has the connection, and asks again of the next: calls under way, and rooms that are followed.

import type { Entry } from "./fold.ts";
import { type Asked, RECENT, type Told } from "./hub.ts";
import { CallError, type Follower, type Position } from "./link.ts";

/** What may be asked twice although it has no key. */
const READS = new Set([
    "messages", "message", "thread", "reactions", "pins", "rooms", "unread", "reads", "members", "online", "last_seen",
    "preferences", "blocks", "invites", "reports", "session", "typing", "read",
]);

interface Call {
    method: string;
    data: unknown;
    /** Whether a leader has had it. */
    asked: boolean;
    resolve(answer: unknown): void;
    reject(problem: CallError): void;
}

interface Following {
    /** Another each time it is asked for: what was said to one before may come late. */
    n: number;
    room: string;
    at: Position | null;
    recent: Entry[];
    follower: Follower;
}

type OfRoom = Told & { n: number; is: "started" | "entry" | "signal" | "ended" };

export class Pending {
    private readonly calls = new Map<number, Call>();
    private readonly follows = new Map<number, Following>();
    private last = 0;

    /** `ask`: false where there is nobody to ask yet. */
    constructor(private readonly ask: (asked: Asked) => boolean) {}

    call(method: string, data: unknown): Promise<unknown> {
        const n = (this.last += 1);
        return new Promise((resolve, reject) => {
            const call: Call = { method, data, asked: false, resolve, reject };
            this.calls.set(n, call);
            call.asked = this.ask({ do: "call", n, method, data });
        });
    }

    /** Returns what ends it. */
    follow(room: string, since: Position | null, follower: Follower): () => void {
        const following = { n: 0, room, at: since, recent: [], follower };
        this.asks(following);
        return () => {
            if (this.follows.delete(following.n)) this.ask({ do: "unfollow", n: following.n });
        };
    }

    /** The numbers of what is followed. */
    followed(): number[] {
        return [...this.follows.keys()];
    }

    /** Of calls that have no answer. */
    called(): number[] {
        return [...this.calls.keys()];
    }

    /** The newest entries that this tab has had of what it follows. */
    recent(n: number): readonly Entry[] | undefined {
        return this.follows.get(n)?.recent;
    }

    /** These are followed from where one is; all, where none are named. */
    followsAgain(these: readonly number[] = this.followed()): void {
        for (const n of these) {
            const following = this.follows.get(n);
            if (!following) continue;
            this.follows.delete(n);
            this.asks(following);
            // Whoever has the connection may have had the question, without this tab knowing who that is.
            this.ask({ do: "unfollow", n });
        }
    }

    /** What the one that has the connection knows of this tab; what was lost between the two is asked for again. */
    compare({ follows, calls }: Told & { is: "here" }): void {
        for (const { n, at } of follows) {
            const had = this.follows.get(n)?.at;
            if (!at || !had || had.epoch !== at.epoch || had.offset < at.offset) this.followsAgain([n]);
        }
        this.callsAgain(calls);
    }

    private asks(following: Following): void {
        const n = (this.last += 1);
        following.n = n;
        this.follows.set(n, following);
        this.ask({ do: "follow", n, room: following.room, since: following.at });
    }

    /** Calls that were under way go once more, where that does no harm: these, or all. */
    callsAgain(these: readonly number[] = this.called()): void {
        for (const n of these) {
            const call = this.calls.get(n);
            if (!call) continue;
            const { method, data, asked, reject } = call;
            if (!asked || repeatable(method, data)) {
                call.asked = this.ask({ do: "call", n, method, data });
            } else {
                this.calls.delete(n);
                reject(new CallError(11, "it was asked through another tab, which knows nothing of it; whether it was done is not known", true));
            }
        }
    }

    end(): void {
        for (const { reject } of this.calls.values()) reject(new CallError(0, "the chat was closed", false));
        this.calls.clear();
        this.follows.clear();
    }

    answered(told: Told & { is: "answer" | "refusal" }): void {
        const call = this.calls.get(told.n);
        this.calls.delete(told.n);
        if (told.is === "answer") call?.resolve(told.answer);
        else call?.reject(new CallError(told.code, told.message, told.temporary));
    }

    told(told: OfRoom): void {
        const following = this.follows.get(told.n);
        if (!following) return;
        const { follower } = following;
        switch (told.is) {
            case "started":
                if (told.fresh) {
                    following.at = told.at;
                    following.recent = [];
                }
                return follower.started(told.at, told.fresh);
            case "entry": {
                const { seq } = told.entry;
                // After the connection went to another tab it may come again.
                if (following.at && seq <= following.at.offset) return;
                // Something was lost on its way.
                if (!following.at || seq > following.at.offset + 1) return this.followsAgain([told.n]);
                following.at = { epoch: following.at.epoch, offset: seq };
                following.recent.push(told.entry);
                if (following.recent.length > 2 * RECENT) following.recent = following.recent.slice(-RECENT);
                return follower.entry(told.entry);
            }
            case "signal":
                return follower.signal(told.signal);
            case "ended":
                this.follows.delete(told.n);
                return follower.ended(told.code, told.reason);
        }
    }
}

/** Whether it does no harm to ask the same again. */
function repeatable(method: string, data: unknown): boolean {
    const { key, id, kind } = (data ?? {}) as { key?: unknown; id?: unknown; kind?: unknown };
    // The server finds the room of this id, or of these two, that it has made already.
    const sameRoom = method === "create_room" && (id !== undefined || kind === "direct");
    return key !== undefined || sameRoom || READS.has(method);
}
