/* judged.js - judgments in words. */

function scoreText(row) {
    return index.statuses[row.status] === 'ok' ? String(row.score) : `failed (${index.statuses[row.status]})`;
}

const A_WINS = 0, B_WINS = 1, TIE = 2, NO_VERDICT = 3;     /* of a game, in the index */

/* Who wins by both games: {kind: "win", model}, {kind: "tie"}, {kind: "order", shown: 1 or 2} where each game named the answer in the same
 * place, {kind: "split"} where one game alone was a tie, {kind: "failed"}. */
function verdictOf(game) {
    if (index.statuses[game.status] !== 'ok' || game.g1 === NO_VERDICT || game.g2 === NO_VERDICT)
        return {kind: 'failed'};
    if (game.g1 === game.g2)
        return game.g1 === TIE ? {kind: 'tie'} : {kind: 'win', model: game.g1 === A_WINS ? game.a : game.b};
    if (game.g1 === TIE || game.g2 === TIE)
        return {kind: 'split'};
    return {kind: 'order', shown: game.g1 === (game.first === 0 ? A_WINS : B_WINS) ? 1 : 2};
}

function verdictText(game) {
    const verdict = verdictOf(game);
    switch (verdict.kind) {
    case 'win': return `${index.models[verdict.model]} wins both games`;
    case 'tie': return 'a tie in both games';
    case 'split': return 'one game is a tie, the other is not: counted as a tie';
    case 'order': return `the games disagree: the answer shown ${['first', 'second'][verdict.shown - 1]} won both times, counted as a tie`;
    default: return `failed (${index.statuses[game.status]})`;
    }
}

function lengthText(answer) {
    const flags = [[FLAG_FAILED, 'failed'], [FLAG_CUT, 'cut at the token limit'], [FLAG_EMPTY, 'empty'],
        [FLAG_OUTDATED, 'judged when it was another text']];
    return [plural(answer.characters, 'character'), ...flags.filter(([flag]) => answer.flags & flag).map(([, text]) => text)].join(', ');
}

/* "turn 1: 8, turn 2: failed (refused)" by each judge and repeat. */
function scoresText(rows) {
    const byJudge = grouped(rows, row => row.judge);
    return [...byJudge].map(([judge, list]) => {
        const turns = [...grouped(list, row => row.turn)].map(([turn, scores]) => `turn ${turn}: ${scores.map(scoreText).join(' and ')}`);
        return `${turns.join(', ')} by ${index.judges[judge]}`;
    }).join('; ');
}

function gamesText(rows) {
    return rows.map(game => `turn ${game.turn}: ${verdictText(game)} (${index.judges[game.judge]})`).join('; ');
}
