// A message: who said it and when, what it says now, and what hangs on it.

import { memo, useState, type ReactNode } from "react";
import { moment, type Shown } from "hubbub-sdk";
import { useToday } from "../app/today.ts";
import { alsoMentioned, mentionsMe } from "../composer/mentions.ts";
import { Markdown } from "../markdown/Markdown.tsx";
import type { CalledBy } from "../people/called.ts";
import type { Pending } from "../room/pending.ts";
import { ways, type Way } from "../support/forwarding.ts";
import { Avatar } from "../ui/Avatar.tsx";
import { Icon } from "../ui/icons.tsx";
import { TOUCH } from "../ui/media.ts";
import { isolated } from "../ui/names.ts";
import { Words } from "../ui/Words.tsx";
import { listed } from "./folded.ts";
import { Foot } from "./Foot.tsx";
import { Reactions } from "./Reactions.tsx";
import { Toolbar } from "./Toolbar.tsx";

export type Place = "room" | "thread" | "pins";

/** What can be done at a message. The same object for as long as the room is open. */
export interface MessageActions {
    react(message: Shown, reaction: string): void;
    /** Opens the picker of emoji beside what was pressed. */
    emoji(at: HTMLElement, message: Shown): void;
    menu(at: HTMLElement, message: Shown): void;
    who(at: HTMLElement, message: Shown): void;
    answer(message: Shown): void;
    thread(root: number): void;
    find(seq: number): void;
    unpin(seq: number): void;
    again(key: string): void;
    discard(key: string): void;
    editAgain(key: string): void;
    editDiscard(key: string): void;
}

export interface MessageProps {
    row: string;
    entry: Shown;
    first: boolean;
    me: string;
    place: Place;
    called: CalledBy;
    picture: string | undefined;
    on: MessageActions;
    /** What is offered, in words of `Act`. */
    acts: string;
    pending: Pending | null;
    seen: string;
    /** What it answers, in a few words. */
    answers: ReactNode;
    way: Way | null;
    flash: boolean;
}

export const Message = memo(function Message(props: MessageProps) {
    const { row, entry, first, me, place, called, picture, on, acts, pending, seen, answers, way, flash } = props;
    const name = called(entry.from);
    const [near, nearby] = useNear();
    const classes = ["message", first && "first", entry.gone && "gone", mentionsMe(entry, me) && "calls", pending && "pending", flash && "flash"];
    return (
        <article
            className={classes.filter(Boolean).join(" ")} tabIndex={-1} data-row={row} data-seq={entry.seq} data-from={entry.from}
            aria-label={`${isolated(name)}, ${moment(entry.at)}`} {...nearby}
        >
            {first ? <Avatar user={entry.from} name={name} picture={picture} /> : <Stamp at={entry.at} short />}
            <div className="said">
                {first && <p className="head"><b><bdi>{name}</bdi></b> <Stamp at={entry.at} /></p>}
                {entry.reply_to !== undefined && (
                    <p className="answers">
                        <button type="button" className="link" onClick={() => on.find(entry.reply_to!)}><Icon name="reply" /> <span dir="auto">{answers}</span></button>
                    </p>
                )}
                <Body entry={entry} me={me} text={pending?.text} called={called} />
                {entry.reactions && <Reactions entry={entry} reactions={entry.reactions} may={has(acts, "react")} called={called} on={on} />}
                <Foot entry={entry} place={place} pending={pending} pins={has(acts, "pin")} on={on} />
                {way && <Forwarded way={way} />}
                {seen && <p className="seen">{seen}</p>}
            </div>
            {acts && near && <Toolbar entry={entry} acts={acts} place={place} on={on} label={`the message of ${isolated(name)}`} />}
        </article>
    );
});

/** How far it has got on its way to the agents. */
function Forwarded({ way }: { way: Way }) {
    const late = way === "delayed" || way === "failed";
    return <p className={`way ${way}`}>{late && <Icon name="warning" />} {ways[way]}</p>;
}

/** Where a finger is all there is, the button for the menu is always there. */
const HOVERS = !matchMedia(TOUCH).matches;

/** Whether somebody points at it or has the focus there: only then it has buttons. */
function useNear() {
    const [near, set] = useState(!HOVERS);
    const come = () => set(true);
    // From one thing in it to another, or pointed at and left by the focus: it stays.
    const left = ({ currentTarget }: { currentTarget: HTMLElement }) => set(!HOVERS || currentTarget.contains(document.activeElement));
    const lost = ({ currentTarget, relatedTarget }: { currentTarget: HTMLElement; relatedTarget: EventTarget | null }) =>
        set(!HOVERS || currentTarget.contains(relatedTarget as Node | null) || currentTarget.matches(":hover"));
    return [near, { onPointerEnter: come, onPointerLeave: left, onFocusIn: come, onFocusOut: lost }] as const;
}

export function has(acts: string, act: string): boolean {
    return acts.split(" ").includes(act);
}

export function Stamp({ at, short }: { at: string; short?: boolean }) {
    useToday();
    const words = short ? clock(at) : moment(at);
    return <time className={short ? "stamp short" : "stamp"} dir="auto" dateTime={at} title={moment(at, true)} aria-hidden={short}>{words}</time>;
}

const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });

/** The time without what says which half of the day it is: there is little room. */
function clock(at: string): string {
    const parts = CLOCK.formatToParts(new Date(at)).filter(({ type }) => type !== "dayPeriod");
    return parts.map(({ value }) => value).join("").trim();
}

function Body({ entry, me, text, called }: { entry: Shown; me: string; text: string | undefined; called: CalledBy }) {
    if (entry.gone) return <p className="tombstone">This message was deleted.</p>;
    const said = text ?? entry.text;
    const others = alsoMentioned(entry);
    return (
        <>
            {said && <Markdown text={said} me={me} mentions={entry.mentions} mention_all={entry.mention_all} />}
            {others.length > 0 && <p className="answers">mentions <Words of={listed(others.map(called))} /></p>}
            {entry.data !== undefined && <pre className="data" dir="ltr" tabIndex={0}>{JSON.stringify(entry.data, null, 2)}</pre>}
        </>
    );
}
