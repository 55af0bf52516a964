#!/usr/bin/env bash
# fingerprints.sh BUILD_DIR: if an address in the configuration belongs to something other than a CEMM
# Basic or Plus, cemm says what answers there: a CEMM 3.0, a web server, a port for HTTPS. A CEMM in the
# same configuration is still read.
# shellcheck disable=SC1091,SC2154
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/certs-lib.sh"
begin "$@"
make_self_signed cert DNS:elsewhere.example >"$scratch/openssl" 2>&1

cat >"$scratch/server.py" <<'END'
import http.server, json, ssl, sys, threading
PAGE, SAID = b"<!DOCTYPE html><html></html>", b"The plain HTTP request was sent to HTTPS port"
WHO = json.dumps({"id": 1, "name": "x", "mac": "00:1e:c0:00:00:09", "version": "3.0.1", "modules": []})
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status, body = {"page": (200, PAGE), "tls": (400, SAID)}.get(self.server.kind, (404, b"none"))
        if self.server.kind == "cemm3" and self.path == "/api/v1/public/cemm":
            status, body = 200, WHO.encode()
        with lock, open("requests", "a") as log:
            log.write(self.server.kind + " " + self.path + "\n")
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *ignored):
        pass
lock = threading.Lock()
servers = []
for kind in "cemm3", "none", "page", "tls", "https":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if kind == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.kind = kind
    servers.append(server)
    threading.Thread(target=server.serve_forever).start()
    print("[local " + kind + "]\naddress = 127.0.0.1:" + str(server.server_port))
print("# ready", flush=True)
END
(cd "$scratch" && exec python3 server.py cert.pem cert.tls >fingerprints.conf) &
started $!
wait_for 20 grep -q ready "$scratch/fingerprints.conf" || { echo 'Bail out! no servers'; exit 1; }
start_sim --devices 1 --tls-cert "$scratch/cert.pem" --tls-key "$scratch/cert.tls" # HTTPS by GnuTLS
printf '[local gnutls]\naddress = %s\n' "$(sed 's|https://||; s|/.*||' <<<"$sim_cloud")" >>"$scratch/fingerprints.conf"
start_sim --devices 1 --lan 1
{
  printf '[discovery]\nenabled = no\n[archive]\ndirectory = %s/archive\n' "$scratch"
  cat "$scratch/fingerprints.conf"
  printf '[local good]\naddress = %s\n' "${sim_lan[0]}"
} >"$scratch/cemm.conf"

# reports KIND WORDS: checks that the message has WORDS and the address.
reports() {
  local address
  address=$(sed -n "/^\[local $1\]/{n;s/.* //p}" "$scratch/fingerprints.conf")
  has "$command: $1" "$err" "local $1: device information of $address: $2"
}

# asked_once KIND: whether each search asked the server at most once who it is (/api/v1/public/cemm). The
# last search may have been aborted before that.
asked_once() {
  local searches asked
  searches=$(grep -c "^$1 /open-api/v1/$" "$scratch/requests")
  asked=$(grep -c "^$1 /api/v1/public/cemm$" "$scratch/requests")
  ((asked >= 1 && asked <= searches))
}

for command in list read; do
  : >"$scratch/requests"
  exits "$command ends with 1" 1 "$build/plugin/exec/cemm" "$command" --config "$scratch/cemm.conf"
  has "$command: the CEMM is found" "$out" 00-1E-C0-00-00-01
  reports cemm3 'this is a CEMM 3.0; it has a different API, which cemm does not support'
  reports none 'a web server answers at this address, but it is not a CEMM Basic or Plus (HTTP 404)'
  reports page 'a web server answers at this address, but it is not a CEMM Basic or Plus (a web page)'
  reports tls 'this port is for HTTPS (HTTP 400)'
  for kind in https gnutls; do
    reports "$kind" 'this port is for HTTPS; a CEMM on the LAN is read over plain HTTP'
  done
  for kind in cemm3 none page; do
    check "$command: $kind is asked who it is once in each search" asked_once "$kind"
  done
  refute "$command: a server that says that its port is for HTTPS is not asked" grep -q '^tls /api' "$scratch/requests"
done
finish
