// Whether there is a connection, in words: being offline is not the same as a server that does not answer.

import { useEffect, useRef, useState } from "react";
import { useConnection } from "hubbub-sdk/react";
import { Icon } from "../ui/icons.tsx";
import { useOnline } from "./online.ts";
import { standingOf, type Connection } from "./standing.ts";

const BACK_MS = 3_000;

export function Banner() {
    const connection = useConnection();
    const online = useOnline();
    const now = standingOf(connection, online);
    const back = useBack(now.kind);
    const shown = back && now.kind === "fine" ? ({ kind: "back", text: "Connected again." } as const) : now;
    return (
        <div className={`banner ${shown.kind}`} id="banner" data-kind={shown.kind} role="status">
            {shown.text && (
                <p>
                    <Icon name={shown.kind === "back" ? "check" : "warning"} /> <span>{shown.text}</span>
                    {shown.kind === "over" && <button type="button" className="small" onClick={() => location.reload()}>Connect again</button>}
                </p>
            )}
        </div>
    );
}

/** Whether it was away until just now. */
function useBack(kind: Connection["kind"]): boolean {
    const [back, put] = useState(false);
    const was = useRef(false);
    useEffect(() => {
        if (kind !== "fine") {
            if (kind !== "beginning") was.current = true;
            return put(false);
        }
        if (!was.current) return;
        was.current = false;
        put(true);
        const timer = setTimeout(() => put(false), BACK_MS);
        return () => clearTimeout(timer);
    }, [kind]);
    return back;
}
