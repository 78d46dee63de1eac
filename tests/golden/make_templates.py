#!/usr/bin/env python3
"""tests/golden/templates.jsonl: [template, messages, add_generation_prompt, rendered text or null for an error], by Jinja2 set up as
Hugging Face does it. The templates are ours; they use the constructs of well-known models' templates. Needs the package jinja2."""
import json, os
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment


def env():
    e = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    e.filters["tojson"] = lambda x, ensure_ascii=False, indent=None, separators=None, sort_keys=False: json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    def refuse(message):
        raise ValueError(message)
    e.globals["raise_exception"] = refuse
    return e


ROLES = [
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "{% for m in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ 'SYS\n' }}{% endif %}{{ '<' + m.role + '>' ~ m.content }}{% if not loop.last %}{{ sep|default(' | ') }}{% endif %}{% endfor %}",
    "{{ bos_token }}{% for m in messages %}\n    {% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}\n        {{ raise_exception('roles must alternate') }}\n    {% endif %}\n    {% if m['role'] == 'user' %}\n{{ '[INST] ' + m['content'] + ' [/INST]' }}{% elif m['role'] == 'assistant' %}\n{{ m['content'] + eos_token }}{% endif %}\n{% endfor %}",
    "{%- if messages[0]['role'] == 'system' %}\n    {%- set system_message = messages[0]['content']|trim %}\n    {%- set messages = messages[1:] %}\n{%- else %}\n    {%- set system_message = '' %}\n{%- endif %}\n{{- '<|h|>system<|e|>\n\n' }}\n{{- system_message }}\n{%- for m in messages %}\n    {{- '<|h|>' + m['role'] + '<|e|>\n\n' + m['content'] | trim + '<|eot|>' }}\n{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- '<|h|>assistant<|e|>\n\n' }}\n{%- endif %}",
    "{% set ns = namespace(found=false, n=0) %}{% for m in messages %}{% if m.role == 'assistant' %}{% set ns.found = true %}{% endif %}{% set ns.n = ns.n + m.content|length %}{% endfor %}{{ ns.found }} {{ ns.n }}",
    "{% for m in messages %}{% if m['role'] == 'system' %}{% continue %}{% endif %}{% if loop.index > 3 %}{% break %}{% endif %}{{ loop.index }}/{{ loop.length }} {{ loop.revindex0 }}: {{ m['content'] }};{% endfor %}",
    "{%- for m in messages -%}\n  {%- if m['role'] == 'assistant' and '</think>' in m['content'] -%}\n    {{- m['content'].split('</think>')[-1].lstrip('\\n') -}}\n  {%- else -%}\n    {{- '<' ~ m['role'] ~ '>' ~ m['content'] -}}\n  {%- endif -%}\n{%- endfor -%}",
    "{% macro turn(m, end='<end>') -%}<{{ m.role|upper }}>{{ caller_text if caller_text is defined else m.content }}{{ end }}{%- endmacro %}{% for m in messages %}{{ turn(m) }}{{ turn(m, end='!') if loop.last }}{% endfor %}",
    "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{% for m in messages %}{{ m | tojson }}\n{% endfor %}{{ messages | tojson(indent=2) }}",
    "{{ messages | selectattr('role', 'equalto', 'user') | map(attribute='content') | join(' + ') }}|{{ messages | rejectattr('role', 'in', ['user']) | list | length }}|{{ (messages | last).role }}|{{ (messages | first)['content'][:3] }}",
    "{% for role, group in {'a': 1, 'b': [2, 3]}.items() %}{{ role }}={{ group }} {% endfor %}{{ messages[-1].content.startswith('Q') }} {{ messages[::-1][0].role }} {{ 'x' * 3 }} {{ [1, 2] + [3] }} {{ (1, 'a') }} {{ {'k': none, 't': true, 'f': 1.5} }}",
    "{% set content = 'A' if messages|length > 1 else 'B' %}{{ content }}{% filter upper %}text {{ messages[0].role }}{% endfilter %}{% set block %}[{{ content }}]{% endset %}{{ block * 2 }}",
    "{# a comment #}  \n{% raw %}{{ not }} {% this %}{% endraw %}\n  {%- if true %} x {%- endif %}  y\n{% if false %}\nz\n{% else %}\nw\n{% endif %}\nend",
    "{% for m in messages if m.role != 'system' %}{{ loop.index }}{{ m.content|replace('Q', 'q')|title }}{% else %}none{% endfor %}{% for i in range(3) %}{{ i }}{{ ',' if not loop.last }}{% endfor %}",
    "{{ tools is none }} {{ tools is defined }} {{ nothing is defined }} {{ nothing }} {{ nothing|default('d') }} {{ messages is sequence }} {{ messages[0] is mapping }} {{ messages[0].content is string }} {{ 3 is odd }} {{ 4 is divisibleby 2 }}",
    "{{ nothing.attribute }}", "{{ messages[9].content }}", "{{ 1 / 0 }}", "{{ 'a' + 1 }}", "{% for x in 5 %}{% endfor %}", "{{ messages|nofilter }}", "{{ raise_exception('stop here') }}",
    "{% generation %}x{% endgeneration %}" if False else "{{ messages[0]['content'] | e }} {{ '<b>' | escape }} {{ 'a\nb' | indent(2) }} {{ 'a\nb' | indent(2, true) }}",
    "{%- set loop_messages = messages -%}{%- for message in loop_messages -%}{%- set content = message['content'] -%}{%- if loop.index0 == 0 -%}{%- set content = bos_token + content -%}{%- endif -%}{{- content -}}{%- endfor -%}",
    "{{ '%s is %d and %.2f' % ('a', 3, 1.5) }} {{ 'a,b,,c'.split(',') }} {{ ' a  b '.split() }} {{ '-'.join(['x', 'y']) }} {{ 'abc'.find('c') }} {{ 'Hello'.upper().lower().title() }} {{ 'aXbX'.replace('X', '-', 1) }} {{ 'x.y.z'.rsplit('.', 1) }}",
]
EXPRESSIONS = """1 + 2 * 3|7 // 2|-7 // 2|7 % 3|-7 % 3|7 / 2|2 ** 3|2 ** 3 ** 2|-2 ** 2|1 - -1|'a' ~ 1 ~ none ~ true|1 == 1.0|1 < 2 < 3|1 < 3 < 2|not 1 == 2|not true or true
true and false or 'x'|none or 'y'|0 or []|1 in [1, 2]|'b' in 'abc'|'k' in {'k': 1}|3 not in [1]|'A' if false else 'B'|'A' if false|[1, 2, 3][-1]|[1, 2, 3][5]|'héllo'[1]|'héllo'[1:3]|'héllo'|length
'abcdef'[::2]|'abcdef'[4:1:-1]|[1, 2, 3, 4][1:-1]|(1, 2)[0]|{'a': {'b': 2}}.a.b|{'a': 1}['b']|{'a': 1}.get('b', 5)|{'a': 1}.get('a')|{'a': 1}.keys() | list|{'a': 1}.values() | list
[3, 1, 2] | sort|[3, 1, 2] | sort(reverse=true)|['b', 'A', 'c'] | sort|[1, 1, 2] | unique | list|[1, 2, 3] | reverse | list|'abc' | reverse|[1, 2, 3] | sum|[1, 5, 3] | max|[4, 2] | min|[] | first
'  x ' | trim|'xxaxx' | trim('x')|'xxaxx'.strip('x')|'xxa'.lstrip('x')|'axx'.rstrip('x')|'aBc' | capitalize|'a b' | title|'ABC' | lower|'3' | int + 1|'3.7' | float|'x' | int|'x' | int(7)|3.7 | int|3 | float|3 | string
'a' is string|1 is number|1.5 is float|1 is integer|true is boolean|none is none|[] is iterable|'a' is iterable|1 is iterable|{} is mapping|1 is eq 1|2 is gt 1|'a' is in ['a']|3 is even|true is true|1 is sameas 1
[1, 'a', none, 2.5, true]|{'a': 'b'}|'it\\'s'|"say \\"x\\""|['it\\'s']|'line\\nbreak'|['line\\nbreak']|1e3|1.0|100000000000000000000.0|0.1 + 0.2|1.5e-7|10 ** 15 * 0.5
'a' 'b'|[[1, 2], [3]] | map('length') | list|['a', 'b'] | map('upper') | join|[{'x': 1}, {'x': 2}] | map(attribute='x') | list|[{'x': 1}, {}] | map(attribute='x', default=0) | list|[0, 1, 2] | select | list|[0, 1, 2] | reject('odd') | list|[1, 2, 3] | select('gt', 1) | list
{'b': 1, 'a': 2} | dictsort|{'b': 1} | items | list|'x' | default('y')|undefined_name | default('y')|'' | default('y', true)|[1, 2] | join('-')|'é' | tojson|{'a': [1, {}]} | tojson|{'a': [1, []]} | tojson(indent=1)|'a"b\\\\' | tojson|[] | tojson(indent=2)
'abc'.startswith('a')|'abc'.endswith(('x', 'c'))|'a b'.count(' ')|'5'.isdigit()|'{} and {}'.format(1, 'x')|'a\\nb'.splitlines()|dict(a=1, b='x')|namespace(a=3).a|range(2, 8, 3) | list|range(5) | last|1 if 2 > 1|(1 if false else 2) + 1
3 | abs|-3 | abs|2.567 | round(2)|2.5 | round|'abc' | list|'%d' % 3|-[1][0]|+1|not not 1|[1] == [1]|(1, 2) == [1, 2]|{'a': 1} == {'a': 1}|'a' < 'b'|[1, 2] < [1, 3]|1 + true|'a' * 0|[0] * 2|none == none|'x' == 1|1 != '1'"""
MACROS = [
    "{% macro count(n) %}{{ n }}{% if n > 0 %}, {{ count(n - 1) }}{% endif %}{% endmacro %}{{ count(3) }}",
    "{% macro first() %}{{ second() }}{{ mark }}{% endmacro %}{% macro second() %}2{% endmacro %}{% set mark = '!' %}{{ first() }}",
    "{% set end = '</a>' %}{% macro turn(m) %}{{ m.role }}: {{ m.content }}{{ end }}{% endmacro %}{% for m in messages %}{% set end = '</b>' %}{{ turn(m) }}{% endfor %}",
    "{% macro kind(s) %}{% if s.items is defined and s.type == 'array' %}list[{{ kind(s.of) }}]{% else %}{{ s.type }}{% endif %}{% endmacro %}{{ kind({'type': 'array', 'of': {'type': 'array', 'of': {'type': 'text'}}}) }}",
]
MESSAGES = [
    [{"role": "user", "content": "Q1"}],
    [{"role": "system", "content": " Be brief. "}, {"role": "user", "content": "Qé <b>?"}],
    [{"role": "user", "content": "Q1"}, {"role": "assistant", "content": "<think>hm</think>\n\nA1"}, {"role": "user", "content": " Q2\n"}],
    [{"role": "user", "content": ""}, {"role": "user", "content": "twice"}],
]


def render(src, messages, prompt):
    try:
        return env().from_string(src).render(messages=messages, add_generation_prompt=prompt, bos_token="<s>", eos_token="</s>", tools=None, documents=None)
    except Exception:
        return None


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "templates.jsonl"), "w") as f:
    for t in ROLES + MACROS:
        for i, m in enumerate(MESSAGES):
            f.write(json.dumps([t, m, i % 2 == 0, render(t, m, i % 2 == 0)]) + "\n")
    for line in EXPRESSIONS.split("\n"):
        parts, depth = [], ""
        for x in line.split("|"):  # a bar with blanks around it is a filter
            depth = depth + "|" + x if depth and (depth.endswith(" ") or x.startswith(" ")) else (parts.append(depth) or x) if depth else x
        parts.append(depth)
        for x in parts:
            t = "{{ " + x.strip() + " }}"
            f.write(json.dumps([t, MESSAGES[0], True, render(t, MESSAGES[0], True)]) + "\n")
