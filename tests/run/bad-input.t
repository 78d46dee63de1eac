#!/bin/bash
# TAP: what is wrong with the input is said in one line that names the place and what to do, from one rank and from two, without a hang,
# and what earlier runs finished stays as it was. Models are spoiled copies of tiny ones (tests/tools/spoil_models.py).
cd "$(dirname "$0")/../.." || exit 1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_odls_base_sigkill_timeout=0 OMPI_MCA_btl=self,vader OMPI_MCA_pml=ob1
# Sanitizers: MPI itself keeps what it allocated.
export ASAN_OPTIONS=detect_leaks=0
program=build/${VARIANT:-release}/mtbench
d=$(mktemp -d) || exit 1
mounted=()
trap 'for m in "${mounted[@]}"; do umount "$m" 2>/dev/null; done; rm -rf "$d"' EXIT
n=0 bad=0
ok() { # status, text
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; fi
}
m=$d/models
mkdir "$m" && python3 tests/tools/spoil_models.py "$m" || exit 1
questions='{"question_id": 1, "category": "math", "turns": ["how many", "and why"]}
{"question_id": 2, "category": "writing", "turns": ["tell me more", "go on"]}
{"question_id": 3, "category": "math", "turns": ["add it", "now halve it"]}
{"question_id": 4, "category": "stem", "turns": ["what is it", "what else"]}'

# answer RANKS FLAGS...: with the good model unless a flag says otherwise (the last one counts)
answer() {
    local ranks=$1 start=(timeout 60) session
    shift
    session=$(mktemp -d "$d/s.XXX")       # Open MPI's default place is shared, and runs that end remove it while others begin
    [ "$ranks" -gt 1 ] && start+=(mpirun --oversubscribe -n "$ranks")
    OMPI_MCA_orte_tmpdir_base=$session "${start[@]}" "$program" answer --model-path "$m/good" --model-id kept --bench-name q --max-new-token 6 --threads 1 --quiet "$@"
}
digest() { sed -n 's/^digest *//p'; }

