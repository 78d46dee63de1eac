/* texts.js - search over all texts. Each section (a question's turn, an answer, a judgment) becomes one plain text in small letters, made
 * while the browser has nothing else to do; what is left when somebody searches is made then. */

const ENTITIES = {'&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'"};
const SECTION = /<section class=(user|answer|reference|judgment)([^>]*)>/g;
const plainTexts = [];                                   /* {source, q, a, b, kind, turn, choice, judge, from, to, small} */
const unread = [...sources.values()];

/* A ">" within attributes and texts is an entity, so a tag ends at the next one. Inline tags part no words, all others do. */
function plainText(html) {
    return html.replace(/<\/?(?:a|code|em|strong|del|span)\b[^>]*>/g, '').replace(/<[^>]*>/g, ' ')
        .replace(/&(?:amp|lt|gt|quot|#39);/g, entity => ENTITIES[entity]).replace(/\s+/g, ' ').trim();
}

function numberIn(attributes, name) {
    const found = attributes.match(new RegExp(`data-${name}=(\\d+)`));
    return found ? Number(found[1]) : undefined;
}

function readSource(source) {
    const html = source.textContent;
    const {q, a, b} = source.dataset;
    for (const found of html.matchAll(SECTION)) {
        const begin = found.index + found[0].length, to = html.indexOf('</section>', begin);
        const from = html.startsWith('<h4>', begin) ? html.indexOf('</h4>', begin) + '</h4>'.length : begin;
        const text = {source, q: Number(q), a: a && Number(a), b: b && Number(b), kind: found[1], from, to: to < 0 ? html.length : to};
        for (const name of ['turn', 'choice', 'judge'])
            text[name] = numberIn(found[2], name);
        text.small = plainText(html.slice(text.from, text.to)).toLowerCase();
        plainTexts.push(text);
    }
}

function readInIdleTime(idle) {
    while (unread.length > 0 && idle.timeRemaining() > 1)
        readSource(unread.shift());
    if (unread.length > 0)
        whenIdle(readInIdleTime);
}

function whenIdle(work) {
    if (window.requestIdleCallback)
        requestIdleCallback(work);
    else
        setTimeout(() => { const end = performance.now() + 8; work({timeRemaining: () => end - performance.now()}); }, 50);
}

/* Words, and "several words" in quotation marks, all of which must be there. Who is still typing has not closed the last ones. */
function searchWords(query) {
    return [...query.toLowerCase().matchAll(/"([^"]+)(?:"|$)|(\S+)/g)].map(found => (found[1] ?? found[2]).replace(/\s+/g, ' '));
}

function searchTexts(words) {
    while (unread.length > 0)
        readSource(unread.shift());
    return plainTexts.filter(text => words.every(word => text.small.includes(word)));
}

/* The surroundings of the first word as [before, word, after]. */
function excerpt(text, word) {
    const plain = plainText(text.source.textContent.slice(text.from, text.to));
    /* A few letters are longer in small: the places are then those of the small text. */
    const shown = plain.length === text.small.length ? plain : text.small;
    const at = Math.max(text.small.indexOf(word), 0);
    const from = at < 60 ? 0 : shown.indexOf(' ', at - 60) + 1 || at - 60;
    const to = at + word.length + 120;
    return [(from ? '… ' : '') + shown.slice(Math.min(from, at), at), shown.slice(at, at + word.length),
            shown.slice(at + word.length, to) + (to < shown.length ? ' …' : '')];
}
