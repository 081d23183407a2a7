// One's rooms, with what is unread there. Where the page is narrow it is a drawer.

import { useCallback, useState, type KeyboardEvent } from "react";
import { useChat, useRooms } from "hubbub-sdk/react";
import { stepped } from "../ui/beside.ts";
import { IconButton } from "../ui/icons.tsx";
import { closes, composes } from "../ui/keys.ts";
import { UserMenu } from "../app/UserMenu.tsx";
import type { Dialogs } from "../app/dialogs.ts";
import { DebugBar } from "../debug/DebugBar.tsx";
import { useKnownRooms, useLast } from "./last.ts";
import { found, nameless, useAsking, useTitles } from "./titles.ts";
import { useMentionNews } from "./mentioned.ts";
import { useMarks } from "./marked.ts";
import { listed } from "./preferences.ts";
import { RoomItem } from "./RoomItem.tsx";

interface Props {
    open: string;
    dialogs: Dialogs;
    onChosen: (room: string) => void;
    onClose: () => void;
}

const PAGE = 60;

export function Sidebar({ open, dialogs, onChosen, onClose }: Props) {
    const chat = useChat();
    const { rooms: told, known } = useRooms();
    const [hidden, showHidden] = useState(false);
    const [problem, setProblem] = useState<string | null>(null);
    const [sought, seek] = useState("");
    const [most, setMost] = useState(PAGE);
    const rooms = useKnownRooms(chat.user, told, known);
    // Who looks for a room finds it, also where it is hidden.
    const shown = listed(rooms, open, hidden || sought.trim() !== "");
    const titles = useTitles();
    useLast(chat.user, told, known, titles);
    useMentionNews(rooms, known, open, titles);
    useMarks(chat, rooms, known, open);
    const all = found(shown, sought, titles);
    useAsking(nameless(all.slice(0, most), shown, sought));
    // Who has found a room sees all of them again.
    const go = useCallback(
        (room: string) => {
            seek("");
            onChosen(room);
        },
        [onChosen],
    );
    const some = rooms.some(({ preferences }) => preferences?.hidden);
    return (
        <nav id="rooms" className="rooms" aria-label="Rooms" onKeyDown={(event) => closes(event as unknown as globalThis.KeyboardEvent) && onClose()}>
            <div className="rooms-top">
                <UserMenu dialogs={dialogs} />
                <IconButton icon="plus" label="New room" data-do="new room" onClick={() => dialogs.show("new room")} />
                <IconButton icon="close" label="Close the list of rooms" className="only-narrow" onClick={onClose} />
            </div>
            <input
                id="room-filter" className="filter" type="search" value={sought} placeholder="Find a room" aria-label="Find a room"
                onInput={(event) => seek(event.currentTarget.value)}
                onKeyDown={(event) => {
                    const [first] = all;
                    if (event.key === "Enter" && first && !composes(event as unknown as globalThis.KeyboardEvent)) go(first.id);
                }}
            />
            {problem && <p className="error" role="alert">{problem}</p>}
            <div className="rooms-scroll">
                <ul className="room-list" onKeyDown={walked}>
                    {all.slice(0, most).map((room) => (
                        <RoomItem key={room.id} room={room} title={titles(room)} current={room.id === open} onChosen={go} onProblem={setProblem} />
                    ))}
                </ul>
                {!known && !rooms.length && <p className="hint">Loading …</p>}
                {known && !rooms.length && <p className="hint">You are in no rooms yet. Make one with the + above.</p>}
                {known && rooms.length > 0 && !all.length && (
                    <>
                        <p className="hint">None of your rooms has this name.</p>
                        <button type="button" className="link more" onClick={() => dialogs.show("new room", sought.trim())}><span>Make a room “<bdi>{sought.trim()}</bdi>”</span></button>
                    </>
                )}
                {all.length > most && <button type="button" className="link more" onClick={() => setMost(most + PAGE)}>Show more rooms</button>}
                {some && !sought.trim() && <button type="button" className="link more" onClick={() => showHidden(!hidden)}>{hidden ? "Leave out hidden rooms" : "Show hidden rooms"}</button>}
            </div>
            <DebugBar room={open} />
        </nav>
    );
}

/** The arrows go from room to room. */
function walked(event: KeyboardEvent<HTMLElement>): void {
    const all = [...event.currentTarget.querySelectorAll<HTMLElement>("a")];
    const to = stepped(event.key, all.indexOf(document.activeElement as HTMLElement), all.length);
    if (to === null) return;
    event.preventDefault();
    all[to]?.focus();
}
