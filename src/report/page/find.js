/* find.js - search and filters. What is found are items: an answer {q, a}, a pair {q, a, b} or a question {q}, each with the judgments that
 * the chosen judge and turn leave. The address holds all of it; a reading opened from here carries that address in its word "hits". */

const STEP = 50;                                         /* items shown at once */
const DIFFERENCE = '2';                                  /* points from which scores disagree, unless the address says others */

function mean(numbers) {
    return numbers.length === 0 ? NaN : numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
}

function okScores(item) {
    return item.b === undefined ? item.rows.filter(row => index.statuses[row.status] === 'ok').map(row => row.score) : [];
}

function answersOfItem(item, turn) {
    const of = a => a === undefined ? [] : answersOf.get(key(item.q, a)) ?? [];
    return [...of(item.a), ...of(item.b)].filter(answer => !turn || answer.turn === Number(turn));
}

/* Do the means of the groups, or their verdicts, lie apart? 'by' names what makes the groups, 'within' what they share. Judges are held to
 * each other whichever of them is chosen, and so are turns: one alone could not differ. */
function differs(found, by, within, to) {
    const item = {...found, rows: rowsOf(found, {[within]: to[within]})}, points = Number(to.points || DIFFERENCE);
    for (const rows of grouped(item.rows, row => row[within]).values()) {
        const groups = [...grouped(rows, row => row[by]).values()];
        const means = groups.map(group => mean(okScores({...item, rows: group}))).filter(Number.isFinite);
        if (item.b === undefined && means.length > 1 && Math.max(...means) - Math.min(...means) >= points)
            return true;
        const verdicts = item.b === undefined ? [] : rows.map(verdictOf).filter(verdict => verdict.kind !== 'failed');
        if (new Set(verdicts.map(verdict => verdict.model ?? -1)).size > 1 && groups.length > 1)
            return true;
    }
    return false;
}

/* What a choice of winners means; "=NAME" is a model's win. */
const OUTCOMES = new Map([
    ['tie', verdict => verdict.kind === 'tie'],
    ['split', verdict => verdict.kind === 'split' || verdict.kind === 'order'],
    ['first', verdict => verdict.shown === 1],
    ['second', verdict => verdict.shown === 2],
    ['failed', verdict => verdict.kind === 'failed'],
]);

function wonBy(item, winner) {
    const wins = verdict => verdict.kind === 'win' && index.models[verdict.model] === winner.slice(1);
    const fits = winner.startsWith('=') ? wins : OUTCOMES.get(winner);
    return item.b !== undefined && fits !== undefined && item.rows.some(row => fits(verdictOf(row)));
}

function failedItem(item, turn) {
    return item.rows.some(row => index.statuses[row.status] !== 'ok')
        || answersOfItem(item, turn).some(answer => answer.flags & FLAG_FAILED);
}

function cutItem(item, turn) {
    return item.rows.some(row => index.statuses[row.status] === 'truncated')
        || answersOfItem(item, turn).some(answer => answer.flags & FLAG_CUT);
}

function isModel(number, name) {
    return number !== undefined && index.models[number] === name;
}

/* Is there anything of this turn: of a pair a game, of a model an answer or a grading, of a question its own words? */
function hasTurn(item, turn) {
    return item.rows.length > 0 || (item.b === undefined
        && (item.a === undefined ? turnsOf(item.q) >= Number(turn) : answersOfItem(item, turn).length > 0));
}

/* One test for each word of the address. */
const FILTERS = {
    show: (item, show) => show === (item.b !== undefined ? 'pairs' : item.a !== undefined ? 'answers' : 'questions'),
    category: (item, category) => categoryOf(item.q) === category,
    model: (item, model) => isModel(item.a, model) || isModel(item.b, model),
    turn: hasTurn,
    judge: item => item.rows.length > 0,
    from: (item, from) => mean(okScores(item)) >= Number(from),
    to: (item, to) => mean(okScores(item)) <= Number(to),
    winner: wonBy,
    differ: (item, what, to) => what === 'judges' ? differs(item, 'judge', 'turn', to) : differs(item, 'turn', 'judge', to),
    failed: (item, on, to) => failedItem(item, to.turn),
    cut: (item, on, to) => cutItem(item, to.turn),
    empty: (item, on, to) => answersOfItem(item, to.turn).some(answer => answer.flags & FLAG_EMPTY),
    outdated: item => item.rows.some(row => row.outdated),
};

function itemKey(item) {
    return item.b === undefined ? key(item.q, item.a) : pairKey(item.q, item.a, item.b);
}

