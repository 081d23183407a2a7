// The room's log, with what is new marked and counted.

import { useEffect, useMemo, useRef, useState, type RefObject } from "react";
import { divided, seenBy, type RoomSnapshot } from "hubbub-sdk";
import { useLook } from "hubbub-sdk/react";
import { useRoomView, useShown, type RoomView } from "../room/context.tsx";
import { seenWords } from "../people/who.ts";
import { plain } from "../ui/names.ts";
import { Icon } from "../ui/icons.tsx";
import { useVisible } from "../app/visible.ts";
import { items, type Item } from "./items.ts";
import { Log, type LogHandle } from "./Log.tsx";
import type { MessageActions } from "./Message.tsx";
import { newWords, useNews } from "./news.ts";
import { useRow } from "./Row.tsx";

interface Props {
    on: MessageActions;
    onKey: (event: KeyboardEvent, item: Item) => void;
    handle: RefObject<LogHandle | null>;
    flash: string | null;
    /** Something lies over it. */
    covered: boolean;
}

/** Receipts stand at the newest messages. */
const RECEIPTS = 200;

export function Timeline({ on, onKey, handle, flash, covered }: Props) {
    const view = useRoomView();
    const { room, me, called } = view;
    const now = useShown((all) => all);
    const [low, setLow] = useState(true);
    const atEnd = low && now.ends;
    const visible = useVisible();
    const waits = useWaiting(now);
    const all = useMemo(() => (waits ? [] : items(divided(now.rows, now.since, me), me, now.complete)), [waits, now.rows, now.since, now.complete, me]);
    const first = useMemo(() => (now.since === null ? null : firstNew(all)), [all, now.since]);
    const begun = useBeginning(handle, all.length > 0, first, now.known && now.state === "live");
    const sees = begun && atEnd && visible && !covered;
    useLook(room.id, sees, begun && atEnd);
    const news = useNews(now.newest, me, called, sees, atEnd && !covered);
    const seen = useSeen(now, view);
    const render = useRow(view, "room", on, seen, flash);
    return (
        <div className="timeline">
            <Log
                items={all} label="Messages" part={now.part} begins={begun ? null : first} complete={now.complete} ends={now.ends} loading={now.loading}
                older={() => void room.older()} newer={() => void room.newer()} first={() => void room.first()} end={() => room.toEnd()}
                render={render} onEnd={setLow} onKey={onKey} handle={handle}
            />
            {now.loading && <p className="loading">Loading messages …</p>}
            {!all.length && now.state !== "ended" && <p className="loading middle">Loading …</p>}
            {!atEnd && (
                <button type="button" className={news ? "to-end some" : "to-end"} onClick={() => handle.current?.toEnd()}>
                    {news ? newWords(news) : "Jump to the newest"} <Icon name="down" />
                </button>
            )}
        </div>
    );
}

/** Who has seen a message and none after it: the same object until that has changed. */
function useSeen({ newest, reads }: RoomSnapshot, { behind: { members }, called, me }: RoomView): ReadonlyMap<number, string> {
    const before = useRef<ReadonlyMap<number, string>>(new Map());
    return useMemo(() => {
        const some = newest.slice(-RECEIPTS).flatMap((one) => (one.kind === "entry" ? [one.entry] : []));
        const marks = [...seenBy(some, reads, members.keys(), me)];
        const now = new Map(marks.map(([seq, users]) => [seq, plain(seenWords(users.map(called), members.size - 1))]));
        const same = now.size === before.current.size && [...now].every(([seq, words]) => before.current.get(seq) === words);
        return same ? before.current : (before.current = now);
    }, [newest, reads, members, called, me]);
}

/** Whether it is not known yet where what is new begins: nothing is shown until then, and moves from under whoever reads it. */
function useWaiting({ state, loading, known, rows }: RoomSnapshot): boolean {
    const over = useRef(false);
    const waits = !over.current && state === "live" && loading && !known && !rows.some(({ kind }) => kind === "draft");
    // What is shown stays: what was kept, or what one writes before there is a connection.
    if (rows.length > 0 && !waits) over.current = true;
    return waits;
}

/** So few new rows stand at the end of any screen. */
const FEW = 4;

/** The key of the line before what is new, where that is not at the end of the screen anyway. */
function firstNew(all: readonly Item[]): string | null {
    const at = all.findIndex(({ kind }) => kind === "new");
    return at >= 0 && all.length - at > FEW ? all[at]!.key : null;
}

/** Begins where something new begins, once that is known: what came meanwhile is there then, and not read yet. Whether it has begun. */
function useBeginning(handle: RefObject<LogHandle | null>, loaded: boolean, first: string | null, known: boolean): boolean {
    const [begun, begin] = useState(false);
    const over = useRef(false);
    useEffect(() => {
        if (over.current || !known || !loaded) return;
        over.current = true;
        if (first !== null) handle.current?.show(first, { align: "start" });
        begin(true);
    }, [first, known, loaded, handle]);
    return begun;
}
