#!/usr/bin/env bats
# Images of other tools, run by their paths: each is that image, with its own environment.
# may skip: apptainer is in sid alone
# shellcheck disable=SC2154 # the variables of environment.bash
load environment.bash

setup_file() {
    export FORMATS=$LADING_CLUSTER_DIR/formats
    rm -rf "$FORMATS"
    mkdir -p "$FORMATS/root"/{bin,etc,srv}
    chmod 755 "$FORMATS"
    printf 'image of a test\n' >"$FORMATS/root/etc/name"
    local program file
    for program in sh cat; do
        cp "$(readlink -f "$(command -v $program)")" "$FORMATS/root/bin/$program"
        for file in $(ldd "$FORMATS/root/bin/$program" | grep -o '/[^ ]*'); do
            mkdir -p "$FORMATS/root${file%/*}"
            cp -L "$file" "$FORMATS/root$file"
        done
    done
    pack plain.sqsh
}

teardown_file() {
    rm -rf "$LADING_CLUSTER_DIR/formats"
}

# pack FILE: what is in the root now, as a squashfs.
pack() {
    mksquashfs "$FORMATS/root" "$FORMATS/$1" -noappend -quiet -no-progress
}

# sif FILE [KEY=VALUE…]
sif() {
    python3 "$repository/tests/images/archives.py" sif "$FORMATS/$1" "$FORMATS/plain.sqsh" "${@:2}"
}

# runs_as_itself FILE: it is that image; prints what it makes of its environment.
runs_as_itself() {
    # shellcheck disable=SC2016 # for the shell in the container
    # A directory of the node's that no image has, so that the image's own counts.
    run alice srun --chdir="$LADING_CLUSTER_DIR" --container="$FORMATS/$1" \
        sh -c 'cat /etc/name; echo "greeting: $GREETING in $PWD"'
    ended 0
    has "image of a test"
}

