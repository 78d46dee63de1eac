/* markdown.js - elements back to Markdown. The page keeps texts as the HTML that md4c made of them, once, so what is copied is Markdown for
 * what is shown: rendered again it looks the same, but signs that mean the same (* and _, say) may be others than the author's. */

const ESCAPED = /[\\`*_[\]<>~|&]/g;                      /* not "$": TeX is shown as it was written, and so it stays */

function escapeMarkdown(text) {
    return text.replace(ESCAPED, '\\$&');
}

/* What would begin a heading, list, quote or rule at the start of a line. */
function escapeStart(line) {
    return line.replace(/^(\s*)([#+=-])/, '$1\\$2').replace(/^(\s*\d+)([.)])(?=\s|$)/, '$1\\$2');
}

/* n signs in a row are fenced by n + 1 of them. */
function fence(text, sign, least) {
    const runs = text.match(new RegExp(sign + '+', 'g')) ?? [];
    return sign.repeat(Math.max(least, ...runs.map(run => run.length + 1)));
}

function inlineCode(text) {
    const mark = fence(text, '`', 1), space = /^`|`$|^ .* $/.test(text) ? ' ' : '';
    return mark + space + text + space + mark;
}

function inlineOf(node) {
    return [...node.childNodes].map(child => {
        const text = inline(child), {previousSibling: last, nextSibling: next} = child;
        const started = last?.nodeName === 'BR' ? escapeStart(text.trimStart()) : text;
        /* "!" before a link would make it a picture. */
        return isLink(next) && child.nodeType === Node.TEXT_NODE ? started.replace(/!$/, '\\!') : started;
    }).join('');
}

function isLink(node) {
    return node?.nodeName === 'A' || (node?.nodeName === 'SPAN' && node.classList.contains('link'));
}

/* Lines stay lines: of a poem, say, or of code that nobody fenced. */
function textOf(node) {
    const lines = escapeMarkdown(node.data).replace(/[^\S\n]+/g, ' ').split(/ ?\n ?/);
    return lines.map((line, i) => i === 0 ? line : escapeStart(line)).join('\n');
}

function inline(node) {
    if (node.nodeType === Node.TEXT_NODE)
        return textOf(node);
    switch (node.nodeName) {
    case 'STRONG': return `**${inlineOf(node)}**`;
    case 'EM': return `*${inlineOf(node)}*`;
    case 'DEL': return `~~${inlineOf(node)}~~`;
    case 'CODE': return inlineCode(node.textContent);
    case 'A': return `[${inlineOf(node)}](<${node.getAttribute('href')}>)`;
    case 'BR': return '\\\n';
    case 'SPAN': return span(node);
    default: return node.nodeType === Node.ELEMENT_NODE ? inlineOf(node) : '';
    }
}

/* TeX as it was written; a link whose target no browser should follow. */
function span(node) {
    if (node.classList.contains('tex'))
        return node.textContent;
    return node.classList.contains('link') ? `[${inlineOf(node)}](<${node.title}>)` : inlineOf(node);
}

function indented(text, first, rest) {
    return text.split('\n').map((line, i) => i === 0 ? first + line : line === '' ? '' : rest + line).join('\n');
}

function list(node) {
    let number = Number(node.getAttribute('start') ?? 1);
    const loose = [...node.children].some(item => item.querySelector(':scope > p'));
    return [...node.children].map(item => {
        const mark = node.nodeName === 'OL' ? `${number++}. ` : '- ';
        return indented(blocks(item), mark, ' '.repeat(mark.length));
    }).join(loose ? '\n\n' : '\n');
}

function codeBlock(node) {
    if (node.classList.contains('plain'))                /* Markdown that was not read as such */
        return node.textContent;
    const code = node.querySelector('code') ?? node;
    const language = [...code.classList].find(name => name.startsWith('language-'))?.slice('language-'.length) ?? '';
    const text = code.textContent.replace(/\n$/, ''), mark = fence(text, '`', 3);
    return `${mark}${language}\n${text}\n${mark}`;
}

function tableOf(node) {
    const rows = [...node.rows].map(row => [...row.cells].map(cell => inlineOf(cell).trim().replace(/(?<!\\)\|/g, '\\|')));
    const marks = [...node.rows[0]?.cells ?? []].map(cell => ({left: ':--', right: '--:', center: ':-:'})[cell.className] ?? '---');
    rows.splice(1, 0, marks);
    return rows.map(cells => `| ${cells.join(' | ')} |`).join('\n');
}

/* Headings of a text stand below those of the page; a class keeps the author's level. */
function writtenLevel(node) {
    return /^l[1-6]$/.test(node.className) ? Number(node.className[1]) : undefined;
}

/* Two answers word by word, with the marks of wdiff: what is shown is Markdown already. */
function differenceBlock(node) {
    const marks = {DEL: ['[-', '-]'], INS: ['{+', '+}']};
    const text = [...node.childNodes].map(({nodeName, textContent}) => (marks[nodeName] ?? ['', '']).join(textContent)).join('');
    const mark = fence(text, '`', 3);
    return `${mark}text\n${text}\n${mark}`;
}

const BLOCKS = {
    P: node => node.matches('.difference > .text') ? differenceBlock(node) : escapeStart(inlineOf(node).trim()),
    UL: list, OL: list, PRE: codeBlock, TABLE: tableOf,
    BLOCKQUOTE: node => indented(blocks(node), '> ', '> ').replace(/^$/gm, '>'),
    HR: () => '---',
};
for (let level = 1; level <= 6; level++)
    BLOCKS[`H${level}`] = node => `${'#'.repeat(writtenLevel(node) ?? level)} ${inlineOf(node).trim().replace(/\n/g, ' ')}`;
const INLINE = new Set(['STRONG', 'EM', 'DEL', 'CODE', 'A', 'BR', 'SPAN', 'MARK']);

/* The blocks below a node, parted by empty lines; within a tight list item text and list follow each other line by line. */
function blocks(node) {
    const found = [];
    let line = '';
    const endLine = () => { if (line.trim()) found.push(escapeStart(line.trim())); line = ''; };
    for (const child of node.childNodes) {
        if (child.nodeType === Node.ELEMENT_NODE && child.matches('.control, .code-language'))
            continue;
        if (child.nodeType === Node.TEXT_NODE || INLINE.has(child.nodeName)) {
            line += inline(child);
            continue;
        }
        if (child.nodeType !== Node.ELEMENT_NODE)
            continue;
        endLine();
        found.push(BLOCKS[child.nodeName]?.(child) ?? blocks(child));
    }
    endLine();
    const tight = node.nodeName === 'LI' && !node.querySelector(':scope > p');
    return found.filter(text => text !== '').join(tight ? '\n' : '\n\n');
}

function markdownOf(node) {
    return blocks(node).replace(/\n{3,}/g, '\n\n') + '\n';
}