function rowsOf(item, {judge, turn}) {
    const rows = (item.b === undefined ? singleOf : gamesOf).get(itemKey(item)) ?? [];
    return rows.filter(row => (!judge || index.judges[row.judge] === judge) && (!turn || row.turn === Number(turn)));
}

function makeItem(q, a, b, to) {
    return {q, a, b, rows: rowsOf({q, a, b}, to)};
}

function allItems(to) {
    const items = index.questions.map((question, q) => makeItem(q, undefined, undefined, to));
    const keys = new Set([...answersOf.keys(), ...singleOf.keys(), ...gamesOf.keys(), ...sources.keys()]);
    for (const one of keys) {
        const [q, a, b] = one.split(' ').map(part => part === '' ? undefined : Number(part));
        if (a !== undefined)
            items.push(makeItem(q, a, b, to));
    }
    return items;
}

function filtered(items, to) {
    const active = Object.keys(FILTERS).filter(name => to[name]);
    return items.filter(item => active.every(name => FILTERS[name](item, to[name], to)));
}

function charactersOf(item) {
    return answersOfItem(item).reduce((sum, answer) => sum + answer.characters, 0);
}

const ORDERS = new Map(Object.entries({
    question: item => [item.q, item.a ?? -1, item.b ?? -1],
    low: item => [mean(okScores(item)), item.q, item.a ?? -1],
    high: item => [-mean(okScores(item)), item.q, item.a ?? -1],
    long: item => [-charactersOf(item), item.q, item.a ?? -1],
}));

/* NaN, of what has no score, comes last. */
function byNumbers(x, y) {
    for (let i = 0; i < x.length; i++)
        if (x[i] !== y[i] && !(Number.isNaN(x[i]) && Number.isNaN(y[i])))
            return Number.isNaN(x[i]) ? 1 : Number.isNaN(y[i]) ? -1 : x[i] - y[i];
    return 0;
}

/* Is this text where somebody looks? One of no turn, or of no judge, is of all. */
function textMeant(text, to) {
    return (!to.in || to.in === text.kind) && (!to.turn || !text.turn || text.turn === Number(to.turn))
        && (!to.judge || text.judge === undefined || index.judges[text.judge] === to.judge);
}

/* The items that an address of this view finds, in order, each with its texts that hold the words. */
function find(to) {
    const words = searchWords(to.text ?? '');
    const found = words.length > 0 ? grouped(searchTexts(words).filter(text => textMeant(text, to)), itemKey) : null;
    const wanted = item => found ? found.has(itemKey(item)) : item.a !== undefined || to.show === 'questions';
    const order = ORDERS.get(to.order) ?? ORDERS.get('question');
    return filtered(allItems(to).filter(wanted), to).map(item => [order(item), {...item, texts: found?.get(itemKey(item)) ?? []}])
        .sort((x, y) => byNumbers(x[0], y[0])).map(pair => pair[1]);
}

function itemName(item) {
    const names = [item.a, item.b].filter(a => a !== undefined).map(a => index.models[a]);
    return `Question ${questionId(item.q)}${names.length ? ', ' + names.join(' and ') : ''}`;
}

function itemRoute(item, hits) {
    return {view: 'read', q: questionId(item.q), a: index.models[item.a], b: index.models[item.b], hits};
}

/* ---- the view ---- */

function modelOptions(none) {
    return [['', none], ...index.models.map(model => [model, model])];
}

function winnerOptions() {
    return [['', 'any'], ...index.models.map(model => ['=' + model, model]), ['tie', 'a tie'], ['split', 'none: the games disagree'],
        ['first', 'the answer shown first, twice'], ['second', 'the answer shown second, twice'], ['failed', 'none: failed']];
}

function highestTurn() {
    return Math.max(1, ...index.questions.map(question => question[2]));
}

function tick(name, text) {
    const box = el('input', {type: 'checkbox', name, onchange: () => change({[name]: box.checked ? 'yes' : '', shown: ''})});
    return el('label', {class: 'tick'}, box, text);
}

function points(name, text) {
    const typed = event => change({[name]: event.target.value, shown: ''}, true);
    return labelled(text, el('input', {type: 'number', name, min: 0, max: 10, step: 0.5, oninput: typed}));
}

function chosen(name, text, options) {
    return labelled(text, choice(name, options, '', value => change({[name]: value, shown: ''})));
}

