// Who is in the room, and whether they are there.

import { useEffect, useState } from "react";
import type { Seen } from "hubbub-sdk";
import { useRoomView } from "../room/context.tsx";
import { Side } from "../room/Side.tsx";
import { mayAdd, mayLeave, mayLift, type Role } from "./people.ts";
import { Avatar } from "../ui/Avatar.tsx";
import { isolated } from "../ui/names.ts";
import { Person } from "./Person.tsx";
import { arranged } from "./who.ts";

export function PeoplePanel({ seen, onClose }: { seen: ReadonlyMap<string, Seen>; onClose: () => void }) {
    const { behind, standing, called, backstage, room, me } = useRoomView();
    const [sought, seek] = useState("");
    const all = arranged([...behind.members.values()], seen, called, sought, me);
    const roles = mayAdd(standing);
    return (
        <Side title="People" about={String(behind.members.size)} onClose={onClose}>
            <div className="panel-scroll">
                {behind.members.size > 10 && (
                    <input className="filter" type="search" value={sought} placeholder="Find somebody" aria-label="Find somebody" onInput={(event) => seek(event.currentTarget.value)} />
                )}
                {!behind.known && <p className="hint">Loading …</p>}
                <ul className="people">
                    {all.map((member) => <Person key={member.user} member={member} seen={seen.get(member.user)} />)}
                </ul>
                {mayLift(standing) && <Bans />}
                {roles.length > 0 && <Add roles={roles} />}
                {mayLeave(standing) && <button type="button" className="quiet danger" onClick={() => backstage.tries(() => room.leaveRoom())}>Leave this room</button>}
            </div>
        </Side>
    );
}

/** Who is banned, and the way back. */
function Bans() {
    const { behind: { bans }, backstage, deeds, called } = useRoomView();
    useEffect(() => backstage.wantBans(), [backstage]);
    if (!bans.size) return null;
    return (
        <section className="banned" aria-label="Banned">
            <h3>Banned</h3>
            <ul className="people">
                {[...bans.keys()].sort().map((user) => (
                    <li key={user} data-user={user}>
                        <Avatar user={user} name={called(user)} />
                        <span className="person"><b><bdi>{called(user)}</bdi></b></span>
                        <button type="button" className="small" aria-label={`Lift the ban of ${isolated(called(user))}`} onClick={() => deeds.do("remove_member", { user })}>Lift the ban</button>
                    </li>
                ))}
            </ul>
        </section>
    );
}

/** Adds somebody by their id. */
function Add({ roles }: { roles: readonly Role[] }) {
    const { deeds } = useRoomView();
    const [user, setUser] = useState("");
    const [role, setRole] = useState<string>(roles[0] ?? "member");
    return (
        <form
            className="add row"
            onSubmit={(event) => {
                event.preventDefault();
                if (user.trim()) deeds.do("set_role", { user: user.trim(), role });
                setUser("");
            }}
        >
            <input name="added" value={user} placeholder="Id of a user" aria-label="Id of the person to add" autoComplete="off" onInput={(event) => setUser(event.currentTarget.value)} />
            <select aria-label="Role" value={role} onChange={(event) => setRole(event.currentTarget.value)}>
                {roles.map((one) => <option key={one} value={one}>{one}</option>)}
            </select>
            <button type="submit" disabled={!user.trim()}>Add</button>
        </form>
    );
}
