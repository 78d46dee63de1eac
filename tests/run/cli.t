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
run() { timeout 600 "$mtb" "$@" >"$d/out" 2>"$d/err" </dev/null; rc=$?; }
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
ids() { sed -E 's/.*"question_id": ?(-?[0-9]+).*/\1/' "$answers/$1.jsonl" | tr '\n' ' '; }

# ---- verbs ----
run; [ $rc -eq 1 ] && grep -q '^usage: mtbench VERB' "$d/out"; ok $? "no verb: the verbs, exit 1"
for words in --help -h help "answer --help" "gen_model_answer.py -h" "help prompt" "answer --bogus --help" "answer --model-id --help"; do
    run $words; [ $rc -eq 0 ] && grep -q '^usage: mtbench' "$d/out" && [ ! -s "$d/err" ]; ok $? "$words: help on stdout, exit 0"
done
for words in "gen_model_answer answer" "gen_judgment judge" "show_result show" "compute_agreement agree" "clean_judgment clean_judgment" "qa_browser browse"; do
    run "${words% *}.py" --help; [ $rc -eq 0 ] && grep -q "^usage: mtbench ${words#* }" "$d/out"; ok $? "FastChat's ${words% *}.py means ${words#* }"
done
run --version
missing=
for what in mtbench build mpi cuda cublas nccl hdf5 curl tls cpu; do grep -q "^$what " "$d/out" || missing+=" $what"; done
[ $rc -eq 0 ] && [ -z "$missing" ]; ok $? "--version names what it was built from$missing"
said=$(grep -c '^cublas .*--matmul cublas' "$d/out")
run answer --matmul cublas --device cuda --bench-name smoke --model-path /none --model-id x
[ "$said" -eq 0 ] && grep -q 'this build has no' "$d/err" || { [ "$said" -eq 1 ] && ! grep -q 'this build has no' "$d/err"; }; ok $? "it says of --matmul cublas what answer does: $(tail -1 "$d/err")"
refused 'did you mean answer' anser
refused 'did you mean gen_model_answer' gen_model_anser.py
refused 'did you mean qa_browser' qa_brower.py
refused '"": unknown verb' ""
for words in --help --version "answer --help" bogus; do
    timeout 600 mpirun --oversubscribe -n 2 "$mtb" $words >"$d/out" 2>"$d/err"
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
refused 'none of the' answer --model-path x --model-id x --data-dir "$d/data" --bench-name b --question-begin 3 --question-end 2
a=(answer --model-path "$d/model" --model-id x --data-dir "$d/data" --bench-name b --chat-template vicuna_v1.1)
refused 'did you mean --max-new-token' "${a[@]}" --max-new-tokne 3
refused 'could be --num-gpus-per-model or --num-gpus-total' "${a[@]}" --num-gpus 2
refused 'top-k 4294967296' "${a[@]}" --top-k 4294967296
refused 'num-gpus-total 4294967297' "${a[@]}" --num-gpus-total 4294967297
refused 'max-gpu-memory lots' "${a[@]}" --max-gpu-memory lots
refused 'seed 99999999999999999999: more than' "${a[@]}" --seed 99999999999999999999
refused 'seed 1x: not a whole number' "${a[@]}" --seed 1x
refused 'takes no value' "${a[@]}" --quiet=1
refused 'model-id "": is empty' "${a[@]}" --model-id=
refused 'model-path: empty' "${a[@]}" --model-path=
refused 'data-dir: empty' "${a[@]}" --data-dir ""
refused 'needs a value' "${a[@]}" --seed --fresh
refused 'a word where a flag' "${a[@]}" word

# ---- the answer file ----
answer form --quiet --num-choices 3 --max-new-token 40 --temperature 1
line='\{"question_id": [0-9]+, "answer_id": "[2-9A-HJ-NP-Za-km-z]{22}", "model_id": "form", "choices": \[(\{"index": [0-9]+, "turns": \["[ -~]*", "[ -~]*"\]\}(, )?){3}\], "tstamp": [0-9]+\.[0-9]+\}'
[ "$(grep -cxE "$line" "$answers/form.jsonl")" -eq 5 ] && grep -q '\\u' "$answers/form.jsonl"; ok $? "five lines in FastChat's form: keys, order, separators, ASCII"
if command -v python3 >/dev/null; then
    python3 - "$answers/form.jsonl" >"$d/out" 2>"$d/err" <<'PY'
