#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-3-Clause
# Images of tools that have a format, or a convention, of their own: their configuration comes along.
# shellcheck disable=SC2154,SC2030,SC2031,SC2317 # variables of images.bash; each test is a subshell

setup() {
    load images
    common_setup
}

# configured NAME FILTER: the image's configuration is so, by jq.
configured() {
    lading inspect "$1" --store "$store" --json >document
    jq -e ".config | $2" document >/dev/null || {
        echo "not so: $2"
        jq .config document
        return 1
    }
}

@test "a SIF is imported with labels, definition file, architecture and environment" {
    make_root root
    mksquashfs root root.sqsh -quiet -no-progress
    archives sif image.sif root.sqsh $'definition=Bootstrap: docker\nFrom: atse\n' arch=04 \
        'metadata={"data":{"attributes":{"labels":{"team":"atse"}}},"type":"container"}' \
        'oci={"Env":["GREETING=hello sif"],"WorkingDir":"/srv"}'
    import image.sif atse:1
    same "$(archives list root)" "$(listing_of atse:1)"
    configured atse:1 '.labels.team == "atse" and .architecture == "arm64" and
        .environment == ["GREETING=hello sif"] and .workdir == "/srv"'
    run -0 lading inspect atse:1 --store "$store"
    [[ $output == *"definition    Bootstrap: docker"*"From: atse"* ]]
    chmod 600 image.sif
    import image.sif closed:1
    [[ $(digest_of closed:1) == "$(digest_of atse:1)" ]]
}

@test "a SIF of Singularity's has its labels in an object of their own" {
    mkdir -p root/bin
    mksquashfs root root.sqsh -quiet -no-progress
    archives sif image.sif root.sqsh 'labels={"team":"atse"}'
    import image.sif atse:1
    configured atse:1 '.labels == {"team": "atse"}'
}

@test "what ch-image builds is the same image as squashfs, tar and directory, with its environment" {
    mkdir -p root/bin root/etc
    printf 'hello\n' >root/bin/hello
    printf 'FROM base\nENV GREETING="hello charlie"\nWORKDIR /srv\n' >Dockerfile
    # Not in git, which wants a name and an address; Debian's python3 has its libraries.
    export CH_IMAGE_STORAGE=$work/charliecloud USER=${USER:-root} PATH=/usr/bin:/bin:$PATH
    ch-image import --no-cache root base
    ch-image build --no-cache -t atse .
    ch-convert atse atse.sqfs
    ch-convert atse atse.tar.gz
    ch-convert -o dir atse directory
    import atse.sqfs squash:1
    import atse.tar.gz tar:1
    import directory dir:1
    for image in squash:1 tar:1 dir:1; do
        configured "$image" '.environment == ["GREETING=hello charlie"] and .workdir == "/srv"'
        [[ $(content_of "$image" bin/hello) == hello ]]
        same "$(names_in "$image")" "$(names_in dir:1)"
    done
}

@test "an image of enroot's has what its /etc/environment and /etc/rc were made from" {
    mkdir -p root/etc
    printf 'PATH=/opt/bin:/usr/bin\nGREETING=hello enroot\n' >root/etc/environment
    # shellcheck disable=SC2016 # as enroot 3.4 writes it
    printf '%s\n' '# org.example.team atse' '' 'mkdir -p "/srv/my data" 2> /dev/null' \
        'cd "/srv/my data" && unset OLDPWD || exit 1' '' 'exec "$@"' >root/etc/rc
    mksquashfs root image.sqsh -quiet -no-progress
    for source in image.sqsh root; do
        import "$source" atse:1
        configured atse:1 '.environment == ["PATH=/opt/bin:/usr/bin", "GREETING=hello enroot"] and
            .workdir == "/srv/my data" and .labels == {"org.example.team": "atse"}'
    done
}

@test "lading check knows what a squashfs, a SIF and a directory say of themselves, as a step will" {
    mkdir -p root/etc
    # shellcheck disable=SC2016 # as enroot 3.4 writes it
    printf '%s\n' '# org.supercontainers.mpi mpich' '' 'mkdir -p "/srv" 2> /dev/null' \
        'cd "/srv" && unset OLDPWD || exit 1' >root/etc/rc
    mksquashfs root image.sqsh -quiet -no-progress
    archives sif image.sif image.sqsh
    for image in image.sqsh image.sif root; do
        run -0 lading check "$work/$image"
        [[ $output == *"MPICH, by label"* ]]
    done
    archives sif other.sif image.sqsh arch=11
    run -6 lading check "$work/other.sif"
    [[ $output == *"built for s390x"* ]]
}

@test "an image of Shifter's or Sarus's has what the file beside it says" {
    mkdir -p root/bin
    mksquashfs root id.squashfs -quiet -no-progress
    printf 'FORMAT: squashfs\nWORKDIR: /srv\nENV: GREETING=hello shifter\n' >id.meta
    import id.squashfs shifter:1
    configured shifter:1 '.environment == ["GREETING=hello shifter"] and .workdir == "/srv"'
    printf '{"Cmd":["x"],"WorkingDir":"/srv","Env":["GREETING=hello sarus"]}' >id.meta
    store=$work/other
    import id.squashfs sarus:1
    configured sarus:1 '.environment == ["GREETING=hello sarus"] and .command == ["x"]'
    printf '{ no json' >id.meta
    run -5 import id.squashfs bad:1
    [[ $output == *"the file beside the image is not valid JSON"* ]]
}

@test "what an OCI configuration says is not mended by files of the image" {
    archives tar layer.tar "dir ch" "file ch/environment A=b" "dir bin"
    archives layout layout 1 amd64 layer.tar
    import layout atse:1 --arch amd64
    configured atse:1 '.environment == ["PATH=/usr/bin", "GREETING=hello"]'
}
