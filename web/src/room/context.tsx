// A room, for whatever is shown of it below.

import { createContext, useContext, useEffect, useMemo, useState, useSyncExternalStore, type ReactNode } from "react";
import type { Room, RoomSnapshot } from "hubbub-sdk";
import { useChat, useSelector } from "hubbub-sdk/react";
import { calledBy, type CalledBy } from "../people/called.ts";
import { nextEnd, silenced, type Standing } from "../people/people.ts";
import type { Support } from "../support/session.ts";
import { serverOf } from "../app/place.ts";
import { Backstage, type Behind } from "./backstage.ts";
import type { Deeds } from "./deeds.ts";
import { doorway, type End } from "./door.ts";

/** What changes seldom. What changes with each message is asked for where it is needed: `useShown`. */
export interface RoomView {
    room: Room;
    me: string;
    behind: Behind;
    standing: Standing;
    deeds: Deeds;
    backstage: Backstage;
    /** What stands in the way, and what helps. */
    end: End | null;
    /** Why one does not write here now; null: one does. */
    silence: string | null;
    /** What people are called. */
    called: CalledBy;
    /** A conversation with a portal's agents; null: a room of people. */
    support: Support | null;
}

const Context = createContext<RoomView | null>(null);

export function useRoomView(): RoomView {
    const view = useContext(Context);
    if (!view) throw new Error("there is no RoomProvider above this component");
    return view;
}

/** A part of what is shown of the room; it has to be the same object for as long as it is the same. */
export function useShown<Part>(select: (shown: RoomSnapshot) => Part): Part {
    return useSelector(useRoomView().room, select);
}

export function RoomProvider({ id, support, children }: { id: string; support: Support | null; children: ReactNode }) {
    const chat = useChat();
    const room = chat.room(id);
    const backstage = useMemo(() => new Backstage(chat, room, serverOf(location.href, chat.user)), [chat, room]);
    useEffect(() => backstage.start(), [backstage]);
    const behind = useSyncExternalStore(backstage.subscribe, backstage.snapshot, backstage.snapshot);
    const view = useView(room, backstage, behind, support);
    useWaking(nextEnd(view.standing, Date.now()));
    return <Context.Provider value={view}>{children}</Context.Provider>;
}

function useView(room: Room, backstage: Backstage, behind: Behind, support: Support | null): RoomView {
    const { user: me } = useChat();
    const { members, known, kind, last } = behind;
    const { id } = room;
    const state = useSelector(room, (now) => now.state);
    const code = useSelector(room, (now) => now.code);
    const problem = useSelector(room, (now) => now.problem);
    const called = useMemo(() => calledBy(members), [members]);
    const member = known && support === null ? members.has(me) : undefined;
    const end = doorway({ me, room: id, state, code, problem, kind, member, last });
    const ended = end?.text ?? support?.ended ?? null;
    // It follows from the log: looked at with each change of the room.
    const rules = useSelector(room, () => backstage.rules());
    const ofPeople = known && support === null;
    const role = members.get(me)?.role;
    const direct = kind === "direct" || id.startsWith("direct.");
    // The same until something of it has changed: rows are drawn anew with another.
    const standing = useMemo<Standing>(() => ({ me, ended, known: ofPeople, role, direct, ...rules }), [me, ended, ofPeople, role, direct, rules]);
    return {
        room, me, behind, standing, backstage, deeds: backstage.deeds, end, silence: silenced(standing, Date.now()), called, support,
    };
}

/** A mute ends without an entry: it is looked at again then. */
function useWaking(at: number | null): void {
    const [, wake] = useState(0);
    useEffect(() => {
        if (at === null) return;
        const timer = setTimeout(() => wake((n) => n + 1), Math.min(at - Date.now() + 50, 2 ** 31 - 1));
        return () => clearTimeout(timer);
    }, [at]);
}
