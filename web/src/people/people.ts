// Who is in the room, and what they may do: "Who may do what" in docs/protocol.md. Pure.

import { moment, type Draft, type Entry, type Settings, type Shown } from "hubbub-sdk";

export const ROLES = ["reader", "member", "moderator", "admin"] as const;
export type Role = (typeof ROLES)[number];

export interface Member {
    user: string;
    role: Role;
    /** The entry that made it so. */
    since: number;
    /** Until when they are muted, as it was when the list was read. */
    muted_until?: string;
    /** What the product says about the user. */
    info?: unknown;
}

export type Members = ReadonlyMap<string, Member>;

/** What holds in the room. */
export interface Rules {
    settings: Settings;
    /** Until when somebody is muted. */
    muted: ReadonlyMap<string, string>;
    /** For people; empty where it has none. */
    name: string;
    /** What it is about; empty where nothing is said. */
    topic: string;
}

export interface Standing extends Rules {
    me: string;
    role: Role | undefined;
    /** Whether it is known who is a member. */
    known: boolean;
    /** Why the room is not followed, in words. */
    ended: string | null;
    /** The two people of a direct room pin. */
    direct: boolean;
}

export type Act = "edit" | "delete" | "react" | "answer" | "thread" | "reply" | "pin";

/** The members after the next entry of the log. */
export function followed(members: Members, { type, user, role, seq }: Entry): Members {
    if (user === undefined || seq <= (members.get(user)?.since ?? 0)) return members;
    const others = new Map(members);
    if (type === "joined") return others.set(user, { user, role: role as Role, since: seq });
    if ((type !== "left" && type !== "banned") || !others.delete(user)) return members;
    return others;
}

/** Who is banned, and since which entry. */
export type Bans = ReadonlyMap<string, number>;

/** The bans after the next entry of the log. */
export function bannedAfter(bans: Bans, { type, user, seq }: Entry): Bans {
    if (user === undefined || seq <= (bans.get(user) ?? 0)) return bans;
    const others = new Map(bans);
    if (type === "banned") return others.set(user, seq);
    return (type === "joined" || type === "left") && others.delete(user) ? others : bans;
}

/** The rules as the server told them, at a head of the log. */
export interface Told extends Rules {
    asOf: number;
}

/** They, and what the lines since then say, in their order. */
export function rules(before: Told, entries: readonly Entry[]): Rules {
    let { settings, name, topic } = before;
    const muted = new Map(before.muted);
    for (const { type, seq, user = "", until, settings: other, name: called, topic: about } of entries) {
        if (seq <= before.asOf) continue;
        if (type === "changed") {
            const members_may = { ...settings.members_may, ...other?.members_may };
            settings = { ...settings, ...other, members_may };
            topic = about ?? topic;
        }
        if (type === "muted" && until) muted.set(user, until);
        if (type === "unmuted") muted.delete(user);
        if (type === "renamed") name = called ?? "";
    }
    return { settings, muted, name, topic };
}

export function atLeast(role: Role | undefined, least: Role): boolean {
    return role !== undefined && ROLES.indexOf(role) >= ROLES.indexOf(least);
}

/** Why one does not write here now; null: one does. */
export function silenced({ me, role, known, ended, settings, muted }: Standing, now: number): string | null {
    const until = muted.get(me);
    if (ended !== null) return ended;
    if (role === undefined && known) return NOT_MEMBER;
    if (role === "reader") return "You are a reader here: you can read, but not write.";
    if (until && Date.parse(until) > now) return `You are muted here until ${moment(until)}.`;
    if (settings.archived) return "This room is archived: everything can be read, and nobody can write.";
    if (settings.frozen && !atLeast(role, "moderator")) return "This room is frozen: only moderators write.";
    return null;
}

export const NOT_MEMBER = "You are not a member here: only members write.";

/** When the next mute ends by itself. */
export function nextEnd({ muted }: Rules, now: number): number | null {
    const ends = [...muted.values()].map((until) => Date.parse(until)).filter((end) => end > now);
    return ends.length ? Math.min(...ends) : null;
}

/** What to offer at a message. The server has the last word. */
export function offered(message: Shown, standing: Standing, now: number): Set<Act> {
    const { me, role, settings, direct } = standing;
    const acts = new Set<Act>();
    const root = message.thread === undefined;
    if (root && message.replies) acts.add("thread");
    if (message.gone || role === undefined) return acts;
    const moderates = atLeast(role, "moderator");
    const writes = silenced(standing, now) === null;
    const own = message.from === me;
    const window = settings.edit_window ?? Infinity;
    const inTime = now - Date.parse(message.at) < window * 1000;
    if (writes) acts.add("react").add("answer");
    if (writes && root) acts.add("thread").add("reply");
    if (writes && own && inTime) acts.add("edit");
    if (writes && (moderates || direct || settings.members_may?.pin)) acts.add("pin");
    if (moderates || (own && inTime)) acts.add("delete");
    return acts;
}

/** Whether one sees who is banned, and lifts bans. */
export function mayLift({ role, direct }: Pick<Standing, "role" | "direct">): boolean {
    return !direct && atLeast(role, "moderator");
}

/** Whether one may mute and remove somebody. */
export function outranks(role: Role | undefined, other: Role): boolean {
    return role === "admin" || (role === "moderator" && !atLeast(other, "moderator"));
}

/** Whether one may go: the people of a direct room are who they are for good. */
export function mayLeave({ role, direct }: Standing): boolean {
    return role !== undefined && !direct;
}

/** What one may make of somebody who is there as `other`; empty: nothing. */
export function mayMake({ role, direct }: Standing, other: Role): readonly Role[] {
    return role === "admin" && !direct ? ROLES.filter((one) => one !== other) : [];
}

/** What one may make of somebody who is added; empty: one adds nobody. */
export function mayAdd({ role, direct, settings }: Standing): readonly Role[] {
    if (direct || !atLeast(role, "member")) return [];
    if (role === "admin") return ["member", ...ROLES.filter((one) => one !== "member")];
    return settings.members_may?.invite ? ["member", "reader"] : [];
}

/** Why one does not reply in a thread, where one writes in the room. */
export function unanswered(root: Shown | undefined): string | null {
    return root?.gone ? "The message of this thread was deleted: nobody can reply any more." : null;
}

/** Whether a refused draft can be sent again: not under a root that was deleted. `root`: that of its thread, as far as it is there. */
export function mayGoAgain({ final }: Pick<Draft, "final">, root: Shown | undefined): boolean {
    return !final && unanswered(root) === null;
}

/** For how long one mutes somebody. */
export const MUTES: readonly (readonly [minutes: number, label: string])[] = [
    [10, "10 minutes"],
    [60, "1 hour"],
    [8 * 60, "8 hours"],
    [24 * 60, "1 day"],
    [7 * 24 * 60, "1 week"],
    [30 * 24 * 60, "30 days"],
];

/** Until when somebody is muted; undefined: they are not. */
export function mutedUntil({ muted }: Rules, user: string, now: number): string | undefined {
    const until = muted.get(user);
    return until !== undefined && Date.parse(until) > now ? until : undefined;
}

/** What the room does where no `changed` says otherwise. */
export const USUAL: Required<Settings> = {
    slow_mode: null,
    frozen: false,
    edit_window: null,
    members_may: { pin: false, mention_all: true, invite: false },
    history_from: "all",
    archived: false,
};

/** All settings, as they hold now. */
export function settingsNow({ settings }: Rules): Required<Settings> {
    return { ...USUAL, ...settings, members_may: { ...USUAL.members_may, ...settings.members_may } };
}
