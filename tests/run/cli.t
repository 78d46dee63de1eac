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
echo "1..$n"
exit $bad
