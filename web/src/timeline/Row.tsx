// One row of a log: which of the things that can stand there.

import type { ReactElement } from "react";
import type { RoomView } from "../room/context.tsx";
import { shownIn } from "../room/shown.ts";
import { pendingOn } from "../room/pending.ts";
import { offered } from "../people/people.ts";
import { infoOf } from "../people/called.ts";
import { way } from "../support/forwarding.ts";
import { DraftRow } from "./DraftRow.tsx";
import { answered } from "./answered.ts";
import { dayWords, type Item } from "./items.ts";
import { Lines } from "./Lines.tsx";
import { Message, type MessageActions, type Place } from "./Message.tsx";

export interface Around {
    view: RoomView;
    on: MessageActions;
    place: Place;
    /** Who has seen a message and none after it. */
    seen: ReadonlyMap<number, string>;
    /** What the focus was brought to. */
    flash: string | null;
}

export function row(item: Item, { view, on, place, seen, flash }: Around): ReactElement {
    switch (item.kind) {
        case "start":
            return <p className="start">This is where the room begins.</p>;
        case "day":
            return <p className="divider"><span>{dayWords(item.at, new Date())}</span></p>;
        case "new":
            return <p className="divider new"><span>New messages</span></p>;
        case "lines":
            return <Lines entries={item.entries} called={view.called} />;
        case "draft":
            return (
                <DraftRow
                    row={item.key} draft={item.draft} first={item.first} me={view.me} name={view.called(view.me)} on={on}
                    answers={item.draft.reply_to === undefined ? "" : answered(shownIn(view.now, item.draft.reply_to), view.called)}
                />
            );
        case "message": {
            const { entry } = item;
            const { standing, behind, support, me } = view;
            return (
                <Message
                    row={item.key} entry={entry} first={item.first} me={me} place={place} called={view.called} on={on}
                    picture={infoOf(behind.members.get(entry.from)?.info).avatar}
                    acts={[...offered(entry, standing, Date.now())].join(" ")}
                    pending={behind.doing.length ? pendingOn(entry, behind.doing) : null}
                    answers={entry.reply_to === undefined ? "" : answered(shownIn(view.now, entry.reply_to), view.called)}
                    seen={seen.get(entry.seq) ?? ""}
                    way={support && entry.from === me ? way(support.forwarding, entry.seq) : null}
                    flash={flash === item.key}
                />
            );
        }
    }
}
