// Who reacted to a message, asked for when it is opened.

import { useEffect, useState } from "react";
import { failure, refusal, type Shown } from "hubbub-sdk";
import { useChat } from "hubbub-sdk/react";
import { useRoomView } from "../room/context.tsx";
import { useBlocked } from "../people/blocks.ts";
import { Popover } from "../ui/Popover.tsx";
import { byReaction, type Reactors } from "./reactors.ts";

const SOME = 200;

export function Who({ at, entry, onClose }: { at: HTMLElement; entry: Shown; onClose: () => void }) {
    const chat = useChat();
    const { room, called } = useRoomView();
    const blocked = useBlocked(chat);
    const [answer, put] = useState<Reactors | string>("Loading …");
    useEffect(() => {
        chat.call("reactions", { room: room.id, target: entry.seq, limit: SOME }).then(put, (error: unknown) => put(refusal(failure(error))));
    }, [chat, room, entry.seq]);
    const all = typeof answer === "string" ? [] : byReaction(answer, blocked);
    const note = typeof answer === "string" ? answer : all.length ? null : "Nobody reacts to this any more.";
    return (
        <Popover at={at} label="Who reacted" className="who-reacted" onClose={onClose}>
            {note && <p>{note}</p>}
            {all.map(([reaction, users]) => (
                <p key={reaction}>
                    <bdi className="big">{reaction}</bdi> {users.map((user, nth) => <span key={user}>{nth ? ", " : ""}<bdi>{called(user)}</bdi></span>)}
                </p>
            ))}
            {typeof answer !== "string" && answer.next !== undefined && <p>… and more</p>}
        </Popover>
    );
}
