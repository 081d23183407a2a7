// The head of a room: what it is called, what it is about, and what can be opened beside it.

import { useEffect } from "react";
import { short, type Seen } from "hubbub-sdk";
import { useChat, useSelector } from "hubbub-sdk/react";
import { Icon, IconButton, type IconName } from "../ui/icons.tsx";
import { isolated } from "../ui/names.ts";
import type { Panel } from "./actions.ts";
import { useRoomView, useShown } from "./context.tsx";
import { aboutOf, titleOf } from "./title.ts";

interface Props {
    seen: ReadonlyMap<string, Seen>;
    panel: Panel | null;
    onPanel: (panel: Panel | null) => void;
    /** Null: there is no list of rooms. */
    onRooms: (() => void) | null;
}

export function Header({ seen, panel, onPanel, onRooms }: Props) {
    const view = useRoomView();
    const { me, behind, support } = view;
    const pins = useShown((now) => now.pins.length);
    const { rooms } = useChat();
    const unread = useSelector(rooms, ({ unread }) => (unread.count ? short(unread) : ""));
    const title = titleOf(view);
    const about = support ? support.state : aboutOf(view, seen);
    const sum = support || !unread ? "" : `(${unread}) `;
    useEffect(() => {
        document.title = `${sum}${isolated(title)} · ${isolated(me)} · Hubbub`;
    }, [sum, title, me]);
    const online = [...seen.values()].filter((one) => one.online).length;
    const people = `${behind.members.size || ""}`;
    const toggle = (which: Panel) => ({ onClick: () => onPanel(panel === which ? null : which), "aria-expanded": panel === which });
    return (
        <header className="room-head">
            {onRooms && <IconButton icon="menu" label={unread ? `Rooms, ${unread} unread` : "Rooms"} className={unread ? "only-narrow some" : "only-narrow"} data-do="rooms" onClick={onRooms} />}
            <div className="titles">
                <h1 id="room"><bdi>{title}</bdi></h1>
                {about && <p id="about"><bdi>{about}</bdi></p>}
            </div>
            {support ? (
                <button type="button" id="session" onClick={support.turn}>{support.state === "closed" ? "Open it again" : "End the conversation"}</button>
            ) : (
                <div className="head-buttons">
                    <Open icon="people" does="people" label={online ? `People, ${online + 1} online` : "People"} words={people} {...toggle("people")} />
                    <Open icon="pin" does="pins" label="Pinned messages" words={pins ? String(pins) : ""} {...toggle("pins")} />
                    <Open icon="settings" does="settings" label="About this room" words="" {...toggle("settings")} />
                </div>
            )}
        </header>
    );
}

interface OpenProps {
    icon: IconName;
    does: Panel;
    label: string;
    words: string;
    onClick: () => void;
    "aria-expanded": boolean;
}

function Open({ icon, does, label, words, ...rest }: OpenProps) {
    return (
        <button type="button" className="icon-button" data-do={does} title={label} {...rest}>
            <Icon name={icon} /> <span className="heard">{label}</span> {words && <span>{words}</span>}
        </button>
    );
}
