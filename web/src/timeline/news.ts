// What has come while somebody read further up, or listened.

import { useEffect, useRef, useState } from "react";
import type { Row } from "hubbub-sdk";
import type { CalledBy } from "../people/called.ts";
import { isolated } from "../ui/names.ts";
import { announce } from "../ui/announce.tsx";

const SPOKEN = 200;

interface Said {
    seq: number;
    from: string;
    text: string;
}

/** Messages of others, ascending, behind a seq. */
export function saidSince(rows: readonly Row[], me: string, seq: number): Said[] {
    const said: Said[] = [];
    for (let nth = rows.length - 1; nth >= 0; nth -= 1) {
        const row = rows[nth]!;
        if (row.kind !== "entry") continue;
        if (row.entry.seq <= seq) break;
        const { type, from, text = "", gone } = row.entry;
        if (type === "message" && from !== me && !gone) said.unshift({ seq: row.entry.seq, from, text });
    }
    return said;
}

/** What is said aloud of it; one message is read out, several are counted. */
export function spoken(said: readonly Said[], called: CalledBy): string {
    const [one] = said;
    if (!one) return "";
    return said.length === 1 ? `${isolated(called(one.from))}: ${one.text.slice(0, SPOKEN)}` : newWords(said.length);
}

export const newWords = (count: number): string => (count === 1 ? "1 new message" : `${count} new messages`);

const newest = (rows: readonly Row[]): number => {
    const row = rows.findLast((row) => row.kind === "entry");
    return row?.kind === "entry" ? row.entry.seq : 0;
};

/** How many messages have come since the end was seen. What comes while it is seen is said aloud, once. */
export function useNews(rows: readonly Row[], me: string, called: CalledBy, sees: boolean, atEnd: boolean): number {
    const last = useRef<number | null>(null);
    const left = useRef(0);
    const [count, put] = useState(0);
    useEffect(() => {
        if (!rows.length) return;
        const now = newest(rows);
        if (last.current !== null && now > last.current && sees) announce(spoken(saidSince(rows, me, last.current), called));
        last.current = now;
        if (atEnd) left.current = now;
        put(atEnd ? 0 : saidSince(rows, me, left.current).length);
    }, [rows, me, called, sees, atEnd]);
    return count;
}
