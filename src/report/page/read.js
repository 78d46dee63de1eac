/* read.js - reading: one model's answers to a question with their single gradings, or two side by side with the games between them; the way
 * to the next question and the next thing that was found; differences; copies. */

/* What the address asks for, as numbers: {q, a, b}, undefined where it names none; 'unknown' names what the page has not. */
function wantedReading(to) {
    const wanted = {q: to.q === undefined ? 0 : numberOfQuestion.get(to.q), unknown: []};
    if (wanted.q === undefined)
        wanted.unknown.push(`no question ${to.q}`);
    if (to.q === undefined && index.models.length > 0)
        wanted.a = 0;
    for (const side of ['a', 'b'])
        if (to[side] !== undefined) {
            wanted[side] = numberOfModel.get(to[side]);
            if (wanted[side] === undefined)
                wanted.unknown.push(`no model ${to[side]}`);
        }
    if (index.questions.length === 0)
        wanted.unknown = ['no question at all'];
    return wanted;
}

function choicesOf(q, a) {
    return Math.max(0, ...(answersOf.get(key(q, a)) ?? []).map(answer => answer.choice + 1));
}

/* ---- controls ---- */

function questionOptions(category) {
    return index.questions.flatMap((question, q) => categoryOf(q) === category ? [[question[0], question[3]]] : []);
}

function readAnother(words) {
    go({...route, view: 'read', hits: undefined, ...words});
}

function firstOfCategory(category) {
    return questionId(index.questions.findIndex((question, q) => categoryOf(q) === category));
}

function choiceControl(q, a, name, text) {
    const n = a === undefined ? 0 : choicesOf(q, a);
    const options = Array.from({length: n}, (none, i) => [i + 1, i + 1]);
    if (name === 'choice' && route.b === undefined)
        options.unshift(['', 'all']);
    return n < 2 ? '' : labelled(text, choice(name, options, route[name] ?? '', value => change({[name]: value})));
}

function readControls(form, {q, a, b}) {
    const id = questionId(q), model = index.models[a], select = (text, ...control) => labelled(text, choice(...control));
    const categories = [...new Set(index.questions.map((question, i) => categoryOf(i)))].map(c => [c, c || 'none']);
    const models = index.models.map(name => [name, name]), judges = index.judges.map(name => [name, name]);
    form.replaceChildren(
        select('Category', 'category', categories, categoryOf(q), c => readAnother({q: firstOfCategory(c), a: model})),
        select('Question', 'q', questionOptions(categoryOf(q)), id, value => readAnother({q: value, a: model})),
        select('Model A', 'a', [['', 'all: scores alone'], ...models], model ?? '',
            value => readAnother({q: id, a: value, b: value && route.b})),
        select('Model B', 'b', [['', 'none: single grading'], ...models], index.models[b] ?? '',
            value => readAnother({q: id, a: index.models[a ?? 0], b: value, diff: value && route.diff})),
        judges.length > 1 ? select('Judge', 'judge', [['', 'all'], ...judges], route.judge ?? '', judge => change({judge})) : '',
        choiceControl(q, a, 'choice', b === undefined ? 'Choice' : 'Choice of A'), choiceControl(q, b, 'choice_b', 'Choice of B'));
}

/* ---- steps ---- */

let hitsFound = {address: '', items: []};                /* of the last reading, so that a step does not search again */

function hitsOf(to) {
    if (!to.hits)
        return [];
    if (hitsFound.address !== to.hits)
        hitsFound = {address: to.hits, items: find(parseRoute(to.hits))};
    return hitsFound.items;
}

/* Where a step by 'by' leads: the address, or null at either end. */
function questionStep(by) {
    const {q} = wantedReading(route), next = (q ?? 0) + by;
    const a = route.a ?? (route.q === undefined ? index.models[0] : undefined);
    return index.questions[next] ? {...route, view: 'read', q: questionId(next), a, hits: undefined} : null;
}

function hitStep(by) {
    const items = hitsOf(route), {q, a, b} = wantedReading(route);
    const at = items.findIndex(item => item.q === q && item.a === a && item.b === b);
    return at >= 0 && items[at + by] ? itemRoute(items[at + by], route.hits) : null;
}

function stepTo(target) {
    if (target)
        go(target);
}

function stepButton(name, text, target, title) {
    return button(text, () => stepTo(target), {name, title, disabled: target === null});
}

function switchDifferences() {
    change({diff: route.diff ? '' : 'yes'});
}

function steps(bar, {a, b}) {
    const hits = hitsOf(route), pair = a !== undefined && b !== undefined;
    const diff = {name: 'diff', 'aria-pressed': String(Boolean(route.diff)), title: 'key d'};
    bar.replaceChildren(
        stepButton('previous', '← Previous question', questionStep(-1), 'key p'),
        stepButton('next', 'Next question →', questionStep(1), 'key n'),
        ...(hits.length === 0 ? [] : [
            stepButton('previous_hit', '↑ Previous hit', hitStep(-1), 'key k'),
            stepButton('next_hit', '↓ Next hit', hitStep(1), 'key j'),
            el('a', {href: linkTo(parseRoute(route.hits))}, `All ${hits.length} found`),
        ]),
        pair ? button('Differences', switchDifferences, diff) : '',
        button('Copy as Markdown', copyReading, {name: 'copy'}), button('Print', () => window.print(), {name: 'print'}));
}

