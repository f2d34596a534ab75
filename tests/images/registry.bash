# shellcheck shell=bash
# A registry on loopback, Debian's own docker-registry, and what tests put into it.
# shellcheck disable=SC2154 # variables of bats and images.bash

# start_registry DIR [HTPASSWD-FILE]: sets $registry to its HOST:PORT.  Its log is DIR/log.
# $registry_address: where it listens, 127.0.0.1 by default.
start_registry() {
    local dir=$1 address=${registry_address:-127.0.0.1}
    mkdir -p "$dir/data"
    {
        printf 'version: 0.1\nlog: {accesslog: {disabled: false}}\n'
        printf 'storage: {filesystem: {rootdirectory: %s/data}, delete: {enabled: true}}\n' "$dir"
        printf 'http: {addr: "%s:0"}\n' "$address"
        [[ -z ${2:-} ]] || printf 'auth: {htpasswd: {realm: test, path: %s}}\n' "$2"
    } >"$dir/config.yml"
    docker-registry serve "$dir/config.yml" >"$dir/log" 2>&1 3>&- &
    registry_process=$!
    wait_until grep -q "listening on $address:" "$dir/log"
    registry=$(sed -nE 's/.*listening on ([0-9.]+:[0-9]+).*/\1/p' "$dir/log" | head -1)
    registry_log=$dir/log
}

stop_registry() {
    kill "$registry_process"
    wait "$registry_process" || :
}

# speak_plainly HOME: skopeo, podman and buildah of that home speak to the registry without TLS.
speak_plainly() {
    mkdir -p "$1/.config/containers"
    printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$registry" \
        >"$1/.config/containers/registries.conf"
    chmod -R a+rX "$1"
}

# fetched [PATTERN]: how often the registry gave out a blob (whose digest has the pattern).
fetched() {
    grep -cE "\"GET /v2/[^ ]*/blobs/sha256:[0-9a-f]*${1:-}[0-9a-f]* HTTP/1.1\" 200" "$registry_log" || :
}

# push LAYOUT[:REFERENCE] NAME:TAG [OPTION…]
push() {
    skopeo copy --quiet --dest-tls-verify=false "${@:3}" "oci:$1" "docker://$registry/$2"
}

pull() {
    lading pull --store "$store" "$@"
}

# put_manifest NAME:TAG TYPE: standard input becomes what the registry answers for that name.
put_manifest() {
    python3 -c '
import sys, urllib.request
registry, name, kind = sys.argv[1:]
repository, tag = name.rsplit(":", 1)
request = urllib.request.Request(f"http://{registry}/v2/{repository}/manifests/{tag}",
                                 sys.stdin.buffer.read(), {"Content-Type": kind}, method="PUT")
urllib.request.urlopen(request)
' "$registry" "$1" "$2"
}

# manifest_of NAME:TAG: the registry's own bytes.
manifest_of() {
    skopeo inspect --tls-verify=false --raw "docker://$registry/$1"
}