# What an earlier run left: must stay as it is, whatever goes wrong later.
for r in 1 2; do mkdir -p "$d/$r/q" && echo "$questions" >"$d/$r/q/question.jsonl"; done
want=$(answer 1 --data-dir "$d/1" 2>&1 | digest)
[ ${#want} -eq 64 ]; ok $? "the good model answers: digest $want"
cp -r "$d/1/q/model_answer" "$d/2/q/"
cp -r "$d/1/q/model_answer" "$d/kept"
unharmed() { diff -r "$d/kept" "$d/$1/q/model_answer" >&2; }

# The verdict on one run: exit code 1, one line of ours that says WHERE: WHAT; WHAT TO DO with 'words' in it, nothing on stdout, no answers harmed.
verdict() { # ranks, exit code, words, out, err
    local ranks=$1 rc=$2 words=$3 line
    line=$(grep '^mtbench: ' "$5")
    [ "$rc" -eq 1 ] || { echo "exit code $rc, not 1: $(head -3 "$5")"; return 1; }
    [ "$(grep -c . <<<"$line")" -eq 1 ] || { echo "$(grep -c . <<<"$line") lines, not 1: $(head -3 "$5")"; return 1; }
    grep -qE '^mtbench: [^;]+: [^;]+; .+' <<<"$line" || { echo "not WHERE: WHAT; WHAT TO DO: $line"; return 1; }
    grep -qE -- "$words" <<<"$line" || { echo "does not say $words: $line"; return 1; }
    [ "$ranks" -eq 1 ] || ! grep -q '(rank [^0]' <<<"$line" || { echo "another rank than the first speaks: $line"; return 1; }
    [ ! -s "$4" ] || { echo "something on stdout: $(head -1 "$4")"; return 1; }
    unharmed "$ranks" 2>/dev/null || { echo "the answers of an earlier run were touched"; return 1; }
    sed 's/ (rank 0 on [^)]*)//' <<<"$line"
}

# refused WORDS FLAGS...: from one and from two ranks; the words are an extended regular expression. As case $n, for the file of its result.
case_refused() {
    local words=$1 r said good="ok" out=$d/case.$n
    shift
    for r in 1 2; do
        answer $r --data-dir "$d/$r" "$@" >"$out.out" 2>"$out.err" </dev/null
        said=$(verdict $r $? "$words" "$out.out" "$out.err") || { good="not ok"; echo "# $r ranks: $said"; }
    done
    echo "$good $n - refused: ${said:0:160}"
}
refused() {
    n=$((n + 1))
    case_refused "$@" >"$d/result.$n" &
    waiting+=($n)
    [ $((${#waiting[@]} % at_once)) -ne 0 ] || collect
}
# Wait for the cases that run, and print their results in order.
collect() {
    local i
    wait
    for i in "${waiting[@]}"; do
        cat "$d/result.$i"
        grep -q '^ok ' "$d/result.$i" || bad=1
    done
    waiting=()
}
waiting=() at_once=6
model() { refused "$2" --model-path "$m/$1"; }

# ---- safetensors ----
model st_cut_body 'st_cut_body/model.safetensors: tensor .* the file has .* cut short'
model st_cut_header 'st_cut_header/model.safetensors: header claims'
model st_cut_prefix 'only 3 bytes'
model st_empty 'only 0 bytes'
model st_header_beyond_file 'header claims 1099511627776 bytes'
model st_header_all_ones 'header claims 18446744073709551615 bytes'
model st_header_oversized 'a header of 157286400 bytes'
model st_header_no_json 'the header is no JSON object'
model st_header_list 'the header is no JSON object'
model st_offsets_beyond_file 'down_proj.weight: ends at byte'
model st_offsets_backward 'down_proj.weight: data_offsets'
model st_offsets_wrong_size 'down_proj.weight: 64 bytes for a shape that needs 4096'
model st_shape_overflow 'down_proj.weight: its dimensions are impossible'
model st_shape_negative 'down_proj.weight: its dimensions are impossible'
model st_shape_other 'down_proj.weight has the shape 64 x 32, the configuration needs 32 x 64'
model st_dtype_f8 'down_proj.weight: dtype F8_E4M3 is not supported'
model st_dtype_i64 'model.norm.weight: dtype I64 is not supported'
model st_tensor_missing 'tensor model.layers.0.mlp.down_proj.weight is missing'
model shard_missing 'names model-00003-of-00007.safetensors, which is not in the folder'
model shard_unlisted 'one of 7 files of a model'
model no_weights 'no_weights: no .safetensors, .bin or .gguf file with weights'

# ---- GGUF ----
model gguf_cut_body.gguf 'gguf_cut_body.gguf: tensor .* do not lie in the file'
model gguf_cut_tensors.gguf 'gguf_cut_tensors.gguf: header claims'
model gguf_cut_keys.gguf 'gguf_cut_keys.gguf: header claims'
model gguf_cut_magic.gguf 'the file has 3'
model gguf_empty.gguf 'the file has 0'
model gguf_magic.gguf 'does not begin with "GGUF"'
model gguf_version.gguf 'GGUF version 77'
model gguf_big_endian.gguf 'GGUF version 50331648'
model gguf_tensors_huge.gguf 'claims 1152921504606846976 tensors'
model gguf_tensors_many.gguf 'claims 524288 tensors'
model gguf_keys_huge.gguf '1152921504606846976 keys'
model gguf_keys_more.gguf 'header claims|is unknown'
model gguf_string_huge.gguf 'header claims 1152921504606846976 bytes'
model gguf_array_huge.gguf 'array of 4611686018427387904 items'
model gguf_align.gguf 'general.alignment 24'
model gguf_offset_beyond.gguf 'token_embd.weight: .* do not lie in the file'
model gguf_offset_wraps.gguf 'token_embd.weight: .* do not lie in the file'
model gguf_dims_overflow.gguf 'token_embd.weight: its dimensions are impossible'
model gguf_dims_many.gguf 'token_embd.weight: 9 dimensions'
model gguf_type_unknown.gguf 'token_embd.weight: type 10 of ggml is not supported'
model gguf_tensor_missing.gguf 'tensor blk.1.ffn_down.weight is missing'
model gguf_name_hostile.gguf 'is none that this program uses'
model gguf_arch.gguf 'general.architecture "mamba" is not supported'

# ---- configuration, vocabulary, template ----
model arch_unknown 'config.json: architecture MambaForCausalLM is not supported'
model arch_none 'config.json: architecture \(none given\)'
model config_broken 'config.json: no JSON object'
model config_missing 'no config.json'
model config_lies 'shape 96 x 32, the configuration needs 96 x 64'
model config_huge 'the number of layers is 2000000000'
model config_scaling 'rope_scaling type "longrope"'
model generation_broken 'generation_config.json: no JSON object'
model tokenizer_missing 'tokenizer_missing: .*tokenizer.json'
model tokenizer_broken 'tokenizer.json: no valid JSON'
model tokenizer_unknown '"WordPiece" is not supported'
model gguf_no_vocabulary.gguf 'tokenizer.ggml.tokens is missing'
model gguf_scores_missing.gguf 'tokenizer.ggml.scores'
model gguf_vocab_kind.gguf 'tokenizer.ggml.model "bert" is not supported'
model gguf_types_few.gguf 'token_type: '
model template_none 'chat template: the model has none'
model template_broken 'chat template line 1'
model template_raises 'question 1, turn 1: chat template line 1: .*no such role'
model template_second_turn 'question 1, turn 2: chat template line 1: .*one turn only'
model template_loops 'question 1, turn 1: chat template line 1: more than .* does it loop for ever'
model template_loops_deep 'question 1, turn 1: chat template line 1: more than .* does it loop for ever'
model template_recurses 'question 1, turn 1: chat template line 1: nested more than'
model template_floods 'question 1, turn 1: chat template line 1: more than [0-9]* '
refused 'no such file or folder' --model-path "$m/nothing"
refused '--chat-template.*cannot open' --chat-template "$m/nothing.jinja"
refused '--chat-template nothing: no such template' --chat-template nothing

# ---- questions ----
bench() { # words, question file on stdin
    local bad=bad$((n + 1))
    mkdir -p "$d/1/$bad" "$d/2/$bad" && cat >"$d/1/$bad/question.jsonl" && cp "$d/1/$bad/question.jsonl" "$d/2/$bad/"
    refused "$1" --bench-name "$bad"
}
one='{"question_id": 1, "category": "math", "turns": ["a"]}'
bench '/question.jsonl:2: no valid JSON' <<<"$one"$'\n{"question_id": 2, "turns": '
bench '/question.jsonl:3: question_id 1 was used before' <<<"$one"$'\n\n'"$one"
bench '/question.jsonl:2: more text after' <<<"$one"$'\n'"$one$one"
bench '/question.jsonl:1: no "turns"' <<<'{"question_id": 1, "category": "math"}'
bench '/question.jsonl:1: "turns" is empty' <<<'{"question_id": 1, "category": "math", "turns": []}'
bench '/question.jsonl:1: "turns" is no list of strings' <<<'{"question_id": 1, "category": "math", "turns": ["a", 2]}'
bench '/question.jsonl:1: no "category"' <<<'{"question_id": 1, "turns": ["a"]}'
bench '/question.jsonl:1: no whole number "question_id"' <<<'{"question_id": "1", "category": "math", "turns": ["a"]}'
bench '/question.jsonl:3: question_id 1 was used before' <<<"$one"$'\n{"question_id": 2, "category": "math", "turns": ["a"]}\n'"$one"
bench '/question.jsonl:2: byte 50 is no UTF-8' < <(printf '%s\n{"question_id": 2, "category": "math", "turns":["\xe9t\xe9"]}\n' "$one")
bench '/question.jsonl:1: ' < <(printf '{"question_id": 1, "category": "math", "turns": ["a\0b"]}\n')
bench '/question.jsonl: no questions in it' </dev/null
refused '--bench-name nothing: .*nothing/question.jsonl: cannot open' --bench-name nothing

# ---- command line ----
refused '--question-begin' --question-begin 4
refused 'leaves none of the 4 questions' --question-begin 3 --question-end 1
refused '--first-n: leaves none' --first-n -4
refused '--num-gpus-total 6: is not a multiple' --num-gpus-total 6 --num-gpus-per-model 4
refused '--num-gpus-total 0' --num-gpus-total 0
refused '--dtype int8' --dtype int8
refused '--tolerate-lost-ranks: is not there.*MPI' --tolerate-lost-ranks
refused '--max-new-token' --max-new-token 0
refused '--max-new-token few: not a whole number' --max-new-token few
refused '--model-path' --model-pth x
refused '--model-id' --model-id ../b

# ---- an earlier run under the same id (one at a time: each locks the journal) ----
collect
at_once=1
refused 'model_header_sha256 was .* and is ' --model-path "$m/good_f32"
refused 'model_(header_)?sha256 was .* and is ' --model-path "$m/good_other"
refused 'sampler was .*top_k 50.* and is .*top_k 7' --top-k 7
refused 'sampler was .*by category.* and is temperature 0.5' --temperature 0.5
echo '{{ bos_token }}{% for m in messages %}{{ m.content }}{% endfor %}' >"$d/other.jinja"
refused 'template was own .* and is file ' --chat-template "$d/other.jinja"
refused 'seed was 0 and is 5' --seed 5
refused 'max_new_token was 6 and is 7' --max-new-token 7
for r in 1 2; do
    mkdir -p "$d/$r/changed" && sed 's/halve/double/' "$d/$r/q/question.jsonl" >"$d/$r/changed/question.jsonl"
    mkdir "$d/$r/changed/model_answer" && cp "$d/kept/kept.journal" "$d/$r/changed/model_answer/"
done
refused 'question 3 was answered when its line read otherwise' --bench-name changed
cmp -s "$d/kept/kept.journal" "$d/1/changed/model_answer/kept.journal"; ok $? "a changed question: the journal is as it was"
collect
# A record damaged in the middle is told with its place and made again, whatever rank answers; what is sound before and behind it stays as it is.
for r in 1 2; do
    mkdir -p "$d/$r/hurt/model_answer" && cp "$d/$r/q/question.jsonl" "$d/$r/hurt/"
    sed '3s/"status"/"stat/' "$d/kept/kept.journal" >"$d/$r/hurt/model_answer/kept.journal"
    cp "$d/$r/hurt/model_answer/kept.journal" "$d/before"
    got=$(answer $r --data-dir "$d/$r" --bench-name hurt 2>"$d/err" | digest)
    [ "$got" = "$want" ] && [ "$(grep -c '^mtbench: ' "$d/err")" -eq 1 ] && grep -q 'hurt/model_answer/kept.journal:3: the journal is damaged here: ' "$d/err"
    ok $? "$r ranks, a damaged record: told, and the same digest: $(grep -m 1 '^mtbench: ' "$d/err" | cut -c 1-150)"
    cmp -s -n "$(stat -c %s "$d/before")" "$d/before" "$d/$r/hurt/model_answer/kept.journal" &&
        [ "$(wc -l <"$d/$r/hurt/model_answer/kept.journal")" -le $(($(wc -l <"$d/before") + 2)) ]
    ok $? "  the journal's other records are kept, and at most the turns of that conversation made again"
done

# ---- places that cannot be written ----
touch "$d/a-file"
refused 'a-file/x.*: ' --answer-file "$d/a-file/x/y.jsonl"
refused 'a-file/y.journal: cannot ' --answer-file "$d/a-file/y.jsonl"
mkdir "$d/a-folder.jsonl" "$d/b.journal"
refused 'a-folder.jsonl: is not a file' --answer-file "$d/a-folder.jsonl"
refused 'b.journal: cannot ' --answer-file "$d/b.jsonl"
mkdir "$d/ro"
if mount -t tmpfs -o ro none "$d/ro" 2>/dev/null; then
    mounted+=("$d/ro")
    refused 'ro/x.journal: cannot write: Read-only' --answer-file "$d/ro/x.jsonl"
else
    n=$((n + 1)); echo "ok $n # SKIP this user cannot mount a read-only file system"
fi

# ---- a full disk: turns that were finished stay, a run with more room goes on ----
whole_lines() { python3 -c 'import json, sys; [json.loads(l) for l in open(sys.argv[1])]' "$1"; }
# A run stopped for lack of room; 'room' makes some, and the next run goes on.
resumes() { # ranks, folder, turns that were kept at least, room
    local had out
    had=$(($(wc -l <"$2/kept.journal") - 1))
    cp "$2/kept.journal" "$d/before"
    whole_lines "$2/kept.journal"; ok $? "  every line of the journal is whole"
    [ "$had" -ge "$3" ] && [ "$had" -le 8 ]; ok $? "  $had of 8 turns were kept"
    $4
    out=$(answer "$1" --data-dir "$d/1" --answer-file "$2/kept.jsonl" 2>/dev/null)
    [ "$(digest <<<"$out")" = "$want" ]; ok $? "  with room, $1 ranks go on to the same digest"
    cmp -s -n "$(stat -c %s "$d/before")" "$d/before" "$2/kept.journal"; ok $? "  and no finished turn was answered again"
}
more_room() { mount -o remount,size=1m "$d/disk"; }
journal_pages=$((($(stat -c %s "$d/kept/kept.journal") + 4095) / 4096))
mkdir "$d/disk"
for r in 1 2; do
    # journal: too small for it; answers: it fits, the answer file does not
    for what in journal answers; do
        pages=1 words='kept.journal: cannot write: No space left' turns=2
        [ $what = answers ] && pages=$journal_pages words='kept.jsonl: cannot write: No space left' turns=8
        mount -t tmpfs -o size=$((pages * 4))k none "$d/disk" 2>/dev/null || { n=$((n + 1)); echo "ok $n # SKIP this user cannot mount a tiny file system"; continue; }
        mounted+=("$d/disk")
        answer $r --data-dir "$d/$r" --answer-file "$d/disk/kept.jsonl" --max-batch 1 >"$d/out" 2>"$d/err"
        said=$(verdict $r $? "$words" "$d/out" "$d/err"); ok $? "$r ranks, no room for the $what: $said"
        [ -z "$(ls "$d/disk" | grep -v '^kept.journal$')" ]; ok $? "  no half file is left"
        resumes $((3 - r)) "$d/disk" $turns more_room
        umount "$d/disk"
    done
done
mkdir "$d/limit"
(ulimit -f 4; answer 1 --data-dir "$d/1" --answer-file "$d/limit/kept.jsonl" --max-batch 1 >"$d/out" 2>"$d/err"); rc=$?
said=$(verdict 1 $rc 'kept.journal: cannot write: File too large' "$d/out" "$d/err"); ok $? "a limit on file sizes: $said"
resumes 2 "$d/limit" 2 true
answer 1 --data-dir "$d/1" >/dev/full 2>"$d/err"; rc=$?
: >"$d/out"
said=$(verdict 1 $rc 'stdout: cannot write the results' "$d/out" "$d/err"); ok $? "no room behind stdout: $said"

# ---- tokens that the embedding has no row for, and that nothing says ----
for name in vocab_larger gguf_vocab_larger.gguf; do
    answer 1 --data-dir "$d/1" --model-path "$m/$name" --answer-file "$d/larger-$name.jsonl" 2>&1 | grep -q '^answers *8/8 turns *0 failed'
    ok $? "$name: a tokenizer may have more tokens than the embedding has rows"
done

# ---- two runs on one answer file ----
mkdir "$d/two"
answer 1 --data-dir "$d/1" --answer-file "$d/two/kept.jsonl" --num-choices 5000 --max-batch 4 >"$d/first" 2>&1 & first=$!
for _ in $(seq 6000); do [ "$(cat "$d/two/kept.journal" 2>/dev/null | wc -l)" -gt 4 ] && break; sleep 0.1; done
for r in 1 2; do
    answer $r --data-dir "$d/$r" --answer-file "$d/two/kept.jsonl" --fresh >"$d/out" 2>"$d/err"
    said=$(verdict $r $? 'two/kept.journal: another run .process [1-9][0-9]*.' "$d/out" "$d/err"); ok $? "$r ranks beside another run: $said"
done
kill -TERM "$(pgrep -P $first)"; wait $first; rc=$?
[ $rc -eq 75 ]; ok $? "the first run was not disturbed, and stops when told to (exit $rc)"
[ ! -e "$d/two/kept.journal.old1" ] && whole_lines "$d/two/kept.journal"; ok $? "its journal is whole and in its place"

unharmed 1 && unharmed 2; ok $? "after all this: the answers of the earlier run are as they were"
echo "1..$n"
exit $bad
