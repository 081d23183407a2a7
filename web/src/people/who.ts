// People in words: who types, who has seen a message, whether somebody is there. Pure.

import type { Seen } from "hubbub-sdk";
import type { Words } from "../ui/names.ts";
import type { CalledBy } from "./called.ts";
import type { Member } from "./people.ts";

export function typingWords(who: readonly string[]): Words {
    const [one = "", other = ""] = who;
    if (!who.length) return [];
    if (who.length === 1) return [{ name: one }, " is typing…"];
    if (who.length === 2) return [{ name: one }, " and ", { name: other }, " are typing…"];
    return ["Several people are typing…"];
}

const NAMED = 4;

/** `others`: so many people could have seen it. */
export function seenWords(users: readonly string[], others: number): Words {
    if (users.length > 1 && users.length === others) return ["Seen by everybody"];
    const named = users.slice(0, users.length > NAMED + 1 ? NAMED : users.length);
    const more = users.length - named.length;
    const words = named.flatMap((name, nth) => {
        const last = nth > 0 && nth === named.length - 1 && !more;
        return [nth === 0 ? "Seen by " : last ? " and " : ", ", { name }];
    });
    return more ? [...words, ` and ${more} more`] : words;
}

const UNITS: [unit: Intl.RelativeTimeFormatUnit, seconds: number][] = [
    ["day", 86_400],
    ["hour", 3_600],
    ["minute", 60],
];

/** Whether somebody is there, in words; empty: it is not known. */
export function presenceWords(seen: Seen | undefined, now: number): string {
    if (!seen) return "";
    if (seen.online) return "online";
    if (!seen.last_seen) return "offline";
    const ago = (now - Date.parse(seen.last_seen)) / 1000;
    // It is told to the minute.
    if (ago < 120) return "last seen a moment ago";
    const [unit, seconds] = UNITS.find(([, seconds]) => ago >= seconds) ?? ["minute", 60];
    return `last seen ${new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(-Math.floor(ago / seconds), unit)}`;
}

/** Oneself stands first, then who is there, then by name; `sought` is in their name or id. */
export function arranged(members: readonly Member[], seen: ReadonlyMap<string, Seen>, called: CalledBy, sought: string, me: string): Member[] {
    const words = sought.trim().toLocaleLowerCase();
    const found = members.filter(({ user }) => !words || [user, called(user)].some((one) => one.toLocaleLowerCase().includes(words)));
    const there = ({ user }: Member) => (user === me ? 0 : seen.get(user)?.online ? 1 : 2);
    return found.sort((one, other) => there(one) - there(other) || called(one.user).localeCompare(called(other.user)));
}
