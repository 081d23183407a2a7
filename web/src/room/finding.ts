// Brings a message of the room into sight: it may have to be loaded first.

import { useCallback, useEffect, useRef, useState, type RefObject } from "react";
import type { RoomSnapshot } from "hubbub-sdk";
import { useSelector } from "hubbub-sdk/react";
import type { LogHandle } from "../timeline/Log.tsx";
import type { RoomView } from "./context.tsx";

const FLASH_MS = 1_600;

interface Sought {
    seq: number;
    /** Whether all was loaded that could be. */
    loaded: boolean;
}

type Rows = RoomSnapshot["rows"];

/** The key of its row; `wait`: it may still come; `none`: it does not. `rows` are those that are drawn, `current` those there are now. */
export function rowOf({ seq, loaded }: Sought, rows: Rows, current: Rows): { key: string } | "wait" | "none" {
    const of = (all: Rows) => all.find((row) => row.kind === "entry" && row.entry.seq === seq);
    const row = of(rows);
    if (row) return { key: row.key };
    return loaded && !of(current) ? "none" : "wait";
}

export function useFinding({ room }: RoomView, log: RefObject<LogHandle | null>): { find: (seq: number) => void; flash: string | null } {
    const [sought, seek] = useState<Sought | null>(null);
    const rows = useSelector(room, (now) => (sought === null ? null : now.rows));
    const [flash, setFlash] = useState<string | null>(null);
    const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
    useEffect(() => {
        if (sought === null || rows === null) return;
        const row = rowOf(sought, rows, room.snapshot().rows);
        if (row === "wait") return;
        const isShown = row !== "none" && log.current?.show(row.key, { align: "center", focus: true });
        // What is not found is not sought any more: whoever scrolls there later is not moved by it.
        if (isShown || sought.loaded) seek(null);
        if (row === "none" || !isShown) return;
        setFlash(row.key);
        clearTimeout(timer.current);
        timer.current = setTimeout(() => setFlash(null), FLASH_MS);
    }, [sought, rows, log, room]);
    useEffect(() => () => clearTimeout(timer.current), []);
    const find = useCallback(
        (seq: number) => {
            seek({ seq, loaded: false });
            const loaded = () => seek((one) => (one?.seq === seq ? { seq, loaded: true } : one));
            room.find(seq).then(loaded, loaded);
        },
        [room],
    );
    return { find, flash };
}
