// Who one is here, and what is set for oneself.

import { useState } from "react";
import { useChat, useConnection } from "hubbub-sdk/react";
import { Avatar } from "../ui/Avatar.tsx";
import { Icon } from "../ui/icons.tsx";
import { Menu } from "../ui/Menu.tsx";
import { useKept } from "../ui/store.ts";
import { settings } from "../settings/settings.ts";
import type { Dialogs } from "./dialogs.ts";
import { otherOf, secondWindow } from "./place.ts";

export function UserMenu({ dialogs }: { dialogs: Dialogs }) {
    const { user } = useChat();
    const { state } = useConnection();
    const { debug } = useKept(settings);
    const [at, setAt] = useState<HTMLElement | null>(null);
    return (
        <>
            <button type="button" className="myself" data-do="me" aria-haspopup="menu" onClick={({ currentTarget }) => setAt(currentTarget)}>
                <Avatar user={user} name={user} online={state === "connected"} small />
                <b id="me"><bdi>{user}</bdi></b> <span className="heard">that is you: settings</span>
                <Icon name="chevron" />
            </button>
            {at && (
                <Menu
                    at={at} label="You" onClose={() => setAt(null)}
                    choices={[
                        { icon: "settings", label: "Settings", choose: () => dialogs.show("settings") },
                        { icon: "keyboard", label: "Keyboard shortcuts", key: "?", choose: () => dialogs.show("shortcuts") },
                        ...(debug ? [{ icon: "book", label: "Reference of the API", choose: () => void open("./reference/", "_blank", "noopener") } as const] : []),
                        { icon: "person", label: `Open a second window as ${otherOf(user)}`, choose: () => void open(secondWindow(location.href, user), "_blank", "noopener") },
                    ]}
                />
            )}
        </>
    );
}
