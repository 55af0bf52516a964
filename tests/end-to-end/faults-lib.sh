# shellcheck shell=bash disable=SC2034,SC2154
# Every fault that the simulator knows by name, and what it must come to. To be sourced after lib.sh.

# ---- what each fault must come to: the reader's errno (0: none); the program's exit is 1 with one
# and 0 without. Why, in the words that are said.
readonly table='
status=200          0
status=204          EIO          unexpected answer: HTTP 204
status=301          EIO          unexpected answer: HTTP 301
status=400          EIO          unexpected answer: HTTP 400
status=401          EACCES       HTTP 401
status=403          EACCES       HTTP 403
status=404          ENOENT       HTTP 404
status=408          ETIMEDOUT    HTTP 408
status=412          ENOENT       HTTP 412
status=429          EIO          HTTP 429
status=500          EIO          unexpected answer: HTTP 500
status=502          EIO          HTTP 502
status=503          EIO          HTTP 503
busy                EIO          too many requests (HTTP 429)
down                EIO          out of service for now (HTTP 503)
redirect            EIO          unexpected answer: HTTP 302
redirect-http       EIO          unexpected answer: HTTP 302
redirect-port=9     EIO          unexpected answer: HTTP 302
redirect-round      EIO          unexpected answer: HTTP 302
promise-forever     ETIMEDOUT    did not come in time
stall               ETIMEDOUT    no answer in time
stall-in-header     ETIMEDOUT    no answer in time
stall-before-body   ETIMEDOUT    no answer in time
stall-in-body       ETIMEDOUT    no answer in time
drip                ETIMEDOUT    no answer in time
delay=50            0
reset               EHOSTUNREACH closed the connection without an answer
reset-at-once       EHOSTUNREACH connection broke
reset-before-body   EHOSTUNREACH connection broke
reset-in-header     EHOSTUNREACH connection broke
reset-in-body       EHOSTUNREACH connection broke
close-in-header     EIO          does not fit
truncate            EIO          cut off
no-length           0
length-short        EIO          does not fit
length-long         EIO          cut off
length-4g           EIO          4 MiB
length-negative     EIO          not HTTP
length-word         EIO          not HTTP
chunked             0
chunk-cut           EIO          cut off
chunk-bad           EHOSTUNREACH connection broke
no-http             EIO          not HTTP
no-header           EIO          not HTTP
long-header         EIO          header
zipped              0
html                EIO          does not fit
html-type           0
empty               EIO          does not fit
garbage             EIO          does not fit
huge                EIO          4 MiB
endless             EIO          4 MiB
deep                EIO          does not fit
null                EIO          does not fit
array               EIO          does not fit
text                EIO          does not fit
number              EIO          does not fit
bom                 EIO          does not fit
trailing            EIO          does not fit
comment             EIO          does not fit
no-data             EIO          does not fit
data-null           EIO          does not fit
data-number         EIO          does not fit
data-nested         EIO          does not fit
data-list           EIO          does not fit
time-negative       EIO          does not fit
time-zero           EIO          does not fit
time-in-seconds     EIO          does not fit
time-far            EIO          does not fit
time-beyond         EIO          does not fit
time-null           EIO          does not fit
time-text           EIO          does not fit
time-fraction       EIO          does not fit
clock-ahead         0
clock-behind        0
disorder            0
value-nan           EIO          does not fit
value-infinite      EIO          does not fit
value-huge          EIO          does not fit
value-text          EIO          does not fit
value-null          0
value-true          EIO          does not fit
value-list          EIO          does not fit
pair-short          EIO          does not fit
pair-empty          EIO          does not fit
pair-long           EIO          does not fit
pair-object         EIO          does not fit
key-twice           EIO          does not fit
name-slash          0
name-dots           0
name-newline        0
name-nul            EIO          does not fit
name-quote          0
name-long           0
name-empty          0
bad-utf8            EIO          does not fit
uid-absurd          EIO          does not fit
uid-twice           EIO          does not fit
many-channels       EIO          does not fit
many-devices        EIO          does not fit
many-samples        EIO          4 MiB
'

errno_words() {
  case $1 in
    0) ;;
    EIO) echo 'Input/output error' ;;
    EACCES) echo 'Permission denied' ;;
    ENOENT) echo 'No such file or directory' ;;
    ETIMEDOUT) echo 'Connection timed out' ;;
    EHOSTUNREACH) echo 'No route to host' ;;
  esac
}

# A new fault must be given its row.
every_fault_has_a_row() {
  diff <("$sim" --help | sed -n '/^A fault acts/,/^The log/p' | awk '/^  [a-z]/ { sub(/=.*/, "", $1); print $1 }' | sort -u) \
    <(awk 'NF { sub(/=.*/, "", $1); print $1 }' <<<"$table" | sort -u)
}
