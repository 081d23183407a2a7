// Pauses before something is tried again. They end early when the connection is back.

export class Pauses {
    private readonly all = new Set<() => void>();

    /** Resolves after `ms`, or earlier. */
    readonly pause = (ms: number): Promise<void> =>
        new Promise((resolve) => {
            const over = () => {
                this.all.delete(over);
                clearTimeout(timer);
                resolve();
            };
            const timer = setTimeout(over, ms);
            this.all.add(over);
        });

    end(): void {
        for (const over of this.all) over();
    }
}
