/* keys.js - single keys, which can be switched off for those whose tools type letters of their own (WCAG 2.1.4), and colours. */

function remembered(name) {
    try {
        return localStorage.getItem('mtbench-' + name);
    } catch {
        return null;                                     /* some browsers keep nothing for files */
    }
}

function remember(name, value) {
    try {
        localStorage.setItem('mtbench-' + name, value);
    } catch {
        /* then it lasts as long as the page */
    }
}

function stepQuestion(by) {
    if (route.view === 'read')
        stepTo(questionStep(by));
}

function stepHit(by) {
    if (route.view === 'read')
        stepTo(hitStep(by));
}

function toSearch() {
    if (route.view !== 'find')
        go({view: 'find'});
    byId('find').querySelector('input[name="text"]')?.focus();
}

const KEYS = {
    n: ['next question', () => stepQuestion(1)], p: ['previous question', () => stepQuestion(-1)],
    j: ['next of what was found', () => stepHit(1)], k: ['previous of what was found', () => stepHit(-1)],
    d: ['differences of two answers', () => { if (route.view === 'read' && route.b) switchDifferences(); }],
    '/': ['search', toSearch], '?': ['these keys', () => byId('keys').showModal()],
};
let keysOn = remembered('keys') !== 'off';

function pressed(event) {
    const typing = event.target.closest?.('input, select, textarea, [contenteditable]');
    const other = event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]');
    if (!keysOn || typing || other || !Object.hasOwn(KEYS, event.key))
        return;
    event.preventDefault();
    KEYS[event.key][1]();
}

function switchKeys(on) {
    keysOn = on;
    remember('keys', on ? 'on' : 'off');
}

function keysDialog() {
    const rows = Object.entries(KEYS).flatMap(([name, [what]]) => [el('dt', null, el('kbd', null, name)), el('dd', null, what)]);
    const on = el('input', {type: 'checkbox', name: 'keys', checked: keysOn, onchange: () => switchKeys(on.checked)});
    return el('dialog', {id: 'keys', 'aria-labelledby': 'keys-h'}, el('h2', {id: 'keys-h'}, 'Keys'), el('dl', null, ...rows),
        el('label', {class: 'tick'}, on, 'keys are on'), el('form', {method: 'dialog'}, el('button', null, 'Close')));
}

/* '': as the system has it. */
function setColours(colours) {
    if (colours)
        document.documentElement.dataset.theme = colours;
    else
        delete document.documentElement.dataset.theme;
}

function settings() {
    const colours = remembered('colours') ?? '';
    setColours(colours);
    const options = [['', 'as the system'], ['light', 'light'], ['dark', 'dark']];
    const changed = value => {
        setColours(value);
        remember('colours', value);
    };
    return el('div', {class: 'settings'}, labelled('Colours', choice('colours', options, colours, changed)),
        button('Keys', () => byId('keys').showModal(), {name: 'keys'}));
}
