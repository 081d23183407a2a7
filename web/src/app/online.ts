// Whether this device has a network at all. The browser says so at once; a connection takes a while to notice.

import { useSyncExternalStore } from "react";

function subscribe(changed: () => void): () => void {
    addEventListener("online", changed);
    addEventListener("offline", changed);
    return () => {
        removeEventListener("online", changed);
        removeEventListener("offline", changed);
    };
}

const now = () => navigator.onLine !== false;

export function useOnline(): boolean {
    return useSyncExternalStore(subscribe, now, now);
}