# Is no image of these tests open any more?
nobody_serves() {
    local server
    for server in $(pgrep -x squashfuse); do
        [[ $(readlink "/proc/$server/fd/3") != "$FORMATS"/* ]] || return 1
    done
}

# with_site JSON COMMAND…: runs with these keys added to the site's configuration.
with_site() {
    local keys=$1 config=$LADING_CLUSTER_DIR/etc/lading.json failed=
    shift
    cp "$config" "$BATS_TEST_TMPDIR/lading.json"
    jq ". + $keys" "$BATS_TEST_TMPDIR/lading.json" >"$config"
    "$@" || failed=yes
    cp "$BATS_TEST_TMPDIR/lading.json" "$config"
    [[ -z $failed ]]
}

@test "a squashfs file and a directory are run as they are" {
    runs_as_itself plain.sqsh
    runs_as_itself root
}

@test "a SIF is run in place, with the environment and directory of what it was built from" {
    sif oci.sif 'oci={"Env":["GREETING=hello sif"],"WorkingDir":"/srv"}'
    runs_as_itself oci.sif
    has "greeting: hello sif in /srv"
}

@test "a SIF is mounted by the kernel where the site trusts users' files, else by squashfuse" {
    sif plain.sif
    # Without squashfuse the kernel must have done it, and without loop devices for whole files.
    with_site '{"image_files":{"mount":"kernel"},"squashfuse":"/no/such"}' runs_as_itself plain.sif
    with_site '{"squashfuse":"/no/such"}' run alice srun --container="$FORMATS/plain.sif" true
    ended 125
    has "/no/such"
}

@test "the labels of a SIF are in the job's record" {
    sif labels.sif 'labels={"org.example.team":"sif"}'
    job=$(alice sbatch --parsable --wait -o /dev/null --container="$FORMATS/labels.sif" --wrap true)
    wait_for 10 bash -c "LADING_CLUSTER_DIR=$LADING_CLUSTER_DIR '$repository/contrib/cluster/cluster' exec -- lading record $job | grep -q org.example.team=sif"
}

@test "a SIF that apptainer wrote is run, with the environment of its definition file" {
    admin sh -c 'command -v apptainer' || skip "apptainer is in sid alone"
    admin tee "$FORMATS/real.def" >/dev/null <<END
Bootstrap: scratch
%files
    $FORMATS/root/* /
%labels
    org.example.team real
%environment
    export GREETING="hello apptainer"
END
    admin apptainer build --force "$FORMATS/real.sif" "$FORMATS/real.def"
    runs_as_itself real.sif
    has "greeting: hello apptainer"
    admin lading import "$FORMATS/real.sif" real:1 --store "$LADING_CLUSTER_DIR/store"
    run admin lading inspect real:1
    has "org.example.team=real"
    has "Bootstrap: scratch"
    admin lading rm real:1 --store "$LADING_CLUSTER_DIR/store"
}

@test "a SIF that is encrypted, holds an ext3 or lies of its size does not start, and says why" {
    sif encrypted.sif fs=5
    sif ext3.sif fs=2
    sif wild.sif
    # The offset of the system partition, in the first descriptor.
    printf '\xff\xff\xff\xff\xff\xff\xff\x7f' |
        dd of="$FORMATS/wild.sif" bs=1 seek=$((4096 + 17)) conv=notrunc status=none
    for case in "encrypted:is encrypted" "ext3:ext3 file system" "wild:damaged SIF"; do
        run alice srun --container="$FORMATS/${case%%:*}.sif" true
        ended 125
        has "${case#*:}"
    done
    nodes_are_idle
}

@test "an image of Charliecloud's has the environment that its Dockerfile set" {
    mkdir "$FORMATS/root/ch"
    printf 'GREETING=hello charlie\n' >"$FORMATS/root/ch/environment"
    printf '{"cwd": "/srv", "labels": {}}' >"$FORMATS/root/ch/metadata.json"
    pack ch.sqsh
    runs_as_itself ch.sqsh
    has "greeting: hello charlie in /srv"
    runs_as_itself root
    has "greeting: hello charlie in /srv"
    rm -r "$FORMATS/root/ch"
}

@test "an image of enroot's has the environment and directory that its /etc/rc was made from" {
    printf 'GREETING=hello enroot\n' >"$FORMATS/root/etc/environment"
    # shellcheck disable=SC2016 # as enroot writes it
    printf '%s\n' 'mkdir -p "/srv" 2> /dev/null' 'cd "/srv" && unset OLDPWD || exit 1' \
        'touch /srv/never' >"$FORMATS/root/etc/rc"
    pack enroot.sqsh
    rm "$FORMATS/root/etc/environment" "$FORMATS/root/etc/rc"
    runs_as_itself enroot.sqsh
    has "greeting: hello enroot in /srv"
}

@test "what Shifter and Sarus keep beside an image is its environment" {
    cp "$FORMATS/plain.sqsh" "$FORMATS/id.squashfs"
    printf 'FORMAT: squashfs\nWORKDIR: /srv\nENV: GREETING=hello shifter\n' >"$FORMATS/id.meta"
    runs_as_itself id.squashfs
    has "greeting: hello shifter in /srv"
    printf '{"WorkingDir":"/srv","Env":["GREETING=hello sarus"]}' >"$FORMATS/id.meta"
    runs_as_itself id.squashfs
    has "greeting: hello sarus in /srv"
}

@test "a user's image gives no rights: neither its set-user-id programs nor its devices" {
    mknod -m 666 "$FORMATS/root/zero" c 1 5
    cp "$FORMATS/root/bin/cat" "$FORMATS/root/bin/root-cat"
    chmod 4755 "$FORMATS/root/bin/root-cat"
    pack plain.sqsh
    sif hostile.sif
    for image in root plain.sqsh hostile.sif; do
        run alice srun --container="$FORMATS/$image" cat /zero
        ended 1
        has "Permission denied"
        run alice srun --container="$FORMATS/$image" root-cat /proc/self/status
        ended 0
        has "Uid:	$(admin id -u alice)	$(admin id -u alice)	$(admin id -u alice)"
    done
    rm "$FORMATS/root/zero" "$FORMATS/root/bin/root-cat"
    pack plain.sqsh
}

@test "a user's image whose tables point anywhere ends the step, and nothing stays behind" {
    for offset in 32 48 64 72 80; do
        cp "$FORMATS/plain.sqsh" "$FORMATS/wild.sqsh"
        printf '\xff\xff\xff\xff\xff\xff\xff\x7f' |
            dd of="$FORMATS/wild.sqsh" bs=1 seek=$offset conv=notrunc status=none
        run alice timeout 60 srun --container="$FORMATS/wild.sqsh" cat /etc/name
        ended 125
        has "lading:"
    done
    nodes_are_idle
    wait_for 10 nobody_serves
}

@test "archives and layouts are not run by their paths, and the message says how" {
    tar -C "$FORMATS/root" -cf "$FORMATS/root.tar" .
    mkdir -p "$FORMATS/layout"
    touch "$FORMATS/layout/oci-layout" "$FORMATS/layout/index.json"
    for image in root.tar layout; do
        run alice srun --container="$FORMATS/$image" true
        ended 125
        has "lading import $FORMATS/$image NAME"
    done
}
