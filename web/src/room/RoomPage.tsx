// The open room: its head, its log, where one writes, and the panel at the side.

import { useLayoutEffect, useMemo, useRef } from "react";
import { usePresence } from "hubbub-sdk/react";
import { serverOf } from "../app/place.ts";
import { Boxes } from "../composer/boxes.ts";
import { Composer } from "../composer/Composer.tsx";
import { PeoplePanel } from "../people/PeoplePanel.tsx";
import { PinsPanel } from "../pins/PinsPanel.tsx";
import { RoomSettings } from "../settings/RoomSettings.tsx";
import { ThreadPanel } from "../thread/ThreadPanel.tsx";
import type { Item } from "../timeline/items.ts";
import { keyed } from "../timeline/choices.ts";
import type { LogHandle } from "../timeline/Log.tsx";
import { Overlays } from "../timeline/Overlays.tsx";
import { Timeline } from "../timeline/Timeline.tsx";
import { offered } from "../people/people.ts";
import { COVERED, useMedia } from "../ui/media.ts";
import { forGood } from "../ui/store.ts";
import { useDoings } from "./actions.ts";
import { byKey } from "./keys.ts";
import { useRoomView } from "./context.tsx";
import { Header } from "./Header.tsx";
import { Notice } from "./Notice.tsx";
import { askedFor } from "./title.ts";
import { useFinding } from "./finding.ts";

const ASKED = 200;

interface Props {
    /** The list of rooms lies over it. */
    covered: boolean;
    /** Null: there is no list of rooms. */
    onRooms: (() => void) | null;
}

export function RoomPage({ covered: behindRooms, onRooms }: Props) {
    const view = useRoomView();
    const { me, behind, silence, standing, support } = view;
    const log = useRef<LogHandle>(null);
    const { find, flash } = useFinding(view, log);
    const narrow = useMedia(COVERED);
    const [open, doings] = useDoings(view, (seq) => {
        if (narrow) doings.show(null);
        find(seq);
    });
    const covered = narrow && open.panel !== null;
    const boxes = useMemo(() => new Boxes(serverOf(location.href, me), forGood), [me]);
    const others = useMemo(() => [...behind.members.keys()].filter((user) => user !== me).slice(0, ASKED), [behind.members, me]);
    const seen = usePresence(support ? NOBODY : others, open.panel === "people");
    const from = useRef<Element | null>(null);
    const close = () => {
        doings.show(null);
        const back = from.current instanceof HTMLElement && from.current.isConnected ? from.current : document.querySelector<HTMLElement>("[data-composer=room] textarea");
        back?.focus();
    };
    // Before what is in the panel takes the focus.
    useLayoutEffect(() => {
        if (open.panel) from.current ??= document.activeElement;
        else from.current = null;
    }, [open.panel]);
    const onKey = (place: "room" | "thread") => (event: KeyboardEvent, item: Item) => {
        const does = keyed(event);
        if (!does || item.kind !== "message") return;
        const done = byKey(does, item.entry, offered(item.entry, standing, Date.now()), event.target as HTMLElement, place, view, doings);
        if (done) event.preventDefault();
    };
    return (
        <>
            <main className="room-main" inert={covered}>
                <Header seen={seen} panel={open.panel} onPanel={(panel) => (panel === null ? close() : doings.show(panel))} onRooms={onRooms} />
                <Notice />
                <Timeline on={doings.at.room} onKey={onKey("room")} handle={log} flash={flash} covered={covered || behindRooms} />
                <Composer
                    boxes={boxes} placeholder={askedFor(view)} mode={open.mode} silence={silence}
                    onMode={(mode) => doings.begin("room", mode)} onSent={() => log.current?.toEnd()}
                />
            </main>
            {open.panel === "thread" && <ThreadPanel boxes={boxes} open={open} doings={doings} onKey={onKey("thread")} onClose={close} />}
            {open.panel === "pins" && <PinsPanel doings={doings} onClose={close} />}
            {open.panel === "people" && <PeoplePanel seen={seen} onClose={close} />}
            {open.panel === "settings" && <RoomSettings onClose={close} />}
            {open.overlay && (
                <section aria-label="Open beside a message">
                    <Overlays key={`${open.overlay.kind}${open.overlay.entry.seq}`} overlay={open.overlay} doings={doings} />
                </section>
            )}
        </>
    );
}

const NOBODY: readonly string[] = [];
