// What one person sees of a room: the log as far as it is loaded, and what they said that is not in it yet.
// Pure: every change is a step from one timeline to the next.

/** One entry of a room's log, as it comes over the wire. */
export interface Entry {
    type: string;
    id: string;
    room: string;
    seq: number;
    from: string;
    at: string;
    key: string;
    text?: string;
    data?: unknown;
    reply_to?: number;
    user?: string;
    role?: string;
    name?: string;
}

/** A page of the log, as `messages` answers it. */
export interface Page {
    entries: Entry[];
    head: number;
    floor: number;
    epoch: string;
}

/** Something said that is not in the loaded log yet. The key is made once and goes with every attempt. */
export interface Draft {
    key: string;
    text: string;
    at: string;
    state: "sending" | "stored" | "refused";
    /** Once stored. */
    seq?: number;
    /** Why it was refused, in words. */
    error?: string;
}

export interface Timeline {
    me: string;
    /** What seqs count in; null until the subscription has started. */
    epoch: string | null;
    /** Ascending by seq, each seq once. */
    entries: readonly Entry[];
    /** The end of the log, as far as it is known. */
    head: number;
    /** The first seq that is kept. */
    floor: number;
    drafts: readonly Draft[];
}

export type Step =
    | { do: "start"; epoch: string; head: number }
    | { do: "page"; page: Page }
    | { do: "live"; entry: Entry }
    | { do: "draft"; key: string; text: string; at: string }
    | { do: "stored"; key: string; seq: number; epoch: string }
    | { do: "refused"; key: string; error: string }
    | { do: "again"; key: string }
    | { do: "discard"; key: string };

export type Row = { kind: "entry"; key: string; entry: Entry } | { kind: "draft"; key: string; draft: Draft };

export function empty(me: string): Timeline {
    return { me, epoch: null, entries: [], head: 0, floor: 0, drafts: [] };
}

export function step(now: Timeline, action: Step): Timeline {
    switch (action.do) {
        case "start":
            // A fresh cursor: what was loaded may belong to another history. What is not sent yet stays.
            return {
                ...now,
                epoch: action.epoch,
                entries: [],
                head: action.head,
                floor: 0,
                drafts: now.drafts.filter((draft) => draft.state !== "stored"),
            };
        case "page":
            if (action.page.epoch !== now.epoch) return now;
            return merge({ ...now, floor: Math.max(now.floor, action.page.floor) }, action.page.entries, action.page.head);
        case "live":
            return merge(now, [action.entry], action.entry.seq);
        case "draft":
            return { ...now, drafts: [...now.drafts, { key: action.key, text: action.text, at: action.at, state: "sending" }] };
        case "stored":
            return stored(now, action.key, action.seq, action.epoch);
        case "refused":
            return change(now, action.key, (draft) => ({ ...draft, state: "refused", error: action.error }));
        case "again":
            return change(now, action.key, ({ key, text, at }) => ({ key, text, at, state: "sending" }));
        case "discard":
            return { ...now, drafts: now.drafts.filter((draft) => draft.key !== action.key) };
    }
}

/** What to show, in order: the log with stored drafts at their seq, then what is still on its way. */
export function rows(now: Timeline): Row[] {
    const shown: Row[] = now.entries.map((entry) => ({ kind: "entry", key: rowKey(now, entry), entry }));
    const seqOf = (row: Row) => (row.kind === "entry" ? row.entry.seq : (row.draft.seq ?? Infinity));
    for (const draft of now.drafts) {
        const row: Row = { kind: "draft", key: `draft ${draft.key}`, draft };
        const seq = draft.seq ?? Infinity;
        let at = shown.length;
        while (at > 0 && seqOf(shown[at - 1]!) > seq) at -= 1;
        shown.splice(at, 0, row);
    }
    return shown;
}

/** Where the next older page ends, or null when there is nothing older. */
export function older(now: Timeline): number | null {
    if (now.epoch === null) return null;
    const before = now.entries[0]?.seq ?? now.head + 1;
    return before > Math.max(1, now.floor) ? before : null;
}

/** The drafts that have no answer yet, oldest first. */
export function unsent(now: Timeline): Draft[] {
    return now.drafts.filter((draft) => draft.state === "sending");
}

// A message of mine keeps the row it had as a draft, so that it does not flicker when it arrives.
function rowKey(now: Timeline, entry: Entry): string {
    return entry.from === now.me && entry.type === "message" ? `draft ${entry.key}` : `seq ${entry.seq}`;
}

function change(now: Timeline, key: string, how: (draft: Draft) => Draft): Timeline {
    return { ...now, drafts: now.drafts.map((draft) => (draft.key === key ? how(draft) : draft)) };
}

function stored(now: Timeline, key: string, seq: number, epoch: string): Timeline {
    const lowest = now.entries[0]?.seq ?? now.head + 1;
    const shownElsewhere =
        epoch !== now.epoch || // acknowledged in a history that is no longer shown
        seq < lowest || // an old answer to a retried key: it stands in an older page
        now.entries.some((entry) => entry.seq === seq);
    if (shownElsewhere) return { ...now, drafts: now.drafts.filter((draft) => draft.key !== key) };
    return change(now, key, ({ text, at }) => ({ key, text, at, state: "stored", seq }));
}

function merge(now: Timeline, more: readonly Entry[], head: number): Timeline {
    const bySeq = new Map(now.entries.map((entry) => [entry.seq, entry]));
    for (const entry of more) {
        // The same seq twice is the same entry: entries do not change.
        if (!bySeq.has(entry.seq)) bySeq.set(entry.seq, entry);
    }
    const entries = [...bySeq.values()].sort((one, other) => one.seq - other.seq);
    const arrived = new Set(more.filter((entry) => entry.from === now.me).map((entry) => entry.key));
    const drafts = now.drafts.filter((draft) => !arrived.has(draft.key));
    return { ...now, entries, drafts, head: Math.max(now.head, head) };
}
