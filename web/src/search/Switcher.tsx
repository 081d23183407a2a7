// Goes to a room by a few letters of its name.

import { useId, useState } from "react";
import { short } from "hubbub-sdk";
import { useChat, useRooms } from "hubbub-sdk/react";
import { stepped } from "../ui/beside.ts";
import { Dialog } from "../ui/Dialog.tsx";
import { composes } from "../ui/keys.ts";
import { useKnownRooms } from "../rooms/last.ts";
import { found, nameless, useAsking, useTitles } from "../rooms/titles.ts";

const SOME = 12;

export function Switcher({ onChosen, onClose }: { onChosen: (room: string) => void; onClose: () => void }) {
    const { user } = useChat();
    const { rooms: told, known } = useRooms();
    const rooms = useKnownRooms(user, told, known);
    const [sought, seek] = useState("");
    const [active, setActive] = useState(0);
    const id = useId();
    const titles = useTitles();
    const all = found(rooms, sought, titles).slice(0, SOME);
    useAsking(nameless(all, rooms, sought));
    const choose = (nth: number) => {
        const room = all[nth];
        if (!room) return;
        onClose();
        onChosen(room.id);
    };
    return (
        <Dialog title="Go to a room" className="switcher" onClose={onClose}>
            <input
                type="text" role="combobox" aria-label="Name or topic of a room" aria-expanded={all.length > 0} aria-controls={`${id}list`} aria-autocomplete="list"
                aria-activedescendant={all.length ? `${id}${active}` : undefined} autoFocus value={sought} placeholder="Name or topic" autoComplete="off"
                onInput={(event) => {
                    seek(event.currentTarget.value);
                    setActive(0);
                }}
                onKeyDown={(event) => {
                    const to = event.key.startsWith("Arrow") ? stepped(event.key, active, all.length) : null;
                    if (event.key === "Enter" && !composes(event as unknown as KeyboardEvent)) choose(active);
                    if (to === null) return;
                    event.preventDefault();
                    setActive(to);
                }}
            />
            <ul id={`${id}list`} role="listbox" aria-label="Rooms" className="found">
                {all.map((room, nth) => (
                    <li key={room.id} id={`${id}${nth}`} role="option" aria-selected={nth === active} data-room={room.id} onClick={() => choose(nth)} onMouseMove={() => setActive(nth)}>
                        <b><bdi>{titles(room)}</bdi></b> {room.topic && <span className="soft"><bdi>{room.topic}</bdi></span>}
                        {room.unread && room.unread.count > 0 && <span className="badge unread">{short(room.unread)}</span>}
                    </li>
                ))}
            </ul>
            {!all.length && <p className="hint" role="status">No room has this name.</p>}
        </Dialog>
    );
}
