// What people are called and how they look, as the product says in their `info`. Pure.

import { named } from "../support/forwarding.ts";
import type { Members } from "./people.ts";

/** The name of somebody, by their id. */
export type CalledBy = (user: string) => string;

export interface Info {
    name?: string;
    /** An address of the page's own server, or the picture itself as `data:`. */
    avatar?: string;
}

const NAME = 80;

/** What of it is understood here. */
export function infoOf(info: unknown): Info {
    if (typeof info !== "object" || info === null) return {};
    const { name, avatar } = info as Record<string, unknown>;
    return {
        ...(typeof name === "string" && name.trim() && { name: name.trim().slice(0, NAME) }),
        ...(typeof avatar === "string" && ownPicture(avatar) && { avatar }),
    };
}

/** Pictures from elsewhere are not loaded: who serves them would learn who reads. */
function ownPicture(address: string): boolean {
    // The browser leaves tabs and line ends out of an address.
    if (/[\u0000-\u0020]/.test(address)) return false;
    return /^data:image\/(png|jpeg|gif|webp|avif)[;,]/.test(address) || /^\/(?![/\\])/.test(address);
}

export function calledBy(members: Members): CalledBy {
    return (user) => infoOf(members.get(user)?.info).name ?? named(user);
}

/** One or two letters in place of a picture. */
export function initials(name: string): string {
    const words = name.split(/[\s._:/-]+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
    const [one = "?", other = ""] = words.length > 1 ? [words[0], words.at(-1)] : words;
    return (first(one) + first(other)).toLocaleUpperCase();
}

function first(word: string): string {
    return /[\p{L}\p{N}]/u.exec(word)?.[0] ?? "";
}

/** A colour of one's own, in degrees. */
export function hue(user: string): number {
    let sum = 0;
    for (const char of user) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 360;
    return sum;
}
