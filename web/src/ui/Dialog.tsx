// A dialog over the page. The browser's own one keeps the focus inside and closes with Escape.

import { useId, useLayoutEffect, useRef, type ReactNode } from "react";
import { IconButton } from "./icons.tsx";

interface Props {
    title: string;
    className?: string;
    onClose: () => void;
    children: ReactNode;
}

export function Dialog({ title, className = "", onClose, children }: Props) {
    const ref = useRef<HTMLDialogElement>(null);
    const id = useId();
    // Who marks text in it and lets go beside it has not pressed beside it.
    const pressed = useRef(false);
    useLayoutEffect(() => {
        const from = document.activeElement as HTMLElement | null;
        const dialog = ref.current!;
        dialog.showModal();
        dialog.querySelector<HTMLElement>("[autofocus]")?.focus();
        return () => {
            dialog.close();
            if (from?.isConnected) from.focus();
        };
    }, []);
    return (
        <dialog
            ref={ref} className={`dialog ${className}`} aria-labelledby={id}
            onCancel={(event) => {
                event.preventDefault();
                onClose();
            }}
            onPointerDown={(event) => (pressed.current = event.target === ref.current)}
            onClick={(event) => pressed.current && event.target === ref.current && onClose()}
        >
            <div className="sheet">
                <div className="sheet-top">
                    <h2 id={id}>{title}</h2>
                    <IconButton icon="close" label="Close" onClick={onClose} />
                </div>
                {children}
            </div>
        </dialog>
    );
}

/** Asks before something is done that cannot be taken back. */
export function Confirm({ title, text, does, onDone, onClose }: { title: string; text: ReactNode; does: string; onDone: () => void; onClose: () => void }) {
    return (
        <Dialog title={title} className="confirm" onClose={onClose}>
            <p>{text}</p>
            <div className="row end">
                <button type="button" autoFocus onClick={onClose}>Cancel</button>
                <button
                    type="button" className="danger"
                    onClick={() => {
                        onClose();
                        onDone();
                    }}
                >
                    {does}
                </button>
            </div>
        </Dialog>
    );
}
