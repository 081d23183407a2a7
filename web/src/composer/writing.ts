// What is being written in one box: kept as it changes, and what becomes of it when it is sent.

import { useEffect, useLayoutEffect, useRef, useState, type RefObject } from "react";
import { CallError } from "hubbub-sdk";
import type { Mode } from "../room/actions.ts";
import { useRoomView, useShown } from "../room/context.tsx";
import { lastOwn, shownIn } from "../room/shown.ts";
import { offered } from "../people/people.ts";
import type { Boxes } from "./boxes.ts";
import { boxed, editing, saying, tooLong } from "./saying.ts";

export interface Box {
    boxes: Boxes;
    thread?: number;
    mode: Mode | null;
    onMode: (mode: Mode | null) => void;
    /** Why nothing is written here; null: something is. */
    silence: string | null;
    onSent: () => void;
}

export interface Writing {
    text: string;
    /** Why it was not sent, in words. */
    problem: string | null;
    /** Whether a reply goes into the room, too. */
    inRoom: boolean;
    setInRoom(is: boolean): void;
    put(text: string): void;
    submit(): void;
    /** What is edited or answered is so no more. */
    end(): void;
    /** One's own last message is edited; false: there is none that can be. */
    editLast(): boolean;
}

export function useWriting(ref: RefObject<HTMLTextAreaElement | null>, { boxes, thread, mode, onMode, silence, onSent }: Box): Writing {
    const { room, me, behind, standing, deeds } = useRoomView();
    const [text, setText] = useState(() => boxes.read(room.id, thread));
    const [problem, setProblem] = useState<string | null>(null);
    const [inRoom, setInRoom] = useState(false);
    const before = useRef<Mode | null>(null);
    const edits = mode?.does === "edit" ? mode.entry : null;

    const put = (to: string) => {
        setText(to);
        setProblem(null);
        if (edits) return boxes.writeEdit(to, edits, room.id);
        boxes.write(to, room.id, thread);
        room.types(to, thread);
    };
    const end = () => {
        if (edits) boxes.writeEdit(null, edits, room.id);
        onMode(null);
    };
    // At once: what is typed next belongs in here.
    useLayoutEffect(() => {
        const was = before.current;
        before.current = mode;
        const kept = { draft: boxes.read(room.id, thread), edit: mode && boxes.readEdit(mode.entry, room.id) };
        setText((text) => boxed(text, was, mode, kept));
        if (mode) ref.current?.focus();
    }, [mode]);
    // What is written to a message that was deleted meanwhile is written no more.
    const gone = useShown((now) => mode !== null && shownIn(now, mode.entry.seq)?.gone === true);
    useEffect(() => {
        if (!gone) return;
        end();
        setProblem("That message was deleted meanwhile.");
    }, [gone]);

    const submit = () => {
        const said = text.trim();
        if (!said || silence !== null) return;
        const why = tooLong(said);
        if (why) return setProblem(why);
        const members = behind.members.keys();
        if (edits) {
            deeds.do("edit", editing(said, members, edits));
            return end();
        }
        try {
            room.send(saying(said, members, { ...(thread !== undefined && { thread, in_room: inRoom }), ...(mode && { answers: mode.entry }) }));
        } catch (error) {
            return setProblem(error instanceof CallError ? error.message : String(error));
        }
        put("");
        setInRoom(false);
        onMode(null);
        onSent();
    };
    const editLast = () => {
        const now = room.snapshot();
        const own = lastOwn(thread === undefined ? now.newest : (now.thread?.rows ?? []), me);
        if (!own || !offered(own, standing, Date.now()).has("edit")) return false;
        onMode({ does: "edit", entry: own });
        return true;
    };
    return { text, problem, inRoom, setInRoom, put, submit, end, editLast };
}