function searchField() {
    const typed = event => change({text: event.target.value, shown: ''}, true);
    const field = el('input', {type: 'search', name: 'text', autocomplete: 'off', oninput: typed,
        placeholder: 'words, or "several words"'});
    return el('label', {class: 'wide'}, el('span', null, 'Text'), field);
}

const NO_TEXTS = 'The texts lie in a file for each question. They are not searched from here; filters know all answers.';

function findControls(form) {
    const turns = Array.from({length: highestTurn()}, (none, i) => [i + 1, i + 1]);
    const kinds = [['', 'all texts'], ['user', 'questions'], ['answer', 'answers'], ['judgment', 'judgments'], ['reference', 'references']];
    form.append(
        ...(sources.size > 0 ? [searchField(), chosen('in', 'In', kinds)] : [el('p', {class: 'wide'}, NO_TEXTS)]),
        chosen('show', 'Show', [['', 'everything'], ['questions', 'questions'], ['answers', 'answers'], ['pairs', 'pairs']]),
        chosen('category', 'Category', [['', 'all'], ...index.categories.map(c => [c, c])]),
        chosen('model', 'Model', modelOptions('all')),
        chosen('judge', 'Judge', [['', 'all'], ...index.judges.map(j => [j, j])]),
        chosen('turn', 'Turn', [['', 'all'], ...turns]),
        points('from', 'Score from'), points('to', 'Score to'),
        games.length ? chosen('winner', 'Winner', winnerOptions()) : '',
        chosen('differ', 'Disagreement', [['', 'any or none'], ['judges', 'of judges'], ['turns', 'of turns']]),
        points('points', 'by so many points'),
        tick('failed', 'failed'), tick('cut', 'truncated'), tick('empty', 'empty'), tick('outdated', 'judged as another text'),
        chosen('order', 'Order', [['', 'by question'], ['low', 'lowest score first'], ['high', 'highest score first'],
            ['long', 'longest answer first']]),
        button('Clear', () => go({view: 'find'}), {name: 'clear'}));
}

const KIND_NAMES = {user: 'question', answer: 'answer', reference: 'reference', judgment: 'judgment'};

function excerptLine(text, word) {
    const [before, hit, behind] = excerpt(text, word);
    const judge = text.judge === undefined ? '' : `by ${index.judges[text.judge]}`;
    const where = [KIND_NAMES[text.kind], text.turn ? `turn ${text.turn}` : '', judge];
    const place = el('span', {class: 'where'}, where.filter(Boolean).join(', ') + ': ');
    return el('p', {class: 'excerpt'}, place, before, el('mark', null, hit), behind);
}

function itemLine(item, words, hits) {
    const facts = [categoryOf(item.q), item.b === undefined ? scoresText(item.rows) : gamesText(item.rows)];
    if (item.a !== undefined && item.b === undefined)
        facts.push(lengthText({characters: charactersOf(item), flags: answersOfItem(item).reduce((all, one) => all | one.flags, 0)}));
    return el('li', null, el('a', {href: linkTo(itemRoute(item, hits))}, itemName(item)),
        el('p', {class: 'about'}, facts.filter(Boolean).join(' · ')), ...item.texts.slice(0, 3).map(text => excerptLine(text, words[0])));
}

function resultsOf(section) {
    let results = section.querySelector('.results');
    if (!results) {
        results = el('div', {class: 'results'}, el('p', {class: 'count'}), el('ol'), el('p', {class: 'more'}));
        section.append(results);
    }
    return results;
}

function showFind() {
    const section = byId('find'), form = formOf(section, findControls), results = resultsOf(section);
    fillForm(form, {...route, points: route.points ?? (route.differ ? DIFFERENCE : '')});
    form.elements.points.parentElement.hidden = !route.differ;
    const items = find(route), words = searchWords(route.text ?? ''), hits = address({...route, shown: ''});
    const shown = Math.min(items.length, Number(route.shown) || STEP);
    const texts = items.reduce((sum, item) => sum + item.texts.length, 0);
    const count = items.length ? plural(items.length, 'item') : 'Nothing';
    results.querySelector('.count').textContent = `${count} found${words.length ? `, with ${plural(texts, 'text')}` : ''}.`;
    results.querySelector('ol').replaceChildren(...items.slice(0, shown).map(item => itemLine(item, words, hits)));
    results.querySelector('.more').replaceChildren(shown < items.length
        ? button(`Show ${Math.min(STEP, items.length - shown)} more of ${items.length}`, () => change({shown: shown + STEP}, true)) : '');
    announce(results.querySelector('.count').textContent);
}
