// Loads pages of the room, of the open thread and of the pins, and asks again where one does not go together with the log.

import { newerReplies, olderReplies } from "./thread.ts";
import { newer, older, type Page, type Step, type Timeline } from "./timeline.ts";
import { failure, mayRetry, refusal } from "./words.ts";

export interface Surroundings {
    page(method: string, what: object): Promise<Page>;
    timeline(): Timeline;
    /** Takes the step; resolves when that is drawn. */
    take(action: Step): Promise<void>;
    /** Whether the message is among what is shown; it is shown, if it is held at all. */
    find(seq: number): boolean;
    /** Null: there is no trouble any more. */
    trouble(why: string | null): void;
    /** A message that was looked for is not there. */
    lost(why: string): void;
    /** It is a reply of this thread. */
    inThread(seq: number, root: number): void;
    /** Resolves after `ms`, or earlier when the connection is back. */
    pause(ms: number): Promise<void>;
}

export const PAGE = 50;
const ATTEMPTS = 5;
const PAUSE_MS = 300;
const AGAIN_MS = 2_000;

/** `other`: something else is wanted by now. `none`: it does not come. */
type Outcome = "taken" | "other" | "none";

export class Pages {
    private readonly loading: { older: Promise<void> | null; newer: Promise<void> | null } = { older: null, newer: null };
    /** Where to go was said so often. */
    private gone = 0;

    constructor(private readonly around: Surroundings) {}

    /** Loads the next older page, unless one is on its way or there is none. */
    older(): Promise<void> {
        return this.once("older", older);
    }

    /** The same of the next newer page, where what is shown is not the end. */
    newer(): Promise<void> {
        return this.once("newer", newer);
    }

    /** Shows what stands around this entry, wherever that is. What was said later where to go counts. */
    async go(seq: number): Promise<void> {
        const nth = (this.gone += 1);
        const how = (page: Page): Step => ({ do: "around", page });
        await this.fetched("messages", { around: seq, limit: PAGE }, how, () => this.gone === nth);
    }

    /** Goes nowhere any more. */
    stay(): void {
        this.gone += 1;
    }

    async thread(): Promise<void> {
        const root = this.now().thread?.root;
        if (root === undefined) return;
        const still = () => this.now().thread?.root === root;
        await this.fetched("message", { seq: root }, (page) => ({ do: "root", root, page }), still);
        await this.replies();
        // A short first page may be all there is: then the next, which is empty, says so.
        const { thread } = this.now();
        if (thread?.root === root && thread.pages.length === 1 && thread.pages[0]!.entries.length < PAGE) await this.replies();
    }

    /** The next older page of replies; `newer`: the next newer one, where the thread's end is not shown. */
    async replies(newer = false): Promise<void> {
        const next = newer ? newerReplies : olderReplies;
        const { thread } = this.now();
        const at = thread && next(thread);
        if (!thread || at === null) return;
        const { root } = thread;
        const from = at === undefined ? {} : newer ? { after: at } : { before: at };
        const how = (page: Page): Step => ({ do: "replies", root, page, ...from });
        const still = () => {
            const { thread: now } = this.now();
            return now?.root === root && next(now) === at;
        };
        await this.fetched("thread", { root, limit: PAGE, ...from }, how, still);
    }

    async pins(): Promise<void> {
        // They are asked for again with the next start.
        await this.fetched("pins", {}, (page) => ({ do: "pins", page }), () => true, false);
    }

    async find(seq: number): Promise<void> {
        if (this.around.find(seq)) return;
        try {
            const [message] = (await this.around.page("message", { seq })).entries;
            // It stands only in its thread: no page of the room has it.
            if (message?.thread !== undefined && !message.in_room) return this.around.inThread(seq, message.thread);
        } catch (error) {
            return this.around.lost(`#${seq} was not found. ${refusal(failure(error))}`);
        }
        const going = this.go(seq);
        const nth = this.gone;
        await going;
        if (this.gone === nth && !this.around.find(seq)) this.around.lost(`#${seq} is not shown here.`);
    }

    private now(): Timeline {
        return this.around.timeline();
    }

    private once(which: "older" | "newer", next: (now: Timeline) => number | null): Promise<void> {
        const load = async () => {
            let outcome: Outcome;
            do {
                const at = next(this.now());
                if (at === null) return;
                const from = which === "older" ? { before: at } : { after: at };
                const how = (page: Page) => ({ do: which === "older" ? "page" : which, page, ...from }) as Step;
                outcome = await this.fetched("messages", { ...from, limit: PAGE }, how, () => next(this.now()) === at);
                // The history was replaced meanwhile, and its newest page is to come; or what was loaded was trimmed.
            } while (outcome === "other");
        };
        return (this.loading[which] ??= load().finally(() => {
            this.loading[which] = null;
        }));
    }

    /** Until the page goes together with the log that is here, or is not wanted any more. `insists`: what fails for now is asked again. */
    private async fetched(
        method: string,
        what: object,
        how: (page: Page) => Step,
        still: () => boolean,
        insists = true,
    ): Promise<Outcome> {
        const { epoch } = this.now();
        if (epoch === null) return "none";
        for (let attempt = 0; attempt < ATTEMPTS; ) {
            try {
                const page = await this.around.page(method, what);
                this.around.trouble(null);
                if (!still()) return "other";
                const before = this.now();
                const drawn = this.around.take(how(page));
                const taken = this.now() !== before;
                await drawn;
                if (taken) return "taken";
            } catch (error) {
                const problem = failure(error);
                this.around.trouble(`The ${method} could not be loaded: ${refusal(problem)}`);
                if (!insists || !mayRetry(problem)) return "none";
                await this.around.pause(AGAIN_MS);
                if (this.now().epoch !== epoch || !still()) return "other";
                continue;
            }
            if (this.now().epoch !== epoch || !still()) return "other";
            attempt += 1;
            await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
        }
        return "none";
    }
}
