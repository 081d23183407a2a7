// Whether the tab that has the connection still answers. A browser frees the lock of a tab that has ended, but not of one that it
// has put to sleep without a word, or that a debugger holds. Answers are counted, not time: a machine that was asleep, or a
// browser that slows timers down, makes nobody look silent.

/** It is asked so often. */
export const EVERY_MS = 5_000;
/** So many questions in a row without an answer are silence. */
export const SILENT = 3;

export class Pulse {
    private unanswered = 0;
    /** How often it has been silent since it was heard last: who hears nobody at all troubles the others ever more seldom. */
    private silences = 0;
    private timer: ReturnType<typeof setTimeout> | undefined;

    constructor(
        private readonly ask: () => void,
        private readonly silent: () => void,
    ) {}

    start(): void {
        clearTimeout(this.timer);
        this.unanswered = 0;
        this.timer = setTimeout(this.beat, EVERY_MS);
    }

    stop(): void {
        clearTimeout(this.timer);
    }

    heard(): void {
        this.unanswered = 0;
        this.silences = 0;
    }

    private readonly beat = (): void => {
        this.timer = setTimeout(this.beat, EVERY_MS);
        if (this.unanswered < SILENT * 2 ** this.silences) {
            this.unanswered += 1;
            return this.ask();
        }
        this.unanswered = 0;
        this.silences += 1;
        this.silent();
    };
}
