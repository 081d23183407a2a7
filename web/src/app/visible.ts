// Whether somebody sees the page.

import { useSyncExternalStore } from "react";

function subscribe(changed: () => void): () => void {
    document.addEventListener("visibilitychange", changed);
    return () => document.removeEventListener("visibilitychange", changed);
}

export const visible = (): boolean => document.visibilityState === "visible";

export function useVisible(): boolean {
    return useSyncExternalStore(subscribe, visible, visible);
}
