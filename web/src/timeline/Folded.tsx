// A message of somebody whom one has blocked: folded until one asks for it.

import { useEffect, useState, type ReactElement } from "react";
import type { Shown } from "hubbub-sdk";
import { BLOCKED } from "./answered.ts";
import { Stamp } from "./Message.tsx";
import { focusMoved } from "./walk.ts";

export function Folded({ row, entry, children }: { row: string; entry: Shown; children: ReactElement }) {
    const [open, setOpen] = useState(false);
    // The button that was pressed is gone then: the focus goes to what it has shown.
    const [log, setLog] = useState<HTMLElement | null>(null);
    useEffect(() => {
        if (log) focusMoved(log, row);
    }, [log, row]);
    if (open) return children;
    return (
        <article className="message" tabIndex={-1} data-row={row} data-seq={entry.seq} aria-label={BLOCKED}>
            <Stamp at={entry.at} short />
            <div className="said">
                <p className="tombstone">{BLOCKED} <button type="button" className="link" onClick={({ currentTarget }) => { setLog(currentTarget.closest<HTMLElement>("[role=log]")); setOpen(true); }}>Show it</button></p>
            </div>
        </article>
    );
}
