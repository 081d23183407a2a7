// What is done to a message most, beside it while it is pointed at or has the focus. By keyboard, Enter at the message opens
// the menu, which has all of it: nobody tabs through the buttons of every message.

import type { Shown } from "hubbub-sdk";
import { IconButton } from "../ui/icons.tsx";
import { has, type MessageActions, type Place } from "./Message.tsx";

interface Props {
    entry: Shown;
    acts: string;
    place: Place;
    label: string;
    on: MessageActions;
}

export function Toolbar({ entry, acts, place, label, on }: Props) {
    return (
        <div className="toolbar">
            {has(acts, "react") && (
                <IconButton icon="smile" label={`React to ${label}`} tabIndex={-1} data-do="react" aria-haspopup="dialog" onClick={({ currentTarget }) => on.emoji(currentTarget, entry)} />
            )}
            {has(acts, "answer") && <IconButton icon="reply" label={`Answer ${label}`} tabIndex={-1} data-do="answer" onClick={() => on.answer(entry)} />}
            {place === "room" && has(acts, "thread") && (
                <IconButton icon="thread" label={`Thread of ${label}`} tabIndex={-1} data-do="thread" onClick={() => on.thread(entry.seq)} />
            )}
            <IconButton icon="more" label={`Actions for ${label}`} tabIndex={-1} data-do="menu" aria-haspopup="menu" onClick={({ currentTarget }) => on.menu(currentTarget, entry)} />
        </div>
    );
}
