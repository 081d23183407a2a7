// One room: what is shown of it, and what one does there.

import { Acts } from "./acts.ts";
import type { Entry } from "./fold.ts";
import type { Follower, Position, Signal } from "./link.ts";
import { PAGE, Pages } from "./pages.ts";
import { Reading } from "./reading.ts";
import { readFurther, type Reads } from "./receipts.ts";
import { Keeper, restored } from "./kept.ts";
import { empty, entries, followed, held, isLong, ownNewest, step, type Draft, type Page, type Saying, type Step, type Timeline } from "./timeline.ts";
import { Telling } from "./telling.ts";
import { OthersTyping, OwnTyping } from "./typing.ts";
import type { Room as RoomRow } from "./unread.ts";
import { shownOf, type RoomSnapshot } from "./snapshot.ts";
import { Waiting, type Sending, type WaitingSurroundings } from "./waiting.ts";
import type { KeptRoom } from "./storage.ts";

/** What a room needs of its chat. */
export interface RoomSurroundings extends WaitingSurroundings {
    me: string;
    follow(room: string, since: Position | null, follower: Follower): () => void;
    /** Whether the chat was not closed. */
    running(): boolean;
    /** Null as long as it is not known. */
    database(): string | null;
    kept(room: string): Promise<KeptRoom | null>;
    keep(kept: KeptRoom): Promise<void>;
    /** A row of the list of rooms, as the server tells it; undefined: one is no member. */
    row(room: string): Promise<RoomRow | undefined>;
    marked(room: string, seq: number): void;
    spoken(room: string, at: string): void;
    /** It has something to send, or none any more: what nobody has at hand is given up. */
    holds(room: Room, is: boolean): void;
}

/** A room that nobody shows any more is followed for so long: another view of it may come. */
const LINGER_MS = 1_000;
const KEEP_AFTER_MS = 500;

export class Room extends Acts implements Follower {
    private timeline: Timeline;
    private state: RoomSnapshot["state"] = "waiting";
    private readonly problems: Record<"door" | "sending" | "loading", string | null> = { door: null, sending: null, loading: null };
    private loading = 0;
    private sees = false;
    /** Whether the person reads further up than the end; whoever does not say so does once they ask for what is older. */
    private above = false;
    private says = false;
    private reads: Reads = new Map();
    private opened = 0;
    private end: (() => void) | null = null;
    private starting = false;
    private readonly telling = new Telling();
    private readonly followers = new Set<(entry: Entry) => void>();
    /** The code with which following it has ended. */
    private code: number | null = null;
    private current: RoomSnapshot | null = null;
    private keeping: ReturnType<typeof setTimeout> | undefined;
    private typingOver: ReturnType<typeof setTimeout> | undefined;
    /** What one has said and is not in the log yet. For the chat. */
    readonly waiting: Waiting;
    private readonly keeper: Keeper;
    private readonly pages: Pages;
    private readonly reading: Reading;
    private readonly own = new OwnTyping();
    private readonly others: OthersTyping;

    constructor(
        id: string,
        private readonly around: RoomSurroundings,
    ) {
        super(id, around);
        const { me } = around;
        const changed = () => this.changed();
        this.timeline = empty(me);
        this.keeper = new Keeper(id, around);
        this.others = new OthersTyping(me);
        const holder = {
            id,
            timeline: () => this.timeline,
            take: (action: Step) => this.take(action),
            put: (drafts: readonly Draft[]) => {
                this.timeline = { ...this.timeline, drafts };
                this.changed();
            },
            trouble: (why: string | null) => this.trouble("sending", why),
        };
        this.waiting = new Waiting(holder, around);
        this.pages = new Pages({
            page: (method, what) => around.call(method, { room: id, ...what }) as Promise<Page>,
            timeline: () => this.timeline,
            take: async (action) => this.take(action),
            find: (seq) => this.shows(seq),
            trouble: (why) => this.trouble("loading", why),
            lost: (why) => this.trouble("loading", why),
            inThread: (_, root) => void this.openThread(root),
            pause: around.pause,
        });
        this.reading = new Reading({
            me,
            send: (seq) => around.call("read", { room: id, seq }),
            marked: (seq) => around.marked(id, seq),
            changed,
            pause: around.pause,
        });
    }

    /** The same object until something has changed. */
    readonly snapshot = (): RoomSnapshot => (this.current ??= this.build());

    /** Follows the room for as long as somebody subscribes. */
    readonly subscribe = (changed: () => void): (() => void) => {
        const end = this.telling.subscribe(changed);
        const close = this.open();
        return () => {
            if (end()) close();
        };
    };

    /** Tells of each entry of the log as it comes, while the room is followed. Returns what ends it. */
    onEntry(listener: (entry: Entry) => void): () => void {
        this.followers.add(listener);
        return () => void this.followers.delete(listener);
    }

