// Brings a message of the room into sight: it may have to be loaded first.

import { useCallback, useEffect, useRef, useState, type RefObject } from "react";
import type { LogHandle } from "../timeline/Log.tsx";
import type { RoomView } from "./context.tsx";

const FLASH_MS = 1_600;

export function useFinding({ now, room }: RoomView, log: RefObject<LogHandle | null>): { find: (seq: number) => void; flash: string | null } {
    const [sought, seek] = useState<number | null>(null);
    const [flash, setFlash] = useState<string | null>(null);
    const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
    useEffect(() => {
        if (sought === null) return;
        const row = now.rows.find((row) => row.kind === "entry" && row.entry.seq === sought);
        if (!row || !log.current?.show(row.key, { align: "center", focus: true })) return;
        seek(null);
        setFlash(row.key);
        clearTimeout(timer.current);
        timer.current = setTimeout(() => setFlash(null), FLASH_MS);
    }, [sought, now.rows, log]);
    useEffect(() => () => clearTimeout(timer.current), []);
    const find = useCallback(
        (seq: number) => {
            seek(seq);
            void room.find(seq);
        },
        [room],
    );
    return { find, flash };
}
