#!/bin/bash
# Nodes with addresses of their own: three network namespaces on a bridge, and mpirun between them. The same digest as on one node; a link that goes down
# in the middle ends the job with a line, and the next start comes to the digest; so does a run over a slow link.
cd "$(dirname "$0")/../.." && . tests/run/run_lib.sh || exit 1
skip() { echo "1..0 # SKIP $1"; exit 0; }
[ "$(id -u)" -eq 0 ] || skip "network namespaces need root"
command -v ip >/dev/null && command -v unshare >/dev/null || skip "no ip (iproute2) or unshare"
case $(mpirun --version 2>/dev/null) in *'Open MPI'*) ;; *) skip "mpirun is not Open MPI's" ;; esac
lab=mtb$$
end() { # only what is named after this process
    for k in s 1 2 3; do ip netns pids $lab$k 2>/dev/null | xargs -r kill -9; ip netns del $lab$k 2>/dev/null; done
    rm -rf "$d"
}
trap end EXIT
for k in s 1 2 3; do ip netns add $lab$k 2>/dev/null && ip -n $lab$k link set lo up || skip "this kernel or container lets nobody make network namespaces"; done
ip -n ${lab}s link add name sw0 type bridge && ip -n ${lab}s link set sw0 up || skip "no bridges in this kernel"
for k in 1 2 3; do
    ip -n ${lab}s link add name v$k type veth peer name eth0 netns $lab$k && ip -n ${lab}s link set v$k master sw0 && ip -n ${lab}s link set v$k up &&
        ip -n $lab$k addr add 10.77.0.$k/24 dev eth0 && ip -n $lab$k link set eth0 up || skip "no veth pairs in this kernel"
done
# on K COMMAND: as on node K, which has its own name, address and folder for sessions
cat >"$d/on" <<END
#!/bin/bash
k=\${1##*.}; shift
mkdir -p "$d/tmp\$k"
exec ip netns exec $lab\$k unshare --uts bash -c "hostname node\$k; export TMPDIR=$d/tmp\$k; \$*"
END
chmod +x "$d/on"
# ours FLAGS...: one rank on each node, started on the first, as a user of mpirun and ssh does
ours() {
    "$d/on" 1 "exec timeout ${limit:-300} mpirun --prefix $(dirname "$(dirname "$(command -v mpirun)")") -x MTBENCH_DEVICE -x LD_PRELOAD -x SABOTAGE \
        --mca plm_rsh_agent $d/on --mca btl_tcp_if_include eth0 --mca oob_tcp_if_include eth0 $alive --host 10.77.0.1:1,10.77.0.2:1,10.77.0.3:1 -n 3 \
        $PWD/$build/mtbench answer --model-path $d/model --data-dir $d --bench-name smoke --max-new-token 8 --num-choices 4 $*" >"$d/out" 2>"$d/err"
    rc=$?
    return $rc
}
# reach K: waits until node K reaches the first one: a bridge passes nothing on for a moment after its port came up
reach() {
    for _ in $(seq 200); do
        ip netns exec $lab$1 timeout 1 bash -c 'exec 3<>/dev/tcp/10.77.0.1/9' 2>&1 | grep -q 'Connection refused' && return
        sleep 0.1
    done
}
# mpirun and its daemons look for each other by TCP's keepalive alone, by default after five minutes.
alive="--mca oob_tcp_keepalive_time 3 --mca oob_tcp_keepalive_intvl 2 --mca oob_tcp_keepalive_probes 3"
run 1 --model-id want --num-choices 4
want=$(digest)
reach 2; reach 3
ours --model-id three --verbose
[ $rc -eq 0 ] && [ ${#want} -eq 64 ] && [ "$(digest)" = "$want" ] && grep -q 'layout: 3 ranks on 3 nodes' "$d/err"; ok $? "three nodes with addresses of their own: the same digest"

journal="$answers/lost.journal"
start=$(date +%s)
# Rank 0 stops in the flush of a first turn, when nobody has been dealt all of its questions: the link is down before any more are.
LD_PRELOAD=$PWD/$build/tests/saboteur.so SABOTAGE=0:fdatasync:2:STOP ours --model-id lost --max-batch 1 --quiet &
us=$!
stopped=
for _ in $(seq 3000); do
    stopped=$(for p in $(ip netns pids ${lab}1); do grep -qs '(mtbench) T' /proc/$p/stat && echo $p; done)
    [ -z "$stopped" ] || break
    sleep 0.02
done
ip -n ${lab}s link set v2 down
kill -CONT $stopped
wait $us; rc=$?
s=$(($(date +%s) - start))
before=$(turns "$journal")
[ $rc -ne 0 ] && [ $rc -ne 124 ] && [ $s -lt 120 ] && [ "$before" -lt 64 ] && grep -qE '^mtbench: |ORTE (has lost|was unable)' "$d/err"
ok $? "a link that goes down: the job ends ($rc) after $s s with $before turns: $(grep -E '^mtbench: |ORTE' "$d/err" | head -1)"
for k in 2 3; do ip netns pids $lab$k | xargs -r kill -9; done
ip -n ${lab}s link set v2 up
reach 2
cp "$journal" "$d/before"
ours --model-id lost --quiet
[ $rc -eq 0 ] && [ "$(digest)" = "$want" ] && [ "$(turns "$journal")" -eq 64 ] && head -n $((before + 1)) "$journal" | cmp -s - <(head -n $((before + 1)) "$d/before")
ok $? "the next start keeps the $before turns and comes to the digest"

if tc -n ${lab}2 qdisc add dev eth0 root netem delay 20ms rate 4mbit 2>/dev/null || tc -n ${lab}2 qdisc add dev eth0 root tbf rate 4mbit burst 16kb latency 50ms 2>/dev/null; then
    ours --model-id slow --quiet
    [ $rc -eq 0 ] && [ "$(digest)" = "$want" ]; ok $? "a slow link: the same digest"
else
    n=$((n + 1)); echo "ok $n # SKIP a slow link: this kernel has neither netem nor tbf"
fi
echo "1..$n"
exit $bad
