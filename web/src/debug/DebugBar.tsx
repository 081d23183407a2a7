// Who serves this page and where its room is: for who develops with it.

import { useChat, useConnection } from "hubbub-sdk/react";
import { useSyncExternalStore } from "react";
import { settings } from "../settings/settings.ts";
import { useKept } from "../ui/store.ts";

export function DebugBar({ room }: { room: string }) {
    const { debug } = useKept(settings);
    return debug ? <Values room={room} /> : null;
}

function Values({ room: id }: { room: string }) {
    const { state, instance } = useConnection();
    const room = useChat().room(id);
    // It is followed by whoever shows it.
    const head = useSyncExternalStore((changed) => room.subscribe(changed), () => room.snapshot().head);
    return (
        <dl className="debug-bar" aria-label="Values for debugging">
            <div><dt>state</dt><dd id="state" data-state={state}>{state}</dd></div>
            <div><dt>instance</dt><dd id="instance">{instance || "–"}</dd></div>
            <div><dt>newest entry</dt><dd id="last">{head || "–"}</dd></div>
        </dl>
    );
}
