// A room in the list: what it is called, and what is unread there.

import { memo } from "react";
import { long, short, type Counted, type RoomRow } from "hubbub-sdk";
import { linkTo } from "../app/where.ts";
import { Icon } from "../ui/icons.tsx";
import { isMarked, isMuted } from "./preferences.ts";

interface Props {
    room: RoomRow;
    title: string;
    current: boolean;
    onChosen: (room: string) => void;
}

const ICONS = { private: "lock", direct: "person" } as const;
const NONE: Counted = { count: 0 };

export const RoomLink = memo(function RoomLink({ room, title, current, onChosen }: Props) {
    const { id, kind, topic, settings, unread = NONE, mentions = NONE } = room;
    const marked = isMarked(room);
    const muted = isMuted(room);
    const icon = ICONS[kind as keyof typeof ICONS] ?? "hash";
    return (
        <a
            className={["room", (marked || (unread.count > 0 && !muted)) && "some", muted && "muted"].filter(Boolean).join(" ")} href={linkTo(id)} data-room={id} title={topic ? `${title}: ${topic}` : title}
            aria-current={current ? "page" : undefined}
            onClick={(event) => {
                if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
                event.preventDefault();
                onChosen(id);
            }}
        >
            <Icon name={icon} />
            <span className="room-words">
                <span className="title"><bdi>{title}</bdi></span>
                {settings?.archived ? <span className="topic">archived</span> : topic && topic !== title && <span className="topic"><bdi>{topic}</bdi></span>}
            </span>
            {room.preferences?.pinned && <span className="pin-mark"><Icon name="pin" /><span className="heard">, pinned</span></span>}
            {muted && <span className="pin-mark"><Icon name="muted" /><span className="heard">, muted</span></span>}
            {marked && <Badge name="unread marked" seen="•" heard="marked as unread" />}
            {mentions.count > 0 && <Badge name="mentions" seen={`@${short(mentions)}`} heard={long(mentions, "mention of you", "mentions of you")} />}
            {unread.count > 0 && <Badge name="unread" seen={short(unread)} heard={long(unread, "unread message", "unread messages")} />}
        </a>
    );
});

/** What is seen, and what is heard. */
function Badge({ name, seen, heard }: { name: string; seen: string; heard: string }) {
    return <span className={`badge ${name}`} title={heard}><span aria-hidden="true" dir="ltr">{seen}</span><span className="heard">, {heard}</span></span>;
}
