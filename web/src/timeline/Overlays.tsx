// What is open beside a message: its menu, the picker of emoji, who reacted, or the question before it is deleted.

import { useState } from "react";
import type { Shown } from "hubbub-sdk";
import { useChat } from "hubbub-sdk/react";
import { EmojiPopover } from "../emoji/EmojiPopover.tsx";
import { QUICK } from "../emoji/quick.ts";
import { useBlocked } from "../people/blocks.ts";
import { offered } from "../people/people.ts";
import type { Doings, Overlay } from "../room/actions.ts";
import { useRoomView, useShown } from "../room/context.tsx";
import { shownIn } from "../room/shown.ts";
import { Confirm } from "../ui/Dialog.tsx";
import { Menu } from "../ui/Menu.tsx";
import { isolated } from "../ui/names.ts";
import { BLOCKED } from "./answered.ts";
import { choices } from "./choices.ts";
import { Who } from "./Who.tsx";

export function Overlays({ overlay, doings }: { overlay: Overlay; doings: Doings }) {
    const view = useRoomView();
    const { at, place } = overlay;
    // It may have changed while the menu was open.
    const entry = useShown((now) => shownIn(now, overlay.entry.seq)) ?? overlay.entry;
    const close = () => doings.put({ overlay: null });
    const on = doings.at[place];
    const label = `Message of ${isolated(view.called(entry.from))}`;
    const acts = offered(entry, view.standing, Date.now());
    switch (overlay.kind) {
        case "menu": {
            const all = choices(entry, acts, place, {
                emoji: () => on.emoji(at, entry),
                answer: () => on.answer(entry),
                thread: () => on.thread(entry.seq),
                edit: () => doings.begin(place, { does: "edit", entry }),
                pin: () => view.deeds.do(entry.pinned ? "unpin" : "pin", { target: entry.seq }),
                copy: () => void navigator.clipboard?.writeText(entry.text ?? ""),
                delete: () => doings.put({ overlay: { ...overlay, kind: "delete" } }),
            });
            const head = acts.has("react") && <Quick entry={entry} onChosen={(emoji) => { close(); on.react(entry, emoji); }} />;
            return <Menu at={at} label={label} choices={all} head={head} onClose={close} />;
        }
        case "emoji":
            return (
                <EmojiPopover at={at} label={`Reactions to the ${label.toLowerCase()}`} onClose={close} onChosen={(emoji) => on.react(entry, emoji)}>
                    <Word onChosen={(word) => { close(); on.react(entry, word); }} />
                </EmojiPopover>
            );
        case "who":
            return <Who at={at} entry={entry} onClose={close} />;
        case "delete":
            return (
                <Confirm
                    title="Delete this message?" text={<><Quote of={entry} /> It is deleted for everybody, and cannot be brought back.</>} does="Delete it"
                    onClose={close} onDone={() => view.deeds.do("delete", { target: entry.seq })}
                />
            );
    }
}

/** How it begins, so that nobody deletes another one. */
function Quote({ of: { from, text = "" } }: { of: Shown }) {
    const blocked = useBlocked(useChat());
    if (blocked.has(from)) return <span className="quoted">{BLOCKED}</span>;
    const words = text.replace(/\s+/g, " ").trim();
    return words ? <span className="quoted" dir="auto">{words.length > QUOTED ? `${words.slice(0, QUOTED)}…` : words}</span> : null;
}

const QUOTED = 120;

function Quick({ entry: { reactions = [] }, onChosen }: { entry: Shown; onChosen: (emoji: string) => void }) {
    return (
        <div className="quick" role="group" aria-label="React">
            {QUICK.map(([emoji, name]) => {
                const mine = reactions.some(({ reaction, me }) => me && reaction === emoji);
                return (
                    <button
                        key={emoji} type="button" role="menuitemcheckbox" aria-checked={mine} tabIndex={-1} className="emoji-button"
                        data-reaction={emoji} aria-label={name} title={name} onClick={() => onChosen(emoji)}
                    >
                        {emoji}
                    </button>
                );
            })}
        </div>
    );
}

function Word({ onChosen }: { onChosen: (word: string) => void }) {
    const [word, setWord] = useState("");
    return (
        <form
            className="row" onSubmit={(event) => {
                event.preventDefault();
                event.stopPropagation();
                if (word.trim()) onChosen(word.trim());
            }}
        >
            <input value={word} placeholder="Or a word" aria-label="A word as a reaction" onInput={(event) => setWord(event.currentTarget.value)} />
            <button type="submit" disabled={!word.trim()}>React</button>
        </form>
    );
}