    /** Follows the room until what it returns is called. */
    open(): () => void {
        this.opened += 1;
        // Where it has ended, another view of it does not ask again.
        if (!this.end && (this.state !== "ended" || this.opened === 1)) void this.begin();
        let over = false;
        return () => {
            if (over) return;
            over = true;
            setTimeout(() => {
                this.opened -= 1;
                if (!this.opened) this.leave();
            }, LINGER_MS);
        };
    }

    /**
     * Says something. It is shown at once, kept, and sent with the same key until it is answered. Throws a `CallError` where
     * `DRAFTS` messages wait or were refused.
     */
    send(said: Saying): Sending {
        this.own.sent();
        return this.waiting.send(said);
    }

    /** Sends a refused draft again. */
    again(key: string): void {
        this.waiting.again(key);
    }

    /** Forgets a draft that was refused. */
    discard(key: string): void {
        this.waiting.discard(key);
    }

    /** Becomes a member of an open room, and follows it. */
    async join(): Promise<void> {
        await this.act("join", {});
        if (this.state === "ended") this.follow();
        // Who has only read so far has a mark from now on.
        else void this.told();
    }

    async leaveRoom(): Promise<void> {
        await this.act("leave", {});
    }

    /** Loads the next older page. Where there are too many rows then, the newest of them go. */
    older(): Promise<void> {
        this.above ||= !this.says;
        return this.loads(() => this.pages.older());
    }

    /** Loads the next newer page, where the rows do not go on to the end. Where there are too many then, the oldest go. */
    newer(): Promise<void> {
        return this.loads(() => this.pages.newer());
    }

    /** The rows are the first of the log. */
    first(): Promise<void> {
        this.above ||= !this.says;
        return this.loads(() => this.pages.go(1));
    }

    /** The rows go on to the end of the log. */
    toEnd(): void {
        this.above = false;
        this.pages.stay();
        this.take({ do: "end" });
    }

    /** This message is among the rows then, and what stands around it; or `problem` says why it is not. */
    find(seq: number): Promise<void> {
        this.above ||= !this.says;
        return this.pages.find(seq);
    }

    /** Where that one is open already, the rows go on to its end. */
    async openThread(root: number): Promise<void> {
        this.take({ do: "open thread", root });
        await this.pages.thread();
    }

    closeThread(): void {
        this.take({ do: "close thread" });
    }

    /** Loads the next older page of the thread. Where there are too many rows then, the newest of them go. */
    readonly olderReplies = (): Promise<void> => this.pages.replies();

    /** Loads the next newer page of the thread, where its rows do not go on to the end. */
    readonly newerReplies = (): Promise<void> => this.pages.replies(true);

    /** Say it with each change of what stands in the box: others are told now and then. */
    types(text: string, thread?: number): void {
        if (!this.own.writes(text, thread, Date.now())) return;
        this.around.call("typing", { room: this.id, ...(thread !== undefined && { thread }) }).catch(() => {});
    }

    /**
     * Whether the person sees the end of this room now: what comes meanwhile is read. `atEnd`: whether they are there, also
     * where nobody looks. What somebody reads further up stays while more comes.
     */
    look(sees: boolean, atEnd = sees): void {
        this.sees = sees;
        this.says = true;
        this.above = !atEnd;
        if (sees && this.timeline.away) this.toEnd();
        this.seen();
    }

    /** Whether it is shown, and its end is seen. */
    get isSeen(): boolean {
        return this.sees && this.end !== null && this.state === "live" && !this.timeline.away;
    }

    // What follows is for the chat.

    started(at: Position, fresh: boolean): void {
        const other = this.timeline.epoch !== null && this.timeline.epoch !== at.epoch;
        this.state = "live";
        this.code = null;
        this.problems.door = null;
        if (fresh) {
            if (other) this.reading.forget();
            this.take({ do: "start", epoch: at.epoch, head: at.offset });
            // Where what is new begins is known with the rows.
            const row = this.around.row(this.id);
            void this.loads(() => Promise.all([this.pages.older(), row.catch(() => {})]).then(() => this.told(row)));
        } else {
            void this.told();
            // Where the newest page had not come before the room was kept.
            if (entries(this.timeline).length < PAGE) void this.loads(() => this.pages.older());
        }
        void this.pages.pins();
        if (fresh && this.timeline.thread) void this.pages.thread();
        void this.loadReads();
        this.waiting.flush();
        this.changed();
    }

    entry(entry: Entry): void {
        this.others.entry(entry);
        this.reading.entry(entry, this.isSeen);
        if (entry.type === "message") {
            this.around.spoken(this.id, entry.at);
            if (entry.from !== this.around.me && entry.thread === undefined) this.reads = readFurther(this.reads, entry.from, entry.seq);
        }
        this.take({ do: "live", entry });
        if (isLong(this.timeline)) this.take({ do: this.above ? "leave" : "trim" });
        // A page does not know the message that was pinned.
        if (entry.type === "pinned") void this.pages.pins();
        this.seen();
        for (const listener of [...this.followers]) listener(entry);
    }

    signal(signal: Signal): void {
        if (signal.type === "typing") {
            this.others.heard(signal, Date.now());
            this.watchTyping();
        } else if (signal.type === "read") {
            this.reads = readFurther(this.reads, signal.user, signal.seq ?? 0);
        } else return;
        this.changed(true);
    }

