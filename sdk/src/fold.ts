// What messages look like now, from the entries that are about them: "Folding" in docs/protocol.md. Pure.

/** One entry of a room's log, as it comes over the wire; the members of its body depend on `type`. */
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
    mentions?: readonly string[];
    mention_all?: boolean;
    reply_to?: number;
    thread?: number;
    in_room?: boolean;
    /** Its content was blanked. */
    gone?: boolean;
    target?: number;
    reaction?: string;
    user?: string;
    role?: string;
    until?: string;
    name?: string | null;
    topic?: string;
    settings?: Settings;
}

/** The settings that a `changed` changes; null takes a limit away. */
export interface Settings {
    slow_mode?: number | null;
    frozen?: boolean;
    edit_window?: number | null;
    members_may?: { pin?: boolean; mention_all?: boolean; invite?: boolean };
    history_from?: string;
    archived?: boolean;
}

export interface Reaction {
    reaction: string;
    count: number;
    me: boolean;
    /** Some of them. */
    users: readonly string[];
}

export interface Replies {
    /** Deleted ones are left out. */
    count: number;
    /** The newest, also where that was deleted. */
    last: number;
    last_at: string;
    /** Some who wrote, the latest first. */
    users: readonly string[];
}

/** An entry as a page shows it: what it says now, and what hangs on it. */
export interface Shown extends Entry {
    edited_at?: string;
    reactions?: readonly Reaction[];
    replies?: Replies;
    pinned?: boolean;
}

export interface FoldedPage {
    /** The root, where it is a thread's page. */
    thread?: number;
    me: string;
    /** Up to which entry it is folded. */
    asOf: number;
    /** Whether what is new stands on it. */
    newest: boolean;
    /** Ascending by seq. */
    entries: readonly Shown[];
}

const SAMPLE_OF_REACTION = 10;
const SAMPLE_OF_THREAD = 5;

const LINES = new Set([
    "joined", "left", "banned", "renamed", "opened", "waiting", "closed", "muted", "unmuted", "changed",
]);

/** Takes the next entry of the log. One that the page has already is skipped. */
export function fold(page: FoldedPage, entry: Entry): FoldedPage {
    if (entry.seq <= page.asOf) return page;
    let { entries } = page;
    const on = (seq: number | undefined, change: (shown: Shown) => Shown) => {
        if (seq !== undefined) entries = changed(entries, seq, change);
    };
    switch (entry.type) {
        case "message":
            on(entry.thread, (root) => replied(root, entry));
            break;
        case "edited":
            // A blanked edit: that happens only along with its message.
            on(entry.target, entry.gone ? blanked : (message) => edited(message, entry));
            break;
        case "deleted":
            on(entry.target, blanked);
            on(entry.thread, lostReply);
            break;
        case "reacted":
        case "unreacted":
            on(entry.target, (message) => reacted(message, entry, page.me));
            break;
        case "pinned":
        case "unpinned":
            on(entry.target, (message) => pinned(message, entry.type === "pinned"));
    }
    if (page.newest && shows(page.thread, entry)) entries = [...entries, entry];
    return { ...page, asOf: entry.seq, entries };
}

/** Whether a new entry stands on the room's page, or on that of a thread. */
export function shows(thread: number | undefined, entry: Entry): boolean {
    if (entry.type !== "message") return thread === undefined && LINES.has(entry.type) && !entry.gone;
    if (thread !== undefined) return entry.thread === thread;
    return entry.thread === undefined || entry.in_room === true;
}

function changed(entries: readonly Shown[], seq: number, change: (shown: Shown) => Shown): readonly Shown[] {
    const nth = entries.findLastIndex((shown) => shown.seq === seq);
    const before = entries[nth];
    if (!before || before.type !== "message") return entries;
    const after = change(before);
    return after === before ? entries : entries.with(nth, after);
}

function edited(message: Shown, { text, data, mentions, mention_all, at }: Entry): Shown {
    if (message.gone) return message;
    const { text: _, data: _data, mentions: _mentions, mention_all: _all, ...rest } = message;
    return {
        ...rest,
        ...(text !== undefined && { text }),
        ...(data !== undefined && { data }),
        ...(mentions !== undefined && { mentions }),
        ...(mention_all !== undefined && { mention_all }),
        edited_at: at,
    };
}

/** Number, sender, time and what surrounds the content stay, and its thread. */
function blanked(message: Shown): Shown {
    if (message.gone) return message;
    const { type, id, room, seq, from, at, key, reply_to, thread, in_room, replies } = message;
    return {
        ...{ type, id, room, seq, from, at, key },
        ...(reply_to !== undefined && { reply_to }),
        ...(thread !== undefined && { thread }),
        ...(in_room !== undefined && { in_room }),
        gone: true,
        ...(replies !== undefined && { replies }),
    };
}

function reacted(message: Shown, { type, reaction, from }: Entry, reader: string): Shown {
    if (message.gone || reaction === undefined) return message;
    const all = message.reactions ?? [];
    const old = all.find((one) => one.reaction === reaction);
    const added = type === "reacted";
    const me = from === reader;
    if (!old) return added ? { ...message, reactions: [...all, { reaction, count: 1, me, users: [from] }] } : message;
    const count = old.count + (added ? 1 : -1);
    const others = old.users.filter((user) => user !== from);
    const users = added ? (others.length < SAMPLE_OF_REACTION ? [...others, from] : others) : others;
    const now = { ...old, count, me: me ? added : old.me, users };
    const reactions = count > 0 ? all.map((one) => (one === old ? now : one)) : all.filter((one) => one !== old);
    const { reactions: _, ...rest } = message;
    return reactions.length ? { ...rest, reactions } : rest;
}

function replied(root: Shown, { seq, from, at }: Entry): Shown {
    const users = [from, ...(root.replies?.users ?? []).filter((user) => user !== from)].slice(0, SAMPLE_OF_THREAD);
    return { ...root, replies: { count: (root.replies?.count ?? 0) + 1, last: seq, last_at: at, users } };
}

function lostReply(root: Shown): Shown {
    if (!root.replies) return root;
    return { ...root, replies: { ...root.replies, count: Math.max(0, root.replies.count - 1) } };
}

function pinned(message: Shown, is: boolean): Shown {
    const { pinned: _, ...rest } = message;
    return is && !message.gone ? { ...rest, pinned: true } : rest;
}
