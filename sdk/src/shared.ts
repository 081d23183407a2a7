// One connection for all tabs of a browser. One tab has it, chosen by a Web Lock; the others talk to it over a BroadcastChannel.
// A browser gives a lock free when its tab ends, however it ends, and then another tab goes on from where each of them is.
// A tab whose connection was refused for good gives the lock free, too: another may have a token that is accepted.

import type { Entry } from "./fold.ts";
import { type Asked, Hub, RECENT, type Told } from "./hub.ts";
import { newKey } from "./keys.ts";
import { CallError, type Follower, type Link, type LinkListener, type LinkState, type Position } from "./link.ts";

/** Of the shape of what tabs say: those of another version have a connection of their own. */
const VERSION = 1;

/** What may be asked twice although it has no key. */
const READS = new Set([
    "messages", "message", "thread", "reactions", "pins", "rooms", "unread", "reads", "members", "online", "last_seen",
    "preferences", "blocks", "invites", "reports", "session", "typing", "read",
]);

/** A tab that was refused waits so long before it stands in the queue again; twice as long each time. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** As much of a browser as this needs. */
export interface Browser {
    locks?: Pick<LockManager, "request">;
    channel?: (name: string) => Pick<BroadcastChannel, "postMessage" | "onmessage" | "close">;
}

/**
 * `make` makes the real one, in one of the tabs. `name` says who shares: of another server or user it has to be another. Where the
 * browser has no locks, each tab has its own.
 */
export function sharedLink(make: () => Link, name: string, browser: Browser = here()): Link {
    const { locks, channel } = browser;
    return locks && channel ? new Tab(make, `hubbub ${VERSION} ${name}`, locks, channel) : make();
}

/** Whether it does no harm to ask the same again. */
function repeatable(method: string, data: unknown): boolean {
    const { key, id, kind } = (data ?? {}) as { key?: unknown; id?: unknown; kind?: unknown };
    // The server finds the room of this id, or of these two, that it has made already.
    const sameRoom = method === "create_room" && (id !== undefined || kind === "direct");
    return key !== undefined || sameRoom || READS.has(method);
}

function here(): Browser {
    const locks = typeof navigator === "undefined" ? undefined : navigator.locks;
    const channel = typeof BroadcastChannel === "undefined" ? undefined : (name: string) => new BroadcastChannel(name);
    return { ...(locks && { locks }), ...(channel && { channel }) };
}

type Message =
    | { to: "leader"; from: string; asked: Asked }
    | { to: string; leader: string; told: Told }
    /** This tab has the connection now; or it has it no more, and why. */
    | { to: "all"; leader: string; ended?: string | null };

interface Call {
    method: string;
    data: unknown;
    /** Whether a leader has had it. */
    asked: boolean;
    resolve(answer: unknown): void;
    reject(problem: CallError): void;
}

interface Following {
    room: string;
    at: Position | null;
    recent: Entry[];
    follower: Follower;
}

class Tab implements Link {
    private readonly id = newKey();
    private readonly channel: ReturnType<NonNullable<Browser["channel"]>>;
    private listener: LinkListener | null = null;
    private leader: string | null = null;
    private hub: Hub | null = null;
    private readonly others = new Set<string>();
    private readonly calls = new Map<number, Call>();
    private readonly follows = new Map<number, Following>();
    private last = 0;
    private closed = false;
    /** Ends what holds the locks. */
    private over = new AbortController();
    private release: (() => void)[] = [];
    /** Frees the lock of the connection. */
    private frees: () => void = () => {};
    /** Whether this tab has the lock of the connection, or stands in the queue for it. */
    private queued = false;
    /** How often it was refused of late, and since when it has been connected. */
    private refusals = 0;
    private connectedAt: number | null = null;
    private later: ReturnType<typeof setTimeout> | undefined;

    constructor(
        private readonly make: () => Link,
        private readonly name: string,
        private readonly locks: Pick<LockManager, "request">,
        channel: NonNullable<Browser["channel"]>,
    ) {
        this.channel = channel(name);
        this.channel.onmessage = ({ data }: MessageEvent<Message>) => this.hears(data);
    }