/* ---- the texts ---- */

/* The sections of an article of a kind; data: {turn: 1, choice: 0} and so on, undefined matches all. */
function sections(from, kind, data = {}) {
    const words = Object.entries(data).map(([name, value]) => value === undefined ? '' : `[data-${name}="${value}"]`);
    return [...from.querySelectorAll(`section.${kind}${words.join('')}`)];
}

function originList(answer) {
    const facts = {...index.origins[answer.origin], ...answer.made, ...answer.prompt ? {'SHA-256 of the prompt': answer.prompt} : {}};
    const rows = Object.entries(facts).flatMap(([name, value]) => [el('dt', null, name), el('dd', null, String(value))]);
    const list = el('details', {class: 'origin control'}, el('summary', null, 'Origin of the answer'), el('dl', null, ...rows));
    return rows.length === 0 ? null : list;
}

function withFacts(section, q, a) {
    const {turn, choice: number} = section.dataset;
    const answer = (answersOf.get(key(q, a)) ?? []).find(one => one.turn === Number(turn) && one.choice === Number(number));
    if (answer)
        section.append(el('p', {class: 'about control'}, lengthText(answer)), originList(answer) ?? '');
    return section;
}

/* A model's answers to a turn; 'chosen': the choice, undefined for all. */
function answerColumn(from, q, a, turn, chosen) {
    const shown = sections(from, 'answer', {turn, choice: chosen});
    return el('div', {class: 'column'}, ...shown.length ? shown.map(section => withFacts(section, q, a))
        : [el('p', {class: 'missing'}, `${index.models[a]} has no answer to turn ${turn}.`)]);
}

/* What the page says in place of an answer, or about it: no word of the model's. */
const SAID = '.missing, .failed';

/* Without its heading and what the page adds. */
function answerMarkdown(column) {
    const copy = column.cloneNode(true);
    copy.querySelectorAll(`.control, section > h4, ${SAID}`).forEach(element => element.remove());
    return markdownOf(copy);
}

function differenceOf(columns, names) {
    const {pieces, complete} = diffWords(...columns.map(answerMarkdown));
    const tags = {same: 'span', del: 'del', ins: 'ins'}, same = pieces.every(([kind]) => kind === 'same');
    const said = columns.flatMap((column, i) => [...column.querySelectorAll(SAID)].map(element =>
        el('p', {class: 'failed'}, `${names[i]}: ${element.textContent}`)));
    return el('section', {class: 'difference'}, el('h4', null, `From ${names[0]} to ${names[1]}`),
        ...said, same ? el('p', {class: 'about'}, 'No word differs.') : '',
        complete ? '' : el('p', {class: 'about'}, 'These texts are long and far apart: what was not compared in time is shown as changed.'),
        el('p', {class: 'text'}, ...pieces.map(([kind, text]) => el(tags[kind], null, text))));
}

/* Highest turn of the question or of what is there. */
function lastTurn(q, froms) {
    const turns = froms.flatMap(from => [...from.querySelectorAll('section[data-turn]')].map(section => Number(section.dataset.turn)));
    return Math.max(turnsOf(q), 0, ...turns);
}

function turnBlocks(question, sides, q, turn) {
    const names = sides.map(side => index.models[side.a]);
    const columns = sides.map(side => answerColumn(side.from, q, side.a, turn, side.choice));
    const answered = route.diff && columns.length === 2 ? differenceOf(columns, names)
        : el('div', {class: columns.length === 2 ? 'columns two' : 'columns'}, ...columns);
    return [...sections(question, 'user', {turn}), ...sides.length ? [answered] : []];
}

function judgmentBlocks(from, nothing) {
    const judge = route.judge ? numberOfJudge.get(route.judge) ?? -1 : undefined;
    const all = [...from.querySelectorAll('.verdict, section.judgment')];
    const found = all.filter(block => judge === undefined || Number(block.dataset.judge) === judge);
    return found.length ? found : [el('p', {class: 'missing'}, nothing)];
}

function gradings(side, q) {
    const name = index.models[side.a];
    const scores = el('p', {class: 'about scores'}, scoresText(singleOf.get(key(q, side.a)) ?? []));
    return [scores, ...judgmentBlocks(side.from, `No judgment of ${name} here.`)];
}

function pairBlocks(sides, q) {
    const names = sides.map(side => index.models[side.a]);
    const alone = (side, i) => el('details', {class: 'single'}, el('summary', null, `Single grading of ${names[i]}`), ...gradings(side, q));
    const between = judgmentBlocks(article(q, sides[0].a, sides[1].a), `No game between ${names[0]} and ${names[1]} here.`);
    return [...between, ...sides.map(alone)];
}

