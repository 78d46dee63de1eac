#!/usr/bin/env python3
"""tests/golden/templates.jsonl: [template, messages, add_generation_prompt, rendered text or null for an error], by Jinja2 set up as
Hugging Face does it. The templates are ours; they use the constructs of well-known models' templates. Needs the package jinja2."""
import datetime, json, os
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(Extension):
    """{% generation %}: Hugging Face marks the assistant's text with it; what it encloses is rendered as it is."""
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def env():
    e = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, Generation])
    e.globals["strftime_now"] = lambda form: datetime.datetime.fromtimestamp(0, datetime.timezone.utc).strftime(form)
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
    "{{ messages[0]['content'] | e }} {{ '<b>' | escape }} {{ 'a\nb' | indent(2) }} {{ 'a\nb' | indent(2, true) }}",
    "{%- set loop_messages = messages -%}{%- for message in loop_messages -%}{%- set content = message['content'] -%}{%- if loop.index0 == 0 -%}{%- set content = bos_token + content -%}{%- endif -%}{{- content -}}{%- endfor -%}",
    "{{ '%s is %d and %.2f' % ('a', 3, 1.5) }} {{ 'a,b,,c'.split(',') }} {{ ' a  b '.split() }} {{ '-'.join(['x', 'y']) }} {{ 'abc'.find('c') }} {{ 'Hello'.upper().lower().title() }} {{ 'aXbX'.replace('X', '-', 1) }} {{ 'x.y.z'.rsplit('.', 1) }}",
]
# Constructs and markers of well-known models' templates, a model's family in front; the texts are ours.
MODELS = {
    "llama-3.1": """{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not tools_in_user_message is defined %}
    {%- set tools_in_user_message = true %}
{%- endif %}
{%- if not date_string is defined %}
    {%- set date_string = "26 Jul 2024" %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if builtin_tools is defined or tools is not none %}
    {{- "Environment: x\\n" }}
{%- endif %}
{%- if builtin_tools is defined %}
    {{- "Tools: " + builtin_tools | reject('equalto', 'code_interpreter') | join(", ") + "\\n\\n"}}
{%- endif %}
{{- "Today: " + date_string + "\\n\\n" }}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("one call at a time") }}
        {%- endif %}
    {%- elif message.role == "tool" or message.role == "ipython" %}
        {%- if message.content is mapping or message.content is iterable %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
""",
    "llama-3.2": """{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{{- bos_token ~ date_string ~ strftime_now("|%Y-%m-%d %H:%M:%S %A %B %j %y %I %p %e") }}
{%- for m in messages %}{{ '\\n' ~ m.role }}{% endfor %}""",
    "llama-2": """{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}""",
    "qwen2.5": """{%- if tools %}
    {{- '<|im_start|>system\\n' }}
    {%- for tool in tools %}
        {{- "\\n" }}
        {{- tool | tojson }}
    {%- endfor %}
    {{- "<tools>{\\"name\\": <n>}</tools><|im_end|>\\n" }}
{%- else %}
    {%- if messages[0]['role'] == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
    {%- else %}
        {{- '<|im_start|>system\\nYou are Q.<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "tool" %}
        {%- if (loop.index0 == 0) or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
        {%- if loop.last or (messages[loop.index0 + 1].role != "tool") %}
            {{- '<|im_end|>\\n' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
""",
    "qwen3": """{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if message.role == "assistant" %}
        {%- set reasoning_content = '' %}
        {%- if message.reasoning_content is string %}
            {%- set reasoning_content = message.reasoning_content %}
        {%- else %}
            {%- if '</think>' in content %}
                {%- set reasoning_content = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
                {%- set content = content.split('</think>')[-1].lstrip('\\n') %}
            {%- endif %}
        {%- endif %}
        {%- if loop.index0 > ns.last_query_index and (loop.last or (not loop.last and reasoning_content)) %}
            {{- '<|im_start|>' + message.role + '\\n<think>\\n' + reasoning_content.strip('\\n') + '\\n</think>\\n\\n' + content.lstrip('\\n') }}
        {%- else %}
            {{- '<|im_start|>' + message.role + '\\n' + content }}
        {%- endif %}
    {%- else %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}""",
    "mistral-7b": """{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
{%- set ns = namespace() %}
{%- set ns.index = 0 %}
{%- for message in loop_messages %}
    {%- if not (message.role == "tool" or message.role == "tool_results" or (message.tool_calls is defined and message.tool_calls is not none)) %}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("roles must alternate") }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if tools is not none and (message == user_messages[-1]) %}
            {{- "[AVAILABLE_TOOLS] [" }}
            {%- for tool in tools %}
                {%- for key, val in tool.items() if key != "return" %}
                    {{- '"' + key + '": ' + val|tojson }}
                    {%- if not loop.last %}{{- ", " }}{%- endif %}
                {%- endfor %}
            {%- endfor %}
        {%- endif %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST] " + system_message + "\\n\\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"]|trim + eos_token}}
    {%- else %}
        {{- raise_exception("only user and assistant roles") }}
    {%- endif %}
{%- endfor %}
""",
    "gemma": """{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}{% if (message['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = message['role'] %}{% endif %}{{ '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}{% endfor %}{% if add_generation_prompt %}{{'<start_of_turn>model\\n'}}{% endif %}""",
    "gemma-3": """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}
        {%- set first_user_prefix = messages[0]['content'] + '

' -%}
    {%- else -%}
        {%- set first_user_prefix = messages[0]['content'][0]['text'] + '

' -%}
    {%- endif -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = "" -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'assistant') -%}
        {%- set role = "model" -%}
    {%- else -%}
        {%- set role = message['role'] -%}
    {%- endif -%}
    {{ '<start_of_turn>' + role + '
' + (first_user_prefix if loop.first else "") }}
    {%- if message['content'] is string -%}
        {{ message['content'] | trim }}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'text' -%}
                {{ item['text'] | trim }}
            {%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{ raise_exception("Invalid content type") }}
    {%- endif -%}
    {{ '<end_of_turn>
' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{'<start_of_turn>model
'}}
{%- endif -%}
""",
    "phi-3": """{% for message in messages %}{% if message['role'] == 'system' and message['content'] %}{{'<|system|>\\n' + message['content'] + '<|end|>\\n'}}{% elif message['role'] == 'user' %}{{'<|user|>\\n' + message['content'] + '<|end|>\\n'}}{% elif message['role'] == 'assistant' %}{{'<|assistant|>\\n' + message['content'] + '<|end|>\\n'}}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% else %}{{ eos_token }}{% endif %}""",
    "phi-4-mini": """{% for message in messages %}{% if message['role'] == 'system' and 'tools' in message and message['tools'] is not none %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|tool|>' + message['tools'] + '<|/tool|>' + '<|end|>' }}{% else %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% else %}{{ eos_token }}{% endif %}""",
    "zephyr": """{% for message in messages %}
{% if message['role'] == 'user' %}
{{ '<|user|>
' + message['content'] + eos_token }}
{% elif message['role'] == 'system' %}
{{ '<|system|>
' + message['content'] + eos_token }}
{% elif message['role'] == 'assistant' %}
{{ '<|assistant|>
'  + message['content'] + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}""",
    "command-r": """{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% elif false == true %}{% set loop_messages = messages %}{% set system_message = 'long' %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% if system_message != false %}{{ '<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>' + system_message + '<|END_OF_TURN_TOKEN|>' }}{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('alternate') }}{% endif %}{% set content = message['content'] %}{% if message['role'] == 'user' %}{{ '<|START_OF_TURN_TOKEN|><|USER_TOKEN|>' + content.strip() + '<|END_OF_TURN_TOKEN|>' }}{% elif message['role'] == 'assistant' %}{{ '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>'  + content.strip() + '<|END_OF_TURN_TOKEN|>' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' }}{% endif %}""",
    "command-r-tools": """{%- macro json_to_python_type(json_spec) %}
{%- set basic_type_map = {
    "string": "str",
    "number": "float",
    "integer": "int"
} %}
{%- if basic_type_map[json_spec.type] is defined %}
    {{- basic_type_map[json_spec.type] }}
{%- elif json_spec.type == "array" %}
    {{- "List[" +  json_to_python_type(json_spec.items) + "]"}}
{%- elif json_spec.type is iterable %}
    {{- "Union[" }}
    {%- for t in json_spec.type %}
      {{- json_to_python_type({"type": t}) }}
      {%- if not loop.last %}
        {{- "," }}
    {%- endif %}
    {%- endfor %}
    {{- "]" }}
{%- else %}
    {{- "Any" }}
{%- endif %}
{%- endmacro %}
{%- for spec in [{"type": "string"}, {"type": "integer"}, {"type": ["string", "number"]}, {"type": "object"}] %}
    {{- json_to_python_type(spec) + ";" }}
{%- endfor %}
{{- messages[0].content }}""",
    "deepseek-v2": """{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}{{ 'User: ' + message['content'] + '\\n\\n' }}{% elif message['role'] == 'assistant' %}{{ 'Assistant: ' + message['content'] + eos_token }}{% elif message['role'] == 'system' %}{{ message['content'] + '\\n\\n' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}""",
    "deepseek-r1": """{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{% set ns = namespace(is_first=false, is_tool=false, is_output_first=true, system_prompt='') %}{%- for message in messages %}{%- if message['role'] == 'system' %}{% set ns.system_prompt = message['content'] %}{%- endif %}{%- endfor %}{{bos_token}}{{ns.system_prompt}}{%- for message in messages %}{%- if message['role'] == 'user' %}{%- set ns.is_tool = false -%}{{'<\uff5cUser\uff5c>' + message['content']}}{%- endif %}{%- if message['role'] == 'assistant' and message['content'] is not none %}{%- if ns.is_tool %}{{'x'}}{%- set ns.is_tool = false -%}{%- else %}{% set content = message['content'] %}{% if '</think>' in content %}{% set content = content.split('</think>')[-1] %}{% endif %}{{'<\uff5cAssistant\uff5c>' + content + '<\uff5cend\u2581of\u2581sentence\uff5c>'}}{%- endif %}{%- endif %}{%- endfor -%}{% if ns.is_tool %}{{'y'}}{% endif %}{% if add_generation_prompt and not ns.is_tool %}{{'<\uff5cAssistant\uff5c><think>\\n'}}{% endif %}""",
    "deepseek-coder": """{% if not add_generation_prompt is defined %}
{% set add_generation_prompt = false %}
{% endif %}
{%- set ns = namespace(found=false) -%}
{%- for message in messages -%}
    {%- if message['role'] == 'system' -%}
        {%- set ns.found = true -%}
    {%- endif -%}
{%- endfor -%}
{{bos_token}}{%- if not ns.found -%}
{{'You are D.\\n'}}
{%- endif %}
{%- for message in messages %}
    {%- if message['role'] == 'system' %}
{{ message['content'] }}
    {%- else %}
        {%- if message['role'] == 'user' %}
{{'### Instruction:\\n' + message['content'] + '\\n'}}
        {%- else %}
{{'### Response:\\n' + message['content'] + '\\n<|EOT|>\\n'}}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{% if add_generation_prompt %}
{{'### Response:'}}
{% endif %}""",
    "granite": """{%- if messages[0]['role'] == 'system' %}{%- set system_message = messages[0]['content'] %}{%- set loop_messages = messages[1:] %}{%- else %}{%- set system_message = "Date: " + strftime_now('%B %d, %Y') + ".\\nYou are G." %}{%- if tools and documents %}{%- set system_message = system_message + " both" %}{%- elif tools %}{%- set system_message = system_message + " tools" %}{%- elif thinking %}{%- set system_message = system_message + " think" %}{%- endif %}{%- if controls and 'citations' in controls and documents %}{%- set system_message = system_message + '\\n\\ncite' %}{%- endif %}{%- set loop_messages = messages %}{%- endif %}{{- '<|start_of_role|>system<|end_of_role|>' + system_message + '<|end_of_text|>\\n' }}{%- if tools %}{{- tools | tojson(indent=4) }}{%- endif %}{%- for message in loop_messages %}{{- '<|start_of_role|>' + message['role'] + '<|end_of_role|>' + message['content'] + '<|end_of_text|>\\n' }}{%- if loop.last and add_generation_prompt %}{{- '<|start_of_role|>assistant' }}{%- if controls %}{{- ' ' + controls | tojson()}}{%- endif %}{{- '<|end_of_role|>' }}{%- endif %}{%- endfor %}""",
    "olmo-2": """{{ bos_token }}{% for message in messages %}{% if message['role'] == 'system' %}{{ '<|system|>\\n' + message['content'] + '\\n' }}{% elif message['role'] == 'user' %}{{ '<|user|>\\n' + message['content'] + '\\n' }}{% elif message['role'] == 'assistant' %}{% if not loop.last %}{{ '<|assistant|>\\n'  + message['content'] + eos_token + '\\n' }}{% else %}{{ '<|assistant|>\\n'  + message['content'] + eos_token }}{% endif %}{% endif %}{% if loop.last and add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}{% endfor %}""",
    "yi": """{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{% if messages[0]['role'] == 'system' %}{% set system_message = messages[0]['content'] %}{% endif %}{% if system_message is defined %}{{ system_message }}{% endif %}{% for message in messages %}{% set content = message['content'] %}{% if message['role'] == 'user' %}{{ '<|im_start|>user\\n' + content + '<|im_end|>\\n<|im_start|>assistant\\n' }}{% elif message['role'] == 'assistant' %}{{ content + '<|im_end|>' + '\\n' }}{% endif %}{% endfor %}""",
    "internlm2": """{{ bos_token }}{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}""",
    "falcon": """{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = '' %}{% endif %}{% for message in loop_messages %}{% if loop.index0 == 0 %}{{ system_message.strip() }}{% endif %}{% if message['role'] == 'user' %}{{ '\\n\\nUser: ' + message['content'].strip().replace('\\r\\n', '\\n').replace('\\n\\n', '\\n') }}{% elif message['role'] == 'assistant' %}{{ '\\n\\nAssistant: ' + message['content'].strip().replace('\\r\\n', '\\n').replace('\\n\\n', '\\n') }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '\\n\\nAssistant:' }}{% endif %}""",
    "falcon-3": """{%- if tools %}
{{- '<|system|>\\n' }}
{%- if messages[0]['role'] == 'system' %}
{{- messages[0]['content'] }}
{%- set remaining_messages = messages[1:] %}
{%- else %}
{%- set remaining_messages = messages %}
{%- endif %}
{%- else %}
{%- for message in messages %}{%- if message['role'] != 'assistant' %}{{- '<|' + message['role'] + '|>\\n' + message['content'] + '\\n' }}{%- else %}{%- if not loop.last %}{{- '<|assistant|>\\n' + message['content'] + eos_token + '\\n' }}{%- else %}{{- '<|assistant|>\\n' + message['content'] + eos_token }}{%- endif %}{%- endif %}{%- if loop.last and add_generation_prompt %}{{- '<|assistant|>\\n' }}{%- endif %}{%- endfor %}
{%- endif %}""",
    "stablelm-2": """{% for message in messages %}{% if (message['role'] == 'user') %}{{ '<|user|>\\n' + message['content'] + '<|endoftext|>\\n' }}{% elif (message['role'] == 'system' or message['role'] == 'assistant') %}{{ '<|%s|>\\n%s<|endoftext|>\\n' % (message['role'], message['content']) }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}""",
    "smollm2": """{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\nYou are S<|im_end|>\\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}""",
    "smollm3": """{%- if enable_thinking is not defined -%}
{%- set enable_thinking = true -%}
{%- endif -%}
{%- set reasoning_mode = "/think" if enable_thinking else "/no_think" -%}
{{- "<|im_start|>system\\n" -}}
{%- if messages[0].role == "system" -%}
  {%- set system_message = messages[0].content -%}
  {%- if "/no_think" in system_message -%}
    {%- set reasoning_mode = "/no_think" -%}
  {%- elif "/think" in system_message -%}
    {%- set reasoning_mode = "/think" -%}
  {%- endif -%}
  {%- set custom_instructions = system_message.replace("/no_think", "").replace("/think", "").rstrip() -%}
{%- endif -%}
{%- set today = strftime_now("%d %B %Y") -%}
{{- "Today Date: " ~ today ~ "\\n" -}}
{{- "Reasoning Mode: " + reasoning_mode + "\\n\\n" -}}
{%- if custom_instructions -%}
  {{- custom_instructions + "\\n\\n" -}}
{%- endif -%}
{{- "<|im_end|>\\n" -}}
{%- for message in messages -%}
    {%- set content = message.content if message.content is string else "" -%}
    {%- if message.role == "user" -%}
        {{ "<|im_start|>" + message.role + "\\n"  + content + "<|im_end|>\\n" }}
    {%- elif message.role == "assistant" -%}
        {% generation %}
        {{ "<|im_start|>assistant\\n" + content.lstrip("\\n") + "<|im_end|>\\n" }}
        {% endgeneration %}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{ "<|im_start|>assistant\\n" }}
{%- endif -%}""",
    "tinyllama": """{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\\n' + message['content'] + eos_token }}\n{% elif message['role'] == 'system' %}\n{{ '<|system|>\\n' + message['content'] + eos_token }}\n{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\\n'  + message['content'] + eos_token }}\n{% endif %}\n{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}""",
    "hermes": """{%- macro render_extra_keys(json_dict, handled_keys) -%}
    {%- if json_dict is mapping %}
        {%- for json_key in json_dict if json_key not in handled_keys %}
            {%- if json_dict[json_key] is mapping or (json_dict[json_key] is sequence and json_dict[json_key] is not string) %}
                {{- '\\n<' ~ json_key ~ '>' ~ (json_dict[json_key] | tojson | safe) ~ '</' ~ json_key ~ '>' }}
            {%- else %}
                {{-'\\n<' ~ json_key ~ '>' ~ (json_dict[json_key] | string) ~ '</' ~ json_key ~ '>' }}
            {%- endif %}
        {%- endfor %}
    {%- endif %}
{%- endmacro -%}
{{- render_extra_keys({"a": 1, "b": [1, "x"], "c": {"d": none}, "skip": 2}, ["skip"]) }}
{%- for m in messages %}{{ "<|im_start|>" ~ m.role ~ "\\n" ~ m.content ~ "<|im_end|>\\n" }}{% endfor %}""",
    "openchat": """{{ bos_token }}{% for message in messages %}{{ 'GPT4 Correct ' + message['role'].title() + ': ' + message['content'] + '<|end_of_turn|>'}}{% endfor %}{% if add_generation_prompt %}{{ 'GPT4 Correct Assistant:' }}{% endif %}""",
    "vicuna": """{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'].strip() + '\\n\\n' %}{% else %}{% set loop_messages = messages %}{% set system_message = '' %}{% endif %}{{ bos_token + system_message }}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('alternate') }}{% endif %}{% if message['role'] == 'user' %}{{ 'USER: ' + message['content'].strip() + '\\n' }}{% elif message['role'] == 'assistant' %}{{ 'ASSISTANT: ' + message['content'].strip() + eos_token + '\\n' }}{% endif %}{% if loop.last and message['role'] == 'user' and add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}{% endfor %}""",
    "alpaca": """{% for message in messages %}{% if message['role'] == 'user' %}{{ '### Instruction:\\n' + message['content'].strip() + '\\n\\n' }}{% elif message['role'] == 'assistant' %}{{ '### Response:\\n' + message['content'].strip() + '\\n\\n' }}{% if loop.last and not add_generation_prompt %}{{ eos_token }}{% endif %}{% endif %}{% endfor %}{{ '### Response:\\n' if add_generation_prompt and messages[-1]['role'] != 'assistant' }}""",
    "chatml": """{% set system_message = 'You are helpful.' %}{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% endif %}{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{{ '<|im_start|>system\\n' ~ system_message ~ '<|im_end|>\\n' }}{% for message in loop_messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}""",
    "solar": """{% for message in messages %}{% if message.role == 'system' %}{% if message.content %}{{'### System:\\n' + message.content+'\\n\\n'}}{% endif %}{% elif message.role == 'user' %}{{'### User:\\n' + message.content+'\\n\\n'}}{% elif message.role == 'assistant' %}{{'### Assistant:\\n'  + message.content}}{% endif %}{% if loop.last and add_generation_prompt %}{{ '### Assistant:\\n' }}{% endif %}{% endfor %}""",
    "dbrx": """{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% elif 'system' not in messages[0]['role'] %}{% set loop_messages = messages %}{% set system_message = 'D.
Line two.' %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in loop_messages %}{% if loop.index0 == 0 %}{% if system_message != false %}{{ '<|im_start|>system
' + system_message | trim + '<|im_end|>
'}}{% endif %}{{ '<|im_start|>' + message['role'] + '
' + message['content'] + '<|im_end|>' }}{% else %}{{ '
' + '<|im_start|>' + message['role'] + '
' + message['content'] + '<|im_end|>' }}{% endif %}{% if (add_generation_prompt == true and loop.last) %}{{ '
' + '<|im_start|>' + 'assistant' + '
' }}{% endif %}{% endfor %}""",
    "glm-4": """[gMASK]<sop>{% for item in messages %}{% if item['tools'] is defined %}<|system|>
{% for tool in item['tools'] %}{% if loop.index == 1 %}x{% endif %}{% endfor %}{% endif %}{% if item['content'] %}<|{{ item['role'] }}|>{{ item['metadata'] }}
{{ item['content'] }}{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}""",
    "exaone": """{% for message in messages %}{% if loop.first and message['role'] != 'system' %}{{ '[|system|][|endofturn|]\\n' }}{% endif %}{{ '[|' + message['role'] + '|]' + message['content'] }}{% if message['role'] == 'user' %}{{ '\\n' }}{% else %}{{ '[|endofturn|]\\n' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '[|assistant|]' }}{% endif %}""",
    "nemotron": """{{'<extra_id_0>System'}}{% for message in messages %}{% if message['role'] == 'system' %}{{'\\n' + message['content'].strip()}}{% if tools or contexts %}{{'\\n'}}{% endif %}{% endif %}{% endfor %}{% if tools %}{% for tool in tools %}{{ '\\n<tool> ' + tool|tojson + ' </tool>' }}{% endfor %}{% endif %}{{'\\n\\n'}}{% for message in messages %}{% if message['role'] == 'user' %}{{ '<extra_id_1>User\\n' + message['content'].strip() + '\\n' }}{% elif message['role'] == 'assistant' %}{{ '<extra_id_1>Assistant\\n' + message['content'].strip() + '\\n' }}{% endif %}{% endfor %}{%- if add_generation_prompt %}{{'<extra_id_1>Assistant\\n'}}{%- endif %}""",
}
# What templates may use and these models' do not all; also loops in loops, scopes, calls, unpacking, whitespace control.
CONSTRUCTS = [
    "{% for (v, w) in [[1, 2], [3, 4]] if v %}{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}{{ 'a' | attr(nope) }}", "{% for (v, w) in [[1, 2], [3, 4]] if v %}{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}",
    "{% set x = 1 %}{% for m in messages %}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }}",
    "{% set ns = namespace(a=1, b={'k': 2}) %}{% for m in messages %}{% for c in [1, 2] %}{% set ns.a = ns.a * 2 %}{{ loop.index }}{{ loop.depth }}{% endfor %}{{ loop.index }}{% endfor %}{{ ns.a }}{{ ns.b.k }}{{ ns.c is defined }}",
    "{% macro a(x, y=2, z=none) %}{{ x }}-{{ y }}-{{ z }}{% endmacro %}{{ a(1) }} {{ a(1, z=3) }} {{ a(x=4, y=5) }} {{ a() }}",
    "{% macro rec(n) %}{{ n }}{% if n > 0 %}{{ rec(n - 1) }}{% endif %}{% endmacro %}{{ rec(9) }}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}{% for x, y in [[1, 2], [3, 4]] %}{{ x }}{{ y }}{% endfor %}{% set (c, d) = ('x', 'y') %}{{ c ~ d }}",
    "{% for m in messages recursive %}{{ loop.index }}{% endfor %}",
    "{% set ns = namespace(a=0) %}{% set ns.a, b = 1, 2 %}{{ ns.a }}{{ b }}{% set c, ns.a = 3, 4 %}{{ ns.a }}{{ c }}{% set ns.a, (d, f), ns.b = 1, (2, 3), 4 %}{{ ns.a }}{{ d }}{{ f }}{{ ns.b }}",
    "{% set ns = namespace(a=0) %}{% for i in [1, 2] %}{% set ns.a, k = ns.a + i, i %}{{ k }}{% endfor %}{{ ns.a }}{{ k }}{% set ns.a, b %}xy{% endset %}{{ ns.a }}{{ b }}{% set ns.true, b = 1, 2 %}{{ ns.true }}",
    "{% set ns = namespace(a=0) %}{% set (ns.a, b) = 1, 2 %}", "{% set ns = namespace(a=0) %}{% set x, (b, ns.a) = 1, (2, 3) %}", "{% set ns = namespace(a=0) %}{% for ns.a, b in [[1, 2]] %}{% endfor %}",
    "{% set ns = namespace(a=0) %}{% set ns.a, = [1] %}", "{% set a, = [1] %}", "{% set a, %}x{% endset %}{{ a }}", "{% set q = {} %}{% set q.a, b = 1, 2 %}", "{% set b, q.a = 1, 2 %}", "{% set x, x.a = namespace(), 1 %}",
    "{% set ns = namespace(a=0) %}{% set ns.a, ns.b.c = 1, 2 %}", "{% set ns = namespace(a=0) %}{% set b, ns.a = 1, 2, 3 %}", "{% set true.a, b = 1, 2 %}", "{% set ns = namespace(a=0) %}{% set ns, ns.a = namespace(b=1), 1 %}{{ ns.b }}",
    "{% for a, in [[1], [2]] %}{{ a }}{% endfor %}", "{% for (a), (b, c) in [[1, [2, 3]]] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% raw %}\n  {{ a }}\n  {% endraw %}\nb{% raw -%}  c  {%+ endraw %}  d", "{% set q = 'top' %}{% macro m() %}{{ q }}{{ z is defined }}{% endmacro %}{% for z in [1] %}{% set q = 'in' %}{{ m() }}{% endfor %}{% set q = 'late' %}{{ m() }}",
    "{%+ if true %}  x{%+ endif %}\n  {%- set y = 1 -%}  \n z {{- y -}} \n w",
    "  {% if true %}\n  a\n  {% endif %}\n  {{ 'b' }}\n{# c #}\n d {#- e -#} f",
    "a\n{% if true -%}\n\n  b\n{%- endif %}\n\nc{% raw -%}\n {{ x }} {%- endraw %} d\n",
    "{{ messages[0:1] }} {{ messages[:-1] | length }} {{ messages[-1:] | map(attribute='role') | list }} {{ 'abc'[-2:] }} {{ 'abc'[::-1] }} {{ [1,2,3][1:][0] }}",
    "{{ loop is defined }}{% for m in messages %}{{ loop.previtem.role if loop.previtem is defined else '-' }}{{ loop.nextitem is defined }}{{ loop.cycle('a', 'b') }}{% endfor %}",
    "{{ messages | map(attribute='content') | map('trim') | select | join('|') }} {{ messages | map(attribute='nope', default='?') | join }} {{ messages | selectattr('content') | list | length }} {{ messages | selectattr('name', 'defined') | list }}",
    
    "{{ {'b': 1, 'a': [1, 2.0, none, true]} | tojson }} {{ {'b': 1, 'a': 2} | tojson(sort_keys=true) }} {{ [1] | tojson(separators=(',', ':')) }}",
    "{{ '\\u00e9\\x41\\t|' }} {{ \"a'b\" }} {{ 'a\\\\b' }}", "{{ 'é\u2028\\\\\"' | tojson }} {{ '</script>' | tojson }}", "{{ {'k': messages[0]} | tojson(indent=2) }}", "{{ messages }}",
    "{% if messages[0].content is not string %}x{% elif messages[0].content is not none and messages|length is gt(1) %}y{% else %}z{% endif %}", "{{ 'x' if messages[5] is defined else 'none' }}{{ messages[5].role is defined }}",
    "{% set m = messages[0] %}{% set m = dict(m, extra=1) %}{{ m.extra }}{{ m.role }}", "{% set l = [] %}{% set _ = l.append(1) %}{{ l }}", "{% set d = {} %}{% set _ = d.update({'a': 1}) %}{{ d }}", "{{ messages[0].pop('role') }}",
    "{{ 'abc'.__class__ }}", "{{ ''.format.__globals__ }}", "{{ messages.__len__() }}", "{% set x %}  {{ messages[0].role }}\n{% endset %}[{{ x }}]{{ x | trim | upper }}",
    "{% set x | upper | trim %} a {% endset %}[{{ x }}]", "{% filter indent(2) | upper %}a\nb{% endfilter %}", "{% for i in range(10) %}{% if i == 2 %}{% continue %}{% elif i > 5 %}{% break %}{% endif %}{{ i }}{% else %}e{% endfor %}",
    "{% for k, v in {'z': 1, 'a': 2} | dictsort %}{{ k }}{{ v }}{% endfor %}{% for k in {'z': 1, 'a': 2} %}{{ k }}{% endfor %}{% for c in 'abc' %}{{ c }}.{% endfor %}", "{{ ['b', 'a'] | sort(attribute=none) }} {{ [{'a': 2}, {'a': 1}] | sort(attribute='a') | map(attribute='a') | list }} {{ ['B', 'a'] | sort(case_sensitive=true) }}",
    "{{ (1, 2) + (3,) }} {{ () }} {{ (1,) }} {{ [] == () }} {{ {} }}", "{{ 'a' in messages[0] }} {{ 'role' in messages[0] }} {{ 'content' not in messages[0] }}", "{% if x is undefined or x %}u{% endif %}{{ x or 'd' }}{{ not x }}{{ x | length }}{{ x ~ 'y' }}",
    "{{ x + 'y' }}", "{{ x.y.z }}", "{{ x['y'] is defined }}{{ messages[0]['nope'] is defined }}{{ messages[0].nope }}|", "{{ messages[0].nope.deeper }}", "{% for t in nope %}x{% else %}none{% endfor %}", "{% include 'x' %}", "{% import 'x' as y %}", "{% extends 'x' %}",
    "{% do 1 %}", "{% set %}", "{{ }}", "{{ 'a' | }}", "{% if %}{% endif %}", "{% else %}", "{{ messages[ }}", "{{ {'a': } }}", "{{ f(a=1, 2) }}",
    "{{ 7 // 0 }}", "{{ 7 % 0 }}", "{{ 'a' * 'b' }}", "{{ -'a' }}", "{{ [1] < ['a'] }}", "{{ none + 1 }}", "{{ 'x' is nosuchtest }}", "{{ nosuchfunction() }}", "{{ 5() }}", "{{ 'abc'.nosuch() }}", "{{ 'a'.join(5) }}", "{{ int('5') }}", "{{ [1, 2] | join(5) }}",
    "{% generation %}\n  {{ messages[0].content }}\n{% endgeneration %}\nx", "{% for m in messages %}{% generation %}{{ loop.index }}{% set q = 1 %}{% endgeneration %}{{ q is defined }}{% endfor %}",
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
# Where a plausible interpreter and Jinja2 part: one line each, rendered once.
EDGES = [
    "{% macro f(kwargs) %}{{ kwargs }}{% endmacro %}{{ f(1, z=2) }}", "{% macro f(varargs) %}{{ varargs }}{% endmacro %}{{ f(1, 2) }}", "{% macro f(a, varargs=3) %}{{ varargs }}{% endmacro %}{{ f(1) }}",
    "{% macro f() %}{% set kwargs = 1 %}{{ kwargs }}{% endmacro %}{{ f(z=2) }}", "{% macro f() %}{% set varargs = 1 %}{{ varargs }}{% endmacro %}{{ f(2) }}",
    "{% macro f() %}{{ varargs }}{% set varargs = 1 %}{% endmacro %}{{ f(2) }}", "{% macro f() %}{% for varargs in [1] %}{{ varargs }}{% endfor %}{% endmacro %}{{ f(2) }}",
    "{% macro f(a) %}{% macro g(kwargs) %}{{ kwargs }}{% endmacro %}{{ g(2) }}{% endmacro %}{{ f(1, z=2) }}", "{% macro f(a) %}{% macro g() %}{{ kwargs }}{% endmacro %}{{ g(k=2) }}{% endmacro %}{{ f(1, z=2) }}",
    "{% macro f(a) %}{% set kwargs = 3 %}{% macro g() %}{{ kwargs }}{% endmacro %}{{ g(k=2) }}{% endmacro %}{{ f(1, z=3) }}", "{% macro kwargs() %}{{ kwargs }}{% endmacro %}{{ kwargs(a=1) }}",
    "{% macro f() %}{% set kwargs.x = 1 %}{{ kwargs }}{% endmacro %}{{ f(a=1) }}", "{% macro f(a, caller) %}{{ a }}{% endmacro %}{{ f(1, 2) }}", "{% macro f(a, caller) %}{{ caller }}{% endmacro %}{{ f(1, 2) }}",
    "{% macro f(a, caller=1) %}{{ caller }}{% endmacro %}{{ f(1, 2) }}{{ f(1) }}", "{{ [1, 2][1,] }}", "{{ {(1, 2): 5}[1, 2] }}", "{% for x in [1] %}{{ x }}{% endfor: %}", "{% set x = 1: %}",
    "{% if true: %}a{% elif false: %}b{% else: %}c{% endif %}{% for x in []: %}{% else: %}e{% endfor %}{% set y: %}q{% endset %}{{ y }}{% with a=1: %}{{ a }}{% endwith %}{% filter upper: %}u{% endfilter %}"
    "{% macro m(): %}m{% endmacro %}{{ m() }}{% call m(): %}{% endcall %}{% generation: %}g{% endgeneration %}",
    "{{ '0_x1f'|int(7, 16) }} {{ ' +0_b1 '|int(7, 16) }} {{ '0_b1'|int(7, 0) }} {{ '0x10_b'|int(7, 16) }} {{ '0x_f'|int(7, 16) }}", "{{ (-4999999999999999999)|round(-19) }} {{ 5000000000000000000|round(-19) }}",
    "{{ range(0, 9, 3)[1:] }} {{ range(9)[::-2] }} {{ range(5)[9:] }}", "{{ '\u0391\u03a3 \u0392\u0393\u03a3 a\u03a3-b\u03a3 (c\u03a3'|title }}", "{{ '\u0391\u03a3 \u0392\u0393\u03a3'.title() }}",
    "{{ '{[a]}'.format({'a': 1}) }}", "{{ '{0.a} {}'.format({'a': 1}) }}", "{{ '{} {0[a]}'.format({'a': 1}) }}", "{{ '{:{:1}}|'.format('a', 7) }}", "{{ '{:{:{}}}|'.format('a', 7, 1) }}", "{{ '{0:{1}}{}'.format('a', 7) }}",
    "{{ (-9223372036854775807 - 1) / 3 }} {{ (-9223372036854775807 - 1) / -9223372036854775807 }} {{ 9007199254740993 / 3 }}", "{{ '3\\x00'|int(7) }}{{ '3\\x00'|float(7) }}", "{% for y in [1, 2] %}{{ y }}{% for x in [] recursive %}{% else %}{% break %}{% endfor %}{% endfor %}",
    "{% for y in [1, 2] %}{{ y }}{% for x in [] %}{% else %}{% break %}{% endfor %}{% endfor %}", "{% set w = 5 %}{% macro f(v=w, w=1) %}[{{ v }}{{ w }}]{% endmacro %}{{ f() }}{{ f(w=3) }}{{ f(2) }}",
]
MESSAGES = [
    [{"role": "user", "content": "Q1"}],
    [{"role": "system", "content": " Be brief. "}, {"role": "user", "content": "Qé <b>?"}],
    [{"role": "user", "content": "Q1"}, {"role": "assistant", "content": "<think>hm</think>\n\nA1"}, {"role": "user", "content": " Q2\n"}],
    [{"role": "user", "content": ""}, {"role": "user", "content": "twice"}],
    [{"role": "system", "content": "S /think"}, {"role": "user", "content": "a\r\n\r\nb"}, {"role": "assistant", "content": "\nA "}, {"role": "user", "content": "\u4e2d {{ x }}"}],
]


def render(src, messages, prompt):
    try:
        return env().from_string(src).render(messages=messages, add_generation_prompt=prompt, bos_token="<s>", eos_token="</s>", tools=None, documents=None)
    except Exception:
        return None


def main():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "templates.jsonl"), "w") as f:
        for t in ROLES + list(MODELS.values()) + CONSTRUCTS:
            for i, m in enumerate(MESSAGES):
                f.write(json.dumps([t, m, i % 2 == 0, render(t, m, i % 2 == 0)]) + "\n")
        for t in EDGES:
            f.write(json.dumps([t, MESSAGES[0], True, render(t, MESSAGES[0], True)]) + "\n")
        for line in EXPRESSIONS.split("\n"):
            parts, depth = [], ""
            for x in line.split("|"):  # a bar with blanks around it is a filter
                depth = depth + "|" + x if depth and (depth.endswith(" ") or x.startswith(" ")) else (parts.append(depth) or x) if depth else x
            parts.append(depth)
            for x in parts:
                t = "{{ " + x.strip() + " }}"
                f.write(json.dumps([t, MESSAGES[0], True, render(t, MESSAGES[0], True)]) + "\n")


if __name__ == "__main__":
    main()
