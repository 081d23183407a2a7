// What is kept of a room for the next time: what is shown of it, together with the position up to which it was folded. Pure.

import type { FoldedPage } from "./fold.ts";
import type { KeptRoom } from "./storage.ts";
import type { Step, Timeline } from "./timeline.ts";

/** Of the shape of what is kept: what another version wrote is not read. */
const VERSION = 1;
/** So many of the newest entries. */
const ENTRIES = 100;

interface State {
    me: string;
    epoch: string;
    floor: number;
    page: FoldedPage;
}

/** Null: nothing of the log is there yet. */
export function keptOf(room: string, database: string, { me, epoch, pages, floor }: Timeline): KeptRoom | null {
    const newest = pages.at(-1);
    if (epoch === null || !newest) return null;
    // A page may have been read as of later than the log has come to here: what lies between would be folded on it twice.
    const ahead = pages.findLastIndex((page) => page.asOf !== newest.asOf);
    const entries = pages.slice(ahead + 1).flatMap((page) => page.entries).slice(-ENTRIES);
    const state: State = { me, epoch, floor, page: { ...newest, entries } };
    return { room, database, version: VERSION, state };
}

/** Null: it is not of this version, person or database. */
export function restored(kept: KeptRoom, database: string | null, me: string): (Step & { do: "restore" }) | null {
    const state = kept.state as State;
    if (kept.version !== VERSION || kept.database !== database || state.me !== me) return null;
    return { do: "restore", epoch: state.epoch, floor: state.floor, page: state.page };
}

/** Writes a room down where it is other than before: what another tab has kept of it since is not overwritten by what was. */
export class Keeper {
    /** As they stand there, as far as is known here. */
    private pages: Timeline["pages"] | null = null;

    constructor(
        private readonly room: string,
        private readonly around: { database(): string | null; keep(kept: KeptRoom): Promise<void> },
    ) {}

    /** This was read there. */
    has({ pages }: Timeline): void {
        this.pages = pages;
    }

    async keep(timeline: Timeline): Promise<void> {
        const { pages } = timeline;
        const database = this.around.database();
        const kept = database === null || pages === this.pages ? null : keptOf(this.room, database, timeline);
        if (!kept) return;
        this.pages = pages;
        try {
            await this.around.keep(kept);
        } catch (problem) {
            this.pages = null;
            throw problem;
        }
    }
}
