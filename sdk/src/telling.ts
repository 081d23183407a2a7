// Tells whoever listens that something has changed. What comes over the network is told once in a frame, however much of it
// there is: nobody sees more.

/** Where there are no frames, as in a page that nobody sees, it is told after so long. */
const NO_FRAME_MS = 100;

export class Telling {
    private readonly listeners = new Set<() => void>();
    private now = false;
    private frame: number | null = null;
    private timer: ReturnType<typeof setTimeout> | undefined;

    /** Calls `changed` after changes, until what it returns is called. Two subscriptions of one function are two. */
    subscribe(changed: () => void): () => boolean {
        const listener = () => changed();
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
    }

    /** Tells of it before anything else happens; of several changes together. */
    atOnce(): void {
        if (this.now) return;
        this.now = true;
        queueMicrotask(() => this.tell());
    }

    /** Tells of it with the next frame. */
    soon(): void {
        if (typeof requestAnimationFrame !== "function") return this.atOnce();
        if (this.now || this.frame !== null) return;
        this.frame = requestAnimationFrame(() => this.tell());
        this.timer = setTimeout(() => this.tell(), NO_FRAME_MS);
    }

    private tell(): void {
        clearTimeout(this.timer);
        if (this.frame !== null) cancelAnimationFrame(this.frame);
        this.frame = null;
        this.now = false;
        for (const listener of [...this.listeners]) listener();
    }
}
