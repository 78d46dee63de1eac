/* index.js - what page.c tells of the benchmark in #index, and the texts in their noscript elements. Numbers are those of the lists there:
 * q of a question, a and b of models. PAGE.md has the form of both. */

const index = JSON.parse(byId('index').textContent);
const FLAG_FAILED = 1, FLAG_CUT = 2, FLAG_EMPTY = 4, FLAG_OUTDATED = 8;

function key(q, a = '', b = '') {
    return `${q} ${a} ${b}`;
}

/* rows by key, each list in the order of the file. */
function grouped(rows, keyOf) {
    const groups = new Map();
    for (const row of rows) {
        const at = keyOf(row);
        if (!groups.has(at))
            groups.set(at, []);
        groups.get(at).push(row);
    }
    return groups;
}

function numbers(names) {
    return new Map(names.map((name, i) => [name, i]));
}

/* Whoever stands first in a record: a pair is one item. */
function pairKey(q, a, b) {
    return key(q, Math.min(a, b), Math.max(a, b));
}

const single = index.single.map(([q, a, judge, turn, repeat, score, status, outdated]) =>
    ({q, a, judge, turn, repeat, score, status, outdated}));
const games = index.pairs.map(([q, a, b, judge, turn, repeat, g1, g2, status, first, outdated]) =>
    ({q, a, b, judge, turn, repeat, g1, g2, status, first, outdated}));
const answers = index.answers.map(([q, a, choice, turn, characters, flags, origin, prompt, made]) =>
    ({q, a, choice, turn, characters, flags, origin, prompt, made}));
const singleOf = grouped(single, row => key(row.q, row.a));
const gamesOf = grouped(games, row => pairKey(row.q, row.a, row.b));
const answersOf = grouped(answers, row => key(row.q, row.a));
const numberOfQuestion = numbers(index.questions.map(question => question[0]));
const numberOfModel = numbers(index.models);
const numberOfJudge = numbers(index.judges);

function questionId(q) {
    return index.questions[q][0];
}

function categoryOf(q) {
    return index.categories[index.questions[q][1]] ?? '';
}

function turnsOf(q) {
    return index.questions[q][2];
}

/* The only markup that ever becomes elements is this file's own, made by page.c of texts that md4c cleaned. */
const policy = (window.trustedTypes ?? {createPolicy: (name, rules) => rules}).createPolicy('mtbench', {createHTML: html => html});
const sources = new Map();
for (const source of document.querySelectorAll('#texts noscript[data-q]'))
    sources.set(key(source.dataset.q, source.dataset.a, source.dataset.b), source);

/* The elements of an article; none: an empty fragment. */
function article(q, a, b) {
    const source = sources.get(b === undefined ? key(q, a) : pairKey(q, a, b));
    const template = document.createElement('template');
    if (source)
        template.innerHTML = policy.createHTML(source.textContent);
    return template.content;
}
