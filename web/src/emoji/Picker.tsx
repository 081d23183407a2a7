// All emoji, to be searched. Their names come from the server of the page, once this is opened.

import { EmojiPicker, type EmojiPickerListEmojiProps, type EmojiPickerListRowProps } from "frimousse";

const NAMES = new URL("./assets/emoji", document.baseURI).href;

export default function Picker({ onChosen }: { onChosen: (emoji: string) => void }) {
    return (
        <EmojiPicker.Root className="picker" emojibaseUrl={NAMES} columns={8} onEmojiSelect={({ emoji }) => onChosen(emoji)}>
            <EmojiPicker.Search className="picker-search" aria-label="Search emoji" placeholder="Search emoji" />
            <EmojiPicker.Viewport className="picker-viewport" tabIndex={0}>
                <EmojiPicker.Loading>Loading …</EmojiPicker.Loading>
                <EmojiPicker.Empty>No emoji has this name.</EmojiPicker.Empty>
                <EmojiPicker.List className="picker-list" components={{ Row, Emoji }} />
            </EmojiPicker.Viewport>
        </EmojiPicker.Root>
    );
}

// The picker counts from 0, which is no valid index. It looks its rows up by theirs, so that all but the first keep it.
function Row({ children, "aria-rowindex": index, ...props }: EmojiPickerListRowProps) {
    return <div {...props} aria-rowindex={index || undefined}>{children}</div>;
}

function Emoji({ emoji, "aria-colindex": index, ...props }: EmojiPickerListEmojiProps) {
    return <button type="button" {...props} aria-colindex={Number(index ?? 0) + 1}>{emoji.emoji}</button>;
}
