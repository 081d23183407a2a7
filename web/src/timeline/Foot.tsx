// What is to be said below a message: that it was edited or pinned, its thread, and what is on its way.

import { moment, type Shown } from "hubbub-sdk";
import type { Pending } from "../room/pending.ts";
import { Icon } from "../ui/icons.tsx";
import type { MessageActions, Place } from "./Message.tsx";

interface Props {
    entry: Shown;
    place: Place;
    pending: Pending | null;
    /** Whether one may pin it, and take it away. */
    pins: boolean;
    on: MessageActions;
}

export function Foot({ entry, place, pending, pins, on }: Props) {
    const { seq, edited_at, pinned, replies, thread, in_room } = entry;
    const inThread = place === "thread";
    if (!edited_at && !pinned && !replies && thread === undefined && !pending && place !== "pins") return <Seq of={seq} />;
    return (
        <p className="foot">
            {edited_at && <span title={moment(edited_at, true)}>edited</span>}
            {pinned && <span className="pinned"><Icon name="pin" /> pinned</span>}
            {!inThread && replies && (
                <button type="button" className="link thread" onClick={() => on.thread(seq)}>
                    <Icon name="thread" /> {counted(replies.count)} <span className="soft">last {moment(replies.last_at)}</span>
                </button>
            )}
            {!inThread && thread !== undefined && <button type="button" className="link" onClick={() => on.thread(thread)}>from a thread</button>}
            {inThread && in_room && <span>also in the room</span>}
            {place === "pins" && <button type="button" className="link" onClick={() => on.find(seq)}>Show in the room</button>}
            {place === "pins" && pins && <button type="button" className="link" data-do="unpin" onClick={() => on.unpin(seq)}>Unpin</button>}
            {pending?.words.map(({ does, what }, nth) => <span key={nth} className="doing">{does} {what && <bdi>{what}</bdi>}</span>)}
            {pending?.refused && <Refused refused={pending.refused} on={on} />}
            <Seq of={seq} />
        </p>
    );
}

/** The number of the message: shown with the values for debugging. */
function Seq({ of }: { of: number }) {
    return <span className="seq debug">#{of}</span>;
}

function Refused({ refused: { key, why }, on }: { refused: NonNullable<Pending["refused"]>; on: MessageActions }) {
    return (
        <>
            <span className="error">Not saved. {why}</span>
            <button type="button" className="small" onClick={() => on.editAgain(key)}>Try again</button>
            <button type="button" className="small" onClick={() => on.editDiscard(key)}>Discard</button>
        </>
    );
}

function counted(count: number): string {
    return count === 1 ? "1 reply" : `${count} replies`;
}
