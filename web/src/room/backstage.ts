// What the page knows of a room beside its timeline: who is in it, what holds there, and what is being done to it.

import { newKey, refusal, failure, type Chat, type Entry, type Room, type Shown } from "hubbub-sdk";
import { Roster, type Banned } from "../people/roster.ts";
import type { Bans, Member, Members, Rules } from "../people/people.ts";
import { Deeds } from "./deeds.ts";
import { aboutMe } from "./door.ts";
import type { Doing } from "./pending.ts";
import { Shelf } from "./shelf.ts";
import { forTab } from "../ui/store.ts";

export interface Behind {
    members: Members;
    /** Who is banned: for whoever may lift that, once it was asked for. */
    bans: Bans;
    /** Whether the members were read. */
    known: boolean;
    /** open, private or direct, once that is known. */
    kind: string | undefined;
    /** The last that the log said of one's own membership. */
    last: Entry | undefined;
    doing: readonly Doing[];
    /** What could not be done, in words; null: nothing. */
    trouble: string | null;
    /** Why something that was asked is not done yet; null: nothing is asked. */
    waits: string | null;
}

/** So many of the newest entries, for lists that were read before they came. */
const RECENT = 512;

export class Backstage {
    readonly deeds: Deeds;
    private readonly roster: Roster;
    private readonly shelf: Shelf<Doing>;
    private recent: readonly Entry[] = [];
    private last: Entry | undefined;
    private trouble: string | null = null;
    private waits: string | null = null;
    private current: Behind | null = null;
    private readonly listeners = new Set<() => void>();

    constructor(
        private readonly chat: Chat,
        private readonly room: Room,
        server: string,
    ) {
        const { id } = room;
        this.shelf = new Shelf(`hubbub edits ${JSON.stringify([server, chat.user, id])}`, forTab);
        this.deeds = new Deeds({
            act: (method, key, what) => chat.call(method, { room: id, key, ...what }),
            newKey,
            trouble: (why) => this.troubled(why),
            waits: (why) => {
                this.waits = why;
                this.changed();
            },
            changed: () => {
                // What is done to people and to the room is not done later than its button was pressed.
                this.shelf.keep(this.deeds.doing.filter(({ what }) => what.target !== undefined));
                this.changed();
            },
            pause: (ms) => this.pause(ms),
        });
        this.roster = new Roster({
            own: () => chat.row(id),
            members: async (after) => {
                const { members, next } = await chat.call("members", { room: id, limit: 1000, ...(after !== undefined && { after }) });
                return { members: members as Member[], ...(next !== undefined && { next }) };
            },
            banned: async (after) => {
                const { members, next } = await chat.call("members", { room: id, limit: 1000, banned: true, ...(after !== undefined && { after }) });
                return { members: members as Banned[], ...(next !== undefined && { next }) };
            },
            recent: () => this.recent,
            shown: () => this.shown(),
            read: () => this.changed(),
        });
        this.deeds.resume(this.shelf.read());
    }

    /** Follows the room until what it returns is called. */
    start(): () => void {
        const { chat, room } = this;
        const connected = () => chat.connection.snapshot().state === "connected";
        let was = false;
        const look = () => {
            const is = connected();
            if (is && !was) this.again();
            was = is;
        };
        look();
        const ends = [
            chat.connection.subscribe(look),
            room.onEntry((entry) => this.entry(entry)),
            chat.onHint(({ type, room: of }) => {
                // Hints may have been lost.
                if (type === "missed" || (type === "added" && of === room.id)) this.again();
            }),
        ];
        return () => ends.forEach((end) => end());
    }

    readonly subscribe = (changed: () => void): (() => void) => {
        this.listeners.add(changed);
        return () => void this.listeners.delete(changed);
    };

    readonly snapshot = (): Behind => {
        const { roster, deeds, last, trouble, waits } = this;
        return (this.current ??= { members: roster.members, bans: roster.bans, known: roster.known, kind: roster.kind, last, doing: deeds.doing, trouble, waits });
    };

    /** What holds in the room now. */
    rules(): Rules {
        return this.roster.rules();
    }

    /** Says why something could not be done; null: there is no trouble any more. */
    troubled(why: string | null): void {
        if (why === this.trouble) return;
        this.trouble = why;
        this.changed();
    }

    /** Who is banned is wanted from now on. */
    wantBans(): void {
        void this.roster.loadBans();
    }

    /** Does something else than a deed, and says where it fails. */
    tries(what: () => Promise<unknown>): void {
        this.troubled(null);
        what().then(() => this.again(), (error: unknown) => this.troubled(refusal(failure(error))));
    }

    private again(): void {
        if (this.room.snapshot().state === "ended") this.room.follow();
        void this.roster.load();
    }

    private entry(entry: Entry): void {
        this.recent = [...this.recent.slice(1 - RECENT), entry];
        if (aboutMe(entry, this.chat.user)) this.last = entry;
        const { members, bans } = this.roster;
        this.roster.follow(entry);
        if (members !== this.roster.members || bans !== this.roster.bans || this.last === entry) this.changed();
    }

    private shown(): Shown[] {
        return this.room.snapshot().newest.flatMap((row) => (row.kind === "entry" ? [row.entry] : []));
    }

    private pause(ms: number): Promise<void> {
        const { connection } = this.chat;
        return new Promise((resolve) => {
            const over = () => {
                clearTimeout(timer);
                end();
                resolve();
            };
            const timer = setTimeout(over, ms);
            const was = connection.snapshot().state;
            const end = connection.subscribe(() => {
                if (was !== "connected" && connection.snapshot().state === "connected") over();
            });
        });
    }

    private changed(): void {
        this.current = null;
        for (const listener of [...this.listeners]) listener();
    }
}
