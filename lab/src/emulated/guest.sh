#!/bin/sh
# Second program of the guest, on the host's own files: mounts what a system needs, then runs jobs. Each lane is a pair
# of virtio-serial ports (jobs in and standard output out; standard error) that runs one job at a time. A job is a line
# `MARK BASE64`: a shell script, which runs as the first process of fresh namespaces. At its end both ports get
# `MARK STATUS`. A line `N` on the port `control` kills the job of lane N.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
die() { echo "routelet guest failed: $*"; sync; echo o >/proc/sysrq-trigger; while :; do sleep 1; done; }

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm /run/netns /run/lanes /lib/modules
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
parameter() { sed -n "s/.*\\b$1=\\([^ ]*\\).*/\\1/p" /proc/cmdline; }
mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro modules /lib/modules || die 'cannot mount the modules'
for module in virtio_console virtio_net virtio_rng virtio_blk; do modprobe "$module" || die "cannot load $module"; done
# Node comes on a disk: from 9p its 150 MB would be read page by page. It is first on the PATH.
rm -f /usr/local/bin/node
dd bs=4M iflag=count_bytes count="$(parameter routelet.node)" if=/dev/vda of=/usr/local/bin/node status=none && chmod 755 /usr/local/bin/node || die 'cannot copy Node'
hostname guest
ip link set lo up
ip link set eth0 up
# The addresses of user-mode networking: 10.0.2.2 is the loopback of the namespace that the emulator runs in.
ip address add 10.0.2.15/24 dev eth0
ip route add default via 10.0.2.2

port() {
  for name in /sys/class/virtio-ports/*/name; do
    if [ "$(cat "$name")" = "$1" ]; then
      name=${name%/name}
      echo "/dev/${name##*/}"
      return
    fi
  done
  die "there is no port $1"
}

lane() {
  exec 3<>"$(port "jobs$1")" 4<>"$(port "errors$1")"
  while read -r mark script <&3; do
    printf %s "$script" | base64 -d >"/run/lanes/$1.sh"
    # The shell that waits is the one that is killed: the namespaces end with it.
    setsid unshare --net --pid --fork --kill-child --mount-proc sh "/run/lanes/$1.sh" >&3 2>&4 3>&- 4>&- </dev/null &
    echo $! >"/run/lanes/$1.pid"
    wait $!
    status=$?
    echo "$mark $status" >&4
    echo "$mark $status" >&3
  done
}

lane_count=$(parameter routelet.lanes)
number=0
while [ "$number" -lt "$lane_count" ]; do
  lane "$number" &
  number=$((number + 1))
done
exec 3<>"$(port control)"
echo ready >&3
while read -r number <&3; do kill -KILL "$(cat "/run/lanes/$number.pid")"; done
die 'the emulator closed the control port'
