// What has come while somebody read further up, or listened.

import { useEffect, useMemo, useRef, useState } from "react";
import type { Row } from "hubbub-sdk";
import { useChat } from "hubbub-sdk/react";
import { useBlocked } from "../people/blocks.ts";
import type { CalledBy } from "../people/called.ts";
import { isolated } from "../ui/names.ts";
import { announce } from "../ui/announce.tsx";

const SPOKEN = 200;

interface Said {
    seq: number;
    from: string;
    text: string;
}

/** Messages of others whom one has not blocked, ascending, behind a seq. */
export function saidSince(rows: readonly Row[], me: string, seq: number, blocked: ReadonlySet<string>): Said[] {
    const said: Said[] = [];
    for (let nth = rows.length - 1; nth >= 0; nth -= 1) {
        const row = rows[nth]!;
        if (row.kind !== "entry") continue;
        if (row.entry.seq <= seq) break;
        const { type, from, text = "", gone } = row.entry;
        if (type === "message" && from !== me && !gone && !blocked.has(from)) said.unshift({ seq: row.entry.seq, from, text });
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

/** Nobody is told more often: what comes meanwhile is counted. */
const SPEAK_MS = 1_000;

/** Says aloud what comes: the first at once, the others together. */
export class Speaker {
    private waiting: readonly Said[] = [];
    private timer: ReturnType<typeof setTimeout> | undefined;

    constructor(private readonly say: (text: string) => void) {}

    heard(said: readonly Said[], called: CalledBy): void {
        if (!said.length) return;
        this.waiting = [...this.waiting, ...said];
        if (this.timer === undefined) this.speak(called);
    }

    /** What was not said is said no more. */
    stop(): void {
        this.waiting = [];
        clearTimeout(this.timer);
        this.timer = undefined;
    }

    private speak(called: CalledBy): void {
        this.timer = undefined;
        if (!this.waiting.length) return;
        this.say(spoken(this.waiting, called));
        this.waiting = [];
        this.timer = setTimeout(() => this.speak(called), SPEAK_MS);
    }
}

/** How many messages have come since the end was seen. What comes while it is seen is said aloud, once. `rows`: those at the end. */
export function useNews(rows: readonly Row[], me: string, called: CalledBy, sees: boolean, atEnd: boolean): number {
    const last = useRef<number | null>(null);
    const blocked = useBlocked(useChat());
    const [count, put] = useState(0);
    const speaker = useMemo(() => new Speaker(announce), []);
    useEffect(() => () => speaker.stop(), [speaker]);
    useEffect(() => {
        if (!rows.length) return;
        const said = last.current === null ? [] : saidSince(rows, me, last.current, blocked);
        last.current = Math.max(last.current ?? 0, newest(rows));
        if (sees) speaker.heard(said, called);
        else speaker.stop();
        put((before) => (atEnd ? 0 : before + said.length));
    }, [rows, me, called, blocked, sees, atEnd, speaker]);
    return count;
}
