// The whole page: the rooms at one side, the open room, and what lies over both.

import { useEffect, useRef, useState } from "react";
import { useChat } from "hubbub-sdk/react";
import { DebugBar } from "../debug/DebugBar.tsx";
import { useNotifications } from "../settings/notifications.ts";
import { NewRoom } from "../rooms/NewRoom.tsx";
import { RoomPage } from "../room/RoomPage.tsx";
import { RoomProvider } from "../room/context.tsx";
import { Sidebar } from "../rooms/Sidebar.tsx";
import { Switcher } from "../search/Switcher.tsx";
import { SettingsDialog } from "../settings/SettingsDialog.tsx";
import { dress, settings } from "../settings/settings.ts";
import { Shortcuts } from "../settings/Shortcuts.tsx";
import { useSupport } from "../support/session.ts";
import { Announcer } from "../ui/announce.tsx";
import { NARROW, useMedia } from "../ui/media.ts";
import { useKept } from "../ui/store.ts";
import { Banner } from "./Banner.tsx";
import { useDialogs, type Dialogs } from "./dialogs.ts";
import { useShortcuts } from "./shortcuts.ts";
import { goTo, useOpenRoom } from "./where.ts";

export function App({ portal }: { portal: string | null }) {
    const chat = useChat();
    const open = useOpenRoom();
    const support = useSupport(chat, portal, open);
    const alone = portal !== null;
    const dialogs = useDialogs();
    const drawer = useDrawer();
    const { theme, debug } = useKept(settings);
    useEffect(() => dress(theme), [theme]);
    useShortcuts(chat, dialogs, drawer.put);
    useNotifications(chat, goTo);
    const room = support ? support.room : open;
    const choose = (id: string) => {
        goTo(id);
        drawer.put(false);
    };
    return (
        <div className={["app", drawer.open && "drawer-open", debug && "debugging", alone && "alone"].filter(Boolean).join(" ")}>
            <Banner />
            <div className="panes">
                {!alone && (
                    <div className="drawer" ref={drawer.ref} inert={drawer.narrow && !drawer.open}>
                        <Sidebar open={open} dialogs={dialogs} onChosen={choose} onClose={() => drawer.put(false)} />
                    </div>
                )}
                {drawer.narrow && drawer.open && <div className="behind" onClick={() => drawer.put(false)} />}
                <div className="room-pane" inert={drawer.narrow && drawer.open}>
                    {room === null ? (
                        <main className="middle-note"><p role="status">{support?.problem ?? "Opening the conversation …"}</p></main>
                    ) : (
                        <RoomProvider key={room} id={room} support={support}>
                            <RoomPage covered={drawer.open} onRooms={alone ? null : () => drawer.put(true)} />
                        </RoomProvider>
                    )}
                    {alone && room !== null && <DebugBar room={room} />}
                </div>
            </div>
            <Over dialogs={dialogs} onChosen={choose} />
            <Announcer />
        </div>
    );
}

function Over({ dialogs: { open, words, close }, onChosen }: { dialogs: Dialogs; onChosen: (room: string) => void }) {
    if (open === "new room") return <NewRoom called={words} onMade={onChosen} onClose={close} />;
    if (open === "switch") return <Switcher onChosen={onChosen} onClose={close} />;
    if (open === "settings") return <SettingsDialog onClose={close} />;
    return open === "shortcuts" ? <Shortcuts onClose={close} /> : null;
}

/** The list of rooms, where the page is narrow: the focus goes into it and comes back. */
function useDrawer() {
    const narrow = useMedia(NARROW);
    const [open, put] = useState(false);
    const ref = useRef<HTMLDivElement>(null);
    const from = useRef<Element | null>(null);
    useEffect(() => {
        if (!narrow) return put(false);
        if (open) {
            from.current = document.activeElement;
            (ref.current?.querySelector<HTMLElement>("a[aria-current]") ?? ref.current?.querySelector<HTMLElement>("button"))?.focus();
        } else (from.current as HTMLElement | null)?.focus();
    }, [open, narrow]);
    return { narrow, open: open && narrow, put, ref };
}
