// The keys that one can use.

import { SHORTCUTS } from "../app/shortcuts.ts";
import { isAlone } from "../app/where.ts";
import { Dialog } from "../ui/Dialog.tsx";

export function Shortcuts({ onClose }: { onClose: () => void }) {
    return (
        <Dialog title="Keyboard shortcuts" className="shortcuts" onClose={onClose}>
            {SHORTCUTS.map(({ title, all }) => (
                <section key={title}>
                    <h3>{title}</h3>
                    <dl>
                        {all.filter(({ goes }) => !goes || !isAlone()).map(({ keys, does }) => (
                            <div key={does}>
                                <dt>{keys.map((key) => <kbd key={key}>{key}</kbd>)}</dt>
                                <dd>{does}</dd>
                            </div>
                        ))}
                    </dl>
                </section>
            ))}
        </Dialog>
    );
}