    ended(code: number, reason: string): void {
        this.state = "ended";
        this.code = code;
        this.problems.door = reason;
        this.end = null;
        if (code !== 0) this.reading.forget();
        this.changed();
    }

    /** The connection is away. */
    lost(): void {
        if (this.state === "live") this.state = "waiting";
        this.changed();
    }

    /** Follows it again, where it had ended. */
    follow(): void {
        if (this.state === "ended" && this.opened) void this.begin();
    }

    /** Another device has read so far. */
    readElsewhere(seq: number): void {
        this.reading.elsewhere(seq);
        this.changed();
    }

    /** Of another database, nothing is shown; `why` for whoever waits for what was said to be stored. */
    forget(why: string): void {
        this.waiting.abandon(why);
        clearTimeout(this.keeping);
        this.keeping = undefined;
        this.timeline = empty(this.around.me);
        this.reading.forget();
        this.reads = new Map();
        this.changed();
    }

    /** Writes down what is shown and up to where: one record. */
    async keep(): Promise<void> {
        clearTimeout(this.keeping);
        this.keeping = undefined;
        await this.keeper.keep(this.timeline);
    }

    /** Nothing goes on. */
    leave(): void {
        if (this.keeping) void this.keep().catch(() => {});
        clearTimeout(this.typingOver);
        this.end?.();
        this.end = null;
        if (this.state === "live") this.state = "waiting";
        this.changed();
    }

    private async begin(): Promise<void> {
        if (this.starting) return;
        this.starting = true;
        let since: Position | null = null;
        try {
            if (this.timeline.epoch === null) {
                const kept = await this.around.kept(this.id).catch(() => null);
                const action = kept && restored(kept, this.around.database(), this.around.me);
                if (action) this.take(action);
                if (action) this.keeper.has(this.timeline);
            }
            const { epoch } = this.timeline;
            if (epoch !== null) since = { epoch, offset: followed(this.timeline) };
        } finally {
            this.starting = false;
        }
        if (!this.opened || this.end) return;
        this.state = "waiting";
        this.end = this.around.follow(this.id, since, this);
    }

    private async told(asked = this.around.row(this.id)): Promise<void> {
        try {
            const row = await asked;
            if (!row) return;
            const { joined, own } = ownNewest(this.timeline);
            this.reading.told(row, joined, own);
            this.seen();
        } catch {
            // It is told with the next start.
        }
    }

    private async loadReads(): Promise<void> {
        try {
            const { reads } = (await this.around.call("reads", { room: this.id })) as { reads: { user: string; seq: number }[] };
            for (const { user, seq } of reads) this.reads = readFurther(this.reads, user, seq);
            this.changed();
        } catch {
            // In large rooms nothing is said of it.
        }
    }

    private seen(): void {
        if (this.isSeen) this.reading.seen(followed(this.timeline));
    }

    private watchTyping(): void {
        clearTimeout(this.typingOver);
        const next = this.others.next(Date.now());
        if (next === null) return;
        this.typingOver = setTimeout(() => {
            this.changed();
            this.watchTyping();
        }, next - Date.now() + 1);
    }

    private trouble(of: keyof typeof this.problems, why: string | null): void {
        if (this.problems[of] === why) return;
        this.problems[of] = why;
        this.changed();
    }

    private take(action: Step): void {
        const before = this.timeline;
        this.timeline = step(before, action);
        if (this.timeline === before) return;
        if (action.do === "live") this.waiting.arrived([action.entry]);
        else if ("page" in action) this.waiting.arrived(action.page.entries);
        if (this.end) this.keeping ??= setTimeout(() => void this.keep().catch(() => {}), KEEP_AFTER_MS);
        const { me } = this.around;
        this.changed(action.do === "trim" || action.do === "leave" || (action.do === "live" && action.entry.from !== me));
    }

    /** Whether it is among the rows. Where it is held at the end, they are that then. */
    private shows(seq: number): boolean {
        if (entries(this.timeline).some((entry) => entry.seq === seq)) return true;
        if (!held(this.timeline).some((entry) => entry.seq === seq)) return false;
        this.take({ do: "end" });
        return true;
    }

    private async loads(load: () => Promise<void>): Promise<void> {
        this.loading += 1;
        this.changed();
        await load().finally(() => (this.loading -= 1));
        this.changed();
    }

    /** `soon`: others did it, and it is told with the next frame. */
    private changed(soon = false): void {
        this.current = null;
        this.around.holds(this, this.waiting.count > 0);
        if (soon) this.telling.soon();
        else this.telling.atOnce();
    }

    private build(): RoomSnapshot {
        const { id, state, problems, loading, timeline, reads } = this;
        const problem = problems.door ?? problems.sending ?? problems.loading;
        const { known, since } = this.reading;
        return shownOf({ id, state, code: this.code, problem, loading: loading > 0, reads, known, since }, timeline, this.others, Date.now());
    }
}