import json, sys
for line in open(sys.argv[1], newline=""):
    record = json.loads(line)
    assert json.dumps(record) + "\n" == line, line
    assert [type(record[k]) for k in record] == [int, str, str, list, float], record
    assert [c["index"] for c in record["choices"]] == [0, 1, 2]
PY
    ok $? "json.dumps writes the same bytes"
else
    skip "no python3 here"
fi
answer sampler --quiet --first-n 1 --top-p 0.9 --min-p 0.05 --repetition-penalty 1.1
grep -q '"temperature": 0.7, "top_k": 50, "top_p": 0.9, "min_p": 0.05, "repetition_penalty": 1.1,' "$answers/sampler.journal"; ok $? "the journal has the sampler in the user's numbers"
answer merge --quiet --first-n 1
printf '{"question_id": 9, "note":"old"}\n{"question_id": 1, "note": "replaced"}\n{"question_id":-2}\n{"question_id": 9, "note":"newer"}\n' >"$answers/merge.jsonl"
chmod 640 "$answers/merge.jsonl" && mv "$answers/merge.jsonl" "$d/elsewhere.jsonl" && ln -s "$d/elsewhere.jsonl" "$answers/merge.jsonl"
answer merge --quiet --question-end 2
[ "$(ids merge)" = "-2 1 2 9 " ] && [ "$(tail -1 "$answers/merge.jsonl")" = '{"question_id": 9, "note":"newer"}' ] && ! grep -q replaced "$answers/merge.jsonl"
ok $? "old lines stay as they are, the last per question, in order of ids"
[ -L "$answers/merge.jsonl" ] && [ "$(stat -c %a "$d/elsewhere.jsonl")" = 640 ]; ok $? "a link stays a link, the mode stays the mode"
answer x --quiet --first-n 1 --answer-file "$d/new/dir/there.jsonl"; [ $rc -eq 0 ] && grep -qx "wrote     $d/new/dir/there.jsonl" "$d/out" && [ -s "$d/new/dir/there.jsonl" ]
ok $? "--answer-file in folders that are made"
(cd "$d" && answer x --quiet --first-n 1 --answer-file here && [ $rc -eq 0 ] && [ -s here ] && [ -s here.journal ]); ok $? "--answer-file without a folder and a suffix"
answer same --quiet --first-n 1 --answer-file=; [ $rc -eq 0 ] && [ -s "$answers/same.jsonl" ]; ok $? "--answer-file= means the default"
mkfifo "$d/pipe.jsonl"; mkdir "$d/folder.jsonl"; echo 'no JSON' >"$d/broken.jsonl"; echo '{"question_id": 1e300}' >"$d/odd.jsonl"
refused 'pipe.jsonl: is not a file' "${a[@]}" --answer-file "$d/pipe.jsonl"
refused 'folder.jsonl: is not a file' "${a[@]}" --answer-file "$d/folder.jsonl"
refused 'broken.jsonl: another program made' "${a[@]}" --answer-file "$d/broken.jsonl"
refused 'odd.jsonl: another program made' "${a[@]}" --answer-file "$d/odd.jsonl"
[ ! -e "$d/pipe.journal" ] && [ ! -e "$d/broken.journal" ] && [ "$(cat "$d/broken.jsonl")" = 'no JSON' ]; ok $? "... before any work, and nothing is touched"
answer all --quiet --fresh --first-n 1 && answer all --quiet --fresh --first-n 1
[ $rc -eq 0 ] && grep -q ' 2/2 .* 16 tokens' "$d/out" && [ "$(wc -l <"$answers/all.journal.old2")" -eq 3 ] && [ "$(wc -l <"$answers/all.jsonl.old2")" -eq 1 ] &&
    [ "$(wc -l <"$answers/all.jsonl")" -eq 1 ] && [ -s "$answers/all.jsonl.old1" ]; ok $? "--fresh answers again, the old files are put aside under numbers, nothing is mixed"
