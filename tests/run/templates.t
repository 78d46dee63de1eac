#!/bin/bash
# TAP: templates whose texts are FastChat's: where its file is found, what is said where it is not, one file for all ranks; beside FastChat 0.2.36 itself
# every byte of the prompts of five of them.
cd "$(dirname "$0")/../.." || exit 1
. tests/run/run_lib.sh
python3 - "$d/model/tokenizer_config.json" <<'P' # a model without a template of its own
import json, sys
c = json.load(open(sys.argv[1]))
del c["chat_template"]
json.dump(c, open(sys.argv[1], "w"))
P
unset MTBENCH_FASTCHAT VIRTUAL_ENV CONDA_PREFIX PYTHONPATH
export HOME=$d/home
root=$PWD
mkdir -p "$d/b" "$d/home" "$d/empty"
echo '{"question_id": 7, "category": "writing", "turns": ["One?", "Two?"]}' >"$d/b/question.jsonl"
cat >"$d/messages" <<'M'
[{"role": "user", "content": "Q1"}]
[{"role": "user", "content": "Q1"}, {"role": "assistant", "content": "A1"}, {"role": "user", "content": "Q2"}]
[{"role": "user", "content": " Zwölf\r\n\n### 中 "}, {"role": "assistant", "content": ""}, {"role": "user", "content": "</s>n\n"}]
M
say() { (cd "$d/empty" && "$root/$build/mtbench" "$@" >"$d/out" 2>"$d/err"); }
prompt() { say prompt --model-path "$d/model" --data-dir "$d" --bench-name b "$@"; }

prompt --question 7 --chat-template one_shot
[ $? -eq 1 ] && grep -q 'one_shot.*fetch --only fastchat/conversation.py.*--fastchat PATH' "$d/err" && [ "$(wc -l <"$d/err")" -eq 1 ]
ok $? "without FastChat: one line with both ways"
prompt --question 7 --model-id baize-v2-13b
[ $? -eq 1 ] && grep -q '"baize-v2-13b" is baize.*fetch --only' "$d/err"; ok $? "the same where a rule chooses it"
prompt --question 7 --model-id llama-13b
[ $? -eq 1 ] && grep -q 'choose --chat-template one_shot' "$d/err"; ok $? "a model that no rule knows: how FastChat's own fallback is said"
mkdir -p "$d/other/fastchat"
cat >"$d/other/fastchat/conversation.py" <<'P'
register_conv_template(Conversation(name="one_shot", system_message="A lamp.", roles=("Human", "Assistant"), sep="\n### ", stop_str="###"))
P
prompt --question 7 --chat-template one_shot --fastchat "$d/other"
[ $? -eq 1 ] && grep -q "$d/other/fastchat/conversation.py: line 1: .*of one_shot is another than in FastChat 0.2.36; .*FILE.jinja" "$d/err"
ok $? "another FastChat's one_shot is refused with its place"
prompt --question 7 --chat-template one_shot --fastchat "$d/nowhere"
[ $? -eq 1 ] && grep -q -- "--fastchat $d/nowhere: no conversation.py there" "$d/err"; ok $? "a folder that is not there"
prompt --question 7 --chat-template vicuna_v1.1 --fastchat "$d/nowhere"; ok $? "which nobody asks for where nothing of it is needed"

if python=$(tests/peers/venv judge 2>/dev/null); then
    own=$("$python" -c 'import fastchat, os; print(os.path.dirname(fastchat.__file__))')
    for t in one_shot baize open-orca openbuddy Nous-Hermes-2-Mixtral-8x7B-DPO; do
        prompt --messages "$d/messages" --chat-template "$t" --fastchat "$own" &&
            "$python" tests/peers/fastchat_prompts.py "$t" "$d/messages" >"$d/want" 2>"$d/err" &&
            python3 -c "import json, sys; sys.exit([json.loads(l)['prompt'] for l in open('$d/out')] != [json.loads(l) for l in open('$d/want')])"
        ok $? "$t: three prompts, every byte FastChat's"
    done
    mkdir -p "$d/fastchat" && cp "$own/conversation.py" "$d/fastchat"
    prompt --question 7 --model-id baize-v2-13b && grep -q "template baize: its text is read from $d/fastchat/conversation.py, SHA-256 65ce1cbc5cdd" "$d/err"
    ok $? "what lies in the data folder is found, and said"
    for ranks in 1 2; do
        (cd "$d/empty" && timeout 600 mpirun --oversubscribe -n "$ranks" "$root/$build/mtbench" answer --model-path "$d/model" --model-id "pythia-$ranks" \
            --data-dir "$d" --bench-name b --max-new-token 8 --threads 1 --temperature 0 >"$d/out$ranks" 2>"$d/err") || sed 's/^/# /' "$d/err"
    done
    [ "$(grep digest "$d/out1")" = "$(grep digest "$d/out2")" ] && [ "$(grep -c 'text is read from' "$d/err")" -eq 1 ] &&
        grep -q '"template": *"one_shot 1b7c704028933c21' "$d/b/model_answer/pythia-2.manifest" &&
        grep -q '"template_text": *".*/fastchat/conversation.py, SHA-256 65ce1cbc' "$d/b/model_answer/pythia-2.manifest"
    ok $? "two ranks read it once, answer alike, and the manifest says whose text it was"
    mkdir -p "$d/mirror/fastchat" "$d/fetched" && cp "$own/conversation.py" "$d/mirror/fastchat"
    say fetch --manifest "$root/data/pregenerated.txt" --data-dir "$d/fetched" --only fastchat/conversation.py --from "$d/mirror" &&
        cmp -s "$own/conversation.py" "$d/fetched/fastchat/conversation.py"
    ok $? "fetch brings it from a folder"
    echo >>"$d/mirror/fastchat/conversation.py"
    rm "$d/fetched/fastchat/conversation.py"
    say fetch --manifest "$root/data/pregenerated.txt" --data-dir "$d/fetched" --only fastchat/conversation.py --from "$d/mirror"
    [ $? -eq 2 ] && [ ! -e "$d/fetched/fastchat/conversation.py" ]; ok $? "and nothing else under its name"
else
    ok 0 "FastChat itself # SKIP the package fschat cannot be installed from PyPI here"
fi
echo "1..$n"
exit $bad
