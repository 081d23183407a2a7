// What happened between messages: who came and went, what was changed. Many are folded into one.

import { useState } from "react";
import type { Shown } from "hubbub-sdk";
import type { CalledBy } from "../people/called.ts";
import { Words } from "../ui/Words.tsx";
import { folded, LINES } from "./folded.ts";
import { said } from "./lines.ts";
import { Stamp } from "./Message.tsx";

export function Lines({ entries, called }: { entries: readonly Shown[]; called: CalledBy }) {
    const [open, setOpen] = useState(false);
    const many = entries.length > LINES;
    return (
        <div className="lines">
            {many && (
                <button type="button" className="line" aria-expanded={open} onClick={() => setOpen(!open)}>
                    <span><Words of={folded(entries, called)} /></span> <span className="fold">{open ? "Show less" : "Show all"}</span>
                </button>
            )}
            {(!many || open) && entries.map((entry) => (
                <p key={entry.seq} className="line" data-seq={entry.seq}>
                    <span><Words of={said(entry, called)} /></span> <Stamp at={entry.at} /> <span className="seq debug">#{entry.seq}</span>
                </p>
            ))}
        </div>
    );
}
