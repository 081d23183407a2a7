// Small helpers for what is sent.

/** Made once per draft. Away from localhost and https the browser has no randomUUID. */
export function newKey(): string {
    if (crypto.randomUUID) return crypto.randomUUID();
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
