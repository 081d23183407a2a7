// A thread at the side: what it is about, its replies, and where one writes another.

import { useEffect, useMemo, useRef, type RefObject } from "react";
import type { Shown } from "hubbub-sdk";
import type { Boxes } from "../composer/boxes.ts";
import { Composer } from "../composer/Composer.tsx";
import type { Doings, Open } from "../room/actions.ts";
import { useRoomView, useShown } from "../room/context.tsx";
import { unanswered } from "../people/people.ts";
import { items, type Item } from "../timeline/items.ts";
import { Log, type LogHandle } from "../timeline/Log.tsx";
import { useRow } from "../timeline/Row.tsx";
import { Side } from "../room/Side.tsx";

interface Props {
    boxes: Boxes;
    open: Open;
    doings: Doings;
    onKey: (event: KeyboardEvent, item: Item) => void;
    onClose: () => void;
}

const NONE: ReadonlyMap<number, string> = new Map();

export function ThreadPanel({ boxes, open, doings, onKey, onClose }: Props) {
    const view = useRoomView();
    const { room, me, silence, called } = view;
    const thread = useShown((now) => now.thread);
    const handle = useRef<LogHandle>(null);
    const about = useRef<Shown | null>(null);
    const all = useMemo(() => (thread ? items(thread.rows, me, false) : []), [thread?.rows, me]);
    const render = useRow(view, "thread", doings.at.thread, NONE, null);
    useSought(handle, all, open.sought, () => doings.put({ sought: null }));
    if (!thread) return null;
    const { root, complete, ends, rows } = thread;
    // What it is about stays while its end is loaded again.
    if (thread.message) about.current = thread.message;
    const message = about.current?.seq === root ? about.current : null;
    const count = message?.replies?.count ?? 0;
    const loaded = complete || rows.length > 0;
    return (
        <Side title="Thread" about={message ? `of ${called(message.from)}` : ""} onClose={onClose}>
            <div className="thread-root">
                {message && render({ kind: "message", key: `root ${root}`, entry: message, first: true })}
                <p className="divider"><span>{!loaded ? "Loading …" : count === 0 ? "No replies yet" : count === 1 ? "1 reply" : `${count} replies`}</span></p>
            </div>
            <Log
                items={all} label="Replies" part={0} complete={complete} ends={ends} loading={!loaded} older={() => void room.olderReplies()}
                newer={() => void room.newerReplies()} end={() => void room.openThread(root)} render={render} onEnd={() => {}} onKey={onKey} handle={handle}
            />
            <Composer
                key={root} boxes={boxes} thread={root} placeholder="Reply in the thread" mode={open.threadMode} silence={silence ?? unanswered(message ?? undefined)}
                onMode={(mode) => doings.begin("thread", mode)} onSent={() => handle.current?.toEnd()}
            />
        </Side>
    );
}

/** Brings a reply into sight, once it is loaded. */
function useSought(handle: RefObject<LogHandle | null>, all: readonly Item[], sought: number | null, found: () => void): void {
    useEffect(() => {
        const item = sought === null ? undefined : all.find((one) => one.kind === "message" && one.entry.seq === sought);
        if (item && handle.current?.show(item.key, { align: "center", focus: true })) found();
    }, [handle, all, sought, found]);
}
