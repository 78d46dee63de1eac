/* diff.js - what differs between two texts, word by word: Myers, "An O(ND) difference algorithm and its variations", 1986, section 4b
 * (linear space). Memory grows with the words, never with their product; after DIFF_MILLISECONDS the rest counts as changed as a whole. */

const DIFF_MILLISECONDS = 250;

/* Words and signs, each with the white space before it. */
function wordsOf(text) {
    return text.match(/\s*(?:[\p{L}\p{N}\p{M}_]+|[^\s\p{L}\p{N}\p{M}_])/gu) ?? [];
}

/* Equal words get equal numbers. White space does not count: a line may be broken elsewhere. */
function numbered(words, numberOf) {
    return Int32Array.from(words, word => {
        const bare = word.trimStart();
        if (!numberOf.has(bare))
            numberOf.set(bare, numberOf.size);
        return numberOf.get(bare);
    });
}

/* Where a shortest path from (0, 0) to (n, m) can be cut in two, neither part being all of it: [x, y]; null when the time is over. It is
 * walked from both ends (sides 0 and 1) until the paths meet: reach[side] holds how far each diagonal came. First and last words differ. */
function cutOf(a, aFrom, n, b, bFrom, m, reach, until) {
    const zero = (reach[0].length - 1) / 2, delta = n - m, odd = (delta & 1) === 1;
    reach[0][zero + 1] = reach[1][zero + 1] = 0;
    for (let d = 0; ; d++) {
        if ((d & 15) === 0 && performance.now() > until)
            return null;
        for (let side = 0; side < 2; side++) {
            const mine = reach[side], other = reach[1 - side];
            /* Diagonals that leave the rectangle have no further words. */
            for (let k = -(d - 2 * Math.max(0, d - m)); k <= d - 2 * Math.max(0, d - n); k += 2) {
                let x = k === -d || (k !== d && mine[zero + k - 1] < mine[zero + k + 1]) ? mine[zero + k + 1] : mine[zero + k - 1] + 1;
                let y = x - k;
                if (side === 0)
                    while (x < n && y < m && a[aFrom + x] === b[bFrom + y])
                        x++, y++;
                else
                    while (x < n && y < m && a[aFrom + n - 1 - x] === b[bFrom + m - 1 - y])
                        x++, y++;
                mine[zero + k] = x;
                const met = delta - k, within = side === 0 ? d - 1 : d;
                if (odd === (side === 0) && met >= -within && met <= within && x + other[zero + met] >= n)
                    return side === 0 ? [x, y] : [n - x, m - y];
            }
        }
    }
}

/* Marks in changedA and changedB what one has and the other has not. Returns whether the time sufficed. */
function markChanges(a, b, changedA, changedB) {
    const reach = [0, 1].map(() => new Int32Array(2 * (a.length + b.length) + 5));
    const until = performance.now() + DIFF_MILLISECONDS;
    const todo = [[0, a.length, 0, b.length]];
    let complete = true;
    while (todo.length > 0) {
        let [aFrom, aTo, bFrom, bTo] = todo.pop();
        while (aFrom < aTo && bFrom < bTo && a[aFrom] === b[bFrom])
            aFrom++, bFrom++;
        while (aFrom < aTo && bFrom < bTo && a[aTo - 1] === b[bTo - 1])
            aTo--, bTo--;
        const cut = aFrom < aTo && bFrom < bTo ? cutOf(a, aFrom, aTo - aFrom, b, bFrom, bTo - bFrom, reach, until) : [];
        if (cut && cut.length === 2) {
            todo.push([aFrom + cut[0], aTo, bFrom + cut[1], bTo], [aFrom, aFrom + cut[0], bFrom, bFrom + cut[1]]);
            continue;
        }
        changedA.fill(1, aFrom, aTo);
        changedB.fill(1, bFrom, bTo);
        complete &&= cut !== null;
    }
    return complete;
}

/* {pieces: [[kind, text], ...], complete}: kind "same", "del" (only in the first) or "ins" (only in the second). */
function diffWords(first, second) {
    const numberOf = new Map();
    const wordsA = wordsOf(first), wordsB = wordsOf(second);
    const changedA = new Uint8Array(wordsA.length), changedB = new Uint8Array(wordsB.length);
    const complete = markChanges(numbered(wordsA, numberOf), numbered(wordsB, numberOf), changedA, changedB);
    const pieces = [];
    for (let i = 0, j = 0; i < wordsA.length || j < wordsB.length;) {
        const fromI = i, fromJ = j;
        while (i < wordsA.length && changedA[i])
            i++;
        while (j < wordsB.length && changedB[j])
            j++;
        if (i > fromI)
            pieces.push(['del', wordsA.slice(fromI, i).join('')]);
        if (j > fromJ)
            pieces.push(['ins', wordsB.slice(fromJ, j).join('')]);
        const same = j;
        while (i < wordsA.length && j < wordsB.length && !changedA[i] && !changedB[j])
            i++, j++;
        if (j > same)
            pieces.push(['same', wordsB.slice(same, j).join('')]);
    }
    return {pieces, complete};
}
