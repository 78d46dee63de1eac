#!/usr/bin/env python3
"""tests/golden/conversations.jsonl: FastChat's own prompts and its choice of templates (package fschat 0.2.36, given as a folder it was unpacked
into, on PYTHONPATH; needs torch and transformers for its imports). Lines:
  ["prompt", template, [turns], bytes, first 16 hex digits of SHA-256]     turns: user, assistant, user ...; an open assistant slot follows
  ["stop", template, [strings], [token ids]]                               what ends or cuts an answer
  ["rule", model id or path, template]                                     FastChat's conversation template of that name, one_shot where it falls back
Only for the templates that src/text/conversation_table.c carries, as far as this release of FastChat has them, and for names that its later rules
(llama-3, gemma, olmo ...) do not touch."""
import hashlib, itertools, json, os, re
from fastchat.conversation import conv_templates, get_conv_template
from fastchat.model.model_adapter import get_model_adapter

HERE = os.path.dirname(os.path.abspath(__file__))
DIALOGS = [["Q1"], ["Q1", "A1", "Q2"], ["Q1", "", "Q2"], [" Q\r\n\r\n1\n\n\n\nx ", "A 1\n\n\n", "é 中\n"], ["### x", "</s>", "<n>n"]]
# Rules that came after 0.2.36, by substring, and rules for models without weights.
LATER = ["llama-3", "gemma", "olmo", "reka", "consistency-llm", "yandexgpt", "grok", "smaug", "command-r", "dbrx", "athene", "bard", "gemini", "palm", "gpt-", "claude", "pplx", "p2l", "llava"]
MODELS = """vicuna-7b-v1.5 vicuna-13b-v1.3 vicuna-13b-v0 vicuna-33b-v1.3 Vicuna-7B-V0 stable-vicuna-13b-delta airoboros-l2-7b-gpt4-1.4.1 airoboros-l2-13b-2.1 airoboros-l2-70b-2.2.1
airoboros-l2-7b-3.0 airoboros-l2-7b-3p spicyboros-7b-2.2 airoboros-c34b-2.2 airoboros-mistral2.2-7b longchat-7b-16k longchat-13b-16k flan-t5-xl fastchat-t5-3b-v1.0 codet5p-6b koala-13b alpaca-13b chinese-alpaca-2-7b
medalpaca-7b chatglm-6b chatglm2-6b chatglm3-6b ChatGLM3-6B-32k glm-4-9b-chat codegeex2-6b dolly-v2-12b dolly-v1-6b oasst-sft-4-pythia-12b-epoch-3.5 oasst-sft-7-llama-30b OpenAssistant-SFT-7-Llama-30B-HF
llama2-13b-orca-8k-3319-oasst openchat_3.5 openchat-3.5-1210 OpenChat-3.5-0106 openchat_v2 Starling-LM-7B-alpha TenyxChat-7B-v1 stablelm-tuned-alpha-7b stablelm-zephyr-3b stablelm-2-chat baize-v2-13b rwkv-4-raven-14b rwkv-5-world
openbuddy-llama2-13b-v11.1 phoenix-inst-chat-7b mpt-7b-chat mpt-30b-chat mpt-30b-instruct mpt-7b mpt-30b prompt-tuned-x airoboros-mpt-30b BiLLa-7B-SFT RedPajama-INCITE-7B-Chat h2ogpt-gm-oasst1-en-2048-open-llama-13b h2ogpt-4096-llama2-70b-chat
robin-7b-v2 gpt4all-13b-snoozy GPT4All-J manticore-13b-chat guanaco-33b guanaco-65b-merged CAMEL-13B-Combined-Data polyglot-ko-12.8b-chang-instruct-chat polyglot-ko-5.8b tulu-30b tulu-2-dpo-70b falcon-40b-instruct falcon-180B-chat falcon-7b
tigerbot-70b-chat-v2 Baichuan-13B-Chat Baichuan2-13B-Chat Baichuan-7B baichuan2-7b-base xgen-7b-8k-inst pythia-12b internlm-chat-7b internlm2-chat-20b starchat-beta starchat-alpha Llama-2-7b-chat-hf llama-2-70b llama2-7b-chat
Llama2-Chinese-13b-Chat cutegpt-13b-ift Mistral-7B-OpenOrca OpenOrcaxOpenChat-Preview2-13B dolphin-2.2.1-mistral-7b dolphin-2.6-mixtral-8x7b dolphin-llama2-7b OpenHermes-2.5-Mistral-7B OpenHermes-2-Mistral-7B openhermes-13b
Nous-Hermes-2-Mixtral-8x7B-DPO Nous-Hermes-2-Mixtral-8x7B-SFT Nous-Hermes-2-Mistral-7B-DPO Nous-Hermes-13b Nous-Hermes-Llama2-70b Mistral-7B-Instruct-v0.1 Mistral-7B-Instruct-v0.2 Mixtral-8x7B-Instruct-v0.1 MISTRAL-7B WizardLM-13B-V1.2 WizardLM-70B-V1.0
WizardLM-30B-V1.0 WizardLM-7B-V1.0 WizardCoder-15B-V1.0 WizardCoder-Python-34B Qwen-7B-Chat Qwen1.5-72B-Chat Qwen2-7B-Instruct Qwen2.5-0.5B-Instruct qwen-14b AquilaChat-7B AquilaChat2-7B AquilaChat2-34B AquilaChat2-34B-16K AquilaChat2-7B-16K aquila-7b
bge-large-en e5-large vigogne-2-7b-chat vigogne-2-7b-instruct vigostral-7b-chat vigogne-7b open-llama-7b-open-instruct open-llama-13b ReaLM-7b-v1 realm-7b Phind-CodeLlama-34B-v2 CodeLlama-34b-Instruct-hf llama2-ko-chang-instruct-chat
zephyr-7b-beta zephyr-7b-alpha zephyr-mistral notus-7b-v1 CatPPT-base TinyLlama-1.1B-Chat-v1.0 tinyllama Xwin-LM-70B-V0.1 lemur-70b-chat-v1 pygmalion-2-13b mythalion-13b metharme-7b Orca-2-13b orca-mini-3b xDAN-L1-Chat-RL-v1 xdan-v2
Yi-34B-Chat Yi-6B yi-chat deepseek-coder-33b-instruct deepseek-llm-67b-chat deepseek-llm-7b-base deepseek-v2 Yuan2-2B-hf MetaMath-70B-V1.0 bagel-dpo-34b-v0.2 SOLAR-10.7B-Instruct-v1.0 solar-10.7b SteerLM-llama2-13B-chat steerlm-chat yuan-2b
phi-2 Phi-3-mini-4k-instruct gpt2 stories15M SmolLM2-135M-Instruct granite-3.0-8b-instruct bloomz-7b run7 checkpoint-300 llama-13b llama-7b-hf bombay""".split()
PATHS = ["lmsys/%s", "/models/%s/", "./%s/checkpoint-300", "/data/mistral-runs/%s", "%s/%s-v0", "/vicuna/v0/%s"]


