// The keys that one can use.

import { Fragment } from "react";
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
                                <dt>{keys.map((key, nth) => <Fragment key={key}>{nth > 0 && " "}<kbd>{key}</kbd></Fragment>)}</dt>
                                <dd>{does}</dd>
                            </div>
                        ))}
                    </dl>
                </section>
            ))}
        </Dialog>
    );
}
