// What is wrong in this room, said once, and what helps.

import { useState } from "react";
import { failure, refusal } from "hubbub-sdk";
import { useChat, useConnection } from "hubbub-sdk/react";
import { goTo } from "../app/where.ts";
import { useRoomView, useShown } from "./context.tsx";
import { stillSaid, type Failed } from "./door.ts";

export function Notice() {
    const chat = useChat();
    const { room, end, behind, backstage, support } = useRoomView();
    const { state } = useConnection();
    const [failed, setFailed] = useState<Failed | null>(null);
    const wrong = useShown((now) => now.problem);
    const over = useShown((now) => now.state === "ended");
    const problem = stillSaid(failed, end);
    const remedy = async () => {
        const setProblem = (why: string | null) => setFailed(why === null ? null : { why, at: end });
        try {
            setProblem(null);
            if (end?.remedy?.does === "join") await room.join();
            // What we call a room is our own name for it: its id is in the answer.
            else goTo(await chat.createRoom({ id: room.id, kind: "open", name: room.id }));
        } catch (error) {
            setProblem(refusal(failure(error)));
        }
    };
    // Without a connection the banner says what is wrong.
    const passing = state === "connected" ? (over ? null : (wrong ?? behind.waits)) : null;
    const text = problem ?? end?.text ?? behind.trouble ?? support?.problem ?? passing;
    if (text === null) return <div id="notice" role="alert" />;
    const undone = problem === null && end === null && behind.trouble !== null;
    return (
        <div id="notice" role="alert" className="notice">
            <span>{text}</span>
            {end?.remedy && <button type="button" id="remedy" className="small primary" onClick={() => void remedy()}>{end.remedy.label}</button>}
            {undone && <button type="button" id="remedy" className="small" onClick={() => backstage.troubled(null)}>Close</button>}
        </div>
    );
}
