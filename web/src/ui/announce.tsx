// What is said aloud to whoever hears the page: politely, and each thing once.

import { useSyncExternalStore } from "react";

/** What is said again although it is the same needs to be another text. */
const NUDGE = "\u00a0";

let now = "";
const listeners = new Set<() => void>();

export function announce(text: string): void {
    now = text === now ? text + NUDGE : text;
    for (const listener of [...listeners]) listener();
}

function subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => void listeners.delete(listener);
}

export function Announcer() {
    const text = useSyncExternalStore(subscribe, () => now, () => now);
    return <p id="news" className="heard" role="status">{text}</p>;
}
