// One connection for all tabs of a browser. One tab has it, chosen by a Web Lock; the others talk to it over a BroadcastChannel.
// A browser gives a lock free when its tab ends, however it ends, and then another tab goes on from where each of them is.
// A tab whose connection was refused for good gives the lock free, too: another may have a token that is accepted.
// From one that holds the lock and does not answer, asleep without having been told, another takes it.

import { type Asked, Hub, type Told } from "./hub.ts";
import { newKey } from "./keys.ts";
import { CallError, type Follower, type Link, type LinkListener, type LinkState, type Position } from "./link.ts";
import { Pending } from "./pending.ts";
import { Pulse } from "./pulse.ts";

/** Of the shape of what tabs say: those of another version have a connection of their own. */
const VERSION = 2;

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
 * browser has no locks or channels, each tab has its own.
 */
export function sharedLink(make: () => Link, name: string, browser: Browser = here()): Link {
    const { locks, channel } = browser;
    try {
        if (locks && channel) return new Tab(make, `hubbub ${VERSION} ${name}`, locks, channel);
    } catch {
        // Some browsers refuse channels where they keep nothing.
    }
    return make();
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

class Tab implements Link {
    private readonly id = newKey();
    private channel: ReturnType<NonNullable<Browser["channel"]>>;
    private listener: LinkListener | null = null;
    private leader: string | null = null;
    private hub: Hub | null = null;
    private readonly others = new Set<string>();
    private readonly pending = new Pending((asked) => this.ask(asked));
    private closed = false;
    /** Ends what holds the locks. */
    private over = new AbortController();
    /** Ends the waiting for the connection alone. */
    private waits = new AbortController();
    private release: (() => void)[] = [];
    /** Frees the lock of the connection. */
    private frees: () => void = () => {};
    /** Whether this tab has the lock of the connection, or stands in the queue for it. */
    private queued = false;
    /** How often it was refused of late, and since when it has been connected. */
    private refusals = 0;
    private connectedAt: number | null = null;
    private later: ReturnType<typeof setTimeout> | undefined;
    /**
     * Whether this tab holds its own lock. It says nothing before: whoever has the connection waits for that lock, and had it
     * first, would take this tab for one that has ended.
     */
    private there = false;
    private state: LinkState = "connecting";
    /** Whether the one that has the connection has told of the server: nobody is connected before. */
    private welcomed = false;
    /** Asks whoever has the connection, or whoever may have it, for a word. */
    private readonly pulse = new Pulse(() => this.asksOn(), () => this.takes());

    constructor(
        private readonly make: () => Link,
        private readonly name: string,
        private readonly locks: Pick<LockManager, "request">,
        private readonly channels: NonNullable<Browser["channel"]>,
    ) {
        this.channel = this.tunesIn();
    }

    open(listener: LinkListener): void {
        if (this.closed) return;
        const again = this.listener !== null;
        this.listener = listener;
        if (this.leader === null) this.shows("connecting", null);
        if (!again) {
            listener.leads(false);
            // The others notice by this one that the tab has ended.
            this.hold(this.lockOf(this.id), { signal: this.over.signal }, () => {
                this.there = true;
                this.hello();
            });
            this.listens(true);
        }
        this.queue();
    }

    call(method: string, data: unknown): Promise<unknown> {
        if (this.closed) return Promise.reject(new CallError(0, "the chat was closed", false));
        return this.pending.call(method, data);
    }

    follow(room: string, since: Position | null, follower: Follower): () => void {
        if (this.closed) return () => {};
        return this.pending.follow(room, since, follower);
    }

    close(): void {
        if (this.closed) return;
        this.listens(false);
        this.ask({ do: "bye" });
        this.closed = true;
        this.listener = null;
        this.stop();
        this.pending.end();
        this.channel.close();
    }

    private tunesIn(): typeof this.channel {
        const channel = this.channels(this.name);
        channel.onmessage = ({ data }: MessageEvent<Message>) => this.hears(data);
        return channel;
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
        // A browser throws a page away that it keeps for going back when there is a message for it.
        this.channel.close();
    };

    private readonly wakes = (): void => {
        const { asleep } = this;
        this.asleep = null;
        if (!asleep || this.closed) return;
        this.over = new AbortController();
        this.channel = this.tunesIn();
        this.open(asleep);
    };

    private stop(): void {
        this.hub?.close();
        this.hub = null;
        this.over.abort();
        this.waits.abort();
        this.pulse.stop();
        this.there = false;
        this.queued = false;
        clearTimeout(this.later);
        for (const release of this.release.splice(0)) release();
    }

    private lockOf(tab: string): string {
        return `${this.name} tab ${tab}`;
    }

    /** Waits for a lock, and holds it until this tab ends or frees it. */
    private hold(lock: string, how: LockOptions, held: (free: () => void) => void): void {
        const { over } = this;
        let free: (() => void) | null = null;
        const whole = () =>
            new Promise<void>((resolve) => {
                if (over.signal.aborted) return resolve();
                free = resolve;
                this.release.push(resolve);
                held(resolve);
            });
        this.locks.request(lock, how, whole).catch((problem: Error) => {
            if (over.signal.aborted || how.signal?.aborted) return;
            if (free) {
                if (problem.name !== "AbortError") throw problem;
                if (free === this.frees) this.robbed();
            } else if (!this.hub) {
                // Where locks are refused, as in a frame without storage, the tab has a connection of its own.
                this.lead();
            }
        });
    }

    /** Waits for the connection, behind all that do already. */
    private queue(): void {
        clearTimeout(this.later);
        if (this.queued) return;
        this.queued = true;
        this.pulse.start();
        this.waits = new AbortController();
        this.stands({ signal: this.waits.signal });
    }

    private stands(how: LockOptions): void {
        this.hold(this.name, how, (free) => {
            this.frees = free;
            if (!this.hub) this.lead();
        });
    }

    /** Whoever has the connection does not answer, and yet the lock is not free: this tab takes it, before all that wait. */
    private takes(): void {
        if (!this.queued) return this.queue();
        this.waits.abort();
        this.stands({ steal: true });
    }

    /** This tab has not answered, and another has the connection now. */
    private robbed(): void {
        this.hub?.close();
        this.hub = null;
        this.connectedAt = null;
        this.leader = null;
        this.listener?.leads(false);
        this.shows("connecting", null);
        this.queued = false;
        this.queue();
        this.hello();
    }

    /** This tab has the connection from here on. */
    private lead(): void {
        const tell = (tab: string, told: Told) => (tab === this.id ? this.told(told) : this.post({ to: tab, leader: this.id, told }));
        this.hub = new Hub(this.make(), tell, () => [...this.others, this.id]);
        this.hub.open();
        this.pulse.stop();
        this.listener?.leads(true);
        // One's own first: what this tab has had of a room helps those that are a little behind.
        this.leads(this.id);
        this.post({ to: "all", leader: this.id });
    }

    /** False: there is nobody to ask yet. It is asked once there is. */
    private ask(asked: Asked): boolean {
        if (this.hub) {
            const recent = asked.do === "follow" ? this.pending.recent(asked.n) : undefined;
            this.hub.asked(this.id, asked, recent);
        } else if (this.leader !== null) {
            this.post({ to: "leader", from: this.id, asked });
        }
        return this.leader !== null;
    }

    private hello(): void {
        if (this.there) this.post({ to: "leader", from: this.id, asked: { do: "hello" } });
    }

    private asksOn(): void {
        if (this.leader === null) this.hello();
        else this.ask({ do: "there", state: this.state, follows: this.pending.followed(), calls: this.pending.called() });
    }

    private post(message: Message): void {
        if (!this.closed) this.channel.postMessage(message);
    }

    private hears(message: Message): void {
        if (!this.listener) return;
        if ("leader" in message) {
            // What one that has ended had said may come late. To who is not there yet it is said again.
            if (this.hub || !this.there) return;
            if (message.leader === this.leader) this.pulse.heard();
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
        if (asked.do === "hello" || asked.do === "there") this.post({ to: "all", leader: this.id });
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
        this.welcomed = false;
        if (leader !== this.id) {
            this.shows("connecting", null);
            this.pulse.heard();
            this.pulse.start();
        }
        if (!this.queued) this.watch(leader);
        this.ask({ do: "hello" });
        this.pending.followsAgain();
        this.pending.callsAgain();
    }

    private shows(state: LinkState, why: string | null): void {
        this.state = state;
        this.listener?.state(state, why);
    }

    private standing(state: LinkState, why: string | null): void {
        this.shows(state, why);
        if (state === "connected") {
            if (this.hub) this.connectedAt ??= Date.now();
            // Refused before, and another was not: this one stands behind it again.
            else if (!this.queued) this.queuesLater();
        } else if (state === "disconnected") {
            if (this.hub) this.givesUp(why);
            this.leader = null;
            if (!this.queued) this.pulse.stop();
            this.pending.callsAgain();
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
                if (told.state !== "connected" || this.welcomed) this.standing(told.state, told.why);
                return;
            case "here":
                return this.pending.compare(told);
            case "welcome":
                this.welcomed = true;
                return listener.welcome(told.welcome);
            case "hint":
                return listener.hint(told.hint);
            case "answer":
            case "refusal":
                return this.pending.answered(told);
            default:
                return this.pending.told(told);
        }
    }
}
