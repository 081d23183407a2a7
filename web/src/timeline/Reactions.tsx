// The reactions on a message. A press adds one's own, or takes it back.

import type { Reaction, Shown } from "hubbub-sdk";
import { useChat } from "hubbub-sdk/react";
import { useBlocked } from "../people/blocks.ts";
import type { CalledBy } from "../people/called.ts";
import { isolated } from "../ui/names.ts";
import type { MessageActions } from "./Message.tsx";
import { reactionsBut } from "./unseen.ts";

interface Props {
    entry: Shown;
    reactions: readonly Reaction[];
    may: boolean;
    called: CalledBy;
    on: MessageActions;
}

export function Reactions({ entry, reactions: all, may, called, on }: Props) {
    const reactions = reactionsBut(all, useBlocked(useChat()));
    if (!reactions.length) return null;
    return (
        <div className="reactions" role="group" aria-label="Reactions">
            {reactions.map(({ reaction, count, me, users }) => (
                <button
                    key={reaction} type="button" className={me ? "reaction me" : "reaction"} disabled={!may} aria-pressed={me}
                    data-reaction={reaction} title={users.map((user) => isolated(called(user))).join(", ") + (count > users.length ? ", …" : "")}
                    aria-label={`${isolated(reaction)}: ${count === 1 ? "1 person" : `${count} people`}${me ? ", you too" : ""}`}
                    onClick={() => on.react(entry, reaction)}
                >
                    <bdi>{reaction}</bdi> <span>{count}</span>
                </button>
            ))}
            <button type="button" className="link who" aria-haspopup="dialog" aria-label="Who reacted" onClick={({ currentTarget }) => on.who(currentTarget, entry)}>
                who?
            </button>
        </div>
    );
}
