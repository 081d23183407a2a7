// What one has said and is not in the log yet: on its way, waiting, or refused.

import type { ReactNode } from "react";
import { useOnline } from "../app/online.ts";
import { useConnection } from "hubbub-sdk/react";
import type { Draft } from "hubbub-sdk";
import { Markdown } from "../markdown/Markdown.tsx";
import { mayGoAgain } from "../people/people.ts";
import { useShown } from "../room/context.tsx";
import { shownIn } from "../room/shown.ts";
import { Avatar } from "../ui/Avatar.tsx";
import { Icon } from "../ui/icons.tsx";
import { Stamp, type MessageActions } from "./Message.tsx";

interface Props {
    row: string;
    draft: Draft;
    first: boolean;
    me: string;
    name: string;
    answers: ReactNode;
    on: MessageActions;
}

export function DraftRow({ row, draft, first, me, name, answers, on }: Props) {
    return (
        <article className={`message draft ${draft.state}${first ? " first" : ""}`} tabIndex={-1} data-row={row} data-key={draft.key} aria-label="Your message">
            {first ? <Avatar user={me} name={name} /> : <Stamp at={draft.at} short />}
            <div className="said">
                {first && <p className="head"><b><bdi>{name}</bdi></b> <Stamp at={draft.at} /></p>}
                {draft.reply_to !== undefined && <p className="answers"><Icon name="reply" /> <span dir="auto">{answers}</span></p>}
                <Markdown text={draft.text} me={me} mentions={draft.mentions} mention_all={draft.mention_all} />
                {draft.state === "refused" ? <Refused draft={draft} on={on} /> : draft.state === "sending" && <Sending />}
            </div>
        </article>
    );
}

function Sending() {
    const { state } = useConnection();
    const online = useOnline();
    const words = !online ? "Will be sent once you are online" : state === "connected" ? "Sending …" : "Will be sent once the server answers";
    return <p className="foot waiting"><Icon name="clock" /> {words}</p>;
}

function Refused({ draft, on }: { draft: Draft; on: MessageActions }) {
    const { key, error = "", thread } = draft;
    const root = useShown((now) => (thread === undefined ? undefined : shownIn(now, thread)));
    const again = mayGoAgain(draft, root);
    return (
        <p className="foot">
            <span className="error"><Icon name="warning" /> Not sent. {error}</span>
            {again && <button type="button" className="small" onClick={() => on.again(key)}>Try again</button>}
            <button type="button" className="small" onClick={() => on.discard(key)}>Discard</button>
        </p>
    );
}
