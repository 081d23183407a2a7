// Which dialog is open over the page.

import { useMemo, useState } from "react";

export type DialogName = "new room" | "switch" | "settings" | "shortcuts";

export interface Dialogs {
    open: DialogName | null;
    /** What its first field says then. */
    words: string;
    show(name: DialogName, words?: string): void;
    close(): void;
}

export function useDialogs(): Dialogs {
    const [{ open, words }, put] = useState<{ open: DialogName | null; words: string }>({ open: null, words: "" });
    return useMemo(
        () => ({ open, words, show: (name: DialogName, said = "") => put({ open: name, words: said }), close: () => put({ open: null, words: "" }) }),
        [open, words],
    );
}
