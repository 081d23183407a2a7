// Makes a room, or finds the one of oneself with somebody.

import { useEffect, useRef, useState } from "react";
import { failure, refusal } from "hubbub-sdk";
import { useChat } from "hubbub-sdk/react";
import { awaited } from "../ui/awaited.ts";
import { Dialog } from "../ui/Dialog.tsx";

type Kind = "open" | "private" | "direct";

const KINDS: readonly (readonly [Kind, string, string])[] = [
    ["open", "Open", "Everybody can find it and join."],
    ["private", "Private", "Only people who are added can read and write."],
    ["direct", "Direct", "A conversation with one person or a few, who stay the same."],
];

export function NewRoom({ called, onMade, onClose }: { called: string; onMade: (room: string) => void; onClose: () => void }) {
    const chat = useChat();
    const [kind, setKind] = useState<Kind>("open");
    const [words, setWords] = useState(called);
    const [problem, setProblem] = useState<string | null>(null);
    const [busy, setBusy] = useState(false);
    const direct = kind === "direct";
    // It may take as long as there is no connection. Who has closed this meanwhile stays where they are, and asks for no room.
    const leave = useRef(() => {});
    useEffect(() => () => leave.current(), []);
    const make = () => {
        setBusy(true);
        setProblem(null);
        const what = direct ? ({ kind: "direct", with: words.split(/[\s,]+/).filter(Boolean) } as const) : ({ kind: kind as "open" | "private", name: words.trim() } as const);
        leave.current = awaited(
            (signal) => chat.createRoom(what, { signal }),
            (id) => {
                onClose();
                onMade(id);
            },
            (error) => {
                setBusy(false);
                setProblem(refusal(failure(error)));
            },
        );
    };
    return (
        <Dialog title="New room" onClose={onClose}>
            <form
                className="new-room"
                onSubmit={(event) => {
                    event.preventDefault();
                    if (words.trim() && !busy) make();
                }}
            >
                <fieldset>
                    <legend>Kind</legend>
                    {KINDS.map(([one, label, about]) => (
                        <label key={one} className="check">
                            <input type="radio" name="kind" value={one} checked={kind === one} onChange={() => setKind(one)} />
                            <span><b>{label}</b> <span className="soft">{about}</span></span>
                        </label>
                    ))}
                </fieldset>
                <label className="field">
                    {direct ? "With whom: user ids, with spaces between" : "Name"}
                    <input placeholder={direct ? "ben" : undefined} autoFocus value={words} dir="auto" autoComplete="off" onInput={(event) => setWords(event.currentTarget.value)} />
                </label>
                {problem && <p className="error" role="alert">{problem}</p>}
                <div className="row end">
                    <button type="button" onClick={onClose}>Cancel</button>
                    <button type="submit" className="primary" disabled={!words.trim() || busy}>{direct ? "Open" : "Create"}</button>
                </div>
            </form>
        </Dialog>
    );
}
