// What a message answers, in a few words. Pure.

import type { Shown } from "hubbub-sdk";
import type { CalledBy } from "../people/called.ts";
import { isolated } from "../ui/names.ts";

const SOME = 80;

/** `message`: as far as it is loaded. */
export function answered(message: Shown | undefined, called: CalledBy): string {
    if (!message) return "an earlier message";
    const text = message.gone ? "a message that was deleted" : (message.text ?? "").replace(/\s+/g, " ").slice(0, SOME);
    return `${isolated(called(message.from))}: ${text}`;
}
