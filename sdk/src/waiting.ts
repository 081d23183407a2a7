// What one says in a room until it is in the log: kept, sent in order, and the same in all tabs.

import type { Entry } from "./fold.ts";
import { newKey } from "./keys.ts";
import { CallError } from "./link.ts";
import { Outbox, type Sent } from "./outbox.ts";
import { entries, unsent, type Draft, type Saying, type Step, type Timeline } from "./timeline.ts";
import { deleted } from "./words.ts";

/** What is on its way. */
export interface Sending {
    key: string;
    /** It survives a reload from here on. Rejects with an `Error` in words where the browser has no space for it; it is sent all the same. */
    kept: Promise<void>;
    /**
     * It is in the log. Rejects with a `CallError` where the server refuses it, and with code 0 where this chat does not learn it
     * any more: it was closed, or the server has another database. What is kept is sent later.
     */
    stored: Promise<Sent>;
}

export interface WaitingSurroundings {
    call(method: string, data: object): Promise<unknown>;
    /** Whether this one, of all tabs, sends now. */
    sends(): boolean;
    /** Throws where too much waits to be sent already. */
    mayWait(): void;
    keepDraft(room: string, draft: Draft): Promise<void>;
    dropDraft(key: string): Promise<void>;
    pause(ms: number): Promise<void>;
}

/** What was known of the storage when it was asked, and when that was. */
export interface Known {
    keys: ReadonlySet<string>;
    at: number;
}

/** The room whose drafts these are. */
export interface Holder {
    readonly id: string;
    timeline(): Timeline;
    take(action: Step): void;
    /** With these drafts instead. */
    put(drafts: readonly Draft[]): void;
    trouble(why: string | null): void;
}

const NOTHING: Known = { keys: new Set(), at: 0 };
/** What the storage may still list although it is settled is among the last of these. */
const DONE = 1_000;

export class Waiting {
    /** The drafts that the storage has had, and those that are settled. */
    private readonly inStorage = new Set<string>();
    private readonly done = new Set<string>();
    /** When each draft of here was written last, counted in questions to the storage; infinite while that goes on. */
    private readonly written = new Map<string, number>();
    private readonly writing = new Map<string, Promise<void>>();
    private asked = 0;
    private readonly promises = new Map<string, { resolve(sent: Sent): void; reject(problem: CallError): void }>();
    private readonly outbox: Outbox;

    constructor(
        private readonly room: Holder,
        private readonly around: WaitingSurroundings,
    ) {
        this.outbox = new Outbox({
            next: () => (around.sends() ? unsent(room.timeline())[0] : undefined),
            send: ({ key, ...said }) => around.call("send", { room: room.id, key, ...content(said) }) as Promise<Sent>,
            stored: ({ key }, sent) => this.stored(key, sent),
            refused: ({ key }, why, problem) => this.refused(key, why, CallError.of(problem)),
            trouble: (why) => room.trouble(why),
            pause: around.pause,
        });
    }

    /**
     * Says something. It is shown at once, kept, and sent with the same key until it is answered. Throws a `CallError` where
     * `DRAFTS` messages wait or were refused.
     */
    send(said: Saying): Sending {
        this.around.mayWait();
        const draft = { key: newKey(), at: new Date().toISOString(), ...said };
        const kept = this.keepDraft({ ...draft, state: "sending" });
        this.room.take({ do: "draft", ...draft });
        const stored = new Promise<Sent>((resolve, reject) => this.promises.set(draft.key, { resolve, reject }));
        // Whoever does not wait for it sees it in the rows.
        stored.catch(() => {});
        void kept.catch(() => {}).then(() => this.flush());
        return { key: draft.key, kept, stored };
    }

    /** Sends a refused draft again. */
    again(key: string): void {
        this.room.take({ do: "again", key });
        this.keepAgain(key);
        this.flush();
    }

    /** Forgets a draft that was refused. */
    discard(key: string): void {
        this.room.take({ do: "discard", key });
        this.drop(key);
    }

    /** The drafts that the storage is known to have, now that it is asked which. */
    asks(): Known {
        return { keys: new Set(this.inStorage), at: (this.asked += 1) };
    }

    /** So many wait to be sent, or were refused and are still there. */
    get count(): number {
        return this.room.timeline().drafts.filter(({ state }) => state !== "stored").length;
    }

