// Who one is here, and what is set for oneself.

import { useState } from "react";
import { useChat, useConnection } from "hubbub-sdk/react";
import { Avatar } from "../ui/Avatar.tsx";
import { Menu } from "../ui/Menu.tsx";
import { useKept } from "../ui/store.ts";
import { settings } from "../settings/settings.ts";
import type { Dialogs } from "./dialogs.ts";
import { addressed } from "./place.ts";

/** The two people that a server for trying out knows. */
const OTHER: Record<string, string> = { ana: "ben" };

export function UserMenu({ dialogs }: { dialogs: Dialogs }) {
    const { user } = useChat();
    const { state } = useConnection();
    const { debug } = useKept(settings);
    const [at, setAt] = useState<HTMLElement | null>(null);
    const other = OTHER[user] ?? "ana";
    return (
        <>
            <button type="button" className="myself" data-do="me" aria-haspopup="menu" onClick={({ currentTarget }) => setAt(currentTarget)}>
                <Avatar user={user} name={user} online={state === "connected"} small />
                <b id="me"><bdi>{user}</bdi></b> <span className="heard">that is you: settings</span>
            </button>
            {at && (
                <Menu
                    at={at} label="You" onClose={() => setAt(null)}
                    choices={[
                        { icon: "gear", label: "Settings", choose: () => dialogs.show("settings") },
                        { icon: "keyboard", label: "Keyboard shortcuts", key: "?", choose: () => dialogs.show("shortcuts") },
                        ...(debug ? [{ icon: "hash", label: "Reference of the API", choose: () => void open("./reference/", "_blank", "noopener") } as const] : []),
                        { icon: "person", label: `Open a second window as ${other}`, choose: () => void open(addressed(location.href, { user: other }), "_blank", "noopener") },
                    ]}
                />
            )}
        </>
    );
}
