'use strict';
/* Shows the texts that a link leads to: question, answer or pair. */
const policy = trustedTypes.createPolicy('mtbench', { createHTML: text => text });

function showLinked() {
    const id = location.hash.slice(1);
    const place = document.getElementById('read');
    const texts = [...document.querySelectorAll('#texts noscript')].find(e => e.textContent.includes(`id="${id.replaceAll('&', '&amp;')}"`));
    if (!texts || !id.startsWith('q='))
        return;
    place.classList.remove('js');
    place.innerHTML = policy.createHTML(texts.textContent);
    place.scrollIntoView();
}

window.addEventListener('hashchange', showLinked);
showLinked();
