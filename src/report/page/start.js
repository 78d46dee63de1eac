/* start.js - the views as one page shows them: one at a time, that of the address. */

const SHOW = {scores: showScores, heat: showHeat, read: showRead, find: showFind};

function titleOf(view) {
    const name = view === 'read' ? byId('read').querySelector('.reading h3')?.textContent : byId(view).querySelector('h2').textContent;
    return `${name ?? 'Read'} - ${index.bench}`;
}

function showView(view, turned) {
    for (const name of VIEWS)
        if (byId(name))
            byId(name).hidden = name !== view;
    for (const link of document.querySelectorAll('header nav a'))
        if (link.hash === '#' + view)
            link.setAttribute('aria-current', 'page');
        else
            link.removeAttribute('aria-current');
    SHOW[view]?.();
    document.title = titleOf(view);
    if (turned)
        byId(view).querySelector('h2').focus();
}

/* Shows what the address says. The focus goes to a view's heading when the view changes, not when something in it does. */
function follow() {
    const before = route.view;
    route = parseRoute(location.hash);
    if (fileOf(route) && !(index.question >= 0)) {
        location.replace(linkTo(route));
        return;
    }
    if (!byId(route.view))
        route.view = VIEWS.find(byId);
    showView(route.view, before !== '' && before !== route.view);
    if (before !== '' && before !== route.view)
        scrollTo(0, 0);
}

/* The skip link leads to a place, not to a view. */
function skip(event) {
    event.preventDefault();
    byId('main').focus();
}

function start() {
    document.documentElement.classList.add('scripted');
    byId('main').tabIndex = -1;
    for (const head of document.querySelectorAll('main > section > h2'))
        head.tabIndex = -1;
    document.querySelectorAll('table.sheet').forEach(makeSortable);
    for (const wide of document.querySelectorAll('figure'))
        wide.tabIndex = 0;                               /* a keyboard scrolls only what has the focus */
    document.querySelector('header').append(settings());
    document.body.append(keysDialog(), el('p', {id: 'live', role: 'status', 'aria-live': 'polite', class: 'unseen'}));
    document.querySelector('a.skip')?.addEventListener('click', skip);
    addEventListener('keydown', pressed);
    addEventListener('hashchange', follow);
    follow();
    whenIdle(readInIdleTime);
}

start();
