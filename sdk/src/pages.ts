// Loads pages of the room, of the open thread and of the pins, and asks again where one does not go together with the log.

import { older, olderReplies, type Page, type Step, type Timeline } from "./timeline.ts";
import { failure, mayRetry, refusal } from "./words.ts";

export interface Surroundings {
    page(method: string, what: object): Promise<Page>;
    timeline(): Timeline;
    /** Takes the step; resolves when that is drawn. */
    take(action: Step): Promise<void>;
    /** Brings a message into sight; false: it is not loaded. */
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
/** So many older pages are loaded at most to find one message. */
const SEARCHED_PAGES = 40;
const ATTEMPTS = 5;
const PAUSE_MS = 300;
const AGAIN_MS = 2_000;

/** `other`: something else is wanted by now. `none`: it does not come. */
type Outcome = "taken" | "other" | "none";

export class Pages {
    private loading: Promise<void> | null = null;

    constructor(private readonly around: Surroundings) {}

    /** Loads the next older page, unless one is on its way or there is none. */
    older(): Promise<void> {
        this.loading ??= this.loadOlder().finally(() => {
            this.loading = null;
        });
        return this.loading;
    }

    async thread(): Promise<void> {
        const root = this.now().thread?.root;
        if (root === undefined) return;
        const still = () => this.now().thread?.root === root;
        await this.fetched("The thread", "message", { seq: root }, (page) => ({ do: "root", root, page }), still);
        await this.replies();
        // A short first page may be all there is: then the next, which is empty, says so.
        const { thread } = this.now();
        if (thread?.root === root && thread.pages.length === 1 && thread.pages[0]!.entries.length < PAGE) await this.replies();
    }

    async replies(): Promise<void> {
        const { thread } = this.now();
        const before = thread && olderReplies(thread);
        if (!thread || before === null) return;
        const { root } = thread;
        const from = before === undefined ? {} : { before };
        const how = (page: Page): Step => ({ do: "replies", root, page, ...from });
        const still = () => {
            const { thread: now } = this.now();
            return now?.root === root && olderReplies(now) === before;
        };
        await this.fetched("The thread", "thread", { root, limit: PAGE, ...from }, how, still);
    }

    async pins(): Promise<void> {
        // They are asked for again with the next start.
        await this.fetched("The pins", "pins", {}, (page) => ({ do: "pins", page }), () => true, false);
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
        for (let pages = 0; !this.around.find(seq) && older(this.now()) !== null && pages < SEARCHED_PAGES; pages += 1) {
            await this.older();
        }
        if (!this.around.find(seq)) this.around.lost(`#${seq} is further back than this page looks.`);
    }

    private now(): Timeline {
        return this.around.timeline();
    }

    private async loadOlder(): Promise<void> {
        let outcome: Outcome;
        do {
            const before = older(this.now());
            if (before === null) return;
            const how = (page: Page): Step => ({ do: "page", page, before });
            const still = () => older(this.now()) === before;
            outcome = await this.fetched("Older messages", "messages", { before, limit: PAGE }, how, still);
            // The history was replaced meanwhile, and its newest page is to come; or what was loaded was trimmed.
        } while (outcome === "other");
    }

    /** Until the page goes together with the log that is here, or is not wanted any more. `insists`: what fails for now is asked again. */
    private async fetched(
        name: string,
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
                const before = this.now();
                const drawn = this.around.take(how(page));
                const taken = this.now() !== before;
                await drawn;
                if (taken) return "taken";
            } catch (error) {
                const problem = failure(error);
                this.around.trouble(`${name} could not be loaded: ${refusal(problem)}`);
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
