// Codes in words, for the person at the page.

/** What the SDK rejects with, and what the server answers. Codes below 100 are the SDK's own. */
export interface Failure {
    code: number;
    message: string;
    temporary?: boolean;
}

export function failure(problem: unknown): Failure {
    if (typeof problem === "object" && problem !== null && "code" in problem && typeof problem.code === "number") {
        const { code, message, temporary } = problem as Failure;
        return { code, message: message ?? "", temporary: temporary === true };
    }
    return { code: 0, message: problem instanceof Error ? problem.message : String(problem) };
}

/** Whether the same command, with the same key, may succeed later. */
export function mayRetry(problem: Failure): boolean {
    return problem.code < 100 || problem.temporary === true;
}

const commands: Record<number, string> = {
    101: "The server does not know who you are.",
    102: "There is no such room, or you may not see it.",
    104: "This server does not know that command. Is the page newer than the server?",
    108: "This server cannot do that (yet).",
    109: "The token has expired.",
    112: "The history has changed on the server.",
    429: "The server is busy. Trying again …",
    503: "The server cannot reach its database. Trying again …",
};

const ROOM_DELETED = "This room was deleted.";
const ENDED = "This conversation has ended. Open it again, then try again.";

/** What the server says before it names the field; for people there is nothing in it. */
const PREFIX = /^bad request: /;

/** Whether it is about a message that is not there any more: asking again does not help. */
export function deleted({ code, message }: Failure): boolean {
    return code === 410 && message.includes("message was deleted");
}

/** An older server may still run beside the others, and does not know it. */
export function notYet({ code, message }: Failure): boolean {
    return code === 503 && message.startsWith("not yet");
}

const TIME = /\d{4}-\d\d-\d\dT[\d:.]+Z/g;
const SLOW = /^slow mode: one message in (\d+) s; retry in (\d+) ms/;

/** Why a command was refused. */
export function refusal(problem: Failure): string {
    const { code } = problem;
    if (/\broom was deleted\b/.test(problem.message)) return ROOM_DELETED;
    const message = problem.message.replace(PREFIX, "").replace(TIME, (at) => moment(at));
    const [, seconds, wait] = SLOW.exec(message) ?? [];
    if (seconds && wait) return `Slow mode: one message in ${seconds} s. The next in ${Math.ceil(Number(wait) / 1000)} s.`;
    if (notYet(problem)) return "The servers are being updated and do not do this yet.";
    if (code === 103) return `Not allowed: ${message}.`;
    if (code === 410) return deleted(problem) ? "That message was deleted." : ENDED;
    if (message && [106, 107, 111].includes(code)) return `That is not possible: ${message}.`;
    if (code === 409) return "This key was used for another message before.";
    return commands[code] ?? `${message || "unknown error"} (${code})`;
}

const ends: Record<number, string> = {
    0: "Disconnected.",
    1: "The server gave out no token. Tokens come from your own backend; only a server started with --dev makes them itself, and for no name that it does not allow.",
    3: "A message from the server was larger than the browser accepts.",
    3500: "The server does not accept the token.",
    3501: "The server did not understand the page.",
    3503: "You were logged out by the server.",
};

/** Why the connection ended for good. */
export function ending(code: number, reason: string): string {
    return ends[code] ?? `Disconnected: ${reason} (${code}).`;
}

/** Why a subscription ended for good. */
export function unsubscription(code: number, reason: string): string {
    if (code === 2001) return ROOM_DELETED;
    if (code === 2000) return "You were removed from this room.";
    return refusal({ code, message: reason });
}

/** A time as people here write it; of another day with its date. */
export function moment(at: string, seconds = false): string {
    const date = new Date(at);
    const today = date.toDateString() === new Date().toDateString();
    const style = today ? (seconds ? "medium" : "short") : "dated";
    return (formats[style] ??= new Intl.DateTimeFormat(undefined, STYLES[style])).format(date);
}

const STYLES = { short: { timeStyle: "short" }, medium: { timeStyle: "medium" }, dated: { dateStyle: "short", timeStyle: "short" } } as const;
/** Making one takes a millisecond. */
const formats: Partial<Record<keyof typeof STYLES, Intl.DateTimeFormat>> = {};
