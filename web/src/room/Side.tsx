// The panel at the side of the room. Where the page is narrow it lies over it.

import { useEffect, useId, useRef, type ReactNode } from "react";
import { IconButton } from "../ui/icons.tsx";
import { closes } from "../ui/keys.ts";

interface Props {
    title: string;
    about?: string;
    onClose: () => void;
    children: ReactNode;
}

export function Side({ title, about, onClose, children }: Props) {
    const id = useId();
    const head = useRef<HTMLHeadingElement>(null);
    useEffect(() => {
        // Where something in it has the focus already, it stays there.
        if (!head.current?.closest("aside")?.contains(document.activeElement)) head.current?.focus();
    }, []);
    return (
        <aside
            id="side" className="side" aria-labelledby={id}
            onKeyDown={(event) => {
                if (closes(event as unknown as KeyboardEvent)) onClose();
            }}
        >
            <div className="side-top">
                <h2 id={id} ref={head} tabIndex={-1}>{about ? `${title} ` : title}{about && <small><bdi>{about}</bdi></small>}</h2>
                <IconButton icon="close" label="Close this panel" onClick={onClose} />
            </div>
            {children}
        </aside>
    );
}
