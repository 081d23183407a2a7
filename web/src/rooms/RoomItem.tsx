// A room in the list with its menu: opened by its button, by the other button of a mouse, or by the key for menus.

import { memo, useLayoutEffect, useRef, useState } from "react";
import { failure, refusal, type RoomRow } from "hubbub-sdk";
import { useChat } from "hubbub-sdk/react";
import { IconButton } from "../ui/icons.tsx";
import { Menu } from "../ui/Menu.tsx";
import { isolated } from "../ui/names.ts";
import { leftTo } from "./leaving.ts";
import { roomChoices, type Change } from "./preferences.ts";
import { RoomLink } from "./RoomLink.tsx";

interface Props {
    room: RoomRow;
    title: string;
    current: boolean;
    onChosen: (room: string) => void;
    onProblem: (why: string | null) => void;
}

export const RoomItem = memo(function RoomItem({ room, title, current, onChosen, onProblem }: Props) {
    const chat = useChat();
    const [menu, setMenu] = useState<HTMLElement | null>(null);
    const item = useRef<HTMLLIElement>(null);
    // A room that goes from the list, as when it is hidden, takes the focus with it.
    useLayoutEffect(() => {
        const own = item.current!;
        return () => leftTo(own)?.focus();
    }, []);
    const label = `Actions for ${isolated(title)}`;
    const change = ({ does, what }: Change) => {
        onProblem(null);
        chat.call(does, { room: room.id, ...what }).catch((error: unknown) => onProblem(refusal(failure(error))));
    };
    return (
        <li
            ref={item} className="room-item"
            onContextMenu={(event) => {
                event.preventDefault();
                setMenu(event.currentTarget.querySelector<HTMLElement>("a"));
            }}
        >
            <RoomLink room={room} title={title} current={current} onChosen={onChosen} />
            <IconButton icon="more" label={label} tabIndex={-1} aria-haspopup="menu" onClick={({ currentTarget }) => setMenu(currentTarget)} />
            {menu && <Menu at={menu} label={label} choices={roomChoices(room, change)} onClose={() => setMenu(null)} />}
        </li>
    );
});
