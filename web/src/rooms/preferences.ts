// How rooms are shown to oneself: which of them stand in the list, and what the menu of a room offers. Pure.

import type { RoomRow } from "hubbub-sdk";
import type { Choice } from "../ui/Menu.tsx";

/** What is done to a room of one's own. */
export type Change =
    | { does: "set_preferences"; what: { pinned?: boolean; hidden?: boolean; notify?: "all" | "mentions" | "nothing"; unread_from?: number | null } }
    | { does: "read"; what: { seq: number } };

/** The rooms that stand in the list; `open` does in any case. `all`: what is hidden, too. */
export function listed(rooms: readonly RoomRow[], open: string, all: boolean): RoomRow[] {
    return all ? [...rooms] : rooms.filter(({ id, preferences }) => !preferences?.hidden || id === open);
}

/** Whether it was marked as unread by hand, without anything new in it. */
export function isMarked({ preferences, unread }: RoomRow): boolean {
    return preferences?.unread_from !== undefined && !unread?.count;
}

/** Whether its messages are not told of: all of them, or all but mentions. */
export function isMuted({ preferences }: RoomRow): boolean {
    return (preferences?.notify ?? "all") !== "all";
}

const TOLD = [
    ["all", "Unmute"],
    ["mentions", "Mute, but for mentions"],
    ["nothing", "Mute"],
] as const;

/** The menu of a room in the list. */
export function roomChoices(room: RoomRow, change: (change: Change) => void): Choice[] {
    const { head, unread, preferences: { pinned = false, hidden = false, notify = "all", unread_from } = {} } = room;
    const set = (what: (Change & { does: "set_preferences" })["what"]) => () => change({ does: "set_preferences", what });
    const unmark = set({ unread_from: null });
    const read = () => change({ does: "read", what: { seq: head } });
    const fresh = (unread?.count ?? 0) > 0;
    return [
        { icon: "pin", label: pinned ? "Unpin" : "Pin above the others", choose: set({ pinned: !pinned }) },
        fresh || unread_from !== undefined
            ? { icon: "check", label: "Mark as read", choose: fresh ? read : unmark }
            : { icon: "unread", label: "Mark as unread", choose: set({ unread_from: Math.max(head, 1) }) },
        ...TOLD.filter(([one]) => one !== notify).map(([one, label]) => ({ icon: one === "all" ? "bell" as const : "muted" as const, label, choose: set({ notify: one }) })),
        { icon: hidden ? "eye" : "hidden", label: hidden ? "Show in the list again" : "Hide from the list", choose: set({ hidden: !hidden }) },
    ];
}
