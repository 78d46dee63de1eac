#!/bin/bash
# TAP: the manual page and the completions have every verb and flag that --help prints, are good troff, and complete in a real shell.
cd "$(dirname "$0")/../.." || exit 1
unset "${!OMPI_@}" "${!PMI@}"
build=build/${VARIANT:-release} n=0 bad=0
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
ok() { n=$((n + 1)); if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; bad=1; fi; }
skip() { n=$((n + 1)); echo "ok $n # SKIP $1"; }
mtb=$build/mtbench
"$mtb" --man >"$d/mtbench.1" && "$mtb" --completion bash >"$d/bash" && "$mtb" --completion=zsh >"$d/_mtbench"; ok $? "three pages are printed"
"$mtb" --completion fish >"$d/out" 2>"$d/err"; [ $? -eq 1 ] && [ ! -s "$d/out" ] && grep -q 'give bash or zsh' "$d/err"; ok $? "a shell that is none: $(cat "$d/err")"
verbs=$("$mtb" --help | sed -n 's/^  \([a-z][a-z_-]*\) .*/\1/p' | grep -v '^mtbench$\|^exit$')
[ "$(wc -w <<<"$verbs")" -ge 12 ]; ok $? "the verbs: $(echo $verbs)"

# ---- every flag of every verb
flags() { "$mtb" "$1" --help | sed -nE 's/^  (-o, )?--([a-z0-9-]*).*/\2/p' | sort -u; }
sed 's/\\-/-/g' "$d/mtbench.1" >"$d/plain"
section() { sed -n "/^\.SS $1\$/,/^\.S[SH] /p" "$d/plain" | sed -nE 's/^(\\fB-o\\fP, )?\\fB--([^ ]*)\\fP.*/\2/p' | sort -u; }
arm() { bash -c 'source "$1"; COMP_WORDS=(mtbench "$2" --) COMP_CWORD=2; _mtbench; printf "%s\n" "${COMPREPLY[@]}"' - "$d/bash" "$1" | sed 's/^--//' | grep -v '^help$' | sort -u; }
zsh_arm() { sed -n "/^    (${1}[|)]/,/;;\$/p" "$d/_mtbench" | sed -n "s/^        '--\([a-z0-9-]*\)[=[].*/\1/p" | grep -v '^help$' | sort -u; }
all=0 missing=
for v in $verbs; do
    want=$(flags "$v"); all=$((all + $(wc -w <<<"$want")))
    [ "$want" = "$(section "$v")" ] || missing+=" man:$v"
    [ "$want" = "$(arm "$v")" ] || missing+=" bash:$v"
    [ "$want" = "$(zsh_arm "$v")" ] || missing+=" zsh:$v"
done
[ -z "$missing" ] && [ $all -gt 200 ]; ok $? "$all flags of $(wc -w <<<"$verbs") verbs are in all three$missing"
missing=
for word in $("$mtb" run --help | sed -n '/^environment:/,$s/^  \([A-Z_ ]*[A-Z]\)  .*/\1/p'); do sed 's/\\_/_/g' "$d/mtbench.1" | grep -q "\\\\fB.*$word" || missing+=" $word"; done
[ -z "$missing" ]; ok $? "and the variables that run reads$missing"

# ---- troff
if command -v groff >/dev/null; then
    said=$(groff -man -Tascii -ww -z "$d/mtbench.1" 2>&1); [ -z "$said" ]; ok $? "groff has nothing to say about it $said"
    groff -man -Tascii "$d/mtbench.1" | sed 's/\x1b\[[0-9;]*m//g; s/.\x08//g' >"$d/text"
    grep -q -- '--model-path PATH' "$d/text" && grep -q 'EXIT STATUS' "$d/text" && ! grep -q '\\' "$d/text"; ok $? "and shows flags as they are typed"
else skip "no groff: the page was not formatted"; fi
if command -v man >/dev/null; then said=$(LC_ALL=C MANROFFSEQ='' man --warnings -E UTF-8 -l -Tutf8 -Z "$d/mtbench.1" 2>&1 >/dev/null); [ -z "$said" ]; ok $? "nor has man -l $said"; else skip "no man"; fi

# ---- a real bash
complete_() { # words... : what is offered for the last one
    (cd "$d" && bash --norc -c 'source ./bash; COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _mtbench; printf "%s\n" "${COMPREPLY[@]}" | sort | tr "\n" " "' - "$@")
}
mkdir -p "$d/models/m" && touch "$d/models/w.gguf"
offers() { local want=$1 got; shift; got=$(complete_ "$@"); [ "$got" = "$want " ]; ok $? "$*: $got"; }
offers "doctor download_mt_bench_pregenerated" mtbench do
offers "--model-id --model-path" mtbench answer --model-
offers "--model-list" mtbench gen_judgment.py --model-
offers "auto none plain" mtbench run --progress ""
offers "cpu cuda" mtbench run --device=auto --device = c
offers "models/m models/w.gguf" mtbench plan --model-path models/
offers "models/m" mtbench run --log-dir models/
offers "models/m models/w.gguf" mtbench aggregate models/
offers "models/m models/w.gguf" mtbench aggregate x -o models/
[ "$(bash --norc -ic "source $d/bash; complete -p mtbench" 2>/dev/null)" = "complete -F _mtbench mtbench" ]; ok $? "it is registered for mtbench"
if command -v zsh >/dev/null; then zsh -n "$d/_mtbench"; ok $? "zsh parses its own"; else skip "no zsh: its completion was only looked through"; fi

# ---- installed
make -s install DESTDIR="$d/root" PREFIX=/usr VARIANT="${VARIANT:-release}" >"$d/out" 2>&1 && cmp -s "$d/root/usr/share/man/man1/mtbench.1" "$d/mtbench.1" &&
    cmp -s "$d/root/usr/share/bash-completion/completions/mtbench" "$d/bash" && [ -s "$d/root/usr/share/zsh/site-functions/_mtbench" ]; ok $? "make install puts them into place"
echo "1..$n"
exit $bad
