// One of the people of a room, and what one may do about them.

import { useState } from "react";
import { moment, type Seen } from "hubbub-sdk";
import { useChat, useConnection } from "hubbub-sdk/react";
import { writeTo } from "../app/where.ts";
import { useRoomView } from "../room/context.tsx";
import { Avatar } from "../ui/Avatar.tsx";
import { Confirm } from "../ui/Dialog.tsx";
import { IconButton } from "../ui/icons.tsx";
import { Menu, type Choice } from "../ui/Menu.tsx";
import { isolated } from "../ui/names.ts";
import { blocksOf, useBlocked } from "./blocks.ts";
import { infoOf } from "./called.ts";
import { MUTES, mayMake, mutedUntil, outranks, type Member } from "./people.ts";
import { presenceWords } from "./who.ts";

export function Person({ member: { user, role, info }, seen }: { member: Member; seen: Seen | undefined }) {
    const chat = useChat();
    const { me, standing, deeds, called, backstage } = useRoomView();
    const blocked = useBlocked(chat).has(user);
    const [menu, setMenu] = useState<HTMLElement | null>(null);
    const [asks, setAsks] = useState<"remove_member" | "ban" | "block" | null>(null);
    const name = called(user);
    const until = mutedUntil(standing, user, Date.now());
    const { state } = useConnection();
    const online = user === me ? state === "connected" : seen?.online;
    const writes: Choice[] = user === me || standing.direct || blocked ? [] : [{ icon: "thread", label: "Message", choose: () => backstage.tries(() => writeTo(chat, user)) }];
    const choices: Choice[] = [...writes, ...mayMake(standing, role).map((one) => ({ icon: "person" as const, label: `Make ${one}`, choose: () => deeds.do("set_role", { user, role: one }) }))];
    if (user !== me && outranks(standing.role, role)) {
        if (until) choices.push({ label: "Unmute", choose: () => deeds.do("unmute", { user }) });
        for (const [minutes, time] of MUTES) {
            choices.push({ label: `Mute for ${time}`, choose: () => deeds.do("mute", { user, until: new Date(Date.now() + minutes * 60_000).toISOString() }) });
        }
        choices.push({ label: "Remove …", danger: true, choose: () => setAsks("remove_member") }, { label: "Ban …", danger: true, choose: () => setAsks("ban") });
    }
    const block = (is: boolean) => backstage.tries(() => blocksOf(chat).turn(user, is));
    if (user !== me) choices.push(blocked ? { label: "Unblock", choose: () => block(false) } : { label: "Block …", danger: true, choose: () => setAsks("block") });
    const there = user === me ? "" : presenceWords(seen, Date.now());
    return (
        <li data-user={user}>
            <Avatar user={user} name={name} picture={infoOf(info).avatar} online={online} />
            <span className="person">
                <span><b><bdi>{name}</bdi></b>{user === me && " (you)"} {role !== "member" && <span className="role">{role}</span>}</span>
                <span className="soft">{[there, until && `muted until ${moment(until)}`, blocked && "blocked by you"].filter(Boolean).join(" · ")}</span>
            </span>
            {choices.length > 0 && <IconButton icon="more" label={`Actions for ${isolated(name)}`} aria-haspopup="menu" onClick={({ currentTarget }) => setMenu(currentTarget)} />}
            {menu && <Menu at={menu} label={`Actions for ${isolated(name)}`} choices={choices} onClose={() => setMenu(null)} />}
            {asks && (
                <Confirm
                    title={`${ASKED[asks].does} ${isolated(name)}?`} text={ASKED[asks].text} does={ASKED[asks].does} onClose={() => setAsks(null)}
                    onDone={() => {
                        if (asks === "block") block(true);
                        else if (asks === "ban") deeds.do("set_role", { user, role: "banned" });
                        else deeds.do("remove_member", { user });
                    }}
                />
            )}
        </li>
    );
}

const ASKED = {
    ban: { does: "Ban", text: "They can neither read nor join this room until the ban is lifted." },
    remove_member: { does: "Remove", text: "They may be added again, or join again where the room is open." },
    block: { does: "Block", text: "Neither of you writes in the room of you two, and what they say elsewhere is folded. They are not told." },
};
