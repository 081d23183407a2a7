// Small helpers for what is sent.

/** Made once per draft. Away from localhost and https the browser has no randomUUID. */
export function newKey(): string {
    if (crypto.randomUUID) return crypto.randomUUID();
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Without what is undefined. */
export function defined<T extends object>(all: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as never;
}
