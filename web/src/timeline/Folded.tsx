// A message of somebody whom one has blocked: folded until one asks for it.

import { useState, type ReactElement } from "react";
import type { Shown } from "hubbub-sdk";
import { BLOCKED } from "./answered.ts";
import { Stamp } from "./Message.tsx";

export function Folded({ row, entry, children }: { row: string; entry: Shown; children: ReactElement }) {
    const [open, setOpen] = useState(false);
    if (open) return children;
    return (
        <article className="message" tabIndex={-1} data-row={row} data-seq={entry.seq} aria-label={BLOCKED}>
            <Stamp at={entry.at} short />
            <div className="said">
                <p className="tombstone">{BLOCKED} <button type="button" className="link" onClick={() => setOpen(true)}>Show it</button></p>
            </div>
        </article>
    );
}
