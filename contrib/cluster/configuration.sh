# shellcheck shell=bash disable=SC2034,SC2154 # the variables are shared between the parts
# Writes the cluster's configuration: Slurm's files, users, hosts, lading's own.

readonly node_cpus=4
readonly node_memory=8000 # MB

# release_is_at_least 24.11
release_is_at_least() { [[ $(printf '%s\n%s\n' "$1" "$version" | sort -V | head -n 1) == "$1" ]]; }

write_configuration() {
    mkdir -p "$state"/{etc,identity,hosts,log,run/mysqld,home,store,spool/ctld,private}
    chmod 700 "$state/private"
    write_identity
    write_munge_key
    write_slurm_conf
    write_cgroup_conf
    write_slurmdbd_conf
    write_mariadb_conf
    write_lading
    chown slurm: "$state/spool/ctld" "$state/run/mysqld" "$state/log"
}

# Files of /etc as the hosts of the cluster see them.
write_identity() {
    local etc=$root/etc name
    {
        printf '127.0.0.1 localhost\n'
        for name in head login $(node_names); do printf '%s %s\n' "$(address_of "$name")" "$name"; done
    } | atomically "$state/identity/hosts"
    {
        grep -vE '^(alice|bob):' "$etc/passwd"
        printf 'alice:*:20001:20001:Alice:/home/alice:/bin/bash\n'
        printf 'bob:*:20002:20002:Bob:/home/bob:/bin/bash\n'
    } | atomically "$state/identity/passwd"
    {
        grep -vE '^(alice|bob|proj[123]):' "$etc/group"
        printf '%s\n' alice:x:20001: bob:x:20002: proj1:x:20011:alice proj2:x:20012:alice proj3:x:20013:bob
    } | atomically "$state/identity/group"
    printf '%s\n' alice:1000000:65536 bob:1065536:65536 | atomically "$state/identity/subuid"
    atomically "$state/identity/subgid" <"$state/identity/subuid"
    for name in alice bob; do
        [[ -d $state/home/$name ]] || cp -r "$etc/skel" "$state/home/$name"
        chmod 750 "$state/home/$name"
    done
    chown -R 20001:20001 "$state/home/alice"
    chown -R 20002:20002 "$state/home/bob"
}

write_munge_key() {
    [[ -s $state/private/munge.key ]] || head -c 128 /dev/urandom | atomically "$state/private/munge.key" 400
}

write_slurm_conf() {
    local flags=job_comment,job_env,job_script name
    ! release_is_at_least 23.02 || flags+=,job_extra
    {
        cat <<END
# Written by cluster up.
ClusterName=lading
SlurmctldHost=head($(address_of head))
SlurmUser=slurm
AuthType=auth/munge
CredType=cred/munge
StateSaveLocation=$state/spool/ctld
SlurmctldPidFile=$state/run/slurmctld.pid
SlurmctldLogFile=$state/log/slurmctld.log
SlurmdSpoolDir=$state/spool/%n
SlurmdPidFile=$state/run/slurmd-%n.pid
SlurmdLogFile=$state/log/%n.log
SlurmctldDebug=info
SlurmdDebug=info

# As sites have it: a container of processes for each job from its start, its
# adopted processes in an extern step, interactive steps for salloc.
PrologFlags=Contain
LaunchParameters=use_interactive_step
MpiDefault=none
$(write_cgroup_choices)

SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=$((node_memory / node_cpus / 4))
# A node may claim more than this machine has.
SlurmdParameters=config_overrides

# Quick to start, quick to give up.
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=1,bf_interval=1
MessageTimeout=10
KillWait=2
CompleteWait=0
SlurmdTimeout=60
InactiveLimit=0
MinJobAge=3600
ReturnToService=2
RebootProgram=/bin/false
MailProg=/bin/true

AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=head
AccountingStoreFlags=$flags
JobAcctGatherFrequency=task=5
JobCompType=jobcomp/none

END
        for name in $(node_names); do
            printf 'NodeName=%s NodeAddr=%s CPUs=%d Boards=1 SocketsPerBoard=1 CoresPerSocket=%d ThreadsPerCore=1 RealMemory=%d State=UNKNOWN\n' \
                "$name" "$(address_of "$name")" "$node_cpus" "$node_cpus" "$node_memory"
        done
        printf 'PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO\n'
    } | atomically "$state/etc/slurm.conf"
}

