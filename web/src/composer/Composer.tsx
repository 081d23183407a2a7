// Where something is written: a new message, an answer, or the new text of one that was said.

import { useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import { EmojiPopover } from "../emoji/EmojiPopover.tsx";
import { useRoomView, useShown } from "../room/context.tsx";
import { Icon, IconButton } from "../ui/icons.tsx";
import { composes } from "../ui/keys.ts";
import { TOUCH } from "../ui/media.ts";
import { ModeLine } from "./ModeLine.tsx";
import { Offers, useCompletion } from "./Offers.tsx";
import { Typing } from "./Typing.tsx";
import { useWriting, type Box } from "./writing.ts";

export function Composer({ placeholder, ...box }: Box & { placeholder: string }) {
    const { thread, mode, silence } = box;
    const { me, behind, called, end: door } = useRoomView();
    const id = useId();
    const ref = useRef<HTMLTextAreaElement>(null);
    const [picker, setPicker] = useState<HTMLElement | null>(null);
    const { text, problem, inRoom, setInRoom, put, submit, end, editLast } = useWriting(ref, box);
    const completion = useCompletion(ref, text, put, [...behind.members.keys()].filter((user) => user !== me), called);
    useLayoutEffect(() => fit(ref.current!), [text, placeholder]);
    useEffect(() => {
        // Where it brings up no keyboard over half of the screen.
        if (silence === null && !matchMedia(TOUCH).matches) ref.current?.focus();
    }, []);

    const pressed = (event: KeyboardEvent) => {
        if (composes(event) || completion.pressed(event)) return;
        if (event.key === "Enter" && !event.shiftKey) {
            event.preventDefault();
            submit();
        } else if (event.key === "Escape" && mode) {
            event.stopPropagation();
            end();
        } else if (event.key === "ArrowUp" && !text && !event.altKey && editLast()) event.preventDefault();
    };
    const typing = useShown((now) => (thread === undefined ? now.typing : now.typingInThread));
    const send = mode?.does === "edit" ? ({ label: "Save", icon: "check" } as const) : ({ label: "Send", icon: "send" } as const);
    return (
        <form
            className={silence === null ? "composer" : "composer closed"} data-composer={thread === undefined ? "room" : "thread"}
            onSubmit={(event) => {
                event.preventDefault();
                submit();
            }}
        >
            <Typing users={typing} called={called} />
            {mode && <ModeLine mode={mode} called={called} onEnd={end} />}
            <Offers completion={completion} id={id} />
            {/* What stands in the way is said above the messages already. */}
            {silence !== null && !door && <p className="why" role="status">{silence}</p>}
            <div className="writing" hidden={silence !== null}>
                <textarea
                    ref={ref} value={text} rows={1} dir="auto" placeholder={placeholder} aria-label={placeholder} enterkeyhint="send" autoComplete="off"
                    disabled={silence !== null} aria-autocomplete="list" {...completion.aria(id)}
                    onInput={(event) => {
                        put(event.currentTarget.value);
                        completion.look();
                    }}
                    onKeyDown={(event) => pressed(event as unknown as KeyboardEvent)} onClick={completion.look} onBlur={completion.close}
                />
                <IconButton icon="smile" label="Choose an emoji" aria-haspopup="dialog" onClick={({ currentTarget }) => setPicker(currentTarget)} />
                <button type="submit" className="send" aria-label={send.label} title={send.label} disabled={!text.trim()}><Icon name={send.icon} /></button>
            </div>
            {problem && <p className="error" role="alert">{problem}</p>}
            {thread !== undefined && silence === null && send.label === "Send" && (
                <label className="also"><input type="checkbox" checked={inRoom} onChange={(event) => setInRoom(event.currentTarget.checked)} /> also in the room</label>
            )}
            {picker && <EmojiPopover at={picker} label="Choose an emoji" onClose={() => setPicker(null)} onChosen={(emoji) => insert(ref.current!, emoji, put)} />}
        </form>
    );
}

const HIGHEST_PX = 220;

function fit(box: HTMLTextAreaElement): void {
    box.style.height = "auto";
    // Where it is hidden it has no height yet.
    if (box.scrollHeight > 0) box.style.height = `${Math.min(box.scrollHeight + box.offsetHeight - box.clientHeight, HIGHEST_PX)}px`;
}

function insert(box: HTMLTextAreaElement, what: string, put: (text: string) => void): void {
    const { selectionStart: from, selectionEnd: to, value } = box;
    put(value.slice(0, from) + what + value.slice(to));
    requestAnimationFrame(() => {
        box.focus();
        box.setSelectionRange(from + what.length, from + what.length);
    });
}
