// Mentions: found in what is written, and shown in what was said. Pure.

import type { Shown } from "hubbub-sdk";

export interface Mentions {
    mentions?: string[];
    mention_all?: boolean;
}

export interface Part {
    text: string;
    /** Who is mentioned here. */
    who?: "me" | "other";
}

const ALL = "all";

/** Who is mentioned by `@name`; everybody by `@all`. */
export function mentioned(text: string, members: Iterable<string>): Mentions {
    const names = new Set(members);
    const found = new Set(hits(text, [...names, ALL]).map(({ name }) => name));
    const everybody = found.has(ALL) && !names.has(ALL);
    const mentions = [...found].filter((name) => names.has(name));
    return { ...(mentions.length && { mentions }), ...(everybody && { mention_all: true }) };
}

/** A message's text in parts. Whoever it mentions elsewhere than in its text is not among them: see `alsoMentioned`. */
export function parts({ text = "", mentions = [], mention_all }: Pick<Shown, "text" | "mentions" | "mention_all">, me: string): Part[] {
    const parts: Part[] = [];
    let end = 0;
    for (const { name, at } of hits(text, mention_all ? [...mentions, ALL] : mentions)) {
        if (at > end) parts.push({ text: text.slice(end, at) });
        end = at + 1 + name.length;
        const mine = name === me || (name === ALL && mention_all);
        parts.push({ text: text.slice(at, end), who: mine ? "me" : "other" });
    }
    if (end < text.length) parts.push({ text: text.slice(end) });
    return parts;
}

/** Those who are mentioned and whose `@name` is not in the text. */
export function alsoMentioned({ text = "", mentions = [], mention_all }: Shown): string[] {
    const found = new Set(hits(text, [...mentions, ALL]).map(({ name }) => name));
    return [...mentions, ...(mention_all ? [ALL] : [])]
        .filter((name) => !found.has(name))
        .map((name) => (name === ALL && mention_all ? "everybody" : name));
}

export function mentionsMe({ mentions, mention_all, from }: Shown, me: string): boolean {
    return from !== me && (mention_all === true || mentions?.includes(me) === true);
}

function hits(text: string, names: readonly string[]): { name: string; at: number }[] {
    if (!names.length || !text.includes("@")) return [];
    // The longest first: @ana.b is not @ana.
    const any = [...names].sort((one, other) => other.length - one.length).map(escaped).join("|");
    const pattern = new RegExp(`(?<![\\p{L}\\p{N}_])@(${any})(?![\\p{L}\\p{N}_])`, "gu");
    return [...text.matchAll(pattern)].map((match) => ({ name: match[1]!, at: match.index }));
}

function escaped(name: string): string {
    // No more than these: outside of a class a pattern of Unicode takes no other escapes.
    return name.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
