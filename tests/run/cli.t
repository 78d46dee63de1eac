#!/bin/bash
# TAP: what people type and see. Verbs, flags, streams and files of `mtbench answer` and `mtbench prompt`, on a tiny model with a
# vocabulary of its own, so that no data need be here.
cd "$(dirname "$0")/../.." || exit 1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_ess_singleton_isolated=1
unset HF_HOME HF_HUB_CACHE HUGGINGFACE_HUB_CACHE XDG_CACHE_HOME
n=0 bad=0 root=$PWD
d=$(mktemp -d)
trap 'rm -rf "$d"' EXIT
mtb=$root/mtbench
ok() { # status, text
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; sed 's/^/#   /' "$d/out" "$d/err" 2>/dev/null | head -8; bad=1; fi
}
skip() { n=$((n + 1)); echo "ok $n # SKIP $1"; }
# run WORDS...: output in $d/out and $d/err, exit code in $rc
run() { timeout 60 "$mtb" "$@" >"$d/out" 2>"$d/err" </dev/null; rc=$?; }
said() { grep -q -- "$1" "$d/err" && [ "$(grep -c '^mtbench: ' "$d/err")" -eq 1 ]; }    # one line, with these words
refused() { # words of the message, then the command line
    local word=$1
    shift
    run "$@"
    [ $rc -eq 1 ] && said "$word" && [ ! -s "$d/out" ]
    ok $? "refused: $(head -1 "$d/err" | cut -c1-140)"
}

# A model of 96 tokens: one per character, some beyond ASCII. Nothing it says makes sense, and everything must be written right.
mkdir -p "$d/model" "$d/data/b"
cp tests/golden/tiny/llama/*.json tests/golden/tiny/llama/*.safetensors "$d/model/"
characters() {
    printf '%s\n' '"<unk>"' '"<s>"' '"</s>"' '" "' '"\""' '"\\"' '"/"' '"\n"' '"\t"' '"\u007f"' '"é"' '"名"' '"😀"' '"\u2028"'
    printf '"%s"\n' {a..z} {A..Z} {0..9} . , : \? ! "'" - '<' '>' '[' ']' '{' '}' '&' '%' '$' '#' '@' '=' '+'
}
id=0 vocab=
while IFS= read -r character; do
    vocab+="${vocab:+, }$character: $id"
    id=$((id + 1))
done < <(characters)
special='"single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true'
cat >"$d/model/tokenizer.json" <<JSON
{"version": "1.0", "added_tokens": [{"id": 0, "content": "<unk>", $special}, {"id": 1, "content": "<s>", $special},
{"id": 2, "content": "</s>", $special}], "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": {"type": "Fuse"},
"model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": false, "vocab": {$vocab}, "merges": []}}
JSON
for q in "1 writing" "2 math" "3 coding" "4 roleplay" "5 stem"; do
    printf '{"question_id": %d, "category": "%s", "turns": ["Say a.", "Say b."]}\n' $q
done >"$d/data/b/question.jsonl"
answers=$d/data/b/model_answer
# answer ID FLAGS...: few tokens
answer() { local id=$1; shift; run answer --model-path "$d/model" --model-id "$id" --chat-template vicuna_v1.1 --data-dir "$d/data" --bench-name b \
    --max-new-token 8 --threads 1 "$@"; }
ids() { sed -E 's/.*"question_id": ([0-9]+).*/\1/' "$answers/$1.jsonl" | tr '\n' ' '; }

# ---- verbs ----
run; [ $rc -eq 1 ] && grep -q '^usage: mtbench VERB' "$d/out"; ok $? "no verb: the verbs, exit 1"
for words in --help -h help "answer --help" "gen_model_answer.py -h" "help prompt" "answer --bogus --help" "answer --model-id --help"; do
    run $words; [ $rc -eq 0 ] && grep -q '^usage: mtbench' "$d/out" && [ ! -s "$d/err" ]; ok $? "$words: help on stdout, exit 0"
done
run --version
missing=
for what in mtbench build mpi cuda cublas nccl hdf5 curl tls cpu; do grep -q "^$what " "$d/out" || missing+=" $what"; done
[ $rc -eq 0 ] && [ -z "$missing" ]; ok $? "--version names what it was built from$missing"
refused 'did you mean answer' anser
refused 'did you mean gen_model_answer' gen_model_anser.py
refused 'no judge yet' gen_judgment.py
refused 'no api-answer yet' gen_api_answer
refused '"": unknown verb' ""
for words in --help --version "answer --help" bogus; do
    timeout 60 mpirun --oversubscribe -n 2 "$mtb" $words >"$d/out" 2>"$d/err"
    [ "$(cat "$d/out" "$d/err" | grep -cE '^usage|^mtbench [0-9]|^mtbench: ')" -eq 1 ]; ok $? "$words on two ranks: said once"
done

# ---- flags ----
run answer --help
missing=
for flag in bench-name data-dir question-begin question-end first-n quiet verbose log-dir progress seed max-error-rate model-path model-id answer-file \
    max-new-token num-choices num-gpus-per-model num-gpus-total max-gpu-memory dtype revision device threads max-batch chat-template temperature top-p \
    top-k min-p repetition-penalty fresh; do
    grep -q -- "^  --$flag " "$d/out" || missing+=" $flag"
done
[ -z "$missing" ]; ok $? "answer has every flag of the contract$missing"
answer all --question-begin=0 --question-end 9 --num-choices 1 --num-gpus-per-model 1 --num-gpus-total 1 --max-gpu-memory 13GiB --dtype float16 \
    --revision main --first-n 0 --seed -3 --quiet
[ $rc -eq 0 ] && [ "$(ids all)" = "1 2 3 4 5 " ] && [ ! -s "$d/err" ]; ok $? "FastChat's flags, both spellings"
slice() { # wanted ids, flags...
    local want=$1 id=s$n
    shift
    answer "$id" --quiet "$@"
    [ $rc -eq 0 ] && [ "$(ids "$id")" = "$want " ]; ok $? "$*: $want"
}
slice "5" --question-begin -1
slice "3 4" --question-begin -3 --question-end -1
slice "1 2" --question-end 1 --question-end=2
slice "4 5" --question-begin 3 --question-end 99
slice "2 3" --question-begin 1 --first-n 2
slice "1 2 3" --first-n -2
slice "1" --question-begin -99 --question-end -4
refused 'leave none' answer --model-path x --model-id x --data-dir "$d/data" --bench-name b --question-begin 3 --question-end 2
a=(answer --model-path "$d/model" --model-id x --data-dir "$d/data" --bench-name b --chat-template vicuna_v1.1)
refused 'did you mean --max-new-token' "${a[@]}" --max-new-tokne 3
refused 'could be --num-gpus-per-model or --num-gpus-total' "${a[@]}" --num-gpus 2
refused 'top-k 4294967296' "${a[@]}" --top-k 4294967296
refused 'num-gpus-total 4294967297' "${a[@]}" --num-gpus-total 4294967297
refused 'max-gpu-memory lots' "${a[@]}" --max-gpu-memory lots
refused 'seed 99999999999999999999: more than' "${a[@]}" --seed 99999999999999999999
refused 'seed 1x: not a whole number' "${a[@]}" --seed 1x
refused 'takes no value' "${a[@]}" --quiet=1
refused 'model-id: empty' "${a[@]}" --model-id=
refused 'model-path: empty' "${a[@]}" --model-path=
refused 'data-dir: empty' "${a[@]}" --data-dir ""
refused 'needs a value' "${a[@]}" --seed --fresh
refused 'a word where a flag' "${a[@]}" word
echo "1..$n"
exit $bad