    /** Nobody here learns any more what becomes of what is on its way. */
    abandon(why: string): void {
        for (const { reject } of this.promises.values()) reject(new CallError(0, why, false));
        this.promises.clear();
    }

    /** What waits of an earlier time, or of another tab, in its order. `known`: as it was when the storage was asked. */
    take(all: readonly Draft[], { keys: known, at }: Known = NOTHING): void {
        for (const { key } of all) if (!this.done.has(key)) this.inStorage.add(key);
        this.arrived(entries(this.room.timeline()));
        // What was still being written here when the storage was asked is newer than what it says.
        const own = new Map(this.room.timeline().drafts.map((draft) => [draft.key, draft]));
        const isNewer = (key: string) => (this.written.get(key) ?? -1) >= at;
        const kept = all.filter(({ key }) => !this.done.has(key)).map((draft) => (isNewer(draft.key) ? (own.get(draft.key) ?? draft) : draft));
        const listed = new Set(kept.map(({ key }) => key));
        for (const key of known) if (!listed.has(key)) this.inStorage.delete(key);
        for (const { key, state, text, ...draft } of this.room.timeline().drafts) {
            if (listed.has(key) || !known.has(key) || this.done.has(key)) continue;
            if (state === "refused") this.room.take({ do: "discard", key });
            else if (state === "sending") this.sentElsewhere({ key, text, ...draft });
        }
        const others = this.room.timeline().drafts.filter(({ key }) => !listed.has(key));
        this.room.put([...kept, ...others]);
        this.flush();
    }

    flush(): void {
        void this.outbox.flush();
    }

    /** These are in the log: some may be what waits, whose answer was lost. */
    arrived(entries: readonly Entry[]): void {
        if (!this.inStorage.size && !this.promises.size) return;
        const { me, epoch } = this.room.timeline();
        for (const { id, room, from, seq, at, key } of entries) {
            if (from !== me || !(this.inStorage.has(key) || this.promises.has(key))) continue;
            this.drop(key);
            this.settle(key, { id, room, seq, at, epoch: epoch ?? "" });
        }
    }

    private stored(key: string, sent: Sent): void {
        this.room.take({ do: "stored", key, seq: sent.seq, epoch: sent.epoch });
        this.drop(key);
        this.settle(key, sent);
    }

    /** Another tab has sent it: it stands at the end until its entry comes. The same key again is answered with its place. */
    private sentElsewhere({ key, ...said }: Saying & { key: string }): void {
        this.isDone(key);
        this.room.take({ do: "stored", key, seq: Number.MAX_SAFE_INTEGER, epoch: this.room.timeline().epoch ?? "" });
        if (!this.promises.has(key)) return;
        const again = this.around.call("send", { room: this.room.id, key, ...content(said) }) as Promise<Sent>;
        again.then((sent) => this.settle(key, sent), () => {});
    }

    private async keepDraft(draft: Draft): Promise<void> {
        const { key } = draft;
        const kept = this.around.keepDraft(this.room.id, draft);
        this.writing.set(key, kept);
        this.written.set(key, Infinity);
        await kept.finally(() => {
            // Also where it is listed in memory alone.
            this.inStorage.add(key);
            if (this.writing.get(key) !== kept) return;
            this.writing.delete(key);
            this.written.set(key, this.asked);
        });
    }

    private isDone(key: string): void {
        this.done.add(key);
        this.written.delete(key);
        this.writing.delete(key);
        const [first] = this.done;
        if (this.done.size > DONE && first !== undefined) this.done.delete(first);
    }

    private drop(key: string): void {
        this.isDone(key);
        this.inStorage.delete(key);
        void this.around.dropDraft(key);
    }

    private refused(key: string, why: string, problem: CallError): void {
        this.room.take({ do: "refused", key, error: why, final: deleted(problem) });
        this.keepAgain(key);
        this.promises.get(key)?.reject(problem);
        this.promises.delete(key);
    }

    private settle(key: string, sent: Sent): void {
        this.promises.get(key)?.resolve(sent);
        this.promises.delete(key);
    }

    private keepAgain(key: string): void {
        const draft = this.room.timeline().drafts.find((one) => one.key === key);
        if (draft) void this.keepDraft(draft).catch(() => {});
    }
}

/** What goes to the server of something that was said. */
function content({ text, data, mentions, mention_all, thread, in_room, reply_to }: Saying): object {
    const said = { text, data, mentions, mention_all, thread, in_room, reply_to };
    return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}
