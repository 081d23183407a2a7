// What is being written when it is no new message.

import type { Mode } from "../room/actions.ts";
import type { CalledBy } from "../people/called.ts";
import { IconButton } from "../ui/icons.tsx";

const SOME = 80;

export function ModeLine({ mode: { does, entry }, called, onEnd }: { mode: Mode; called: CalledBy; onEnd: () => void }) {
    const text = (entry.text ?? "").slice(0, SOME);
    return (
        <p className="mode">
            <span>{does === "edit" ? "Editing your message" : <>Answering <b><bdi>{called(entry.from)}</bdi></b></>}</span>
            <span className="soft" dir="auto">{text}</span>
            <IconButton icon="close" label={does === "edit" ? "Stop editing" : "Do not answer it"} onClick={onEnd} />
        </p>
    );
}
