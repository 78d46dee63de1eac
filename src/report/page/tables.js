/* tables.js - the score tables and heat maps that C wrote: which one is shown, in which order, which rows. No number is computed here. */

function isNumber(text) {
    return text !== '' && Number.isFinite(Number(text));
}

/* What a cell is sorted by: all digits of its number, or its text; null where it is empty. */
function valueOf(cell) {
    const value = cell?.dataset.v ?? cell?.textContent ?? '';
    return value === '' ? null : isNumber(value) ? Number(value) : value;
}

/* Numbers before texts; what is empty comes last in either order. */
function compareValues(x, y, sign) {
    if (x === null || y === null)
        return (x === null) - (y === null);
    if (typeof x !== typeof y)
        return typeof x === 'number' ? -1 : 1;
    return sign * (typeof x === 'number' ? x - y : x < y ? -1 : x > y ? 1 : 0);
}

function originalOrder(body) {
    body.first ??= [...body.rows];
    return body.first;
}

/* order: a column's name, "-" before it for the highest first; none: as C wrote the rows. Equal ones keep that order. */
function sortTable(table, order) {
    const body = table.tBodies[0], name = order.replace(/^-/, ''), sign = order.startsWith('-') ? -1 : 1;
    const heads = [...table.tHead.rows[0].cells];
    const column = name ? heads.findIndex(head => head.dataset.name === name) : -1;
    const rows = [...originalOrder(body)];
    if (column >= 0)
        rows.sort((x, y) => compareValues(valueOf(x.cells[column]), valueOf(y.cells[column]), sign));
    body.append(...rows);
    for (const [i, head] of heads.entries())
        if (i === column)
            head.setAttribute('aria-sort', sign < 0 ? 'descending' : 'ascending');
        else
            head.removeAttribute('aria-sort');
}

function filterRows(table, part) {
    const wanted = part.toLowerCase();
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
        row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted);
        shown += !row.hidden;
    }
    return shown;
}

/* The next order when a column's head is pressed: numbers begin with the highest, names with the first; the third time is C's order. */
function nextOrder(table, column, name) {
    const first = [...table.tBodies[0].rows].some(row => typeof valueOf(row.cells[column]) === 'number') ? '-' + name : name;
    const second = first.startsWith('-') ? name : '-' + name;
    return route.sort === first ? second : route.sort === second ? '' : first;
}

/* Heads become buttons, so that keys reach them. */
function makeSortable(table) {
    for (const [i, head] of [...table.tHead.rows[0].cells].entries()) {
        head.dataset.name ??= head.textContent;
        const press = button(null, () => change({sort: nextOrder(table, i, head.dataset.name)}), {class: 'sort'});
        press.append(...head.childNodes);
        head.append(press);
    }
}

/* The words that say which table is meant, as names: {judge, category, kind}. */
function tableWords(table) {
    const {judge, category, kind} = table.dataset;
    return {judge: index.judges[judge] ?? '', category: index.categories[category] ?? '', kind: kind ?? 'single'};
}

/* What stands about a table, to be hidden with it: the nearest ancestors that hold no other table. */
function blockOf(table, section) {
    let block = table;
    while (block.parentElement !== section && block.parentElement.querySelectorAll('table').length === 1)
        block = block.parentElement;
    return block;
}

/* Of several tables the one that fits the words best; judges and categories that it does not have do not count against it. */
function chooseTable(tables, wanted) {
    const fits = table => {
        const has = tableWords(table);
        return (has.kind === (wanted.kind || 'single')) * 4 + (has.judge === (wanted.judge || index.judges[0])) * 2
            + (has.category === (wanted.category ?? ''));
    };
    return tables.reduce((best, table) => fits(table) > fits(best) ? table : best, tables[0]);
}

function showOnly(tables, chosen, section) {
    for (const table of tables)
        blockOf(table, section).hidden = table !== chosen;
    for (const details of section.querySelectorAll('details')) {
        details.hidden = !details.contains(chosen);
        details.open = !details.hidden;
    }
}

const TABLE_KINDS = {
    single: 'scores', turns: 'turns', categories: 'categories', length: 'length against score', pairs: 'pairs', panel: 'all judges',
};

/* Controls of a section with tables: only those that have something to choose. */
function tableControls(form, tables) {
    const kinds = [...new Set(tables.map(table => tableWords(table).kind))];
    const typed = event => change({name: event.target.value}, true);
    form.append(
        kinds.length > 1 ? labelled('Show', choice('kind', kinds.map(k => [k, TABLE_KINDS[k] ?? k]), '', kind => change({kind}))) : '',
        index.judges.length > 1 ? labelled('Judge', choice('judge', index.judges.map(j => [j, j]), '', judge => change({judge}))) : '',
        labelled('Category', choice('category', [['', 'all'], ...index.categories.map(c => [c, c])], '', category => change({category}))),
        labelled('Models', el('input', {type: 'search', name: 'name', placeholder: 'part of a name', oninput: typed})));
}

/* The form behind a section's heading, made once. */
function formOf(section, make = () => {}) {
    let form = section.querySelector(':scope > form.controls');
    if (!form) {
        form = el('form', {class: 'controls', onsubmit: event => event.preventDefault()});
        make(form);
        section.querySelector('h2').after(form);
    }
    return form;
}

/* The controls say what is shown, which may be less than the address asks for; 'more': of what no table tells. */
function showTable(section, tables, wanted, more) {
    const table = chooseTable(tables, wanted), words = tableWords(table);
    fillForm(formOf(section, form => tableControls(form, tables)), {...words, name: route.name, ...more});
    showOnly(tables, table, section);
    return table;
}

function showScores() {
    const section = byId('scores'), tables = [...section.querySelectorAll('table.sheet')];
    if (tables.length === 0)
        return;
    const chosen = showTable(section, tables, route);
    sortTable(chosen, route.sort ?? '');
    const shown = filterRows(chosen, route.name ?? '');
    if (route.name || route.sort)
        announce(`${plural(shown, 'model')}${route.sort ? ', sorted by ' + route.sort.replace('-', '') : ''}`);
}

function showHeat() {
    const section = byId('heat'), tables = [...section.querySelectorAll('table.heat')];
    if (tables.length === 0)
        return;
    const chosen = showTable(section, tables, {...route, category: ''}, {category: route.category});
    showCategory(chosen, route.category ?? '');
    const shown = filterRows(chosen, route.name ?? '');
    if (route.name)
        announce(plural(shown, 'model'));
}

/* Only the columns of one category's questions. */
function showCategory(table, category) {
    for (const [i, head] of [...table.tHead.rows[0].cells].entries()) {
        const hidden = head.dataset.q !== undefined && category !== '' && categoryOf(head.dataset.q) !== category;
        if (hidden !== head.hidden)
            for (const row of table.rows)
                if (row.cells[i])
                    row.cells[i].hidden = hidden;
    }
}
