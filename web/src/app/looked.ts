// Whether this person looks at the page, in whichever tab of this browser: a tab that is looked at holds a lock, which others may share.

type Locks = Pick<LockManager, "request">;

export class Looked {
    private release: (() => void) | null = null;

    /** `name`: of this person. Where the browser has no locks, each tab knows of itself alone. */
    constructor(
        private readonly name: string,
        private readonly locks: Locks | undefined,
    ) {}

    /** Whether this tab is looked at from now on. */
    look(is: boolean): void {
        this.release?.();
        this.release = null;
        if (!is) return;
        const held = new Promise<void>((resolve) => (this.release = resolve));
        this.locks?.request(this.name, { mode: "shared" }, () => held).catch(() => {});
    }

    /** Whether any tab is. */
    async at(): Promise<boolean> {
        if (this.release || !this.locks) return this.release !== null;
        return this.locks.request(this.name, { ifAvailable: true }, async (lock) => lock === null).catch(() => false);
    }
}
