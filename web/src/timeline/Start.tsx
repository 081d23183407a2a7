// Where a room begins. This page comes from a server for trying out: here it says what there is to try. By keyboard the second window is
// opened from one's own menu: between the box and the messages nothing else has the focus.

import { useChat } from "hubbub-sdk/react";
import { otherOf, secondWindow } from "../app/place.ts";

/** `tells`: a room that everybody may find; those that are somebody's own need no such words. */
export function Start({ tells }: { tells: boolean }) {
    const { user } = useChat();
    const other = otherOf(user);
    return (
        <div className="start">
            <p>This is where the room begins.</p>
            {tells && (
                <p>
                    You are <b><bdi>{user}</bdi></b> in Hubbub’s web chat, served for trying it out. <a tabIndex={-1} href={secondWindow(location.href, user)} target="_blank" rel="noopener">Open a second window as {other}</a> and
                    write to each other. <kbd>Ctrl</kbd> <kbd>/</kbd> lists the keys.
                </p>
            )}
        </div>
    );
}
