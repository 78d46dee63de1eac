/* route.js - the address of a view: a fragment of words between "&". The first may name the view; one that begins with q= is a reading:
 * #scores&judge=gpt-4&sort=-score, #q=81&a=NAME&b=NAME. C writes the same addresses as ids, so that links work without the script. */

const VIEWS = ['scores', 'heat', 'read', 'find', 'plots', 'setup'];
let route = {view: ''};

/* As page.c encodes names: encodeURIComponent() leaves the apostrophe, which ends attributes elsewhere. */
function encodeName(name) {
    return encodeURIComponent(name).replace(/'/g, '%27');
}

function decodeName(word) {
    try {
        return decodeURIComponent(word);
    } catch {
        return word;                                     /* written by hand, with a lone "%" */
    }
}

function parseRoute(fragment) {
    const words = fragment.replace(/^#/, '').split('&');
    const parsed = Object.create(null);
    parsed.view = VIEWS.includes(words[0]) ? words[0] : words[0].startsWith('q=') ? 'read' : VIEWS[0];
    for (const word of words) {
        const at = word.indexOf('=');
        const name = word.slice(0, Math.max(at, 0));
        if (name && name !== 'view')
            parsed[name] = decodeName(word.slice(at + 1));
    }
    return parsed;
}

function address(to) {
    const words = to.q === undefined ? [to.view] : [`q=${encodeName(to.q)}`];
    if (to.q !== undefined && to.view !== 'read')
        words.unshift(to.view);
    for (const [name, value] of Object.entries(to))
        if (name !== 'view' && name !== 'q' && value !== '' && value !== undefined && value !== null)
            words.push(`${name}=${encodeName(value)}`);
    return '#' + words.join('&');
}

/* Of a page that was split into a file for each question and index.html for the rest: the file that shows 'to', '' for this one. */
function fileOf(to) {
    if (!index.split)
        return '';
    const shows = to.view === 'read' ? `q${numberOfQuestion.has(to.q) ? to.q : questionId(0)}.html` : 'index.html';
    const here = index.question >= 0 ? `q${questionId(index.question)}.html` : 'index.html';
    return shows === here ? '' : shows;
}

function linkTo(to) {
    return fileOf(to) + address(to);
}

/* Go to the view 'to'. 'inPlace': without a step for the back key, as while somebody types. */
function go(to, inPlace = false) {
    const target = address(to);
    if (fileOf(to)) {
        location.assign(linkTo(to));
        return;
    }
    if (inPlace)
        history.replaceState(null, '', target);
    else if (target !== location.hash)
        history.pushState(null, '', target);
    follow();
}

/* The same view with some words changed; an empty value takes a word away. */
function change(words, inPlace = false) {
    go({...route, ...words}, inPlace);
}
