// A text as people wrote it, with its emphasis, lists, code, links and mentions. Elements only: no HTML is made of it.

import { Fragment, memo } from "react";
import type { Shown } from "hubbub-sdk";
import { parts } from "../composer/mentions.ts";
import { elsewhere, jumbo, markdown, wordsOf, type Block, type Inline } from "./parse.ts";

type Mentions = Pick<Shown, "mentions" | "mention_all">;

interface Props {
    text: string;
    me: string;
    mentions?: Shown["mentions"] | undefined;
    mention_all?: boolean | undefined;
}

interface Around extends Mentions {
    me: string;
}

export const Markdown = memo(function Markdown({ text, me, mentions, mention_all }: Props) {
    const around: Around = { me, ...(mentions && { mentions }), ...(mention_all && { mention_all }) };
    // Emoji alone have no direction of their own.
    const large = jumbo(text);
    return (
        <div className={large ? "text jumbo" : "text"} dir={large ? undefined : "auto"}>
            <Blocks of={markdown(text)} around={around} />
        </div>
    );
});

function Blocks({ of, around }: { of: readonly Block[]; around: Around }) {
    return <>{of.map((block, nth) => <One key={nth} block={block} around={around} />)}</>;
}

function One({ block, around }: { block: Block; around: Around }) {
    switch (block.type) {
        case "paragraph":
            return <p><Inlines of={block.children} around={around} /></p>;
        case "quote":
            return <blockquote><Blocks of={block.children} around={around} /></blockquote>;
        case "code":
            return <pre dir="ltr" tabIndex={0}><code>{block.text}</code></pre>;
        case "list": {
            const items = block.items.map((item, nth) => <li key={nth}><Blocks of={item} around={around} /></li>);
            return block.start === null ? <ul>{items}</ul> : <ol start={block.start}>{items}</ol>;
        }
    }
}

function Inlines({ of, around }: { of: readonly Inline[]; around: Around }) {
    return <>{of.map((one, nth) => <Fragment key={nth}><Bit of={one} around={around} /></Fragment>)}</>;
}

function Bit({ of, around }: { of: Inline; around: Around }) {
    switch (of.type) {
        case "text":
            return <Text text={of.text} around={around} />;
        case "code":
            return <code dir="ltr">{of.text}</code>;
        case "link":
            return <Link of={of} around={around} />;
        case "strong":
            return <strong><Inlines of={of.children} around={around} /></strong>;
        case "emphasis":
            return <em><Inlines of={of.children} around={around} /></em>;
        case "delete":
            return <del><Inlines of={of.children} around={around} /></del>;
    }
}

/** Whose words are another address than where it leads says so beside it. */
function Link({ of: { href, children }, around }: { of: Inline & { type: "link" }; around: Around }) {
    const leads = elsewhere(href, wordsOf(children));
    return (
        <>
            <a href={href} dir="auto" target="_blank" rel="noopener noreferrer nofollow"><Inlines of={children} around={around} /></a>
            {leads !== null && <span className="leads"> (leads to <bdi dir="ltr">{leads}</bdi>)</span>}
        </>
    );
}

function Text({ text, around: { me, ...mentions } }: { text: string; around: Around }) {
    const bits = parts({ text, ...mentions }, me);
    return <>{bits.map(({ text, who }, nth) => (who ? <mark key={nth} dir="auto" className={`mention ${who}`}>{text}</mark> : text))}</>;
}
