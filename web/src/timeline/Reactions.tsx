// The reactions on a message. A press adds one's own, or takes it back.

import type { Reaction, Shown } from "hubbub-sdk";
import type { CalledBy } from "../people/called.ts";
import { isolated } from "../ui/names.ts";
import type { MessageActions } from "./Message.tsx";

interface Props {
    entry: Shown;
    reactions: readonly Reaction[];
    may: boolean;
    called: CalledBy;
    on: MessageActions;
}

export function Reactions({ entry, reactions, may, called, on }: Props) {
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
