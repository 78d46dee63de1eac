'use strict';
/* dom.js - elements made without markup, and the one place where something is said aloud. */

/* el('a', {href: '#x', onclick: f, hidden: true}, 'text', child): attributes that are false or null are left out. */
function el(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes ?? {}))
        if (name.startsWith('on'))
            element.addEventListener(name.slice(2), value);
        else if (value !== false && value !== null && value !== undefined)
            element.setAttribute(name, value === true ? '' : value);
    element.append(...children.filter(child => child !== null && child !== undefined));
    return element;
}

function byId(id) {
    return document.getElementById(id);
}

/* A control with its name beside it. */
function labelled(name, control) {
    return el('label', null, el('span', null, name), control);
}

/* options: [[value, text], ...]. */
function choice(name, options, chosen, changed) {
    const select = el('select', {name, onchange: () => changed(select.value)});
    for (const [value, text] of options)
        select.append(el('option', {value, selected: String(value) === String(chosen)}, text));
    return select;
}

function button(text, pressed, attributes) {
    return el('button', {type: 'button', onclick: pressed, ...attributes}, text);
}

/* What a screen reader says without that the focus moves. */
function announce(text) {
    const live = byId('live');
    if (live.textContent !== text)
        live.textContent = text;
}

/* Controls show what the address says, also after the back key. What somebody types is there already, and is not touched. */
function fillForm(form, values) {
    for (const control of form.elements) {
        const value = values[control.name] ?? '';
        if (control.type === 'checkbox')
            control.checked = value !== '';
        else if (control.name && control.value !== value)
            control.value = value;
    }
}

/* A form of selects that is made anew under the reader's hands: the focus stays at the control of its name. */
function keepingFocus(form, make) {
    const name = form.contains(document.activeElement) ? document.activeElement.name : '';
    make();
    if (name)
        form.querySelector(`[name="${name}"]:not(:disabled)`)?.focus();
}

function plural(n, one, many = one + 's') {
    return `${n.toLocaleString('en')} ${n === 1 ? one : many}`;
}
