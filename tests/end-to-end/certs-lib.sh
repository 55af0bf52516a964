# shellcheck shell=bash disable=SC2154
# Makes good and bad certificates. Source it after lib.sh.
#
#   make_ca NAME                               # makes $scratch/NAME/ca.pem
#   make_cert NAME CA FROM UNTIL ALT_NAMES     # makes $scratch/NAME.pem and its key, NAME.tls
#   make_self_signed NAME ALT_NAMES            # makes the same two files

# make_ca NAME: makes a certificate authority.
make_ca() {
  local dir=$scratch/$1
  mkdir "$dir"
  : >"$dir/index"
  echo 01 >"$dir/serial"
  cat >"$dir/conf" <<END
[ca]
default_ca = here
[here]
dir = $dir
database = $dir/index
new_certs_dir = $dir
serial = $dir/serial
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
END
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/tls" -out "$dir/ca.pem" -days 30 \
    -subj "/CN=$1" -addext basicConstraints=critical,CA:TRUE
}

# make_cert NAME CA FROM UNTIL ALT_NAMES: makes a certificate that CA signs. FROM and UNTIL are times
# that `date -d` reads.
make_cert() {
  local name=$scratch/$1 ca=$scratch/$2
  openssl req -new -newkey rsa:2048 -nodes -keyout "$name.tls" -out "$name.request" \
    -subj "/CN=$1" -addext "subjectAltName=$5"
  openssl ca -batch -notext -config "$ca/conf" -cert "$ca/ca.pem" -keyfile "$ca/tls" \
    -startdate "$(asn1_time "$3")" -enddate "$(asn1_time "$4")" -in "$name.request" -out "$name.pem"
}

# make_self_signed NAME ALT_NAMES: makes a self-signed certificate.
make_self_signed() {
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$scratch/$1.tls" -out "$scratch/$1.pem" \
    -days 30 -subj "/CN=$1" -addext "subjectAltName=$2"
}

asn1_time() {
  date -u -d "$1" +%Y%m%d%H%M%SZ
}