function sidesOf({q, a, b}) {
    /* Another model, or question, may have fewer choices than the address still names. */
    const chosen = (name, model, other) => route[name] >= 1 && route[name] <= choicesOf(q, model) ? Number(route[name]) - 1 : other;
    const sides = [[a, chosen('choice', a, b === undefined ? undefined : 0)], [b, chosen('choice_b', b, 0)]];
    return sides.filter(side => side[0] !== undefined).map(([model, number]) => ({a: model, choice: number, from: article(q, model)}));
}

/* A question with all models' scores, for an address without a model. */
function overview(q) {
    const link = name => el('a', {href: linkTo({view: 'read', q: questionId(q), a: name})}, name);
    const rows = index.models.map((name, a) => el('tr', null, el('th', {scope: 'row'}, link(name)),
        el('td', null, scoresText(singleOf.get(key(q, a)) ?? []) || 'no judgment')));
    const head = el('tr', null, el('th', {scope: 'col'}, 'model'), el('th', {scope: 'col'}, 'scores'));
    return el('table', {class: 'overview control'}, el('caption', null, 'Answers'), el('thead', null, head), el('tbody', null, ...rows));
}

function readingBlocks(wanted) {
    const {q} = wanted, question = article(q), sides = sidesOf(wanted), all = [];
    for (let turn = 1; turn <= lastTurn(q, [question, ...sides.map(side => side.from)]); turn++)
        all.push(...turnBlocks(question, sides, q, turn));
    all.push(...sections(question, 'reference'));
    if (sides.length === 0)
        all.push(overview(q));
    else
        all.push(...sides.length === 2 ? pairBlocks(sides, q) : gradings(sides[0], q));
    return all;
}

/* Where a word is in a text node, as ranges. */
function* rangesOf(node, word) {
    const small = node.data.toLowerCase();
    if (small.length !== node.data.length)               /* a few letters are longer in small: their places are others */
        return;
    for (let at = small.indexOf(word); at >= 0; at = small.indexOf(word, at + word.length)) {
        const range = new Range();
        range.setStart(node, at);
        range.setEnd(node, at + word.length);
        yield range;
    }
}

/* Marks the words that were searched for, without a change to the elements. */
function highlightHits(reading) {
    if (!window.Highlight || !CSS.highlights)
        return;
    const words = searchWords(parseRoute(route.hits ?? '').text ?? ''), hits = new Highlight();
    const walker = document.createTreeWalker(reading, NodeFilter.SHOW_TEXT);
    while (words.length > 0 && walker.nextNode())
        for (const word of words)
            for (const range of rangesOf(walker.currentNode, word))
                hits.add(range);
    CSS.highlights.set('hits', hits);
}

/* ---- copies ---- */

function offerCopy(text) {
    const area = el('textarea', {rows: 20, cols: 80, readonly: true, 'aria-label': 'Markdown'});
    area.value = text;
    const dialog = el('dialog', {class: 'copy', 'aria-label': 'Copy as Markdown', onclose: () => dialog.remove()},
        el('p', null, 'The browser gives no clipboard to this page. Copy from here:'), area,
        el('form', {method: 'dialog'}, el('button', null, 'Close')));
    document.body.append(dialog);
    dialog.showModal();
    area.select();
}

function readingMarkdown() {
    return markdownOf(byId('read').querySelector('.reading'));
}

async function copyReading() {
    const text = readingMarkdown();
    try {
        await navigator.clipboard.writeText(text);
        byId('read').querySelector('.done').textContent = `Copied ${plural(text.length, 'character')} of Markdown.`;
        announce('Copied');
    } catch {
        offerCopy(text);
    }
}

/* ---- the view ---- */

function readingParts(section) {
    if (!section.querySelector('.reading'))
        section.append(el('div', {class: 'steps', role: 'group', 'aria-label': 'Steps'}), el('p', {class: 'done'}),
            el('div', {class: 'reading'}));
    return ['.steps', '.done', '.reading'].map(name => section.querySelector(name));
}

function readingTitle({q, a, b}) {
    return itemName({q, a, b: b}) + (categoryOf(q) ? ` (${categoryOf(q)})` : '');
}

function showRead() {
    const section = byId('read'), wanted = wantedReading(route), [bar, done, reading] = readingParts(section);
    done.textContent = '';
    formOf(section).hidden = bar.hidden = wanted.unknown.length > 0;     /* they would speak of what was read before */
    if (wanted.unknown.length > 0) {
        reading.replaceChildren(el('p', {class: 'missing'}, `This page has ${wanted.unknown.join(' and ')}.`));
        announce(reading.textContent);
        return;
    }
    keepingFocus(formOf(section), () => readControls(formOf(section), wanted));
    const focused = bar.contains(document.activeElement) ? document.activeElement.name : '';
    steps(bar, wanted);
    if (focused)
        bar.querySelector(`button[name="${focused}"]:not(:disabled)`)?.focus();
    reading.replaceChildren(el('h3', null, readingTitle(wanted)), ...readingBlocks(wanted));
    for (const wide of reading.querySelectorAll('pre'))
        wide.tabIndex = 0;                               /* a keyboard scrolls only what has the focus */
    highlightHits(reading);
    announce(readingTitle(wanted));
}