answer all --quiet --first-n 1; [ $rc -eq 0 ]; ok $? "... and the next start goes on with the new ones"
mkdir "$answers/all.journal.old3"; answer all --quiet --fresh --first-n 1
[ $rc -eq 0 ] && [ -s "$answers/all.journal.old4" ] && [ -s "$answers/all.jsonl.old4" ] && [ ! -e "$answers/all.jsonl.old3" ]; ok $? "... all files of one number, which is free for all of them"
rm "$answers/all.journal"; answer all --quiet --first-n 1
[ $rc -eq 1 ] && said 'all.jsonl: another program made these answers' && said 'use another --model-id, or --fresh'; ok $? "answers without a journal are not taken over"
answer all --quiet --fresh --first-n 1; [ $rc -eq 0 ] && [ -s "$answers/all.jsonl.old5" ] && [ ! -e "$answers/all.journal.old5" ]; ok $? "... --fresh keeps them under a number"
mkdir -p "$d/dä tä" && cp -r "$d/data/b" "$d/dä tä/名" && cp -r "$d/model" "$d/dä tä/mødel"
run answer --model-path "$d/dä tä/mødel" --model-id 'é 名' --chat-template zero_shot --data-dir "$d/dä tä" --bench-name 名 --first-n 1 --max-new-token 4 --quiet
[ $rc -eq 0 ] && grep -q '"model_id": "\\u00e9 \\u540d"' "$d/dä tä/名/model_answer/é 名.jsonl"; ok $? "names and folders beyond ASCII"

# ---- streams ----
answer quiet --quiet --first-n 1
[ "$(sed -E 's/ .*//' "$d/out" | tr '\n' ' ')" = "answers wrote digest energy cut " ] && [ ! -s "$d/err" ]; ok $? "--quiet: five lines on stdout, nothing on stderr"
answer loud --verbose --first-n 1 --dtype float16
[ "$(wc -l <"$d/out")" -eq 5 ] && grep -q 'dtype' "$d/err" && grep -q '^mtbench: memory of a rank' "$d/err" && ! grep -q $'\e' "$d/err"; ok $? "--verbose: more on stderr, no escape codes into a file"
c=(answer --model-path "$d/model" --chat-template vicuna_v1.1 --data-dir "$d/data" --bench-name b --max-new-token 8 --first-n 1 --threads 1)
"$mtb" "${c[@]}" --model-id closed >&- 2>"$d/err"; rc=$?
[ $rc -eq 1 ] && [ -s "$answers/closed.jsonl" ] && ! grep -vq '^{' "$answers/closed.journal"; ok $? "stdout closed: exit 1, the files are whole"
"$mtb" "${c[@]}" --model-id closed3 <&- >&- 2>&-; [ -s "$answers/closed3.jsonl" ] && ! grep -vq '^{' "$answers/closed3.journal" "$answers/closed3.jsonl"
ok $? "all three closed: the files are whole"
env -i PATH="$PATH" ${ASAN_OPTIONS:+ASAN_OPTIONS="$ASAN_OPTIONS"} "$mtb" "${c[@]}" --model-id bare >"$d/out" 2>"$d/err"; ok $? "an empty environment"
answer logged --quiet --first-n 1 --log-dir "$d/logs/here"
[ $rc -eq 0 ] && grep -q '^20[0-9T:-]*Z memory of a rank' "$d"/logs/here/mtbench.*.0.log && [ ! -s "$d/err" ]; ok $? "--log-dir: a file per rank, in a folder that is made"
refused 'log-dir.*cannot create the folder' "${a[@]}" --log-dir "$d/out/below-a-file"

# ---- prompt ----
p=(prompt --model-path "$d/model" --chat-template vicuna_v1.1 --data-dir "$d/data" --bench-name b)
run "${p[@]}" --question 2 --verbose
[ $rc -eq 0 ] && grep -qxE '\{"prompt": "A chat .* USER: Say a\. ASSISTANT:", "ids": \[[0-9, ]+\], "stop_ids": \[2\]\}' "$d/out"; ok $? "prompt --question"
run "${p[@]}" --question 2 --turn 2 --answer 'Ä "b"' --top-logits 2 --quiet
[ $rc -eq 0 ] && grep -qE 'Say a\. ASSISTANT: \\u00c4 \\"b\\"</s>USER: Say b\. ASSISTANT:".*"top": \[\[[0-9]+, -?[0-9.e-]+\], \[[0-9]+, -?[0-9.e-]+\]\], "top_texts": \[".*", ".*"\]\}$' "$d/out"
ok $? "prompt --turn 2 --answer --top-logits"
printf '"ab"\n"\\u540d"' >"$d/text"
run "${p[@]}" --text "$d/text"; [ $rc -eq 0 ] && [ "$(tr '\n' ' ' <"$d/out")" = '{"ids": [14, 15]} {"ids": [11]} ' ]; ok $? "prompt --text, a last line without its end"
printf '[{"role": "user", "content": "a"}]\n[{"role": "user"}]\n' >"$d/messages"
run "${p[@]}" --messages "$d/messages"; [ $rc -eq 1 ] && [ "$(wc -l <"$d/out")" -eq 1 ] && said 'messages:2: message 1 lacks'; ok $? "prompt --messages: what is right before what is not"
refused 'give one of them' "${p[@]}"
refused 'give one of them' "${p[@]}" --question 1 --text "$d/text"
refused 'question 77: is not in' "${p[@]}" --question 77
refused 'turn 2: needs the answers' "${p[@]}" --question 1 --turn 2
refused 'threads 100000' "${p[@]}" --question 1 --threads 100000

