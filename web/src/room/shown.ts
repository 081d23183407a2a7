// A message wherever the page has it. Pure.

import type { RoomSnapshot, Row, Shown } from "hubbub-sdk";

const among = (rows: readonly Row[], seq: number): Shown | undefined => {
    const row = rows.findLast((row) => row.kind === "entry" && row.entry.seq === seq);
    return row?.kind === "entry" ? row.entry : undefined;
};

export function shownIn({ rows, newest, thread, pins }: Pick<RoomSnapshot, "rows" | "newest" | "thread" | "pins">, seq: number): Shown | undefined {
    const found = among(rows, seq) ?? (newest === rows ? undefined : among(newest, seq)) ?? pins.find((one) => one.seq === seq);
    if (found || !thread) return found;
    return thread.message?.seq === seq ? thread.message : among(thread.rows, seq);
}

/** One's own newest message that is not gone. */
export function lastOwn(rows: readonly Row[], me: string): Shown | undefined {
    const row = rows.findLast((row) => row.kind === "entry" && row.entry.type === "message" && row.entry.from === me && !row.entry.gone);
    return row?.kind === "entry" ? row.entry : undefined;
}