    open(listener: LinkListener): void {
        if (this.closed) return;
        const again = this.listener !== null;
        this.listener = listener;
        if (this.leader === null) listener.state("connecting", null);
        if (!again) {
            listener.leads(false);
            // The others notice by this one that the tab has ended.
            this.hold(this.lockOf(this.id), () => this.post({ to: "leader", from: this.id, asked: { do: "hello" } }));
            this.listens(true);
        }
        this.queue();
    }

    call(method: string, data: unknown): Promise<unknown> {
        if (this.closed) return Promise.reject(new CallError(0, "the chat was closed", false));
        const n = (this.last += 1);
        return new Promise((resolve, reject) => {
            const call: Call = { method, data, asked: false, resolve, reject };
            this.calls.set(n, call);
            call.asked = this.ask({ do: "call", n, method, data });
        });
    }

    follow(room: string, since: Position | null, follower: Follower): () => void {
        if (this.closed) return () => {};
        const n = (this.last += 1);
        this.follows.set(n, { room, at: since, recent: [], follower });
        this.ask({ do: "follow", n, room, since });
        return () => {
            if (this.follows.delete(n)) this.ask({ do: "unfollow", n });
        };
    }

    close(): void {
        if (this.closed) return;
        this.listens(false);
        this.ask({ do: "bye" });
        this.closed = true;
        this.listener = null;
        this.stop();
        for (const { reject } of this.calls.values()) reject(new CallError(0, "the chat was closed", false));
        this.calls.clear();
        this.follows.clear();
        this.channel.close();
    }

    private listens(on: boolean): void {
        if (typeof document === "undefined") return;
        const change = on ? "addEventListener" : "removeEventListener";
        globalThis[change]("pagehide", this.sleeps);
        globalThis[change]("pageshow", this.wakes);
        document[change]("freeze", this.sleeps);
        document[change]("resume", this.wakes);
    }

    private asleep: LinkListener | null = null;

    /** The page is kept by the browser without running, hidden or frozen: another tab is to have the connection. */
    private readonly sleeps = (event: Event): void => {
        if (!this.listener || (event.type === "pagehide" && !(event as PageTransitionEvent).persisted)) return;
        this.asleep = this.listener;
        this.listener = null;
        this.stop();
        this.leader = null;
        this.others.clear();
    };

    private readonly wakes = (): void => {
        const { asleep } = this;
        this.asleep = null;
        if (!asleep || this.closed) return;
        this.over = new AbortController();
        this.open(asleep);
    };

    private stop(): void {
        this.hub?.close();
        this.hub = null;
        this.over.abort();
        this.queued = false;
        clearTimeout(this.later);
        for (const release of this.release.splice(0)) release();
    }

    private lockOf(tab: string): string {
        return `${this.name} tab ${tab}`;
    }

    /** Waits for a lock, and holds it until this tab ends or frees it. */
    private hold(lock: string, held: (free: () => void) => void): void {
        const whole = () =>
            new Promise<void>((resolve) => {
                if (!this.listener) return resolve();
                this.release.push(resolve);
                held(resolve);
            });
        const { signal } = this.over;
        this.locks.request(lock, { signal }, whole).catch(() => {
            // Where locks are refused, as in a frame without storage, the tab has a connection of its own.
            if (!signal.aborted && this.listener && lock === this.name && !this.hub) this.lead();
        });
    }

    /** Waits for the connection, behind all that do already. */
    private queue(): void {
        clearTimeout(this.later);
        if (this.queued) return;
        this.queued = true;
        this.hold(this.name, (free) => {
            this.frees = free;
            this.lead();
        });
    }

    /** This tab has the connection from here on. */
    private lead(): void {
        const tell = (tab: string, told: Told) => (tab === this.id ? this.told(told) : this.post({ to: tab, leader: this.id, told }));
        this.hub = new Hub(this.make(), tell, () => [...this.others, this.id]);
        this.hub.open();
        this.listener?.leads(true);
        // One's own first: what this tab has had of a room helps those that are a little behind.
        this.leads(this.id);
        this.post({ to: "all", leader: this.id });
    }

    /** False: there is nobody to ask yet. It is asked once there is. */
    private ask(asked: Asked): boolean {
        if (this.hub) {
            const recent = asked.do === "follow" ? this.follows.get(asked.n)?.recent : undefined;
            this.hub.asked(this.id, asked, recent);
        } else if (this.leader !== null) {
            this.post({ to: "leader", from: this.id, asked });
        }
        return this.leader !== null;
    }

