// What a message answers, in a few words. Pure.

import type { Shown } from "hubbub-sdk";
import type { CalledBy } from "../people/called.ts";
import { isolated } from "../ui/names.ts";

const SOME = 80;

/** In place of what somebody says whom one has blocked. */
export const BLOCKED = "A message of somebody you blocked.";

/** `message`: as far as it is loaded. */
export function answered(message: Shown | undefined, called: CalledBy, blocked: ReadonlySet<string>): string {
    if (!message) return "an earlier message";
    if (blocked.has(message.from)) return "a message of somebody you blocked";
    const text = message.gone ? "a message that was deleted" : (message.text ?? "").replace(/\s+/g, " ").slice(0, SOME);
    return `${isolated(called(message.from))}: ${text}`;
}
