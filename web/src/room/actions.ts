// What can be done at the messages of a room, and what is open because of it.

import { useMemo, useRef, useState } from "react";
import type { Shown } from "hubbub-sdk";
import type { MessageActions, Place } from "../timeline/Message.tsx";
import type { RoomView } from "./context.tsx";
import { shownIn } from "./shown.ts";

export type Panel = "thread" | "pins" | "people" | "settings";

/** What is being written instead of a new message. */
export interface Mode {
    does: "edit" | "answer";
    entry: Shown;
}

/** Something that is open beside a message. */
export interface Overlay {
    kind: "menu" | "emoji" | "who" | "delete";
    at: HTMLElement;
    entry: Shown;
    place: Place;
}

export interface Open {
    panel: Panel | null;
    overlay: Overlay | null;
    /** In the box of the room, and in that of the thread. */
    mode: Mode | null;
    threadMode: Mode | null;
    /** A message of the thread that is to be brought into sight. */
    sought: number | null;
}

const CLOSED: Open = { panel: null, overlay: null, mode: null, threadMode: null, sought: null };

/** The same object for as long as the room is open. */
export interface Doings {
    put(change: Partial<Open>): void;
    show(panel: Panel | null, root?: number): void;
    begin(place: Place, mode: Mode | null): void;
    at: Record<Place, MessageActions>;
}

/** `find` brings a message of the room into sight, once it is loaded. */
export function useDoings(view: RoomView, find: (seq: number) => void): readonly [Open, Doings] {
    const [open, set] = useState(CLOSED);
    const latest = useRef({ view, find });
    latest.current = { view, find };
    const doings = useMemo(() => doingsOf(() => latest.current, (change) => set((before) => ({ ...before, ...change }))), [view.room]);
    return [open, doings];
}

function doingsOf(latest: () => { view: RoomView; find: (seq: number) => void }, put: Doings["put"]): Doings {
    const show: Doings["show"] = (panel, root) => {
        const { room } = latest().view;
        if (panel === "thread" && root !== undefined) void room.openThread(root);
        else room.closeThread();
        put({ panel, overlay: null, threadMode: null, sought: null });
    };
    const begin: Doings["begin"] = (place, mode) => put(place === "thread" ? { threadMode: mode } : { mode });
    const actions = (place: Place): MessageActions => ({
        react: (entry, reaction) => latest().view.deeds.react(entry, reaction),
        emoji: (at, entry) => put({ overlay: { kind: "emoji", at, entry, place } }),
        menu: (at, entry) => put({ overlay: { kind: "menu", at, entry, place } }),
        who: (at, entry) => put({ overlay: { kind: "who", at, entry, place } }),
        answer: (entry) => begin(place, { does: "answer", entry }),
        thread: (root) => show("thread", root),
        find(seq) {
            const { view, find } = latest();
            const there = shownIn(view.room.snapshot(), seq);
            if (there?.thread === undefined || there.in_room) return find(seq);
            show("thread", there.thread);
            put({ sought: seq });
        },
        unpin: (seq) => latest().view.deeds.do("unpin", { target: seq }),
        again: (key) => latest().view.room.again(key),
        discard: (key) => latest().view.room.discard(key),
        editAgain: (key) => latest().view.deeds.again(key),
        editDiscard: (key) => latest().view.deeds.discard(key),
    });
    return { put, show, begin, at: { room: actions("room"), thread: actions("thread"), pins: actions("pins") } };
}
