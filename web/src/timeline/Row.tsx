// One row of a log: which of the things that can stand there.

import { useMemo, type ReactElement } from "react";
import { useChat } from "hubbub-sdk/react";
import { useToday } from "../app/today.ts";
import { useBlocked } from "../people/blocks.ts";
import { useRoomView, useShown, type RoomView } from "../room/context.tsx";
import { shownIn } from "../room/shown.ts";
import { pendingOn } from "../room/pending.ts";
import { offered } from "../people/people.ts";
import { infoOf } from "../people/called.ts";
import { way } from "../support/forwarding.ts";
import { DraftRow } from "./DraftRow.tsx";
import { answered } from "./answered.ts";
import { Folded } from "./Folded.tsx";
import { dayWords, type Item } from "./items.ts";
import { Lines } from "./Lines.tsx";
import { Start } from "./Start.tsx";
import { Message, type MessageActions, type Place } from "./Message.tsx";

export interface Around extends Pick<RoomView, "me" | "standing" | "behind" | "called" | "support"> {
    on: MessageActions;
    place: Place;
    /** Whose messages are folded. */
    blocked: ReadonlySet<string>;
    /** Who has seen a message and none after it. */
    seen: ReadonlyMap<number, string>;
    /** What the focus was brought to. */
    flash: string | null;
}

/** How a row is drawn: the same function until something of it has changed, so that rows which are the same are not drawn again. */
export function useRow(view: RoomView, place: Place, on: MessageActions, seen: Around["seen"], flash: string | null): (item: Item) => ReactElement {
    const { me, standing, behind, called, support } = view;
    const blocked = useBlocked(useChat());
    return useMemo(() => {
        const around = { me, standing, behind, called, support, blocked, on, place, seen, flash };
        return (item) => row(item, around);
    }, [me, standing, behind, called, support, blocked, on, place, seen, flash]);
}

function row(item: Item, { me, standing, behind, called, support, blocked, on, place, seen, flash }: Around): ReactElement {
    switch (item.kind) {
        case "start":
            return <Start tells={support === null && behind.kind === "open"} />;
        case "day":
            return <p className="divider"><span><Day at={item.at} /></span></p>;
        case "new":
            return <p className="divider new"><span>New messages</span></p>;
        case "lines":
            return <Lines entries={item.entries} called={called} />;
        case "draft":
            return (
                <DraftRow
                    row={item.key} draft={item.draft} first={item.first} me={me} name={called(me)} on={on}
                    answers={item.draft.reply_to === undefined ? null : <Answered seq={item.draft.reply_to} />}
                />
            );
        case "message": {
            const { entry } = item;
            const message = (
                <Message
                    row={item.key} entry={entry} first={item.first} me={me} place={place} called={called} on={on}
                    picture={infoOf(behind.members.get(entry.from)?.info).avatar}
                    acts={[...offered(entry, standing, Date.now())].join(" ")}
                    pending={behind.doing.length ? pendingOn(entry, behind.doing) : null}
                    answers={entry.reply_to === undefined ? null : <Answered seq={entry.reply_to} />}
                    seen={seen.get(entry.seq) ?? ""}
                    way={support && entry.from === me ? way(support.forwarding, entry.seq) : null}
                    flash={flash === item.key}
                />
            );
            return blocked.has(entry.from) && !entry.gone ? <Folded row={item.key} entry={entry}>{message}</Folded> : message;
        }
    }
}

function Day({ at }: { at: string }) {
    useToday();
    return <>{dayWords(at, new Date())}</>;
}

/** What is answered may be loaded, edited or deleted later than the answer. */
function Answered({ seq }: { seq: number }) {
    const { called } = useRoomView();
    const blocked = useBlocked(useChat());
    return <>{answered(useShown((now) => shownIn(now, seq)), called, blocked)}</>;
}