write_cgroup_choices() {
    # task/affinity and cpusets bind to the CPUs that a node claims: they must be there.
    local affinity=''
    [[ $(nproc --all) -lt $node_cpus ]] || affinity=,task/affinity
    if [[ $cgroup_mode == none ]]; then
        printf '%s\n' ProctrackType=proctrack/linuxproc "TaskPlugin=${affinity:+task/affinity}" \
            JobAcctGatherType=jobacct_gather/linux | sed 's/TaskPlugin=$/TaskPlugin=task\/none/'
    else
        printf '%s\n' ProctrackType=proctrack/cgroup "TaskPlugin=task/cgroup$affinity"
        if cgroups_account; then
            printf 'JobAcctGatherType=jobacct_gather/cgroup\n'
        else
            printf 'JobAcctGatherType=jobacct_gather/linux\n'
        fi
    fi
}

write_cgroup_conf() {
    local cores=no memory=no
    [[ $(nproc --all) -lt $node_cpus ]] || ! cgroups_account || cores=yes
    ! cgroups_account || memory=yes
    {
        if [[ $cgroup_mode != none ]]; then
            printf 'CgroupPlugin=cgroup/%s\n' "$cgroup_mode"
            [[ $cgroup_mode != v2 ]] || printf 'IgnoreSystemd=yes\n'
            printf '%s\n' ConstrainDevices=yes "ConstrainCores=$cores" "ConstrainRAMSpace=$memory"
        elif release_is_at_least 23.11; then
            printf 'CgroupPlugin=disabled\n'
        else
            # This slurmd loads one in any case. v1 touches nothing before it is used,
            # v2 ends slurmd on a machine that it does not like.
            printf 'CgroupPlugin=cgroup/v1\n'
        fi
    } | atomically "$state/etc/cgroup.conf"
}

write_slurmdbd_conf() {
    atomically "$state/etc/slurmdbd.conf" 600 <<END
AuthType=auth/munge
DbdHost=head
DbdAddr=$(address_of head)
SlurmUser=slurm
PidFile=$state/run/slurmdbd.pid
LogFile=$state/log/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=slurm
StorageLoc=slurm_accounting
CommitDelay=1
END
    chown slurm: "$state/etc/slurmdbd.conf"
    : >"$state/log/slurmdbd.log"
    : >"$state/log/slurmctld.log"
    chown slurm: "$state/log/slurmdbd.log" "$state/log/slurmctld.log" "$state/run"
}

# A database that nobody will miss: no waiting for the disk.
write_mariadb_conf() {
    atomically "$state/etc/mariadb.cnf" <<END
[mariadbd]
user=slurm
datadir=$state/db
socket=/run/mysqld/mysqld.sock
pid-file=/run/mysqld/mysqld.pid
log-error=$state/log/mariadb.log
skip-networking
innodb-buffer-pool-size=64M
innodb-log-file-size=32M
innodb-flush-log-at-trx-commit=0
innodb-doublewrite=0
innodb-lock-wait-timeout=900
loose-innodb-snapshot-isolation=OFF
init-file=$state/etc/mariadb.sql
END
    # The database is made here, though slurmdbd would: it makes it when its first
    # connection is refused, and connects again with the same handle, on which
    # libmariadb 11.8.9 then refuses every result (`maxmimum allowed number of
    # columns (=0)`).
    printf '%s\n' "CREATE DATABASE IF NOT EXISTS slurm_accounting;" \
        "CREATE USER IF NOT EXISTS slurm@localhost IDENTIFIED VIA unix_socket;" \
        "GRANT ALL ON slurm_accounting.* TO slurm@localhost;" | atomically "$state/etc/mariadb.sql"
    : >"$state/log/mariadb.log"
    chown slurm: "$state/log/mariadb.log"
}

write_lading() {
    local plugin
    if [[ -z $install ]]; then
        rm -f "$state/etc/plugstack.conf"
        return
    fi
    plugin=$(find_plugin)
    printf 'required %s config=%s\n' "$plugin" "$state/etc/lading.json" | atomically "$state/etc/plugstack.conf"
    chmod 755 "$state/store"
    [[ -e $state/etc/lading.json ]] ||
        printf '{ "stores": [ { "path": "%s/store" } ] }\n' "$state" | atomically "$state/etc/lading.json"
}

# The plugin's path, as the nodes see it.
find_plugin() {
    local found
    found=$(find "$root$install" -name spank_lading.so -print -quit 2>/dev/null || true)
    [[ -n $found ]] || fail "there is no spank_lading.so below $root$install" \
        "install lading there first: cmake --install BUILD --prefix ${install:-PREFIX}${root:+   (or: cluster build --suite $suite)}"
    printf '%s' "${found#"$root"}"
}