    private post(message: Message): void {
        if (!this.closed) this.channel.postMessage(message);
    }

    private hears(message: Message): void {
        if (!this.listener) return;
        if ("leader" in message) {
            // What one that has ended had said may come late.
            if (this.hub) return;
            if ("told" in message) {
                if (message.to === this.id && message.leader === this.leader) this.told(message.told);
            } else if (message.ended === undefined) this.leads(message.leader);
            // Who was not known to it yet hears it all the same.
            else if (message.leader === this.leader) this.standing("disconnected", message.ended);
            return;
        }
        if (!this.hub) return;
        const { from, asked } = message;
        if (!this.others.has(from)) {
            this.others.add(from);
            this.watch(from);
        }
        if (asked.do === "hello") this.post({ to: "all", leader: this.id });
        this.hub.asked(from, asked);
        if (asked.do === "bye") this.others.delete(from);
    }

    /** Its lock is free once the tab has ended. */
    private watch(tab: string): void {
        const gone = () => {
            this.others.delete(tab);
            this.hub?.gone(tab);
            // It has ended before it was connected or refused.
            if (this.leader === tab && !this.queued) this.queuesLater();
        };
        this.locks.request(this.lockOf(tab), { signal: this.over.signal }, async () => gone()).catch(() => {});
    }

    /** Another tab has the connection, or this one has it now: all that is open is asked of it anew. */
    private leads(leader: string): void {
        if (this.leader === leader) return;
        this.leader = leader;
        if (leader !== this.id) this.listener?.state("connecting", null);
        if (!this.queued) this.watch(leader);
        this.ask({ do: "hello" });
        for (const [n, { room, at }] of [...this.follows]) this.ask({ do: "follow", n, room, since: at });
        this.callsAgain();
    }

    /** Calls that were under way go once more, where that does no harm. */
    private callsAgain(): void {
        for (const [n, call] of [...this.calls]) {
            const { method, data, asked, reject } = call;
            if (!asked || repeatable(method, data)) {
                call.asked = this.ask({ do: "call", n, method, data });
            } else {
                this.calls.delete(n);
                reject(new CallError(11, "the tab that had the connection has it no more; whether it was done is not known", true));
            }
        }
    }

    private standing(state: LinkState, why: string | null): void {
        this.listener?.state(state, why);
        if (state === "connected") {
            if (this.hub) this.connectedAt ??= Date.now();
            // Refused before, and another was not: this one stands behind it again.
            else if (!this.queued) this.queuesLater();
        } else if (state === "disconnected") {
            if (this.hub) this.givesUp(why);
            this.leader = null;
            this.callsAgain();
        }
    }

    private queuesLater(): void {
        clearTimeout(this.later);
        const pause = Math.min(FIRST_PAUSE_MS * 2 ** this.refusals, LONGEST_PAUSE_MS);
        this.later = setTimeout(() => this.queue(), pause);
    }

    /**
     * The connection was refused for good. Each tab that waits tries once; none does so a second time unless another was
     * connected meanwhile, or it is opened again.
     */
    private givesUp(why: string | null): void {
        this.post({ to: "all", leader: this.id, ended: why });
        const lasted = this.connectedAt !== null && Date.now() - this.connectedAt > LONGEST_PAUSE_MS;
        this.refusals = lasted ? 0 : this.refusals + 1;
        this.connectedAt = null;
        this.hub?.close();
        this.hub = null;
        this.queued = false;
        this.listener?.leads(false);
        this.frees();
    }

    private told(told: Told): void {
        const { listener } = this;
        if (!listener) return;
        switch (told.is) {
            case "state":
                return this.standing(told.state, told.why);
            case "welcome":
                return listener.welcome(told.welcome);
            case "hint":
                return listener.hint(told.hint);
            case "answer":
            case "refusal": {
                const call = this.calls.get(told.n);
                this.calls.delete(told.n);
                if (told.is === "answer") call?.resolve(told.answer);
                else call?.reject(new CallError(told.code, told.message, told.temporary));
                return;
            }
            default:
                return this.followed(told);
        }
    }

    private followed(told: Told & { n: number; is: "started" | "entry" | "signal" | "ended" }): void {
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
                following.at = { epoch: following.at?.epoch ?? "", offset: seq };
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
