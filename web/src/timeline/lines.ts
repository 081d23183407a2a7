// The lines between messages, in words.

import { moment, type Entry, type Settings } from "hubbub-sdk";
import { named } from "../support/forwarding.ts";
import type { CalledBy } from "../people/called.ts";
import type { Name, Words } from "../ui/names.ts";

const roles: Record<string, string> = {
    reader: "a reader",
    member: "a member",
    moderator: "a moderator",
    admin: "an admin",
};

/** The product's own backend: what it does has no name that people know. */
const BACKEND = /^hubbub:/;

export function said({ type, seq, from, user = from, role = "member", until, name, topic, settings }: Entry, called: CalledBy = named): Words {
    const self = user === from || (type === "joined" && BACKEND.test(from));
    const who: Name = { name: called(self ? user : from) };
    const whom: Name = { name: called(user) };
    switch (type) {
        case "joined": {
            const now = roles[role] ?? role;
            // Who makes a room is the first in it, and its admin.
            if (seq === 1 && user === from && role === "admin") return [who, " made the room"];
            if (self) return role === "member" ? [who, " joined"] : [who, ` is ${now} now`];
            return [who, " made ", whom, ` ${now}`];
        }
        case "left":
            return user === from ? [who, " left"] : [who, " removed ", whom];
        case "banned":
            return [who, " banned ", whom];
        case "muted":
            return [who, " muted ", whom, until ? ` until ${moment(until)}` : ""];
        case "unmuted":
            return [who, " unmuted ", whom];
        case "opened":
            return [{ name: called(from) }, " opened the conversation"];
        case "waiting":
            return ["Waiting for an agent"];
        case "closed":
            return [{ name: called(from) }, " ended the conversation"];
        case "renamed":
            return name ? [who, " named the room ", { name }] : [who, " removed the room's name"];
        case "changed":
            if (topic) return [who, " set the topic: ", { name: topic }];
            if (topic === "") return [who, " removed the topic"];
            return [who, ` changed the room: ${settled(settings ?? {}).join("; ") || "other settings"}`];
        default:
            return [`${type} (`, who, ")"];
    }
}

/** Settings in words, each in a few. */
export function settled({ slow_mode, frozen, edit_window, members_may, history_from, archived }: Settings): string[] {
    const words: string[] = [];
    const add = (value: unknown, text: () => string) => value !== undefined && words.push(text());
    add(slow_mode, () => (slow_mode ? `slow mode, one message in ${time(slow_mode)}` : "no slow mode"));
    add(frozen, () => (frozen ? "frozen, only moderators write" : "not frozen, members write"));
    add(edit_window, () => {
        if (edit_window === null || edit_window === undefined) return "authors may edit and delete at any time";
        return edit_window ? `authors may edit and delete for ${time(edit_window)}` : "authors may not edit or delete";
    });
    const who = (members: boolean | undefined, others: string) => (members ? "members, too, may" : `only ${others} may`);
    add(members_may?.pin, () => `${who(members_may?.pin, "moderators")} pin`);
    add(members_may?.mention_all, () => `${who(members_may?.mention_all, "moderators")} mention everybody`);
    add(members_may?.invite, () => `${who(members_may?.invite, "admins")} add people`);
    add(history_from, () => (history_from === "joined" ? "members read from when they joined" : "members read everything"));
    add(archived, () => (archived ? "archived, nobody writes" : "not archived"));
    return words;
}

function time(seconds: number): string {
    if (seconds % 86_400 === 0) return `${seconds / 86_400} d`;
    if (seconds % 3_600 === 0) return `${seconds / 3_600} h`;
    return seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}