def short(text):
    b = text.encode()
    return [len(b), hashlib.sha256(b).hexdigest()[:16]]


def main():
    ours = re.findall(r'\.name = "([^"]+)"', open(os.path.join(HERE, "../../src/text/conversation_table.c")).read())
    lines = []
    for name, turns in itertools.product([n for n in ours if n in conv_templates and conv_templates[n].sep_style], DIALOGS):
        c = get_conv_template(name)
        for i, text in enumerate(turns):
            c.append_message(c.roles[i % 2], text)
        c.append_message(c.roles[1], None)
        lines.append(["prompt", name, turns] + short(c.get_prompt()))
    for name in [n for n in ours if n in conv_templates]:
        c = conv_templates[name]
        lines.append(["stop", name, [c.stop_str] if isinstance(c.stop_str, str) else list(c.stop_str or []), list(c.stop_token_ids or [])])
    for i, m in enumerate(MODELS):
        for path in ["%s", PATHS[i % len(PATHS)], PATHS[(i // 2 + 3) % len(PATHS)]]:
            name = path.replace("%s", m)
            if not any(x in name.lower() for x in LATER):
                lines.append(["rule", name, get_model_adapter(name).get_default_conv_template(name).name])
    with open(os.path.join(HERE, "conversations.jsonl"), "w") as f:
        f.writelines(json.dumps(x) + "\n" for x in lines)


main()
