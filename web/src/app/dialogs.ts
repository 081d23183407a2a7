// Which dialog is open over the page.

import { useMemo, useState } from "react";

export type DialogName = "new room" | "switch" | "settings" | "shortcuts";

export interface Dialogs {
    open: DialogName | null;
    show(name: DialogName): void;
    close(): void;
}

export function useDialogs(): Dialogs {
    const [open, put] = useState<DialogName | null>(null);
    return useMemo(() => ({ open, show: (name: DialogName) => put(name), close: () => put(null) }), [open]);
}