# ---- models in the hub cache ----
commit=0123456789abcdef0123456789abcdef01234567 hub=$d/hf/hub
mkdir -p "$hub/models--org--tiny/refs" "$hub/models--org--tiny/snapshots/$commit" "$hub/models--org--tiny/blobs" "$d/cache"
for f in "$d"/model/*; do
    cp "$f" "$hub/models--org--tiny/blobs/" && ln -s "../../blobs/${f##*/}" "$hub/models--org--tiny/snapshots/$commit/${f##*/}"
done
printf %s $commit >"$hub/models--org--tiny/refs/main"; echo $commit >"$hub/models--org--tiny/refs/v2"; ln -s "$d/hf" "$d/cache/huggingface"
for where in HF_HOME="$d/hf" HF_HUB_CACHE="$hub" HUGGINGFACE_HUB_CACHE="$hub" XDG_CACHE_HOME="$d/cache" "HF_HOME=~/hf"; do
    (export "$where"; HOME=$d run "${p[@]}" --model-path org/tiny --text "$d/text"; [ $rc -eq 0 ] && [ "$(wc -l <"$d/out")" -eq 2 ])
    ok $? "a hub id by ${where%%=*}"
done
export HF_HOME=$d/hf
for revision in main v2 $commit; do run "${p[@]}" --model-path org/tiny --revision $revision --text "$d/text"; ok $rc "--revision $revision"; done
refused 'revision v3 of it is not in the hub cache' "${p[@]}" --model-path org/tiny --revision v3 --text "$d/text"
refused 'org/none: no such file or folder' "${p[@]}" --model-path org/none --text "$d/text"
(cd "$d/cache" && run gen_model_answer.py --model-path org/tiny --model-id vicuna-x --bench-name b --data-dir ../data --max-new-token 4 --first-n 1 --quiet && [ $rc -eq 0 ] &&
    grep -qx 'wrote     ../data/b/model_answer/vicuna-x.jsonl' "$d/out"); ok $? "from another folder, the template by FastChat's rules"

# ---- failures ----
long=$(printf 'a%.0s' {1..300})
mkdir "$d/data/long"
printf '{"question_id": 1, "category": "math", "turns": ["a", "b"]}\n{"question_id": 2, "category": "math", "turns": ["%s", "b"]}\n' "$long" >"$d/data/long/question.jsonl"
failing=(answer --model-path "$d/model" --chat-template zero_shot --data-dir "$d/data" --bench-name long --max-new-token 4 --threads 1)
run "${failing[@]}" --model-id some; [ $rc -eq 2 ] && grep -q '^answers *2/4 turns *2 failed ' "$d/out" && said 'question 2, choice 0, turn 1: '
ok $? "a turn that fails takes the next one along, exit 2"
run "${failing[@]}" --model-id some --max-error-rate 0.5; ok $rc "--max-error-rate that allows for both: exit 0"
run "${failing[@]}" --model-id some --max-error-rate 0.4; [ $rc -eq 2 ]; ok $? "... that allows for one only: exit 2"
! grep -q '"question_id": 2' "$d/data/long/model_answer/some.jsonl"; ok $? "a failed turn is no answer"

# ---- verbs without a job, launched as several tasks ----
launched() { timeout 600 mpirun --oversubscribe -n 3 "$mtb" "$@" >"$d/out" 2>"$d/err"; }
launched "${p[@]}" --text "$d/text"; [ "$(wc -l <"$d/out")" -eq 2 ]; ok $? "prompt speaks once under mpirun"
for v in "show --data-dir $d/none" "agree --judges gpt4-pair human --votefiles $d/none" "clean_judgment --infile $d/none"; do
    # shellcheck disable=SC2086
    launched $v; [ "$(grep -c '^mtbench: ' "$d/err")" -eq 1 ]; ok $? "${v%% *} speaks once: $(grep -m 1 '^mtbench: ' "$d/err" | cut -c1-90)"
done
echo "1..$n"
exit $bad
