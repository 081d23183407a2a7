// Pauses before something is tried again. They end early when the connection is back, and not without one once it was closed.

export class Pauses {
    private readonly all = new Set<() => void>();
    private held = false;

    /** Resolves after `ms`, or earlier. */
    readonly pause = (ms: number): Promise<void> =>
        new Promise((resolve) => {
            const over = () => {
                this.all.delete(over);
                clearTimeout(timer);
                resolve();
            };
            const timer = this.held ? undefined : setTimeout(over, ms);
            this.all.add(over);
        });

    end(): void {
        this.held = false;
        for (const over of this.all) over();
    }

    /** Whoever pauses now finds that all is over; whoever does so later waits for the next connection. */
    hold(): void {
        this.end();
        this.held = true;
    }
}
