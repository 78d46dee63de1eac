#!/usr/bin/env python3
"""Write tests/golden/sampling.h: probabilities after transformers' logits processors, in the order of generate().

Random logits with a fixed seed; the processors run in float64, so that the golden has no rounding of its own at the cuts.
"""
import sys

import torch
from transformers.generation.logits_process import (LogitsProcessorList, MinPLogitsWarper, RepetitionPenaltyLogitsProcessor,
                                                    TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper)

N = 96
CASES = [  # temperature, top_k, top_p, min_p, repetition_penalty
    (1.0, 0, 1.0, 0.0, 1.0), (0.7, 0, 1.0, 0.0, 1.0), (0.7, 50, 1.0, 0.0, 1.0), (0.1, 50, 1.0, 0.0, 1.0), (1.5, 5, 1.0, 0.0, 1.0),
    (1.0, 1, 1.0, 0.0, 1.0), (0.7, 0, 0.9, 0.0, 1.0), (1.0, 0, 0.5, 0.0, 1.0), (1.0, 0, 0.01, 0.0, 1.0), (0.8, 40, 0.95, 0.0, 1.0),
    (1.0, 0, 1.0, 0.1, 1.0), (1.2, 30, 0.8, 0.05, 1.0), (0.7, 50, 0.9, 0.0, 1.3), (1.0, 0, 1.0, 0.0, 0.8), (1.0, 20, 1.0, 0.2, 1.1),
]


def main():
    g = torch.Generator().manual_seed(1)
    out = [f'/* sampling.h - made by make_sampling.py with transformers. */\nenum {{ GOLDEN_N = {N} }};\nstatic const struct golden {{',
           '    float temperature, top_p, min_p, repetition_penalty;\n    int top_k;\n    unsigned long long seen[2];',
           '    float logit[GOLDEN_N];\n    double p[GOLDEN_N];\n} golden[] = {']
    for temperature, top_k, top_p, min_p, penalty in CASES:
        logits = (torch.randn(1, N, generator=g) * 2.5).float()
        seen = torch.unique(torch.randint(0, N, (20,), generator=g))
        steps = LogitsProcessorList()
        if penalty != 1.0:
            steps.append(RepetitionPenaltyLogitsProcessor(penalty))
        steps.append(TemperatureLogitsWarper(temperature))
        if top_k:
            steps.append(TopKLogitsWarper(top_k))
        if top_p < 1.0:
            steps.append(TopPLogitsWarper(top_p))
        if min_p:
            steps.append(MinPLogitsWarper(min_p))
        p = torch.softmax(steps(seen.unsqueeze(0), logits.double()), -1)[0]
        bits = [sum(1 << (int(i) % 64) for i in seen if int(i) // 64 == w) for w in range(2)]
        out.append(f'    {{ {temperature}f, {top_p}f, {min_p}f, {penalty}f, {top_k}, {{ {bits[0]}ull, {bits[1]}ull }},')
        for name, values in (('f', logits[0].tolist()), ('', p.tolist())):
            rows = [', '.join('0' if v == 0 else f'{v:.9g}{name}' if name else f'{v:.12g}' for v in values[i:i + 8]) for i in range(0, N, 8)]
            out.append('      { ' + ',\n        '.join(rows) + (' },' if name else ' } },'))
    out.append('};')
    open(sys.argv[1] if len(sys.argv) > 1 else 'tests/golden/sampling.h', 'w').write('\n'.join(out) + '\n')


main()
